"""A file that has been looked through: what it is, and its lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reconciliation.chunks import Chunk
from reconciliation.formats.recognise import Header
from reconciliation.lines import Kind, Line
from reconciliation.reading.containers import Content
from reconciliation.reading.decoding import Encoding
from reconciliation.reading.laid_aside import Grid
from reconciliation.reading.rejection import Rejected
from reconciliation.reading.rows import JsonLines, Rows
from reconciliation.reading.survey import Block, Ignored, Survey
from reconciliation.reading.values import BlockReader, Cells, Values, has_formula
from reconciliation.series import Series

_FORMULA = "formula_like_text"


@dataclass(frozen=True, slots=True)
class Detected:
    """What a file turned out to be."""

    kind: Kind
    layout: str | None
    encoding: str
    bom: bool
    delimiter: str | None
    decimal_mark: str
    date_order: str


@dataclass(slots=True)
class Records:
    """Records of the file's kind: every one is valid, invalid, or a copy of an earlier one, valid or not."""

    data_records: int = 0
    valid: int = 0
    invalid: int = 0
    duplicate: int = 0


class Delivered(NamedTuple):
    """Lines that follow each other under one header, and their cells as delivered: none of a broken line of JSON."""

    header: Header
    grid: Grid
    chunk: Chunk


class _Stretch(NamedTuple):
    """Records that follow each other under one header, with the physical lines that they begin on."""

    block: Block
    places: Sequence[int]
    grid: Grid


class Reading:
    """
    A file and its lines. What hangs on values (`records`, `warnings`, `detected.date_order`) is whole once `lines` is.

    `kind`, `columns` and `layout` are those of the first block; `columns` names the columns that the blocks of this
    kind have. `content_digest` is the same for the same records in another wrapping, encoding or order of columns.
    """

    def __init__(self, content: Content, encoding: Encoding, rows: Rows, survey: Survey) -> None:
        self._content, self._encoding, self._rows, self._survey = content, encoding, rows, survey
        self._cells = Cells(survey.decimal_mark)
        self._warnings: set[str] = set()
        self.records = Records()
        first = survey.blocks[0].header
        self.kind, self.layout = first.kind, first.layout
        self.columns: frozenset[str] = frozenset[str]().union(
            *(block.header.columns for block in survey.blocks if block.kind is self.kind)
        )
        self.member = content.member
        self.blank_rows = survey.blank
        self.ignored: list[Ignored] = survey.ignored
        self.blocks = [(block.kind, block.records) for block in survey.blocks]
        self.unknown_columns = list(dict.fromkeys(text for block in survey.blocks for text in block.header.unknown))

    @property
    def detected(self) -> Detected:
        """What the file turned out to be."""
        return Detected(
            kind=self.kind,
            layout=self.layout,
            encoding=self._encoding.codec,
            bom=self._encoding.bom > 0,
            delimiter=self._rows.delimiter,
            decimal_mark=self._survey.decimal_mark,
            date_order=self._cells.dates.order,
        )

    @property
    def container(self) -> str | None:
        """How the file is wrapped: zip, gzip, jsonlines, zip+jsonlines, gzip+jsonlines, or not at all."""
        parts = [self._content.packing, "jsonlines" if isinstance(self._rows, JsonLines) else None]
        return "+".join(part for part in parts if part) or None

    @property
    def content_digest(self) -> str:
        """Digest of the records as they are delivered, whatever they are wrapped in."""
        return self._survey.digests.of_all()

    @property
    def warnings(self) -> set[str]:
        """The codes of what a reader should know; those about values once all lines have been read."""
        found = set(self._warnings)
        found.update(row.reason for row in self.ignored if row.reason in ("repeated_header", "summary_line"))
        for code, applies in (
            ("encoding_guessed", self._encoding.guessed),
            ("unknown_columns", self.unknown_columns),
            ("no_records", not self._survey.records),
            ("invalid_lines", self.records.invalid),
            ("duplicate_lines", self.records.duplicate),
            ("ambiguous_date_order", self._cells.dates.ambiguous),
        ):
            if applies:
                found.add(code)
        return found

    def lines(self) -> Iterator[Line]:
        """
        Yield the lines of all blocks, those that do not count too.

        Rejected as too_many_invalid at the very end, so nothing may be kept of the lines before it has been reached.
        """
        for delivered in self.delivered():
            yield from delivered.chunk.lines

    def delivered(self) -> Iterator[Delivered]:
        """Yield the same lines in chunks, with what they are read from."""
        self.records = Records()
        copies = self._survey.digests.copies()
        copy, first = next(copies, (0, 0))
        record = 1
        block, reader = None, None
        for stretch in self._stretches():
            if stretch.block is not block or reader is None:
                block, reader = stretch.block, BlockReader(stretch.block.header, self._cells)
            records = range(record, record + len(stretch.places))
            record = records.stop
            first_of: dict[int, int] = {}
            while copy in records:
                first_of[copy] = first
                copy, first = next(copies, (0, 0))
            values = reader.values(stretch.grid)
            chunk = Chunk(
                stretch.block.kind,
                records,
                stretch.places,
                values.columns,
                codes=values.codes,
                copies=Series.of([*map(first_of.get, records)]) if first_of else Series.same(None, len(records)),
                damaged=values.damaged,
            )
            self._notice(chunk, values, reader)
            yield Delivered(stretch.block.header, stretch.grid, chunk)
        if 2 * self.records.invalid > self.records.data_records:
            raise Rejected("too_many_invalid", records=self.records.data_records, invalid=self.records.invalid)

    def _stretches(self) -> Iterator[_Stretch]:
        turns = self._survey.turns
        block = self._survey.blocks[0]
        begin = 0
        for piece in self._survey.rows:
            if piece.grid is not None:
                yield _Stretch(block, piece.places, piece.grid)
            found: list[tuple[Block, list[int], list[list[str]]]] = []
            for ordinal, (line, row) in enumerate(piece.rows, begin):
                if ordinal in turns:
                    block = turns[ordinal] or block
                elif row is None or any(map(str.strip, row)):
                    if not found or found[-1][0] is not block:
                        found.append((block, [], []))
                    found[-1][1].append(line)
                    found[-1][2].append(row or [])
            for of, places, rows in found:
                yield _Stretch(of, places, Grid.of(rows, len(of.header.cells)))
            begin += len(piece.places) + len(piece.rows)

    def _notice(self, chunk: Chunk, values: Values, reader: BlockReader) -> None:
        """Note what is to be told of the file as a whole."""
        # A column without a header is named among the unknown ones now that there is something in it.
        if "" not in self.unknown_columns and any(
            cell.strip() for cells in values.nameless for cell in cells.different
        ):
            self.unknown_columns.append("")
        if chunk.kind is self.kind:
            self._count(chunk, has_customer=reader.has_customer)
            if _FORMULA not in self._warnings and any(map(has_formula, values.texts)):
                self._warnings.add(_FORMULA)

    def _count(self, chunk: Chunk, *, has_customer: bool) -> None:
        customers = chunk.column("CustomerId") if has_customer else Series.same("", len(chunk))
        records = self.records
        records.data_records += len(chunk)
        if chunk.all_count and chunk.none_damaged:
            records.valid += len(chunk)
            if None in customers.different:
                self._warnings.add("missing_customer")
            return
        for codes, copy_of, customer, damaged in zip(chunk.codes, chunk.copies, customers, chunk.damaged, strict=True):
            if copy_of is not None:
                records.duplicate += 1
            elif codes:
                records.invalid += 1
            else:
                records.valid += 1
            if customer is None and not codes:
                self._warnings.add("missing_customer")
            if damaged and not codes:
                self._warnings.add("excel_damaged_ids")
