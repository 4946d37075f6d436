"""결과: every vendor file that counts with what comparing it came to, and the differences that are still open."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.columns import UNKNOWN, Badge, Column, Kind, Row, Shape, Tone
from console.filters import BooleanFilter, ChoiceFilter, DateFilter, DateKind, Keyword, KeywordFilter
from console.lists import ListPage
from core.scope import Scope
from reconciliation import queries
from reconciliation.figures import COLUMNS
from reconciliation.models import Resolution
from reconciliation.pages.results import reads, words
from reconciliation.pages.results.waterfall import Waterfall, waterfalls

NEVER, NOT_COMPARED, SETTLED, DIFFERS = "never", "not_compared", "settled", "open"
_STATES: Mapping[str, Badge] = {
    DIFFERS: Badge(_("열린 차이 있음"), Tone.WARNING, Shape.ALERT),
    SETTLED: Badge(_("모두 확인함"), Tone.SUCCESS, Shape.CHECK),
    NEVER: Badge(_("비교 전"), Tone.NEUTRAL, Shape.RING),
    NOT_COMPARED: Badge(_("비교하지 않음"), Tone.NEUTRAL, Shape.DASH),
}


def _state(row: Row) -> str:
    if row["kind"] not in COLUMNS:
        return NOT_COMPARED
    if row["run"] is None:
        return NEVER
    return DIFFERS if row["open"] else SETTLED


@dataclass(frozen=True, slots=True)
class _Sums(Column):
    """A figure of each currency, set to the right."""

    @property
    def numeric(self) -> bool:
        """Set it to the right like any figure."""
        return True


def _sums(figure: str) -> Any:
    def written(row: Row) -> str:
        money = words.parsed(row["money"])
        return " · ".join(f"{_figure(fall, figure)} {fall.currency}" for fall in waterfalls(money))

    return written


def _figure(fall: Waterfall, figure: str) -> str:
    if figure == "difference":
        return words.exact(fall.difference, fall.currency)
    return words.exact(fall.ours if figure == "ours" else fall.file, fall.currency)


def _count(*outcomes: str) -> Any:
    def counted(row: Row) -> int | None:
        if row["counts"] is None:
            return None
        counts = words.parsed(row["counts"])
        return sum(int(counts.get(outcome, 0)) for outcome in outcomes)

    return counted


class ResultsList(ListPage):
    """One row for every vendor file that counts."""

    slug = "reconciliation-results"
    url_name = "reconciliation:results"
    title = pgettext_lazy("list", "결과")
    permission = Permission.VIEW
    template = "reconciliation/result_batches.html"
    intro = _("반영한 조정 파일을 우리 청구 기록과 비교한 결과예요. 열린 차이를 열어 인정하거나 이의를 제기해 주세요.")
    order = ("-created_at", "-id")
    columns = (
        Column(
            "invoice_number", _("송장 번호"), value=lambda row: row["invoice_number"] or words.period_of(row) or UNKNOWN
        ),
        Column("period", _("기간"), value=words.period_of),
        Column("state", _("상태"), Kind.BADGE, badges=_STATES, value=_state),
        Column("open", _("열린 차이"), Kind.COUNT),
        _Sums("ours", _("우리 합계"), value=_sums("ours")),
        _Sums("file", _("파일 합계"), value=_sums("file")),
        _Sums("difference", _("차이"), value=_sums("difference")),
        Column("due", _("지급 기한"), Kind.DATE),
        Column("kind", _("종류"), Kind.BADGE, badges=words.KIND_BADGES),
        Column("differing", _("차이 건수"), Kind.COUNT),
        Column("matched", _("일치"), Kind.COUNT, value=_count("matched", "matched_within_tolerance")),
        Column("compared_at", _("비교한 때"), Kind.MOMENT, default=False),
        Column("billing_entity", _("청구 주체"), Kind.ID, default=False),
        Column("version", _("버전"), Kind.COUNT, default=False),
        Column("name", _("파일 이름"), default=False),
        Column("public_id", _("조정 파일"), Kind.ID, default=False),
    )
    extra = ("kind", "run", "open", "counts", "money", "first_day", "last_day", "invoice_number")
    filters = (
        DateFilter(
            (
                DateKind("last", _("기간 끝"), "last_day"),
                DateKind("due", _("지급 기한"), "due"),
                DateKind("loaded", _("올린 날"), "created_at", moment=True),
            )
        ),
        KeywordFilter(
            (
                Keyword("invoice", _("송장 번호"), ("invoice_number",)),
                Keyword("id", _("조정 파일"), ("public_id",), exact=True),
                Keyword("name", _("파일 이름"), ("name",)),
            )
        ),
        ChoiceFilter("kind", _("종류"), words.KIND_CHOICES, badges=words.KIND_BADGES),
        BooleanFilter(
            "open",
            _("열린 차이"),
            yes=_("있음"),
            no=pgettext_lazy("filter", "없음"),
            condition=lambda wanted: Q(open__gt=0) if wanted else Q(open__lte=0),
        ),
    )
    blank = _("아직 비교한 파일이 없어요. 조정 파일을 올려 반영하면 여기에서 결과를 볼 수 있어요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the files of a scope that count."""
        return reads.compared_batches(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the result."""
        return words.result_url(row["public_id"])

    def context(self, request: PageRequest) -> dict[str, object]:  # noqa: ARG002 - the signature of every list
        """Return what stands beside the rows."""
        return {"files_url": words.address_of("files")}


def find_resolution(scope: Scope, word: str) -> str | None:
    """Return the group that a decision with this id is about now, else the copies or the result of its file."""
    found = Resolution.objects.within(scope).filter(public_id=word).select_related("batch").first()
    if found is None:
        return None
    batch = queries.current(scope, found.identity) or found.batch
    if found.group_key is None:
        return words.duplicates_url(found.batch.public_id)
    of_group = reads.outcomes(scope).filter(group_key=found.group_key, currency=found.currency)
    place = of_group.filter(reads.of_batch(batch.public_id)).values_list("place", flat=True).first()
    return words.result_url(batch.public_id) if place is None else words.group_url(batch.public_id, place)
