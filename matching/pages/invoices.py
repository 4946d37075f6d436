"""송장: the invoices that are not posted, what their lists have in common, and the posted ones."""

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from access.roles import Permission
from console.columns import Badge, Column, Kind, Label, Row, Shape, Tone, decimal
from console.files.errors import ValueRefused
from console.files.values import parse_decimal
from console.filters import (
    BooleanFilter,
    Bound,
    Chip,
    ChoiceFilter,
    DateFilter,
    DateKind,
    Filter,
    IdFilter,
    Keyword,
    KeywordFilter,
)
from console.lists import ListPage, MainAction
from console.registry import origin_link
from core.scope import Scope
from matching.models import InvoiceLine, InvoiceStatus, MatchStatus
from matching.pages import links, reads, shown

_HELD: dict[str, Badge] = {"True": Badge(gettext_lazy("보류"), Tone.WARNING, Shape.PAUSE)}


@dataclass(frozen=True)
class OrderFilter(IdFilter):
    """Invoices that bill a purchase order."""

    def bind(self, params: QueryDict, today: date) -> Bound:
        """Read the order's id."""
        bound = super().bind(params, today)
        given = bound.state["value"]
        if not given or bound.error:
            return bound
        lines = InvoiceLine.objects.filter(order_line__order__public_id=given)
        condition = Q(pk__in=lines.values("invoice_id"))
        return Bound(self, condition=condition, params=bound.params, chip=bound.chip, state=bound.state)


@dataclass(frozen=True)
class AmountFilter(Filter):
    """Amounts not below one that somebody types, in the invoice's own currency."""

    key: str
    label: Label
    template: ClassVar[str] = "matching/_amount_filter.html"

    def bind(self, params: QueryDict, today: date) -> Bound:  # noqa: ARG002 - the signature of every filter
        """Read the amount."""
        given = params.get(self.key, "").strip()
        state = {"value": given}
        if not given:
            return Bound(self, state=state)
        try:
            least = parse_decimal(given)
        except ValueRefused:
            error = _("1,234.5처럼 숫자로 적어 주세요.")
            return Bound(self, error=error, params=((self.key, given[:40]),), state=state)
        chip = Chip(str(self.label), _("%(amount)s 이상") % {"amount": decimal(least)})
        return Bound(self, condition=Q(amount__gte=least), params=((self.key, given),), chip=chip, state=state)


def by_reason(kinds: Any) -> Q:
    """Return the condition that an invoice has a reason of one of some kinds."""
    exact = [kind for kind in kinds if kind in shown.LINE_REASONS]
    condition = Q(reasons__overlap=exact) if exact else Q()
    for kind, prefix in (("TOTAL", shown.TOTAL), ("CHARGE", shown.CHARGE)):
        if kind in kinds:
            condition |= Q(reason_text__startswith=prefix) | Q(reason_text__contains=f" {prefix}")
    return condition


NUMBER = Column("number", gettext_lazy("송장 번호"))
VENDOR = Column("vendor__name", gettext_lazy("공급사"), value=lambda row: row["vendor__name"] or row["vendor__account"])
ACCOUNT = Column("vendor__account", gettext_lazy("공급사 아이디"), Kind.ID, default=False)
PUBLIC_ID = Column("public_id", gettext_lazy("송장 아이디"), Kind.ID, default=False)
DATE = Column("date", gettext_lazy("송장일"), Kind.DATE, sortable=True)
DUE = Column("due_date", gettext_lazy("지급 기한"), Kind.DATE, default=False)
AMOUNT = Column(
    "amount_minor", gettext_lazy("송장 금액"), Kind.SIGNED_WON, total=True, sortable=True, currency="currency"
)
MATCH = Column("match_status", gettext_lazy("매칭 상태"), Kind.BADGE, badges=shown.MATCH_BADGES)
STATUS = Column("status", gettext_lazy("상태"), Kind.BADGE, badges=shown.INVOICE_BADGES)
REASONS = Column("reason_words", gettext_lazy("불일치 사유"), value=lambda row: shown.reasons(row["reasons"]))
ENTERED = Column("entered_by", gettext_lazy("입력한 사람"), default=False)
MATCHED_AT = Column("last_match_at", gettext_lazy("매칭한 때"), Kind.MOMENT, default=False)
KEYS: tuple[str, ...] = ("reasons", "vendor__name", "vendor__account")

DATES = (
    DateKind("date", gettext_lazy("송장일"), "date"),
    DateKind("due", gettext_lazy("지급 기한"), "due_date"),
    DateKind("created", gettext_lazy("등록일"), "created_at", moment=True),
)
WORDS = KeywordFilter(
    (
        Keyword("number", gettext_lazy("송장 번호"), ("number",)),
        Keyword("vendor", gettext_lazy("공급사"), ("vendor__name", "vendor__account")),
        Keyword("id", gettext_lazy("송장 아이디"), ("public_id",), exact=True),
        Keyword("memo", gettext_lazy("메모"), ("memo",)),
    ),
)
BY_REASON = ChoiceFilter(
    "reason", gettext_lazy("불일치 사유"), shown.REASON_KINDS, field="reasons", counts=False, condition=by_reason
)
AT_LEAST = AmountFilter("least", gettext_lazy("송장 금액"))
LINKED: tuple[Filter, ...] = (
    IdFilter("vendor", gettext_lazy("공급사"), "vendor__account"),
    IdFilter("partner", gettext_lazy("파트너"), "vendor__partner__public_id"),
    OrderFilter("order", gettext_lazy("발주")),
)


class InvoiceListPage(ListPage):
    """What the three lists of invoices have in common."""

    permission = Permission.VIEW
    order = ("-date", "-id")
    currency = "currency"
    extra: ClassVar[tuple[str, ...]] = KEYS

    def row_url(self, row: Row) -> str | None:
        """Open the invoice."""
        return links.invoice_url(row["public_id"])


class InvoiceList(InvoiceListPage):
    """송장: what was entered and is not posted yet."""

    slug = "matching-invoices"
    url_name = "matching:invoices"
    title = gettext_lazy("송장")
    intro = gettext_lazy("아직 전기하지 않은 공급사 송장이에요. 발주와 입고에 맞는지 확인한 뒤 전기해요.")
    columns = (
        NUMBER,
        VENDOR,
        DATE,
        AMOUNT,
        STATUS,
        Column("is_on_hold", gettext_lazy("보류"), Kind.BADGE, badges=_HELD, value=lambda row: row["is_on_hold"] or ""),
        MATCH,
        REASONS,
        Column("last_variance", gettext_lazy("마지막 매칭 차이"), Kind.BADGE, badges=shown.LAST_BADGES),
        Column("automation", gettext_lazy("자동 입고 매칭"), Kind.BADGE, badges=shown.AUTOMATION_BADGES),
        DUE,
        MATCHED_AT,
        ENTERED,
        ACCOUNT,
        PUBLIC_ID,
        Column("approved_by", gettext_lazy("승인한 사람"), default=False),
        Column("created_at", gettext_lazy("등록한 때"), Kind.MOMENT, default=False),
        Column("memo", gettext_lazy("메모"), default=False),
    )
    extra = (*KEYS, "is_on_hold")
    filters = (
        DateFilter(DATES),
        WORDS,
        ChoiceFilter(
            "status",
            gettext_lazy("상태"),
            tuple(choice for choice in InvoiceStatus.choices if choice[0] != InvoiceStatus.POSTED),
            badges=shown.INVOICE_BADGES,
        ),
        ChoiceFilter(
            "match", gettext_lazy("매칭 상태"), tuple(MatchStatus.choices), "match_status", badges=shown.MATCH_BADGES
        ),
        BY_REASON,
        AT_LEAST,
        BooleanFilter(
            "hold",
            gettext_lazy("보류"),
            "is_on_hold",
            yes=gettext_lazy("보류한 것"),
            no=gettext_lazy("보류하지 않은 것"),
        ),
        *LINKED,
    )
    main_action = MainAction(gettext_lazy("송장 입력하기"), "matching:invoice-new", Permission.EDIT)
    blank = gettext_lazy("전기를 기다리는 송장이 없어요. 공급사에게 받은 송장을 입력하면 여기에 나와요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the invoices that are not posted."""
        return reads.pending_rows(scope)

    def row_class(self, row: Row) -> str:
        """Set back what is on hold."""
        return "muted" if row["is_on_hold"] else ""


def _record_url(row: Row) -> str | None:
    link = origin_link("settlement_record", str(row["settlement_record_id"] or ""))
    return link.url if link else None


def _posting(row: Row) -> str:
    return "executed" if row["settlement_record_id"] else "unpaid"


_POSTING: dict[str, Badge] = {
    "executed": Badge(gettext_lazy("전기하고 정산건을 만듦"), Tone.SUCCESS, Shape.CHECK),
    "unpaid": Badge(gettext_lazy("전기함, 정산건 없음"), Tone.INFO, Shape.RING),
}


class HistoryList(InvoiceListPage):
    """송장 기록: what was posted, with the result of matching it had then; nothing of it changes any more."""

    slug = "matching-history"
    url_name = "matching:history"
    title = gettext_lazy("송장 기록")
    intro = gettext_lazy("전기한 송장이에요. 전기할 때의 매칭 결과를 그대로 보여 줘요.")
    columns = (
        NUMBER,
        VENDOR,
        DATE,
        AMOUNT,
        Column("posting", gettext_lazy("전기 결과"), Kind.BADGE, badges=_POSTING, value=_posting),
        MATCH,
        REASONS,
        Column(
            "details",
            gettext_lazy("매칭 상세"),
            value=lambda _row: _("보기"),
            link=lambda row: links.details_url(row["public_id"]),
            export=False,
        ),
        Column("approved_by", gettext_lazy("승인한 사람")),
        Column("approval_comment", gettext_lazy("승인 메모"), default=False),
        Column("posted_at", gettext_lazy("전기한 때"), Kind.MOMENT),
        Column("posted_by", gettext_lazy("전기한 사람"), value=lambda row: shown.person(row["posted_by"])),
        Column("settlement_record_id", gettext_lazy("정산건"), Kind.ID, link=_record_url, default=False),
        DUE,
        ENTERED,
        ACCOUNT,
        PUBLIC_ID,
    )
    extra = (*KEYS, "settlement_record_id", "posted_by")
    filters = (
        DateFilter((DateKind("posted", gettext_lazy("전기일"), "posted_at", moment=True), *DATES)),
        WORDS,
        ChoiceFilter(
            "match", gettext_lazy("매칭 상태"), tuple(MatchStatus.choices), "match_status", badges=shown.MATCH_BADGES
        ),
        BY_REASON,
        BooleanFilter(
            "record",
            gettext_lazy("정산건"),
            yes=gettext_lazy("있음"),
            no=pgettext_lazy("filter", "없음"),
            condition=lambda wanted: ~Q(settlement_record_id="") if wanted else Q(settlement_record_id=""),
        ),
        *LINKED,
    )
    blank = gettext_lazy("아직 전기한 송장이 없어요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the posted invoices."""
        return reads.posted_rows(scope)


RELATED_COLUMNS = (
    Column("number", gettext_lazy("송장 번호"), link=lambda row: links.invoice_url(row["public_id"])),
    DATE,
    AMOUNT,
    STATUS,
    MATCH,
)
RELATED_KEYS = ("public_id", "number", "date", "amount_minor", "currency", "status", "match_status")
