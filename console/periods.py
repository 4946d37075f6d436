"""Periods of Seoul days that operators ask for by name. Pure."""

import calendar
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.columns import Label

ALL, CUSTOM = "all", "custom"
TODAY, YESTERDAY, WEEK = "today", "yesterday", "week"
MONTH, QUARTER = "month", "quarter"
THIS_MONTH, LAST_MONTH = "this-month", "last-month"

PRESETS: tuple[tuple[str, Label], ...] = (
    (TODAY, gettext_lazy("오늘")),
    (YESTERDAY, gettext_lazy("어제")),
    (WEEK, gettext_lazy("1주")),
    (MONTH, gettext_lazy("1개월")),
    (QUARTER, gettext_lazy("3개월")),
    (THIS_MONTH, gettext_lazy("이번 달")),
    (LAST_MONTH, gettext_lazy("지난달")),
    (ALL, gettext_lazy("전체")),
    (CUSTOM, gettext_lazy("직접입력")),
)
_EARLIEST, _LATEST = date(2000, 1, 1), date(2099, 12, 31)

Ends = tuple[date | None, date | None]


def months_before(day: date, months: int) -> date:
    """Return the same day some months earlier, or the last day of that month when it is shorter."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def month_ends(day: date) -> tuple[date, date]:
    """Return the first and last day of the month a day is in."""
    return day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1])


def resolve(period: str, first: str, last: str, today: date) -> Ends:
    """
    Return both ends, included; None is open.

    Raises ValueError with a sentence for the reader.
    """
    if period == CUSTOM:
        return _custom(first, last)
    if period not in _NAMED:
        raise ValueError(_("없는 기간이에요."))
    return _NAMED[period](today)


_NAMED: Mapping[str, Callable[[date], Ends]] = {
    ALL: lambda _today: (None, None),
    TODAY: lambda today: (today, today),
    YESTERDAY: lambda today: (today - timedelta(days=1), today - timedelta(days=1)),
    WEEK: lambda today: (today - timedelta(days=6), today),
    MONTH: lambda today: (months_before(today, 1) + timedelta(days=1), today),
    QUARTER: lambda today: (months_before(today, 3) + timedelta(days=1), today),
    THIS_MONTH: month_ends,
    LAST_MONTH: lambda today: month_ends(months_before(today.replace(day=1), 1)),
}


def _custom(first_text: str, last_text: str) -> Ends:
    first, last = read_day(first_text), read_day(last_text)
    if first and last and first > last:
        raise ValueError(_("시작일이 종료일보다 늦어요."))
    return first, last


def read_day(text: str) -> date | None:
    """Read a day as people type it (`2026-11-21`, `2026.11.21`, `20261121`); "" is None. Raises ValueError."""
    text = text.strip()
    if not text:
        return None
    plain = text.replace(".", "-").replace("/", "-").rstrip("-")
    try:
        # Digits of other scripts are no dates here, although Python would read them.
        day = date.fromisoformat(plain if plain.isascii() else "")
    except ValueError:
        raise ValueError(_("날짜를 2026-11-21처럼 적어 주세요: %(value)s") % {"value": text[:20]}) from None
    if not _EARLIEST <= day <= _LATEST:
        raise ValueError(_("2000년부터 2099년까지만 찾을 수 있어요."))
    return day


def written(first: date | None, last: date | None) -> str:
    """Write a period as `2026-11-01 ~ 2026-11-21`."""
    if first == last and first is not None:
        return first.isoformat()
    return f"{first.isoformat() if first else ''} ~ {last.isoformat() if last else ''}".strip()
