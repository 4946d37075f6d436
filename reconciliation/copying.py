"""Rows into a table by COPY, a chunk at a time, column by column."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from types import NoneType
from typing import Any

from reconciliation.series import Series

_CHUNK_ROWS = 1000
_MANY = 10_000
_STATEMENT_BYTES = 16 << 20
# Chunks that are made before they are wanted: neither side waits when the other takes longer for one of them.
_AHEAD = 3
_NULL = "\\N"
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


def _written(columns: Sequence[Series[Any]]) -> str:
    """Write rows as COPY reads them."""
    fields = (Series(_fields(series.different), series.places) for series in columns)
    return "\n".join([*map("\t".join, zip(*fields, strict=True)), ""])


def _fields(values: Sequence[object]) -> Sequence[str]:
    """Write values as COPY reads them. What must be escaped is looked for in all of them at once, which is quicker."""
    fields = _texts(values)
    together = "".join(fields)
    for character, written in _ESCAPES:
        if character in together:
            fields = [field.replace(character, written) for field in fields]
    if "" in fields:
        fields = [_NULL if value is None else field for value, field in zip(values, fields, strict=True)]
    return fields


def _texts(values: Sequence[Any]) -> Sequence[str]:
    sorts = set(map(type, values))
    if sorts == {str}:
        return values
    if NoneType not in sorts:
        return list(map(str, values))
    return ["" if value is None else str(value) for value in values]


class _Blocks:
    """
    Chunks as COPY reads them, of which the next few are made in a thread while the database writes those before them.

    A statement is told that there are no more after some megabytes; there may be, unless `ended`. The driver would hide
    what goes wrong while it reads, so it is kept in `failure`.
    """

    def __init__(self, chunks: Iterator[Sequence[Series[Any]]], thread: ThreadPoolExecutor) -> None:
        self._chunks = chunks
        self._thread = thread
        self._ahead = deque(thread.submit(self._make) for _ in range(_AHEAD))
        self._bytes = 0
        self.ended = False
        self.failure: Exception | None = None

    def _make(self) -> bytes:
        return next(map(_written, self._chunks), "").encode()

    def read(self, _size: int) -> bytes:
        """Return the next chunk, nothing at the end of all of them or of what is enough for a statement."""
        if self._bytes >= _STATEMENT_BYTES:
            self._bytes = 0
            return b""
        try:
            block = self._ahead.popleft().result()
        except Exception as failure:  # noqa: BLE001 - `copy_columns` raises it
            self.failure, block = failure, b""
        if block:
            self._ahead.append(self._thread.submit(self._make))
        self._bytes += len(block)
        self.ended = not block
        return block


def copy_columns(cursor: Any, table: str, names: Sequence[str], chunks: Iterable[Sequence[Series[Any]]]) -> None:
    """
    Copy rows into a table, a chunk at a time; each has a series for every column, and None is null.

    The chunks are made in another thread, where the transaction is not to be had. Whatever they raise is raised here,
    and then the open transaction must not be committed. A statement takes some megabytes, so what a trigger is shown of
    the rows that it added is no more, however many there are.
    """
    named = ", ".join(f'"{name}"' for name in names)
    with ThreadPoolExecutor(1, thread_name_prefix="copying") as thread:
        blocks = _Blocks(iter(chunks), thread)
        while not blocks.ended:
            cursor.copy_expert(f"copy {table} ({named}) from stdin", blocks)
    if blocks.failure is not None:
        raise blocks.failure


def copy_rows(cursor: Any, table: str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Copy rows into a table one by one; the same goes for them."""
    left = iter(rows)
    chunks = iter(lambda: list(islice(left, _CHUNK_ROWS)), [])
    copy_columns(cursor, table, names, ([Series(column) for column in zip(*chunk, strict=True)] for chunk in chunks))


def tell_planner(cursor: Any, table: str, columns: Sequence[str], rows: int) -> None:
    """
    Let the planner know of very many rows that were added to a table; few need no telling.

    `columns` are those that rows are found by. The others, which are wide and would take most of the time, are left to
    autovacuum.
    """
    if rows >= _MANY:
        cursor.execute(f"analyze {table} ({', '.join(columns)})")
