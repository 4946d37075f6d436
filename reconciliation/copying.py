"""Rows into a table by COPY, a block at a time."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_BLOCK = 1 << 18
_MANY = 10_000
_NULL, _APART = "\x1d", "\x1e"  # control characters, which hardly any text contains
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


def _line(row: Sequence[object]) -> str:
    """Write a row as COPY reads it. All fields are escaped at once, which is much quicker than one by one."""
    fields = [value if type(value) is str else _NULL if value is None else str(value) for value in row]
    line = _APART.join(fields)
    if line.count(_NULL) != row.count(None) or line.count(_APART) != len(fields) - 1:
        return "\t".join(["\\N" if value is None else _escaped(str(value)) for value in row])
    return _escaped(line).replace(_NULL, "\\N").replace(_APART, "\t")


def _escaped(text: str) -> str:
    for character, written in _ESCAPES:
        if character in text:
            text = text.replace(character, written)
    return text


class _Blocks:
    """Rows as COPY reads them. The driver would hide what goes wrong while it reads, so it is kept in `failure`."""

    def __init__(self, rows: Iterator[Sequence[object]]) -> None:
        self._rows = rows
        self.failure: Exception | None = None

    def read(self, size: int = _BLOCK) -> bytes:
        """Return about so many bytes, none at the end."""
        lines: list[str] = []
        left = size
        try:
            for row in self._rows:
                line = _line(row)
                lines += (line, "\n")
                left -= len(line)
                if left <= 0:
                    break
        except Exception as failure:  # noqa: BLE001 - `copy_rows` raises it
            self.failure = failure
            return b""
        return "".join(lines).encode()


def copy_rows(cursor: Any, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """
    Copy rows into a table; None is null.

    Whatever the rows raise is raised here, and then the open transaction must not be committed.
    """
    blocks = _Blocks(iter(rows))
    named = ", ".join(f'"{column}"' for column in columns)
    cursor.copy_expert(f"copy {table} ({named}) from stdin", blocks, _BLOCK)
    if blocks.failure is not None:
        raise blocks.failure


def tell_planner(cursor: Any, table: str, rows: int) -> None:
    """Let the planner know of very many rows that were added to a table; few need no telling."""
    if rows >= _MANY:
        cursor.execute(f"analyze {table}")
