"""A file that has been looked through: what it is, and its lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from reconciliation.formats.recognise import Header
from reconciliation.lines import Kind, Line
from reconciliation.reading.containers import Content
from reconciliation.reading.decoding import Encoding
from reconciliation.reading.rejection import Rejected
from reconciliation.reading.rows import JsonLines, Rows
from reconciliation.reading.survey import CELLS_APART, Block, Ignored, Survey
from reconciliation.reading.values import BlockReader, Cells

_FORMULA = "formula_like_text"
# Cells that a look is worth: a space in front goes before the text is stored.
_LIKE_FORMULA = re.compile(rf"{CELLS_APART}[-=+@\t\r ]")


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
        for line, _header, _cells in self.delivered():
            yield line

    def delivered(self) -> Iterator[tuple[Line, Header, list[str]]]:
        """Yield the same lines with their header and their cells as delivered, none where a line of JSON is broken."""
        self.records = Records()
        copies = self._survey.digests.copies()
        copy, first = next(copies, (0, 0))
        for record, (line, block, reader, row) in enumerate(self._rows_of_blocks(), 1):
            of = None
            if record == copy:
                of = first
                copy, first = next(copies, (0, 0))
            found = self._line(record, line, block.kind, reader, row, of)
            if block.kind is self.kind:
                self._count(found, reader)
            yield found, block.header, row
        if 2 * self.records.invalid > self.records.data_records:
            raise Rejected("too_many_invalid", records=self.records.data_records, invalid=self.records.invalid)

    def _rows_of_blocks(self) -> Iterator[tuple[int, Block, BlockReader, list[str]]]:
        turns = self._survey.turns
        block = self._survey.blocks[0]
        reader = BlockReader(block.header, self._cells)
        for ordinal, (line, row) in enumerate(self._rows):
            if ordinal in turns:
                turned = turns[ordinal]
                if turned is not None and turned is not block:
                    block, reader = turned, BlockReader(turned.header, self._cells)
            elif row is None:
                yield line, block, reader, []
            elif any(map(str.strip, row)):
                yield line, block, reader, row

    def _line(
        self, record: int, line: int, kind: Kind, reader: BlockReader, row: list[str], copy_of: int | None
    ) -> Line:
        values, codes = reader.values(row)
        damaged: tuple[str, ...] = ()
        if len(row) == reader.width:
            joined = CELLS_APART + CELLS_APART.join(row)
            damaged = reader.mend_ids(values, exponents="E+" in joined or "e+" in joined)
            if reader.nameless and any(row[place].strip() for place in reader.nameless):
                self._add_nameless_column()
            if (
                kind is self.kind
                and _FORMULA not in self._warnings
                and _LIKE_FORMULA.search(joined)
                and reader.has_formula(row)
            ):
                self._warnings.add(_FORMULA)
        return Line(record, line, kind, values, codes, copy_of, damaged)

    def _add_nameless_column(self) -> None:
        """Name a column without a header among the unknown ones, now that there is something in it."""
        if "" not in self.unknown_columns:
            self.unknown_columns.append("")

    def _count(self, line: Line, reader: BlockReader) -> None:
        self.records.data_records += 1
        if line.duplicate_of is not None:
            self.records.duplicate += 1
        elif line.codes:
            self.records.invalid += 1
        else:
            self.records.valid += 1
        if line.codes:
            return
        if reader.has_customer and line.values["CustomerId"] is None:
            self._warnings.add("missing_customer")
        if line.damaged:
            self._warnings.add("excel_damaged_ids")
