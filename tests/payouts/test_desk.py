"""Promise: an attempt with an unclear answer ends by the bank's word or by two people, never by one, never twice."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction

from core import clock
from core.errors import DomainError, InvalidRequest, NotFound
from core.scope import Scope
from ledger import queries as books
from ledger.chart import Code
from ledger.posting import refused_by
from payouts import desk
from payouts.models import (
    Attempt,
    AttemptState,
    BankEvent,
    BulkPayout,
    BulkStatus,
    DecisionState,
    HandDecision,
    HandOutcome,
    PayoutStatus,
)
from payouts.operations import deciding
from settlement import claims
from tests.payouts.world import CHECKER, MAKER, SECOND_CHECKER, World, later, world

EVIDENCE = "은행 콜센터 14:05 통화, 거래번호 0012"


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        made.partner("acme")
        yield made
        assert books.broken_invariants() == []
        assert sum(row.balance for row in books.trial_balance(made.scope)) == 0


@pytest.fixture
def lost(here: World) -> World:
    """Send a payout whose answer is lost before the bank executes it."""
    here.owe("acme", 10_000)
    here.approved()
    here.bank.faults({"match": {"call": "transfer"}, "effect": "timeout_before", "count": 1})
    here.send()
    assert here.payout("acme").status == PayoutStatus.UNKNOWN
    return here


def propose(here: World, outcome: HandOutcome, **more: object) -> HandDecision:
    values: dict[str, object] = {"evidence": EVIDENCE, "by": MAKER, "now": clock.now()} | more
    if outcome == HandOutcome.SUCCEEDED:
        values.setdefault("executed_on", clock.today())
    return deciding.propose(scope=here.scope, payout_id=here.payout("acme").public_id, outcome=outcome, **values)  # type: ignore[arg-type] # checked by the operation


class TestTwoPeople:
    def test_decide_that_it_was_paid(self, lost: World) -> None:
        made = propose(lost, HandOutcome.SUCCEEDED)
        assert lost.payout("acme").status == PayoutStatus.UNKNOWN, "a proposal changes nothing"

        deciding.confirm(scope=lost.scope, decision_id=made.public_id, by=CHECKER, now=clock.now())

        assert lost.payout("acme").status == PayoutStatus.SUCCEEDED
        assert lost.balance(Code.PAYOUT_IN_TRANSIT) == 0
        assert BulkPayout.objects.get().status == BulkStatus.COMPLETED
        event = BankEvent.objects.get(call="decide")
        assert event.applied
        assert event.evidence == EVIDENCE

    def test_decide_that_it_was_not_paid_and_the_money_is_free_again(self, lost: World) -> None:
        later(3600)
        made = propose(lost, HandOutcome.FAILED)
        deciding.confirm(scope=lost.scope, decision_id=made.public_id, by=CHECKER, now=clock.now())

        payout = lost.payout("acme")
        assert payout.status == PayoutStatus.FAILED
        assert payout.fail_code == "DECIDED_BY_HAND"
        assert lost.balance(Code.PARTNER_AVAILABLE) == 10_000
        assert claims.claimable(lost.scope).count() == 1

    def test_decide_to_send_again_and_the_reference_is_the_same(self, lost: World) -> None:
        before = Attempt.objects.get().reference
        later(3600)
        made = propose(lost, HandOutcome.RESEND)
        deciding.confirm(scope=lost.scope, decision_id=made.public_id, by=CHECKER, now=clock.now())
        lost.bank.faults()
        later(3600)
        lost.send()

        assert lost.payout("acme").status == PayoutStatus.SUCCEEDED
        assert list(lost.witness()) == [before]

    def test_are_two(self, lost: World) -> None:
        made = propose(lost, HandOutcome.SUCCEEDED)
        for decide in (deciding.confirm, lambda **given: deciding.reject(reason="아님", **given)):
            with pytest.raises(deciding.OwnDecision):
                decide(scope=lost.scope, decision_id=made.public_id, by=MAKER, now=clock.now())

        with pytest.raises(IntegrityError) as caught, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("update payouts_handdecision set state = 'CONFIRMED', decided_by_id = proposed_by_id")
        assert refused_by(caught.value) == "payouts_another_person_confirms"

    def test_may_disagree(self, lost: World) -> None:
        made = propose(lost, HandOutcome.SUCCEEDED)
        with pytest.raises(InvalidRequest):
            deciding.reject(scope=lost.scope, decision_id=made.public_id, reason=" ", by=CHECKER, now=clock.now())
        deciding.reject(scope=lost.scope, decision_id=made.public_id, reason="명세에 없음", by=CHECKER, now=clock.now())

        assert lost.payout("acme").status == PayoutStatus.UNKNOWN
        with pytest.raises(deciding.DecisionMade):
            deciding.confirm(scope=lost.scope, decision_id=made.public_id, by=SECOND_CHECKER, now=clock.now())
        assert propose(lost, HandOutcome.SUCCEEDED).state == DecisionState.PROPOSED


class TestProposing:
    def test_waits_until_the_bank_can_no_longer_execute_it(self, lost: World) -> None:
        for outcome in (HandOutcome.FAILED, HandOutcome.RESEND):
            with pytest.raises(deciding.TooEarly):
                propose(lost, outcome, now=Attempt.objects.get().submitted_at)

    def test_needs_evidence_and_a_day_that_can_be(self, lost: World) -> None:
        for given in ({"evidence": "  음 "}, {"executed_on": clock.today() + timedelta(days=1)}, {"executed_on": None}):
            with pytest.raises(InvalidRequest):
                propose(lost, HandOutcome.SUCCEEDED, **given)

    def test_happens_once_at_a_time(self, lost: World) -> None:
        made = propose(lost, HandOutcome.SUCCEEDED)
        with pytest.raises(deciding.AlreadyProposed):
            propose(lost, HandOutcome.SUCCEEDED, by=CHECKER)
        deciding.withdraw(scope=lost.scope, decision_id=made.public_id, by=MAKER, now=clock.now())
        propose(lost, HandOutcome.SUCCEEDED, by=CHECKER)

    def test_is_only_about_what_is_not_known(self, here: World) -> None:
        here.owe("acme", 10_000)
        here.approved()
        here.send()
        with pytest.raises(deciding.NotUndecided):
            propose(here, HandOutcome.FAILED)

    def test_of_another_merchant_looks_absent(self, lost: World) -> None:
        made = propose(lost, HandOutcome.SUCCEEDED)
        foreign = Scope(lost.scope.merchant_id + 1)
        with pytest.raises(NotFound):
            deciding.propose(
                scope=foreign,
                payout_id=lost.payout("acme").public_id,
                outcome=HandOutcome.FAILED,
                evidence=EVIDENCE,
                by=MAKER,
                now=clock.now(),
            )
        with pytest.raises(NotFound):
            deciding.confirm(scope=foreign, decision_id=made.public_id, by=CHECKER, now=clock.now())

    def test_leaves_what_was_proposed_as_it_was(self, lost: World) -> None:
        propose(lost, HandOutcome.SUCCEEDED)
        for change in ("evidence = 'x'", "outcome = 'FAILED', executed_on = null", "proposed_by_id = 999"):
            with pytest.raises(IntegrityError) as caught, transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"update payouts_handdecision set {change}")  # noqa: S608 - ours
            assert refused_by(caught.value) == "payouts_decision_stays"


class TestTheBankComesFirst:
    def test_then_the_proposal_is_void(self, lost: World) -> None:
        made = propose(lost, HandOutcome.SUCCEEDED)
        later(3600)
        lost.ask()
        later(3600)
        lost.ask()
        assert lost.payout("acme").status == PayoutStatus.PREPARED, "the bank never received it"

        with pytest.raises(deciding.NotUndecided):
            deciding.confirm(scope=lost.scope, decision_id=made.public_id, by=CHECKER, now=clock.now())

        assert HandDecision.objects.get().state == DecisionState.WITHDRAWN
        lost.bank.faults()
        lost.send()
        assert len(lost.witness()) == 1

    def test_a_late_answer_after_two_people_is_evidence_only(self, lost: World) -> None:
        attempt = Attempt.objects.get()
        later(3600)
        made = propose(lost, HandOutcome.FAILED)
        deciding.confirm(scope=lost.scope, decision_id=made.public_id, by=CHECKER, now=clock.now())
        Attempt.objects.filter(pk=attempt.pk).update(next_inquiry_at=clock.now())

        assert lost.ask() == 0
        assert Attempt.objects.get().state == AttemptState.FAILED


@pytest.mark.usefixtures("lost")
def test_the_desk_says_what_is_safe_and_from_when() -> None:
    found = Attempt.objects.get()
    assert found.submitted_at is not None
    actions = {one.name: one for one in desk.safe_actions(found, found.submitted_at)}

    assert actions["ask"].is_safe(found.submitted_at)
    assert actions["paid"].is_safe(found.submitted_at)
    for name in ("unpaid", "resend"):
        safe_from = actions[name].safe_from
        assert safe_from is not None
        assert safe_from > found.submitted_at
        assert actions[name].is_safe(safe_from)
    assert issubclass(deciding.TooEarly, DomainError)
