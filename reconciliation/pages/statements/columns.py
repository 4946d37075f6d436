"""The part of the upload on which a person says what the columns of a bank's sheet are."""

from collections.abc import Mapping as Told
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.models import BankAccount
from reconciliation.models import StatementMapping
from reconciliation.statements import guessing, reading, wording
from reconciliation.statements.lines import Said, StatementFile
from reconciliation.statements.mapping import COLUMNS, DateOrder, Mapping
from reconciliation.statements.reading import Look
from reconciliation.statements.refusals import StatementRefused

PREFIX: Final = "m"
MAIN: Final = ("day", "time", "paid_out", "paid_in", "amount", "balance", "description", "name")
"""The columns that most sheets have; the others stand behind a fold."""
MOST_WORDS: Final = 12
SHOWN_LINES: Final = 5
_MOST_MARKER = 40
_ORDERS: Final = (
    (DateOrder.YMD.value, gettext_lazy("연-월-일")),
    (DateOrder.MDY.value, gettext_lazy("월/일/연")),
    (DateOrder.DMY.value, gettext_lazy("일/월/연")),
)


@dataclass(frozen=True, slots=True)
class Columns:
    """A file with what is known of its columns, as the page shows it."""

    look: Look
    mapping: Mapping | None = None
    is_kept: bool = False
    words: tuple[str, ...] = ()
    file: StatementFile | None = None
    refusal: StatementRefused | None = None

    @property
    def form(self) -> "ColumnsForm | None":
        """The form; None for a file whose columns are known."""
        return ColumnsForm(self.look, self.mapping, self.words) if self.mapping else None

    @property
    def problems(self) -> list[str]:
        """What is wrong with the file, or with the columns as they are chosen."""
        return wording.sentences(self.refusal, is_xml=self.look.kind == "xml") if self.refusal else []

    @property
    def first_lines(self) -> list[dict[str, object]]:
        """The first lines that come out of it."""
        rows = self.file.lines[:SHOWN_LINES] if self.file else ()
        return [
            {
                "day": line.day,
                "amount": line.amount,
                "balance_after": line.balance_after,
                "said": line.said.value,
                "memo": " · ".join(filter(None, (line.name, line.memo))),
                "reference": line.reference,
                "currency": line.currency,
            }
            for line in rows
        ]


class ColumnsForm(forms.Form):
    """The columns of a sheet, each chosen among its headers. It only shows a mapping; `posted` reads it back."""

    use_required_attribute = False

    def __init__(self, look: Look, mapping: Mapping, words: Sequence[str]) -> None:
        super().__init__(prefix=PREFIX, initial={**mapping.to_json(), "seen": mapping.header_row})
        self.fields["header_row"] = forms.TypedChoiceField(
            label=_("제목 줄"), choices=[(number, _row_of(number, cells)) for number, cells in look.rows]
        )
        self.fields["seen"] = forms.IntegerField(widget=forms.HiddenInput)
        if len(look.names) > 1:
            self.fields["sheet"] = forms.ChoiceField(label=_("시트"), choices=[(name, name) for name in look.names])
        headers = [("", _("없음")), *((name, name) for name in look.headers(mapping.header_row) if name)]
        for name in COLUMNS:
            self.fields[name] = forms.ChoiceField(label=str(wording.FIELDS[name]), choices=headers)
        self.fields["date_order"] = forms.ChoiceField(
            label=_("날짜 순서"), choices=_ORDERS, help_text=_("연도가 맨 앞이면 그대로 두세요.")
        )
        self.fields["flipped"] = forms.BooleanField(
            label=_("나간 돈을 반대 부호로 쓰는 은행이에요"),
            required=False,
            help_text=_("금액 열에서 나간 돈이 양수이거나, 출금액 열에 음수로 적혀 있을 때 골라 주세요."),
        )
        self.fields["in_minor_units"] = forms.BooleanField(
            label=_("금액이 센트처럼 작은 단위로 적혀 있어요"), required=False
        )
        self.fields["end_marker"] = forms.CharField(
            label=_("끝 표시"), help_text=_("이 글자로 시작하는 줄부터는 읽지 않아요.")
        )
        for place, word in enumerate(words):
            choice = forms.ChoiceField(label=word, choices=_meanings())
            choice.initial = mapping.meaning(word).value
            self.fields[f"word-{place}"] = choice

    @property
    def head(self) -> list[forms.BoundField]:
        """Where the header is."""
        return [self[name] for name in ("sheet", "header_row") if name in self.fields]

    @property
    def main(self) -> list[forms.BoundField]:
        """The columns that most sheets have."""
        return [self[name] for name in MAIN]

    @property
    def more(self) -> list[forms.BoundField]:
        """The other columns, and how dates and amounts are written."""
        rest = [name for name in COLUMNS if name not in MAIN]
        return [self[name] for name in (*rest, "date_order", "end_marker", "flipped", "in_minor_units")]

    @property
    def words(self) -> list[forms.BoundField]:
        """What the words of the kind column mean."""
        return [field for field in self if field.name.startswith("word-")]


def _row_of(number: int, cells: Sequence[str]) -> str:
    shown = " · ".join(cell for cell in cells if cell)
    return f"{number}: {shown[:60]}"


def _meanings() -> list[tuple[str, object]]:
    return [(said.value, wording.SAID_BADGES[said.value].label) for said in Said]


def understood(body: bytes, told: Told[str, str], account: BankAccount | None) -> Columns:
    """
    Return what is known of a file: its columns as they were chosen, else as they were kept, else as its headers say.

    Raises StatementRefused for a file nobody can read at all.
    """
    look = reading.look(body, name=told.get(f"{PREFIX}-sheet", ""))
    if look.form is not None:
        return _tried(body, Columns(look))
    currency = account.currency if account else "KRW"
    chosen = posted(told, look)
    kept = None
    if chosen is None and account is not None and not _row(told):
        look, kept = _kept(body, account, look)
    mapping = replace(chosen or kept or guessing.guess(look, _row(told)), currency=currency)
    try:
        words = tuple(reading.words_of(body, mapping, MOST_WORDS))
    except StatementRefused as refusal:
        return Columns(look, mapping, kept is not None, refusal=refusal)
    if kept is None:
        mapping = replace(mapping, words=tuple((word, _meaning(told, word)) for word in words))
    return _tried(body, Columns(look, mapping, kept is not None, words))


def _tried(body: bytes, columns: Columns) -> Columns:
    try:
        return replace(columns, file=reading.read(body, mapping=columns.mapping))
    except StatementRefused as refusal:
        return replace(columns, refusal=refusal)


def posted(told: Told[str, str], look: Look) -> Mapping | None:
    """Return the mapping that a form says; None where there is none, or where its columns are of another header."""
    row = _row(told)
    same_sheet = told.get(f"{PREFIX}-shown", look.name) == look.name
    if not row or told.get(f"{PREFIX}-seen") != str(row) or not same_sheet:
        return None
    headers = set(look.headers(row))
    chosen = {name: told.get(f"{PREFIX}-{name}", "") for name in COLUMNS}
    order = told.get(f"{PREFIX}-date_order", "")
    return Mapping.from_json(
        {
            **{name: header for name, header in chosen.items() if header in headers},
            "header_row": row,
            "sheet": look.name,
            "date_order": order if order in set(DateOrder) else DateOrder.YMD,
            "end_marker": told.get(f"{PREFIX}-end_marker", "").replace("\x00", "").strip()[:_MOST_MARKER],
            "flipped": f"{PREFIX}-flipped" in told,
            "in_minor_units": f"{PREFIX}-in_minor_units" in told,
        }
    )


def _row(told: Told[str, str]) -> int:
    """Return the header row that was chosen, 0 if none was."""
    text = told.get(f"{PREFIX}-header_row", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(reading.LOOK_ROWS * 100)) else 0


def _meaning(told: Told[str, str], word: str) -> Said:
    """Return what a person said a word means, else what it probably means."""
    for place in range(MOST_WORDS):
        said = told.get(f"{PREFIX}-word-{place}", "")
        if told.get(f"{PREFIX}-named-{place}") == word and said in set(Said):
            return Said(said)
    return guessing.meaning(word)


def _kept(body: bytes, account: BankAccount, first: Look) -> tuple[Look, Mapping | None]:
    """Return the newest mapping of the account that fits the file, and the sheet that it fits."""
    for row in StatementMapping.objects.filter(bank_account=account).order_by("-changed_at", "-pk"):
        mapping = Mapping.from_json(row.mapping)
        is_other = mapping.sheet != first.name and mapping.sheet in first.names
        look = reading.look(body, name=mapping.sheet) if is_other else first
        fitted = guessing.refit(mapping, look)
        if fitted is not None:
            return look, fitted
    return first, None
