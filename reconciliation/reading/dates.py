"""Cells into days. Slash dates are month first in these files; a day and a month are never silently swapped."""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone

_TIME = (
    r"(?:(?:T|\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d{1,7})?)?"
    r"\s*(?P<half>[AP]M)?\s*(?P<zone>Z|UTC|[-+]\d{2}(?::?\d{2})?)?)?"
)
_FLAGS = re.IGNORECASE | re.ASCII
_SLASHES = re.compile(rf"(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/(?P<year>\d{{4}}){_TIME}", _FLAGS)
_DOTS = re.compile(rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.(?P<year>\d{{4}}){_TIME}", _FLAGS)
_ISO = re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}}){_TIME}", _FLAGS)
_NO_YEAR = 1  # how the vendor's programs write that there is no date
_MONTHS = 12
_HALF_DAY = 12


class Dates:
    """Reads the dates of a file and notes how they are written."""

    def __init__(self) -> None:
        self._slashes = self._dots = self._iso = self._day_is_second = False

    @property
    def order(self) -> str:
        """The order of day, month and year: MDY, DMY or ISO; MDY for a file without dates."""
        if self._slashes:
            return "MDY"
        if self._dots:
            return "DMY"
        return "ISO" if self._iso else "MDY"

    @property
    def ambiguous(self) -> bool:
        """Whether the file has slash dates and none of them tells the day from the month."""
        return self._slashes and not self._day_is_second

    def read(self, cell: str) -> date | None:
        """Return the UTC day in a cell, None where it says that there is none; ValueError if it holds no date."""
        text = cell if cell.isascii() else unicodedata.normalize("NFKC", cell).strip()
        found = _SLASHES.fullmatch(text) or _ISO.fullmatch(text) or _DOTS.fullmatch(text)
        if found is None:
            raise ValueError(cell)
        year, month, day = int(found["year"]), int(found["month"]), int(found["day"])
        if year == _NO_YEAR:
            return None
        if found.re is _SLASHES:
            self._slashes = True
            self._day_is_second = self._day_is_second or day > _MONTHS
        elif found.re is _DOTS:
            self._dots = True
        else:
            self._iso = True
        return _utc_day(date(year, month, day), found)


def _utc_day(day: date, found: re.Match[str]) -> date:
    if found["hour"] is None:
        return day
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    if found["half"]:
        if not 1 <= hour <= _HALF_DAY:
            raise ValueError(hour)
        hour = hour % _HALF_DAY + (_HALF_DAY if found["half"].upper() == "PM" else 0)
    moment = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=_zone(found["zone"]))
    try:
        return moment.astimezone(UTC).date()
    except OverflowError as error:
        raise ValueError(day) from error


def _zone(text: str | None) -> timezone:
    if text is None or text.upper() in {"Z", "UTC"}:
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:].removeprefix(":") or 0))
    return timezone(-offset if text[0] == "-" else offset)  # a ValueError from a day on
