"""Promise: the bank's statement is read line by line to its end, settles what is unclear, and returns money once."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core import clock
from ledger import queries as books
from ledger.accounts import Address
from ledger.chart import Code
from payouts.models import Attempt, AttemptState, BankAccount, BankEvent, DispatchStop, PayoutStatus
from payouts.notices import Notice
from payouts.operations import callbacks, dispatch, results, running, statements
from payouts.rails.base import Outcome, OutcomeKind
from settlement import claims
from settlement.models import PartnerType
from tests.payouts.world import World, later, world


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        made.partner("acme", kind=PartnerType.WHT_PAYER)
        yield made
        assert books.broken_invariants() == []
        assert sum(row.balance for row in books.trial_balance(made.scope)) == 0
        assert not DispatchStop.objects.exists()


def paid(here: World, amount: int = 1_000_000) -> Attempt:
    here.owe("acme", amount)
    owed = list(claims.claimable(here.scope).values_list("pk", flat=True))
    here.approve(here.submit(here.build(owed)))
    here.send()
    assert here.payout("acme").status == PayoutStatus.SUCCEEDED
    return Attempt.objects.latest("pk")


def read(here: World) -> int:
    BankAccount.objects.within(here.scope).update(statement_checked_at=None)
    return statements.read_statements(now=clock.now())


def give_back(attempt: Attempt, amount: int) -> results.Return:
    now = clock.now()
    return results.record_return(attempt_id=attempt.pk, amount=amount, returned_at=now, now=now)


class TestReading:
    def test_settles_an_attempt_whose_answer_was_lost(self, here: World) -> None:
        here.owe("acme", 1_000_000)
        here.approved()
        here.bank.faults({"match": {"call": "transfer"}, "effect": "timeout_after", "count": 1})
        here.send()
        assert here.payout("acme").status == PayoutStatus.UNKNOWN

        assert read(here) == 1

        assert here.payout("acme").status == PayoutStatus.SUCCEEDED
        assert BankEvent.objects.get(call="statement").applied
        assert read(here) == 0

    def test_waits_at_a_transfer_that_is_just_being_sent(self, here: World) -> None:
        here.owe("acme", 1_000_000)
        here.approved()
        running.start_due(clock.now())
        now = clock.now()
        claimed = dispatch.claim(rail_name="simulator", worker="w", limit=1, now=now)
        answers = dispatch.call(dispatch.pass_point_of_no_return(claimed, now))

        assert read(here) == 0
        assert BankAccount.objects.get().statement_read_to is None
        results.record(answers, now=clock.now())
        assert read(here) == 0
        account = BankAccount.objects.get()
        assert (account.statement_read_to, account.statement_read_sequence) == (clock.today(), 1)

    def test_goes_on_where_it_stopped(self, here: World) -> None:
        paid(here)
        read(here)
        before = BankAccount.objects.get().statement_read_sequence
        paid(here)
        read(here)
        assert BankAccount.objects.get().statement_read_sequence == before + 1


class TestMoneyThatComesBack:
    def test_short_by_a_fee_is_credited_in_full(self, here: World) -> None:
        attempt = paid(here)
        before = books.balance(here.scope, Address(Code.BANK, "main"))

        assert give_back(attempt, attempt.amount - 500) is results.Return.RECORDED

        assert here.balance(Code.PARTNER_HELD) == 1_000_000
        assert books.balance(here.scope, Address(Code.BANK_FEE)) == 500
        assert books.balance(here.scope, Address(Code.BANK, "main")) == before + attempt.amount - 500
        assert here.balance(Code.RETURNED_PAYOUT) == 0

    @pytest.mark.parametrize("difference", [-1_001, 1])
    def test_of_another_amount_waits_for_people(self, here: World, difference: int) -> None:
        attempt = paid(here)
        assert give_back(attempt, attempt.amount + difference) is results.Return.DIFFERS
        assert here.payout("acme").status == PayoutStatus.SUCCEEDED
        assert BankEvent.objects.filter(outcome="OTHER_AMOUNT", applied=False).count() == 1

    def test_does_so_once(self, here: World) -> None:
        attempt = paid(here)
        assert give_back(attempt, attempt.amount) is results.Return.RECORDED
        assert give_back(attempt, attempt.amount) is results.Return.KNOWN
        assert here.balance(Code.PARTNER_HELD) == 1_000_000
        assert claims.claimable(here.scope).count() == 1

    def test_before_its_success_is_known_waits(self, here: World) -> None:
        here.owe("acme", 1_000_000)
        here.approved()
        here.bank.faults({"match": {"call": "transfer"}, "effect": "timeout_after", "count": 1})
        here.send()
        assert give_back(Attempt.objects.get(), 967_000) is results.Return.NOT_YET

    def test_long_after_is_found_although_nobody_looked_for_days(self, here: World) -> None:
        attempt = paid(here)
        read(here)
        long_ago = clock.today() - timedelta(days=60)
        BankAccount.objects.update(statement_read_to=long_ago)
        Attempt.objects.filter(pk=attempt.pk).update(executed_at=clock.now() - timedelta(days=60))
        here.bank.call("POST", "/v1/faults", {"rules": []})
        assert read(here) == 0
        assert BankAccount.objects.get().statement_read_to == clock.today()

    def test_is_paid_again_once_to_a_verified_account(self, here: World) -> None:
        attempt = paid(here)
        give_back(attempt, attempt.amount)
        here.approved()
        here.send()

        assert here.payout("acme").status == PayoutStatus.SUCCEEDED
        assert len(here.witness()) == 2
        assert here.balance(Code.PARTNER_HELD) == 0


class TestSecondThoughtsOfTheBank:
    def ask_again(self, attempt: Attempt) -> None:
        notice = Notice("transfer.failed", attempt.reference, attempt.reference_date, attempt.amount, "{}")
        assert callbacks.take(rail=attempt.rail, event_id="evt", notice=notice, now=clock.now())

    def test_a_success_that_stands_stays(self, here: World) -> None:
        attempt = paid(here)
        self.ask_again(attempt)
        assert here.ask() == 1
        assert Attempt.objects.get().state == AttemptState.SUCCEEDED
        assert here.ask() == 0

    def test_a_success_that_failed_after_all_gives_the_money_back(self, here: World) -> None:
        attempt = paid(here)
        answer = json.dumps({"code": "415"})
        failed = results.Answered(attempt.pk, attempt.fence, "inquire", late_failure(attempt, answer))
        results.record([failed], now=clock.now())
        results.record([failed], now=clock.now())

        assert here.payout("acme").status == PayoutStatus.RETURNED
        assert here.balance(Code.PARTNER_HELD) == 1_000_000
        assert here.payout("acme").fail_code == "415"


def late_failure(attempt: Attempt, evidence: str) -> Outcome:
    return Outcome(
        kind=OutcomeKind.FAILED,
        code="415",
        reference=attempt.reference,
        reference_date=attempt.reference_date,
        amount=attempt.amount,
        evidence=evidence,
    )


def test_an_account_changed_after_approval_stops_its_payout(here: World) -> None:
    here.owe("acme", 1_000_000)
    here.approved()
    running.start_due(clock.now())
    payout = here.payout("acme")
    payout.partner.account_fingerprint = "another"
    payout.partner.save(update_fields=["account_fingerprint"])
    assert here.send() == 1, "claimed, looked at, and put back"
    assert here.witness() == {}
    later(3600)

    assert running.stop_outdated(clock.now()) == 1

    payout = here.payout("acme")
    assert (payout.status, payout.fail_code) == (PayoutStatus.STOPPED, "ACCOUNT_CHANGED")
    assert here.balance(Code.PARTNER_AVAILABLE) == 1_000_000
