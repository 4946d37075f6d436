"""조정 파일: every file of a vendor or payment provider that was sent, and what became of it."""

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy, pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.columns import Column, Kind, Label, Row
from console.filters import ChoiceFilter, DateFilter, DateKind, IdFilter, Keyword, KeywordFilter
from console.lists import ListPage, MainAction
from core.scope import Scope
from reconciliation import wording
from reconciliation.models import BatchState
from reconciliation.pages.files import links, reads, shown
from reconciliation.pages.files.shown import Sums

_ALL, _REFUSED = "reconciliation:files", "reconciliation:files-refused"
_STATES = tuple((state, badge.label) for state, badge in shown.STATE_BADGES.items())
_KINDS = tuple((code, gettext_lazy(name)) for code, name in wording.KINDS.items())


def _kind(row: Row) -> str:
    return shown.kind(str(row["kind"]))


def _layout(row: Row) -> str:
    return wording.word(wording.LAYOUTS, str(row["layout"]))


def _period(row: Row) -> str:
    return shown.period(row["first_day"], row["last_day"])  # type: ignore[arg-type] # days, or nothing


def _sums(row: Row) -> str:
    return shown.sums(shown.plain(row["totals"]) or {})


def _note(row: Row) -> str:
    """Return why a file was not taken, or what should be looked at."""
    refusal = shown.plain(row["refusal"])
    if refusal:
        return shown.refusal(refusal)
    return " ".join(wording.word(wording.WARNINGS, code) for code in shown.plain(row["warnings"]) or ())


def _sender(row: Row) -> str:
    return shown.person(row["created_by"])


def _decider(row: Row) -> str:
    return shown.person(row["decided_by"])


_NAME = Column("name", gettext_lazy("파일 이름"), width=36)
_SENT = Column("created_at", gettext_lazy("올린 때"), Kind.MOMENT, sortable=True)
_SENDER = Column("who", gettext_lazy("올린 사람"), value=_sender)
_END = (
    Column("bytes", gettext_lazy("바이트"), Kind.COUNT, default=False),
    Column("public_id", gettext_lazy("파일 아이디"), Kind.ID, default=False),
)
_CREATED = DateKind("created", gettext_lazy("올린 날"), "created_at", moment=True)
_WORDS = (
    Keyword("name", gettext_lazy("파일 이름"), ("name",)),
    Keyword("who", gettext_lazy("올린 사람"), ("created_by",)),
    Keyword("id", gettext_lazy("파일 아이디"), ("public_id",), exact=True),
)


class FileListPage(ListPage):
    """What the lists of files have in common."""

    permission = Permission.VIEW
    template = "reconciliation/file_list.html"
    main_action = MainAction(gettext_lazy("파일 올리기"), "reconciliation:file-new", Permission.EDIT, "arrow-up-tray")
    order = ("-created_at", "-id")
    extra = (
        *("kind", "layout", "first_day", "last_day", "totals", "warnings"),
        *("refusal", "version", "created_by", "decided_by"),
    )

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the files of a scope."""
        return reads.file_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the file."""
        return links.file_url(row["public_id"])

    def context(self, request: PageRequest) -> dict[str, object]:
        """Return the ways to what waits and to what was not taken."""
        waiting = f"{reverse(_ALL)}?state={BatchState.UNDERSTOOD}"
        is_waiting = request.get_full_path() == waiting
        ways: tuple[tuple[Label, str, int | None, bool], ...] = (
            (gettext_lazy("모든 파일"), reverse(_ALL), None, self.url_name == _ALL and not is_waiting),
            (gettext_lazy("확인 대기"), waiting, reads.waiting(request.scope), is_waiting),
            (RefusedList.title, reverse(_REFUSED), reads.refused(request.scope), self.url_name == _REFUSED),
        )
        return {"ways": ways}


class FileList(FileListPage):
    """조정 파일: every file, the newest first."""

    slug = "reconciliation-files"
    url_name = _ALL
    title = gettext_lazy("조정 파일")
    intro = gettext_lazy(
        "공급사와 결제사가 보낸 파일이에요. 올린 파일은 이해한 내용을 확인하고 반영해야 비교에 쓰여요."
    )
    columns = (
        _NAME,
        Column("state", gettext_lazy("상태"), Kind.BADGE, badges=shown.STATE_BADGES),
        Column("kind_words", gettext_lazy("종류"), value=_kind, width=28),
        Column("invoice_number", gettext_lazy("송장 번호"), Kind.ID),
        Column("line_count", pgettext_lazy("vendor file", "내역"), Kind.COUNT, total=True),
        Sums("sums", pgettext_lazy("vendor file", "합계"), value=_sums, width=28),
        Column("period", gettext_lazy("청구 기간"), value=_period),
        Column("version_number", gettext_lazy("버전"), Kind.COUNT, value=lambda row: row["version"] or None),
        Column("note", gettext_lazy("살펴볼 점"), value=_note, width=48),
        _SENT,
        _SENDER,
        Column("layout_words", pgettext_lazy("vendor file", "판"), value=_layout, default=False),
        Column("billing_entity", gettext_lazy("청구 주체"), Kind.ID, default=False),
        Column("issued_on", gettext_lazy("송장 발행일"), Kind.DATE, default=False),
        Column("decided_at", gettext_lazy("결정한 때"), Kind.MOMENT, default=False),
        Column("decider", gettext_lazy("결정한 사람"), value=_decider, default=False),
        *_END,
    )
    filters = (
        DateFilter(
            (
                _CREATED,
                DateKind("first", gettext_lazy("청구 시작일"), "first_day"),
                DateKind("last", gettext_lazy("청구 종료일"), "last_day"),
                DateKind("issued", gettext_lazy("송장 발행일"), "issued_on"),
            )
        ),
        KeywordFilter(
            (
                Keyword("invoice", gettext_lazy("송장 번호"), ("invoice_number",)),
                Keyword("entity", gettext_lazy("청구 주체"), ("billing_entity",)),
                *_WORDS,
            )
        ),
        ChoiceFilter("state", gettext_lazy("상태"), _STATES, badges=shown.STATE_BADGES),
        ChoiceFilter("kind", gettext_lazy("종류"), _KINDS),
        IdFilter("identity", gettext_lazy("같은 청구서"), "identity"),
    )
    blank = gettext_lazy("아직 올린 파일이 없어요. 공급사나 결제사에서 내려받은 파일을 고치지 말고 그대로 올려 주세요.")

    def row_class(self, row: Row) -> str:
        """Set back what does not count any more."""
        gone = (BatchState.DISCARDED, BatchState.SUPERSEDED)
        return "muted" if row.get("state") in gone else ""


class RefusedList(FileListPage):
    """받지 않은 파일: what was sent and not taken, each with its one reason."""

    slug = "reconciliation-refused"
    url_name = _REFUSED
    title = gettext_lazy("받지 않은 파일")
    intro = gettext_lazy("읽을 수 없어서 아무것도 저장하지 않은 파일이에요. 이유를 보고 고친 파일을 다시 올려 주세요.")
    columns = (_NAME, Column("note", gettext_lazy("받지 않은 이유"), value=_note, width=80), _SENT, _SENDER, *_END)
    filters = (DateFilter((_CREATED,)), KeywordFilter(_WORDS))
    blank = gettext_lazy("받지 않은 파일이 없어요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the files that were not taken."""
        return super().queryset(scope).filter(state=BatchState.REJECTED)
