"""Rows into a table by COPY, a chunk at a time, column by column."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from reconciliation.series import Series

_CHUNK_ROWS = 1000
_MANY = 10_000
_NULL = "\\N"
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


def _written(columns: Sequence[Series[Any]]) -> str:
    """Write rows as COPY reads them."""
    fields = (Series(_fields(series.different), series.places) for series in columns)
    return "".join([f"{line}\n" for line in map("\t".join, zip(*fields, strict=True))])


def _fields(values: Sequence[object]) -> list[str]:
    """Write values as COPY reads them. What must be escaped is looked for in all of them at once, which is quicker."""
    fields = [value if type(value) is str else "" if value is None else str(value) for value in values]
    together = "".join(fields)
    if any(character in together for character, _ in _ESCAPES):
        fields = [_escaped(field) for field in fields]
    if "" in fields:
        fields = [_NULL if value is None else field for value, field in zip(values, fields, strict=True)]
    return fields


def _escaped(text: str) -> str:
    for character, written in _ESCAPES:
        if character in text:
            text = text.replace(character, written)
    return text


class _Blocks:
    """Chunks as COPY reads them. The driver would hide what goes wrong while it reads, so it is kept in `failure`."""

    def __init__(self, chunks: Iterator[Sequence[Series[Any]]]) -> None:
        self._chunks = chunks
        self.failure: Exception | None = None

    def read(self, _size: int) -> bytes:
        """Return the next chunk, nothing at the end."""
        try:
            return next(map(_written, self._chunks), "").encode()
        except Exception as failure:  # noqa: BLE001 - `copy_columns` raises it
            self.failure = failure
            return b""


def copy_columns(cursor: Any, table: str, names: Sequence[str], chunks: Iterable[Sequence[Series[Any]]]) -> None:
    """
    Copy rows into a table, a chunk at a time; each has a series for every column, and None is null.

    Whatever the chunks raise is raised here, and then the open transaction must not be committed.
    """
    blocks = _Blocks(iter(chunks))
    named = ", ".join(f'"{name}"' for name in names)
    cursor.copy_expert(f"copy {table} ({named}) from stdin", blocks)
    if blocks.failure is not None:
        raise blocks.failure


def copy_rows(cursor: Any, table: str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Copy rows into a table one by one; the same goes for them."""
    left = iter(rows)
    chunks = iter(lambda: list(islice(left, _CHUNK_ROWS)), [])
    copy_columns(cursor, table, names, ([Series(column) for column in zip(*chunk, strict=True)] for chunk in chunks))


def tell_planner(cursor: Any, table: str, rows: int) -> None:
    """Let the planner know of very many rows that were added to a table; few need no telling."""
    if rows >= _MANY:
        cursor.execute(f"analyze {table}")
