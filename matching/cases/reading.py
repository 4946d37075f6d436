"""Reading a case strictly: every field known, every number a text with an exact decimal."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

_NUMBER: Final = re.compile(r"-?[0-9]{1,24}(\.[0-9]{1,16})?")
_FRACTION: Final = re.compile(r"[0-9]{1,12}/[0-9]{1,12}")
_PLACES, _RATE_PLACES = 6, 16
Data = Mapping[str, Any]
DEFAULT_DAY: Final = date(2026, 1, 2)


class CannotRun(Exception):
    """The case itself is not one: a field nobody knows, a number that is none."""


def number(value: object, at: str, places: int = _PLACES) -> Decimal:
    """Return an exact decimal of so many places at most."""
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise CannotRun(f'{at}: a number is a text such as "12.50"')
    found = Decimal(value)
    if len(value.partition(".")[2].rstrip("0")) > places:
        raise CannotRun(f"{at}: more than {places} decimals")
    return found


def factor(value: object, at: str) -> Fraction:
    """Return a conversion factor, a decimal or a fraction."""
    if isinstance(value, str) and _FRACTION.fullmatch(value) and not value.endswith("/0"):
        return Fraction(value)
    return Fraction(number(value, at))


def day(value: object, at: str) -> date:
    """Return a day."""
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise CannotRun(f"{at}: a day is YYYY-MM-DD") from None


def pair(value: object, at: str) -> tuple[str, str]:
    """Return document and part of a reference such as PO1/2."""
    head, slash, tail = str(value).rpartition("/")
    if not isinstance(value, str) or not slash or not head or not tail:
        raise CannotRun(f"{at}: a reference is such as PO1/2")
    return head, tail


def line_name(value: object, at: str) -> tuple[str, int]:
    """Return document and line number of a reference such as PO1/2."""
    head, tail = pair(value, at)
    if not tail.isascii() or not tail.isdecimal():
        raise CannotRun(f"{at}: a line is a number")
    return head, int(tail)


class Part:
    """One object of the case; what nobody asked for by the end is refused."""

    def __init__(self, data: object, at: str) -> None:
        if not isinstance(data, Mapping):
            raise CannotRun(f"{at}: an object is expected")
        self.data: Data = data
        self.at = at
        self._seen: set[str] = set()

    def has(self, name: str) -> bool:
        """Say whether a field is given; null counts as given."""
        self._seen.add(name)
        return name in self.data

    def raw(self, name: str) -> Any:
        """Return a field as it is, None when it is not given."""
        self._seen.add(name)
        return self.data.get(name)

    def path(self, name: str) -> str:
        """Return where a field stands."""
        return f"{self.at}.{name}"

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text."""
        value = self.raw(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value:
            raise CannotRun(f"{self.path(name)}: a text is expected")
        return value

    def maybe_text(self, name: str) -> str | None:
        """Return a text, or None."""
        return None if self.raw(name) is None else self.text(name)

    def integer(self, name: str) -> int:
        """Return a whole number."""
        value = self.raw(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise CannotRun(f"{self.path(name)}: a whole number is expected")
        return value

    def flag(self, name: str) -> bool:
        """Return true or false; false when it is not given."""
        value = self.raw(name)
        if not isinstance(value, bool | None):
            raise CannotRun(f"{self.path(name)}: true or false is expected")
        return bool(value)

    def number(self, name: str, places: int = _PLACES) -> Decimal:
        """Return a number."""
        return number(self.raw(name), self.path(name), places)

    def maybe_number(self, name: str, places: int = _PLACES) -> Decimal | None:
        """Return a number, or None."""
        return None if self.raw(name) is None else self.number(name, places)

    def rate(self, name: str) -> Decimal | None:
        """Return an exchange rate, or None."""
        return self.maybe_number(name, _RATE_PLACES)

    def day(self, name: str) -> date:
        """Return a day, the second of January 2026 when none is given."""
        value = self.raw(name)
        return DEFAULT_DAY if value is None else day(value, self.path(name))

    def parts(self, name: str) -> "list[Part]":
        """Return a list of objects; an empty one when it is not given."""
        value = self.raw(name)
        if value is None:
            return []
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise CannotRun(f"{self.path(name)}: a list is expected")
        return [Part(one, f"{self.path(name)}[{place}]") for place, one in enumerate(value)]

    def one_of(self, name: str, words: Sequence[str]) -> str:
        """Return one of some words."""
        value = self.text(name)
        if value not in words:
            raise CannotRun(f"{self.path(name)}: one of {', '.join(words)} is expected")
        return value

    def done(self) -> None:
        """Refuse what nobody asked for."""
        for name in self.data:
            if name not in self._seen:
                raise CannotRun(f"{self.path(name)}: nobody knows this field")
