"""Promise: nobody guesses a password or a code by trying often or at once, and no code works twice."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections

from access import attempts, credentials, operations, totp
from access.attempts import Kind, TooManyAttempts
from access.credentials import CodeRefused, SignInRefused
from access.models import Attempts, AuditEvent, User
from access.roles import Role
from core.errors import DomainError

from .build import CODE_SECRET, PASSWORD, actor, firm

NOON = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def sign_in(username: str, password: str = PASSWORD, address: str = "192.0.2.1", now: datetime = NOON) -> User:
    return credentials.check_sign_in(
        username=username, password=password, address=address, request_id="test-request", now=now
    )


@pytest.mark.django_db
class TestPassword:
    def test_the_right_password_names_the_person(self) -> None:
        mina = firm().person("mina")
        assert sign_in("mina") == sign_in(" MINA ") == mina

    @pytest.mark.parametrize(
        ("username", "password"), [("mina", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("a\0b", "x"), ("", "")]
    )
    def test_refusals_read_the_same(self, username: str, password: str) -> None:
        moon = firm()
        admin = moon.person("admin", Role.ADMIN)
        moon.person("mina")
        gone = moon.person("gone")
        operations.disable_user(scope=moon.scope, user_id=gone.public_id, by=actor(admin))
        with pytest.raises(SignInRefused) as caught:
            sign_in(username, password)
        assert caught.value.body() == {
            "type": "SIGN_IN_REFUSED",
            "message": "아이디 또는 비밀번호를 다시 확인해 주세요.",
        }

    def test_an_unknown_person_takes_as_long(self, settings: object) -> None:
        # The real hasher, whose cost is what an attacker would measure.
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]  # type: ignore[attr-defined] # pytest-django's wrapper
        credentials._nobodys_password.cache_clear()  # noqa: SLF001 - it was hashed by another hasher
        firm().person("mina")
        for name in ("mina", "nobody"):
            with pytest.raises(SignInRefused):
                sign_in(name, "warm up")

        def spent(username: str) -> float:
            Attempts.objects.all().delete()
            begin = time.perf_counter()
            with pytest.raises(SignInRefused):
                sign_in(username, "wrong")
            return time.perf_counter() - begin

        known = sorted(spent("mina") for _ in range(3))[1]
        unknown = sorted(spent("nobody") for _ in range(3))[1]
        assert unknown > known / 3

    def test_failures_make_pauses_that_grow_and_end(self) -> None:
        firm().person("mina")
        now, pauses = NOON, []
        for _ in range(20):
            with pytest.raises(SignInRefused):
                sign_in("mina", "wrong", address="", now=now)
            until = Attempts.objects.get().blocked_until
            pauses.append(int((until - now).total_seconds()))
            if until > now:
                with pytest.raises(TooManyAttempts):
                    sign_in("mina", address="", now=until - timedelta(milliseconds=1))
            now = until
        assert pauses == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900, 900]
        assert sign_in("mina", address="", now=now).username == "mina"

    def test_the_right_password_clears_the_count(self) -> None:
        firm().person("mina")
        for _ in range(4):
            with pytest.raises(SignInRefused):
                sign_in("mina", "wrong")
        sign_in("mina")
        for _ in range(4):
            with pytest.raises(SignInRefused):
                sign_in("mina", "wrong")
        sign_in("mina")

    def test_one_address_trying_many_names_has_to_wait(self) -> None:
        def tries(number: int) -> str:
            with pytest.raises(DomainError) as caught:
                sign_in(f"name{number}", "wrong", address="198.51.100.7")
            return caught.value.code

        refused = [tries(number) for number in range(60)].count("SIGN_IN_REFUSED")
        assert refused == 30
        with pytest.raises(SignInRefused):
            sign_in("name99", "wrong", address="198.51.100.8")

    def test_an_office_that_signs_in_well_is_not_slowed_down(self) -> None:
        moon = firm()
        moon.person("mina")
        for _ in range(60):
            sign_in("mina", address="203.0.113.5")

    def test_what_was_typed_is_kept_nowhere(self) -> None:
        firm().person("mina")
        with pytest.raises(SignInRefused):
            sign_in("my-password-in-the-wrong-box", "another-password")
        with pytest.raises(SignInRefused):
            sign_in("mina", "another-password")
        with connection.cursor() as cursor:
            cursor.execute("select string_agg(a::text, ' ') from access_attempts a")
            kept = cursor.fetchone()[0]
            cursor.execute("select string_agg(e::text, ' ') from access_auditevent e")
            kept += cursor.fetchone()[0]
        assert "my-password" not in kept
        assert "another-password" not in kept

    def test_refused_and_completed_sign_ins_are_in_the_trail(self) -> None:
        moon = firm()
        mina = moon.person("mina")
        with pytest.raises(SignInRefused):
            sign_in("mina", "wrong")
        credentials.record_sign_in(user=mina, by=actor(mina), with_code=False)
        trail = AuditEvent.objects.filter(merchant_id=moon.scope.merchant_id, object_id=mina.public_id).order_by("id")
        assert [event.action for event in trail] == ["user.added", "sign_in.refused", "sign_in.completed"]
        assert trail[1].address == "192.0.2.1"

    def test_changing_ones_password_asks_for_the_old_one(self) -> None:
        mina = firm().person("mina")
        change = {"user": mina, "by": actor(mina), "now": NOON}
        with pytest.raises(SignInRefused):
            credentials.replace_password(current="wrong", password="a much better phrase", **change)  # type: ignore[arg-type] # a mixed dictionary
        for weak in ("short", "password1234"):
            with pytest.raises(operations.WeakPassword):
                credentials.replace_password(current=PASSWORD, password=weak, **change)  # type: ignore[arg-type] # likewise
        credentials.replace_password(current=PASSWORD, password="a much better phrase", **change)  # type: ignore[arg-type] # likewise
        assert sign_in("mina", "a much better phrase") == mina


class TestAtOnce:
    def test_fifty_guesses_at_once_count_each(self, committed_db: str) -> None:  # noqa: ARG002 - a database to commit in
        firm().person("mina")

        def guess(number: int) -> str:
            try:
                sign_in("mina", f"guess {number}", address="")
            except (SignInRefused, TooManyAttempts) as refusal:
                return refusal.code
            finally:
                connections.close_all()
            return "IN"

        with ThreadPoolExecutor(25) as pool:
            answers = list(pool.map(guess, range(50)))

        assert answers.count("SIGN_IN_REFUSED") == 5
        assert answers.count("TOO_MANY_ATTEMPTS") == 45
        assert Attempts.objects.get().failures == 5

    def test_one_code_at_once_is_accepted_once(self, committed_db: str) -> None:  # noqa: ARG002 - likewise
        mina = firm().person("mina", Role.APPROVER, code=True)
        code = totp.code_at(CODE_SECRET, NOON)

        def enter(_number: int) -> bool:
            try:
                credentials.accept_code(user=mina, code=code, by=actor(mina), now=NOON)
            except (CodeRefused, TooManyAttempts):
                return False
            finally:
                connections.close_all()
            return True

        with ThreadPoolExecutor(20) as pool:
            assert sum(pool.map(enter, range(20))) == 1


@pytest.mark.django_db
class TestCode:
    @pytest.fixture
    def mina(self) -> User:
        return firm().person("mina", Role.APPROVER, code=True)

    def accept(self, user: User, code: str, now: datetime = NOON) -> None:
        credentials.accept_code(user=user, code=code, by=actor(user), now=now)

    def test_a_code_works_once(self, mina: User) -> None:
        code = totp.code_at(CODE_SECRET, NOON)
        self.accept(mina, code)
        with pytest.raises(CodeRefused):
            self.accept(mina, code)
        with pytest.raises(CodeRefused):
            self.accept(mina, code, NOON + timedelta(seconds=29))

    def test_earlier_codes_are_used_up_too(self, mina: User) -> None:
        self.accept(mina, totp.code_at(CODE_SECRET, NOON))
        with pytest.raises(CodeRefused):
            self.accept(mina, totp.code_at(CODE_SECRET, NOON - timedelta(seconds=30)))
        self.accept(mina, totp.code_at(CODE_SECRET, NOON + timedelta(seconds=30)))

    @pytest.mark.parametrize("drift", [-30, 0, 30])
    def test_one_step_of_drift_is_fine(self, mina: User, drift: int) -> None:
        self.accept(mina, totp.code_at(CODE_SECRET, NOON + timedelta(seconds=drift)))

    @pytest.mark.parametrize("drift", [-90, 90])
    def test_more_is_not(self, mina: User, drift: int) -> None:
        with pytest.raises(CodeRefused):
            self.accept(mina, totp.code_at(CODE_SECRET, NOON + timedelta(seconds=drift)))

    @pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "12 34 5x", "-12345"])
    def test_nonsense_is_refused(self, mina: User, code: str) -> None:
        with pytest.raises(CodeRefused):
            self.accept(mina, code)

    def test_guessing_is_slowed_down(self, mina: User) -> None:
        for _ in range(5):
            with pytest.raises(CodeRefused):
                self.accept(mina, "000000")
        with pytest.raises(TooManyAttempts):
            self.accept(mina, totp.code_at(CODE_SECRET, NOON))

    def test_the_secret_is_sealed(self, mina: User) -> None:
        assert mina.totp_secret is not None
        assert CODE_SECRET.encode() not in bytes(mina.totp_secret)

    def test_somebody_elses_sealed_secret_does_not_open(self, mina: User) -> None:
        jisu = firm("Sun Shop").person("jisu", Role.APPROVER, code=True)
        User.objects.filter(pk=jisu.pk).update(totp_secret=mina.totp_secret)
        jisu.refresh_from_db()
        with pytest.raises(Exception, match="another place"):
            self.accept(jisu, totp.code_at(CODE_SECRET, NOON))

    def test_a_person_without_one_has_no_code(self) -> None:
        jisu = firm("Sun Shop").person("jisu")
        with pytest.raises(CodeRefused):
            self.accept(jisu, totp.code_at(CODE_SECRET, NOON))

    def test_setting_up_uses_the_code_up(self) -> None:
        jisu = firm("Sun Shop").person("jisu", Role.ADMIN)
        secret = totp.new_secret()
        code = totp.code_at(secret, NOON)
        credentials.set_up_code(user=jisu, secret=secret, code=code, by=actor(jisu), now=NOON)
        jisu.refresh_from_db()
        assert jisu.has_code
        with pytest.raises(CodeRefused):
            self.accept(jisu, code)

    def test_the_known_vectors(self) -> None:
        secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        for seconds, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
            assert totp.code_at(secret, datetime.fromtimestamp(seconds, UTC)) == code


@pytest.mark.django_db
def test_after_a_quiet_hour_counting_begins_again() -> None:
    for _ in range(5):
        attempts.take(Kind.CODE, "mina", NOON)
    with pytest.raises(TooManyAttempts):
        attempts.take(Kind.CODE, "mina", NOON)
    later = NOON + timedelta(hours=1, seconds=1)
    for _ in range(5):
        attempts.take(Kind.CODE, "mina", later)
    assert Attempts.objects.get().failures == 5
