"""How large an uploaded sheet may be, and the counting of its cells before a reader loads them."""

from dataclasses import dataclass, field

from console.files.columns import column_letters
from console.files.errors import refused
from console.files.zip_guard import MEGABYTE, ZipLimits


@dataclass(frozen=True, slots=True)
class Caps:
    """
    What an upload may hold: bytes as sent, data rows, columns, characters a cell, and what its zip may expand to.

    `cells` bounds rows x columns of the rectangle around all values. The workbook reader keeps that rectangle in memory
    at about 32 bytes a cell, so one stray value in the last corner must not be read.
    """

    file_bytes: int = 50 * MEGABYTE
    rows: int = 200_000
    columns: int = 100
    characters: int = 2_000
    cells: int = 8_000_000
    zip: ZipLimits = field(default_factory=ZipLimits)


class CellCount:
    """Counts the cells that hold something, in the order of the sheet, and refuses the sheet where a cap is passed."""

    def __init__(self, caps: Caps) -> None:
        """Start with an empty sheet."""
        self._caps = caps
        self._rows = 0
        self._row = self._first_row = 0
        self._last_column = 0

    def add(self, row: int, column: int) -> None:
        """Count one cell, row and column from 1. Refused as too_many_rows, too_many_columns or too_many_cells."""
        if row != self._row:
            self._add_row(row)
        if column > self._last_column:
            self._last_column = column
            if column > self._caps.columns:
                raise refused("too_many_columns", limit=self._caps.columns)

    def check_rectangle(self) -> None:
        """Refuse the sheet if the rectangle around its values is too large to be loaded."""
        if (self._row - self._first_row + 1) * self._last_column > self._caps.cells:
            raise refused("too_many_cells")

    def _add_row(self, row: int) -> None:
        if row < self._row:
            raise refused("broken")  # rows stand in order in every sheet that a program wrote
        self._row = row
        self._first_row = self._first_row or row
        self._rows += 1
        if self._rows > self._caps.rows + 1:  # and one for the header
            raise refused("too_many_rows", limit=self._caps.rows)
        self.check_rectangle()


def address(row: int, column: int) -> str:
    """Return the address of a cell, row and column from 1: (3, 2) is B3."""
    return f"{column_letters(column)}{row}"
