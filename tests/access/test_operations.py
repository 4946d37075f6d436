"""Promise: nobody raises himself, a role needs two admins, and another merchant's people are not there."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from access import api_secrets, operations, queries
from access.models import ApiSecret, AuditEvent, Membership, RoleChange, User
from access.roles import Role
from core.errors import Conflict, DomainError, Forbidden, InvalidRequest, NotFound, StaleVersion

from .build import PASSWORD, SETUP, Firm, actor, firm

pytestmark = pytest.mark.django_db


@pytest.fixture
def moon() -> Firm:
    return firm()


@pytest.fixture
def ara(moon: Firm) -> User:
    return moon.person("ara", Role.ADMIN)


@pytest.fixture
def bora(moon: Firm) -> User:
    return moon.person("bora", Role.ADMIN)


@pytest.fixture
def mina(moon: Firm) -> User:
    return moon.person("mina", Role.OPERATOR)


def role_of(user: User) -> str:
    return Membership.objects.get(user=user).role


def ask(moon: Firm, about: User, by: User, role: Role = Role.APPROVER) -> RoleChange:
    return operations.request_role(
        scope=moon.scope, user_id=about.public_id, role=role, by=actor(by), now=timezone.now(), reason="new task"
    )


def confirm(moon: Firm, change: RoleChange, by: User) -> RoleChange:
    return operations.confirm_role(scope=moon.scope, change_id=change.public_id, by=actor(by), now=timezone.now())


class TestRoles:
    def test_a_second_admin_makes_it_so(self, moon: Firm, ara: User, bora: User, mina: User) -> None:
        change = ask(moon, mina, ara)
        assert role_of(mina) == Role.OPERATOR
        confirm(moon, change, bora)
        assert role_of(mina) == Role.APPROVER
        assert User.objects.get(pk=mina.pk).get_session_auth_hash() != mina.get_session_auth_hash()

    def test_the_one_who_asked_cannot_confirm(self, moon: Firm, ara: User, mina: User) -> None:
        change = ask(moon, mina, ara)
        with pytest.raises(operations.SecondAdminNeeded):
            confirm(moon, change, ara)
        assert role_of(mina) == Role.OPERATOR

    def test_nobody_decides_about_himself(self, moon: Firm, ara: User, bora: User) -> None:
        with pytest.raises(operations.NotYourself):
            ask(moon, ara, ara, Role.VIEWER)
        change = ask(moon, bora, ara, Role.VIEWER)
        with pytest.raises(operations.NotYourself):
            confirm(moon, change, bora)
        with pytest.raises(operations.NotYourself):
            operations.reject_role(scope=moon.scope, change_id=change.public_id, by=actor(bora), now=timezone.now())

    def test_the_database_refuses_it_too(self, moon: Firm, ara: User, mina: User) -> None:
        change = ask(moon, mina, ara)
        changes = RoleChange.objects.filter(pk=change.pk)
        for decided_by in (ara, mina, None):
            with pytest.raises(IntegrityError, match="access_rolechange_two_people"), transaction.atomic():
                changes.update(state="CONFIRMED", decided_by=decided_by)
        with pytest.raises(IntegrityError, match="access_rolechange_not_oneself"), transaction.atomic():
            changes.update(user=ara)

    def test_one_change_at_a_time(self, moon: Firm, ara: User, bora: User, mina: User) -> None:
        change = ask(moon, mina, ara)
        with pytest.raises(operations.RoleChangePending):
            ask(moon, mina, bora, Role.VIEWER)
        operations.reject_role(scope=moon.scope, change_id=change.public_id, by=actor(ara), now=timezone.now())
        with pytest.raises(Conflict):
            confirm(moon, change, bora)
        assert ask(moon, mina, bora, Role.VIEWER).old_role == Role.OPERATOR

    def test_a_role_that_changed_meanwhile_is_noticed(self, moon: Firm, ara: User, bora: User, mina: User) -> None:
        change = ask(moon, mina, ara)
        operations.set_role(scope=moon.scope, user_id=mina.public_id, role=Role.VIEWER, by=SETUP)
        with pytest.raises(StaleVersion):
            confirm(moon, change, bora)

    def test_the_same_role_is_no_change(self, moon: Firm, ara: User, mina: User) -> None:
        with pytest.raises(operations.RoleUnchanged):
            ask(moon, mina, ara, Role.OPERATOR)

    def test_people_have_no_short_cut(self, moon: Firm, ara: User, mina: User) -> None:
        with pytest.raises(Forbidden):
            operations.set_role(scope=moon.scope, user_id=mina.public_id, role=Role.ADMIN, by=actor(ara))
        with pytest.raises(Forbidden):
            operations.join_merchant(scope=moon.scope, user=mina, role=Role.ADMIN, by=actor(ara))

    def test_whoever_is_invited_begins_as_viewer(self, moon: Firm, ara: User, bora: User) -> None:
        user, password = operations.invite_user(
            scope=moon.scope,
            username="New",
            name="New",
            email="",
            role=Role.APPROVER,
            by=actor(ara),
            now=timezone.now(),
        )
        assert (role_of(user), user.username, user.must_change_password) == (Role.VIEWER, "new", True)
        assert user.check_password(password)
        confirm(moon, queries.pending_role_changes(moon.scope).get(), bora)
        assert role_of(user) == Role.APPROVER


class TestPeople:
    def test_names_are_one_whatever_the_case(self, moon: Firm, mina: User) -> None:
        for username in ("mina", "MINA", " mina ", "ｍｉｎａ"):
            with pytest.raises(operations.UsernameTaken):
                moon.person(username)
        with pytest.raises(InvalidRequest):
            moon.person("two words")
        assert User.objects.count() == 1
        assert mina.username == "mina"

    def test_disabling_ends_everything_but_not_elsewhere(self, moon: Firm, ara: User, mina: User) -> None:
        sun = firm("Sun Shop")
        operations.join_merchant(scope=sun.scope, user=mina, role=Role.VIEWER, by=SETUP)
        operations.disable_user(scope=moon.scope, user_id=mina.public_id, by=actor(ara))
        assert [membership.merchant for membership in queries.memberships_of(mina)] == [sun.merchant]
        fresh = User.objects.get(pk=mina.pk)
        assert fresh.is_active
        assert fresh.get_session_auth_hash() != mina.get_session_auth_hash()
        dan = sun.person("dan", Role.ADMIN)
        operations.disable_user(scope=sun.scope, user_id=mina.public_id, by=actor(dan))
        assert not User.objects.get(pk=mina.pk).is_active
        operations.enable_user(scope=sun.scope, user_id=mina.public_id, by=actor(dan))
        assert User.objects.get(pk=mina.pk).is_active

    def test_nobody_disables_or_resets_himself(self, moon: Firm, ara: User) -> None:
        for verb in (operations.disable_user, operations.enable_user, operations.reset_password):
            with pytest.raises(operations.NotYourself):
                verb(scope=moon.scope, user_id=ara.public_id, by=actor(ara))

    def test_a_reset_password_keeps_the_second_factor(self, moon: Firm, ara: User) -> None:
        lee = moon.person("lee", Role.APPROVER, code=True)
        password = operations.reset_password(scope=moon.scope, user_id=lee.public_id, by=actor(ara))
        fresh = User.objects.get(pk=lee.pk)
        assert fresh.check_password(password)
        assert fresh.has_code
        assert fresh.must_change_password

    @pytest.mark.parametrize(
        "verb",
        [
            lambda here, them, by: operations.disable_user(scope=here, user_id=them.public_id, by=by),
            lambda here, them, by: operations.enable_user(scope=here, user_id=them.public_id, by=by),
            lambda here, them, by: operations.reset_password(scope=here, user_id=them.public_id, by=by),
            lambda here, them, by: operations.change_user(
                scope=here, user_id=them.public_id, name="x", email="", by=by
            ),
            lambda here, them, by: operations.request_role(
                scope=here, user_id=them.public_id, role=Role.ADMIN, by=by, now=timezone.now()
            ),
            lambda here, them, _by: queries.member(here, them.public_id),
        ],
    )
    def test_another_merchants_person_is_not_there(self, moon: Firm, ara: User, verb: Callable[..., object]) -> None:
        theirs = firm("Sun Shop").person("sunny", Role.OPERATOR)
        events = AuditEvent.objects.count()
        with pytest.raises(NotFound) as foreign:
            verb(moon.scope, theirs, actor(ara))
        with pytest.raises(NotFound) as absent:
            verb(moon.scope, User(public_id="usr-0000000000"), actor(ara))
        assert foreign.value.body() == absent.value.body()
        assert AuditEvent.objects.count() == events

    def test_another_merchants_role_change_is_not_there(self, moon: Firm, ara: User, mina: User) -> None:
        change = ask(moon, mina, ara)
        sun = firm("Sun Shop")
        with pytest.raises(NotFound):
            confirm(sun, change, sun.person("sunny", Role.ADMIN))

    def test_every_change_leaves_an_event(self, moon: Firm, ara: User, bora: User, mina: User) -> None:
        change = ask(moon, mina, ara)
        confirm(moon, change, bora)
        operations.change_user(scope=moon.scope, user_id=mina.public_id, name="Mina K", email="", by=actor(ara))
        operations.disable_user(scope=moon.scope, user_id=mina.public_id, by=actor(ara))
        told = [
            (event.action, event.actor_name, event.before, event.after)
            for event in queries.user_history(moon.scope, mina.public_id)
        ]
        assert [action for action, *_rest in told] == [
            "user.disabled",
            "user.changed",
            "user.role_changed",
            "user.role_requested",
            "user.added",
        ]
        assert told[2][1:] == ("bora", {"role": "operator"}, {"role": "approver"})

    def test_passwords_are_argon2(self, mina: User) -> None:
        assert mina.password.startswith("argon2$argon2id$")
        assert PASSWORD not in mina.password


class TestSecrets:
    def test_a_secret_belongs_to_a_merchant(self, moon: Firm, ara: User) -> None:
        sun = firm("Sun Shop")
        secret, _text = moon.secret(ara)
        with pytest.raises(NotFound):
            api_secrets.revoke(scope=sun.scope, prefix=secret.prefix, by=SETUP, now=timezone.now())
        with pytest.raises(NotFound):
            sun.secret(ara)
        assert not queries.api_secrets(sun.scope).exists()

    def test_revoking_twice_is_told(self, moon: Firm, ara: User) -> None:
        secret, text = moon.secret(ara)
        api_secrets.revoke(scope=moon.scope, prefix=secret.prefix, by=SETUP, now=timezone.now())
        with pytest.raises(Conflict):
            api_secrets.revoke(scope=moon.scope, prefix=secret.prefix, by=SETUP, now=timezone.now())
        assert api_secrets.recognise(text, timezone.now()) is None

    @pytest.mark.parametrize(("name", "scopes"), [(" ", ["read"]), ("backend", [])])
    def test_a_name_and_a_scope_are_needed(self, moon: Firm, ara: User, name: str, scopes: list[str]) -> None:
        with pytest.raises(InvalidRequest):
            api_secrets.issue(scope=moon.scope, name=name, scopes=scopes, owner=ara, by=SETUP, now=timezone.now())  # type: ignore[arg-type] # words instead of members

    def test_the_database_knows_the_scopes(self, moon: Firm, ara: User) -> None:
        moon.secret(ara)
        with pytest.raises(IntegrityError, match="access_apisecret_scopes_known"), transaction.atomic():
            ApiSecret.objects.update(scopes=["payouts:approve"])

    def test_issuing_and_revoking_are_in_the_trail_without_the_secret(self, moon: Firm, ara: User) -> None:
        secret, text = moon.secret(ara)
        api_secrets.revoke(scope=moon.scope, prefix=secret.prefix, by=actor(ara), now=timezone.now())
        trail = AuditEvent.objects.filter(object_id=secret.prefix).order_by("id")
        assert [event.action for event in trail] == ["api_secret.issued", "api_secret.revoked"]
        with connection.cursor() as cursor:
            cursor.execute("select string_agg(e::text, ' ') from access_auditevent e")
            assert text.partition(".")[2] not in cursor.fetchone()[0]


def test_refusals_have_codes_of_one_form() -> None:
    kinds = [kind for kind in vars(operations).values() if isinstance(kind, type) and issubclass(kind, DomainError)]
    assert all(kind.code.isupper() and kind.code.isascii() for kind in kinds)
