"""What the API reads: lists for its pages, and documents with everything that belongs to them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from core.scope import Scope
from matching import queries, wire
from matching.models import (
    Invoice,
    InvoiceCharge,
    InvoiceLine,
    Leak,
    MatchRun,
    OrderCharge,
    OrderLine,
    Parameters,
    PurchaseOrder,
    Receipt,
    ReceiptLine,
    ReceiptMatch,
)
from matching.operations import running

Shape = dict[str, Any]


def orders(scope: Scope) -> QuerySet[PurchaseOrder]:
    """Return purchase orders with their vendors."""
    return PurchaseOrder.objects.within(scope).select_related("vendor")


def whole_order(scope: Scope, public_id: str) -> Shape:
    """Return an order with its lines and charges. Raises NotFound."""
    row = queries.find_order(scope, public_id)
    lines = list(OrderLine.objects.filter(order=row).select_related("item").order_by("number"))
    left = queries.remainders(lines)
    charges: dict[int | None, list[OrderCharge]] = defaultdict(list)
    for charge in OrderCharge.objects.filter(order=row).select_related("code", "taken_by").order_by("pk"):
        charges[charge.order_line_id].append(charge)
    return {
        **wire.order(row),
        "charges": [wire.order_charge(charge) for charge in charges[None]],
        "lines": [wire.order_line(line, charges[line.pk], left[line.pk]) for line in lines],
    }


def receipts(scope: Scope) -> QuerySet[Receipt, Any]:
    """Return product receipts with how many lines they have."""
    return Receipt.objects.within(scope).annotate(line_count=Count("lines"))


def receipts_of_orders(scope: Scope, wanted: Iterable[str]) -> QuerySet[ReceiptLine, int]:
    """Return the keys of receipts that brought something of some orders."""
    lines = ReceiptLine.objects.filter(
        order_line__order__merchant_id=scope.merchant_id,
        order_line__order__is_test=scope.is_test,
        order_line__order__public_id__in=list(wanted),
    )
    return lines.values_list("receipt_id", flat=True)


def whole_receipt(scope: Scope, public_id: str) -> Shape:
    """Return a receipt with its lines. Raises NotFound."""
    row = queries.find_receipt(scope, public_id)
    lines = list(
        ReceiptLine.objects.filter(receipt=row).select_related("receipt", "order_line__order").order_by("number")
    )
    left = queries.available(lines)
    return {
        **wire.receipt(row, len(lines)),
        "lines": [wire.receipt_line(line, left[line.pk]) for line in lines],
    }


def invoices(scope: Scope) -> QuerySet[Invoice]:
    """Return vendor invoices with their vendors."""
    return Invoice.objects.within(scope).select_related("vendor")


def with_reasons(wanted: Iterable[str]) -> Q:
    """Return the filter for invoices that have any of some reasons."""
    reasons = list(wanted)
    return Q(reasons__overlap=reasons) if reasons else Q()


def whole_invoice(scope: Scope, public_id: str) -> Shape:
    """Return an invoice with lines, charges, receipts and the result of its last run. Raises NotFound."""
    row = queries.find_invoice(scope, public_id)
    lines = InvoiceLine.objects.filter(invoice=row).select_related("item", "order_line__order").order_by("number")
    charges: dict[int | None, list[InvoiceCharge]] = defaultdict(list)
    billed = InvoiceCharge.objects.filter(invoice=row).select_related("code", "connected_to__order")
    for charge in billed.order_by("pk"):
        charges[charge.invoice_line_id].append(charge)
    matches: dict[int, list[ReceiptMatch]] = defaultdict(list)
    taken = ReceiptMatch.objects.filter(invoice_line__invoice=row).select_related("receipt_line__receipt")
    for match in taken.order_by("pk"):
        matches[match.invoice_line_id].append(match)
    run = MatchRun.objects.filter(invoice=row).order_by("-pk").first()
    rules: Parameters = queries.parameters(scope)
    return {
        **wire.invoice(row),
        "automationStatus": wire.automation_status(row, rules),
        "charges": [wire.invoice_charge(charge) for charge in charges[None]],
        "lines": [wire.invoice_line(line, charges[line.pk], matches[line.pk]) for line in lines],
        **({"result": wire.run(run, running.detail(row))} if run else {}),
    }


def runs(scope: Scope, public_id: str) -> QuerySet[MatchRun]:
    """Return the runs of an invoice. Raises NotFound."""
    return MatchRun.objects.filter(invoice=queries.find_invoice(scope, public_id))


# ---- Leakage


def leaks(scope: Scope) -> QuerySet[Leak]:
    """Return what posted lines cost more than agreed although they lay within their tolerances."""
    return Leak.objects.within(scope).select_related("vendor", "item", "invoice_line__invoice")


def leak_sums(rows: QuerySet[Leak]) -> list[Shape]:
    """Return what it comes to, by currency."""
    sums: Iterable[Mapping[str, Any]] = (
        rows.order_by("currency")
        .values("currency")
        .annotate(amount_sum=Sum("amount"), expected_sum=Sum("expected"), count=Count("pk"))
    )
    return [
        {
            "currency": row["currency"],
            "amount": wire.money(int(row["amount_sum"]), row["currency"]),
            "expected": wire.money(int(row["expected_sum"]), row["currency"]),
            "count": row["count"],
        }
        for row in sums
    ]
