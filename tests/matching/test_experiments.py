"""Other tolerances are tried on what was compared, and give what matching by them would have given."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.operations import create_merchant
from core import actor, clock, jobs
from core.errors import Conflict
from core.scope import Scope
from matching import told
from matching.engine import match
from matching.engine.terms import Company, Direction, Invoice, Tolerance
from matching.models import Experiment, ExperimentChange
from matching.models import Invoice as StoredInvoice
from matching.operations import experiments, recalculation
from matching.rejudging import Limits, rejudge
from tests.matching.test_engine import WHOLE, invoices, percents
from tests.matching.world import Buying


def with_price(invoice: Invoice, percent: Fraction) -> Invoice:
    lines = [replace(line, price_tolerance=Tolerance(percent, "all / all")) for line in invoice.lines]
    return replace(invoice, lines=lines)


@given(invoices(), percents, percents, percents, percents, st.sampled_from(Direction))
def test_judging_again_is_judging_anew(
    invoice: Invoice, price: Fraction, total: Fraction, totals: Fraction, charges: Fraction, direction: Direction
) -> None:
    """The kept figures, judged by other limits, say what the engine says of the invoice by those limits."""
    before = replace(
        WHOLE,
        unit_price_direction=direction,
        totals_direction=direction,
        price_total_direction=direction,
        charges_direction=direction,
    )
    after: Company = replace(
        before,
        price_total_percent=total,
        price_total_amount=total,
        totals_percent=totals,
        charges_percent=charges,
    )
    detail = told.whole(match(invoice, before))
    judged = rejudge(detail, {}, Limits(after, lambda _item: price))
    anew = match(with_price(invoice, price), after)
    reasons = sorted({*anew.reasons, *(reason.value for line in anew.lines for reason in line.reasons)})
    assert (judged.verdict, judged.reasons) == (anew.status.value, reasons)


@pytest.fixture
def buying(db: None) -> Buying:  # noqa: ARG001 - it is made in the database
    merchant = create_merchant(name="buyer", by=actor.system("test"), now=clock.now())
    made = Buying(Scope(merchant.pk))
    made.open()
    made.order(quantity="1000")
    for name, price in (("A", "10000"), ("B", "10200"), ("C", "10500")):
        made.bill(name, quantity="10", price=price)
    made.post("C")
    return made


def tried(buying: Buying, **tolerances: object) -> Experiment:
    today = clock.today()
    made = experiments.create(**buying.who, date_from=today, date_until=today, tolerances=tolerances)
    assert jobs.run_due_jobs()
    return experiments.find(buying.scope, made.public_id)


def test_the_laboratory_says_what_would_pass_and_what_it_costs(buying: Buying) -> None:
    found = tried(buying, price=[("all", "all", Decimal(2))])
    assert (found.invoice_count, found.passing_count, found.failing_count) == (3, 1, 0)
    change = ExperimentChange.objects.get()
    assert (change.invoice.public_id, change.before, change.after) == ("B", "failed", "passed")
    assert (change.over, change.reasons_before, change.reasons_after) == (2_000, ["PRICE"], [])
    # Nothing has changed by trying.
    assert set(StoredInvoice.objects.values_list("public_id", "match_status")) == {
        ("A", "passed"),
        ("B", "failed"),
        ("C", "failed"),
    }


def test_what_was_tried_is_saved_once_and_followed(buying: Buying) -> None:
    found = tried(buying, price=[("table:BOX", "all", Decimal(5))], company={"charges_tolerance_percent": Decimal(3)})
    assert found.passing_count == 2
    for _time in range(2):
        experiments.apply(**buying.who, public_id=found.public_id)
    while recalculation.work_off(now=buying.now):
        pass
    # A posted invoice keeps what it was posted with.
    assert dict(StoredInvoice.objects.values_list("public_id", "match_status")) == {
        "A": "passed",
        "B": "passed",
        "C": "failed",
    }
    assert tried(buying).passing_count == 1


def test_an_experiment_that_is_not_finished_is_not_saved(buying: Buying) -> None:
    today = clock.today()
    made = experiments.create(**buying.who, date_from=today, date_until=today, tolerances={})
    with pytest.raises(Conflict):
        experiments.apply(**buying.who, public_id=made.public_id)
