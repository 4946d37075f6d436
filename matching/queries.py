"""Reads of matching, and the locks its operations take: an invoice first, then order lines by their keys."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.db.models import Q, Sum

from core.scope import Scope
from matching import refusals
from matching.engine.terms import ZERO
from matching.models import (
    ChargeCode,
    ExchangeRate,
    Invoice,
    InvoiceLine,
    InvoiceStatus,
    Item,
    OrderLine,
    OrderStatus,
    Parameters,
    PurchaseOrder,
    Receipt,
    ReceiptLine,
    ReceiptMatch,
    Vendor,
)


def parameters(scope: Scope) -> Parameters:
    """Return the company's parameters; those every company begins with while it has set up nothing."""
    found = Parameters.objects.within(scope).first()
    return found or Parameters(**scope.filters())


def find_vendor(scope: Scope, account: str) -> Vendor:
    """Return a vendor by account. Raises NotFound."""
    found = Vendor.objects.within(scope).filter(account=account).first()
    if found is None:
        raise refusals.not_found("vendor", account)
    return found


def find_item(scope: Scope, number: str) -> Item:
    """Return an item by number. Raises NotFound."""
    found = Item.objects.within(scope).filter(number=number).first()
    if found is None:
        raise refusals.not_found("item", number)
    return found


def find_charge_code(scope: Scope, code: str) -> ChargeCode:
    """Return a charge code. Raises NotFound."""
    found = ChargeCode.objects.within(scope).filter(code=code).first()
    if found is None:
        raise refusals.not_found("charge_code", code)
    return found


def find_order(scope: Scope, public_id: str, *, lock: bool = False) -> PurchaseOrder:
    """Return a purchase order. Raises NotFound."""
    rows = PurchaseOrder.objects.within(scope).filter(public_id=public_id)
    found = (rows.select_for_update(no_key=True) if lock else rows.select_related("vendor")).first()
    if found is None:
        raise refusals.not_found("purchase_order", public_id)
    return found


def find_receipt(scope: Scope, public_id: str, *, lock: bool = False) -> Receipt:
    """Return a product receipt. Raises NotFound."""
    rows = Receipt.objects.within(scope).filter(public_id=public_id)
    found = (rows.select_for_update(no_key=True) if lock else rows).first()
    if found is None:
        raise refusals.not_found("receipt", public_id)
    return found


def find_invoice(scope: Scope, public_id: str, *, lock: bool = False) -> Invoice:
    """Return a vendor invoice. Raises NotFound."""
    rows = Invoice.objects.within(scope).filter(public_id=public_id)
    found = (rows.select_for_update(no_key=True) if lock else rows.select_related("vendor")).first()
    if found is None:
        raise refusals.not_found("invoice", public_id)
    return found


def find_pending(scope: Scope, public_id: str) -> Invoice:
    """Return an invoice that may still change, locked. Raises NotFound, INVOICE_POSTED."""
    found = find_invoice(scope, public_id, lock=True)
    if found.is_posted:
        raise refusals.invoice_posted(public_id)
    return found


def lock_invoices(scope: Scope, keys: Iterable[int]) -> list[int]:
    """Lock invoices in the order of their keys, before any order line; returns the keys of those that are there."""
    rows = Invoice.objects.within(scope).select_for_update(no_key=True).filter(pk__in=set(keys)).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def lock_order_lines(keys: Iterable[int]) -> dict[int, OrderLine]:
    """Lock order lines in the order of their keys, after the invoice that names them."""
    rows = OrderLine.objects.select_for_update(no_key=True).filter(pk__in=set(keys)).order_by("pk")
    return {row.pk: row for row in rows}


def order_lines_named(scope: Scope, names: Iterable[tuple[str, int]]) -> dict[tuple[str, int], OrderLine]:
    """Return order lines by (order, number). Raises NotFound for the first that is not there."""
    wanted = list(dict.fromkeys(names))
    orders = {order for order, _number in wanted}
    rows = OrderLine.objects.filter(
        order__merchant_id=scope.merchant_id, order__is_test=scope.is_test, order__public_id__in=orders
    ).select_related("order", "item")
    found = {(row.order.public_id, row.number): row for row in rows}
    for name in wanted:
        if name not in found:
            raise refusals.not_found("order_line", f"{name[0]}/{name[1]}")
    return {name: found[name] for name in wanted}


def receipt_lines_named(scope: Scope, names: Iterable[tuple[str, int]]) -> dict[tuple[str, int], ReceiptLine]:
    """Return receipt lines by (receipt, number). Raises NotFound for the first that is not there."""
    wanted = list(dict.fromkeys(names))
    receipts = {receipt for receipt, _number in wanted}
    rows = ReceiptLine.objects.filter(
        receipt__merchant_id=scope.merchant_id, receipt__is_test=scope.is_test, receipt__public_id__in=receipts
    ).select_related("receipt")
    found = {(row.receipt.public_id, row.number): row for row in rows}
    for name in wanted:
        if name not in found:
            raise refusals.not_found("receipt_line", f"{name[0]}/{name[1]}")
    return {name: found[name] for name in wanted}


def rate_on(scope: Scope, currency: str, into: str, day: date) -> Decimal:
    """Return the latest exchange rate not after a day, 1 for one currency. Raises EXCHANGE_RATE_MISSING."""
    if currency == into:
        return Decimal(1)
    rows = ExchangeRate.objects.within(scope).filter(from_currency=currency, to_currency=into, date__lte=day)
    found = rows.order_by("-date").values_list("rate", flat=True).first()
    if found is None:
        raise refusals.rate_missing(currency, into)
    return found


# ---- Quantities


def came(line: ReceiptLine) -> Fraction:
    """Return what a receipt line brought, in the order line's unit."""
    return Fraction(line.quantity) * line.factor_numerator / line.factor_denominator


def received(order_lines: Iterable[int]) -> dict[int, Fraction]:
    """Return what came of order lines, in their units; cancelled receipts brought nothing."""
    found: dict[int, Fraction] = {}
    rows = (
        ReceiptLine.objects.filter(order_line__in=set(order_lines), receipt__cancelled_at=None)
        .values("order_line_id", "factor_numerator", "factor_denominator")
        .annotate(sum=Sum("quantity"))
    )
    for row in rows:
        part = Fraction(row["sum"]) * row["factor_numerator"] / row["factor_denominator"]
        found[row["order_line_id"]] = found.get(row["order_line_id"], ZERO) + part
    return found


def closed_by_receipt(order_lines: Iterable[int]) -> set[int]:
    """Return the order lines of which a receipt said that nothing more will come."""
    rows = ReceiptLine.objects.filter(order_line__in=set(order_lines), closes_line=True, receipt__cancelled_at=None)
    return set(rows.values_list("order_line_id", flat=True))


def billed(order_lines: Iterable[int]) -> dict[int, Fraction]:
    """Return what posted invoices billed of order lines, in their units."""
    found: dict[int, Fraction] = {}
    rows = (
        InvoiceLine.objects.filter(order_line__in=set(order_lines), invoice__status=InvoiceStatus.POSTED)
        .values("order_line_id", "factor_numerator", "factor_denominator")
        .annotate(sum=Sum("quantity"))
    )
    for row in rows:
        part = Fraction(row["sum"]) * (row["factor_numerator"] or 0) / (row["factor_denominator"] or 1)
        found[row["order_line_id"]] = found.get(row["order_line_id"], ZERO) + part
    return found


def matched(receipt_lines: Iterable[int], *, but_of: int | None = None) -> dict[int, Fraction]:
    """Return what invoices have matched of receipt lines; those of the invoice line `but_of` are left out."""
    found: dict[int, Fraction] = {}
    rows = ReceiptMatch.objects.filter(receipt_line__in=set(receipt_lines))
    if but_of is not None:
        rows = rows.exclude(invoice_line=but_of)
    for row in rows.values("receipt_line_id", "divisor").annotate(sum=Sum("quantity")):
        part = Fraction(row["sum"]) / row["divisor"]
        found[row["receipt_line_id"]] = found.get(row["receipt_line_id"], ZERO) + part
    return found


def available(lines: Sequence[ReceiptLine], *, but_of: int | None = None) -> dict[int, Fraction]:
    """Return what is left of receipt lines to be matched; nothing of a cancelled receipt."""
    taken = matched([line.pk for line in lines], but_of=but_of)
    return {line.pk: ZERO if line.receipt.cancelled_at else came(line) - taken.get(line.pk, ZERO) for line in lines}


def open_receipts(order_line: int) -> list[ReceiptLine]:
    """Return the receipt lines of an order line that may be matched, the oldest first."""
    rows = ReceiptLine.objects.filter(order_line=order_line, receipt__cancelled_at=None).select_related("receipt")
    return list(rows.order_by("receipt__date", "receipt_id", "number"))


def remainders(lines: Sequence[OrderLine]) -> Mapping[int, tuple[Fraction, Fraction]]:
    """Return what is still to be invoiced and to be delivered of order lines, in their units."""
    keys = [line.pk for line in lines]
    came_in, posted, closed = received(keys), billed(keys), closed_by_receipt(keys)
    return {
        line.pk: (
            Fraction(line.quantity) - posted.get(line.pk, ZERO),
            ZERO if line.pk in closed else Fraction(line.quantity) - came_in.get(line.pk, ZERO),
        )
        for line in lines
    }


def status_of(order: PurchaseOrder, lines: Sequence[OrderLine]) -> OrderStatus:
    """Return where an order is, by what was delivered and invoiced of its lines."""
    if order.status == OrderStatus.DRAFT:
        return OrderStatus.DRAFT
    live = [line for line in lines if not line.is_cancelled]
    if not live:
        return OrderStatus.CANCELLED if lines else OrderStatus.CONFIRMED
    left = remainders(live)

    def is_done(line: OrderLine, rest: Fraction) -> bool:
        return rest <= 0 if line.quantity >= 0 else rest >= 0

    if not all(is_done(line, left[line.pk][1]) for line in live):
        return OrderStatus.CONFIRMED
    invoiced = all(line.is_closed or is_done(line, left[line.pk][0]) for line in live)
    return OrderStatus.INVOICED if invoiced else OrderStatus.RECEIVED


# ---- Invoices beside an invoice


def pending_of_order_lines(scope: Scope, order_lines: Iterable[int], *, but: int = 0) -> list[int]:
    """Return the keys of pending invoices that bill some order lines."""
    rows = Invoice.objects.within(scope).exclude(status=InvoiceStatus.POSTED)
    rows = rows.filter(lines__order_line__in=set(order_lines)).exclude(pk=but)
    return sorted(set(rows.values_list("pk", flat=True)))


def pending_connected_to(scope: Scope, charges: Iterable[int], *, but: int = 0) -> list[int]:
    """Return the keys of pending invoices whose charges come from some order charges, whatever else they bill."""
    rows = Invoice.objects.within(scope).exclude(status=InvoiceStatus.POSTED)
    rows = rows.filter(charges__connected_to__in=set(charges)).exclude(pk=but)
    return sorted(set(rows.values_list("pk", flat=True)))


def automated_of_order_lines(scope: Scope, order_lines: Iterable[int]) -> list[int]:
    """Return the keys of pending invoices of order lines that take part in matching receipts in the background."""
    rows = Invoice.objects.within(scope).exclude(status=InvoiceStatus.POSTED).filter(is_automated=True)
    rows = rows.filter(lines__order_line__in=set(order_lines))
    return sorted(set(rows.values_list("pk", flat=True)))


def pending_of_receipt(scope: Scope, receipt: Receipt) -> list[int]:
    """Return the keys of pending invoices that are matched with a receipt."""
    rows = Invoice.objects.within(scope).exclude(status=InvoiceStatus.POSTED)
    rows = rows.filter(lines__receipt_matches__receipt_line__receipt=receipt)
    return sorted(set(rows.values_list("pk", flat=True)))


def posted_with_number(invoice: Invoice, *, year: int | None = None) -> Invoice | None:
    """Return a posted invoice of the same vendor with the same number, of a calendar year if one is given."""
    rows = Invoice.objects.within(invoice.scope).filter(
        vendor=invoice.vendor_id, number=invoice.number, status=InvoiceStatus.POSTED
    )
    if year is not None:
        rows = rows.filter(date__year=year)
    return rows.exclude(pk=invoice.pk).first()


def price_groups(scope: Scope) -> tuple[list[str], list[str]]:
    """Return the names of the price tolerance groups of items and of vendors."""
    used = ~Q(price_tolerance_group="")
    items = Item.objects.within(scope).filter(used).values_list("price_tolerance_group", flat=True).distinct()
    vendors = Vendor.objects.within(scope).filter(used).values_list("price_tolerance_group", flat=True).distinct()
    return sorted(items), sorted(vendors)


def item_groups(scope: Scope) -> dict[str, str]:
    """Return the price tolerance group of each item that has one, by the item's number."""
    grouped = Item.objects.within(scope).exclude(price_tolerance_group="")
    return dict(grouped.values_list("number", "price_tolerance_group"))
