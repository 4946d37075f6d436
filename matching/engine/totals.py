"""Invoice totals: the six sums as entered against those the orders give for the invoice's quantities."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from matching.engine.charges import expected_charge, taking_part
from matching.engine.comparison import Compared, compare
from matching.engine.figures import charge_amount, line_figures, rounded
from matching.engine.terms import HUNDRED, ZERO, Company, Invoice, InvoiceLine, Order, PerTotal, Tolerance, Total
from matching.engine.words import written

# The rows in the order they are shown.
ROWS = tuple(Total)


def actual_totals(invoice: Invoice) -> dict[Total, Fraction]:
    """Return the six totals of the invoice as entered; charges stand apart from the balance."""
    figures = [line_figures(line.pricing, line.charges) for line in invoice.lines]
    balance = sum((one.before_charges for one in figures), ZERO)
    quantity = sum((line.pricing.quantity for line in invoice.lines), ZERO)
    header = sum((charge_amount(one.category, one.value, quantity, balance) for one in invoice.charges), ZERO)
    return _with_amount(
        balance,
        invoice.total_discount,
        header + sum((one.charges for one in figures), ZERO),
        invoice.sales_tax,
        invoice.round_off,
    )


@dataclass
class _OfOrder:
    """What one order gives for the quantities of the invoice."""

    order: Order
    lines: list[InvoiceLine] = field(default_factory=list)


def expected_totals(invoice: Invoice) -> dict[Total, Fraction]:
    """
    Return the six totals by the orders' prices, discounts, charges and taxes for the invoice's quantities.

    Lines without an order line, with one that is cancelled, or in a unit that cannot be converted give nothing.
    """
    orders: dict[str, _OfOrder] = {}
    for line in invoice.lines:
        if line.order is not None and taking_part(line):
            orders.setdefault(line.order.key, _OfOrder(line.order)).lines.append(line)
    sums: defaultdict[Total, Fraction] = defaultdict(Fraction)
    for one in orders.values():
        for total, amount in _expected_of(one, invoice.digits).items():
            sums[total] += amount
    return _with_amount(
        sums[Total.BALANCE], sums[Total.TOTAL_DISCOUNT], sums[Total.CHARGES], sums[Total.SALES_TAX], ZERO
    )


def _expected_of(one: _OfOrder, digits: int) -> dict[Total, Fraction]:
    order = one.order
    balance = sum((agreed_balance(line) for line in one.lines), ZERO)
    discount = rounded(order.total_discount_percent * balance / HUNDRED, digits)
    on_lines = {charge.key: charge for line in one.lines if line.order_line for charge in line.order_line.charges}
    charges = sum((expected_charge(charge, order, one.lines) for charge in (*order.charges, *on_lines.values())), ZERO)
    tax = rounded(order.sales_tax_percent * (balance - discount + charges) / HUNDRED, digits)
    return {
        Total.BALANCE: balance,
        Total.TOTAL_DISCOUNT: discount,
        Total.CHARGES: charges,
        Total.SALES_TAX: tax,
    }


def agreed_balance(line: InvoiceLine) -> Fraction:
    """Return what the order line's price gives for the quantity of an invoice line, without charges."""
    ordered, factor = line.order_line, line.factor
    if ordered is None or factor is None or not ordered.pricing.quantity:
        return ZERO
    agreed = line_figures(ordered.pricing, ()).before_charges
    return agreed * line.pricing.quantity * factor / ordered.pricing.quantity


def _with_amount(
    balance: Fraction, discount: Fraction, charges: Fraction, tax: Fraction, round_off: Fraction
) -> dict[Total, Fraction]:
    return {
        Total.BALANCE: balance,
        Total.TOTAL_DISCOUNT: discount,
        Total.CHARGES: charges,
        Total.SALES_TAX: tax,
        Total.ROUND_OFF: round_off,
        Total.INVOICE_AMOUNT: balance - discount + charges + tax + round_off,
    }


def match_totals(invoice: Invoice, company: Company) -> dict[Total, Compared]:
    """Compare the six totals; a total that the company does not judge is shown without a verdict."""
    actual, expected = actual_totals(invoice), expected_totals(invoice)
    rows = {}
    for total in ROWS:
        setting = company.per_total.get(total, PerTotal())
        rows[total] = compare(
            actual[total],
            expected[total],
            _tolerance(invoice, company, setting),
            company.totals_direction,
            sign=-1 if total is Total.TOTAL_DISCOUNT else 1,
            judged=setting.enabled,
            formula=_formula(actual) if total is Total.INVOICE_AMOUNT else "",
            expected_formula=_formula(expected) if total is Total.INVOICE_AMOUNT else "",
        )
    return rows


def _tolerance(invoice: Invoice, company: Company, setting: PerTotal) -> Tolerance:
    """Return the tolerance set for this total alone, else the vendor's, else the company's."""
    if setting.percent is not None:
        return Tolerance(setting.percent, "company")
    if invoice.vendor_totals_percent is not None:
        return Tolerance(invoice.vendor_totals_percent, f"vendor:{invoice.vendor}")
    return Tolerance(company.totals_percent, "company", (f"vendor:{invoice.vendor}",))


def _formula(totals: Mapping[Total, Fraction]) -> str:
    plus = (Total.CHARGES, Total.SALES_TAX, Total.ROUND_OFF)
    head = f"{written(totals[Total.BALANCE])} − {written(totals[Total.TOTAL_DISCOUNT])}"
    return " + ".join([head, *(written(totals[total]) for total in plus)])
