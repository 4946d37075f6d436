"""Cells of a bank's sheet into booking days and moments in Seoul, as Korean banks and spreadsheets write them."""

import re
import unicodedata
from datetime import date, datetime, time
from decimal import Decimal

from console.files.columns import plain_number
from console.files.errors import ValueRefused
from console.files.values import Raw
from core.clock import SEOUL
from reconciliation.statements.mapping import DateOrder
from reconciliation.statements.refusals import CellRefused

_YEAR_FIRST = re.compile(
    r"(?P<y>\d{4})(?:\s?년\s?|[-./]\s?)(?P<m>\d{1,2})(?:\s?월\s?|[-./]\s?)(?P<d>\d{1,2})(?:\s?일|\.)?"
    r"(?:\s?\([월화수목금토일]\))?(?:[T\s]+(?P<rest>.+))?",
    re.ASCII,
)
_DIGITS = re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:\s?(?P<rest>\d{6}|\d{4}|.*:.*))?", re.ASCII)
_YEAR_LAST = re.compile(r"(?P<a>\d{1,2})[-./](?P<b>\d{1,2})[-./](?P<y>\d{4})(?:[T\s]+(?P<rest>.+))?", re.ASCII)
_CLOCK = re.compile(
    r"(?P<before>오전|오후|[AP]M)?\s?(?P<h>\d{1,2})(?::|\s?시\s?)(?P<m>\d{1,2})"
    r"(?:(?::|\s?분\s?)(?:(?P<s>\d{1,2})(?:\.\d{1,9}|\s?초)?)?)?\s?(?P<after>[AP]M)?\s?(?P<zone>Z|[-+]\d{2}:?\d{2})?",
    re.ASCII | re.IGNORECASE,
)
_CLOCK_DIGITS = re.compile(r"(?P<h>\d{2})(?P<m>\d{2})(?P<s>\d{2})?", re.ASCII)
_HALF_DAY = 12


def day_of(raw: Raw, order: DateOrder) -> date:
    """Return the day in a cell. Code: not_a_date."""
    return moment_of(raw, "", order)[0]


def moment_of(day: Raw, clock: Raw, order: DateOrder) -> tuple[date, datetime | None]:
    """
    Return the booking day in Seoul and, where the cells tell the time, the moment.

    The time may stand behind the day, in a cell of its own, or there with its day once more. Codes: not_a_date,
    not_a_time.
    """
    found, rest = _day(day, order)
    if clock == "":
        return _joined(found, rest) if rest is not None else (found, None)
    if isinstance(clock, datetime):
        return found, datetime.combine(found, clock.time(), SEOUL)
    text = plain_number(clock).zfill(6) if isinstance(clock, Decimal) else _folded(str(clock))
    try:
        own, own_rest = _day(text, order)
    except ValueRefused:
        return _joined(found, text)
    return found, _joined(own, own_rest)[1] if own_rest is not None else None


def _day(raw: Raw, order: DateOrder) -> tuple[date, str | None]:
    """Return the day, and what stands behind it."""
    if isinstance(raw, datetime):
        has_time = raw.time() != time()
        return raw.date(), raw.time().isoformat(timespec="seconds") if has_time else None
    if isinstance(raw, date):
        return raw, None
    text = plain_number(raw) if isinstance(raw, Decimal) else _folded(raw)
    found = _YEAR_FIRST.fullmatch(text) or _DIGITS.fullmatch(text)
    if found is None and order is not DateOrder.YMD:
        found = _YEAR_LAST.fullmatch(text)
    if found is None:
        raise ValueRefused("not_a_date")
    if found.re is _YEAR_LAST:
        month, day = (found["a"], found["b"]) if order is DateOrder.MDY else (found["b"], found["a"])
    else:
        month, day = found["m"], found["d"]
    try:
        return date(int(found["y"]), int(month), int(day)), found["rest"]
    except ValueError:
        raise ValueRefused("not_a_date") from None


def _joined(day: date, clock: str) -> tuple[date, datetime]:
    """Return the Seoul day and the moment of a day and a time; a time with a zone may lead to another day."""
    found = _CLOCK.fullmatch(clock) or _CLOCK_DIGITS.fullmatch(clock)
    if found is None:
        raise CellRefused("not_a_time")
    told = found.groupdict()
    hour, half = int(found["h"]), (told.get("before") or told.get("after") or "").upper()
    try:
        if half:
            if not 1 <= hour <= _HALF_DAY:
                raise CellRefused("not_a_time")
            hour = hour % _HALF_DAY + (_HALF_DAY if half in {"오후", "PM"} else 0)
        moment = datetime.combine(day, time(hour, int(found["m"]), int(found["s"] or 0)), SEOUL)
        if zone := told.get("zone"):
            moment = datetime.fromisoformat(moment.replace(tzinfo=None).isoformat() + zone).astimezone(SEOUL)
        return moment.date(), moment
    except (ValueError, OverflowError):
        raise CellRefused("not_a_time") from None


def _folded(text: str) -> str:
    """Return the text in compatibility form, without characters that print nothing, with single spaces."""
    if text.isascii():
        return " ".join(text.split())
    visible = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
    return " ".join(visible.split())
