"""송장 입력, 송장 수정: a vendor's invoice with the order lines it bills and its charges."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.pages import PageView
from core import clock, ids
from core.errors import DomainError
from core.scope import Scope
from matching import queries, refusals
from matching.engine.words import written
from matching.models import Invoice, Vendor
from matching.near_duplicates import Near
from matching.operations import invoices
from matching.operations.documents import InvoiceDraft
from matching.pages import decide, entry_forms, links, reads, shown
from matching.pages.entry_fields import VendorForm
from matching.pages.entry_forms import Forms
from matching.pages.invoice import near_duplicates

_PAGE_DIGITS = 4


class EntryView(PageView):
    """The form of a new invoice, once its vendor is chosen, or of one that is not posted."""

    permission = Permission.EDIT
    title = gettext_lazy("송장 입력")

    def get(self, request: PageRequest, invoice_id: str = "") -> HttpResponse:
        """Ask for the vendor, or show the form."""
        invoice = _editable(request.scope, invoice_id) if invoice_id else None
        if invoice is None and "vendor" not in request.GET:
            return self._ask_vendor(request, VendorForm(scope=request.scope))
        chosen = VendorForm(request.GET, scope=request.scope)
        if invoice is None and not chosen.is_valid():
            return self._ask_vendor(request, chosen, 400)
        vendor = invoice.vendor if invoice else queries.find_vendor(request.scope, chosen.cleaned_data["vendor"])
        order_id = request.GET.get("order", "").strip().replace("\x00", "")
        forms = Forms(request.scope, vendor, invoice, order_id=order_id, page=_page(request.GET))
        return self._show(request, forms, invoice)

    def post(self, request: PageRequest, invoice_id: str = "") -> HttpResponseBase:
        """Store the invoice, or offer more rows, or add up what was typed, or ask about one that looks the same."""
        invoice = _editable(request.scope, invoice_id) if invoice_id else None
        vendor = _vendor(request, invoice)
        page, more = _page(request.POST), request.POST.get("more", "")
        if more in entry_forms.MORE:
            return self._show(
                request, Forms(request.scope, vendor, invoice, request.POST, page=page, more=more), invoice
            )
        forms = Forms(request.scope, vendor, invoice, request.POST, page=page)
        if not forms.is_valid():
            return self._show(request, forms, invoice, 422)
        near = _unknown(invoice, reads.near_duplicates_like(request.scope, vendor, forms.bill(invoice_id)))
        if "sums" in request.POST or (near and "sure" not in request.POST):
            return self._show(request, forms, invoice, near=near)
        try:
            saved = self._save(request, forms, invoice)
        except DomainError as refusal:
            forms.invoice.tell(refusal)
            return self._show(request, forms, invoice, 422)
        messages.success(request, _("저장했어요."))
        return redirect(links.invoice_url(saved.public_id))

    def _save(self, request: PageRequest, forms: Forms, invoice: Invoice | None) -> Invoice:
        told: dict[str, Any] = {"scope": request.scope, "by": request.actor, "now": clock.now()}
        data, header = forms.invoice.cleaned_data, forms.invoice.header()
        lines, charges = forms.line_drafts(), forms.charge_drafts()
        if invoice is None:
            header["vendor"] = forms.vendor.account
            public_id = data["public_id"].strip() or f"inv-{ids.short_id()}"
            draft = InvoiceDraft(public_id, header, lines, charges, copies_order_charges=data["copies_charges"])
            return invoices.enter_invoice(**told, draft=draft)
        with decide.as_seen(request.scope, invoice.public_id, data["version"]):
            draft = InvoiceDraft(invoice.public_id, header, lines, charges)
            return invoices.change_invoice(**told, draft=draft)

    def _ask_vendor(self, request: PageRequest, form: VendorForm, status: int = 200) -> HttpResponse:
        context = {"title": self.title, "form": form}
        return render(request, "matching/invoice_vendor.html", context, status=status)

    def _show(
        self,
        request: PageRequest,
        forms: Forms,
        invoice: Invoice | None,
        status: int = 200,
        near: Sequence[Near] = (),
    ) -> HttpResponse:
        pages = -(-forms.stand.total // entry_forms.MOST_LINES)
        context = {
            "title": _("송장 %(number)s 수정") % {"number": invoice.number} if invoice else self.title,
            "invoice": invoice,
            "vendor": forms.vendor,
            "form": forms.invoice,
            "forms": forms,
            "pages": range(1, pages + 1) if pages > 1 else (),
            "near": near_duplicates(near),
            "sums": _sums(forms) if forms.invoice.is_bound else [],
        }
        return render(request, "matching/invoice_form.html", context, status=status)


class SumsView(PageView):
    """The six totals of a form that is being filled in."""

    permission = Permission.EDIT
    title = gettext_lazy("합계")

    def post(self, request: PageRequest) -> HttpResponse:
        """Add up what can be understood."""
        invoice_id = request.POST.get("invoice", "")
        invoice = _editable(request.scope, invoice_id) if invoice_id else None
        vendor: Vendor = (
            invoice.vendor if invoice else queries.find_vendor(request.scope, request.POST.get("vendor", ""))
        )
        forms = Forms(request.scope, vendor, invoice, request.POST, page=_page(request.POST))
        return render(request, "matching/_invoice_sums.html", {"sums": _sums(forms)})


def _editable(scope: Scope, invoice_id: str) -> Invoice:
    invoice = reads.find(scope, invoice_id)
    if invoice.is_posted:
        raise refusals.invoice_posted(invoice_id)
    return invoice


def _unknown(invoice: Invoice | None, found: Sequence[Near]) -> list[Near]:
    """Leave out what the invoice already looked like before it was changed."""
    known = {one.bill.key for one in reads.near_duplicates_of(invoice)} if invoice is not None and found else set()
    return [one for one in found if one.bill.key not in known]


def _vendor(request: PageRequest, invoice: Invoice | None) -> Vendor:
    if invoice is not None:
        return invoice.vendor
    return queries.find_vendor(request.scope, request.POST.get("vendor", "").replace("\x00", ""))


def _page(params: QueryDict) -> int:
    text = params.get("page", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _PAGE_DIGITS else 1


def _sums(forms: Forms) -> list[tuple[str, str]]:
    return [
        (str(shown.TOTAL_NAMES[name]), shown.money(written(value), forms.currency))
        for name, value in forms.sums().items()
    ]
