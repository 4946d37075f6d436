"""발주: what was agreed with vendors, how much of it came and was invoiced."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Badge, Column, Kind, Row, Shape, Tone, decimal
from console.filters import ChoiceFilter, DateFilter, DateKind, IdFilter, Keyword, encode
from console.lists import ListPage, MainAction
from console.pages import PageView
from core.scope import Scope
from matching import queries
from matching.models import OrderLine, OrderStatus
from matching.pages import document_reads, history, links, shown
from settlement.pages.filters import WordsFilter

_MOST_BELOW = 50
BADGES: Mapping[str, Badge] = {
    OrderStatus.DRAFT.value: Badge(OrderStatus.DRAFT.label, Tone.NEUTRAL, Shape.RING),
    OrderStatus.CONFIRMED.value: Badge(OrderStatus.CONFIRMED.label, Tone.PROGRESS, Shape.HALF),
    OrderStatus.RECEIVED.value: Badge(OrderStatus.RECEIVED.label, Tone.INFO, Shape.DOT),
    OrderStatus.INVOICED.value: Badge(OrderStatus.INVOICED.label, Tone.SUCCESS, Shape.CHECK),
    OrderStatus.CANCELLED.value: Badge(OrderStatus.CANCELLED.label, Tone.NEUTRAL, Shape.CROSS),
}
_LINE_BADGES: Mapping[str, Badge] = {
    "open": Badge(_("열림"), Tone.NEUTRAL, Shape.RING),
    "closed": Badge(_("송장 마감"), Tone.INFO, Shape.DASH),
    "cancelled": Badge(_("취소"), Tone.NEUTRAL, Shape.CROSS),
}
RECEIPT_BADGES: Mapping[str, Badge] = {
    "received": Badge(pgettext_lazy("state", "입고"), Tone.SUCCESS, Shape.CHECK),
    "cancelled": Badge(_("취소"), Tone.NEUTRAL, Shape.CROSS),
}


def receipt_state(row: Row) -> str:
    """Return the state of a receipt, as RECEIPT_BADGES know it."""
    return "cancelled" if row["cancelled_at"] else "received"


def vendor_url(account: object) -> str | None:
    """Return the page of a vendor."""
    return reverse("matching:vendor-edit", args=[account]) if account else None


def item_url(number: object) -> str | None:
    """Return the page of an item."""
    return reverse("matching:item-edit", args=[number]) if number else None


def _of_items(words: Any) -> Q:
    return Q(Exists(OrderLine.objects.filter(order=OuterRef("pk"), item__number__in=list(words))))


class OrderList(ListPage):
    """Every purchase order, the newest first."""

    slug = "purchase-orders"
    url_name = "matching:orders"
    title = pgettext_lazy("list", "발주")
    permission = Permission.VIEW
    order = ("-date", "-id")
    currency = "currency"
    columns = (
        Column("public_id", _("발주 번호"), Kind.ID),
        Column("date", _("발주일"), Kind.DATE, sortable=True),
        Column("vendor__name", _("공급사"), link=lambda row: vendor_url(row["vendor__account"])),
        Column("status", _("상태"), Kind.BADGE, badges=BADGES),
        Column("net", _("순액"), Kind.SIGNED_WON, total=True, currency="currency"),
        Column("line_count", _("라인 수"), Kind.COUNT),
        Column("memo", _("메모")),
        Column("vendor__account", _("공급사 계정"), Kind.ID, default=False),
        Column("currency", _("통화"), default=False),
        Column("exchange_rate", _("환율"), Kind.DECIMAL, default=False),
        Column("total_discount_percent", _("총할인율 (%)"), Kind.DECIMAL, default=False),
        Column("sales_tax_percent", _("세율 (%)"), Kind.DECIMAL, default=False),
        Column("created_at", _("등록한 때"), Kind.MOMENT, default=False),
        Column("updated_at", _("수정한 때"), Kind.MOMENT, default=False),
    )
    extra = ("vendor__account", "status")
    filters = (
        DateFilter(
            (DateKind("date", _("발주일"), "date"), DateKind("created", _("등록일"), "created_at", moment=True))
        ),
        WordsFilter(
            (
                Keyword("id", _("발주 번호"), ("public_id",), exact=True),
                Keyword("vendor", _("공급사 이름"), ("vendor__name",)),
                Keyword("account", _("공급사 계정"), ("vendor__account",), exact=True),
                Keyword("item", _("품목 번호"), ("public_id",), exact=True),
                Keyword("memo", _("메모"), ("memo",)),
            ),
            special={"item": _of_items},
        ),
        ChoiceFilter("status", _("상태"), tuple(OrderStatus.choices), badges=BADGES),
        ChoiceFilter("currency", _("통화"), (("KRW", "KRW"), ("USD", "USD"), ("EUR", "EUR"), ("JPY", "JPY"))),
        IdFilter("vendor", _("공급사 계정"), "vendor__account"),
    )
    main_action = MainAction(_("발주 입력하기"), "matching:order-new", Permission.EDIT)
    blank = _("아직 발주가 없어요. 발주를 넣으면 입고와 송장을 여기에 맞춰 봐요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the orders of a scope."""
        return document_reads.order_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the order."""
        return links.order_url(row["public_id"])

    def row_class(self, row: Row) -> str:
        """Set the cancelled ones back."""
        return "muted" if row["status"] == OrderStatus.CANCELLED else ""


_LINES = (
    Column("number", pgettext_lazy("one", "라인"), Kind.COUNT),
    Column("item", _("품목 번호"), Kind.ID, link=lambda row: item_url(row["item"])),
    Column("item_name", _("이름")),
    Column("state", _("상태"), Kind.BADGE, badges=_LINE_BADGES),
    Column("quantity", _("발주 수량"), Kind.DECIMAL),
    Column("unit", _("단위")),
    Column("unit_price", _("단가"), Kind.DECIMAL),
    Column("price_unit", _("가격 기준 수량"), Kind.DECIMAL),
    Column("discount", _("할인"), Kind.DECIMAL),
    Column("discount_percent", _("할인율 (%)"), Kind.DECIMAL),
    Column("multiline_discount_percent", _("다중 라인 할인율 (%)"), Kind.DECIMAL),
    Column("net", _("순액"), Kind.SIGNED_WON, currency="currency"),
    Column("received", pgettext_lazy("column", "입고 수량"), Kind.DECIMAL),
    Column("deliver_remainder", _("남은 입고"), Kind.DECIMAL),
    Column("invoiced", pgettext_lazy("column", "송장 수량"), Kind.DECIMAL),
    Column("invoice_remainder", _("남은 송장"), Kind.DECIMAL),
    Column("policy", _("매칭 정책")),
    Column("in_force", _("적용되는 정책")),
)
# Columns of lines that are left out where no line says anything in them.
_SELDOM = {"price_unit": 1, "discount": 0, "discount_percent": 0, "multiline_discount_percent": 0}
_CHARGES = (
    Column("name", _("이름"), Kind.ID),
    Column("code", _("비용 코드")),
    Column("description", _("설명")),
    Column("line", pgettext_lazy("one", "라인"), Kind.COUNT),
    Column("category", _("계산 방법")),
    Column("value", _("값"), Kind.DECIMAL),
    Column(
        "taken_by",
        _("가져간 송장"),
        Kind.ID,
        link=lambda row: links.invoice_url(row["taken_by"]) if row["taken_by"] else None,
    ),
)
_RECEIPTS = (
    Column("public_id", _("입고 번호"), Kind.ID, link=lambda row: links.receipt_url(row["public_id"])),
    Column("date", _("입고일"), Kind.DATE),
    Column("state", _("상태"), Kind.BADGE, badges=RECEIPT_BADGES, value=receipt_state),
    Column("line_count", _("라인 수"), Kind.COUNT),
    Column("memo", _("메모")),
)
_INVOICES = (
    Column("public_id", _("송장 아이디"), Kind.ID, link=lambda row: links.invoice_url(row["public_id"])),
    Column("number", _("송장 번호")),
    Column("date", _("송장 일자"), Kind.DATE),
    Column("status", _("상태"), Kind.BADGE, badges=shown.INVOICE_BADGES),
    Column("match_status", _("매칭 상태"), Kind.BADGE, badges=shown.MATCH_BADGES),
    Column("total", _("송장 금액"), Kind.SIGNED_WON, currency="currency"),
)


def line_columns(rows: document_reads.Rows) -> tuple[Column, ...]:
    """Return the columns of order lines that say something; the policy in force where it is not the line's own."""
    idle = {key for key, usual in _SELDOM.items() if all(row[key] == usual for row in rows)}
    if all(str(row["policy"]).startswith(str(row["in_force"])) for row in rows):
        idle.add("in_force")
    return tuple(column for column in _LINES if column.key not in idle)


class OrderPage(PageView):
    """One purchase order."""

    permission = Permission.VIEW
    title = pgettext_lazy("list", "발주")

    def get(self, request: PageRequest, order_id: str) -> HttpResponse:
        """Show the order."""
        order = queries.find_order(request.scope, order_id)
        lines = document_reads.line_rows(order)
        may_edit = allowed(request.role, Permission.EDIT)
        context = {
            "title": order.public_id,
            "order": order,
            "status": BADGES[order.status],
            "net": sum(row["net"] for row in lines),
            "rate": decimal(order.exchange_rate),
            "total_discount": shown.percent(order.total_discount_percent),
            "sales_tax": shown.percent(order.sales_tax_percent),
            "vendor_url": vendor_url(order.vendor.account),
            "line_columns": line_columns(lines),
            "lines": lines,
            "charge_columns": _CHARGES,
            "charges": document_reads.charge_rows(order),
            "receipt_columns": _RECEIPTS,
            "receipts": document_reads.receipts_of(order, _MOST_BELOW),
            "invoice_columns": _INVOICES,
            "invoices": document_reads.invoices_of(order, _MOST_BELOW),
            "most": _MOST_BELOW,
            "receipts_url": f"{reverse('matching:receipts')}?{encode([('kw', 'order'), ('q', order.public_id)])}",
            "may_edit": may_edit,
            "may_receive": may_edit and order.status in (OrderStatus.CONFIRMED, OrderStatus.RECEIVED),
            "receive_url": f"{reverse('matching:receipt-new')}?{encode([('order', order.public_id)])}",
            "history": history.of(request.scope, "purchase_order", order.public_id),
        }
        return render(request, "matching/order.html", context)
