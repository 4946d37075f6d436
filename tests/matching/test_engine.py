"""The engine is exact and fair: its verdicts keep to the laws of comparing, whatever the figures."""

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.engine import match
from matching.engine.comparison import BEYOND_MEASURE, Verdict, compare
from matching.engine.results import Reason, Row, Status
from matching.engine.terms import (
    Category,
    Company,
    Direction,
    Invoice,
    InvoiceCharge,
    InvoiceLine,
    Order,
    OrderCharge,
    OrderLine,
    PerTotal,
    Policy,
    PriceTotals,
    Pricing,
    Tolerance,
    Total,
)
from matching.engine.tolerances import path, price_tolerance

WHOLE = Company(
    line_policy=Policy.THREE_WAY,
    price_totals=PriceTotals.BOTH,
    price_total_percent=Fraction(10),
    price_total_amount=Fraction(50),
    matches_totals=True,
    totals_percent=Fraction(5),
    matches_charges=True,
    charges_percent=Fraction(25),
)
places = st.integers(-(10**9), 10**9).map(lambda units: Fraction(units, 10**4))
positive = st.integers(1, 10**9).map(lambda units: Fraction(units, 10**4))
percents = st.integers(0, 10**6).map(lambda units: Fraction(units, 10**4))
shares = st.integers(0, 10**6).map(lambda units: Fraction(units, 10**4))
directions = st.sampled_from(Direction)


@st.composite
def pricings(draw: st.DrawFn, quantity: "st.SearchStrategy[Fraction]" = positive) -> Pricing:
    return Pricing(
        quantity=draw(quantity),
        unit_price=draw(positive),
        price_unit=draw(st.sampled_from([Fraction(1), Fraction(3), Fraction(12), Fraction(100)])),
        discount=draw(st.just(Fraction(0)) | shares.map(lambda value: value / 1000)),
        discount_percent=draw(shares),
        multiline_discount_percent=draw(st.just(Fraction(0)) | shares),
    )


@st.composite
def invoices(draw: st.DrawFn) -> Invoice:
    """An invoice of one to three lines of one order, some in another unit, some matched with receipts."""
    charge = OrderCharge("F", "FREIGHT", draw(st.sampled_from(Category)), draw(positive))
    order = Order(
        "PO",
        exchange_rate=draw(positive),
        total_discount_percent=draw(shares),
        sales_tax_percent=draw(percents),
        charges=(charge,),
    )
    lines = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        mine, agreed = draw(pricings()), draw(pricings())
        factor = draw(st.sampled_from([Fraction(1), Fraction(12), Fraction(1, 7)]))
        received = draw(st.sampled_from([mine.quantity * factor, Fraction(0), mine.quantity]))
        lines.append(
            InvoiceLine(
                number=number,
                pricing=mine,
                order=order,
                order_line=OrderLine(f"PO/{number}", number, agreed, draw(st.sampled_from(Policy))),
                factor=factor,
                received=received,
                others_net=draw(st.just(Fraction(0)) | positive),
                others_quantity=draw(st.just(Fraction(0)) | positive),
                price_tolerance=Tolerance(draw(percents), "all / all"),
            )
        )
    return Invoice(
        lines=lines,
        exchange_rate=draw(positive),
        total_discount=draw(places),
        sales_tax=draw(places),
        round_off=draw(places),
        charges=(InvoiceCharge("FREIGHT", draw(st.sampled_from(Category)), draw(positive), "F"),),
        compared_codes=frozenset({"FREIGHT"}),
        connected=(charge,),
    )


@given(places, places, percents, directions, positive)
def test_scaling_both_sides_keeps_verdict_and_percentage(
    actual: Fraction, expected: Fraction, tolerance: Fraction, direction: Direction, scale: Fraction
) -> None:
    limit = Tolerance(tolerance, "company")
    found = compare(actual, expected, limit, direction)
    scaled = compare(actual * scale, expected * scale, limit, direction)
    assert (scaled.verdict, scaled.percent) == (found.verdict, found.percent)


@given(places, places, percents, percents, directions)
def test_a_larger_tolerance_never_turns_passed_into_failed(
    actual: Fraction, expected: Fraction, tolerance: Fraction, more: Fraction, direction: Direction
) -> None:
    small = compare(actual, expected, Tolerance(tolerance, ""), direction)
    large = compare(actual, expected, Tolerance(tolerance + more, ""), direction)
    assert not (small.verdict is Verdict.PASSED and large.verdict is Verdict.FAILED)


@given(places, places, percents)
def test_greater_or_less_fails_whenever_greater_only_does(
    actual: Fraction, expected: Fraction, tolerance: Fraction
) -> None:
    limit = Tolerance(tolerance, "")
    one = compare(actual, expected, limit, Direction.GREATER_ONLY)
    both = compare(actual, expected, limit, Direction.GREATER_OR_LESS)
    assert not (one.verdict is Verdict.FAILED and both.verdict is Verdict.PASSED)


@given(places, places.filter(bool), percents, directions)
def test_the_nearest_change_passes_and_a_hair_more_does_not(
    actual: Fraction, expected: Fraction, tolerance: Fraction, direction: Direction
) -> None:
    limit = Tolerance(tolerance, "")
    found = compare(actual, expected, limit, direction)
    if found.nearest is None:
        assert found.verdict is Verdict.PASSED
        return
    assert compare(found.nearest.figure, expected, limit, direction).verdict is Verdict.PASSED
    hair = Fraction(1, 10**12) * (1 if found.adverse > 0 else -1)
    assert compare(found.nearest.figure + hair, expected, limit, direction).verdict is Verdict.FAILED
    assert found.nearest.tolerance is not None
    assert compare(actual, expected, Tolerance(found.nearest.tolerance, ""), direction).verdict is Verdict.PASSED


@given(positive, percents, directions)
def test_exactly_at_the_tolerance_passes(expected: Fraction, tolerance: Fraction, direction: Direction) -> None:
    at = expected * (1 + tolerance / 100)
    assert compare(at, expected, Tolerance(tolerance, ""), direction).verdict is Verdict.PASSED
    beyond = compare(at + Fraction(1, 10**20), expected, Tolerance(tolerance, ""), direction)
    assert beyond.verdict is Verdict.FAILED


def test_where_nothing_was_expected_no_tolerance_helps() -> None:
    limit = Tolerance(Fraction(10**9), "")
    came = compare(Fraction(1, 100), Fraction(0), limit, Direction.GREATER_ONLY, without=BEYOND_MEASURE)
    assert (came.verdict, came.percent) == (Verdict.FAILED, Fraction(9_999_999_999_999, 100))
    less = compare(Fraction(-1), Fraction(0), limit, Direction.GREATER_ONLY)
    assert (less.verdict, less.percent) == (Verdict.PASSED, Fraction(-100))
    assert compare(Fraction(-1), Fraction(0), limit, Direction.GREATER_OR_LESS).verdict is Verdict.FAILED
    assert compare(Fraction(0), Fraction(0), Tolerance(Fraction(0), ""), Direction.GREATER_OR_LESS).percent == 0


@given(invoices())
def test_the_totals_add_up_and_a_failed_invoice_says_why(invoice: Invoice) -> None:
    result = match(invoice, WHOLE)
    totals = result.totals
    assert totals is not None
    for side in ("actual", "expected"):
        part = {name: getattr(row, side) for name, row in totals.items()}
        plus = part[Total.CHARGES] + part[Total.SALES_TAX] + part[Total.ROUND_OFF]
        assert part[Total.BALANCE] - part[Total.TOTAL_DISCOUNT] + plus == part[Total.INVOICE_AMOUNT]
    reasons = [*result.reasons, *(reason for line in result.lines for reason in line.reasons)]
    assert (result.status is Status.FAILED) == bool(reasons)


@given(invoices(), st.randoms())
def test_the_order_of_lines_does_not_matter(invoice: Invoice, chance: Random) -> None:
    shuffled = list(invoice.lines)
    chance.shuffle(shuffled)
    first, second = match(invoice, WHOLE), match(replace(invoice, lines=shuffled), WHOLE)
    assert first.status is second.status
    assert first.totals == second.totals
    assert {line.number: line for line in first.lines} == {line.number: line for line in second.lines}


@given(invoices(), st.sampled_from([Fraction(12), Fraction(1, 7), Fraction(3, 5)]))
def test_an_exact_conversion_changes_nothing(invoice: Invoice, factor: Fraction) -> None:
    """The same bill in another unit: quantity over factor, prices and discounts per unit times factor."""
    converted = [
        replace(
            line,
            factor=(line.factor or Fraction(1)) * factor,
            pricing=replace(
                line.pricing,
                quantity=line.pricing.quantity / factor,
                unit_price=line.pricing.unit_price * factor,
                discount=line.pricing.discount * factor,
                multiline_discount=line.pricing.multiline_discount * factor,
            ),
        )
        for line in invoice.lines
    ]
    bare = replace(invoice, charges=())
    first, second = match(bare, WHOLE), match(replace(bare, lines=converted), WHOLE)
    assert first.status is second.status
    for one, other in zip(first.lines, second.lines, strict=True):
        assert (one.price_match, one.price_total_match, one.quantity_match) == (
            other.price_match,
            other.price_total_match,
            other.quantity_match,
        )
        assert (one.rows or {}).keys() == (other.rows or {}).keys()
        for row in one.rows or {}:
            assert one.rows is not None
            assert other.rows is not None
            assert one.rows[row].percent == other.rows[row].percent


@given(pricings(), pricings(), st.integers(1, 9), percents)
def test_splitting_an_invoice_keeps_the_verdict_on_all_of_it(
    mine: Pricing, agreed: Pricing, part: int, tolerance: Fraction
) -> None:
    """Two invoices that bill together what one would have billed: the last one's sum is judged the same."""
    company = replace(WHOLE, price_total_percent=tolerance, price_total_direction=Direction.GREATER_OR_LESS)
    order, ordered = Order("PO"), OrderLine("PO/1", 1, agreed, Policy.TWO_WAY)
    share = Fraction(part, 10)
    first, rest = (replace(mine, quantity=mine.quantity * one) for one in (share, 1 - share))
    whole = InvoiceLine(1, mine, order=order, order_line=ordered)
    first_line = match(Invoice([InvoiceLine(1, first, order=order, order_line=ordered)]), company).lines[0]
    last = InvoiceLine(
        1, rest, order=order, order_line=ordered, others_net=first_line.net, others_quantity=first.quantity
    )
    one, two = match(Invoice([whole]), company).lines[0], match(Invoice([last]), company).lines[0]
    assert one.price_total is not None
    assert two.price_total is not None
    assert one.price_total.compared.actual == two.price_total.compared.actual
    assert one.price_total_match is two.price_total_match


def _line(policy: Policy = Policy.TWO_WAY, **changes: object) -> InvoiceLine:
    pricing = Pricing(Fraction(10), Fraction(1))
    ordered = OrderLine("PO/1", 1, pricing, policy)
    line = InvoiceLine(1, pricing, order=Order("PO"), order_line=ordered)
    return replace(line, **changes)  # type: ignore[arg-type] # fields of the line


def test_a_line_that_cannot_be_compared_fails_in_everything_that_would_be_judged() -> None:
    lost = match(Invoice([_line(Policy.THREE_WAY, factor=None)]), WHOLE).lines[0]
    assert lost.reasons == (Reason.UNIT,)
    assert (lost.price_match, lost.price_total_match, lost.quantity_match) == (Verdict.FAILED,) * 3
    line = _line()
    assert line.order_line is not None
    gone = match(Invoice([replace(line, order_line=replace(line.order_line, is_cancelled=True))]), WHOLE).lines[0]
    assert gone.reasons == (Reason.PO_LINE,)
    assert gone.variance is Verdict.FAILED


def test_a_charge_for_nothing_delivered_fails_and_nothing_at_all_is_blank() -> None:
    company = replace(WHOLE, line_policy=Policy.TWO_WAY)
    nothing = replace(_line(), pricing=Pricing(Fraction(0), Fraction(1)))
    blank = match(Invoice([nothing]), company).lines[0]
    assert (blank.price_match, blank.price, blank.rows) == (None, None, None)
    billed = replace(nothing, charges=(InvoiceCharge("FREIGHT", Category.FIXED, Fraction(5)),))
    failed = match(Invoice([billed]), company).lines[0]
    assert (failed.price_match, failed.price, failed.reasons) == (Verdict.FAILED, None, (Reason.PRICE,))
    assert failed.rows is not None
    assert Row.NET_UNIT_PRICE not in failed.rows


@pytest.mark.parametrize(("billed", "verdict"), [("-270", "failed"), ("-300", "passed"), ("-330", "passed")])
def test_a_credit_below_what_is_expected_is_unwanted(billed: str, verdict: str) -> None:
    agreed = Pricing(Fraction(-3), Fraction(100))
    ordered = OrderLine("PO/1", 1, agreed, Policy.TWO_WAY)
    mine = Pricing(Fraction(-3), Fraction(billed) / -3)
    line = InvoiceLine(1, mine, order=Order("PO"), order_line=ordered)
    company = replace(WHOLE, line_policy=Policy.TWO_WAY, price_totals=PriceTotals.NONE)
    assert match(Invoice([line]), company).lines[0].price_match == verdict


def test_while_credits_are_outstanding_more_than_expected_says_nothing() -> None:
    """Ordered -10 for -100: the first credit of -4 leaves +60, which is only what is still to come."""
    company = replace(WHOLE, line_policy=Policy.TWO_WAY, price_total_direction=Direction.GREATER_OR_LESS)
    ordered = OrderLine("PO/1", 1, Pricing(Fraction(-10), Fraction(10)), Policy.TWO_WAY)

    def credited(quantity: int, *, final: bool = False) -> str | None:
        mine = Pricing(Fraction(quantity), Fraction(10))
        line = InvoiceLine(1, mine, order=Order("PO"), order_line=ordered, is_final=final)
        return match(Invoice([line]), company).lines[0].price_total_match

    assert credited(-4) == "passed"
    assert credited(-4, final=True) == "failed"
    assert credited(-16) == "failed"


def test_a_total_that_is_not_enabled_is_shown_and_not_judged() -> None:
    company = replace(
        WHOLE,
        line_policy=Policy.NOT_REQUIRED,
        per_total={Total.SALES_TAX: PerTotal(enabled=False), Total.BALANCE: PerTotal(percent=Fraction(50))},
    )
    invoice = Invoice([_line(Policy.NOT_REQUIRED)], sales_tax=Fraction(9))
    totals = match(invoice, company).totals
    assert totals is not None
    assert totals[Total.SALES_TAX].verdict is None
    assert totals[Total.INVOICE_AMOUNT].verdict is Verdict.FAILED
    assert totals[Total.BALANCE].tolerance == Tolerance(Fraction(50), "company")


def test_the_most_specific_tolerance_wins_item_first() -> None:
    asked = path("A", "HIGH", "V", "GOOD")
    assert asked == [
        ("table:A", "table:V"),
        ("table:A", "group:GOOD"),
        ("table:A", "all"),
        ("group:HIGH", "table:V"),
        ("group:HIGH", "group:GOOD"),
        ("group:HIGH", "all"),
        ("all", "table:V"),
        ("all", "group:GOOD"),
        ("all", "all"),
    ]
    assert path("", "", "V", "") == [("all", "table:V"), ("all", "all")]
    rows = {("all", "table:V"): Fraction(0), ("all", "all"): Fraction(9), ("group:HIGH", "all"): Fraction(2)}
    for item_group, percent, steps in (("HIGH", 2, 5), ("", 0, 3)):
        found = price_tolerance(rows, item="A", item_group=item_group, vendor="V", vendor_group="GOOD")
        assert (found.percent, len(found.path)) == (Fraction(percent), steps)
