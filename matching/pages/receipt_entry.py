"""입고 등록: choose an order, then say how much of each open line came."""

from dataclasses import dataclass
from fractions import Fraction

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from access.requests import PageRequest
from access.roles import Permission
from console.columns import Column, Kind, Row
from console.filters import encode
from console.pages import PageView
from core import clock, ids
from core.errors import DomainError
from matching import queries
from matching.engine.words import six_places, written
from matching.models import UNIT_LENGTH, OrderLine, PurchaseOrder
from matching.operations import receipts
from matching.operations.documents import ReceiptDraft, ReceiptLineDraft
from matching.pages import document_reads, fields, links
from settlement.forms import Tellable
from settlement.models import PUBLIC_ID_LENGTH

_MOST_ORDERS = 50


class ReceiptForm(Tellable):
    """What holds for a whole receipt."""

    codes = {"ID_ALREADY_USED": "public_id"}

    public_id = fields.text(_("입고 번호"), PUBLIC_ID_LENGTH, required=True, help_text=fields.OWN_ID)
    date = fields.day(_("입고일"))
    memo = fields.text(_("메모"), 1_000)


class ReceivedForm(forms.Form):
    """What came of one order line: nothing where the quantity is empty and the line is not closed."""

    quantity = fields.FigureField(label=_("입고 수량"), required=False)
    unit = fields.text(_("단위"), UNIT_LENGTH)
    closes = forms.BooleanField(label=_("마감"), required=False, help_text=_("더 들어올 것이 없으면 골라 주세요."))


@dataclass(frozen=True, slots=True)
class Open:
    """One open line of the order with the form of what came of it."""

    line: OrderLine
    open_quantity: str
    form: ReceivedForm


def _receive_url(row: Row) -> str:
    return f"{reverse('matching:receipt-new')}?{encode([('order', str(row['public_id']))])}"


_ORDERS = (
    Column("public_id", _("발주 번호"), Kind.ID, link=_receive_url),
    Column("date", _("발주일"), Kind.DATE),
    Column("vendor__name", _("공급사")),
    Column("line_count", _("라인 수"), Kind.COUNT),
    Column("memo", _("메모")),
)


class ReceiptNewView(PageView):
    """Without an order the open ones to choose from, with one its open lines."""

    permission = Permission.EDIT
    title = _("입고 등록")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the orders, or the form of one."""
        order_id = request.GET.get("order", "").strip()
        if not order_id:
            rows = document_reads.orders_to_receive(request.scope, _MOST_ORDERS)
            context = {"title": self.title, "columns": _ORDERS, "rows": rows, "most": _MOST_ORDERS}
            return render(request, "matching/receipt_orders.html", context)
        order = queries.find_order(request.scope, order_id)
        # The id is there already, so that sending the form twice makes one receipt.
        form = ReceiptForm(initial={"public_id": f"rcv-{ids.short_id()}", "date": clock.today()})
        return self._show(request, order, form, _open(order))

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Record the receipt."""
        order = queries.find_order(request.scope, request.GET.get("order", ""))
        form, lines = ReceiptForm(request.POST), _open(order, request.POST)
        if not all([form.is_valid(), *(line.form.is_valid() for line in lines)]):
            return self._show(request, order, form, lines, 422)
        drafts = _drafts(order, lines)
        if not drafts:
            form.add_error(None, _now("들어온 수량을 한 라인에는 적어 주세요."))
            return self._show(request, order, form, lines, 422)
        data = form.cleaned_data
        try:
            made = receipts.receive(
                scope=request.scope,
                by=request.actor,
                now=clock.now(),
                draft=ReceiptDraft(data["public_id"].strip(), data["date"], drafts, data["memo"]),
            )
        except DomainError as refusal:
            form.tell(refusal)
            return self._show(request, order, form, lines, 422)
        messages.success(request, _now("입고를 등록했어요."))
        return redirect(links.receipt_url(made.public_id))

    def _show(
        self, request: PageRequest, order: PurchaseOrder, form: ReceiptForm, lines: list[Open], status: int = 200
    ) -> HttpResponse:
        context = {"title": self.title, "order": order, "form": form, "lines": lines}
        return render(request, "matching/receipt_form.html", context, status=status)


def _open(order: PurchaseOrder, sent: QueryDict | None = None) -> list[Open]:
    """Return the open lines, what is still to come of each filled in."""
    return [
        Open(
            line,
            written(left),
            ReceivedForm(
                sent,
                prefix=f"line-{line.number}",
                initial={"quantity": six_places(left) if _is_due(line, left) else None, "unit": line.unit},
            ),
        )
        for line, left in document_reads.open_lines(order)
    ]


def _is_due(line: OrderLine, left: Fraction) -> bool:
    return left > 0 if line.quantity >= 0 else left < 0


def _drafts(order: PurchaseOrder, lines: list[Open]) -> list[ReceiptLineDraft]:
    said = [(one.line, one.form.cleaned_data) for one in lines]
    came = [(line, data) for line, data in said if data["quantity"] or data["closes"]]
    return [
        ReceiptLineDraft(
            number,
            (order.public_id, line.number),
            data["quantity"] or fields.NOTHING,
            data["unit"] or None,
            closes_line=data["closes"],
        )
        for number, (line, data) in enumerate(came, 1)
    ]
