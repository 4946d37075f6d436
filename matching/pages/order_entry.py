"""발주 입력, 발주 수정: a purchase order with its lines and charges."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.pages import PageView
from core import clock
from core.errors import DomainError, StaleVersion
from matching import queries
from matching.models import OrderStatus, PurchaseOrder
from matching.operations import orders
from matching.operations.documents import OrderDraft
from matching.pages import links
from matching.pages.order_forms import Forms, number_in


class OrderEditView(PageView):
    """The form of a new or a known order; it may stay a draft, or be confirmed."""

    permission = Permission.EDIT
    title = gettext_lazy("발주 입력")

    def get(self, request: PageRequest, order_id: str = "") -> HttpResponse:
        """Show the form."""
        order = queries.find_order(request.scope, order_id) if order_id else None
        return self._show(request, Forms(order, begins=number_in(request.GET.get("from"))), order)

    def post(self, request: PageRequest, order_id: str = "") -> HttpResponseBase:
        """Store the order, or offer more rows."""
        order = queries.find_order(request.scope, order_id) if order_id else None
        if more := request.POST.get("more", ""):
            return self._show(request, Forms(order, request.POST, more), order)
        forms = Forms(order, request.POST, begins=number_in(request.GET.get("from")))
        if not forms.is_valid():
            return self._show(request, forms, order, 422)
        try:
            saved = self._save(request, forms, order)
        except StaleVersion:
            raise
        except DomainError as refusal:
            forms.order.tell(refusal)
            return self._show(request, forms, order, 422)
        messages.success(request, _("저장했어요."))
        return redirect(links.order_url(saved.public_id))

    def _save(self, request: PageRequest, forms: Forms, order: PurchaseOrder | None) -> PurchaseOrder:
        told: dict[str, Any] = {"scope": request.scope, "by": request.actor, "now": clock.now()}
        header = forms.order.header()
        if order is None or order.status == OrderStatus.DRAFT:
            wants_draft = request.POST.get("status") == OrderStatus.DRAFT
            header["status"] = OrderStatus.DRAFT if wants_draft else OrderStatus.CONFIRMED
        lines, charges = forms.line_drafts(), forms.charge_drafts()
        if order is None:
            public_id = forms.order.cleaned_data["public_id"].strip()
            return orders.create_order(**told, draft=OrderDraft(public_id, header, lines, charges))
        seen = forms.order.cleaned_data["version"]
        draft = OrderDraft(order.public_id, header, lines, charges)
        with transaction.atomic():
            if queries.find_order(request.scope, order.public_id, lock=True).version != seen:
                raise StaleVersion(_("그 사이 발주가 바뀌었어요. 다시 열어서 고쳐 주세요."), order=order.public_id)
            return orders.change_order(**told, draft=draft)

    def _show(self, request: PageRequest, forms: Forms, order: PurchaseOrder | None, status: int = 200) -> HttpResponse:
        context = {
            "title": _("발주 %(id)s 수정") % {"id": order.public_id} if order else self.title,
            "order": order,
            "form": forms.order,
            "lines": forms.lines,
            "numbered": [(number, form, forms.stand.lines.get(number)) for number, form in forms.numbered()],
            "parts": forms.parts(),
            "charges": forms.charges,
            "is_draft": order is None or order.status == OrderStatus.DRAFT,
        }
        return render(request, "matching/order_form.html", context, status=status)
