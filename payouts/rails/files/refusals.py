"""What can be wrong with a file of transfers or of results: a code with its place, worded elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Params = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One thing wrong with a file.

    `code` is one of `payouts.transfer_words.PROBLEMS`; `line` is the line of an XML file or the row of a sheet, 0 where
    the whole file is meant; `where` names the element or the column.
    """

    code: str
    line: int = 0
    where: str = ""
    params: Params = field(default_factory=dict)


class FileRefused(Exception):
    """A file cannot be taken; `problems` says why, each with its place."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.code for problem in problems))
        self.problems = problems


def refused(code: str, *, line: int = 0, where: str = "", **params: str | int) -> FileRefused:
    """Return the exception for one problem."""
    return FileRefused(Problem(code, line, where, params))
