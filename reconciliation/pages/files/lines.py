"""내역: the lines of one file, with the columns of its kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console import totals
from console.columns import Column, Row
from console.columns import Kind as Holds
from console.filters import BooleanFilter, Bound, BoundFilters, ChoiceFilter, IdFilter, Keyword, KeywordFilter
from console.lists import ListPage
from console.pages import PageView
from console.totals import Totals
from core.scope import Scope
from reconciliation import queries, wording
from reconciliation.lines import Kind
from reconciliation.models import Batch, BatchLine
from reconciliation.pages.files import links, reads, shown
from reconciliation.pages.files.shown import Amount

_STANDINGS = tuple((name, badge.label) for name, badge in shown.LINE_BADGES.items())
_ROW_CLASSES = {shown.INVALID: "attention", shown.DUPLICATE: "muted", shown.OTHER: "muted"}
_GROUPS = tuple((code, gettext_lazy(name)) for code, name in wording.CHARGE_GROUPS.items())
_BUCKETS = tuple((code, gettext_lazy(name)) for code, name in wording.BUCKETS.items())


def _in_batch(public_id: str) -> Q:
    return Q(batch_id=Batch.objects.filter(public_id=public_id).values("pk")[:1])


def _in_group(key: str) -> Q:
    try:
        return Q(group_key=UUID(key))
    except ValueError:
        return Q(pk__isnull=True)


@dataclass(frozen=True)
class _OfFilter(IdFilter):
    """One thing that the lines belong to; `needed` leaves no line where the address does not say which."""

    condition: Callable[[str], Q] = _in_batch
    needed: bool = False

    def bind(self, params: QueryDict, today: date) -> Bound:
        """Read the id."""
        bound = super().bind(params, today)
        if bound.chip:
            return replace(bound, condition=self.condition(bound.state["value"]))
        return replace(bound, condition=Q(pk__isnull=True)) if self.needed else bound


def _of_type(name: str) -> Q:
    return Q(charge_type=name)


def _of_reseller(mpn: str) -> Q:
    return Q(reseller_mpn=mpn)


# What daily usage and its invoice are held against each other by.
ALIKE = ("CustomerId", "SubscriptionId", "ProductId", "SkuId")


def _alike(ids: str) -> Q:
    condition = Q()
    for name, value in zip(ALIKE, ids.split("|"), strict=False):
        condition &= Q(**{f"values__{name}__iexact": value}) if value else Q(**{f"values__{name}__isnull": True})
    return condition


def _is_consumption(wanted: bool) -> Q:  # noqa: FBT001 - what a filter hands over
    return Q(values__MeterDescription__isnull=not wanted)


def _is_flagged(wanted: bool) -> Q:  # noqa: FBT001 - what a filter hands over
    return ~Q(flags=[]) if wanted else Q(flags=[])


def _note(row: Row) -> str:
    """Return why a line could not be read, or what is flagged about it."""
    codes: Any = row["codes"]
    return shown.reasons(codes) if codes else shown.flags(shown.plain(row["flags"]))


_FILE = _OfFilter("batch", gettext_lazy("조정 파일"), condition=_in_batch, needed=True)
_STANDING = ChoiceFilter("standing", gettext_lazy("줄 상태"), _STANDINGS, badges=shown.LINE_BADGES)
_FLAGGED = BooleanFilter(
    "flagged",
    gettext_lazy("계산 표시"),
    yes=gettext_lazy("있음"),
    no=pgettext_lazy("filter", "없음"),
    condition=_is_flagged,
)
_CHARGED = (
    ChoiceFilter("group", gettext_lazy("청구 구분"), _GROUPS, "charge_group", counts=False),
    ChoiceFilter("bucket", gettext_lazy("재판매사"), _BUCKETS, "bucket", counts=False),
    _OfFilter("type", gettext_lazy("청구 유형"), condition=_of_type),
    _OfFilter("reseller", gettext_lazy("재판매사 ID"), condition=_of_reseller),
    _OfFilter("key", gettext_lazy("비교 묶음"), condition=_in_group),
)

_RECORD = Column("record", gettext_lazy("내역 번호"), Holds.COUNT, sortable=True)
_LINE = Column("line", gettext_lazy("파일의 줄"), Holds.COUNT, default=False)
_STATE = Column("standing", gettext_lazy("줄 상태"), Holds.BADGE, badges=shown.LINE_BADGES)
_TYPE = Column("charge_type", gettext_lazy("청구 유형"), width=24)
_FIRST = Column("first_day", gettext_lazy("시작일"), Holds.DATE)
_LAST = Column("last_day", gettext_lazy("종료일"), Holds.DATE)
_PRETAX, _TAX, _TOTAL = (Amount(name, shown.FIGURES[name], Holds.DECIMAL) for name in ("pretax", "tax", "total"))
_CURRENCY = Column("currency", gettext_lazy("통화"))
_RESELLER = Column("reseller_mpn", gettext_lazy("재판매사 ID"), Holds.ID)
_NOTE = Column("note", gettext_lazy("살펴볼 점"), value=_note, width=36)
_COPY = Column("duplicate_of", gettext_lazy("같은 내역 번호"), Holds.COUNT, default=False)


class LineList(ListPage):
    """
    The lines of one file. The page of each kind names what it shows of the file beside what all have.

    `texts` and `figures` are columns of the kind, by the names they get here.
    """

    permission = Permission.VIEW
    title = pgettext_lazy("vendor file", "내역")
    template = "reconciliation/file_lines.html"
    within = "batch"
    order = ("record", "id")
    id_key = "record"
    extra = ("batch__public_id", "flags", "codes", "currency")
    url_name = "reconciliation:lines-entry"
    empty = gettext_lazy("조건에 맞는 내역이 없어요. 조건을 줄여 보세요.")
    blank = gettext_lazy("내역이 없는 파일이에요.")
    kind: ClassVar[Kind]
    texts: ClassVar[dict[str, str]]
    figures: ClassVar[dict[str, str]]
    sum_columns: ClassVar[tuple[Column, ...]] = shown.SUMS

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the lines of all files of a scope; the file is a condition."""
        return reads.line_rows(scope, self.texts, self.figures)

    def row_url(self, row: Row) -> str | None:
        """Open the line."""
        return links.line_url(row["batch__public_id"], row["record"])

    def row_class(self, row: Row) -> str:
        """Point out what could not be read, and set back what counts nowhere."""
        standing = row.get("standing")
        return "attention" if standing == shown.INVALID else "" if standing in (None, shown.VALID) else "muted"

    def get(self, request: PageRequest, *args: object, **kwargs: Any) -> HttpResponseBase:
        """Show the lines of the file in the address."""
        self.batch = reads.find_kept(request.scope, kwargs["batch_id"])
        # Sums and files of the list are asked for elsewhere, by its conditions alone: the file is one of them.
        given = request.GET.copy()
        given["batch"] = self.batch.public_id
        request.GET = given  # type: ignore[assignment] # it is only read from here on
        return super().get(request, *args, **kwargs)

    def fast_totals(self, scope: Scope, filters: BoundFilters) -> Totals | None:
        """Return how many lines the file has, which is known, where nothing else limits them."""
        if filters.active or not filters.valid or not filters.named("batch").chip:
            return None
        batch = queries.batches(scope).filter(public_id=filters.named("batch").state["value"]).first()
        if batch is None or not batch.answer:
            return None
        records = batch.answer["records"]
        counts = {name: records[name] for name in (shown.VALID, shown.INVALID, shown.DUPLICATE)}
        counts[shown.OTHER] = batch.line_count - records["data_records"]
        return Totals(batch.line_count, counts={"standing": counts})

    def context(self, request: PageRequest) -> dict[str, object]:
        """Return the file, and what the lines that the conditions leave come to."""
        batch, rows = self.batch, self.bind(request.GET).apply(self.queryset(request.scope))
        try:
            with totals.within(totals.BUDGET):
                sums = reads.sums(rows)
        except totals.TooSlow:
            sums = None
        return {
            "batch": batch,
            "sums": sums,
            "sum_columns": self.sum_columns,
            "invalid": batch.answer["records"]["invalid"] and allowed(request.role, Permission.EXPORT),
            "title": _("%(name)s의 내역") % {"name": batch.name},
        }


def _text(name: str, label: Any, kind: Holds = Holds.TEXT, width: int = 0, *, default: bool = True) -> Column:
    return Column(name, label, kind, default=default, width=width)


_CUSTOMER = _text("customer", gettext_lazy("고객"), width=24)
_CUSTOMER_ID = _text("customer_id", gettext_lazy("고객 ID"), Holds.ID, default=False)
_SUBSCRIPTION = _text("subscription", gettext_lazy("구독 ID"), Holds.ID)
_PRODUCT = _text("product", pgettext_lazy("vendor file", "상품"), width=28)
_DAY = Column("first_day", gettext_lazy("사용일"), Holds.DATE)
_QUANTITY = Column("file_quantity", gettext_lazy("수량"), Holds.DECIMAL)
_PRICE = Amount("price", gettext_lazy("단가"), Holds.DECIMAL)
_EFFECTIVE = Amount("effective", gettext_lazy("적용 단가"), Holds.DECIMAL, default=False)
_MONEY = (_PRETAX, _TAX, _TOTAL, _CURRENCY)
_START = (_RECORD, _STATE, _NOTE)
_WHO = (*_START, _CUSTOMER, _CUSTOMER_ID, _PRODUCT)
_END = (_SUBSCRIPTION, _RESELLER, _LINE, _COPY)
_WORDS = KeywordFilter(
    (
        Keyword("customer", gettext_lazy("고객"), ("customer", "customer_id")),
        Keyword("subscription", gettext_lazy("구독 ID"), ("subscription",)),
        Keyword("product", pgettext_lazy("vendor file", "상품"), ("product",)),
    )
)
_OF_CHARGES = (_FILE, _STANDING, _FLAGGED, _WORDS, *_CHARGED)
_ALIKE = _OfFilter("like", gettext_lazy("같은 고객·구독·상품"), condition=_alike)
_CONSUMPTION = BooleanFilter(
    "consumption",
    gettext_lazy("사용량 내역"),
    yes=gettext_lazy("사용량만"),
    no=gettext_lazy("사용량 빼고"),
    condition=_is_consumption,
)


class LicenseLines(LineList):
    """Lines of a licence file."""

    slug = "reconciliation-lines-license"
    kind = Kind.LICENSE
    texts = {
        "customer": "CustomerName",
        "customer_id": "CustomerId",
        "subscription": "SyndicationPartnerSubscriptionNumber",
        "product": "OfferName",
    }
    figures = {"file_quantity": "Quantity", "price": "UnitPrice", "charged": "Amount", "discount": "TotalOtherDiscount"}
    columns = (
        *(*_WHO, _TYPE, _QUANTITY, _PRICE),
        Amount("charged", gettext_lazy("할인 전 금액"), Holds.DECIMAL),
        Amount("discount", gettext_lazy("할인"), Holds.DECIMAL),
        *(*_MONEY, _FIRST, _LAST, *_END),
    )
    filters = _OF_CHARGES


class UsageLines(LineList):
    """Lines of a usage file."""

    slug = "reconciliation-lines-usage"
    kind = Kind.USAGE
    texts = {
        "customer": "CustomerCompanyName",
        "customer_id": "CustomerId",
        "subscription": "SubscriptionId",
        "product": "ResourceName",
    }
    figures = {"file_quantity": "OverageQuantity", "price": "ListPrice"}
    columns = (*_WHO, _TYPE, _QUANTITY, _PRICE, *_MONEY, _FIRST, _LAST, *_END)
    filters = _OF_CHARGES


class UnpricedLines(LineList):
    """Lines of the daily block without prices."""

    slug = "reconciliation-lines-usage-daily-legacy"
    kind = Kind.USAGE_DAILY_LEGACY
    texts = UsageLines.texts
    figures = {"file_quantity": "ConsumedQuantity"}
    columns = (*_WHO, _DAY, _QUANTITY, _SUBSCRIPTION, _LINE, _COPY)
    filters = (_FILE, _STANDING, _WORDS)


class CommerceLines(LineList):
    """Lines of a new-commerce invoice."""

    slug = "reconciliation-lines-nce-invoice"
    kind = Kind.NCE_INVOICE
    texts = {
        "customer": "CustomerName",
        "customer_id": "CustomerId",
        "subscription": "SubscriptionId",
        "product": "ProductName",
        "sku": "SkuName",
        "meter": "MeterDescription",
        "order_id": "OrderId",
    }
    figures = {"file_quantity": "BillableQuantity", "price": "UnitPrice", "effective": "EffectiveUnitPrice"}
    columns = (
        *(*_WHO, _text("sku", gettext_lazy("SKU"), default=False)),
        _text("meter", gettext_lazy("측정 항목"), default=False),
        _text("order_id", gettext_lazy("주문 ID"), Holds.ID, default=False),
        *(_TYPE, _QUANTITY, _PRICE, _EFFECTIVE, *_MONEY, _FIRST, _LAST, *_END),
    )
    filters = (*_OF_CHARGES, _CONSUMPTION, _ALIKE)


class PurchaseLines(CommerceLines):
    """Lines of the forerunner of the new-commerce invoice, whose oldest edition has but one quantity."""

    slug = "reconciliation-lines-onetime-recurring"
    kind = Kind.ONETIME_RECURRING
    figures = CommerceLines.figures | {"file_quantity": "Quantity"}


class DailyLines(LineList):
    """Lines of daily usage with prices."""

    slug = "reconciliation-lines-nce-daily"
    kind = Kind.NCE_DAILY
    texts = {
        "customer": "CustomerName",
        "customer_id": "CustomerId",
        "subscription": "EntitlementId",
        "product": "ProductName",
        "meter": "MeterName",
        "resource": "ResourceURI",
    }
    figures = {"file_quantity": "Quantity", "price": "UnitPrice", "effective": "EffectiveUnitPrice"}
    columns = (
        *(*_WHO, _text("meter", gettext_lazy("측정 항목"), width=24)),
        _text("resource", gettext_lazy("리소스"), width=36, default=False),
        *(_DAY, _QUANTITY, _PRICE, _EFFECTIVE, _PRETAX, _CURRENCY, *_END),
    )
    filters = (*_OF_CHARGES, _ALIKE)


_NET = Amount("total", shown.FIGURES["net"], Holds.DECIMAL)
_FEE_SIDES = (
    Amount("commission", gettext_lazy("중개 수수료"), Holds.DECIMAL, default=False),
    Amount("markup", gettext_lazy("가산 수수료"), Holds.DECIMAL, default=False),
    Amount("scheme", gettext_lazy("카드사 수수료"), Holds.DECIMAL, default=False),
    Amount("interchange", gettext_lazy("정산 수수료"), Holds.DECIMAL, default=False),
)


class StripeLines(LineList):
    """Movements of a payout of Stripe."""

    slug = "reconciliation-lines-stripe-payout"
    kind = Kind.STRIPE_PAYOUT
    texts = {
        "movement": "balance_transaction_id",
        "category": "reporting_category",
        "payout": "automatic_payout_id",
        "source": "source_id",
        "about": "description",
    }
    figures = {"gross": "gross", "fee": "fee"}
    sum_columns = shown.NET_SUMS
    columns = (
        *(*_START, _text("movement", gettext_lazy("거래 번호"), Holds.ID)),
        _text("category", gettext_lazy("거래 종류")),
        _text("payout", gettext_lazy("지급 번호"), Holds.ID),
        _text("source", gettext_lazy("원거래 번호"), Holds.ID),
        _text("about", gettext_lazy("설명"), default=False),
        *(Amount(name, shown.FIGURES[name], Holds.DECIMAL) for name in ("gross", "fee")),
        *(_NET, _CURRENCY, _LINE, _COPY),
    )
    filters = (
        *(_FILE, _STANDING, _FLAGGED),
        KeywordFilter(
            (
                Keyword("movement", gettext_lazy("거래 번호"), ("movement", "source")),
                Keyword("payout", gettext_lazy("지급 번호"), ("payout",)),
                Keyword("about", gettext_lazy("설명"), ("about",)),
            )
        ),
    )


class AdyenLines(LineList):
    """Movements of a settlement of Adyen."""

    slug = "reconciliation-lines-adyen-settlement"
    kind = Kind.ADYEN_SETTLEMENT
    texts = {
        "movement": "Psp Reference",
        "reference": "Merchant Reference",
        "category": "Type",
        "method": "Payment Method",
        "number": "Batch Number",
    }
    figures = {
        "debit": "Net Debit (NC)",
        "credit": "Net Credit (NC)",
        "commission": "Commission (NC)",
        "markup": "Markup (NC)",
        "scheme": "Scheme Fees (NC)",
        "interchange": "Interchange (NC)",
    }
    sum_columns = shown.NET_SUMS
    columns = (
        *(*_START, _text("movement", gettext_lazy("거래 번호"), Holds.ID)),
        _text("reference", gettext_lazy("우리 주문 번호"), Holds.ID),
        _text("category", gettext_lazy("거래 종류")),
        _text("method", gettext_lazy("결제 수단")),
        _text("number", gettext_lazy("정산 번호"), Holds.ID),
        Amount("debit", gettext_lazy("나간 금액"), Holds.DECIMAL),
        Amount("credit", gettext_lazy("들어온 금액"), Holds.DECIMAL),
        *(*_FEE_SIDES, _NET, _CURRENCY, _LINE, _COPY),
    )
    filters = (
        *(_FILE, _STANDING, _FLAGGED),
        KeywordFilter(
            (
                Keyword("movement", gettext_lazy("거래 번호"), ("movement",)),
                Keyword("reference", gettext_lazy("우리 주문 번호"), ("reference",)),
                Keyword("number", gettext_lazy("정산 번호"), ("number",)),
            )
        ),
    )


_PAGES: Mapping[Kind, type[LineList]] = MappingProxyType(
    {
        page.kind: page
        for page in (
            *(LicenseLines, UsageLines, UnpricedLines, CommerceLines, PurchaseLines, DailyLines),
            *(StripeLines, AdyenLines),
        )
    }
)


_NAMES = ("customer", "product", "movement", "reference")


def named(line: BatchLine) -> list[str]:
    """Return what a line is about: its customer and product, or the movement."""
    texts = _PAGES[Kind(line.kind)].texts
    return [line.values[texts[name]] for name in _NAMES if texts.get(name, "") in line.values]


class LinesView(PageView):
    """The lines of a file, on the page of its kind."""

    permission = Permission.VIEW

    def get(self, request: PageRequest, batch_id: str) -> HttpResponseBase:
        """Show them."""
        batch = reads.find_kept(request.scope, batch_id)
        return _PAGES[Kind(batch.kind)].as_view()(request, batch_id=batch_id)


class EntryView(PageView):
    """Where saved conditions lead, which name the file among them."""

    permission = Permission.VIEW

    def get(self, request: PageRequest) -> HttpResponseBase:
        """Lead to the lines of the file."""
        public_id = request.GET.get("batch", "")
        if not public_id or "\x00" in public_id:
            return redirect("reconciliation:files")
        batch = reads.find_kept(request.scope, public_id)
        return redirect(f"{links.lines_url(batch.public_id)}?{request.GET.urlencode()}")
