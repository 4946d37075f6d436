"""
The cells of a block into the values of its lines, whole columns at a time.

Every different cell of a column is read once: files repeat themselves.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import partial
from types import NoneType
from typing import NamedTuple, cast

from reconciliation.amounts import EXACT
from reconciliation.formats.columns import NUMERIC, Column, Holds, header_key
from reconciliation.formats.recognise import Header
from reconciliation.lines import Value
from reconciliation.reading.dates import Dates
from reconciliation.reading.decoding import CELLS_APART
from reconciliation.reading.laid_aside import Grid
from reconciliation.reading.numbers import are_usual, decimal_of
from reconciliation.series import Series, combined

_CURRENCY = re.compile(r"[A-Za-z]{3}")
_DESTROYED = re.compile(r"[0-9](?:[.,][0-9]+)?E\+[0-9]+", re.IGNORECASE)
_ORGANISATION = "org:"
_SKU_CHARACTERS = 4
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Cells that a look is worth: a space in front goes before the text is stored.
_LIKE_FORMULA = re.compile(rf"{CELLS_APART}[-=+@\t\r ]")
_SIGNED_NUMBER = re.compile(r"[-+][0-9]+(?:[.,][0-9]+)*")
_PERIOD = ("ChargeStartDate", "ChargeEndDate")
_FIELD_COUNT = ("field_count",)


class _Bad(Enum):
    """Stands for a cell that does not hold what its column asks for."""

    BAD = "bad"


_Read = Callable[[Sequence[str]], Sequence[Value | _Bad]]


class Cells:
    """Reads the cells of one file: its decimal mark is known, and how its dates are written is found out."""

    def __init__(self, mark: str) -> None:
        self.dates = Dates()
        self._mark = mark

    def reader(self, column: Column, header: str) -> _Read:
        """Return what reads the cells of a column; a blank one has no value."""
        match column.holds:
            case Holds.ID | Holds.TEXT:
                return _texts
            case Holds.DATE:
                return partial(_each, self._date)
            case Holds.CURRENCY:
                return partial(_each, _currency)
            case _:
                # 15 under the column's own name is 0.15 under the other one.
                percent = column.percent and header_key(header) == header_key(column.name)
                return _numbers(column.holds, self._mark, percent=percent)

    def _date(self, cell: str) -> date | _Bad | None:
        try:
            return self.dates.read(cell)
        except ValueError:
            return _Bad.BAD


class Values(NamedTuple):
    """
    What is read from rows that follow each other under one header.

    `columns` are all columns of the kind in the order of its documentation, then the merchant's own. `codes` say what
    is wrong with each row, `damaged` which of its ids a spreadsheet has spoilt. `texts` are the cells, as they stand,
    of all columns that hold no figures, known or not, `nameless` those of columns without a header.
    """

    columns: Mapping[str, Series[Value]]
    codes: Series[tuple[str, ...]]
    damaged: Series[tuple[str, ...]]
    texts: Sequence[Series[str]]
    nameless: Sequence[Series[str]]


class BlockReader:
    """Reads the rows under one header."""

    def __init__(self, header: Header, cells: Cells) -> None:
        self._width = len(header.cells)
        placed = {column: place for place, column in enumerate(header.places) if column is not None}
        self._placed = [column for column in header.format.columns if column in placed]
        self._readers: dict[str, tuple[int, _Read]] = {
            column.value_name: (place, cells.reader(column, header.cells[place])) for column, place in placed.items()
        } | {text: (place, _texts) for place, text in enumerate(header.cells) if header.is_metadata(place)}
        self._names = list(dict.fromkeys([column.value_name for column in header.format.columns] + [*self._readers]))
        self._ids = [column.name for column in placed if column.holds is Holds.ID]
        read = {place for column, place in placed.items() if column.holds not in (Holds.ID, Holds.TEXT)}
        self._texts = [place for place in range(self._width) if place not in read]
        self._nameless = [place for place, text in enumerate(header.cells) if not text]
        self._has_period = {column.name for column in placed}.issuperset(_PERIOD)
        self.has_customer = "CustomerId" in self._ids

    def values(self, grid: Grid) -> Values:
        """Return the values of rows and what is wrong with them; a row of another width has no values."""
        lines, cells = len(grid.columns[0]), grid.stripped
        columns: dict[str, Series[Value | _Bad]] = dict.fromkeys(self._names, Series.same(None, lines))
        for name, (place, read) in self._readers.items():
            columns[name] = cells[place].map_all(read)
        suspicious = [column for column in self._placed if _is_suspicious(column, columns[column.value_name])]
        codes = self._codes(columns, suspicious, grid.odd)
        values = cast("dict[str, Series[Value]]", columns)
        for column in suspicious:
            values[column.value_name] = columns[column.value_name].map(_good)
        damaged = self._mend(values, lines)
        texts, nameless = ([grid.columns[place] for place in places] for places in (self._texts, self._nameless))
        return Values(values, codes, damaged, texts, nameless)

    def _codes(
        self, columns: Mapping[str, Series[Value | _Bad]], suspicious: list[Column], odd: Sequence[int]
    ) -> Series[tuple[str, ...]]:
        """Return what is wrong with each of the lines; `odd` ones have another width."""
        lines = len(columns[self._names[0]])
        wrong: set[int] = set()
        for column in suspicious:
            values = enumerate(columns[column.value_name])
            wrong.update(line for line, value in values if value is None or value is _Bad.BAD)
        if self._has_period:
            turned = combined(_is_reversed, *map(columns.__getitem__, _PERIOD))
            if True in turned.different:
                wrong.update(line for line, is_reversed in enumerate(turned) if is_reversed)
        if not wrong and not odd:
            return Series.same((), lines)
        codes: list[tuple[str, ...]] = [()] * lines
        for line in wrong:
            codes[line] = tuple(self._codes_of({name: series.at(line) for name, series in columns.items()}))
        for line in odd:
            codes[line] = _FIELD_COUNT
        return Series.of(codes)

    def _codes_of(self, values: Mapping[str, Value | _Bad]) -> Iterator[str]:
        """Yield what is wrong with a line, in the order of the columns."""
        for column in self._placed:
            value = values[column.value_name]
            if value is _Bad.BAD:
                yield f"{_BAD_CODES[column.holds]}:{column.name}"
            elif value is None and column.filled:
                yield f"missing_value:{column.name}"
        if self._has_period and _is_reversed(*map(values.__getitem__, _PERIOD)):
            yield "period_reversed"

    def _mend(self, columns: dict[str, Series[Value]], lines: int) -> Series[tuple[str, ...]]:
        """
        Put ids into the form in which they are compared; return those that a spreadsheet has spoilt.

        A short SkuId is whole again once the zeros in front are back; an id that became a number with an exponent is
        lost and stays as it is.
        """
        damaged: dict[int, tuple[str, ...]] = {}
        for name in self._ids:
            if _mentions(columns[name], "e+"):
                _note(damaged, name, columns[name].map(_is_destroyed))
        if "SkuId" in self._ids:
            is_short = columns["SkuId"].map(_is_short)
            if True in is_short.different:
                _note(damaged, "SkuId", is_short)
                columns["SkuId"] = columns["SkuId"].map(_padded)
        if self.has_customer and _mentions(columns["CustomerId"], _ORGANISATION):
            columns["CustomerId"] = columns["CustomerId"].map(_without_organisation)
        return Series.of([damaged.get(line, ()) for line in range(lines)]) if damaged else Series.same((), lines)


_BAD_CODES = dict.fromkeys(NUMERIC, "bad_number") | {Holds.DATE: "bad_date", Holds.CURRENCY: "bad_currency"}


def _is_suspicious(column: Column, values: Series[Value | _Bad]) -> bool:
    """Say whether a column has cells that could not be read, or none where a line needs one."""
    if column.holds in (Holds.ID, Holds.TEXT):
        return column.filled and None in values.different
    sorts = set(map(type, values.different))
    return _Bad in sorts or (column.filled and NoneType in sorts)


def _good(value: Value | _Bad) -> Value:
    return None if isinstance(value, _Bad) else value


def _is_reversed(start: Value | _Bad, end: Value | _Bad) -> bool:
    return isinstance(start, date) and isinstance(end, date) and end < start


def _note(damaged: dict[int, tuple[str, ...]], name: str, is_damaged: Series[bool]) -> None:
    for line, is_one in enumerate(is_damaged):
        if is_one:
            damaged[line] = (*damaged.get(line, ()), name)


def _mentions(series: Series[Value], part: str) -> bool:
    """Say whether any id has this in it, in whatever case, which is quicker to find out for all of them at once."""
    return part in CELLS_APART.join([value for value in series.different if isinstance(value, str)]).lower()


def _is_destroyed(value: Value) -> bool:
    return isinstance(value, str) and _DESTROYED.fullmatch(value) is not None


def _is_short(value: Value) -> bool:
    return isinstance(value, str) and len(value) < _SKU_CHARACTERS


def _padded(value: Value) -> Value:
    return value.rjust(_SKU_CHARACTERS, "0") if isinstance(value, str) else value


def _without_organisation(value: Value) -> Value:
    if isinstance(value, str) and value[: len(_ORGANISATION)].lower() == _ORGANISATION:
        return value[len(_ORGANISATION) :].strip() or None
    return value


def has_formula(texts: Series[str]) -> bool:
    """Say whether a spreadsheet would run one of these cells."""
    cells = texts.different
    if not _LIKE_FORMULA.search(CELLS_APART + CELLS_APART.join(cells)):
        return False
    return any(
        (cell.startswith(_FORMULA_STARTS) or text.startswith(_FORMULA_STARTS)) and not _SIGNED_NUMBER.fullmatch(text)
        for cell in cells
        if (text := cell.strip())
    )


def _texts(cells: Sequence[str]) -> Sequence[str | None]:
    return [cell or None for cell in cells] if "" in cells else cells


def _each(read: Callable[[str], Value | _Bad], cells: Sequence[str]) -> list[Value | _Bad]:
    return [read(cell) if cell else None for cell in cells]


def _currency(cell: str) -> str | _Bad:
    return cell.upper() if _CURRENCY.fullmatch(cell) else _Bad.BAD


def _numbers(holds: Holds, mark: str, *, percent: bool) -> _Read:
    def read(cell: str) -> Decimal | _Bad:
        value = decimal_of(cell, holds, mark)
        if value is None:
            return _Bad.BAD
        return EXACT.scaleb(value, -2) if percent else value

    as_they_stand = mark == "." and holds is not Holds.WHOLE and not percent
    return lambda cells: [*map(Decimal, cells)] if as_they_stand and are_usual(cells) else _each(read, cells)
