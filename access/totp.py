"""Time-based one-time codes: making a secret, and finding the time step a code belongs to."""

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

from django_otp.oath import hotp

_STEP_SECONDS = 30
_DIGITS = 6
_TOLERANCE_STEPS = 1
_SECRET_BYTES = 20


def new_secret() -> str:
    """Return a new secret in base 32, as authenticator apps take it."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def code_at(secret: str, now: datetime) -> str:
    """Return the code an authenticator shows at a moment."""
    return _code(secret, _counter(now))


def matching_counter(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step whose code was entered, one step of clock drift either way; None for a wrong code."""
    entered = "".join(code.split())
    if len(entered) != _DIGITS or not (entered.isascii() and entered.isdecimal()):
        return None
    found = None
    current = _counter(now)
    for counter in range(current - _TOLERANCE_STEPS, current + _TOLERANCE_STEPS + 1):
        if hmac.compare_digest(_code(secret, counter), entered):
            found = counter
    return found


def address(secret: str, *, account: str, issuer: str) -> str:
    """Return the otpauth address that the QR image shows."""
    query = urlencode({"secret": secret, "issuer": issuer, "digits": _DIGITS, "period": _STEP_SECONDS})
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?{query}"


def _counter(now: datetime) -> int:
    return int(now.timestamp()) // _STEP_SECONDS


def _code(secret: str, counter: int) -> str:
    key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    return str(hotp(key, counter, _DIGITS)).zfill(_DIGITS)
