"""What the pages of orders, receipts and leaks read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import TruncMonth

from core.scope import Scope
from matching import amounts, facts, queries
from matching.engine import terms
from matching.engine.policies import in_force
from matching.engine.words import six_places
from matching.models import (
    Invoice,
    Leak,
    OrderCharge,
    OrderLine,
    OrderStatus,
    PurchaseOrder,
    Receipt,
    ReceiptLine,
    ReceiptMatch,
)
from matching.pages import shown

Rows = list[dict[str, Any]]
_LARGEST = 10


def order_rows(scope: Scope) -> QuerySet[PurchaseOrder]:
    """Return purchase orders with `net`, in minor units."""
    return PurchaseOrder.objects.within(scope).annotate(net=shown.minor_units("net_amount"))


def line_rows(order: PurchaseOrder) -> Rows:
    """Return the lines of an order with what came and was invoiced of each, and the policy in force."""
    lines = list(OrderLine.objects.filter(order=order).select_related("item").order_by("number"))
    left, company = queries.remainders(lines), facts.company(queries.parameters(order.scope))
    came, billed = queries.received(line.pk for line in lines), queries.billed(line.pk for line in lines)
    return [
        {
            "number": line.number,
            "item": line.item.number if line.item else "",
            "item_name": (line.item.name if line.item else "") or line.description,
            "unit": line.unit,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "price_unit": line.price_unit,
            "discount": line.discount + line.multiline_discount,
            "discount_percent": line.discount_percent,
            "multiline_discount_percent": line.multiline_discount_percent,
            "net": amounts.minor(Fraction(line.net_amount), order.currency),
            "currency": order.currency,
            "received": six_places(came.get(line.pk, terms.ZERO)),
            "deliver_remainder": six_places(left[line.pk][1]),
            "invoiced": six_places(billed.get(line.pk, terms.ZERO)),
            "invoice_remainder": six_places(left[line.pk][0]),
            "policy": shown.policy(line.policy, line.policy_from),
            "in_force": shown.policy(in_force(terms.Policy(line.policy), company)),
            "state": "cancelled" if line.is_cancelled else "closed" if line.is_closed else "open",
        }
        for line in lines
    ]


def charge_rows(order: PurchaseOrder) -> Rows:
    """Return the charges of an order and its lines."""
    charges = OrderCharge.objects.filter(order=order).select_related("code", "order_line", "taken_by")
    return [
        {
            "name": charge.name,
            "code": charge.code.code,
            "description": charge.code.description,
            "line": charge.order_line.number if charge.order_line else None,
            "category": charge.get_category_display(),
            "value": charge.value,
            "taken_by": charge.taken_by.public_id if charge.taken_by else "",
        }
        for charge in charges.order_by("order_line__number", "pk")
    ]


def receipts_of(order: PurchaseOrder, most: int) -> Rows:
    """Return the latest receipts of an order."""
    mine = ReceiptLine.objects.filter(order_line__order=order)
    return list(
        receipt_rows(order.scope)
        .filter(pk__in=mine.values("receipt"))
        .order_by("-date", "-id")
        .values("public_id", "date", "cancelled_at", "line_count", "memo")[:most]
    )


def invoices_of(order: PurchaseOrder, most: int) -> Rows:
    """Return the latest invoices that bill an order."""
    mine = Invoice.objects.within(order.scope).filter(lines__order_line__order=order).distinct()
    names = ("public_id", "number", "date", "status", "match_status", "currency", "total")
    return list(mine.annotate(total=shown.minor_units("amount")).order_by("-date", "-id").values(*names)[:most])


# ---- Receipts


def receipt_rows(scope: Scope) -> QuerySet[Any]:
    """Return receipts with the vendor and the order of their first line, and how many lines and orders they have."""
    first = ReceiptLine.objects.filter(receipt=OuterRef("pk")).order_by("number")
    mine = ReceiptLine.objects.filter(receipt=OuterRef("pk")).order_by().values("receipt")
    return Receipt.objects.within(scope).annotate(
        order_id=Subquery(first.values("order_line__order__public_id")[:1]),
        vendor_account=Subquery(first.values("order_line__order__vendor__account")[:1]),
        vendor_name=Subquery(first.values("order_line__order__vendor__name")[:1]),
        line_count=Subquery(mine.annotate(n=Count("pk")).values("n")),
        order_count=Subquery(mine.annotate(n=Count("order_line__order", distinct=True)).values("n")),
    )


def receipt_line_rows(receipt: Receipt) -> Rows:
    """Return the lines of a receipt, with what is left of each to be matched, in the order line's unit."""
    lines = list(
        ReceiptLine.objects.filter(receipt=receipt)
        .select_related("receipt", "order_line__order", "order_line__item")
        .order_by("number")
    )
    left = queries.available(lines)
    return [
        {
            "number": line.number,
            "order": line.order_line.order.public_id,
            "order_line": line.order_line.number,
            "item": line.order_line.item.number if line.order_line.item else "",
            "item_name": (line.order_line.item.name if line.order_line.item else "") or line.order_line.description,
            "quantity": line.quantity,
            "unit": line.unit,
            "came": six_places(queries.came(line)),
            "available": six_places(left[line.pk]),
            "order_unit": line.order_line.unit,
            "closes": line.closes_line,
            "accrued": line.accrued,
            "currency": line.order_line.order.currency,
        }
        for line in lines
    ]


def match_rows(receipt: Receipt) -> Rows:
    """Return by which invoices the lines of a receipt are matched."""
    matches = ReceiptMatch.objects.filter(receipt_line__receipt=receipt).select_related(
        "receipt_line__order_line", "invoice_line__invoice"
    )
    return [
        {
            "line": match.receipt_line.number,
            "invoice": match.invoice_line.invoice.public_id,
            "invoice_number": match.invoice_line.invoice.number,
            "invoice_line": match.invoice_line.number,
            "quantity": six_places(Fraction(match.quantity) / match.divisor),
            "unit": match.receipt_line.order_line.unit,
            "status": match.invoice_line.invoice.status,
            "match_status": match.invoice_line.invoice.match_status,
        }
        for match in matches.order_by("receipt_line__number", "invoice_line__invoice__public_id")
    ]


def orders_to_receive(scope: Scope, most: int) -> Rows:
    """Return the latest orders of which something is still to come."""
    names = ("public_id", "date", "vendor__name", "vendor__account", "line_count", "memo")
    rows: QuerySet[Any] = order_rows(scope).filter(status=OrderStatus.CONFIRMED).order_by("-date", "-id")
    return list(rows.values(*names)[:most])


def open_lines(order: PurchaseOrder) -> list[tuple[OrderLine, Fraction]]:
    """Return the lines of an order of which something may still come, with how much is still to come."""
    lines = list(OrderLine.objects.filter(order=order, is_cancelled=False).select_related("item").order_by("number"))
    left = queries.remainders(lines)
    closed = queries.closed_by_receipt(line.pk for line in lines)
    return [(line, left[line.pk][1]) for line in lines if line.pk not in closed]


# ---- Leaks


@dataclass(frozen=True, slots=True)
class Leaked:
    """What leaked in one currency: in all, by month, and where the most went."""

    currency: str
    amount: int
    expected: int
    count: int
    months: Sequence[tuple[date, int]]
    vendors: Rows
    items: Rows


def leaked(rows: QuerySet[Leak]) -> list[Leaked]:
    """Add leaks up, by currency; the one with the most leaks first."""
    sums = rows.order_by().values("currency").annotate(sum=Sum("amount"), agreed=Sum("expected"), n=Count("pk"))
    return [
        Leaked(
            currency=one["currency"],
            amount=int(one["sum"]),
            expected=int(one["agreed"]),
            count=one["n"],
            months=_by_month(rows.filter(currency=one["currency"])),
            vendors=_largest(rows.filter(currency=one["currency"]), "vendor__account", "vendor__name"),
            items=_largest(rows.filter(currency=one["currency"], item__isnull=False), "item__number", "item__name"),
        )
        for one in sums.order_by("-n", "currency")
    ]


def _by_month(rows: QuerySet[Leak]) -> list[tuple[date, int]]:
    sums = rows.order_by().annotate(month=TruncMonth("on")).values("month").annotate(sum=Sum("amount"))
    return [(one["month"], int(one["sum"])) for one in sums.order_by("month")]


def _largest(rows: QuerySet[Leak], key: str, name: str) -> Rows:
    sums = rows.order_by().values(key, name, "currency").annotate(sum=Sum("amount"), n=Count("pk"))
    return [{**one, "sum": int(one["sum"])} for one in sums.order_by("-sum", key)[:_LARGEST]]
