"""What matching adds to other pages: navigation, home, search, links."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console import registry
from console.columns import Tone
from console.filters import encode
from core.scope import Scope
from ledger import naming
from ledger.navigation import show_journals_of
from matching.models import Invoice, PurchaseOrder, Receipt
from matching.pages import invoices, links, reads, shown

_RELATED_ROWS = 10


def register() -> None:
    """Add everything; called once the applications are loaded."""
    _invoices()
    _links()
    _setup()


def _setup() -> None:
    registry.nav("matching", pgettext_lazy("list", "발주"), "matching:orders", Permission.VIEW, order=50)
    registry.nav("matching", pgettext_lazy("list", "입고"), "matching:receipts", Permission.VIEW, order=60)
    registry.nav("matching", _("누수"), "matching:leakage", Permission.VIEW, order=70)
    registry.nav("matching", _("허용 오차 실험"), "matching:experiments", Permission.VIEW, order=75)
    registry.job_kind("matching.experiment", _("허용 오차 실험"))
    registry.nav("matching", _("매칭 설정"), "matching:parameters", Permission.VIEW, order=80)


def _invoices() -> None:
    registry.nav("matching", _("송장"), "matching:invoices", Permission.VIEW, order=10)
    registry.nav("matching", _("불일치"), "matching:discrepancies", Permission.VIEW, order=20)
    registry.nav("matching", _("송장 기록"), "matching:history", Permission.VIEW, order=30)
    registry.tile(
        _("불일치 송장"),
        reads.failing,
        lambda: f"{reverse('matching:discrepancies')}?approved=no",
        tone=Tone.WARNING,
        order=50,
        permission=Permission.VIEW,
        key="matching.discrepancies",
    )
    naming.name_events(shown.EVENTS)
    naming.name_components(shown.COMPONENTS)


def _links() -> None:
    registry.origin("invoice", pgettext_lazy("one", "송장"), links.invoice_url)
    registry.origin("receipt", _("입고"), links.receipt_url)
    registry.origin("purchase_order", _("발주"), links.order_url)
    show_journals_of("invoice")
    show_journals_of("receipt")
    registry.search("invoice", find_invoice, label=_("송장"))
    registry.search("purchase_order", find_order, label=_("발주"))
    registry.search("receipt", find_receipt, label=_("입고"))
    registry.related("partner", "matching", _("송장"), "matching/_related.html", _of_partner, order=40)


def find_invoice(scope: Scope, word: str) -> str | None:
    """Return the page of the invoice with this id, or of the invoices with this number."""
    known = Invoice.objects.within(scope)
    if known.filter(public_id=word).exists():
        return links.invoice_url(word)
    numbered = list(known.filter(number=word).values_list("public_id", "status")[:2])
    if len(numbered) == 1:
        return links.invoice_url(numbered[0][0])
    pending = not numbered or any(status != "posted" for _id, status in numbered)
    there = reverse("matching:invoices" if pending else "matching:history")
    return f"{there}?{encode([('kw', 'number'), ('q', word)])}" if numbered else None


def find_order(scope: Scope, word: str) -> str | None:
    """Return the page of the purchase order with this id."""
    return links.order_url(word) if PurchaseOrder.objects.within(scope).filter(public_id=word).exists() else None


def find_receipt(scope: Scope, word: str) -> str | None:
    """Return the page of the product receipt with this id."""
    return links.receipt_url(word) if Receipt.objects.within(scope).filter(public_id=word).exists() else None


def _of_partner(request: PageRequest, public_id: str) -> dict[str, object] | None:
    rows = list(reads.of_partner(request.scope, public_id).values(*invoices.RELATED_KEYS)[:_RELATED_ROWS])
    condition = encode([("partner", public_id)])
    more = [(_("송장"), f"{reverse('matching:invoices')}?{condition}")]
    more += [(_("송장 기록"), f"{reverse('matching:history')}?{condition}")]
    return {"columns": invoices.RELATED_COLUMNS, "rows": rows, "more": more} if rows else None
