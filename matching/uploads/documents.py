"""
Documents from files: a row for each line, or for a further charge, under one id.

What holds for the whole document stands in its first row; further rows leave it empty or repeat it. A row with a
quantity is a line; one without is a charge, of the line whose number it has, else of the whole document.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from django.db import transaction
from django.utils.translation import gettext_lazy

from access.roles import ApiScope, Permission
from console.columns import Label
from console.uploads import Checked, Examination, Loaded, Problem, Progress, Rejected, Row, UploadKind, Verdict
from core import clock
from core.actor import Actor, system
from core.scope import Scope
from matching.uploads import cells, refused

# Files of so many documents are tried out for real, and rolled back. Of larger ones, what only the operation itself
# can see (more received than ordered, say) is told when they are loaded, which then loads nothing.
_TRIED: Final = 200
_EVERY: Final = 50

MESSAGES: Mapping[str, Label] = {
    **refused.MESSAGES,
    **cells.MESSAGES,
    "differs_in_document": gettext_lazy("같은 문서의 %(row)s행과 달라요. 비우거나 똑같이 적어 주세요."),
    "line_twice": gettext_lazy("같은 라인이 %(row)s행에도 있어요."),
    "unknown_line": gettext_lazy("그 번호의 라인이 이 문서에 없어요."),
    "id_already_used": gettext_lazy("이미 등록한 문서인데 내용이 달라요. 아이디를 확인해 주세요."),
}


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a file with its rows."""

    public_id: str
    rows: Sequence[Row]
    draft: Any


class DocumentUpload(UploadKind):
    """
    Base of the kinds.

    `header` names the columns that hold for the whole document, `charge` those that a charge needs, `first_needs` and
    `line_needs` those that a first row and a line need.
    """

    api_scope = ApiScope.MATCHING_WRITE
    permission = Permission.EDIT
    messages = MESSAGES
    header: ClassVar[tuple[str, ...]]
    charge: ClassVar[tuple[str, ...]] = ()
    first_needs: ClassVar[tuple[str, ...]]
    line_needs: ClassVar[tuple[str, ...]] = ("line",)

    def draft(self, public_id: str, rows: Sequence[Row]) -> Any:
        """Return the document that rows without mistakes describe."""
        raise NotImplementedError

    def unknown(self, scope: Scope, rows: Sequence[Row]) -> Iterator[Problem]:
        """Yield the cells that name what is not there."""
        raise NotImplementedError

    def standing(self, scope: Scope, drafts: Sequence[Any]) -> Mapping[str, bool]:
        """Return which documents are there already, and whether they say the same."""
        raise NotImplementedError

    def enter(self, scope: Scope, by: Actor, now: datetime, draft: Any) -> object:
        """Keep one document."""
        raise NotImplementedError

    def loaded(self, count: int) -> Loaded:
        """Tell how many documents were loaded."""
        raise NotImplementedError

    def check(self, scope: Scope, rows: Sequence[Row]) -> Checked:
        """Group the rows, look up what they name, compare with what is there, and try small files out."""
        documents, problems = self._grouped(rows)
        standing = self.standing(scope, [document.draft for document in documents])
        verdicts: dict[int, Verdict] = {}
        new = []
        for document in documents:
            if document.public_id not in standing:
                new.append(document)
            elif standing[document.public_id]:
                verdicts |= dict.fromkeys((row.number for row in document.rows), Verdict.SAME)
            else:
                problems.append(Problem(document.rows[0].number, "id", "id_already_used"))
        problems += self.unknown(scope, [row for document in new for row in document.rows])
        if not problems and len(new) <= _TRIED:
            problems += self.tried(scope, new)
        return Checked(problems, verdicts)

    def load(self, scope: Scope, rows: Sequence[Row], by: Actor, now: datetime) -> Loaded:
        """Keep all documents that are not there yet."""
        return self.load_and_tell(scope, rows, by, now, lambda _done: None)

    def load_and_tell(self, scope: Scope, rows: Sequence[Row], by: Actor, now: datetime, progress: Progress) -> Loaded:
        """Keep all documents that are not there yet, and tell how far it is. Raises Rejected."""
        documents, _problems = self._grouped(rows)
        standing = self.standing(scope, [document.draft for document in documents])
        new = [document for document in documents if document.public_id not in standing]
        done = 0
        for place, document in enumerate(new, start=1):
            problem = self._entered(scope, by, now, document)
            if problem is not None:
                raise Rejected(rejection(self, len(rows), problem))
            done += len(document.rows)
            if place % _EVERY == 0:
                progress(done)
        return self.loaded(len(new))

    def _entered(self, scope: Scope, by: Actor, now: datetime, document: Document) -> Problem | None:
        names = frozenset(field.name for field in self.fields)
        return refused.attempt(document.rows[0], names, lambda: self.enter(scope, by, now, document.draft))

    def tried(self, scope: Scope, documents: Sequence[Document]) -> list[Problem]:
        """Keep the documents as loading does, take everything back, and return what was refused."""
        by, now = system("matching.upload"), clock.now()
        with transaction.atomic():
            found = [self._entered(scope, by, now, document) for document in documents]
            transaction.set_rollback(True)
        return [problem for problem in found if problem is not None]

    # ---- From rows to documents

    def _grouped(self, rows: Sequence[Row]) -> tuple[list[Document], list[Problem]]:
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            groups[row.values["id"]].append(row)
        documents, problems = [], []
        for public_id, group in groups.items():
            wrong = list(self.wrong(group))
            problems += wrong
            if not wrong:
                documents.append(Document(public_id, group, self.draft(public_id, group)))
        return documents, problems

    def wrong(self, group: Sequence[Row]) -> Iterator[Problem]:
        """Yield what is wrong with the rows of one document together."""
        first = group[0]
        lines: dict[int, int] = {}
        for row in group:
            values = row.values
            for name in self.header:
                if name in values and values[name] != first.values.get(name):
                    yield Problem(row.number, name, "differs_in_document", {"row": first.number})
            needed = self.first_needs if row is first else ()
            needed += self.line_needs if is_line(row) else self.charge or ("quantity",)
            if any(name in values for name in self.charge):
                needed += self.charge
            yield from (Problem(row.number, name, "required") for name in dict.fromkeys(needed) if name not in values)
            if is_line(row) and "line" in values:
                number = values["line"]
                if number in lines:
                    yield Problem(row.number, "line", "line_twice", {"row": lines[number]})
                lines.setdefault(number, row.number)
        for row in group:
            if not is_line(row) and row.values.get("line", next(iter(lines), None)) not in lines:
                yield Problem(row.number, "line", "unknown_line")


def is_line(row: Row) -> bool:
    """Say whether a row is a line of its document; else it is a further charge."""
    return "quantity" in row.values


def charges_of(rows: Sequence[Row], line: int | None) -> list[Mapping[str, Any]]:
    """Return the cells of the rows that hold a charge of a line, or of the whole document."""
    found = []
    for row in rows:
        owner = row.values.get("line")
        if "charge_code" in row.values and owner == line:
            found.append(row.values)
    return found


def given(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the cells that are not empty, of these columns."""
    return {name: values[name] for name in names if name in values}


def named(rows: Sequence[Row], name: str) -> set[str]:
    """Return what the cells of a column hold."""
    return {row.values[name] for row in rows if name in row.values}


def absent(rows: Sequence[Row], name: str, known: frozenset[str] | set[str], code: str) -> Iterator[Problem]:
    """Yield the rows whose cell names what is not among the known."""
    for row in rows:
        if name in row.values and row.values[name] not in known:
            yield Problem(row.number, name, code)


def rejection(kind: UploadKind, rows: int, problem: Problem) -> Examination:
    """Return what is told of a file that turned out to be wrong while it was loaded."""
    column = next((field.for_sheet().header for field in kind.fields if field.name == problem.field), None)
    error: dict[str, object] = {
        "row": problem.row,
        "column": column,
        "code": problem.code,
        "params": dict(problem.params),
    }
    return Examination(rows=rows, wrong_rows=1, errors=[error], error_count=1)
