"""
Columns: one specification gives the page, the sums, CSV and XLSX.

A row is a mapping from column key to value, as `QuerySet.values()` returns it; the key of a column is a field, a lookup
through relations (`partner__name`) or an annotation of the list's queryset. A column with `value` is computed from the
row instead and selects nothing itself.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from core import clock
from core.money import MINOR_DIGITS, RATE_SCALE

Label = str | Promise
Row = Mapping[str, object]

UNKNOWN = "–"
# Every digit that four more digits follow: what is left of an account or resident number are its last four.
BUT_LAST_FOUR = "[0-9](?=(?:-*[0-9]){4})"


class Kind(StrEnum):
    """What a column holds; decides alignment, writing and the type of the cell in a file."""

    TEXT = "text"
    ID = "id"
    WON = "won"
    SIGNED_WON = "signed-won"
    DATE = "date"
    MOMENT = "moment"
    COUNT = "count"
    BADGE = "badge"
    RATE = "rate"
    MASKED = "masked"
    DECIMAL = "decimal"


NUMERIC = frozenset({Kind.WON, Kind.SIGNED_WON, Kind.COUNT, Kind.RATE, Kind.DECIMAL})
MONEY = frozenset({Kind.WON, Kind.SIGNED_WON})


class Tone(StrEnum):
    """The colour family of a badge or tile."""

    NEUTRAL = "neutral"
    INFO = "info"
    PROGRESS = "progress"
    SUCCESS = "success"
    WARNING = "warning"
    DANGER = "danger"


class Shape(StrEnum):
    """The mark of a badge, so that a status never depends on colour alone."""

    RING = "ring"
    HALF = "half"
    DOT = "dot"
    CHECK = "check"
    CROSS = "cross"
    PAUSE = "pause"
    CLOCK = "clock"
    BACK = "back"
    DASH = "dash"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Badge:
    """A status as word, shape and colour."""

    label: Label
    tone: Tone = Tone.NEUTRAL
    shape: Shape = Shape.DOT


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column of a list, its totals and its files.

    `key` names the value in the row. `total` sums it in the result line (WON, SIGNED_WON and COUNT only). `sortable`
    needs an index and a column without nulls. `badges` maps stored values to badges. `link` gives the address of what
    the cell names. `value` computes the cell from the row. `sql` replaces the compiled expression in big exports.
    RATE values are hundred-thousandths (`core.money.rated`). `currency` names the row's key with the currency code;
    without it, won.
    """

    key: str
    label: Label
    kind: Kind = Kind.TEXT
    default: bool = True
    total: bool = False
    link: Callable[[Row], str | None] | None = None
    badges: Mapping[str, Badge] | None = None
    width: int = 0
    sortable: bool = False
    export: bool = True
    sql: str | None = None
    value: Callable[[Row], object] | None = None
    currency: str | None = None

    @property
    def numeric(self) -> bool:
        """Say whether the cells are figures, set to the right."""
        return self.kind in NUMERIC

    def of(self, row: Row) -> object:
        """Return the value of this column in a row; personal numbers are hidden here, for page and file alike."""
        value = self.value(row) if self.value else row.get(self.key)
        return masked(str(value)) if self.kind is Kind.MASKED and value else value

    def badge(self, value: object) -> Badge:
        """Return the badge of a stored value; a value nobody described is shown as it is."""
        found = (self.badges or {}).get(str(value))
        return found or Badge(label=str(value))

    def text(self, row: Row) -> str:
        """Return the cell as plain text in the reader's language."""
        value = self.of(row)
        if value is None or value == "":
            return UNKNOWN
        if self.kind is Kind.BADGE:
            return str(self.badge(value).label)
        if self.kind in MONEY and self.currency:
            return money(value, str(row.get(self.currency) or "KRW"))
        return _WRITERS.get(self.kind, str)(value)


def masked(text: str) -> str:
    """Hide all digits of longer numbers but the last four."""
    return re.sub(BUT_LAST_FOUR, "*", text)


def grouped(value: object) -> str:
    """Write a whole number with thousands commas and the minus in front."""
    if not isinstance(value, int | Decimal):
        message = f"not a whole number: {value!r}"
        raise TypeError(message)
    return f"{int(value):,}"


def won(value: object) -> str:
    """Write an amount of won with its sign: `₩1,234`, `-₩1,234`, zero as `₩0`, nothing as `–`."""
    if value is None or value == "":
        return UNKNOWN
    text = grouped(value)
    return f"-₩{text[1:]}" if text.startswith("-") else f"₩{text}"


def money(value: object, currency: str) -> str:
    """Write minor units of a currency: won as a bare figure, everything else with its code (`12.34 USD`)."""
    if currency == "KRW":
        return grouped(value)
    digits = MINOR_DIGITS.get(currency, 2)
    units = int(grouped(value).replace(",", ""))
    whole, rest = divmod(abs(units), 10**digits)
    fraction = f".{rest:0{digits}d}" if digits else ""
    return f"{'-' if units < 0 else ''}{whole:,}{fraction} {currency}"


_WEEKDAYS: tuple[Label, ...] = (
    pgettext_lazy("weekday", "월"),
    pgettext_lazy("weekday", "화"),
    pgettext_lazy("weekday", "수"),
    pgettext_lazy("weekday", "목"),
    pgettext_lazy("weekday", "금"),
    pgettext_lazy("weekday", "토"),
    pgettext_lazy("weekday", "일"),
)


def weekday(value: date) -> str:
    """Return the one-letter Korean (or three-letter English) name of a weekday."""
    return str(_WEEKDAYS[value.weekday()])


def day(value: object) -> str:
    """Write a day as `2026-11-21 (토)`; a moment counts as its Seoul day."""
    if isinstance(value, datetime):
        value = clock.seoul_day(value)
    if not isinstance(value, date):
        return UNKNOWN
    return f"{value.isoformat()} ({weekday(value)})"


def moment(value: object) -> str:
    """Write a moment in Seoul's time as `2026-11-21 14:05`."""
    if not isinstance(value, datetime):
        return UNKNOWN
    return value.astimezone(clock.SEOUL).strftime("%Y-%m-%d %H:%M")


def rate(value: object) -> str:
    """Write hundred-thousandths as a percentage without needless zeros: 3,300 is `3.3%`."""
    if not isinstance(value, int):
        message = f"not a rate: {value!r}"
        raise TypeError(message)
    whole, rest = divmod(abs(value) * 100, RATE_SCALE)
    fraction = f".{rest:05d}".rstrip("0").rstrip(".")
    return f"{'-' if value < 0 else ''}{whole:,}{fraction}%"


def decimal(value: object) -> str:
    """Write an exact figure with thousands commas and the decimals it has: `1,234.5`."""
    if not isinstance(value, int | Decimal):
        message = f"not a decimal: {value!r}"
        raise TypeError(message)
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_WRITERS: dict[Kind, Callable[[object], str]] = {
    Kind.WON: grouped,
    Kind.SIGNED_WON: grouped,
    Kind.COUNT: grouped,
    Kind.DATE: day,
    Kind.MOMENT: moment,
    Kind.RATE: rate,
    Kind.DECIMAL: decimal,
}
