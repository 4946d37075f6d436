"""
Plain CSV files, by COPY: a temporary table of text, one column a field, in which the database looks for wrong rows.

The database clears the rows that are written as programs write them. Every other row is read by the code that reads
all other files, so both ways find the same. A file that is not plain (quotes, uneven rows) is not taken at all.
"""

import codecs
import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from django.db import connection, transaction
from psycopg2 import DataError

from console.files.csv_write import unguarded
from console.files.errors import SheetRefused, refused
from console.files.sheet_read import SheetReader, open_sheet
from console.uploads import (
    MAX_ERRORS,
    PREVIEW_ROWS,
    Checked,
    Examination,
    Problem,
    Row,
    UploadKind,
    Verdict,
    refused_whole,
)
from core.scope import Scope

LINES: Final = "upload_line"
ODD: Final = "upload_odd"
# What `str.strip` takes from both ends of a text, for SQL's btrim.
BLANKS: Final = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
_BLOCK = 1 << 20
_PAGE = 5_000
# Quotes may hold separators and line ends, and a backslash may end the data of COPY.
_NOT_PLAIN = (b'"', b"\\")


class NotPlain(Exception):
    """The rows must be read one by one after all."""


class _AsUtf8:
    """A text file in another encoding, read as UTF-8 in blocks."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file, self._decoder = file, codecs.getincrementaldecoder(encoding)()

    def read(self, size: int = _BLOCK) -> bytes:
        """Return a block, empty at the end."""
        while block := self._file.read(size):
            if text := self._decoder.decode(block):
                return text.encode()
        return b""


def copied(kind: UploadKind, file: BinaryIO) -> SheetReader | None:
    """
    Copy a file to the table `upload_line` of the open transaction; None, and nothing copied, when it is not plain.

    The table has the row's number in the spreadsheet as `line`, a column for each field by name, and `other` columns
    for what the reader passes over. The reader returned knows the header; do not iterate it.
    """
    try:
        reader = open_sheet(file, kind.sheet_fields(), kind.caps)
    except SheetRefused:
        return None
    if reader.form != "csv" or reader.header_row != 1 or any(_odd_blocks(file, reader.encoding)):
        return None
    names = [name or f"other_{place}" for place, name in enumerate(reader.fields_in_order)]
    absent = [item.name for item in kind.fields if item.name not in names]
    columns = ", ".join(f"{_quoted(name)} text" for name in [*names, *absent])
    into = ", ".join(map(_quoted, names))
    delimiter = "E'\\t'" if reader.delimiter == "\t" else f"'{reader.delimiter}'"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"drop table if exists pg_temp.{LINES}, pg_temp.{ODD}")
            number = "line bigint generated always as identity (start with 2 cache 1000)"
            cursor.execute(f"create temp table {LINES} ({number}, {columns}) on commit drop")
            cursor.execute(f"create temp table {ODD} (line bigint primary key) on commit drop")
            options = f"format csv, header, encoding 'utf8', delimiter {delimiter}"
            cursor.copy_expert(f"copy {LINES} ({into}) from stdin ({options})", _as_utf8(file, reader.encoding), _BLOCK)
            cursor.execute(f"analyze {LINES}")
    except DataError:
        return None
    return reader


def _quoted(name: str) -> str:
    return f'"{name}"'


def _as_utf8(file: BinaryIO, encoding: str) -> "_AsUtf8 | BinaryIO":
    file.seek(0)
    return file if encoding.startswith("utf-8") else _AsUtf8(file, encoding)


def _odd_blocks(file: BinaryIO, encoding: str) -> Iterator[bool]:
    source = _as_utf8(file, encoding)
    while block := source.read(_BLOCK):
        yield any(mark in block for mark in _NOT_PLAIN)


class OddRows:
    """
    The rows in `upload_odd`, read and checked one by one; iterate once for the good ones, page by page.

    Only for kinds whose check looks at each row by itself. Afterwards `examination` adds the rows that were cleared.
    """

    def __init__(self, kind: UploadKind, scope: Scope, reader: SheetReader) -> None:
        """Start with nothing read."""
        self._kind, self._scope, self._reader = kind, scope, reader
        self.sums: Counter[str] = Counter()
        self._kept = _Kept()

    def __iter__(self) -> Iterator[list[Row]]:
        """Yield the good rows. Raises NotPlain."""
        names = [name or f"other_{place}" for place, name in enumerate(self._reader.fields_in_order)]
        cells = ", ".join(f"coalesce(l.{_quoted(name)}, '')" for name in names)
        with connection.chunked_cursor() as cursor:
            cursor.execute(f"select l.line, {cells} from {LINES} l join {ODD} o on o.line = l.line order by l.line")  # noqa: S608 - names of fields
            while page := cursor.fetchmany(_PAGE):
                yield self._page(page)

    def _page(self, page: Sequence[tuple[int, *tuple[str, ...]]]) -> list[Row]:
        rows: list[Row] = []
        for number, *cells in page:
            if max(map(len, cells)) > csv.field_size_limit():
                raise NotPlain
            if not any(cell.strip() for cell in cells):
                continue
            self._kept.counted += 1
            values = self._reader.cells_of(number, [unguarded(cell) for cell in cells])
            if values is None:
                self._kept.samples += 1
                continue
            row = self._kind.read_row(self._reader, number, values)
            if row is None:
                self._kept.unread += 1
            else:
                rows.append(row)
        return self._checked(rows)

    def _checked(self, rows: list[Row]) -> list[Row]:
        if not rows:
            return rows
        checked = self._kind.check(self._scope, rows)
        self.sums.update(checked.sums)
        self._kept.add(rows, checked.problems)
        wrong = {problem.row for problem in checked.problems}
        self._kept.wrong += len(wrong)
        return [row for row in rows if row.number not in wrong]

    @property
    def is_clean(self) -> bool:
        """Say whether nothing was wrong."""
        return not (self._reader.error_count or self._kept.problem_count)

    def fits(self, count: int) -> bool:
        """Say whether the file, of which `count` rows were cleared, holds something and not too much."""
        return count + self._kept.counted > self._kept.samples and not self._too_many(count)

    def _too_many(self, count: int) -> bool:
        return count + self._kept.counted > self._kind.caps.rows

    def examination(self, plain: Sequence[Row], count: int, sums: Mapping[str, int]) -> Examination:
        """
        Return the examination of the whole file.

        `count` rows were cleared by the database, `sums` are theirs, `plain` are the first of them.
        """
        kept = self._kept
        if self._too_many(count):
            return refused_whole(refused("too_many_rows", limit=self._kind.caps.rows))
        self.sums.update(sums)
        total, wrong = count + kept.counted - kept.samples, kept.unread + kept.wrong
        rows = sorted([*plain, *kept.rows], key=lambda row: row.number)[:PREVIEW_ROWS]
        found = self._kind.summed_up(
            self._reader,
            kept.problems,
            total=total,
            sums=self.sums,
            preview=[self._kind.shown(row, Checked()) for row in rows],
        )
        found.error_count = max(found.error_count, self._reader.error_count + kept.problem_count)
        found.wrong_rows = wrong
        found.counts[Verdict.NEW] = total - wrong
        return found


@dataclass
class _Kept:
    """What is remembered of odd rows: a few of them, and counts."""

    # Every row that is not blank, and which of those are samples, could not be read, or did not pass the check.
    counted: int = 0
    samples: int = 0
    unread: int = 0
    wrong: int = 0
    problem_count: int = 0
    problems: list[Problem] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def add(self, rows: Sequence[Row], problems: Sequence[Problem]) -> None:
        """Keep the first rows and problems, count the rest."""
        self.rows += rows[: PREVIEW_ROWS - len(self.rows)]
        self.problems += problems[: MAX_ERRORS - len(self.problems)]
        self.problem_count += len(problems)
