"""Promise: an accepted file is booked to the unit and once; resellers are charged for their part, once, in a payout."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.errors import Conflict, InvalidRequest, NotFound
from core.scope import Scope
from ledger import queries as books
from ledger.accounts import Address
from ledger.chart import Code
from ledger.models import Journal
from ledger.posting import refused_by
from reconciliation import booking as figures
from reconciliation import queries
from reconciliation.amounts import EXACT, minor_unit
from reconciliation.lines import Kind
from reconciliation.models import Batch, ResellerSettlement
from reconciliation.operations import booking, deciding, reselling
from reconciliation.operations.reselling import Waits
from reconciliation.resellers import Bucket
from settlement.models import SettlementRecord
from tests.build import BY, merchant, noon, partner
from tests.payouts.world import World, world
from tests.reconciliation.stored import accepted, read, receive, won
from tests.reconciliation.writing import table

pytestmark = pytest.mark.django_db


def balance(scope: Scope, code: Code, owner: str = "", currency: str = "KRW") -> int:
    return books.balance(scope, Address(code, owner, currency))


def settle(batch: Batch, *mpns: str, flipped: tuple[str, ...] = ()) -> list[ResellerSettlement]:
    return reselling.settle(
        scope=batch.scope,
        batch_id=batch.public_id,
        chosen=[(mpn, "KRW") for mpn in mpns],
        flipped=frozenset((mpn, "KRW") for mpn in flipped),
        on=clock.today(),
        by=BY,
        now=clock.now(),
    )


def link(scope: Scope, mpn: str, partner_id: str) -> None:
    reselling.link(scope=scope, mpn=mpn, partner_id=partner_id, by=BY, now=noon())


def in_order(scope: Scope) -> None:
    assert books.broken_invariants() == []
    assert sum(row.balance for row in books.trial_balance(scope)) == 0


class TestBooking:
    def test_an_accepted_file_is_cost_tax_and_a_debt_to_the_vendor(self) -> None:
        scope = merchant()
        batch = accepted(scope, won(("6200001", "100000", "10000"), ("6200002", "50000.4", "5000.3")))
        assert balance(scope, Code.GOODS_RECEIVED) == 150_000
        assert balance(scope, Code.INPUT_VAT) == 15_000
        assert balance(scope, Code.VENDOR_PAYABLE, "microsoft") == 165_000
        (booked,) = booking.figures(batch)
        assert (booked.exact_pretax, booked.exact_tax, booked.residue) == (
            Decimal("150000.4"),
            Decimal("15000.3"),
            Decimal("0.7"),
        )
        deciding.accept(scope=scope, batch_id=batch.public_id, confirm=True, by=BY, now=noon())
        assert Journal.objects.within(scope).filter(origin_kind="vendor_file").count() == 1
        in_order(scope)

    def test_a_new_version_takes_the_old_ones_place_in_the_books(self) -> None:
        scope = merchant()
        first = accepted(scope, won(("6200001", "100000", "10000")))
        accepted(scope, won(("6200001", "90000", "9000")), confirm=True)
        assert balance(scope, Code.VENDOR_PAYABLE, "microsoft") == 99_000
        assert balance(scope, Code.GOODS_RECEIVED) == 90_000
        events = list(
            Journal.objects.filter(origin_id=first.public_id).order_by("pk").values_list("event_type", flat=True)
        )
        assert events == ["vendor_file.accepted", "vendor_file.accepted.reversed"]
        in_order(scope)

    def test_a_credit_file_gives_back(self) -> None:
        scope = merchant()
        accepted(scope, won(("6200001", "-100000", "-10000")))
        assert balance(scope, Code.VENDOR_PAYABLE, "microsoft") == -110_000
        in_order(scope)

    def test_each_currency_has_its_journal_and_one_nobody_keeps_has_none(self) -> None:
        scope = merchant()
        made = won(("6200001", "100000", "10000"), ("6200001", "1.005", "0.1"), ("6200001", "3", "0"))
        for row, currency in zip(made.rows, ("KRW", "USD", "KWD"), strict=True):
            row.update(Currency=currency, PricingCurrency=currency)
        batch = accepted(scope, made)
        assert balance(scope, Code.VENDOR_PAYABLE, "microsoft", "USD") == 111
        assert [(one.currency, one.can_be_booked) for one in booking.figures(batch)] == [
            ("KRW", True),
            ("KWD", False),
            ("USD", True),
        ]
        in_order(scope)

    def test_days_and_providers_move_nothing(self) -> None:
        scope = merchant()
        for kind in (Kind.NCE_DAILY, Kind.STRIPE_PAYOUT, Kind.USAGE_DAILY_LEGACY):
            accepted(scope, table(kind, rows=2))
        assert not Journal.objects.within(scope).exists()

    def test_another_vendor_is_owed_from_when_it_is_named(self) -> None:
        scope = merchant()
        accepted(scope, won(("6200001", "1000", "100")))
        booking.set_vendor_account(scope=scope, account="  V-100 ", by=BY, now=noon())
        accepted(scope, won(("6200001", "2000", "200"), invoice="G2"))
        assert balance(scope, Code.VENDOR_PAYABLE, "V-100") == 2_200
        # What was posted to the first vendor is taken back there.
        accepted(scope, won(("6200001", "3000", "300")), confirm=True)
        assert balance(scope, Code.VENDOR_PAYABLE, "microsoft") == 0
        assert balance(scope, Code.VENDOR_PAYABLE, "V-100") == 5_500

    @pytest.mark.parametrize("name", ["", "   ", "v" * 201])
    def test_a_vendor_has_a_name(self, name: str) -> None:
        with pytest.raises(InvalidRequest):
            booking.set_vendor_account(scope=merchant(), account=name, by=BY, now=noon())

    def test_the_day_of_the_invoice_decides_when_it_is_due(self) -> None:
        batch = accepted(merchant(), won(("6200001", "1000", "100")))
        assert batch.last_day is not None
        assert queries.due_day(batch) == batch.last_day + timedelta(days=61)
        said = deciding.issued(scope=batch.scope, batch_id=batch.public_id, on=noon().date(), by=BY)
        assert queries.due_day(said) == noon().date() + timedelta(days=60)


@given(
    pretax=st.decimals(-(10**12), 10**12, places=6),
    tax=st.decimals(-(10**9), 10**9, places=6),
    currency=st.sampled_from(["KRW", "USD"]),
)
def test_what_is_booked_is_within_a_unit_of_what_the_file_says(pretax: Decimal, tax: Decimal, currency: str) -> None:
    (one,) = figures.booked({currency: {"pretax": str(pretax), "tax": str(tax)}})
    unit = minor_unit(currency)
    assert EXACT.add(EXACT.multiply(Decimal(one.payable), unit), one.residue) == EXACT.add(pretax, tax)
    assert abs(one.residue) <= unit


class TestParts:
    def test_they_are_the_whole_file_and_say_why_they_wait(self) -> None:
        scope = merchant()
        partner(scope, "reseller-a")
        link(scope, "6200001", "reseller-a")
        batch = accepted(
            scope,
            won(
                ("6200001", "1000", "100"), ("6200009", "500", "50"), ("6200000", "300", "30"), ("", "20", "2"),
                ("-1", "10", "1"), ("6200003", "0", "0"),
            ),
        )  # fmt: skip
        found = reselling.parts(batch)
        assert sum(part.total for part in found) == Decimal(batch.answer["totals"]["KRW"]["total"])
        told = {part.mpn: (part.bucket, part.amount, part.waits) for part in found}
        assert told == {
            "6200001": (Bucket.RESELLER, -1_100, None),
            "6200009": (Bucket.RESELLER, None, Waits.NO_PARTNER),
            "6200000": (Bucket.DIRECT, None, Waits.NO_RESELLER),
            "": (Bucket.NONE, None, Waits.NO_RESELLER),
            "-1": (Bucket.REMOVED, None, Waits.NO_RESELLER),
            "6200003": (Bucket.RESELLER, None, Waits.ZERO),
        }

    def test_an_id_is_linked_with_one_partner_of_its_own_merchant(self) -> None:
        scope, other = merchant(), merchant("다른 가게")
        partner(scope, "reseller-a")
        partner(scope, "reseller-b")
        theirs = partner(other, "theirs")
        link(scope, "6200001", "reseller-a")
        link(scope, "6200001", "reseller-b")
        assert [one.partner.public_id for one in queries.reseller_links(scope)] == ["reseller-b"]
        with pytest.raises(NotFound):
            link(scope, "6200001", "theirs")
        with pytest.raises(IntegrityError) as caught, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("update reconciliation_resellerlink set partner_id = %s", [theirs.pk])
        assert refused_by(caught.value) == "reconciliation_same_scope"
        reselling.unlink(scope=scope, mpn="6200001", by=BY)
        reselling.unlink(scope=scope, mpn="6200001", by=BY)
        assert not queries.reseller_links(scope).exists()

    @pytest.mark.parametrize("mpn", ["", "0", "-1", " "])
    def test_what_is_no_id_is_linked_with_nobody(self, mpn: str) -> None:
        scope = merchant()
        partner(scope, "reseller-a")
        with pytest.raises(InvalidRequest):
            link(scope, mpn, "reseller-a")


@pytest.fixture
def charged() -> Batch:
    """Return an accepted invoice of which reseller 6200001 owes 1,100 and 6200002 gets 550 back."""
    scope = merchant()
    partner(scope, "reseller-a")
    partner(scope, "reseller-b")
    link(scope, "6200001", "reseller-a")
    link(scope, "6200002", "reseller-b")
    return accepted(scope, won(("6200001", "1000", "100"), ("6200002", "-500", "-50")))


class TestSettling:
    def test_what_a_reseller_owes_is_taken_and_a_credit_is_given(self, charged: Batch) -> None:
        made = settle(charged, "6200001", "6200002")
        assert [one.amount for one in made] == [-1_100, 550]
        records_ = {one.public_id: one for one in SettlementRecord.objects.within(charged.scope)}
        for one in made:
            record = records_[one.record_id]
            assert (record.net, record.origin_kind, record.origin_id) == (
                one.amount,
                "reseller_settlement",
                one.public_id,
            )
            assert (record.paid_as_is, record.partner_id) == (True, one.partner_id)
        assert balance(charged.scope, Code.MANUAL_RECOVERY, "GENERAL") == 1_100
        in_order(charged.scope)

    def test_it_happens_once(self, charged: Batch) -> None:
        settle(charged, "6200001")
        assert settle(charged, "6200001", "6200001") == []
        assert [part.waits for part in reselling.parts(charged)] == [Waits.SETTLED, None]
        with pytest.raises(IntegrityError) as caught, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "insert into reconciliation_resellersettlement select (jsonb_populate_record(r, jsonb_build_object("
                "'id', r.id + 1000, 'public_id', 'copy'))).* from reconciliation_resellersettlement r"
            )
        assert refused_by(caught.value) == "reconciliation_reseller_settled_once"

    def test_the_sign_can_be_turned(self, charged: Batch) -> None:
        (made,) = settle(charged, "6200001", flipped=("6200001",))
        assert (made.amount, made.is_flipped) == (1_100, True)

    def test_one_that_cannot_be_settled_stops_all(self, charged: Batch) -> None:
        reselling.unlink(scope=charged.scope, mpn="6200002", by=BY)
        with pytest.raises(InvalidRequest):
            settle(charged, "6200001", "6200002")
        with pytest.raises(NotFound):
            settle(charged, "6200001", "no such id")
        assert not ResellerSettlement.objects.exists()
        assert not SettlementRecord.objects.exists()

    def test_a_new_version_settles_the_difference(self, charged: Batch) -> None:
        settle(charged, "6200001")
        newer = accepted(charged.scope, won(("6200001", "700", "70"), ("6200002", "-500", "-50")), confirm=True)
        first, second = reselling.parts(newer)
        assert (first.total, first.before, first.amount) == (Decimal(770), Decimal(1_100), 330)
        assert second.amount == 550
        with pytest.raises(Conflict):
            settle(charged, "6200002")
        (given_back,) = settle(newer, "6200001")
        assert given_back.amount == 330
        third = accepted(charged.scope, won(("6200001", "700", "70"), ("6200002", "-400", "-40")), confirm=True)
        assert [part.waits for part in reselling.parts(third)] == [Waits.ZERO, None]

    def test_what_was_charged_stays_and_belongs_to_its_file(self, charged: Batch) -> None:
        settle(charged, "6200001")
        for statement in (
            "update reconciliation_resellersettlement set amount = 1",
            "delete from reconciliation_resellersettlement",
        ):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)

    def test_a_file_that_only_waits_is_not_settled(self, charged: Batch) -> None:
        waiting = read(receive(charged.scope, won(("6200001", "1", "0"), invoice="G9")))
        with pytest.raises(Conflict):
            settle(waiting, "6200001")
        with pytest.raises(NotFound):
            reselling.settle(
                scope=merchant("다른 가게"), batch_id=charged.public_id, chosen=[], on=clock.today(), by=BY, now=noon()
            )


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def test_a_resellers_bill_lowers_its_next_payout(bank: World) -> None:
    """It sold for 5,000 and used 1,100 of the vendor's services: 3,900 leave the bank."""
    bank.partner("acme")
    bank.owe("acme", 5_000)
    link(bank.scope, "6200001", "acme")
    batch = accepted(bank.scope, won(("6200001", "1000", "100")))
    settle(batch, "6200001")
    bank.approved()
    bank.send()
    payout = bank.payout("acme")
    assert bank.witness() == {payout.attempts.get().reference: 3_900}
    in_order(bank.scope)
