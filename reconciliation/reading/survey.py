"""
The first look at the rows of a file: its blocks, what is no record in it, its decimal mark, and its copies.

Nothing is kept of a record but a digest. Everything that refuses the file whole is found here, but for the share of
its invalid records.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from operator import itemgetter
from typing import Any

from reconciliation.amounts import EXACT
from reconciliation.formats.columns import NUMERIC, Holds, header_key
from reconciliation.formats.recognise import FORMATS, Header, is_header, recognise
from reconciliation.lines import Kind
from reconciliation.reading.decoding import CELLS_APART, Encoding
from reconciliation.reading.duplicates import Digests
from reconciliation.reading.evidence import Evidence, Forms
from reconciliation.reading.laid_aside import LaidAside
from reconciliation.reading.limits import Limits
from reconciliation.reading.numbers import Form, decimal_of, form_of
from reconciliation.reading.rejection import Rejected
from reconciliation.reading.rows import Row, Rows
from reconciliation.series import Series, joined

_SUM_WORDS = frozenset(
    map(
        header_key,
        (
            *("total", "totals", "grand total", "sub total", "sum", "summary", "overall", "total amount"),
            *("합계", "총계", "총합계", "소계", "누계", "계", "총액", "합", "총금액", "합계 금액", "전체 합계", "전체"),
            *("合計", "総計", "小計", "計", "総額", "合計金額", "summe", "gesamt", "gesamtsumme", "gesamtbetrag"),
            *("total general", "total général", "totale", "somme", "suma"),
        ),
    )
)
_LONGEST_SUM_WORD = 20
_OF_A_CURRENCY = re.compile(r"[\s(\[]+[A-Za-z]{3}[)\]]?\s*:?\Z")
_NO_COLUMNS = b"none"
_NO_HEADER = Header(FORMATS[0], (), ())
_MOST_HELD = 1000
_LONGEST_HELD = 10_000  # characters


@dataclass(frozen=True, slots=True)
class Ignored:
    """A row that is no record: why, its line, and of a printed sum what it is and the total it is the sum of."""

    reason: str
    line: int
    total: Decimal | None = None
    of: str = ""


@dataclass(slots=True)
class Block:
    """The records under one header."""

    header: Header
    records: int = 0
    key: bytes = field(init=False)
    in_order: Callable[[Sequence[Any]], tuple[Any, ...]] = field(init=False)

    def __post_init__(self) -> None:
        """Find an order of the columns that does not depend on the file."""
        names = [
            column.name if column else key for column, key in zip(self.header.places, self.header.keys, strict=True)
        ]
        places = sorted(range(len(names)), key=names.__getitem__)
        said = CELLS_APART.join([self.header.kind, *(names[place] for place in places)])
        self.key = Digests.key_of(said)
        self.in_order = itemgetter(*places) if len(places) > 1 else _only

    @property
    def kind(self) -> Kind:
        """The kind of its records."""
        return self.header.kind


def _only(cells: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(cells)


@dataclass(slots=True)
class Survey:
    """
    What the first look has found.

    `turns` says at which rows, counted from 0, something else than a record stands: a block that begins there, or None
    for a row that is passed over. `rows` are all rows, for the second look.
    """

    blocks: list[Block] = field(default_factory=list)
    turns: dict[int, Block | None] = field(default_factory=dict)
    ignored: list[Ignored] = field(default_factory=list)
    blank: int = 0
    records: int = 0
    decimal_mark: str = "."
    digests: Digests = field(default_factory=Digests)
    rows: LaidAside = field(default_factory=LaidAside)


@dataclass(frozen=True, slots=True)
class _Held:
    """A row of which the rows after it tell whether it is a record: a title, or a printed sum of `sums`."""

    ordinal: int
    line: int
    cells: list[str]
    sums: tuple[str, tuple[str, ...]] | None = None


class Surveyor:
    """Goes through the rows of a file once."""

    def __init__(self, rows: Rows, encoding: Encoding, limits: Limits) -> None:
        self._rows, self._encoding, self._limits = rows, encoding, limits
        self._found = Survey()
        self._evidence = Evidence()
        self._held: list[_Held] = []
        self._printed: list[tuple[_Held, Kind]] = []
        self._block = Block(_NO_HEADER)
        self._numeric: list[tuple[int, Forms]] = []
        self._width = 0
        self._last_width: int | None = None

    def survey(self, header: Header | None = None) -> Survey:
        """
        Return what there is; `header` is given where it is no row of the file.

        Rejected as too_large, duplicate_columns, missing_columns, truncated or mixed_decimal.
        """
        if header is not None:
            self._begin(-1, header)
        begin = 0
        for rows in self._rows.chunks():
            if not self._take_records(rows):
                self._found.rows.add_rows(rows)
                for ordinal, (line, row) in enumerate(rows, begin):
                    self._take_row(ordinal, line, row)
            begin += len(rows)
        self._end()
        return self._found

    def _take_records(self, rows: list[Row]) -> bool:
        """Take in rows all at once, unless one of them may be something else than a record: then False."""
        cells = [row for _line, row in rows if row is not None and len(row) == self._width]
        if self._held or not self._found.blocks or len(cells) < len(rows):
            return False
        delivered = [Series.of(column) for column in zip(*cells, strict=True)]
        columns = [column.map(str.strip) for column in delivered]
        # A row that is blank or a title has one cell at most; what may be a sum says so in its first.
        filled = sum(all(column.different) for column in columns)
        if filled <= 1 or any(map(_is_sum_word, columns[0].different)):
            return False
        if not all(forms.are_told(columns[place].different) for place, forms in self._numeric):
            return False
        self._count(len(rows))
        apart = Series.same(CELLS_APART, len(rows))
        in_order = (piece for column in self._block.in_order(columns) for piece in (apart, column))
        self._found.digests.add_all(self._block.key, joined(islice(in_order, 1, None), len(rows)))
        self._last_width = self._width
        self._found.rows.add_records(
            [line for line, _row in rows],
            delivered,
            is_stripped=all(one.different == other.different for one, other in zip(columns, delivered, strict=True)),
        )
        return True

    def _take_row(self, ordinal: int, line: int, row: list[str] | None) -> None:
        self._last_width = None
        if row is None:
            self._flush()
            self._add_record(None)
            return
        cells = [*map(str.strip, row)]
        filled = CELLS_APART.join(cells).strip(CELLS_APART)
        if not filled:
            self._found.blank += 1
            return
        self._last_width = len(cells)
        if self._is_unusual(cells, single=CELLS_APART not in filled) and self._take(ordinal, line, cells):
            return
        self._add_record(cells)

    def _is_unusual(self, cells: list[str], *, single: bool) -> bool:
        """Say whether a row may be something else than a record; if not, what its numbers tell has been noted."""
        if len(cells) != self._width or single or self._held or _is_sum_word(cells[0]):
            return True
        return self._note(cells)

    def _note(self, cells: list[str]) -> bool:
        """Note what the numbers of the next record tell about the decimal mark; say whether some are no numbers."""
        self._evidence.record = self._found.records + 1
        odd = False
        for place, forms in self._numeric:
            cell = cells[place]
            if cell and not forms[cell]:
                odd = True
        return odd

    def _take(self, ordinal: int, line: int, cells: list[str]) -> bool:
        """Deal with a row that is, or may turn out to be, no record; False if it is one."""
        if not self._found.blocks:
            return self._take_first(ordinal, line, cells)
        if is_header(cells):
            header = recognise(cells)
            if header is not None:
                self._resolve(ordinal)
                self._take_header(ordinal, line, header)
                return True
        sums = self._sums(cells)
        if (sums is not None or sum(map(bool, cells)) == 1) and sum(map(len, cells)) <= _LONGEST_HELD:
            self._held.append(_Held(ordinal, line, cells, sums))
            if len(self._held) > _MOST_HELD:
                self._flush()
            return True
        self._flush()
        if len(cells) == self._width:
            self._note(cells)
        return False

    def _take_first(self, ordinal: int, line: int, cells: list[str]) -> bool:
        """Deal with the rows before the first record: the header, and perhaps a title above it."""
        header = recognise(cells)
        if header is None:
            self._held.append(_Held(ordinal, line, cells))
            return True
        for title in self._held:
            self._ignore("block_title", title)
        self._held = []
        self._begin(ordinal, header)
        return True

    def _take_header(self, ordinal: int, line: int, header: Header) -> None:
        if header.keys == self._block.header.keys:
            self._found.ignored.append(Ignored("repeated_header", line))
            self._found.turns[ordinal] = None
        else:
            self._begin(ordinal, header)

    def _begin(self, ordinal: int, header: Header) -> None:
        check_header(header, self._limits)
        self._block = Block(header)
        self._found.blocks.append(self._block)
        self._found.turns[ordinal] = self._block
        self._width = len(header.cells)
        self._numeric = [
            (place, self._evidence.forms[column.holds])
            for place, column in enumerate(header.places)
            if column is not None and column.holds in NUMERIC
        ]

    def _sums(self, cells: list[str]) -> tuple[str, tuple[str, ...]] | None:
        """Return which total a row prints, and the cells it is printed in, if the row looks like a sum of the rest."""
        if len(cells) > self._width or not _is_sum_word(cells[0]):
            return None
        by_name = {
            column.name: cell
            for column, cell in zip(self._block.header.places, cells, strict=False)
            if column is not None
        }
        ids = (
            cell
            for column, cell in list(zip(self._block.header.places, cells, strict=False))[1:]
            if column is not None and column.holds is Holds.ID
        )
        if any(ids):
            return None
        for names, of in self._block.header.format.printed_totals:
            printed = tuple(by_name.get(name, "") for name in names)
            if any(printed) and all(form_of(cell, Holds.NUMBER) is not Form.NONE for cell in printed if cell):
                return of, printed
        return None

    def _count(self, records: int) -> None:
        self._found.records += records
        self._block.records += records
        if self._found.records > self._limits.records:
            raise Rejected("too_large")

    def _add_record(self, cells: list[str] | None) -> None:
        self._count(1)
        block = self._block
        if cells is None:  # unlike any other
            self._found.digests.add(_NO_COLUMNS, str(self._found.records))
        else:
            in_order = block.in_order(cells) if len(cells) == self._width else cells
            self._found.digests.add(block.key, CELLS_APART.join(in_order))

    def _resolve(self, header_at: int | None = None) -> None:
        """Decide what the held rows are, now that a header follows, or nothing."""
        held, self._held = self._held, []
        title = held.pop() if held and held[-1].sums is None and held[-1].ordinal + 1 == header_at else None
        sums: list[_Held] = []
        while held and held[-1].sums is not None:
            sums.append(held.pop())
        self._held = held
        self._flush()
        for row in reversed(sums):
            self._found.turns[row.ordinal] = None
            self._printed.append((row, self._block.kind))
        if title is not None:
            self._ignore("block_title", title)

    def _flush(self) -> None:
        """Count the held rows as records after all."""
        held, self._held = self._held, []
        for row in held:
            if len(row.cells) == self._width:
                self._note(row.cells)
            self._add_record(row.cells)

    def _ignore(self, reason: str, row: _Held) -> None:
        self._found.ignored.append(Ignored(reason, row.line))
        self._found.turns[row.ordinal] = None

    def _end(self) -> None:
        """Judge the file as a whole."""
        short = self._last_width is not None and self._last_width < self._width and not self._encoding.ends_line
        if self._rows.cut or self._encoding.cut or short:
            self._flush()
            broken = 0 if self._rows.cut else 1  # the rows leave out one that they know to be broken
            raise Rejected("truncated", last=max(self._found.records - broken, 0))
        self._resolve()
        mark = self._evidence.mark(self._rows.delimiter)
        self._found.decimal_mark = mark
        for row, kind in self._printed:
            of, printed = row.sums or ("", ())
            plus, minus = [_printed(cell, mark) for cell in (*printed, "")[:2]]
            same_kind = kind is self._found.blocks[0].kind
            self._found.ignored.append(
                Ignored("summary_line", row.line, EXACT.subtract(plus, minus), of if same_kind else "")
            )
        self._found.ignored.sort(key=lambda row: row.line)


def check_header(header: Header, limits: Limits) -> None:
    """Rejected as too_large, duplicate_columns or missing_columns if no lines can be read under a header."""
    if len(header.cells) > limits.columns:
        raise Rejected("too_large")
    if header.doubled:
        raise Rejected("duplicate_columns", columns=list(header.doubled), kind=str(header.kind))
    if header.missing:
        raise Rejected("missing_columns", columns=list(header.missing), kind=str(header.kind))


def _is_sum_word(cell: str) -> bool:
    if len(cell) > _LONGEST_SUM_WORD:
        return False
    word = _OF_A_CURRENCY.sub("", cell)
    return header_key(cell) in _SUM_WORDS or (word != cell and header_key(word) in _SUM_WORDS)


def _printed(cell: str, mark: str) -> Decimal:
    """Return a printed sum. It gives no evidence of its own, so a mark that the records do not use is taken as well."""
    for tried in (mark, "," if mark == "." else "."):
        value = decimal_of(cell, Holds.NUMBER, tried)
        if value is not None:
            return value
    return Decimal(0)
