"""Verbs of proving who one is: password and one-time code. Every try is counted before it is looked at."""

from datetime import datetime
from functools import cache
from hashlib import sha256

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils.translation import gettext as _

from access import attempts, operations, queries, sealed, totp
from access.attempts import Kind
from access.models import User
from access.roles import NEEDS_CODE
from core.actor import Actor
from core.errors import DomainError


class SignInRefused(DomainError):
    """User name and password do not belong together, or the person may not sign in. Never says which."""

    code, status = "SIGN_IN_REFUSED", 401


class CodeRefused(DomainError):
    """The code is wrong, too old, or was used before."""

    code, status = "CODE_REFUSED", 403


@cache
def _nobodys_password() -> str:
    return make_password("nobody has this password")


def check_sign_in(*, username: str, password: str, address: str, request_id: str, now: datetime) -> User:
    """
    Return the person whom user name and password name.

    Unknown, disabled and mistaken people wait as long and read the same. Raises SignInRefused, TooManyAttempts.
    """
    username = operations.normal_username(username)
    subject = _subject(username)
    if address:
        attempts.take(Kind.ADDRESS, address, now)
    attempts.take(Kind.ACCOUNT, subject, now)
    user = User.objects.filter(username=username).first() if "\0" not in username else None
    matches = check_password(password, user.password if user else _nobodys_password())
    if user is None or not matches or not user.is_active:
        if user is not None:
            actor = queries.actor_for(user, request_id=request_id, address=address)
            operations.record_everywhere(user, actor, "sign_in.refused")
        raise SignInRefused(_("아이디 또는 비밀번호를 다시 확인해 주세요."))
    attempts.succeeded(Kind.ACCOUNT, subject)
    if address:
        attempts.give_back(Kind.ADDRESS, address)
    return user


def record_sign_in(*, user: User, by: Actor, with_code: bool) -> None:
    """Put a completed sign-in into the trail."""
    operations.record_everywhere(user, by, "sign_in.completed", reason="code" if with_code else "")


def replace_password(*, user: User, current: str, password: str, by: Actor, now: datetime) -> None:
    """
    Replace one's own password, knowing the current one; every other session ends.

    Raises SignInRefused (the current one is wrong), TooManyAttempts, WeakPassword.
    """
    attempts.take(Kind.ACCOUNT, _subject(user.username), now)
    if not check_password(current, user.password):
        raise SignInRefused(_("지금 비밀번호를 다시 확인해 주세요."), field="current")
    attempts.succeeded(Kind.ACCOUNT, _subject(user.username))
    operations.change_password(user=user, password=password, by=by)


def needs_code(user: User) -> bool:
    """Say whether one of the person's roles asks for a second factor."""
    return queries.memberships_of(user).filter(role__in=NEEDS_CODE).exists()


def accept_code(*, user: User, code: str, by: Actor, now: datetime) -> None:
    """
    Accept a one-time code, once: its time step and all earlier ones are used up.

    Raises CodeRefused, TooManyAttempts.
    """
    attempts.take(Kind.CODE, user.public_id, now)
    counter = totp.matching_counter(_secret_of(user), code, now) if user.totp_secret is not None else None
    # Two requests with one code both get here; the row decides which of them uses it up.
    unused = User.objects.filter(pk=user.pk, is_active=True, totp_counter__lt=counter) if counter is not None else None
    if unused is None or not unused.update(totp_counter=counter):
        operations.record_everywhere(user, by, "code.refused")
        raise CodeRefused(_("인증 코드를 다시 확인해 주세요. 한 번 쓴 코드는 다시 쓸 수 없어요."))
    attempts.succeeded(Kind.CODE, user.public_id)


def set_up_code(*, user: User, secret: str, code: str, by: Actor, now: datetime) -> None:
    """
    Keep a new second factor after the person proved to have it; the code counts as used.

    Raises CodeRefused, TooManyAttempts.
    """
    attempts.take(Kind.CODE, user.public_id, now)
    counter = totp.matching_counter(secret, code, now)
    if counter is None:
        raise CodeRefused(_("인증 코드를 다시 확인해 주세요."))
    attempts.succeeded(Kind.CODE, user.public_id)
    with transaction.atomic():
        keep_code(user=user, secret=secret, counter=counter)
        operations.record_everywhere(user, by, "user.code_set_up")


def keep_code(*, user: User, secret: str, counter: int = 0) -> None:
    """Seal and store a person's second factor. Steps up to `counter` are used up."""
    value = sealed.seal(secret, table="access_user", column="totp_secret", row=user.public_id)
    User.objects.filter(pk=user.pk).update(totp_secret=value, totp_counter=counter)


def drop_code(*, user: User, by: Actor) -> None:
    """Remove a lost second factor, from the command line of whoever runs the product."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(totp_secret=None)
        operations.record_everywhere(user, by, "user.code_removed")


def _subject(username: str) -> str:
    # The digest keeps a password typed into the wrong box out of the table of attempts.
    return sha256(username.encode(errors="replace")).hexdigest()


def _secret_of(user: User) -> str:
    if user.totp_secret is None:
        return ""
    return sealed.unseal(user.totp_secret, table="access_user", column="totp_secret", row=user.public_id)
