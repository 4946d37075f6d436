"""
From stored rows to what the engine is told: invoices with their orders, receipts, tolerances and the company's rules.

`load` takes many invoices of one company in a fixed number of queries.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from django.db.models import Count, Q, Sum

from core.scope import Scope
from matching import amounts
from matching.engine import terms
from matching.engine.figures import line_figures
from matching.engine.terms import ZERO
from matching.engine.tolerances import RowKey, price_tolerance
from matching.models import (
    ChargeCode,
    ChargeSide,
    ChargesTolerance,
    Invoice,
    InvoiceCharge,
    InvoiceLine,
    OrderCharge,
    OrderLine,
    Parameters,
    PriceTolerance,
    PurchaseOrder,
    ReceiptMatch,
    TotalsTolerance,
    UnitConversion,
    Vendor,
)

Factors = Mapping[tuple[int | None, str, str], Fraction]


def company(parameters: Parameters) -> terms.Company:
    """Return the company's rules as the engine knows them."""
    return terms.Company(
        validates=parameters.enable_invoice_matching_validation,
        line_policy=terms.Policy(parameters.line_matching_policy),
        override=terms.Override(parameters.allow_matching_policy_override),
        unit_price_direction=terms.Direction(parameters.unit_price_direction),
        price_totals=terms.PriceTotals(parameters.match_price_totals),
        price_total_percent=Fraction(parameters.price_total_tolerance_percent),
        price_total_amount=Fraction(parameters.price_total_tolerance_amount),
        price_total_direction=terms.Direction(parameters.price_total_direction),
        matches_totals=parameters.match_invoice_totals,
        totals_percent=Fraction(parameters.invoice_totals_tolerance_percent),
        totals_direction=terms.Direction(parameters.invoice_totals_direction),
        per_total={
            terms.Total(name): terms.PerTotal(
                enabled=bool(setting.get("enabled", True)),
                percent=Fraction(setting["percent"]) if setting.get("percent") is not None else None,
            )
            for name, setting in parameters.per_total_settings.items()
        },
        matches_charges=parameters.match_charges,
        charges_percent=Fraction(parameters.charges_tolerance_percent),
        charges_direction=terms.Direction(parameters.charges_direction),
        accounting_digits=amounts.digits(parameters.accounting_currency),
    )


class Conversions:
    """The unit conversions that matter for some items: an item's own first, each of them also backwards."""

    def __init__(self, scope: Scope, items: Iterable[int | None]) -> None:
        wanted = {item for item in items if item is not None}
        rows = UnitConversion.objects.within(scope).filter(Q(item__in=wanted) | Q(item__isnull=True))
        self._factors: dict[tuple[int | None, str, str], Fraction] = {}
        backwards = {}
        for row in rows:
            factor = Fraction(row.numerator, row.denominator)
            self._factors[row.item_id, row.from_unit, row.to_unit] = factor
            backwards[row.item_id, row.to_unit, row.from_unit] = 1 / factor
        self._factors = backwards | self._factors

    def factor(self, item: int | None, unit: str, into: str) -> Fraction | None:
        """Return how much of `into` one `unit` is; None when nobody knows."""
        if unit == into:
            return terms.ONE
        own = self._factors.get((item, unit, into))
        return own if own is not None else self._factors.get((None, unit, into))


def charge_terms(charges: Iterable[OrderCharge], *, but_taken_by: int | None = None) -> tuple[terms.OrderCharge, ...]:
    """Return order charges as the engine knows them; one the invoice itself took over counts as there."""
    return tuple(
        terms.OrderCharge(
            key=str(charge.pk),
            code=charge.code.code,
            category=terms.Category(charge.category),
            value=Fraction(charge.value),
            is_taken=charge.taken_by_id is not None and charge.taken_by_id != but_taken_by,
        )
        for charge in charges
    )


def billed_charge_terms(charges: Iterable[InvoiceCharge]) -> tuple[terms.InvoiceCharge, ...]:
    """Return invoice charges as the engine knows them."""
    return tuple(
        terms.InvoiceCharge(
            code=charge.code.code,
            category=terms.Category(charge.category),
            value=Fraction(charge.value),
            connected_to=str(charge.connected_to_id) if charge.connected_to_id is not None else None,
        )
        for charge in charges
    )


@dataclass
class Billed:
    """What pending and posted invoices bill of one order line, in its unit; `unknown` lines have no conversion."""

    net: Fraction = ZERO
    quantity: Fraction = ZERO


@dataclass
class _Gathered:
    """Everything about some invoices, by key."""

    lines: dict[int, list[InvoiceLine]] = field(default_factory=lambda: defaultdict(list))
    header_charges: dict[int, list[InvoiceCharge]] = field(default_factory=lambda: defaultdict(list))
    line_charges: dict[int, list[InvoiceCharge]] = field(default_factory=lambda: defaultdict(list))
    orders: dict[int, PurchaseOrder] = field(default_factory=dict)
    order_charges: dict[int, list[OrderCharge]] = field(default_factory=lambda: defaultdict(list))
    order_line_charges: dict[int, list[OrderCharge]] = field(default_factory=lambda: defaultdict(list))
    connected: dict[int, OrderCharge] = field(default_factory=dict)
    received: dict[int, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    billed: dict[int, Billed] = field(default_factory=dict)


def load(scope: Scope, invoices: Sequence[Invoice], parameters: Parameters) -> dict[int, terms.Invoice]:
    """Return what the engine is told of each invoice, by its key."""
    gathered = _gather(scope, invoices)
    items = {line.order_line.item_id for lines in gathered.lines.values() for line in lines if line.order_line}
    items |= {line.item_id for lines in gathered.lines.values() for line in lines}
    conversions = Conversions(scope, items)
    gathered.billed = billed_of(gathered_order_lines(gathered.lines), conversions)
    tolerances = _Tolerances(scope, items, {invoice.vendor_id for invoice in invoices})
    codes = compared_codes(scope)
    return {
        invoice.pk: _invoice_terms(invoice, gathered, conversions, tolerances, codes, parameters)
        for invoice in invoices
    }


def gathered_order_lines(lines: Mapping[int, Sequence[InvoiceLine]]) -> list[OrderLine]:
    """Return the order lines that invoice lines name, each once."""
    named = {line.order_line_id: line.order_line for of in lines.values() for line in of if line.order_line}
    return list(named.values())


def _gather(scope: Scope, invoices: Sequence[Invoice]) -> _Gathered:
    keys = [invoice.pk for invoice in invoices]
    found = _Gathered()
    lines = InvoiceLine.objects.filter(invoice__in=keys).select_related("item", "order_line__item")
    for line in lines.order_by("invoice_id", "number"):
        found.lines[line.invoice_id].append(line)
    for charge in InvoiceCharge.objects.filter(invoice__in=keys).select_related("code").order_by("pk"):
        if charge.invoice_line_id is None:
            found.header_charges[charge.invoice_id].append(charge)
        else:
            found.line_charges[charge.invoice_line_id].append(charge)
    order_ids = {line.order_line.order_id for of in found.lines.values() for line in of if line.order_line}
    found.orders = PurchaseOrder.objects.within(scope).in_bulk(order_ids)
    for agreed in OrderCharge.objects.filter(order__in=order_ids).select_related("code").order_by("pk"):
        if agreed.order_line_id is None:
            found.order_charges[agreed.order_id].append(agreed)
        else:
            found.order_line_charges[agreed.order_line_id].append(agreed)
    named = [
        charge.connected_to_id for charge in InvoiceCharge.objects.filter(invoice__in=keys) if charge.connected_to_id
    ]
    found.connected = OrderCharge.objects.select_related("code").in_bulk(named)
    matches = ReceiptMatch.objects.filter(invoice_line__invoice__in=keys, receipt_line__receipt__cancelled_at=None)
    for line_id, quantity, divisor in matches.values_list("invoice_line_id", "quantity", "divisor"):
        found.received[line_id] += Fraction(quantity) / divisor
    return found


def billed_of(order_lines: Sequence[OrderLine], conversions: Conversions) -> dict[int, Billed]:
    """Return what pending and posted invoices bill of order lines; of lines in unknown units the amount alone."""
    by_key = {line.pk: line for line in order_lines}
    found = {key: Billed() for key in by_key}
    sums = (
        InvoiceLine.objects.filter(order_line__in=by_key)
        .values("order_line_id", "unit")
        .annotate(net=Sum("exact_net"), quantity_sum=Sum("quantity"), inexact=Count("pk", filter=Q(exact_net=None)))
    )
    inexact = set()
    for row in sums:
        ordered, billed = by_key[row["order_line_id"]], found[row["order_line_id"]]
        factor = conversions.factor(ordered.item_id, row["unit"], ordered.unit)
        billed.net += Fraction(row["net"] or 0)
        billed.quantity += Fraction(row["quantity_sum"]) * (factor or ZERO)
        if row["inexact"]:
            inexact.add(row["order_line_id"])
    if inexact:
        odd = InvoiceLine.objects.filter(order_line__in=inexact, exact_net=None).prefetch_related("charges__code")
        for line in odd:
            if line.order_line_id is not None:
                charges = billed_charge_terms(line.charges.all())
                found[line.order_line_id].net += line_figures(amounts.pricing(line), charges).net
    return found


def compared_codes(scope: Scope) -> frozenset[str]:
    """Return the charge codes that are compared: those that say so and that a vendor bears or gets."""
    codes = ChargeCode.objects.within(scope).filter(compare_po_and_invoice=True)
    mine = codes.filter(Q(debit_type=ChargeSide.VENDOR) | Q(credit_type=ChargeSide.VENDOR))
    return frozenset(mine.values_list("code", flat=True))


class _Tolerances:
    """The tolerances that some items and vendors may meet."""

    def __init__(self, scope: Scope, items: Iterable[int | None], vendors: Iterable[int]) -> None:
        wanted = {item for item in items if item is not None}
        rows = (
            PriceTolerance.objects.within(scope)
            .filter(Q(item__in=wanted) | Q(item__isnull=True), Q(vendor__in=vendors) | Q(vendor__isnull=True))
            .select_related("item", "vendor")
        )
        self.price: dict[RowKey, Fraction] = {(row.item_code, row.account_code): Fraction(row.percent) for row in rows}
        totals = TotalsTolerance.objects.within(scope).filter(vendor__in=vendors)
        self.totals = {row.vendor_id: Fraction(row.percent) for row in totals}
        charges = ChargesTolerance.objects.within(scope).select_related("charge_code")
        self.charges = {row.charge_code.code: Fraction(row.percent) for row in charges}
        self.vendors: Mapping[int, Vendor] = Vendor.objects.within(scope).in_bulk(set(vendors))


def _invoice_terms(
    invoice: Invoice,
    found: _Gathered,
    conversions: Conversions,
    tolerances: _Tolerances,
    codes: frozenset[str],
    parameters: Parameters,
) -> terms.Invoice:
    vendor = tolerances.vendors[invoice.vendor_id]
    orders = {key: _order_terms(order, found.order_charges[key], invoice) for key, order in found.orders.items()}
    lines = found.lines[invoice.pk]
    return terms.Invoice(
        lines=[_line_terms(line, vendor, orders, found, conversions, tolerances, invoice) for line in lines],
        exchange_rate=Fraction(invoice.exchange_rate),
        total_discount=Fraction(invoice.total_discount),
        sales_tax=Fraction(invoice.sales_tax),
        round_off=Fraction(invoice.round_off),
        charges=billed_charge_terms(found.header_charges[invoice.pk]),
        digits=amounts.digits(invoice.currency),
        vendor=vendor.account,
        vendor_totals_percent=tolerances.totals.get(invoice.vendor_id),
        compared_codes=codes if parameters.match_charges else frozenset(),
        charge_percents=tolerances.charges,
        connected=charge_terms(_connected(invoice, lines, found), but_taken_by=invoice.pk),
    )


def _connected(invoice: Invoice, lines: Sequence[InvoiceLine], found: _Gathered) -> list[OrderCharge]:
    charges = [*found.header_charges[invoice.pk], *(one for line in lines for one in found.line_charges[line.pk])]
    named = {charge.connected_to_id for charge in charges if charge.connected_to_id is not None}
    return [found.connected[key] for key in sorted(named) if key in found.connected]


def _order_terms(order: PurchaseOrder, charges: Sequence[OrderCharge], invoice: Invoice) -> terms.Order:
    return terms.Order(
        key=str(order.pk),
        exchange_rate=Fraction(order.exchange_rate),
        total_discount_percent=Fraction(order.total_discount_percent),
        sales_tax_percent=Fraction(order.sales_tax_percent),
        charges=charge_terms(charges, but_taken_by=invoice.pk),
    )


def _line_terms(
    line: InvoiceLine,
    vendor: Vendor,
    orders: Mapping[int, terms.Order],
    found: _Gathered,
    conversions: Conversions,
    tolerances: _Tolerances,
    invoice: Invoice,
) -> terms.InvoiceLine:
    mine, charges = amounts.pricing(line), billed_charge_terms(found.line_charges[line.pk])
    ordered = line.order_line
    if ordered is None:
        return terms.InvoiceLine(line.number, mine, charges=charges)
    factor = conversions.factor(ordered.item_id, line.unit, ordered.unit)
    billed = found.billed[ordered.pk]
    item = ordered.item
    return terms.InvoiceLine(
        number=line.number,
        pricing=mine,
        order=orders[ordered.order_id],
        order_line=order_line_terms(
            ordered, charge_terms(found.order_line_charges[ordered.pk], but_taken_by=invoice.pk)
        ),
        factor=factor,
        charges=charges,
        is_final=line.is_final,
        received=found.received[line.pk],
        others_net=billed.net - line_figures(mine, charges).net,
        others_quantity=billed.quantity - mine.quantity * (factor or ZERO),
        price_tolerance=price_tolerance(
            tolerances.price,
            item=item.number if item else "",
            item_group=item.price_tolerance_group if item else "",
            vendor=vendor.account,
            vendor_group=vendor.price_tolerance_group,
        ),
    )


def order_line_terms(ordered: OrderLine, charges: tuple[terms.OrderCharge, ...]) -> terms.OrderLine:
    """Return an order line as the engine knows it."""
    return terms.OrderLine(
        key=str(ordered.pk),
        number=ordered.number,
        pricing=amounts.pricing(ordered),
        policy=terms.Policy(ordered.policy),
        policy_from=ordered.policy_from,
        item=ordered.item.number if ordered.item else "",
        item_group=ordered.item.price_tolerance_group if ordered.item else "",
        charges=charges,
        is_closed=ordered.is_closed,
        is_cancelled=ordered.is_cancelled,
    )
