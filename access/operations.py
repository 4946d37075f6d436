"""Verbs about merchants, people and roles. Each is one transaction and leaves an audit event."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from access import audit, queries
from access.models import Language, Membership, Merchant, RoleChange, Theme, User
from access.roles import Role
from core import ids
from core.actor import Actor, ActorKind
from core.errors import Conflict, Forbidden, InvalidRequest, NotFound, StaleVersion
from core.scope import Scope

MERCHANT = ids.IdKind("mer", 20, dated=False)
USER = ids.IdKind("usr", 21, dated=False)
ROLE_CHANGE = ids.IdKind("rch", 22, dated=False)

_TEMPORARY_PASSWORD_LENGTH = 16
_USERNAME_LONGEST = 100


class UsernameTaken(Conflict):
    """Somebody signs in under this name already."""

    code = "USERNAME_TAKEN"


class WeakPassword(InvalidRequest):
    """The password is too short, too common or too close to the person's name."""

    code = "WEAK_PASSWORD"


class RoleUnchanged(Conflict):
    """The person has this role already."""

    code = "ROLE_UNCHANGED"


class RoleChangePending(Conflict):
    """An earlier change of this person's role still waits for a second admin."""

    code = "ROLE_CHANGE_PENDING"


class NotYourself(Forbidden):
    """Nobody decides about his own rights."""

    code = "NOT_YOURSELF"


class SecondAdminNeeded(Forbidden):
    """Whoever asked for a change cannot confirm it."""

    code = "SECOND_ADMIN_NEEDED"


def normal_username(username: str) -> str:
    """Return the form in which user names are stored and looked up."""
    return unicodedata.normalize("NFKC", username).strip().lower()


def merchant_scope(merchant: Merchant, *, is_test: bool = False) -> Scope:
    """Return the scope of a merchant's live or test side."""
    return Scope(merchant.pk, is_test)


def create_merchant(*, name: str, by: Actor, now: datetime, business_number: str = "", public_id: str = "") -> Merchant:
    """Add a merchant."""
    with transaction.atomic():
        merchant = Merchant.objects.create(
            public_id=public_id or ids.new_id(MERCHANT, now), name=name, business_number=business_number
        )
        after = {"name": name, "businessNumber": business_number}
        scope = merchant_scope(merchant)
        audit.record(
            scope=scope, by=by, action="merchant.created", kind="merchant", object_id=merchant.public_id, after=after
        )
    return merchant


def temporary_password() -> str:
    """Return a random password for somebody who will replace it at the first sign-in."""
    return get_random_string(_TEMPORARY_PASSWORD_LENGTH)


def add_user(
    *,
    scope: Scope,
    username: str,
    name: str,
    role: Role,
    password: str,
    by: Actor,
    now: datetime,
    email: str = "",
    language: str = Language.KOREAN,
    must_change_password: bool = False,
) -> User:
    """
    Add a person with a role, at once. For the system and the first admin; admins use `invite_user`.

    Raises UsernameTaken, WeakPassword, InvalidRequest.
    """
    username = normal_username(username)
    if not username or len(username) > _USERNAME_LONGEST or any(char.isspace() for char in username):
        raise InvalidRequest(_("아이디는 공백 없이 100자까지 쓸 수 있어요."), field="username")
    user = User(
        public_id=ids.new_id(USER, now),
        username=username,
        name=name,
        email=email,
        language=language,
        must_change_password=must_change_password,
    )
    _give_password(user, password)
    with transaction.atomic():
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError as error:
            raise UsernameTaken(_("이미 쓰고 있는 아이디예요."), field="username") from error
        Membership.objects.create(merchant_id=scope.merchant_id, user=user, role=role)
        _record_user(scope, by, "user.added", user, after={"username": username, "name": name, "role": role.value})
    return user


def invite_user(
    *, scope: Scope, username: str, name: str, email: str, role: Role, by: Actor, now: datetime
) -> tuple[User, str]:
    """
    Add a person as viewer and ask a second admin for any higher role; returns the person and a temporary password.

    Raises UsernameTaken, InvalidRequest.
    """
    password = temporary_password()
    with transaction.atomic():
        user = add_user(
            scope=scope,
            username=username,
            name=name,
            email=email,
            role=Role.VIEWER,
            password=password,
            must_change_password=True,
            by=by,
            now=now,
        )
        if role != Role.VIEWER:
            request_role(scope=scope, user_id=user.public_id, role=role, by=by, now=now)
    return user, password


def join_merchant(*, scope: Scope, user: User, role: Role, by: Actor) -> Membership:
    """Let somebody who signs in already into one more merchant. Raises Conflict for a member."""
    _only_system(by)
    with transaction.atomic():
        membership, new = Membership.objects.get_or_create(
            merchant_id=scope.merchant_id, user=user, defaults={"role": role}
        )
        if not new:
            raise Conflict(_("이미 이 고객사의 사용자예요."))
        _record_user(scope, by, "user.joined", user, after={"role": role.value})
    return membership


def set_role(*, scope: Scope, user_id: str, role: Role, by: Actor) -> None:
    """Change a role at once, from the command line of whoever runs the product. Raises NotFound, Forbidden."""
    _only_system(by)
    with transaction.atomic():
        _apply_role(scope, _locked_member(scope, user_id), role, by)


def request_role(*, scope: Scope, user_id: str, role: Role, by: Actor, now: datetime, reason: str = "") -> RoleChange:
    """
    Ask for a change of somebody's role; a second admin confirms it.

    Raises NotFound, NotYourself, RoleUnchanged, RoleChangePending.
    """
    with transaction.atomic():
        member = _locked_member(scope, user_id)
        if member.user_id == by.user_id:
            raise NotYourself(_("내 권한은 다른 관리자가 바꿀 수 있어요."))
        if member.role == role:
            raise RoleUnchanged(_("이미 그 역할이에요."))
        if RoleChange.objects.filter(merchant_id=scope.merchant_id, user=member.user, state="PENDING").exists():
            raise RoleChangePending(_("확인을 기다리는 역할 변경이 이미 있어요."))
        change = RoleChange.objects.create(
            public_id=ids.new_id(ROLE_CHANGE, now),
            merchant_id=scope.merchant_id,
            user=member.user,
            old_role=member.role,
            new_role=role,
            reason=reason,
            requested_by_id=_person(by),
            requested_at=now,
        )
        after = {"role": role.value, "change": change.public_id}
        _record_user(
            scope, by, "user.role_requested", member.user, before={"role": member.role}, after=after, reason=reason
        )
    return change


def confirm_role(*, scope: Scope, change_id: str, by: Actor, now: datetime) -> RoleChange:
    """
    Confirm a role change somebody else asked for; the person's sessions end.

    Raises NotFound, Conflict (decided already), SecondAdminNeeded, NotYourself, StaleVersion.
    """
    with transaction.atomic():
        change = _locked_change(scope, change_id)
        if change.requested_by_id == by.user_id:
            raise SecondAdminNeeded(_("요청한 사람이 아닌 다른 관리자가 확인해야 해요."))
        _not_about_oneself(change, by)
        member = _locked_member(scope, change.user.public_id)
        if member.role != change.old_role:
            raise StaleVersion(_("그 사이 역할이 바뀌었어요. 요청을 반려하고 다시 만들어 주세요."))
        _apply_role(scope, member, Role(change.new_role), by)
        _decide(change, RoleChange.State.CONFIRMED, by, now)
    return change


def reject_role(*, scope: Scope, change_id: str, by: Actor, now: datetime) -> RoleChange:
    """Turn a role change down, or take back one's own request. Raises NotFound, Conflict, NotYourself."""
    with transaction.atomic():
        change = _locked_change(scope, change_id)
        _not_about_oneself(change, by)
        _decide(change, RoleChange.State.REJECTED, by, now)
        _record_user(scope, by, "user.role_rejected", change.user, before={"role": change.new_role})
    return change


def disable_user(*, scope: Scope, user_id: str, by: Actor) -> None:
    """Shut somebody out of the merchant, and out of signing in if it was the last one. Raises NotFound, NotYourself."""
    with transaction.atomic():
        member = _locked_member(scope, user_id)
        if member.user_id == by.user_id:
            raise NotYourself(_("내 계정은 다른 관리자가 막을 수 있어요."))
        Membership.objects.filter(pk=member.pk).update(is_active=False)
        elsewhere = Membership.objects.filter(user=member.user, is_active=True).exists()
        User.objects.filter(pk=member.user_id).update(
            is_active=elsewhere, session_generation=F("session_generation") + 1
        )
        _record_user(scope, by, "user.disabled", member.user)


def enable_user(*, scope: Scope, user_id: str, by: Actor) -> None:
    """Let a disabled person in again, with the role of before. Raises NotFound, NotYourself."""
    with transaction.atomic():
        member = _locked_member(scope, user_id)
        if member.user_id == by.user_id:
            raise NotYourself(_("내 계정은 다른 관리자가 막을 수 있어요."))
        Membership.objects.filter(pk=member.pk).update(is_active=True)
        User.objects.filter(pk=member.user_id).update(is_active=True)
        _record_user(scope, by, "user.enabled", member.user)


def change_user(*, scope: Scope, user_id: str, name: str, email: str, by: Actor) -> None:
    """Correct a person's name and address. Raises NotFound."""
    with transaction.atomic():
        user = _locked_member(scope, user_id).user
        before = {"name": user.name, "email": user.email}
        User.objects.filter(pk=user.pk).update(name=name, email=email)
        _record_user(scope, by, "user.changed", user, before=before, after={"name": name, "email": email})


def reset_password(*, scope: Scope, user_id: str, by: Actor) -> str:
    """
    Give somebody a temporary password and return it; the second factor stays, all sessions end.

    Raises NotFound, NotYourself.
    """
    password = temporary_password()
    with transaction.atomic():
        user = _locked_member(scope, user_id).user
        if user.pk == by.user_id:
            raise NotYourself(_("내 비밀번호는 내 계정 화면에서 바꿔 주세요."))
        user.set_password(password)
        user.must_change_password = True
        user.save(update_fields=["password", "must_change_password"])
        _record_user(scope, by, "user.password_reset", user)
    return password


def change_password(*, user: User, password: str, by: Actor) -> None:
    """Replace one's own password; every other session ends. Raises WeakPassword."""
    _give_password(user, password)
    user.must_change_password = False
    with transaction.atomic():
        user.save(update_fields=["password", "must_change_password"])
        record_everywhere(user, by, "user.password_changed")


def set_language(*, user: User, language: Language) -> None:
    """Choose the language of one's pages."""
    User.objects.filter(pk=user.pk).update(language=language)


def set_theme(*, user: User, theme: Theme) -> None:
    """Choose how one's pages look."""
    User.objects.filter(pk=user.pk).update(theme=theme)


def record_everywhere(user: User, by: Actor, action: str, reason: str = "") -> None:
    """Record something about a person in the trail of each merchant the person belongs to."""
    for merchant_id in Membership.objects.filter(user=user).order_by("id").values_list("merchant_id", flat=True):
        audit.record(
            scope=Scope(merchant_id), by=by, action=action, kind="user", object_id=user.public_id, reason=reason
        )


def _give_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(" ".join(error.messages), field="password") from error
    user.set_password(password)


def _only_system(by: Actor) -> None:
    if by.kind != ActorKind.SYSTEM:
        raise SecondAdminNeeded(_("역할은 두 관리자가 함께 바꿔요."))


def _person(by: Actor) -> int:
    if by.user_id is None:
        raise Forbidden(_("사람만 할 수 있는 일이에요."))
    return by.user_id


def _not_about_oneself(change: RoleChange, by: Actor) -> None:
    _person(by)
    if change.user_id == by.user_id:
        raise NotYourself(_("내 권한은 다른 관리자가 바꿀 수 있어요."))


def _locked_member(scope: Scope, user_id: str) -> Membership:
    found = queries.members(scope).select_for_update(of=("self", "user")).filter(user__public_id=user_id).first()
    if found is None:
        raise NotFound
    return found


def _locked_change(scope: Scope, change_id: str) -> RoleChange:
    mine = RoleChange.objects.filter(merchant_id=scope.merchant_id, public_id=change_id)
    change = mine.select_for_update(of=("self",)).select_related("user").first()
    if change is None:
        raise NotFound
    if change.state != RoleChange.State.PENDING:
        raise Conflict(_("이미 처리된 요청이에요."))
    return change


def _decide(change: RoleChange, state: RoleChange.State, by: Actor, now: datetime) -> None:
    change.state, change.decided_by_id, change.decided_at = state, by.user_id, now
    change.save(update_fields=["state", "decided_by", "decided_at"])


def _apply_role(scope: Scope, member: Membership, role: Role, by: Actor) -> None:
    before = {"role": member.role}
    Membership.objects.filter(pk=member.pk).update(role=role)
    User.objects.filter(pk=member.user_id).update(session_generation=F("session_generation") + 1)
    _record_user(scope, by, "user.role_changed", member.user, before=before, after={"role": role.value})


def _record_user(
    scope: Scope,
    by: Actor,
    action: str,
    user: User,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    reason: str = "",
) -> None:
    audit.record(
        scope=scope,
        by=by,
        action=action,
        kind="user",
        object_id=user.public_id,
        before=before,
        after=after,
        reason=reason,
    )
