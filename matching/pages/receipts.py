"""입고: what came of orders, and by which invoices it is matched."""

from typing import Any

from django.contrib import messages
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Column, Kind, Row
from console.filters import BooleanFilter, DateFilter, DateKind, Keyword
from console.lists import ListPage, MainAction
from console.pages import PageView
from core import clock
from core.scope import Scope
from matching import queries
from matching.models import Invoice, InvoiceStatus, ReceiptLine
from matching.operations import receipts
from matching.pages import document_reads, history, links, shown
from matching.pages.orders import RECEIPT_BADGES, item_url, receipt_state, vendor_url
from settlement.pages.filters import LinkFilter, WordsFilter

_MOST_WAITING = 50


def _with_lines(**conditions: object) -> Q:
    return Q(Exists(ReceiptLine.objects.filter(receipt=OuterRef("pk"), **conditions)))


def _of_orders(words: Any) -> Q:
    return _with_lines(order_line__order__public_id__in=list(words))


def _of_items(words: Any) -> Q:
    return _with_lines(order_line__item__number__in=list(words))


def _of_vendor(account: str) -> Q:
    return _with_lines(order_line__order__vendor__account=account)


def _orders(row: Row) -> str:
    more = row["order_count"]
    if not isinstance(more, int) or more <= 1:
        return str(row["order_id"] or "")
    return _now("%(order)s 외 %(rest)d건") % {"order": row["order_id"], "rest": more - 1}


class ReceiptList(ListPage):
    """Every product receipt, the newest first."""

    slug = "product-receipts"
    url_name = "matching:receipts"
    title = pgettext_lazy("list", "입고")
    permission = Permission.VIEW
    order = ("-date", "-id")
    columns = (
        Column("public_id", _("입고 번호"), Kind.ID),
        Column("date", _("입고일"), Kind.DATE, sortable=True),
        Column("vendor_name", _("공급사"), link=lambda row: vendor_url(row["vendor_account"])),
        Column("orders", _("발주"), value=_orders, link=lambda row: links.order_url(row["order_id"])),
        Column("state", _("상태"), Kind.BADGE, badges=RECEIPT_BADGES, value=receipt_state),
        Column("line_count", _("라인 수"), Kind.COUNT),
        Column("memo", _("메모")),
        Column("vendor_account", _("공급사 계정"), Kind.ID, default=False),
        Column("cancelled_at", _("취소한 때"), Kind.MOMENT, default=False),
        Column("created_at", _("등록한 때"), Kind.MOMENT, default=False),
    )
    extra = ("order_id", "order_count", "vendor_account", "cancelled_at")
    filters = (
        DateFilter(
            (DateKind("date", _("입고일"), "date"), DateKind("created", _("등록일"), "created_at", moment=True))
        ),
        WordsFilter(
            (
                Keyword("id", _("입고 번호"), ("public_id",), exact=True),
                Keyword("order", _("발주 번호"), ("public_id",), exact=True),
                Keyword("item", _("품목 번호"), ("public_id",), exact=True),
                Keyword("memo", _("메모"), ("memo",)),
            ),
            special={"order": _of_orders, "item": _of_items},
        ),
        BooleanFilter(
            "cancelled",
            _("취소"),
            yes=_("취소한 입고"),
            no=_("살아 있는 입고"),
            condition=lambda wanted: Q(cancelled_at__isnull=not wanted),
        ),
        LinkFilter("vendor", _("공급사 계정"), condition=_of_vendor),
    )
    main_action = MainAction(_("입고 등록하기"), "matching:receipt-new", Permission.EDIT)
    blank = _("아직 입고가 없어요. 물건이 들어오면 발주를 골라서 등록해 주세요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the receipts of a scope."""
        return document_reads.receipt_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the receipt."""
        return links.receipt_url(row["public_id"])

    def row_class(self, row: Row) -> str:
        """Set the cancelled ones back."""
        return "muted" if row["cancelled_at"] else ""


_LINES = (
    Column("number", pgettext_lazy("one", "라인"), Kind.COUNT),
    Column("order", _("발주"), Kind.ID, link=lambda row: links.order_url(row["order"])),
    Column("order_line", _("발주 라인"), Kind.COUNT),
    Column("item", _("품목 번호"), Kind.ID, link=lambda row: item_url(row["item"])),
    Column("item_name", _("이름")),
    Column("quantity", _("입고 수량"), Kind.DECIMAL),
    Column("unit", _("단위")),
    Column("came", _("발주 단위 수량"), Kind.DECIMAL),
    Column("order_unit", _("발주 단위")),
    Column("available", _("남은 수량"), Kind.DECIMAL),
    Column("accrued", _("송장을 기다리는 금액"), Kind.SIGNED_WON, currency="currency"),
    Column("closing", _("발주 라인 마감"), value=lambda row: _now("마감") if row["closes"] else ""),
)
_MATCHES = (
    Column("line", _("입고 라인"), Kind.COUNT),
    Column("invoice", _("송장 아이디"), Kind.ID, link=lambda row: links.invoice_url(row["invoice"])),
    Column("invoice_number", _("송장 번호")),
    Column("invoice_line", pgettext_lazy("one", "송장 라인"), Kind.COUNT),
    Column("quantity", _("매칭 수량"), Kind.DECIMAL),
    Column("unit", _("단위")),
    Column("status", _("상태"), Kind.BADGE, badges=shown.INVOICE_BADGES),
    Column("match_status", _("매칭 상태"), Kind.BADGE, badges=shown.MATCH_BADGES),
)


def _columns(rows: document_reads.Rows) -> tuple[Column, ...]:
    """Return the columns of receipt lines; the order's unit where it is another."""
    same = all(row["unit"] == row["order_unit"] for row in rows)
    return tuple(column for column in _LINES if not (same and column.key in ("came", "order_unit")))


class ReceiptPage(PageView):
    """One product receipt."""

    permission = Permission.VIEW
    title = pgettext_lazy("list", "입고")

    def get(self, request: PageRequest, receipt_id: str) -> HttpResponse:
        """Show the receipt."""
        receipt = queries.find_receipt(request.scope, receipt_id)
        lines, matches = document_reads.receipt_line_rows(receipt), document_reads.match_rows(receipt)
        is_posted = any(row["status"] == InvoiceStatus.POSTED for row in matches)
        may_edit = allowed(request.role, Permission.EDIT) and receipt.cancelled_at is None
        context = {
            "title": receipt.public_id,
            "receipt": receipt,
            "state": RECEIPT_BADGES[receipt_state({"cancelled_at": receipt.cancelled_at})],
            "line_columns": _columns(lines),
            "lines": lines,
            "match_columns": _MATCHES,
            "matches": matches,
            "is_posted": is_posted,
            "may_cancel": may_edit and not is_posted,
            "history": history.of(request.scope, "receipt", receipt.public_id),
        }
        return render(request, "matching/receipt.html", context)


class ReceiptCancelView(PageView):
    """Cancel a receipt: GET says what follows, POST does it."""

    permission = Permission.EDIT
    title = pgettext_lazy("action", "입고 취소")

    def get(self, request: PageRequest, receipt_id: str) -> HttpResponse:
        """Ask."""
        receipt = queries.find_receipt(request.scope, receipt_id)
        lines = document_reads.receipt_line_rows(receipt)
        waiting = Invoice.objects.filter(pk__in=queries.pending_of_receipt(request.scope, receipt)).order_by(
            "public_id"
        )
        context = {
            "title": self.title,
            "receipt": receipt,
            "line_columns": _columns(lines),
            "lines": lines,
            "waiting_count": waiting.count(),
            "waiting": [(row.number, links.invoice_url(row.public_id)) for row in waiting[:_MOST_WAITING]],
        }
        return render(request, "matching/receipt_cancel.html", context)

    def post(self, request: PageRequest, receipt_id: str) -> HttpResponseBase:
        """Cancel it."""
        receipts.cancel_receipt(scope=request.scope, by=request.actor, now=clock.now(), receipt_id=receipt_id)
        messages.success(request, _now("입고를 취소했어요."))
        return redirect(links.receipt_url(receipt_id))
