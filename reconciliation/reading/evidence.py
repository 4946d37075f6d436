"""What the numbers of a file tell about its decimal mark."""

from collections.abc import Collection

from reconciliation.formats.columns import NUMERIC, Holds
from reconciliation.reading.numbers import LONGEST_NUMBER, Form, are_usual, form_of
from reconciliation.reading.rejection import Rejected

_REMEMBERED = 1 << 13


class Evidence:
    """What the numbers of a file tell about its decimal mark: the first record that tells either."""

    def __init__(self) -> None:
        self.record = self.dot = self.comma = 0
        self.forms = {holds: Forms(self, holds) for holds in NUMERIC}

    def mark(self, delimiter: str | None) -> str:
        """Return the decimal mark; Rejected as mixed_decimal if the file shows both."""
        if self.dot and self.comma:
            raise Rejected("mixed_decimal", dot=self.dot, comma=self.comma)
        if not self.dot and not self.comma:
            return "," if delimiter == ";" else "."
        return "," if self.comma else "."


class Forms(dict[str, bool]):
    """Whether a cell is a number at all; each different cell is looked at once."""

    def __init__(self, evidence: Evidence, holds: Holds) -> None:
        super().__init__()
        self._evidence, self._holds = evidence, holds

    def __missing__(self, cell: str) -> bool:
        if len(cell) > LONGEST_NUMBER:
            return False
        form = form_of(cell, self._holds)
        if form is Form.DOT:
            self._evidence.dot = self._evidence.dot or self._evidence.record
        elif form is Form.COMMA:
            self._evidence.comma = self._evidence.comma or self._evidence.record
        return self._remember(cell, is_number=form is not Form.NONE)

    def are_told(self, cells: Collection[str]) -> bool:
        """Say whether all cells that are filled are numbers that tell nothing which no record before has told."""
        if self._evidence.dot and are_usual(cells):
            return True
        return all(not cell or self.get(cell) or self._is_told(cell) for cell in cells)

    def _is_told(self, cell: str) -> bool:
        match form_of(cell, self._holds):
            case Form.NONE:
                return False
            case Form.DOT if not self._evidence.dot:
                return False
            case Form.COMMA if not self._evidence.comma:
                return False
            case _:
                return self._remember(cell, is_number=True)

    def _remember(self, cell: str, *, is_number: bool) -> bool:
        if len(self) >= _REMEMBERED:
            self.clear()
        self[cell] = is_number
        return is_number
