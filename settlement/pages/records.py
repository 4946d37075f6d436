"""정산 내역 조회: every settlement record, how each came about, taking one back, and recording a manual one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Q, QuerySet, Sum
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access.requests import PageRequest
from access.roles import Permission, allowed
from console import periods
from console.columns import Column, Kind, Row
from console.filters import BoundFilters, ChoiceFilter, DateFilter, DateKind, IdFilter, Keyword
from console.lists import ListPage, MainAction
from console.pages import PageView
from console.totals import Totals
from core import clock
from core.errors import DomainError
from core.scope import Scope
from settlement import claims, dates, explain, queries, tables, terms
from settlement.forms import ManualForm, ReasonForm
from settlement.models import Partner, PropertyTarget, RecordState, RecordStatus, RecordType, SettlementRecord
from settlement.operations import properties, settings
from settlement.operations import records as operations
from settlement.pages import rows, shared
from settlement.pages.filters import LinkFilter, WordsFilter

_VOIDABLE = (RecordStatus.SCHEDULED, RecordStatus.IN_PROCESS, RecordStatus.SETTLED)
_OPTIONS = 20


def _with_product(words: Sequence[str]) -> Q:
    condition = Q()
    for word in words:
        condition |= Q(lines__contains=[{"product": {"id": word}}])
    return condition


class RecordList(ListPage):
    """Every settlement record that stands, newest settlement date first."""

    slug = "settlement-records"
    url_name = "settlement:records"
    title = gettext_lazy("정산 내역 조회")
    file_title = gettext_lazy("정산 내역")
    permission = Permission.VIEW
    columns = tables.RECORD_COLUMNS
    order = ("-settlement_date", "-id")
    currency = "currency"
    extra = (
        "type",
        "partner__public_id",
        "contract_version__contract__public_id",
        "partner_settlement__public_id",
        "payment_method",
        "reason",
    )
    filters = (
        DateFilter(
            (
                DateKind("settlement", gettext_lazy("정산일"), "settlement_date"),
                DateKind("start", gettext_lazy("정산 시작일"), "start_date"),
                DateKind("created", gettext_lazy("등록일"), "created_at", moment=True),
            ),
            default=periods.THIS_MONTH,
        ),
        WordsFilter(
            (
                Keyword("number", gettext_lazy("정산 아이디·주문 번호"), ("public_id", "payment_id"), exact=True),
                Keyword("partner", gettext_lazy("파트너 이름"), ("partner__name",)),
                Keyword("partner_id", gettext_lazy("파트너 아이디"), ("partner__public_id",), exact=True),
                Keyword("order", gettext_lazy("주문명"), ("order_name",)),
                Keyword("product", gettext_lazy("상품 아이디"), ("lines",), exact=True),
                Keyword("cancellation", gettext_lazy("취소 아이디"), ("cancellation_id",), exact=True),
                Keyword("settlement", gettext_lazy("정산 내역 아이디"), ("partner_settlement__public_id",), exact=True),
                Keyword("payout", gettext_lazy("지급 아이디"), ("payout_id",), exact=True),
                Keyword("memo", gettext_lazy("메모"), ("memo",)),
            ),
            special={
                "product": _with_product,
                "payout": lambda words: Q(partner_settlement__in=rows.claimed_by(words)),
            },
        ),
        ChoiceFilter("type", gettext_lazy("정산 유형"), tuple(RecordType.choices), badges=tables.TYPE_BADGES),
        ChoiceFilter(
            "status",
            gettext_lazy("상태"),
            tuple(RecordStatus.choices),
            badges=tables.RECORD_BADGES,
            condition=rows.with_record_statuses,
        ),
        IdFilter("partner", gettext_lazy("파트너"), "partner__public_id"),
        IdFilter("contract", gettext_lazy("계약"), "contract_version__contract__public_id"),
        IdFilter("settlement", gettext_lazy("정산 내역"), "partner_settlement__public_id"),
        IdFilter("order", gettext_lazy("원 정산건"), "order__public_id"),
        LinkFilter(
            "payout", gettext_lazy("지급"), condition=lambda value: Q(partner_settlement__in=rows.claimed_by([value]))
        ),
        LinkFilter(
            "bulk_payout",
            gettext_lazy("일괄지급"),
            condition=lambda value: Q(partner_settlement__in=rows.claimed_by_bulk([value])),
        ),
    )
    main_action = MainAction(gettext_lazy("수기 정산 등록하기"), "settlement:manual", Permission.EDIT)
    empty = gettext_lazy("조건에 맞는 정산건이 없어요. 기간을 넓히거나 조건을 줄여 보세요.")
    blank = gettext_lazy("아직 정산건이 없어요. API로 주문을 등록하거나 수기 정산을 등록하면 여기에 보여요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the records of a scope."""
        return rows.record_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the record."""
        return tables.record_url(row["public_id"])

    def fast_totals(self, scope: Scope, filters: BoundFilters) -> Totals | None:
        """Return the totals from partner settlements, where settled records are added up already."""
        return rows.record_totals(scope, filters)


# ---- one record

LINE_COLUMNS = (
    Column("name", gettext_lazy("상품")),
    Column("id", gettext_lazy("상품 아이디"), Kind.ID),
    Column("price", gettext_lazy("단가"), Kind.WON, currency="currency"),
    Column("quantity", gettext_lazy("수량"), Kind.COUNT),
    Column("order", gettext_lazy("주문 금액"), Kind.WON, currency="currency"),
    Column("discount", gettext_lazy("할인 금액"), Kind.WON, currency="currency"),
    Column("discount_share", gettext_lazy("할인 분담금"), Kind.WON, currency="currency"),
    Column("platform_fee", gettext_lazy("중개수수료"), Kind.WON, currency="currency"),
    Column("platform_fee_vat", gettext_lazy("수수료 부가세"), Kind.WON, currency="currency"),
    Column("additional_fee", gettext_lazy("추가수수료"), Kind.WON, currency="currency"),
    Column("settlement", gettext_lazy("정산 금액"), Kind.WON, currency="currency"),
)
RELATED_COLUMNS = (
    Column("public_id", gettext_lazy("정산 아이디"), Kind.ID, link=lambda row: tables.record_url(row["public_id"])),
    Column("type", gettext_lazy("정산 유형"), Kind.BADGE, badges=tables.TYPE_BADGES),
    Column("status", gettext_lazy("상태"), Kind.BADGE, badges=tables.RECORD_BADGES),
    Column("settlement_date", gettext_lazy("정산일"), Kind.DATE),
    Column("signed_order_amount", gettext_lazy("주문 금액"), Kind.SIGNED_WON, currency="currency"),
    Column("net", gettext_lazy("정산 금액"), Kind.SIGNED_WON, currency="currency"),
)
_RELATED = (
    "calculator",
    "partner",
    "contract_version__contract",
    "order",
    "partner_settlement",
)


def one(scope: Scope, public_id: str) -> Any:
    """Return a record with its status and payout, taken back ones too. Raises Http404."""
    everything = claims.with_record_status(SettlementRecord.objects.within(scope))
    return get_object_or_404(everything.select_related(*_RELATED), public_id=public_id)


def _related(record: Any) -> QuerySet[Any]:
    """Return the order's whole family but the record itself: the order it cancels, and that order's cancels."""
    head = record.order_id or record.pk
    return rows.record_rows(record.scope).filter(Q(pk=head) | Q(order=head)).exclude(pk=record.pk).order_by("id")


def _line(line: Mapping[str, Any], currency: str) -> dict[str, object]:
    product = line["product"]
    shown = {
        "id": product["id"],
        "name": product.get("name") or product["id"],
        "price": product["amount"],
        "quantity": line["quantity"],
        "currency": currency,
    }
    return dict(line["amounts"]) | shown


class RecordView(PageView):
    """One settlement record: the amount with its formulas, the terms behind it, and where its money went."""

    permission = Permission.VIEW
    title = gettext_lazy("정산건")

    def get(self, request: PageRequest, public_id: str) -> HttpResponse:
        """Show the record."""
        return self.show(request, one(request.scope, public_id), ReasonForm())

    def show(self, request: PageRequest, record: Any, form: ReasonForm, status: int = 200) -> HttpResponse:
        """Show the record with the form that takes it back."""
        computed = record.type != RecordType.MANUAL
        keys = [column.key for column in RELATED_COLUMNS]
        standing, takes_rest = record.state != RecordState.VOIDED, queries.takes_rest(record)
        used = _used(record) if computed else []
        context = {
            "title": f"{record.partner.name} · {record.get_type_display()}",
            "record": record,
            "badge": tables.RECORD_BADGES[record.status],
            "type_badge": tables.TYPE_BADGES[record.type],
            "steps": _linked(explain.steps(record, takes_rest=takes_rest), used) if computed else [],
            "payment": explain.payment(record, takes_rest=takes_rest) if computed else [],
            "own": explain.own(record, takes_rest=takes_rest) if computed else [],
            "terms": _terms(record) if computed else {},
            "used": used,
            "dated": _dated(request.scope, record) if computed else [],
            "left": _left(record) if record.type == RecordType.ORDER else [],
            "properties": _properties(request, record),
            "line_columns": LINE_COLUMNS,
            "lines": [_line(line, record.currency) for line in record.lines],
            "related_columns": RELATED_COLUMNS,
            "related": list(_related(record).values(*keys, "currency")) if computed else [],
            "method": tables.payment_method_text(record.payment_method),
            "reason": tables.reason_text(record.reason),
            "history": shared.history(request.scope, "settlement_record", record.public_id),
            "may_void": standing and record.status in _VOIDABLE and allowed(request.role, Permission.EDIT),
            "form": form,
        }
        return render(request, "settlement/record.html", context, status=status)


@dataclass(frozen=True, slots=True)
class Used:
    """A version of a contract or policy that a record was computed under, and where it is shown."""

    key: tuple[str, str]
    label: str
    name: str
    number: int
    url: str


_POLICY_URLS: Mapping[str, Callable[[object], str]] = {
    "contract": tables.contract_url,
    "discount_share_policy": tables.discount_policy_url,
    "additional_fee_policy": tables.fee_policy_url,
}


def _used(record: Any) -> list[Used]:
    """Return the versions of contract and policies that a record names, each once."""
    versions = queries.policy_versions([record])
    contract = record.contract_version
    named: list[tuple[str, str, str, Any]] = [("contract", _("계약"), contract.contract.public_id, contract)]
    named += [
        ("discount_share_policy", _("할인 분담 정책"), version.policy.public_id, version)
        for version in versions.discounts.values()
    ]
    named += [
        ("additional_fee_policy", _("추가 수수료 정책"), fee.policy.public_id, fee) for fee in versions.fees.values()
    ]
    return [
        Used((kind, of), label, version.name, version.number, f"{_POLICY_URLS[kind](of)}?version={version.number}")
        for kind, label, of, version in named
    ]


def _linked(steps: Sequence[explain.Step], used: Sequence[Used]) -> list[tuple[explain.Step, str]]:
    """Return each step with the page of the version that its policy had."""
    urls = {one.key: one.url for one in used}
    return [(step, urls.get(step.policy, "") if step.policy else "") for step in steps]


def _dated(scope: Scope, record: Any) -> list[str]:
    """Return how the settlement date follows from the start date; nothing when it was given or does not follow."""
    if record.date_is_given:
        return []
    cycle = terms.cycle(record.contract_version)
    adjust = settings.current(scope).adjust_settlement_date_after_holiday_if_earlier
    nominal = dates.nominal_date(record.start_date, cycle)
    found = dates.settlement_date(record.start_date, cycle, terms.holidays(scope), adjust=adjust)
    if found != record.settlement_date:
        return []
    base = record.start_date + timedelta(days=cycle.lag_days)
    told = [
        ngettext(
            "%(start)s에 시작 + 보류 %(lag)d일 = %(base)s",
            "%(start)s에 시작 + 보류 %(lag)d일 = %(base)s",
            cycle.lag_days,
        )
        % {"start": record.start_date.isoformat(), "lag": cycle.lag_days, "base": base.isoformat()},
        _("그날부터 첫 정산 주기 날: %(day)s") % {"day": nominal.isoformat()},
    ]
    if found != nominal:
        told.append(_("쉬는 날이라 옮긴 날: %(day)s") % {"day": found.isoformat()})
    return told


def _left(order: Any) -> list[tuple[str, int, int]]:
    """Return the order, what its cancels took back and what is left: order amount and settlement amount of each."""
    cancels = order.cancels.exclude(state=RecordState.VOIDED)
    sums = cancels.aggregate(order=Sum("order_amount"), settlement=Sum("settlement"))
    if sums["order"] is None:
        return []
    back, settled = int(sums["order"]), int(sums["settlement"])
    return [
        (_("주문"), order.order_amount, order.settlement),
        (_("취소 합계"), -back, -settled),
        (_("남은 금액"), order.order_amount - back, order.settlement - settled),
    ]


def _properties(request: PageRequest, record: Any) -> list[tuple[str, str]]:
    """Return the custom properties of a record that the reader may see, by name."""
    if not record.user_defined_properties:
        return []
    names = {one.key: one.name for one in properties.visible(request.scope, request.role, PropertyTarget.RECORD)}
    return [
        (names[item["key"]], str(item["value"].get("string", "")))
        for item in record.user_defined_properties
        if item["key"] in names
    ]


def _terms(record: Any) -> dict[str, object]:
    version = record.contract_version
    return {
        "version": version,
        "cycle": tables.cycle_text(vars(version)),
        "fee": tables.fee_text(vars(version), ""),
        "payer": version.get_vat_payer_display(),
        "calculator": record.calculator,
    }


class RecordVoidView(PageView):
    """Take one record back, with a reason."""

    permission = Permission.EDIT

    def post(self, request: PageRequest, public_id: str) -> HttpResponseBase:
        """Take it back, or show what is missing."""
        record, form = one(request.scope, public_id), ReasonForm(request.POST)
        if not form.is_valid():
            return RecordView().show(request, record, form, status=422)
        reason = form.cleaned_data["reason"]
        operations.void_record(
            scope=request.scope, by=request.actor, now=clock.now(), public_id=public_id, reason=reason
        )
        messages.success(request, _("정산건을 삭제했어요. 장부에는 되돌린 분개가 남아요."))
        return redirect(tables.record_url(public_id))


# ---- manual settlement


class ManualView(PageView):
    """수기 정산 등록: one by form; many by file."""

    permission = Permission.EDIT
    title = gettext_lazy("수기 정산 등록")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the empty form, for a partner if one is named."""
        initial = {"partner": request.GET.get("partner", "")[:300], "settlement_date": clock.today()}
        return self._show(request, ManualForm(scope=request.scope, initial=initial))

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Record the adjustment."""
        form = ManualForm(request.POST, scope=request.scope)
        if form.is_valid():
            try:
                record = operations.record_manual(
                    scope=request.scope, by=request.actor, now=clock.now(), row=form.row()
                )
            except DomainError as refusal:
                form.tell(refusal)
            else:
                messages.success(request, _("수기 정산을 등록했어요."))
                return redirect(tables.record_url(record.public_id))
        return self._show(request, form, status=422)

    def _show(self, request: PageRequest, form: ManualForm, status: int = 200) -> HttpResponse:
        context = {"title": self.title, "form": form, "upload": shared.upload_url("manual")}
        return render(request, "settlement/manual.html", context, status=status)


class PartnerOptionsView(PageView):
    """What the partner box suggests while somebody types: partners by id or name."""

    permission = Permission.VIEW

    def get(self, request: PageRequest) -> HttpResponse:
        """Show up to twenty partners."""
        word = request.GET.get("partner", "").strip()[:100].replace("\x00", "")
        known = Partner.objects.within(request.scope).filter(is_archived=False)
        found = known.filter(Q(public_id__startswith=word) | Q(name__icontains=word)) if word else known.none()
        context = {"partners": found.order_by("name", "pk")[:_OPTIONS]}
        return render(request, "settlement/_partner_options.html", context)


def records_of(**conditions: str) -> str:
    """Return the list of all records under some conditions, whenever they settle."""
    query = urlencode({"date_period": periods.ALL} | conditions)
    return f"{reverse('settlement:records')}?{query}"
