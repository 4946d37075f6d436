"""Limits on proving who one is: counted in PostgreSQL before each try, with pauses that grow and always end."""

from datetime import datetime
from enum import StrEnum
from math import ceil

from django.db import connection
from django.db.models import F
from django.utils.translation import ngettext

from access.models import Attempts
from core import sql
from core.errors import DomainError

_LONGEST_PAUSE_SECONDS = 900


class Kind(StrEnum):
    """What is being limited, each with its own number of tries before the pauses begin."""

    ACCOUNT = "account"
    ADDRESS = "address"
    CODE = "code"


_FREE = {Kind.ACCOUNT: 5, Kind.ADDRESS: 30, Kind.CODE: 5}


class TooManyAttempts(DomainError):
    """The subject has to wait; `retry_after` says how many seconds."""

    code, status = "TOO_MANY_ATTEMPTS", 429

    def __init__(self, seconds: int) -> None:
        message = ngettext(
            "시도가 너무 많았어요. %(seconds)d초 뒤에 다시 해 주세요.",
            "시도가 너무 많았어요. %(seconds)d초 뒤에 다시 해 주세요.",
            seconds,
        )
        super().__init__(message % {"seconds": seconds})
        self.retry_after = seconds


def take(kind: Kind, subject: str, now: datetime) -> None:
    """Count a try that is about to be made. Raises TooManyAttempts while the subject has to wait."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.load("access", "take_attempt"),
            {"kind": kind.value, "subject": subject[:200], "now": now, "free": _FREE[kind]},
        )
        counted = cursor.fetchone()
    if counted is None:
        raise TooManyAttempts(_wait(kind, subject, now))


def succeeded(kind: Kind, subject: str) -> None:
    """Forget the failures of a subject that proved itself."""
    Attempts.objects.filter(kind=kind, subject=subject[:200]).delete()


def give_back(kind: Kind, subject: str) -> None:
    """Uncount one try that turned out well, where many people share the subject (an office's address)."""
    Attempts.objects.filter(kind=kind, subject=subject[:200], failures__gt=0).update(
        failures=F("failures") - 1, blocked_until=F("last_at")
    )


def _wait(kind: Kind, subject: str, now: datetime) -> int:
    until = Attempts.objects.filter(kind=kind, subject=subject[:200]).values_list("blocked_until", flat=True).first()
    seconds = ceil((until - now).total_seconds()) if until else 1
    return min(max(seconds, 1), _LONGEST_PAUSE_SECONDS)
