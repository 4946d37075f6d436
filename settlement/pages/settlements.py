"""정산 내역 관리: partner settlements that are due, what is decided about them, and one of them in detail."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Badge, Label, Row
from console.filters import BoundFilters, ChoiceFilter, DateFilter, DateKind, IdFilter, Keyword, encode
from console.lists import ListPage
from console.pages import PageView
from console.selection import BulkAction, Selection
from console.totals import Totals
from core import clock
from core.errors import DomainError, NotFound
from core.scope import Scope
from settlement import claims, tables
from settlement.actions import settlement_actions
from settlement.forms import MemoForm
from settlement.models import PartnerSettlement, RecordType, SettlementStatus
from settlement.operations import holding
from settlement.pages import rows, shared
from settlement.pages.filters import LinkFilter, UsuallyFilter, WordsFilter
from settlement.pages.records import records_of

Decide = Callable[..., None]
_PREPARED, _WITHHELD, _EXCLUDED, _CANCELLED, _FAILED = (
    SettlementStatus.PAYOUT_PREPARED,
    SettlementStatus.PAYOUT_WITHHELD,
    SettlementStatus.PAYOUT_EXCLUDED,
    SettlementStatus.CANCELLED,
    SettlementStatus.PAYOUT_FAILED,
)


class Decision:
    """One hand action: what it is called, from which statuses it may be taken, and the operation behind it."""

    def __init__(self, key: str, label: Label, decide: Decide, allowed_from: Sequence[str], done: Label) -> None:
        self.key = key
        self.label = label
        self.decide = decide
        self.allowed_from = frozenset(allowed_from)
        self.done = done

    def take(self, request: PageRequest, public_ids: Sequence[str], memo: str) -> None:
        """Decide about partner settlements, all or none, and say so; a refusal names the rows and why."""
        try:
            self.decide(scope=request.scope, by=request.actor, now=clock.now(), public_ids=public_ids, memo=memo)
        except DomainError as refusal:
            refusal.message = _naming(request.scope, refusal)
            raise
        number = len(public_ids)
        messages.success(request, self.done % {"number": number, "count": f"{number:,}"})

    def run(self, request: PageRequest, chosen: Selection, form: forms.Form) -> HttpResponse:
        """Decide about a selection of the list."""
        self.take(request, chosen.ids(), form.cleaned_data["memo"])
        return redirect(f"{chosen.page.url()}?{chosen.filters.query()}")


def _naming(scope: Scope, refusal: DomainError) -> str:
    """Return what a refusal says with the partner settlements it is about: partner, day and status of each."""
    named = refusal.facts.get("ids")
    if not isinstance(named, list) or not named:
        return str(refusal.message)
    found: QuerySet[Any] = rows.settlement_rows(scope).filter(public_id__in=named).order_by("settlement_date", "id")
    shown = found.values_list("partner__name", "settlement_date", "status", "public_id")[:_NAMED]
    told = [
        f"{partner} {day.isoformat()} {tables.SETTLEMENT_BADGES[status].label} ({public_id})"
        for partner, day, status, public_id in shown
    ] or [str(one) for one in named[:_NAMED]]
    if more := len(named) - len(told):
        told.append(_("그 밖에 %(count)s건") % {"count": f"{more:,}"})
    return f"{refusal.message} {' / '.join(told)}"


_NAMED = 10
DECISIONS: tuple[Decision, ...] = (
    Decision(
        "withhold",
        gettext_lazy("보류하기"),
        holding.withhold,
        (_PREPARED, _CANCELLED, _EXCLUDED),
        ngettext_lazy("정산 내역 %(count)s건을 보류했어요.", "정산 내역 %(count)s건을 보류했어요.", "number"),
    ),
    Decision(
        "prepare",
        gettext_lazy("지급 예정으로 바꾸기"),
        holding.prepare,
        (_WITHHELD, _EXCLUDED, _CANCELLED, _FAILED),
        ngettext_lazy(
            "정산 내역 %(count)s건을 지급 예정으로 바꿨어요.",
            "정산 내역 %(count)s건을 지급 예정으로 바꿨어요.",
            "number",
        ),
    ),
    Decision(
        "exclude",
        gettext_lazy("제외하기"),
        holding.exclude,
        (_PREPARED, _WITHHELD, _CANCELLED),
        ngettext_lazy(
            "정산 내역 %(count)s건을 지급에서 제외했어요.", "정산 내역 %(count)s건을 지급에서 제외했어요.", "number"
        ),
    ),
    Decision(
        "delete",
        gettext_lazy("삭제하기"),
        holding.delete,
        (_PREPARED, _WITHHELD, _CANCELLED, _EXCLUDED),
        ngettext_lazy(
            "정산 내역 %(count)s건을 삭제했어요. 장부에는 되돌린 분개가 남아요.",
            "정산 내역 %(count)s건을 삭제했어요. 장부에는 되돌린 분개가 남아요.",
            "number",
        ),
    ),
)
_CONFIRM: Mapping[str, Label] = {
    "withhold": gettext_lazy(
        "보류한 정산 내역은 풀 때까지 지급되지 않아요. 지급 예정·취소·제외 상태만 보류할 수 있어요."
    ),
    "prepare": gettext_lazy("다시 지급할 수 있게 돼요. 보류·제외·취소·실패 상태만 바꿀 수 있어요."),
    "exclude": gettext_lazy("제외한 정산 내역은 다시 돌려놓기 전에는 지급되지 않아요."),
    "delete": gettext_lazy(
        "안에 든 정산건도 함께 삭제되고 되돌릴 수 없어요. 지급 예정·보류·제외·취소 상태만 삭제할 수 있어요."
    ),
}
_ICONS = {"withhold": "pause-circle", "prepare": "play-circle", "exclude": "no-symbol", "delete": "trash"}
_DANGEROUS = frozenset({"exclude", "delete"})
_HAND_ACTIONS: tuple[BulkAction, ...] = tuple(
    BulkAction(
        decision.key,
        decision.label,
        Permission.EDIT,
        run=decision.run,
        confirm=_CONFIRM[decision.key],
        form=MemoForm,
        danger=decision.key in _DANGEROUS,
        icon=_ICONS[decision.key],
    )
    for decision in DECISIONS
)


class SettlementList(ListPage):
    """Partner settlements; what may be paid now, until somebody asks for more."""

    slug = "partner-settlements"
    url_name = "settlement:settlements"
    title = gettext_lazy("정산 내역 관리")
    permission = Permission.VIEW
    columns = tables.SETTLEMENT_COLUMNS
    order = ("-settlement_date", "-id")
    currency = "currency"
    template = "settlement/settlements.html"
    file_title = gettext_lazy("파트너 정산 내역")
    extra = (
        "type",
        "partner__public_id",
        "partner__bank",
        "partner__account_last4",
        "contract__public_id",
    )
    filters = (
        DateFilter((DateKind("settlement", gettext_lazy("정산일"), "settlement_date"),)),
        WordsFilter(
            (
                Keyword("partner", gettext_lazy("파트너 이름"), ("partner__name",)),
                Keyword("partner_id", gettext_lazy("파트너 아이디"), ("partner__public_id",), exact=True),
                Keyword("number", gettext_lazy("정산 내역 아이디"), ("public_id",), exact=True),
                Keyword("payout", gettext_lazy("지급 아이디"), ("payout_id",), exact=True),
                Keyword("bulk_payout", gettext_lazy("일괄지급 아이디"), ("bulk_payout_id",), exact=True),
                Keyword("memo", gettext_lazy("메모"), ("memo",)),
            ),
            special={
                "payout": lambda words: Q(pk__in=rows.claimed_by(words)),
                "bulk_payout": lambda words: Q(pk__in=rows.claimed_by_bulk(words)),
            },
        ),
        UsuallyFilter(
            "status",
            gettext_lazy("상태"),
            tuple(SettlementStatus.choices),
            badges=tables.SETTLEMENT_BADGES,
            condition=rows.with_settlement_statuses,
            usual=tuple(status.value for status in claims.CLAIMABLE),
        ),
        ChoiceFilter("type", gettext_lazy("정산 유형"), tuple(RecordType.choices), badges=tables.TYPE_BADGES),
        IdFilter("partner", gettext_lazy("파트너"), "partner__public_id"),
        IdFilter("contract", gettext_lazy("계약"), "contract__public_id"),
        IdFilter("currency", gettext_lazy("통화")),
        LinkFilter("payout", gettext_lazy("지급"), condition=lambda value: Q(pk__in=rows.claimed_by([value]))),
        LinkFilter(
            "bulk_payout", gettext_lazy("일괄지급"), condition=lambda value: Q(pk__in=rows.claimed_by_bulk([value]))
        ),
    )
    intro = gettext_lazy("정산일이 된 정산 내역이에요. 골라서 지급하거나 보류할 수 있어요.")
    empty = gettext_lazy("조건에 맞는 정산 내역이 없어요. 상태나 기간 조건을 넓혀 보세요.")
    blank = gettext_lazy("아직 정산일이 된 내역이 없어요. 정산일이 되면 정산건이 파트너별로 모여요.")

    @property
    def actions(self) -> tuple[BulkAction, ...]:  # type: ignore[override] # read when asked, so that later apps are in it
        """Return what can be done with chosen rows, other applications' actions first."""
        return (*settlement_actions, *_HAND_ACTIONS)

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the partner settlements of a scope."""
        return rows.settlement_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the partner settlement."""
        return tables.settlement_url(row["public_id"])

    def fast_totals(self, scope: Scope, filters: BoundFilters) -> Totals | None:
        """Return the totals with the statuses that claims tell read from the claims."""
        return rows.settlement_totals(scope, filters)


class FiguresView(PageView):
    """What the partner settlements under the list's filters add up to, asked for after the rows are there."""

    permission = Permission.VIEW

    def get(self, request: PageRequest) -> HttpResponse:
        """Show amounts per currency and status."""
        filters = SettlementList.bind(request.GET)
        found = rows.settlement_figures(request.scope, filters) if filters.valid else []
        context = {
            "figures": [(figures, _by_status(figures, filters)) for figures in found or ()],
            "late": found is None,
        }
        return render(request, "settlement/_figures.html", context)


def _by_status(figures: rows.Figures, filters: BoundFilters) -> list[tuple[Badge, int, str]]:
    """Return each status with its amount and the list of its rows."""
    others = [pair for pair in filters.params(but="status") if pair[0] != "status"]
    return [
        (
            tables.SETTLEMENT_BADGES[status.value],
            figures.by_status[status.value],
            f"{SettlementList.url()}?{encode([*others, ('status', status.value)])}",
        )
        for status in SettlementStatus
        if status.value in figures.by_status
    ]


# ---- one partner settlement

_AMOUNTS: tuple[tuple[str, Label], ...] = (
    ("signed_order_amount", gettext_lazy("주문 금액")),
    ("signed_payment_vat_burden", gettext_lazy("결제 부가세 부담금")),
    ("signed_platform_fee", gettext_lazy("중개수수료")),
    ("signed_platform_fee_vat", gettext_lazy("중개수수료 부가세")),
    ("signed_additional_fee", gettext_lazy("추가수수료")),
    ("signed_additional_fee_vat", gettext_lazy("추가수수료 부가세")),
    ("signed_discount_share", gettext_lazy("할인 분담금")),
)
_SHOWN_RECORDS = 20


def one(scope: Scope, public_id: str) -> Any:
    """Return a partner settlement with its status and payout, taken back ones too. Raises Http404."""
    everything = claims.with_status(PartnerSettlement.objects.within(scope)).annotate(**rows.SIGNED)
    return get_object_or_404(everything.select_related("partner", "contract__current"), public_id=public_id)


def _parts(row: Any) -> list[tuple[str, int]]:
    """Return what the settlement amount is made of, with the signs with which the parts count."""
    if row.type == RecordType.MANUAL:
        return []
    first, *taken = _AMOUNTS
    parts = [(str(first[1]), getattr(row, first[0])), *((str(label), -getattr(row, key)) for key, label in taken)]
    rest = row.net - sum(amount for _label, amount in parts)
    return [*parts, *([(_("계산식 조정"), rest)] if rest else [])]


class SettlementView(PageView):
    """One partner settlement: what it adds up, the payouts that took it, and what was decided about it."""

    permission = Permission.VIEW
    title = gettext_lazy("정산 내역")

    def get(self, request: PageRequest, public_id: str) -> HttpResponse:
        """Show the partner settlement."""
        row = one(request.scope, public_id)
        contents = rows.record_rows(request.scope).filter(partner_settlement=row.pk).order_by("-id")
        keys = ("public_id", "payment_id", "order_name", "signed_order_amount", "net", "start_date")
        may = allowed(request.role, Permission.EDIT)
        offered = [decision for decision in DECISIONS if row.status in decision.allowed_from] if may else []
        context = {
            "title": f"{row.partner.name} · {row.get_type_display()}",
            "settlement": row,
            "badge": tables.SETTLEMENT_BADGES[row.status],
            "type_badge": tables.TYPE_BADGES[row.type],
            "account": tables.account_text(row.partner.bank, row.partner.account_last4),
            "parts": _parts(row),
            "record_columns": [column for column in tables.RECORD_COLUMNS if column.key in keys],
            "records": list(contents.values(*keys, "currency")[:_SHOWN_RECORDS]),
            "more_url": records_of(settlement=row.public_id) if row.record_count > _SHOWN_RECORDS else "",
            "records_url": records_of(settlement=row.public_id),
            "claims": _claims(row),
            "history": shared.history(request.scope, "partner_settlement", row.public_id),
            "decisions": [one for one in offered if one.key != "delete"],
            "may_delete": any(one.key == "delete" for one in offered),
            "form": MemoForm(),
            "delete_form": MemoForm(auto_id="delete_%s"),
        }
        return render(request, "settlement/settlement.html", context)


def _claims(row: Any) -> list[tuple[Any, Badge]]:
    """Return the payouts that took this partner settlement, newest first, with what each did to its status."""
    found = row.claims.select_related("payout_ref").order_by("-claim_no")
    return [
        (claim, tables.SETTLEMENT_BADGES[claims.SETTLEMENT_STATUS[claim.payout_ref.status].value]) for claim in found
    ]


class DecideView(PageView):
    """One hand action on one partner settlement."""

    permission = Permission.EDIT

    def post(self, request: PageRequest, public_id: str) -> HttpResponseBase:
        """Decide, with the memo if there is one."""
        decision = next((item for item in DECISIONS if item.key == request.POST.get("decision")), None)
        form = MemoForm(request.POST)
        if decision is None or not form.is_valid():
            raise NotFound
        row = one(request.scope, public_id)
        decision.take(request, [row.public_id], form.cleaned_data["memo"])
        return redirect(tables.settlement_url(row.public_id))
