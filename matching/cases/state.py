"""What can be seen of a case's documents, in the names of the format."""

from fractions import Fraction
from typing import Any

from core.scope import Scope
from matching import facts, queries
from matching.engine.policies import in_force
from matching.engine.terms import Policy
from matching.engine.words import written
from matching.models import (
    Invoice,
    InvoiceLine,
    InvoiceStatus,
    OrderLine,
    PurchaseOrder,
    Receipt,
    ReceiptLine,
)
from matching.operations import automation, running

Seen = dict[str, Any]
_BLANK_LINE: Seen = {
    "match_variance": None,
    "price_match": None,
    "price_total_match": None,
    "quantity_match": None,
    "reasons": [],
    "price": None,
    "rows": None,
    "price_total": None,
    "quantity": None,
}
_BLANK: Seen = {"totals_match": None, "totals": None, "charges_match": None, "charges": {}, "reasons": []}


def invoices(scope: Scope, names: set[str] | None = None) -> Seen:
    """Return what can be seen of invoices, by id; all of them without names."""
    rows = Invoice.objects.within(scope)
    rows = rows if names is None else rows.filter(public_id__in=names)
    return {row.public_id: invoice(row) for row in rows.order_by("pk")}


def invoice(row: Invoice) -> Seen:
    """Return what can be seen of one invoice."""
    parameters = queries.parameters(row.scope)
    detail = running.detail(row)
    company = facts.company(parameters)
    lines = InvoiceLine.objects.filter(invoice=row).select_related("order_line").order_by("number")
    seen_lines = {}
    for line in lines:
        ordered = line.order_line
        policy = None if ordered is None else in_force(Policy(ordered.policy), company).value
        result = detail.get("lines", {}).get(str(line.number), {"policy": policy})
        seen_lines[str(line.number)] = {
            **_BLANK_LINE,
            **result,
            "policy": result["policy"],
            "net_amount": written(Fraction(line.net_amount)),
        }
    return {
        **_BLANK,
        **{name: detail[name] for name in _BLANK if name in detail},
        "status": "posted" if row.status == InvoiceStatus.POSTED else "pending",
        "match_status": row.match_status,
        "approved": row.is_approved,
        "lines": seen_lines,
        "automation_status": automation.status(row, parameters).value,
        "automation_included": row.is_automated,
    }


def orders(scope: Scope, names: set[str] | None = None) -> Seen:
    """Return what can be seen of orders, by id."""
    rows = PurchaseOrder.objects.within(scope)
    rows = rows if names is None else rows.filter(public_id__in=names)
    return {row.public_id: _order(row) for row in rows.order_by("pk")}


def _order(row: PurchaseOrder) -> Seen:
    lines = list(OrderLine.objects.filter(order=row).order_by("number"))
    left = queries.remainders(lines)
    return {
        "status": row.status,
        "lines": {
            str(line.number): {
                "policy": line.policy,
                "policy_from": line.policy_from,
                "net_amount": written(Fraction(line.net_amount)),
                "invoice_remainder": written(left[line.pk][0]),
                "deliver_remainder": written(left[line.pk][1]),
            }
            for line in lines
        },
    }


def receipts(scope: Scope, names: set[str] | None = None) -> Seen:
    """Return what can be seen of receipts, by id."""
    rows = Receipt.objects.within(scope)
    rows = rows if names is None else rows.filter(public_id__in=names)
    found = {}
    for row in rows.order_by("pk"):
        lines = list(ReceiptLine.objects.filter(receipt=row).select_related("receipt").order_by("number"))
        left = queries.available(lines)
        found[row.public_id] = {"lines": {str(line.number): {"available": written(left[line.pk])} for line in lines}}
    return found
