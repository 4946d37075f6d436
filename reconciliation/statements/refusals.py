"""What can be wrong with a statement file: codes with their places, worded in `reconciliation.statements.wording`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from console.files.errors import ValueRefused

Params = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One thing wrong with a statement file.

    `row` is the row of a sheet or the line of an XML file, 0 where the whole file is meant; `column` names the column
    as it stands in the file, or the element.
    """

    row: int
    column: str
    code: str
    params: Params = field(default_factory=dict)


class StatementRefused(Exception):
    """A file cannot be taken as a statement; `problems` says why, each with its place."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("; ".join(problem.code for problem in problems))


def refused(code: str, *, row: int = 0, column: str = "", **params: str | int) -> StatementRefused:
    """Return the exception for one problem."""
    return StatementRefused(Problem(row, column, code, params))


class CellRefused(ValueRefused):
    """A cell does not hold what its column asks for, by a code of `reconciliation.statements.wording`."""

    def __init__(self, code: str, **params: str | int) -> None:
        # The sentence is looked up by code when it is shown, in the reader's language.
        Exception.__init__(self, code)
        self.code, self.reason, self.params = code, "", params
