"""Receipts and invoices reach the books to the won: what came is waited for, what is billed is owed."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.operations import create_merchant
from core import actor, clock, jobs
from core.scope import Scope
from ledger import queries as books
from ledger.chart import Code
from ledger.models import Journal
from matching import accruals
from matching.models import Invoice, Leak
from matching.operations import company, receipts
from payouts.models import Payout
from settlement.models import PartnerSettlement, PartnerType, SettlementRecord
from settlement.operations import maturity
from tests.matching.world import Buying
from tests.payouts.world import World, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def buying() -> Buying:
    merchant = create_merchant(name="buyer", by=actor.system("test"), now=clock.now())
    made = Buying(Scope(merchant.pk))
    made.open(line_matching_policy="three_way")
    return made


def in_order(buying: Buying) -> None:
    """Everything that is posted sums to zero and breaks no law."""
    assert books.broken_invariants() == []
    assert sum(row.balance for row in books.trial_balance(buying.scope)) == 0


def test_the_worked_example_of_the_chart(buying: Buying) -> None:
    """100 at 10,000 come; they are billed at 10,050 with VAT, which the tolerance allows."""
    company.save_price_tolerance(**buying.who, item="all", vendor="all", percent=Decimal(1))
    buying.order()
    buying.receive()
    assert (buying.balance(Code.GOODS_RECEIVED), buying.waiting()) == (1_000_000, 1_000_000)
    buying.bill(price="10050", tax="100500")
    assert buying.post().warnings == ()
    assert buying.waiting() == 0
    assert buying.balance(Code.PRICE_VARIANCE) == 5_000
    assert buying.balance(Code.INPUT_VAT) == 100_500
    assert buying.balance(Code.VENDOR_PAYABLE, "paper") == 1_105_500
    leak = Leak.objects.get()
    assert (leak.amount, leak.expected, leak.currency) == (5_000, 1_000_000, "KRW")
    in_order(buying)


def test_a_cancelled_receipt_is_as_if_it_had_never_come(buying: Buying) -> None:
    buying.order()
    buying.receive("R1", "40")
    buying.receive("R2", "33")
    receipts.cancel_receipt(**buying.who, receipt_id="R1")
    assert (buying.waiting(), buying.balance(Code.GOODS_RECEIVED)) == (330_000, 330_000)
    assert Journal.objects.filter(event_type="receipt.cancelled", origin_id="R1").count() == 1
    in_order(buying)


def test_what_is_billed_before_it_comes_costs_once(buying: Buying) -> None:
    company.save_parameters(**buying.who, fields={"line_matching_policy": "two_way"})
    buying.order()
    buying.bill(quantity="60")
    buying.post()
    assert (buying.waiting(), buying.balance(Code.GOODS_RECEIVED)) == (0, 600_000)
    buying.receive("R1", "50")
    assert (buying.waiting(), buying.balance(Code.GOODS_RECEIVED)) == (0, 600_000)
    buying.receive("R2", "50")
    assert (buying.waiting(), buying.balance(Code.GOODS_RECEIVED)) == (400_000, 1_000_000)
    buying.bill("REST", quantity="40", price="10000")
    buying.post("REST")
    assert (buying.waiting(), buying.balance(Code.GOODS_RECEIVED)) == (0, 1_000_000)
    assert buying.balance(Code.VENDOR_PAYABLE, "paper") == 1_000_000
    in_order(buying)


def test_parts_that_do_not_divide_leave_nothing_behind(buying: Buying) -> None:
    buying.order(quantity="3", price="33.333333")
    buying.receive("R1", "3")
    assert buying.waiting() == 100
    for place in range(3):
        buying.bill(f"I{place}", quantity="1", price="33.333333")
        buying.post(f"I{place}")
    assert buying.waiting() == 0
    assert buying.balance(Code.VENDOR_PAYABLE, "paper") == 99
    in_order(buying)


def test_a_credit_note_takes_it_back(buying: Buying) -> None:
    buying.order()
    buying.receive()
    buying.bill()
    buying.post()
    buying.order("BACK", quantity="-10")
    buying.receive("RB", "-10", order="BACK")
    assert buying.waiting() == -100_000
    buying.bill("CREDIT", quantity="-10", order="BACK")
    assert buying.post("CREDIT").warnings == ()
    assert (buying.waiting(), buying.balance(Code.VENDOR_PAYABLE, "paper")) == (0, 900_000)
    in_order(buying)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 400)), max_size=12),
    st.integers(0, 10**7),
    st.sampled_from([1, -1]),
)
def test_what_is_waited_for_follows_what_is_ahead(steps: list[tuple[bool, int]], value: int, sign: int) -> None:
    """Whatever comes and is billed in whatever order: nothing ahead, nothing waited for."""
    ahead, open_amount, unit = Fraction(0), 0, Fraction(value, 1000)
    for came, quantity in steps:
        change = Fraction(quantity, 4) * sign * (1 if came else -1)
        moved = accruals.moved(line_sign=sign, before=ahead, change=change, open_amount=open_amount, unit_value=unit)
        ahead, open_amount = ahead + change, open_amount + moved
        assert open_amount * sign >= 0
        if ahead * sign <= 0:
            assert open_amount == 0


# ---- paid by the next bulk payout


@pytest.fixture
def bank(tmp_path: Path, db: None) -> Iterator[World]:  # noqa: ARG001 - the world is made in the database
    with world(tmp_path) as made:
        yield made


def test_a_posted_invoice_is_paid_as_it_is_beside_what_is_taxed(bank: World) -> None:
    """A partner who is withheld from earns 100,000 and bills 1,105,500 as a vendor: only the earnings are taxed."""
    bank.partner("writer", kind=PartnerType.WHT_PAYER)
    buying = Buying(bank.scope)
    buying.open(line_matching_policy="three_way")
    company.save_vendor(**buying.who, account="paper", fields={"partner": "writer"})
    buying.order(price="10050")
    buying.receive()
    buying.bill(price="10050", tax="100500", due=clock.today())
    posted = buying.post().invoice
    record = SettlementRecord.objects.get(public_id=posted.settlement_record_id)
    assert (record.origin_kind, record.origin_id, record.net) == ("invoice", "INV", 1_105_500)
    assert buying.balance(Code.VENDOR_PAYABLE, "paper") == 0
    bank.owe("writer", 100_000)
    bulk = bank.approved()
    payout = bank.payout("writer")
    assert (payout.settlement_amount, payout.income_tax_amount, payout.local_income_tax_amount) == (
        1_205_500,
        3_000,
        300,
    )
    bank.send()
    assert bank.witness() == {payout.attempts.get().reference: 1_202_200}
    assert Payout.objects.get(pk=payout.pk).status == "SUCCEEDED"
    assert bulk.pk == payout.bulk_payout_id
    in_order(buying)


def test_an_invoice_due_later_matures_on_its_day_and_stays_apart(bank: World) -> None:
    bank.partner("writer", kind=PartnerType.WHT_PAYER)
    buying = Buying(bank.scope)
    buying.open()
    company.save_vendor(**buying.who, account="paper", fields={"partner": "writer", "payment_days": 10})
    due = clock.today() + timedelta(days=10)
    buying.order()
    buying.bill()
    buying.post()
    bank.owe("writer", 50_000, on=due)
    assert maturity.mature_due(due) == 2
    apart = {row.paid_as_is: row.net for row in PartnerSettlement.objects.within(bank.scope)}
    assert apart == {True: 1_000_000, False: 50_000}


def test_without_a_partner_the_money_waits_and_follows_when_there_is_one(bank: World) -> None:
    buying = Buying(bank.scope)
    buying.open()
    buying.order()
    buying.bill()
    posted = buying.post().invoice
    assert (posted.settlement_record_id, posted.unpaid_reason) == ("", "NO_PARTNER")
    assert buying.balance(Code.VENDOR_PAYABLE, "paper") == 1_000_000
    bank.partner("writer")
    company.save_vendor(**buying.who, account="paper", fields={"partner": "writer"})
    assert jobs.run_sweeper("matching.pay_waiting") == 1
    assert jobs.run_sweeper("matching.pay_waiting") == 0
    assert buying.balance(Code.VENDOR_PAYABLE, "paper") == 0
    assert Invoice.objects.get().settlement_record_id
    in_order(buying)
