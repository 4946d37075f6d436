"""What a browser session remembers: when it began, which merchant and side are shown, when a code was entered."""

from datetime import UTC, datetime, timedelta

from django.contrib import auth
from django.http import HttpRequest

from access.models import User

ABSOLUTE = timedelta(hours=10)
IDLE = timedelta(minutes=30)
# The password was right, the code is still to come.
WAIT_FOR_CODE = timedelta(minutes=5)

_BEGAN, _SEEN, _CODE, _MERCHANT, _TEST = "began_at", "seen_at", "code_at", "merchant_id", "is_test"
_PENDING = "pending_user"


def begin(request: HttpRequest, user: User, *, with_code: bool, now: datetime) -> None:
    """Start a signed-in session under a new id."""
    request.session.flush()
    auth.login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session[_BEGAN] = request.session[_SEEN] = now.timestamp()
    if with_code:
        note_code(request, now)


def end(request: HttpRequest) -> None:
    """Sign out: the session is gone from the server too."""
    auth.logout(request)


def is_over(request: HttpRequest, now: datetime) -> bool:
    """Say whether a signed-in session was idle for 30 minutes or is 10 hours old; else note that it was seen."""
    began, seen = (_moment(request, name) for name in (_BEGAN, _SEEN))
    if now - began >= ABSOLUTE or now - seen >= IDLE:
        return True
    request.session[_SEEN] = now.timestamp()
    return False


def hold_for_code(request: HttpRequest, user: User, now: datetime) -> None:
    """Remember, under a new session id, who gave the right password and still owes a code."""
    request.session.flush()
    request.session[_PENDING] = [user.pk, user.get_session_auth_hash(), now.timestamp()]


def held_for_code(request: HttpRequest, now: datetime) -> User | None:
    """Return who owes a code; None after five minutes, or when the person's password or rights changed meanwhile."""
    user_id, stamp, since = request.session.get(_PENDING) or (None, "", 0.0)
    if user_id is None or now.timestamp() - since > WAIT_FOR_CODE.total_seconds():
        return None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    return user if user is not None and user.get_session_auth_hash() == stamp else None


def note_code(request: HttpRequest, now: datetime) -> None:
    """Remember that a one-time code was accepted just now."""
    request.session[_CODE] = now.timestamp()


def code_entered_at(request: HttpRequest) -> datetime:
    """Return when a code was accepted last; the distant past when none was."""
    return _moment(request, _CODE)


def show_merchant(request: HttpRequest, merchant_id: int) -> None:
    """Show a merchant's live side from now on."""
    request.session[_MERCHANT] = merchant_id
    request.session[_TEST] = False


def shown_merchant(request: HttpRequest) -> int | None:
    """Return which merchant was chosen."""
    found: int | None = request.session.get(_MERCHANT)
    return found


def show_environment(request: HttpRequest, *, is_test: bool) -> None:
    """Show the test side, or the live one."""
    request.session[_TEST] = is_test


def shows_test(request: HttpRequest) -> bool:
    """Say whether the test side is shown."""
    return bool(request.session.get(_TEST, False))


def _moment(request: HttpRequest, name: str) -> datetime:
    return datetime.fromtimestamp(request.session.get(name, 0.0), tz=UTC)
