"""Promise: while a stop is open nothing leaves, whoever opened it; a breaker closes by itself, an alarm never does."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from core import clock
from core.errors import InvalidRequest, NotFound
from core.scope import Scope
from ledger import queries as books
from payouts import queries
from payouts.models import Attempt, BankAccount, DispatchStop, HandOutcome, Payout, PayoutStatus, StopKind
from payouts.operations import deciding, dispatch, running, statements, stopping
from tests.payouts.world import CHECKER, MAKER, World, later, world


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        yield made
        assert books.broken_invariants() == []
        assert sum(row.balance for row in books.trial_balance(made.scope)) == 0


def stop(here: World) -> DispatchStop:
    return stopping.stop(scope=here.scope, reason="월말 점검", by=MAKER, now=clock.now())


def read(here: World) -> int:
    BankAccount.objects.within(here.scope).update(statement_checked_at=None)
    return statements.read_statements(now=clock.now())


class TestTheSwitch:
    def test_keeps_everything_back_until_it_is_ended(self, here: World) -> None:
        here.owe_many(3)
        here.approved()
        thrown = stop(here)

        assert here.send() == 0
        assert here.witness() == {}

        stopping.resume(scope=here.scope, stop_id=thrown.pk, reason="점검 끝", by=CHECKER, now=clock.now())
        assert here.send() == 3
        assert len(here.witness()) == 3

    def test_holds_what_was_claimed_before_it_was_thrown(self, here: World) -> None:
        here.owe_many(2)
        here.approved()
        running.start_due(clock.now())
        claimed = dispatch.claim(rail_name="simulator", worker="w", limit=10, now=clock.now())
        stop(here)

        assert dispatch.pass_point_of_no_return(claimed, clock.now()) == []
        assert set(Payout.objects.values_list("status", flat=True)) == {PayoutStatus.PREPARED}

    def test_is_about_its_own_scope(self, here: World) -> None:
        here.owe_many(1)
        here.approved()
        stopping.stop(scope=Scope(here.scope.merchant_id + 1), reason="남의 점검", by=MAKER, now=clock.now())
        stopping.stop(scope=Scope(here.scope.merchant_id, is_test=True), reason="테스트", by=MAKER, now=clock.now())

        assert here.send() == 1

    def test_is_thrown_once_and_ended_once(self, here: World) -> None:
        first, second = stop(here), stop(here)
        assert first.pk == second.pk
        for by in (CHECKER, MAKER):
            stopping.resume(scope=here.scope, stop_id=first.pk, reason="끝", by=by, now=clock.now())
        assert DispatchStop.objects.get(pk=first.pk).ended_by == str(CHECKER)
        assert stop(here).pk != first.pk

    def test_says_why_and_belongs_to_somebody(self, here: World) -> None:
        with pytest.raises(InvalidRequest):
            stopping.stop(scope=here.scope, reason=" ", by=MAKER, now=clock.now())
        thrown = stop(here)
        with pytest.raises(NotFound):
            stopping.resume(
                scope=Scope(here.scope.merchant_id + 1), stop_id=thrown.pk, reason="x", by=CHECKER, now=clock.now()
            )

    @pytest.mark.parametrize(
        "statement",
        [
            "delete from payouts_dispatchstop",
            "update payouts_dispatchstop set reason = 'x'",
            "update payouts_dispatchstop set merchant_id = 999",
        ],
    )
    def test_is_kept_as_it_was(self, here: World, statement: str) -> None:
        thrown = stop(here)
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        assert DispatchStop.objects.get(pk=thrown.pk).reason == "월말 점검"


class TestTheBreaker:
    def trip(self, here: World) -> None:
        here.owe_many(stopping.TRIPS_AT + 5)
        here.approved()
        here.bank.faults({"match": {"call": "transfer"}, "effect": "error500_before"})
        running.start_due(clock.now())
        dispatch.send_due(now=clock.now(), limit=stopping.TRIPS_AT)

    def test_trips_when_the_bank_does_not_answer_and_lets_one_through(self, here: World) -> None:
        self.trip(here)
        found = DispatchStop.objects.get()
        assert (found.kind, found.rail, found.ended_at) == (StopKind.BREAKER, "simulator", None)
        assert dispatch.send_due(now=clock.now()) == 0, "an open breaker sends nothing"

        due = clock.now() + timedelta(hours=1)
        assert dispatch.send_probe(due) == 1
        assert dispatch.send_probe(due) == 0, "one probe at a time"
        assert DispatchStop.objects.get().ended_at is None, "its answer was unclear too"

    def test_closes_when_the_bank_answers_again(self, here: World) -> None:
        self.trip(here)
        here.bank.faults()
        assert dispatch.send_probe(clock.now() + timedelta(hours=1)) == 1

        assert DispatchStop.objects.get().ended_at is not None
        assert here.send() == 4
        later(3600)
        while here.ask():
            later(3600)
        later(3600)
        here.send()
        assert set(Payout.objects.values_list("status", flat=True)) == {PayoutStatus.SUCCEEDED}
        assert len(here.witness()) == stopping.TRIPS_AT + 5

    def test_a_few_lost_answers_do_not_trip_it(self, here: World) -> None:
        here.owe_many(30)
        here.approved()
        here.bank.faults({"match": {"call": "transfer"}, "effect": "error500_after", "count": 8})
        here.send()
        assert not DispatchStop.objects.exists()


class TestTheAlarm:
    def order(self, here: World, reference: str) -> None:
        status, _answer = here.bank.call(
            "POST",
            "/v1/transfers",
            {
                "reference": reference,
                "referenceDate": clock.today().isoformat(),
                "amount": 777,
                "currency": "KRW",
                "bank": "KOOKMIN",
                "accountNumber": "11012345000099",
                "holder": "누구",
                "depositMemo": "",
                "withdrawalMemo": "",
            },
        )
        assert status == 200

    def test_rings_for_a_transfer_that_nobody_asked_for(self, here: World) -> None:
        here.owe_many(1)
        here.approved()
        self.order(here, "not-ours")
        read(here)

        found = DispatchStop.objects.get()
        assert (found.kind, found.facts["references"]) == (StopKind.STRANGER, ["not-ours"])
        assert here.send() == 0
        assert [row.pk for row in queries.open_stops(here.scope)] == [found.pk]

    def test_once_for_each_stranger(self, here: World) -> None:
        self.order(here, "not-ours")
        read(here)
        found = DispatchStop.objects.get()
        stopping.resume(scope=here.scope, stop_id=found.pk, reason="확인함", by=CHECKER, now=clock.now())
        BankAccount.objects.update(statement_read_to=None, statement_read_sequence=0)
        read(here)
        assert not queries.open_stops(here.scope)

        self.order(here, "not-ours-either")
        read(here)
        self.order(here, "nor-this")
        read(here)
        assert queries.open_stops(here.scope).get().facts["references"] == ["nor-this", "not-ours-either"]

    def test_rings_when_what_counts_as_not_paid_was_paid(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 10_000)
        here.approved()
        here.bank.faults({"match": {"call": "transfer"}, "effect": "timeout_after", "count": 1})
        here.send()
        later(3600)
        payout = here.payout("acme")
        made = deciding.propose(
            scope=here.scope,
            payout_id=payout.public_id,
            outcome=HandOutcome.FAILED,
            evidence="명세에서 찾지 못함",
            by=MAKER,
            now=clock.now(),
        )
        deciding.confirm(scope=here.scope, decision_id=made.public_id, by=CHECKER, now=clock.now())
        assert here.payout("acme").status == PayoutStatus.FAILED

        read(here)

        assert DispatchStop.objects.get().facts["contradicting"] == [Attempt.objects.get().reference]
        assert len(here.witness()) == 1
