"""
The clock, read only at the edge (views, API, tasks, commands) and handed inwards as `now`.

A business day is a calendar day in Asia/Seoul, whatever zone the machine is in.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SEOUL = ZoneInfo("Asia/Seoul")


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def seoul_day(moment: datetime) -> date:
    """Return the Seoul calendar day of an aware moment."""
    return moment.astimezone(SEOUL).date()


def today() -> date:
    """Return the Seoul calendar day of the present moment."""
    return seoul_day(now())


def wire_moment(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with milliseconds and `Z`, the form every client parses."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
