"""
The cells of a block into the values of its lines.

Every distinct cell of a column of numbers, dates or currencies is read once: files repeat themselves.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from operator import itemgetter
from typing import Any

from reconciliation.amounts import EXACT
from reconciliation.formats.columns import NUMERIC, Column, Holds, header_key
from reconciliation.formats.recognise import Header
from reconciliation.lines import Value
from reconciliation.reading.dates import Dates
from reconciliation.reading.numbers import LONGEST_NUMBER, decimal_of

_REMEMBERED = 1 << 13
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_DESTROYED = re.compile(r"[0-9](?:[.,][0-9]+)?E\+[0-9]+", re.IGNORECASE)
_ORGANISATION = "org:"
_SKU_CHARACTERS = 4
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_SIGNED_NUMBER = re.compile(r"[-+][0-9]+(?:[.,][0-9]+)*")
_PERIOD = ("ChargeStartDate", "ChargeEndDate")
_FIELD_COUNT = ("field_count",)


class _Bad(Enum):
    """Stands for a cell that does not hold what its column asks for."""

    BAD = "bad"


class _Cells(dict[str, Value | _Bad]):
    """What cells of one sort are read as."""

    def __init__(self, read: Callable[[str], Value | _Bad]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, cell: str) -> Value | _Bad:
        value = self._read(cell)
        if len(cell) <= LONGEST_NUMBER:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[cell] = value
        return value


class Cells:
    """Reads the cells of one file: its decimal mark is known, and how its dates are written is found out."""

    def __init__(self, mark: str) -> None:
        self.dates = Dates()
        self._of: dict[tuple[Holds, bool], _Cells] = {
            (Holds.DATE, False): _Cells(self._date),
            (Holds.CURRENCY, False): _Cells(_currency),
        }
        for holds in NUMERIC:
            for percent in (False, True):
                self._of[holds, percent] = _Cells(_number(holds, mark, percent=percent))

    def reader(self, column: Column, header: str) -> _Cells | None:
        """Return what reads the cells of a column; None if they are text."""
        if column.holds in (Holds.ID, Holds.TEXT):
            return None
        # 15 under the column's own name is 0.15 under the other one.
        percent = column.percent and header_key(header) == header_key(column.name)
        return self._of[column.holds, percent]

    def _date(self, cell: str) -> date | _Bad | None:
        try:
            return self.dates.read(cell)
        except ValueError:
            return _Bad.BAD


class BlockReader:
    """Reads the records under one header. Whoever reads looks at `damaged` and `formula` afterwards."""

    def __init__(self, header: Header, cells: Cells) -> None:
        self.width = len(header.cells)
        self._format = header.format
        known = [(place, column.value_name) for place, column in enumerate(header.places) if column is not None] + [
            (place, text) for place, text in enumerate(header.cells) if header.is_metadata(place)
        ]
        self._names = [name for _, name in known]
        self._pick = _picker([place for place, _ in known])
        self._nothing: dict[str, Value] = dict.fromkeys(column.value_name for column in header.format.columns)
        placed = [(place, column) for place, column in enumerate(header.places) if column is not None]
        self._read = [
            (column, column.value_name, reader)
            for place, column in placed
            if (reader := cells.reader(column, header.cells[place])) is not None
        ]
        self._filled = [column for _, column in placed if column.filled]
        self._pick_filled = _picker([column.value_name for column in self._filled])
        self._ids = [column.name for _, column in placed if column.holds is Holds.ID]
        read = {place for place, column in placed if column.holds not in (Holds.ID, Holds.TEXT)}
        self._texts = [place for place in range(self.width) if place not in read]
        self._has_period = {column.name for _, column in placed}.issuperset(_PERIOD)
        self.has_customer = "CustomerId" in self._ids
        self._has_sku = "SkuId" in self._ids
        self.nameless = [place for place, text in enumerate(header.cells) if not text]

    def values(self, row: list[str]) -> tuple[dict[str, Value], tuple[str, ...]]:
        """Return the values of a record, all columns of its kind, and the codes of what is wrong with it."""
        if len(row) != self.width:
            return dict(self._nothing), _FIELD_COUNT
        picked = [cell.strip() or None for cell in self._pick(row)]
        values = dict(self._nothing)
        values.update(zip(self._names, picked, strict=True))
        incomplete = None in self._pick_filled(values)
        bad: set[str] = set()
        for column, name, reader in self._read:
            cell = values[name]
            if cell is not None:
                value = reader[cell]  # type: ignore[index]  # it is a cell still, text
                if value is _Bad.BAD:
                    bad.add(column.name)
                    value = None
                elif value is None:  # a date that says that there is none
                    incomplete = incomplete or column.filled
                values[name] = value
        if bad or incomplete:
            return values, tuple(self._codes(values, bad))
        if self._has_period and _is_reversed(values):
            return values, ("period_reversed",)
        return values, ()

    def mend_ids(self, values: dict[str, Value], *, exponents: bool) -> tuple[str, ...]:
        """
        Put ids into the form in which they are compared; return those that a spreadsheet has spoilt.

        `exponents` says whether the record has anything like 7.7E+11 at all. A short SkuId is whole again once the
        zeros in front are back; an id that became a number with an exponent is lost and stays as it is.
        """
        damaged: tuple[str, ...] = ()
        if exponents:
            damaged = tuple(
                name for name in self._ids if isinstance(value := values[name], str) and _DESTROYED.fullmatch(value)
            )
        if self._has_sku and "SkuId" not in damaged:
            sku = values["SkuId"]
            if isinstance(sku, str) and len(sku) < _SKU_CHARACTERS:
                values["SkuId"] = sku.rjust(_SKU_CHARACTERS, "0")
                damaged += ("SkuId",)
        if self.has_customer:
            customer = values["CustomerId"]
            if isinstance(customer, str) and customer[: len(_ORGANISATION)].lower() == _ORGANISATION:
                values["CustomerId"] = customer[len(_ORGANISATION) :].strip() or None
        return damaged

    def has_formula(self, row: list[str]) -> bool:
        """Say whether a text of the record would be run by a spreadsheet."""
        return any(
            (row[place].startswith(_FORMULA_STARTS) or text.startswith(_FORMULA_STARTS))
            and not _SIGNED_NUMBER.fullmatch(text)
            for place in self._texts
            if (text := row[place].strip())
        )

    def _codes(self, values: dict[str, Value], bad: set[str]) -> Iterable[str]:
        """Yield what is wrong, in the order of the columns."""
        needed = {column.name for column in self._filled}
        for column in self._format.columns:
            if column.name in bad:
                yield f"{_BAD_CODES[column.holds]}:{column.name}"
            elif column.name in needed and values[column.value_name] is None:
                yield f"missing_value:{column.name}"
        if self._has_period and _is_reversed(values):
            yield "period_reversed"


_BAD_CODES = dict.fromkeys(NUMERIC, "bad_number") | {Holds.DATE: "bad_date", Holds.CURRENCY: "bad_currency"}


def _picker(keys: Sequence[int | str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes these from a row or a mapping, as a tuple even of one or none."""
    if len(keys) > 1:
        picked: Callable[[Any], tuple[Any, ...]] = itemgetter(*keys)
        return picked
    return lambda row: tuple(row[key] for key in keys)


def _is_reversed(values: dict[str, Value]) -> bool:
    start, end = values[_PERIOD[0]], values[_PERIOD[1]]
    return isinstance(start, date) and isinstance(end, date) and end < start


def _currency(cell: str) -> str | _Bad:
    return cell.upper() if _CURRENCY.fullmatch(cell) else _Bad.BAD


def _number(holds: Holds, mark: str, *, percent: bool) -> Callable[[str], Decimal | _Bad]:
    def read(cell: str) -> Decimal | _Bad:
        value = decimal_of(cell, holds, mark)
        if value is None:
            return _Bad.BAD
        return EXACT.scaleb(value, -2) if percent else value

    return read
