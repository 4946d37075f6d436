"""The three checks of a line: net unit price, price totals, receipt quantity."""

from dataclasses import replace
from fractions import Fraction

from matching.engine.comparison import BEYOND_MEASURE, Compared, Nearest, Verdict, compare, percent_of
from matching.engine.figures import LineFigures, kept_share, line_figures, net_unit_price, rounded
from matching.engine.policies import in_force
from matching.engine.results import LineResult, PriceTotal, Reason, Row
from matching.engine.terms import (
    HUNDRED,
    ZERO,
    Category,
    Company,
    Direction,
    Invoice,
    InvoiceLine,
    Order,
    OrderLine,
    Policy,
    PriceTotals,
    Tolerance,
)
from matching.engine.words import written

EITHER_WAY = Direction.GREATER_OR_LESS


def match_line(line: InvoiceLine, invoice: Invoice, company: Company) -> LineResult:
    """Match one line; without an order line, and where matching is not required, there is nothing to judge."""
    figures = line_figures(line.pricing, line.charges)
    ordered, order = line.order_line, line.order
    if ordered is None or order is None:
        return LineResult(line.number, figures.net)
    policy = in_force(ordered.policy, company)
    source = ordered.policy_from if policy is ordered.policy else "company"
    blank = LineResult(line.number, figures.net, policy, source)
    if not company.validates:
        return blank
    if ordered.is_cancelled:
        # An order line that is gone cannot be billed at all, whatever its policy asks for.
        return replace(_failed(blank, company), price_match=Verdict.FAILED, reasons=(Reason.PO_LINE,))
    if policy is Policy.NOT_REQUIRED:
        return blank
    if line.factor is None:
        return replace(_failed(blank, company), reasons=(Reason.UNIT,))
    found = _with_price(blank, line, figures, ordered, line.factor, company)
    if company.price_totals is not PriceTotals.NONE:
        found = _with_total(found, line, ordered, order, invoice, company)
    return _with_quantity(found, line, line.factor) if policy is Policy.THREE_WAY else found


def _failed(blank: LineResult, company: Company) -> LineResult:
    """Return the result of a line that cannot be compared: everything that would be judged has failed."""
    totals = company.price_totals is not PriceTotals.NONE and blank.policy is not Policy.NOT_REQUIRED
    return replace(
        blank,
        price_match=Verdict.FAILED,
        price_total_match=Verdict.FAILED if totals else None,
        quantity_match=Verdict.FAILED if blank.policy is Policy.THREE_WAY else None,
    )


# ---- Net unit price


def _with_price(
    found: LineResult, line: InvoiceLine, figures: LineFigures, ordered: OrderLine, factor: Fraction, company: Company
) -> LineResult:
    quantity = line.pricing.quantity * factor
    if not quantity and not figures.net:
        return found
    rows = _nine_rows(line, figures, ordered, factor, company)
    price = rows.get(Row.NET_UNIT_PRICE)
    # Something is billed for nothing delivered: there is no price that could be right.
    verdict = Verdict.FAILED if price is None else price.verdict
    failed = verdict is Verdict.FAILED
    limit = _unit_price_limit(line, figures, price.nearest, factor) if price and price.nearest else None
    return replace(
        found,
        price_match=verdict,
        price=price,
        rows=rows,
        unit_price_limit=limit,
        reasons=(*found.reasons, *([Reason.PRICE] if failed else [])),
    )


def _nine_rows(
    line: InvoiceLine, figures: LineFigures, ordered: OrderLine, factor: Fraction, company: Company
) -> dict[Row, Compared]:
    """Compare the nine figures in the order line's unit, all by the tolerance of the last, which alone decides."""
    mine, agreed = line.pricing, ordered.pricing
    ordered_figures = line_figures(agreed, ordered.charges)
    agreed_price = net_unit_price(agreed, ordered_figures)
    quantity = mine.quantity * factor
    direction, tolerance = company.unit_price_direction, line.price_tolerance
    price_sign = -1 if quantity < 0 else 1

    def row(actual: Fraction, expected: Fraction, sign: int = 1, *, way: Direction = direction) -> Compared:
        return compare(actual, expected, tolerance, way, sign=sign)

    share = quantity / agreed.quantity if agreed.quantity else ZERO
    rows = {
        Row.UNIT_PRICE: row(mine.unit_price / factor, agreed.unit_price, price_sign),
        Row.PRICE_UNIT: row(mine.price_unit, agreed.price_unit, way=EITHER_WAY),
        Row.CHARGES_ON_PURCHASES: row(figures.charges, ordered_figures.charges * share),
        Row.DISCOUNT: row(mine.discount / factor, agreed.discount, -1),
        Row.DISCOUNT_PERCENT: row(mine.discount_percent, agreed.discount_percent, -1),
        Row.MULTILINE_DISCOUNT: row(mine.multiline_discount / factor, agreed.multiline_discount, -1),
        Row.MULTILINE_DISCOUNT_PERCENT: row(mine.multiline_discount_percent, agreed.multiline_discount_percent, -1),
        Row.NET_AMOUNT: row(figures.net, agreed_price * quantity),
    }
    if quantity:
        rows[Row.NET_UNIT_PRICE] = replace(
            row(figures.net / quantity, agreed_price, price_sign),
            formula=_price_formula(figures, quantity),
            expected_formula=_price_formula(ordered_figures, agreed.quantity) if agreed.quantity else "",
        )
    return rows


def _price_formula(figures: LineFigures, quantity: Fraction) -> str:
    net = f"{written(figures.gross)} − {written(figures.discounts)} + {written(figures.charges)}"
    return f"({net}) ÷ {written(quantity)}"


def _unit_price_limit(line: InvoiceLine, figures: LineFigures, nearest: Nearest, factor: Fraction) -> Fraction | None:
    """Return the unit price, in the invoice's own unit, that gives a net unit price; None when no price does."""
    mine, kept = line.pricing, kept_share(line.pricing)
    if not kept or not mine.quantity:
        return None
    share = 1 + sum((one.value for one in line.charges if one.category is Category.PERCENT), ZERO) / HUNDRED
    if not share:
        return None
    # Charges in percent go with the price, the others stay.
    fixed = figures.charges - figures.before_charges * (share - 1)
    base = (nearest.figure * mine.quantity * factor - fixed) / share
    return base / kept / mine.quantity * mine.price_unit + mine.discount + mine.multiline_discount


# ---- Price totals


def _with_total(
    found: LineResult, line: InvoiceLine, ordered: OrderLine, order: Order, invoice: Invoice, company: Company
) -> LineResult:
    billed = line.others_net + found.net
    expected = line_figures(ordered.pricing, ordered.charges).net
    variance = billed - expected
    accounting = rounded(variance * invoice.exchange_rate, company.accounting_digits)
    last = _is_last(line, ordered)
    above, below = _judged_sides(last, ordered, company.price_total_direction)
    mode, reasons = company.price_totals, list(found.reasons)
    by_percent = mode.by_percent and _outside(variance, company.price_total_percent * abs(expected) / 100, above, below)
    by_amount = mode.by_amount and _outside(accounting, company.price_total_amount, above, below)
    reasons += [Reason.PRICE_TOTAL_PERCENT] if by_percent else []
    reasons += [Reason.PRICE_TOTAL_AMOUNT] if by_amount else []
    verdict = Verdict.FAILED if by_percent or by_amount else Verdict.PASSED
    compared = Compared(
        billed,
        expected,
        variance,
        percent_of(variance, expected, BEYOND_MEASURE),
        verdict,
        Tolerance(company.price_total_percent, "company"),
        formula=f"{written(line.others_net)} + {written(found.net)}",
    )
    total = PriceTotal(
        compared=compared,
        tolerance_percent=company.price_total_percent if mode.by_percent else None,
        variance_accounting=accounting,
        tolerance_amount=company.price_total_amount if mode.by_amount else None,
        exchange_variance=rounded(billed * (invoice.exchange_rate - order.exchange_rate), company.accounting_digits),
        is_last=last,
        sides=(above, below),
        verdict=verdict,
        nearest=_nearest_total(compared, invoice, company) if verdict is Verdict.FAILED else None,
    )
    return replace(found, price_total_match=verdict, price_total=total, reasons=tuple(reasons))


def _is_last(line: InvoiceLine, ordered: OrderLine) -> bool:
    """Say whether nothing more will be billed of the order line."""
    billed, wanted = line.others_quantity + line.pricing.quantity * (line.factor or ZERO), ordered.pricing.quantity
    reached = billed >= wanted if wanted >= 0 else billed <= wanted
    return reached or ordered.is_closed or line.is_final


def _judged_sides(last: bool, ordered: OrderLine, direction: Direction) -> tuple[bool, bool]:  # noqa: FBT001 - a fact
    """
    Return whether a variance above and one below are judged.

    While parts are still to be billed, less than expected says nothing yet; of a return, more than expected does not.
    """
    both = direction is EITHER_WAY
    return (True, both and last) if ordered.pricing.quantity >= 0 else (last, both)


def _outside(variance: Fraction, limit: Fraction, above: bool, below: bool) -> bool:  # noqa: FBT001 - facts
    return (above and variance > limit) or (below and -variance > limit)


def _nearest_total(compared: Compared, invoice: Invoice, company: Company) -> Nearest:
    """Return how far the sum would have to move so that every limit that is judged holds."""
    limits = []
    if company.price_totals.by_percent:
        limits.append(company.price_total_percent * abs(compared.expected) / HUNDRED)
    if company.price_totals.by_amount and invoice.exchange_rate:
        limits.append(company.price_total_amount / invoice.exchange_rate)
    limit, variance = min(limits, default=ZERO), compared.variance
    change = limit - variance if variance > 0 else -limit - variance
    return Nearest(compared.actual + change, change)


# ---- Receipt quantity


def _with_quantity(found: LineResult, line: InvoiceLine, factor: Fraction) -> LineResult:
    billed = line.pricing.quantity * factor
    failed = billed != line.received
    return replace(
        found,
        quantity_match=Verdict.FAILED if failed else Verdict.PASSED,
        quantity=(billed, line.received),
        reasons=(*found.reasons, *([Reason.RECEIPT_QUANTITY] if failed else [])),
    )
