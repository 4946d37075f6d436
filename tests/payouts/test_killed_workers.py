"""Protects at-most-once: workers are killed while answers get lost, and the bank's own list is the judge."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from config.pytest_processes import Start
from ledger import queries as books
from payouts.models import Attempt, AttemptState, BulkPayout, BulkStatus, Payout, PayoutStatus
from tests.payouts.world import world

PAYOUTS, KILLS = 500, 10
_LONGEST_SECONDS = 240.0


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Look again and again until it holds; fail with what was waited for when it never does."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}: {Counter(states())}"
        time.sleep(0.02)


def states() -> list[str]:
    return list(Payout.objects.values_list("status", flat=True))


def succeeded() -> int:
    return Payout.objects.filter(status=PayoutStatus.SUCCEEDED).count()


def test_ten_killed_workers_and_lost_answers_pay_everyone_once(
    committed_db: str,  # noqa: ARG001 - the world lives in it
    tmp_path: Path,
    start_worker: Start,
) -> None:
    with world(tmp_path) as here:
        here.owe_many(PAYOUTS)
        bulk = here.submit(here.build())
        here.bank.faults(
            {"match": {"call": "transfer"}, "effect": "timeout_after", "probability": 0.1},
            {"match": {"call": "inquiry"}, "effect": "reset_after", "probability": 0.1},
        )
        here.approve(bulk)
        bank_url = f"http://127.0.0.1:{here.bank.port}"

        for kill in range(KILLS):
            running = start_worker(BANK_URL=bank_url, BANK_CONCURRENCY="8")
            goal = min(succeeded() + 15, PAYOUTS - KILLS + kill)
            wait_for(lambda goal=goal: succeeded() >= goal, f"{goal} payouts")  # type: ignore[misc] # bound now
            os.kill(running.pid, signal.SIGKILL)
            running.process.wait()
        start_worker(BANK_URL=bank_url)
        wait_for(lambda: BulkPayout.objects.get().status == BulkStatus.COMPLETED, "the end of the bulk payout")

        paid = {row.reference: row.amount for row in Attempt.objects.filter(state=AttemptState.SUCCEEDED)}
        assert Counter(states()) == {PayoutStatus.SUCCEEDED: PAYOUTS}
        assert here.witness() == paid
        assert len(paid) == PAYOUTS
        assert sum(paid.values()) == bulk.total_amount
        assert books.broken_invariants() == []
        assert sum(row.balance for row in books.trial_balance(here.scope)) == 0


def test_without_redis_the_sweep_alone_pays_everyone(committed_db: str, tmp_path: Path) -> None:  # noqa: ARG001
    from django.core.management import call_command

    with world(tmp_path) as here:
        here.owe_many(20)
        here.submit(here.build())
        here.approve(BulkPayout.objects.get())
        call_command("sweep", "--until-idle")

        assert Counter(states()) == {PayoutStatus.SUCCEEDED: 20}
        assert len(here.witness()) == 20
