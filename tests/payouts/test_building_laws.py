"""Promise: a claim names a settlement to be paid, of the payout's own scope and as it is, whatever SQL is tried."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from config import roles
from core import clock
from core.scope import Scope
from ledger.posting import refused_by
from payouts.models import Payout
from settlement import claims
from settlement.models import Claim, ClaimRelease, PartnerSettlement, PayoutRef, SettlementState
from settlement.operations import holding
from tests import build
from tests.payouts.test_building import make, new_bulk, owed, shop, take_back


@contextmanager
def refused(constraint: str) -> Iterator[None]:
    """Expect a refusal by the constraint of this name."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        yield
    assert refused_by(caught.value) == constraint


def run(statement: str, **values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def insert(row: PartnerSettlement, payout: int, *, number: int = 1, more: int = 0, key: int = 0) -> None:
    """Claim by SQL as the application's role, with `more` than the settlement amounts to."""
    run(
        "insert into settlement_claim (partner_settlement_id, claim_no, after_no, payout_ref_id, net, net_tax_free,"
        " credit_total, debit_total)"
        " values (%(row)s, %(no)s, nullif(%(no)s - 1, 0), %(payout)s, %(net)s, 0, %(plus)s, 0)",
        row=key or row.pk,
        no=number,
        payout=payout,
        net=row.net + more,
        plus=row.credit_total + more,
    )


@pytest.fixture
def scope() -> Scope:
    return shop()


@pytest.fixture
def payout(scope: Scope) -> Payout:
    """Return a payout of one settlement of one partner."""
    row = owed(scope, build.partner(scope, "paid"), 5_000)
    return make(scope, new_bulk(scope), [row.pk]).payouts.get()


@pytest.fixture
def row(scope: Scope) -> PartnerSettlement:
    """Return a settlement that nobody has claimed."""
    return owed(scope, build.partner(scope, "waiting"), 10_000)


@pytest.mark.django_db
class TestClaims:
    def test_a_right_one_is_accepted(self, row: PartnerSettlement, payout: Payout) -> None:
        insert(row, payout.pk)
        assert Claim.objects.get(partner_settlement=row).payout_ref_id == payout.pk

    def test_it_names_a_settlement_and_a_payout_that_are_there(self, row: PartnerSettlement, payout: Payout) -> None:
        with refused("settlement_claim_of_known"):
            insert(row, payout.pk, key=row.pk + 1_000)
        with refused("settlement_claim_of_known"):
            insert(row, payout.pk + 1_000)

    def test_it_is_in_the_scope_of_its_payout(self, row: PartnerSettlement, payout: Payout) -> None:
        other = shop()
        theirs = owed(other, build.partner(other, "paid"), 5_000)
        with refused("settlement_same_scope"):
            insert(theirs, payout.pk)
        with refused("settlement_same_scope"):
            insert(row, make(other, new_bulk(other), [theirs.pk]).payouts.get().pk)

    @pytest.mark.parametrize("more", [1, -1])
    def test_it_is_of_what_the_settlement_amounts_to(self, row: PartnerSettlement, payout: Payout, more: int) -> None:
        with refused("settlement_claim_amounts"):
            insert(row, payout.pk, more=more)

    def test_what_was_excluded_or_taken_back_is_not_claimed(
        self, scope: Scope, row: PartnerSettlement, payout: Payout
    ) -> None:
        holding.exclude(scope=scope, by=build.BY, now=clock.now(), public_ids=[row.public_id])
        with refused("settlement_claim_of_payable"):
            insert(row, payout.pk)
        PartnerSettlement.objects.filter(pk=row.pk).update(state=SettlementState.VOIDED)
        with refused("settlement_claim_of_payable"):
            insert(row, payout.pk)

    def test_the_next_one_needs_the_release_of_the_last(
        self, scope: Scope, row: PartnerSettlement, payout: Payout
    ) -> None:
        bulk = make(scope, new_bulk(scope), [row.pk])
        with refused("settlement_claim_needs_release"):
            insert(row, payout.pk, number=2)
        take_back(scope, bulk)
        with refused("settlement_claim_needs_release"):
            insert(row, payout.pk, number=3)
        insert(row, payout.pk, number=2)
        assert Claim.objects.filter(partner_settlement=row).count() == 2

    def test_one_bad_row_among_good_ones_refuses_them_all(
        self, scope: Scope, row: PartnerSettlement, payout: Payout
    ) -> None:
        good = owed(scope, row.partner, 700)
        with refused("settlement_claim_amounts"):
            run(
                "insert into settlement_claim (partner_settlement_id, claim_no, payout_ref_id, net, net_tax_free,"
                " credit_total, debit_total)"
                " select s.id, 1, %(payout)s, s.net + (s.id = %(bad)s)::int, 0, s.credit_total, 0"
                " from settlement_partnersettlement s where s.id = any(%(both)s)",
                payout=payout.pk,
                bad=row.pk,
                both=[row.pk, good.pk],
            )
        assert not Claim.objects.filter(partner_settlement__in=[row, good]).exists()

    def test_the_operation_refuses_a_live_one_under_its_own_name(self, scope: Scope, payout: Payout) -> None:
        taken = PartnerSettlement.objects.get(claims__payout_ref_id=payout.pk)
        with pytest.raises(claims.NotClaimable):
            claims.claim(scope=scope, taken={payout.pk: claims.lock(scope, [taken.pk])})


class TestWhatClaimsName:
    """No key guards these any more, so nothing that a claim names may go away or become another's."""

    @pytest.mark.parametrize(
        ("table", "constraint"),
        [
            ("settlement_payoutref", "settlement_payout_ref_stays"),
            ("settlement_partnersettlement", "settlement_partner_settlement_stays"),
        ],
    )
    @pytest.mark.usefixtures("committed_db", "payout")
    def test_it_stays(self, table: str, constraint: str) -> None:
        for statement in (f"delete from {table}", f"truncate {table} cascade"):  # noqa: S608 - literals of this test
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                run(statement)
            with roles.as_owner(), pytest.raises(IntegrityError, match="is refused"), transaction.atomic():
                run(statement)
        for column in ("id", "merchant_id"):
            with refused(constraint):
                run(f"update {table} set {column} = {column} + 1000")  # noqa: S608 - literals of this test

    @pytest.mark.usefixtures("committed_db", "payout")
    def test_what_may_change_about_it_still_does(self) -> None:
        PayoutRef.objects.get().save()
        PartnerSettlement.objects.get().save()
        assert not ClaimRelease.objects.exists()
