"""
Rows that have been looked at, taken apart into columns and laid aside until their lines are made.

They wait on disk, in a file without a name, so that memory does not grow and whoever dies leaves nothing.
"""

import marshal
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from reconciliation.reading.decoding import CELLS_APART
from reconciliation.reading.rows import Row
from reconciliation.series import Series

_IN_MEMORY = 1 << 18
_MOST_IN_A_BYTE = 256


class Grid:
    """
    Cells of rows that follow each other, by column, as delivered; `odd` rows have another width and are blank here.

    `is_stripped` says that no cell is known to have blanks around it.
    """

    def __init__(
        self,
        columns: Sequence[Series[str]],
        odd: Sequence[int] = (),
        rows: Sequence[Sequence[str]] | None = None,
        *,
        is_stripped: bool = False,
    ) -> None:
        self.columns, self.odd = columns, odd
        self._rows = rows
        self._is_stripped = is_stripped

    @staticmethod
    def of(rows: Sequence[Sequence[str]], width: int) -> "Grid":
        """Return the grid of rows, of which some may have another width."""
        odd = [line for line, row in enumerate(rows) if len(row) != width]
        blank = [""] * width
        same = [row if len(row) == width else blank for row in rows] if odd else rows
        return Grid([Series.of(column) for column in zip(*same, strict=True)], odd, rows)

    @property
    def rows(self) -> Iterable[Sequence[str]]:
        """The cells row by row, as delivered."""
        return zip(*self.columns, strict=True) if self._rows is None else self._rows

    @property
    def stripped(self) -> Sequence[Series[str]]:
        """The columns without blanks around the cells."""
        return self.columns if self._is_stripped else [column.map(str.strip) for column in self.columns]


class Piece:
    """
    Rows that follow each other and the physical lines on which they begin.

    `grid` is there if all of them are records under one header; otherwise `rows` has to be gone through one by one.
    """

    def __init__(self, places: Sequence[int], grid: Grid | None = None, rows: Sequence[Row] = ()) -> None:
        self.places, self.grid, self.rows = places, grid, rows


class LaidAside:
    """The rows of a file, piece by piece in their order. They may be gone through any number of times."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - it lives as long as this does
        self._sizes: list[int] = []

    def add_rows(self, rows: list[Row]) -> None:
        """Lay rows aside of which some may be no records."""
        self._add((None, rows))

    def add_records(self, places: list[int], columns: Iterable[Series[str]], *, is_stripped: bool) -> None:
        """Lay records under one header aside."""
        # The cells of a column become one text, which is written and read many times as quickly as each by itself.
        written = [(CELLS_APART.join(column.different), _written(column.places)) for column in columns]
        self._add((places, written, is_stripped))

    def _add(self, piece: tuple[Any, ...]) -> None:
        self._sizes.append(self._file.write(marshal.dumps(piece)))

    def __iter__(self) -> Iterator[Piece]:
        """Yield the pieces."""
        begin = 0
        for size in self._sizes:
            self._file.seek(begin)
            yield _read(self._file.read(size))
            begin += size


def _written(places: Sequence[int] | None) -> Sequence[int] | None:
    """Return places in a byte each, if there is room for them."""
    return bytes(places) if places is not None and max(places) < _MOST_IN_A_BYTE else places


def _read(piece: bytes) -> Piece:
    places, *rest = marshal.loads(piece)  # noqa: S302 - what we have written ourselves into a file without a name
    if places is None:
        return Piece((), rows=rest[0])
    columns, is_stripped = rest
    grid = [Series(text.split(CELLS_APART), places_in) for text, places_in in columns]
    return Piece(places, Grid(grid, is_stripped=is_stripped))
