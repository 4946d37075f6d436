"""Promise: what is said to be paid by hand counts only after another person approved it with its evidence."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core import clock
from core.errors import InvalidRequest
from core.scope import Scope
from ledger import queries as books
from ledger.accounts import Address
from ledger.chart import Code
from ledger.posting import refused_by
from payouts.models import (
    Attempt,
    BulkPayout,
    BulkStatus,
    Completion,
    Decision,
    HandPayment,
    PayoutMethod,
    PayoutStatus,
)
from payouts.operations import approval, building, by_hand, replacing, running
from payouts.operations.by_hand import Proof
from settlement import claims
from settlement.models import PartnerSettlement
from tests.payouts.test_pages import CLOSED, Shop, shop

PROOF = Proof(clock.today(), "국민은행 이체확인증 2026-11-21", "scan-0012.pdf")


@pytest.fixture
def here(db: None) -> Shop:  # noqa: ARG001 - needs tables
    return shop()


def proposed(here: Shop, *rows: PartnerSettlement, **values: Any) -> BulkPayout:
    usual: dict[str, Any] = {
        "scope": here.scope,
        "settlement_ids": [row.pk for row in rows],
        "left_out": {},
        "proof": PROOF,
        "name": "직접 지급",
        "by": here.actor("maker"),
        "now": clock.now(),
    }
    return by_hand.propose(**(usual | values))


def decided(here: Shop, bulk: BulkPayout, who: str, decision: Decision = Decision.APPROVED) -> BulkPayout:
    return by_hand.decide(
        scope=here.scope,
        bulk_id=bulk.public_id,
        seen_hash=bulk.content_hash,
        decision=decision,
        by=here.actor(who),
        now=clock.now(),
        reason="" if decision == Decision.APPROVED else "증빙이 달라요",
    )


def balance(scope: Scope, code: Code, owner: str) -> int:
    return books.balance(scope, Address(code, owner))


def test_another_person_approves_and_only_then_it_is_paid(here: Shop) -> None:
    here.partner("acme", verified=False)
    bulk = proposed(here, here.owe("acme", 70_000))
    payout = here.payout("acme")
    assert (bulk.status, bulk.method) == (BulkStatus.PENDING_APPROVAL, PayoutMethod.DIRECT)
    assert payout.status == PayoutStatus.CONFIRMED
    assert balance(here.scope, Code.PARTNER_RESERVED, "acme") == 70_000

    with pytest.raises(approval.OwnBulkPayout):
        decided(here, bulk, "maker")
    decided(here, bulk, "checker")

    assert here.again(bulk).status == BulkStatus.COMPLETED
    assert here.payout("acme").status == PayoutStatus.SUCCEEDED
    completion = Completion.objects.get(payout=payout)
    assert (completion.completed_on, PROOF.evidence in completion.evidence) == (PROOF.paid_on, True)
    assert balance(here.scope, Code.PARTNER_RESERVED, "acme") == 0
    assert balance(here.scope, Code.BANK, "main") == 1_000_000_000, "our bank account did not pay it"
    assert balance(here.scope, Code.OPERATOR_FUNDS, "main") == 1_000_070_000
    assert not Attempt.objects.exists()


def test_nothing_starts_it_meanwhile(here: Shop) -> None:
    here.partner("acme")
    bulk = proposed(here, here.owe("acme", 70_000))
    assert running.start_due(clock.now()) == 0
    decided(here, bulk, "checker")
    assert running.start_due(clock.now()) == 0
    assert not Attempt.objects.exists()


def test_rejecting_keeps_it_and_cancelling_gives_everything_back(here: Shop) -> None:
    here.partner("acme")
    row = here.owe("acme", 70_000)
    bulk = proposed(here, row)

    decided(here, bulk, "checker", Decision.REJECTED)
    assert here.again(bulk).status == BulkStatus.PREPARED
    building.cancel_bulk_payout(
        scope=here.scope, bulk_id=bulk.public_id, by=here.actor("maker"), now=clock.now(), reason="다시 확인"
    )

    assert claims.claimable(here.scope).filter(pk=row.pk).exists()
    assert balance(here.scope, Code.PARTNER_AVAILABLE, "acme") == 70_000


def test_a_failed_payout_is_paid_by_hand_as_a_new_one_that_replaces_it(here: Shop) -> None:
    here.sent(here.approved("acme"), {"acme": CLOSED})
    failed = here.payout("acme")
    row = PartnerSettlement.objects.within(here.scope).get()

    bulk = proposed(here, row)
    decided(here, bulk, "checker")

    made = here.payout("acme")
    assert made.replaces_id == failed.pk
    assert (made.status, here.again(failed.bulk_payout).status) == (PayoutStatus.SUCCEEDED, BulkStatus.COMPLETED)
    with transaction.atomic():
        assert replacing.note_replaced(bulk) == 0, "once is enough"


@pytest.mark.parametrize(
    "proof",
    [Proof(clock.today() + timedelta(days=1), "내일"), Proof(clock.today(), "  ")],
    ids=["a day that has not come", "no evidence"],
)
def test_a_proof_has_a_past_day_and_says_something(here: Shop, proof: Proof) -> None:
    here.partner("acme")
    row = here.owe("acme", 70_000)
    with pytest.raises(InvalidRequest):
        proposed(here, row, proof=proof)
    assert not BulkPayout.objects.exists()


def test_what_cannot_be_paid_refuses_the_whole(here: Shop) -> None:
    here.partner("acme")
    here.partner("beta")
    good, owed = here.owe("acme", 70_000), here.owe("beta", -5_000)
    with pytest.raises(by_hand.NotPayable):
        proposed(here, good, owed)
    proposed(here, good)
    with pytest.raises(claims.NotClaimable):
        proposed(here, good)
    assert BulkPayout.objects.count() == 1


def test_foreign_settlements_are_absent(here: Shop) -> None:
    other = shop("다른마켓")
    other.partner("acme")
    row = other.owe("acme", 10_000)
    with pytest.raises(claims.NotClaimable):
        proposed(here, row)


def test_the_database_keeps_the_proof_and_refuses_to_skip_the_approval(here: Shop) -> None:
    here.partner("acme")
    bulk = proposed(here, here.owe("acme", 70_000))
    payout = here.payout("acme")

    def refused(statement: str, **values: int) -> str:
        with pytest.raises(IntegrityError) as caught, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
        return refused_by(caught.value)

    completion = "insert into payouts_completion values (%(payout)s, current_date, 'x', 'x', now())"
    assert refused(completion, payout=payout.pk) == "payouts_bulk_is_approved"
    decided(here, bulk, "checker", Decision.REJECTED)
    skipping = "update payouts_bulkpayout set status = 'COMPLETED' where id = %(bulk)s"
    assert refused(skipping, bulk=bulk.pk) == "payouts_bulk_is_approved"
    assert HandPayment.objects.get().evidence == PROOF.evidence
