"""CSV as Korean Excel opens it: UTF-8 with a byte-order mark, CRLF, and no cell that turns into a formula."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

from console.files.columns import Cell, Kind, SheetColumn, in_seoul, plain_number, rate_as_percent

BOM = b"\xef\xbb\xbf"
_BLOCK_CHARACTERS = 1 << 16
_FORMULA_STARTS = "=+\\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20"
# Quotes before the mark count as well. Otherwise a text that already is '=1 would leave without a second quote, and
# the reader, which takes one away, would bring back =1.
_NEEDS_QUOTE = re.compile(f"'*[{_FORMULA_STARTS}]")
_HAS_QUOTE = re.compile(f"'+[{_FORMULA_STARTS}]")


def guarded(text: str) -> str:
    """Return the text with a ' in front if a spreadsheet might run it as a formula."""
    return f"'{text}" if _NEEDS_QUOTE.match(text) else text


def unguarded(text: str) -> str:
    """Return the text without the ' that guarded() put in front of it."""
    return text[1:] if _HAS_QUOTE.match(text) else text


def csv_blocks(rows: Iterable[Sequence[Cell]], columns: Sequence[SheetColumn]) -> Iterator[bytes]:
    """Yield a CSV file in blocks of about 64 KB: header first, then one line a row. None is an empty cell."""
    shown = [_SHOWN[column.kind] for column in columns]
    buffer = io.StringIO(newline="")
    write = csv.writer(buffer, lineterminator="\r\n").writerow
    write([guarded(column.header) for column in columns])
    yield BOM
    for row in rows:
        write(["" if value is None else show(value) for show, value in zip(shown, row, strict=True)])
        if buffer.tell() >= _BLOCK_CHARACTERS:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _text(value: Cell) -> str:
    return guarded(str(value))


def _number(value: Cell) -> str:
    if not isinstance(value, int):
        raise TypeError(value)
    return str(value)


def _date(value: Cell) -> str:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError(value)
    return value.isoformat()


def _moment(value: Cell) -> str:
    if not isinstance(value, datetime):
        raise TypeError(value)
    return in_seoul(value).isoformat(sep=" ")


def _decimal(value: Cell) -> str:
    if not isinstance(value, int | Decimal):
        raise TypeError(value)
    return plain_number(value)


def _rate(value: Cell) -> str:
    if not isinstance(value, int):
        raise TypeError(value)
    return rate_as_percent(value)


_SHOWN: dict[Kind, Callable[[Cell], str]] = {
    Kind.TEXT: _text,
    Kind.ID: _text,
    Kind.WON: _number,
    Kind.SIGNED_WON: _number,
    Kind.COUNT: _number,
    Kind.DATE: _date,
    Kind.MOMENT: _moment,
    Kind.RATE: _rate,
    Kind.DECIMAL: _decimal,
}
