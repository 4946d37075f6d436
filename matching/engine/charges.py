"""Charges: what is billed under each charge code against the order charges it is connected to."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction

from matching.engine.comparison import BEYOND_MEASURE, Compared, compare
from matching.engine.figures import charge_amount, line_figures
from matching.engine.terms import (
    ZERO,
    Category,
    Company,
    Invoice,
    InvoiceCharge,
    InvoiceLine,
    Order,
    OrderCharge,
    Tolerance,
)

_NO_ORDER = Order("")


def taking_part(line: InvoiceLine) -> bool:
    """Say whether a line can be told in terms of its order line."""
    return line.order_line is not None and not line.order_line.is_cancelled and line.factor is not None


def expected_charge(charge: OrderCharge, order: Order, lines: Iterable[InvoiceLine]) -> Fraction:
    """
    Return what an order charge comes to for the quantities of an invoice's lines of that order.

    A fixed charge goes in full to the first invoice; once that is posted, nothing is left of it.
    """
    if charge.category is Category.FIXED:
        return ZERO if charge.is_taken else charge.value
    on_header = charge in order.charges
    quantity = base = ZERO
    for line in lines:
        ordered, factor = line.order_line, line.factor
        if ordered is None or factor is None or not (on_header or charge in ordered.charges):
            continue
        part = line.pricing.quantity * factor
        quantity += part
        if ordered.pricing.quantity:
            base += line_figures(ordered.pricing, ()).before_charges * part / ordered.pricing.quantity
    return charge_amount(charge.category, charge.value, quantity, base)


def billed_charges(invoice: Invoice) -> Iterator[tuple[InvoiceCharge, Fraction]]:
    """Yield every charge of the invoice, header and lines, with what it comes to."""
    bases = [line_figures(line.pricing, ()).before_charges for line in invoice.lines]
    for line, base in zip(invoice.lines, bases, strict=True):
        for charge in line.charges:
            yield charge, charge_amount(charge.category, charge.value, line.pricing.quantity, base)
    quantity = sum((line.pricing.quantity for line in invoice.lines), ZERO)
    for charge in invoice.charges:
        yield charge, charge_amount(charge.category, charge.value, quantity, sum(bases, ZERO))


def match_charges(invoice: Invoice, company: Company) -> dict[str, Compared]:
    """Compare charges by code; codes that are not compared and order charges that were not taken over give no row."""
    actual: defaultdict[str, Fraction] = defaultdict(Fraction)
    connected: defaultdict[str, set[str]] = defaultdict(set)
    for charge, amount in billed_charges(invoice):
        if charge.code in invoice.compared_codes:
            actual[charge.code] += amount
            if charge.connected_to is not None:
                connected[charge.code].add(charge.connected_to)
    expected = _expected_by_key(invoice)
    return {
        code: compare(
            amount,
            sum((expected.get(key, ZERO) for key in sorted(connected[code])), ZERO),
            _tolerance(code, invoice, company),
            company.charges_direction,
            without=BEYOND_MEASURE,
        )
        for code, amount in actual.items()
    }


def _expected_by_key(invoice: Invoice) -> dict[str, Fraction]:
    lines_of: defaultdict[str, list[InvoiceLine]] = defaultdict(list)
    orders: dict[str, Order] = {}
    for line in invoice.lines:
        if line.order is not None and taking_part(line):
            orders[line.order.key] = line.order
            lines_of[line.order.key].append(line)
    # One whose order line is not billed here has no quantity; a fixed one is expected all the same.
    found = {charge.key: expected_charge(charge, _NO_ORDER, ()) for charge in invoice.connected}
    for key, order in orders.items():
        lines = lines_of[key]
        on_lines = (charge for line in lines if line.order_line for charge in line.order_line.charges)
        for charge in (*order.charges, *on_lines):
            found[charge.key] = expected_charge(charge, order, lines)
    return found


def _tolerance(code: str, invoice: Invoice, company: Company) -> Tolerance:
    own = invoice.charge_percents.get(code)
    if own is not None:
        return Tolerance(own, f"code:{code}")
    return Tolerance(company.charges_percent, "company", (f"code:{code}",))
