"""What a column of a sheet holds, and how each kind looks in Excel. Shared by every writer and reader here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

SEOUL = ZoneInfo("Asia/Seoul")
CONDITIONS_SHEET = "조회조건"
GUIDE_SHEET = "안내"
ERRORS_HEADER = "오류"
MOST_EXACT = 999_999_999_999_999
"""The largest number a sheet shows exactly: Excel keeps 15 digits. It is also the bound of our amounts."""

Cell = str | int | Decimal | date | datetime | None

Conditions = Callable[[int], Iterable[tuple[str, Cell]]]
"""Given the number of rows written, the lines of the 조회조건 sheet: who, when, filter, count, sum."""


class Kind(StrEnum):
    """What the cells of a column mean. Values come as the Python and PostgreSQL type named beside each."""

    TEXT = "text"  # str, text
    ID = "id"  # str, text; account and business numbers too: never a number in the sheet
    WON = "won"  # int, bigint: won
    SIGNED_WON = "signed_won"  # int, bigint: won, negatives in red
    DATE = "date"  # date, date
    MOMENT = "moment"  # aware datetime, timestamptz; shown as the clock in Seoul, to the second
    RATE = "rate"  # int, int: units of 10^-5 of the base; 3300 is shown as 3.3%
    COUNT = "count"  # int, bigint
    DECIMAL = "decimal"  # Decimal, numeric: a quantity, a price, a percentage; shown with the decimals it has


TEXT_KINDS = frozenset({Kind.TEXT, Kind.ID})

NUMBER_FORMATS: dict[Kind, str] = {
    Kind.TEXT: "@",
    Kind.ID: "@",
    Kind.WON: "#,##0",
    Kind.SIGNED_WON: "#,##0;[Red]-#,##0",
    Kind.DATE: "yyyy-mm-dd",
    Kind.MOMENT: "yyyy-mm-dd hh:mm:ss",
    Kind.RATE: "0.0##%",
    Kind.COUNT: "#,##0",
    Kind.DECIMAL: "General",
}

_USUAL_WIDTHS: dict[Kind, int] = {
    Kind.TEXT: 24,
    Kind.ID: 28,
    Kind.WON: 16,
    Kind.SIGNED_WON: 16,
    Kind.DATE: 12,
    Kind.MOMENT: 20,
    Kind.RATE: 10,
    Kind.COUNT: 10,
    Kind.DECIMAL: 14,
}


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """One column of a sheet to be written: header, kind of its cells, width in characters (0: the usual one)."""

    header: str
    kind: Kind
    width: int = 0

    @property
    def shown_width(self) -> int:
        """The width to set, in characters."""
        return self.width or _USUAL_WIDTHS[self.kind]


def kind_of(value: Cell) -> Kind:
    """Return how a value of the 조회조건 sheet is shown, by its type."""
    if isinstance(value, datetime):
        return Kind.MOMENT
    if isinstance(value, date):
        return Kind.DATE
    if isinstance(value, int) and abs(value) <= MOST_EXACT:
        return Kind.SIGNED_WON
    return Kind.TEXT


def column_letters(number: int) -> str:
    """Return the letters of a column counted from 1: 1 is A, 27 is AA."""
    letters = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """Return the number, counted from 1, of the column with these letters (A to Z, either case)."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def in_seoul(moment: datetime) -> datetime:
    """Return the clock in Seoul, to the second and without zone. A moment without a zone is a ValueError."""
    if moment.tzinfo is None:
        message = "A moment in a sheet needs a time zone."
        raise ValueError(message)
    return moment.astimezone(SEOUL).replace(tzinfo=None, microsecond=0)


def plain_number(number: int | Decimal) -> str:
    """Return a number in digits only: no exponent, no commas, no trailing zeros after the point."""
    text = format(number, "f") if isinstance(number, Decimal) else str(number)
    return text.rstrip("0").rstrip(".") if "." in text else text


def rate_as_percent(rate: int) -> str:
    """Return a rate in units of 10^-5 as a percentage: 3300 is 3.3%."""
    return f"{plain_number(Decimal(rate).scaleb(-3))}%"
