"""
Uploads: template, file, check, preview, confirm, all or nothing.

An application describes a kind of upload once (its columns, how rows are checked, how they are loaded) and gets the
pages for it. One wrong row means nothing is loaded, and every refusal names row, column and reason.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, BinaryIO, ClassVar, Final

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.roles import ApiScope, Permission
from console import columns
from console.columns import Badge, Column, Kind, Label, Shape, Tone
from console.files import columns as sheets
from console.files import sheet_read
from console.files.errors import REASONS, SheetError, SheetRefused, ValueRefused
from console.files.sheet_limits import Caps
from console.files.values import Raw, clean_digits, clean_id, clean_text, parse_date, parse_decimal, parse_won
from core.actor import Actor
from core.errors import NotFound
from core.scope import Scope

CHECK_JOB: Final = "console.upload.check"
LOAD_JOB: Final = "console.upload.load"
PREVIEW_ROWS: Final = 50
MAX_ERRORS: Final = 1_000
_PROGRESS_EVERY = 2_000

Progress = Callable[[int], None]
Params = Mapping[str, str | int]


class Verdict(StrEnum):
    """What loading would do with a row."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


VERDICT_BADGES: Mapping[str, Badge] = {
    Verdict.NEW: Badge(gettext_lazy("새로 등록"), Tone.INFO, Shape.DOT),
    Verdict.CHANGED: Badge(gettext_lazy("바뀜"), Tone.WARNING, Shape.HALF),
    Verdict.SAME: Badge(gettext_lazy("같음"), Tone.NEUTRAL, Shape.DASH),
}

# Sentences of what this module itself finds wrong; a kind adds its own in `messages`.
MESSAGES: Mapping[str, Label] = {
    "unknown_choice": gettext_lazy("고를 수 있는 값이 아니에요. %(choices)s 가운데 하나를 적어 주세요."),
    "too_long": gettext_lazy("값이 너무 길어요. %(limit)s자까지 쓸 수 있어요."),
    "twice_in_file": gettext_lazy("파일 안에 같은 값이 두 번 있어요. %(row)s행을 확인해 주세요."),
}

_SHEET_KINDS: Mapping[Kind, sheets.Kind] = {
    Kind.WON: sheets.Kind.WON,
    Kind.SIGNED_WON: sheets.Kind.SIGNED_WON,
    Kind.DATE: sheets.Kind.DATE,
    Kind.COUNT: sheets.Kind.COUNT,
    Kind.DECIMAL: sheets.Kind.DECIMAL,
    Kind.ID: sheets.Kind.ID,
    Kind.MASKED: sheets.Kind.ID,
}


def _won(raw: Raw) -> object:
    return parse_won(raw, negative=False)


_PARSERS: Mapping[Kind, Callable[[Raw], object]] = {
    Kind.TEXT: clean_text,
    Kind.ID: clean_id,
    Kind.WON: _won,
    Kind.COUNT: _won,
    Kind.DECIMAL: parse_decimal,
    Kind.SIGNED_WON: parse_won,
    Kind.DATE: parse_date,
    Kind.MASKED: clean_digits,
}


class CellRefused(ValueRefused):
    """A cell does not hold what its field asks for, by a code of `MESSAGES` or of the kind's own `messages`."""

    def __init__(self, code: str, **params: str | int) -> None:
        # The sentence is looked up by code when it is shown, in the reader's language.
        Exception.__init__(self, code)
        self.code, self.reason, self.params = code, "", params


@dataclass(frozen=True, slots=True)
class Field:
    """
    One column of an upload.

    Kinds: TEXT (str), ID (str, only trimmed), WON and COUNT (int ≥ 0), SIGNED_WON (int), DATE (date), DECIMAL
    (Decimal), MASKED (digits of an account or business number, hidden in the preview). `max` limits characters.
    `choices` maps what people write to what is stored. `parse` replaces the reading of the cell and may raise
    CellRefused.
    """

    name: str
    label: Label
    english: str
    required: bool = False
    kind: Kind = Kind.TEXT
    max: int = 200
    choices: Mapping[str, str] | None = None
    parse: Callable[[Raw], object] | None = None
    samples: tuple[str, str] = ("", "")
    note: Label = ""

    def read(self, raw: Raw) -> object:
        """Return the value of a cell. Raises ValueRefused."""
        value = (self.parse or _PARSERS[self.kind])(raw)
        if isinstance(value, str) and len(value) > self.max:
            raise CellRefused("too_long", limit=self.max)
        if self.choices is None:
            return value
        wanted = sheet_read.header_key(str(value))
        for written, stored in self.choices.items():
            if wanted in {sheet_read.header_key(written), sheet_read.header_key(stored)}:
                return stored
        raise CellRefused("unknown_choice", choices=", ".join(self.choices))

    def shown(self, value: object) -> str | int | None:
        """Return a value as the preview keeps it: choices in words, personal numbers hidden, days in ISO form."""
        if value is None or isinstance(value, int):
            return value
        if isinstance(value, Decimal):
            return columns.decimal(value)
        if self.choices is not None:
            return next((written for written, stored in self.choices.items() if stored == value), str(value))
        return columns.masked(str(value)) if self.kind is Kind.MASKED else str(value)

    def for_sheet(self) -> sheet_read.Field:
        """Return the column as the reader and the template know it, its label in Korean."""
        return sheet_read.Field(
            name=self.name,
            header=_korean(self.label),
            aliases=(self.english,),
            required=self.required,
            kind=_SHEET_KINDS.get(self.kind, sheets.Kind.TEXT),
            samples=self.samples,
            choices=tuple(self.choices or ()),
            note=_korean(self.note),
        )


def _korean(label: Label) -> str:
    with translation.override("ko"):
        return str(label)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: the number the spreadsheet shows, and its values by field name. Empty cells are absent."""

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one cell (or, without a field, one row): a code of `messages` with its values."""

    row: int
    field: str
    code: str
    params: Params = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a kind found out about all rows; a row without a verdict is new. Sums are won by what they are called."""

    problems: Sequence[Problem] = ()
    verdicts: Mapping[int, Verdict] = dataclasses.field(default_factory=dict)
    sums: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading did: how many rows, a sentence for the reader, where to look at them."""

    rows: int
    message: str = ""
    url: str = ""


@dataclass
class Examination:
    """Everything the preview shows."""

    rows: int = 0
    counts: dict[Verdict, int] = dataclasses.field(default_factory=lambda: dict.fromkeys(Verdict, 0))
    wrong_rows: int = 0
    errors: list[dict[str, object]] = dataclasses.field(default_factory=list)
    error_count: int = 0
    sums: dict[str, int] = dataclasses.field(default_factory=dict)
    preview: list[list[object]] = dataclasses.field(default_factory=list)

    @property
    def loadable(self) -> bool:
        """Say whether nothing is wrong and there is something to load."""
        return not self.error_count and self.rows > 0


class Rejected(Exception):
    """The file may not be loaded as it is; the examination says why."""

    def __init__(self, examination: Examination) -> None:
        super().__init__(f"{examination.error_count} errors")
        self.examination = examination


class UploadKind:
    """
    Base of all kinds of uploads.

    Subclasses name `kind` (part of the address), `title`, `permission`, `fields`, and give `check` and `load`. Kinds
    with very many rows may replace `examine` and `perform`, which read and load the file as a whole.
    """

    kind: ClassVar[str]
    title: ClassVar[Label]
    permission: ClassVar[Permission]
    # What an API secret needs besides being allowed to write.
    api_scope: ClassVar[ApiScope] = ApiScope.WRITE
    fields: ClassVar[tuple[Field, ...]]
    guide: ClassVar[tuple[Label, ...]] = ()
    messages: ClassVar[Mapping[str, Label]] = {}
    done_label: ClassVar[Label] = gettext_lazy("등록하기")

    @property
    def caps(self) -> Caps:
        """Return how large a file may be: 200,000 rows and 50 MB, unless the settings say otherwise."""
        return Caps(rows=settings.UPLOAD_MOST_ROWS, file_bytes=settings.UPLOAD_MOST_BYTES)

    def check(self, scope: Scope, rows: Sequence[Row]) -> Checked:
        """Compare the rows with each other and with the database. Called before the preview and again when loading."""
        raise NotImplementedError

    def load(self, scope: Scope, rows: Sequence[Row], by: Actor, now: datetime) -> Loaded:
        """Load all rows inside the open transaction. Rows marked SAME are among them."""
        raise NotImplementedError

    def load_and_tell(
        self,
        scope: Scope,
        rows: Sequence[Row],
        by: Actor,
        now: datetime,
        progress: Progress,  # noqa: ARG002 - kinds whose loading takes long use it
    ) -> Loaded:
        """Load all rows as `load` does, and tell how many are done where that takes long."""
        return self.load(scope, rows, by, now)

    def examine(self, scope: Scope, file: BinaryIO, progress: Progress | None = None) -> Examination:
        """Read and check a whole file; loads nothing. What makes the file unreadable is part of the answer."""
        return self._examined(scope, file, progress)[0]

    def perform(
        self, scope: Scope, file: BinaryIO, by: Actor, now: datetime, progress: Progress | None = None
    ) -> Loaded:
        """Check once more and load, inside the open transaction. Raises Rejected when something is wrong by now."""
        examination, rows = self._examined(scope, file, None)
        if not examination.loadable:
            raise Rejected(examination)
        if progress is None:
            return self.load(scope, rows, by, now)
        return self.load_and_tell(scope, rows, by, now, progress)

    def sheet_fields(self) -> tuple[sheet_read.Field, ...]:
        """Return the columns as the reader and the template know them."""
        return tuple(item.for_sheet() for item in self.fields)

    def preview_columns(self) -> tuple[Column, ...]:
        """Return the columns of the preview."""
        first = Column("row", gettext_lazy("행"), Kind.COUNT)
        verdict = Column("verdict", gettext_lazy("결과"), Kind.BADGE, badges=VERDICT_BADGES)
        return (first, verdict, *(Column(item.name, item.label, item.kind) for item in self.fields))

    def sentence(self, error: Mapping[str, Any]) -> str:
        """Return what is wrong as a sentence in the reader's language."""
        code = str(error["code"])
        text = self.messages.get(code) or MESSAGES.get(code) or REASONS.get(code) or code
        sentence = _(text) if isinstance(text, str) else str(text)
        params: Mapping[str, object] = error["params"]
        return sentence % params

    def _examined(self, scope: Scope, file: BinaryIO, progress: Progress | None) -> tuple[Examination, list[Row]]:
        try:
            reader = sheet_read.open_sheet(file, self.sheet_fields(), self.caps)
            rows, wrong = self._rows(reader, progress)
        except SheetRefused as refusal:
            return refused_whole(refusal), []
        checked = self.check(scope, rows) if rows else Checked()
        return self._summed_up(reader, rows, wrong, checked), rows

    def _rows(self, reader: sheet_read.SheetReader, progress: Progress | None) -> tuple[list[Row], set[int]]:
        """Return the rows whose every cell could be read, and the numbers of the others."""
        rows: list[Row] = []
        wrong: set[int] = set()
        for at, (number, cells) in enumerate(reader, start=1):
            row = self.read_row(reader, number, cells)
            if row is None:
                wrong.add(number)
            else:
                rows.append(row)
            if progress and at % _PROGRESS_EVERY == 0:
                progress(at)
        return rows, wrong

    def read_row(self, reader: sheet_read.SheetReader, number: int, cells: Mapping[str, Raw]) -> Row | None:
        """Return a row's values; None, with its errors added to the reader's, when it has any."""
        values: dict[str, Any] = {}
        for item in self.fields:
            if item.name not in cells:
                if item.required:
                    reader.refuse_value(number, item.name, ValueRefused("required"))
                continue
            try:
                values[item.name] = item.read(cells[item.name])
            except ValueRefused as problem:
                reader.refuse_value(number, item.name, problem)
        return None if number == reader.last_wrong_row else Row(number, values)

    def _summed_up(
        self, reader: sheet_read.SheetReader, rows: Sequence[Row], unread: set[int], checked: Checked
    ) -> Examination:
        wrong = unread | {problem.row for problem in checked.problems}
        total = len(wrong | {row.number for row in rows})
        preview = [self.shown(row, checked) for row in rows[:PREVIEW_ROWS]]
        found = self.summed_up(reader, checked.problems, total=total, sums=checked.sums, preview=preview)
        found.wrong_rows = len(wrong)
        for row in rows:
            found.counts[checked.verdicts.get(row.number, Verdict.NEW)] += row.number not in wrong
        return found

    def summed_up(
        self,
        reader: sheet_read.SheetReader,
        problems: Sequence[Problem],
        *,
        total: int,
        sums: Mapping[str, int],
        preview: list[list[object]],
    ) -> Examination:
        """Return an examination of `total` rows with the errors of reader and check, without counts of rows."""
        told: list[dict[str, object]] = [
            {
                "row": problem.row,
                "column": reader.header_of(problem.field) if problem.field else None,
                "code": problem.code,
                "params": _hidden(problem.params),
            }
            for problem in problems
        ]
        errors = sorted([*(_stored(error) for error in reader.errors), *told], key=_place)
        if not total and not errors:
            errors = [{"row": None, "column": None, "code": "empty", "params": {}}]
        count = max(len(errors), reader.error_count + len(problems))
        return Examination(rows=total, errors=errors[:MAX_ERRORS], error_count=count, sums=dict(sums), preview=preview)

    def shown(self, row: Row, checked: Checked) -> list[object]:
        """Return a row as the preview keeps it."""
        verdict = checked.verdicts.get(row.number, Verdict.NEW)
        return [row.number, verdict.value, *(item.shown(row.values.get(item.name)) for item in self.fields)]


def refused_whole(refusal: SheetRefused) -> Examination:
    """Return what is told of a file that cannot be read."""
    errors = [_stored(error) for error in refusal.errors]
    return Examination(errors=errors[:MAX_ERRORS], error_count=len(errors))


def _place(error: Mapping[str, object]) -> int:
    """Return where an error stands in the file; what is said of the whole file comes first."""
    row = error["row"]
    return row if isinstance(row, int) else 0


def _hidden(params: Params) -> dict[str, str | int]:
    return {name: columns.masked(value) if isinstance(value, str) else value for name, value in params.items()}


def _stored(error: SheetError) -> dict[str, object]:
    return {"row": error.row, "column": error.column, "code": error.code, "params": _hidden(error.params)}


_kinds: dict[str, UploadKind] = {}


def register(kind: UploadKind) -> None:
    """Add a kind of upload; its pages are at `console:upload` with its `kind`."""
    _kinds[kind.kind] = kind


def kind_named(name: str) -> UploadKind:
    """Return a kind of upload. Raises NotFound."""
    try:
        return _kinds[name]
    except KeyError:
        raise NotFound(kind=name) from None


def all_kinds() -> tuple[UploadKind, ...]:
    """Return every registered kind."""
    return tuple(_kinds.values())


def twice(rows: Sequence[Row], *names: str) -> list[Problem]:
    """Return a problem for every row whose values in these fields were already in an earlier row."""
    seen: dict[tuple[object, ...], int] = {}
    problems = []
    for row in rows:
        key = tuple(row.values.get(name) for name in names)
        if None in key:
            continue
        if key in seen:
            problems.append(Problem(row.number, names[0], "twice_in_file", {"row": seen[key]}))
        seen.setdefault(key, row.number)
    return problems
