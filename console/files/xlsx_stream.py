"""
Large sheets, written in constant memory: an XLSX is a zip with one long XML per sheet, and we write that XML directly.

The rows come from Python (write_rows) or, several times faster, from PostgreSQL, which builds each <row> itself and
copies it into the zip (write_query). Packing runs in a second thread. Cells carry no address of their own, which the
format allows and which halves the file: each row has its number, each cell stands at its place.
"""

import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import IO, Any, BinaryIO, Protocol, Self

from console.files.columns import Cell, Conditions, SheetColumn
from console.files.xlsx_parts import Workbook, cell_xml, filter_reach, sheet_end, sheet_start, sheet_title
from console.files.xlsx_sql import copy_statement

ROWS_PER_SHEET = 1_048_574  # data rows: with the header one less than Excel's 1,048,576
_BLOCK = 1 << 20
_BLOCKS_AHEAD = 4
_ROWS_A_PIECE = 500

OnRows = Callable[[int], None]
"""Told the number of rows so far, about once a megabyte of XML; an exception from it ends the export."""


class CopyCursor(Protocol):
    """What write_query needs of a psycopg2 cursor; Django's wrapper passes both calls on to it."""

    @property
    def connection(self) -> Any:
        """The connection behind the cursor."""

    def mogrify(self, query: Any, params: Any = None) -> bytes:
        """Return the query with its parameters filled in."""

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        """Run a COPY into the file."""


def write_rows(
    out: BinaryIO,
    rows: Iterable[Sequence[Cell]],
    columns: Sequence[SheetColumn],
    *,
    title: str,
    conditions: Conditions,
    on_rows: OnRows | None = None,
    rows_per_sheet: int = ROWS_PER_SHEET,
) -> int:
    """
    Write rows of Python values as an XLSX file and return how many there were.

    A row must have one value per column, of the type that the column's kind names, or None: ValueError or TypeError.
    """
    with Workbook(out) as book:
        with _Sheets(book, columns, title, rows_per_sheet, on_rows) as sheets:
            for lines in _lines_of(rows, columns, rows_per_sheet):
                sheets.add(lines)
        book.add_conditions(conditions(sheets.count))
    return sheets.count


def write_query(
    out: BinaryIO,
    cursor: CopyCursor,
    query: str,
    params: Sequence[Any] | None,
    columns: Sequence[SheetColumn],
    *,
    title: str,
    conditions: Conditions,
    on_rows: OnRows | None = None,
    rows_per_sheet: int = ROWS_PER_SHEET,
) -> int:
    """
    Write the rows of a query as an XLSX file, in the query's order, and return how many there were.

    The query gives one value per column, of the type that the column's kind names; NULL is an empty cell. Whatever goes
    wrong is raised; the query is then cancelled, the transaction of the cursor is over, and `out` is to be thrown away.
    """
    asked = cursor.mogrify(query, params).decode() if params is not None else query
    statement = copy_statement(asked, columns, rows_per_sheet=rows_per_sheet)
    with Workbook(out) as book:
        with _Sheets(book, columns, title, rows_per_sheet, on_rows) as sheets:
            _copy(cursor, statement, sheets.add)
        book.add_conditions(conditions(sheets.count))
    return sheets.count


def _lines_of(rows: Iterable[Sequence[Cell]], columns: Sequence[SheetColumn], rows_per_sheet: int) -> Iterator[bytes]:
    """Yield the rows as lines with one <row> each, some hundred at a time, numbered as on their sheet."""
    kinds = [column.kind for column in columns]
    lines: list[str] = []
    for number, row in enumerate(rows):
        cells = "".join([cell_xml(value, kind) for value, kind in zip(row, kinds, strict=True)])
        lines.append(f'<row r="{number % rows_per_sheet + 2}">{cells}</row>\n')
        if len(lines) == _ROWS_A_PIECE:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def _copy(cursor: CopyCursor, statement: str, add: Callable[[bytes], None]) -> None:
    """Run the COPY and pass on whole lines; if anything fails, stop the query as well."""
    lines = _WholeLines(add)
    # The buffer is written in C, so that a row costs one cheap call and Python sees a megabyte at a time.
    buffer = io.BufferedWriter(lines, _BLOCK)
    try:
        cursor.copy_expert(statement, buffer)
        buffer.flush()
    except BaseException:
        lines.deaf = True
        cursor.connection.cancel()
        raise


class _WholeLines(io.RawIOBase):
    """Takes a stream in pieces of any size and passes it on in pieces that end with a line."""

    def __init__(self, add: Callable[[bytes], None]) -> None:
        self._add = add
        self._rest = b""
        self.deaf = False

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        if self.deaf:
            return len(piece)
        whole = self._rest + bytes(piece)
        end = whole.rfind(b"\n") + 1
        self._rest = whole[end:]
        if end:
            self._add(whole[:end])
        return len(piece)


class _Sheets:
    """Lays lines with one <row> each out over as many sheets as they need, packing in a thread of its own."""

    def __init__(
        self, book: Workbook, columns: Sequence[SheetColumn], title: str, limit: int, on_rows: OnRows | None
    ) -> None:
        self.count = 0
        self._book, self._columns, self._title, self._limit, self._on_rows = book, columns, title, limit, on_rows
        self._number = self._in_sheet = 0
        self._packer = ThreadPoolExecutor(1, thread_name_prefix="xlsx")
        self._waiting: deque[Future[int]] = deque()
        self._part = self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._end()
        finally:
            self._packer.shutdown()
            self._part.close()

    def add(self, lines: bytes) -> None:
        """Take whole lines."""
        count = lines.count(b"\n")
        while count:
            fitting = min(count, self._limit - self._in_sheet)
            if not fitting:
                self._end()
                self._part = self._begin()
                continue
            end = len(lines) if fitting == count else _end_of_line(lines, fitting)
            self._pack(lines[:end])
            lines, count = lines[end:], count - fitting
            self._in_sheet += fitting
            self.count += fitting
        if self._on_rows:
            self._on_rows(self.count)

    def _begin(self) -> IO[bytes]:
        self._number += 1
        self._in_sheet = 0
        part = self._book.open_sheet()
        part.write(sheet_start(self._columns).encode())
        return part

    def _pack(self, lines: bytes) -> None:
        self._waiting.append(self._packer.submit(self._part.write, lines))
        if len(self._waiting) > _BLOCKS_AHEAD:
            self._waiting.popleft().result()

    def _end(self) -> None:
        while self._waiting:
            self._waiting.popleft().result()
        self._part.write(sheet_end(filter_reach(self._columns, self._in_sheet)).encode())
        self._part.close()
        reach = filter_reach(self._columns, self._in_sheet, fixed=True)
        self._book.name_sheet(sheet_title(self._title, self._number), reach)


def _end_of_line(lines: bytes, number: int) -> int:
    """Return where the line with this number (from 1) ends."""
    end = 0
    for _line in range(number):
        end = lines.index(b"\n", end) + 1
    return end
