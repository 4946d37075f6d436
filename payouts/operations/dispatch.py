"""
Dispatch: at most once when in doubt, exactly once overall.

Four commits around one call. Claim: attempts become ours for the length of a lease. Point of no return: everything is
checked once more, the dispatch journal is posted and the reference is committed; from here on the bank may have it.
Call: each instruction goes out once, with no transaction open. Record: whatever came back is stored as evidence and,
if it is still ours to apply, decides. An unclear answer is UNKNOWN, which only an inquiry ends; it is never sent again
under another reference.
"""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

from access import sealed
from core import clock, faultpoints
from core.actor import system
from core.rows import update
from core.sql import load
from payouts import queries, rails
from payouts.models import Attempt, AttemptState, BankAccount, BulkStatus, DispatchStop, StopKind
from payouts.operations import booking, results, stopping
from payouts.operations.lanes import call_each
from payouts.rails.base import Instruction, Outcome, OutcomeKind
from payouts.rails_in_use import at_once, patience, rail

_BY = system("payouts.dispatch")


@dataclass(frozen=True, slots=True)
class Claimed:
    """An attempt this worker holds: the fence guards everything it will write. A probe passes an open breaker."""

    attempt_id: int
    fence: int
    is_probe: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """An attempt past the point of no return, with the instruction to be sent once while the lease lasts."""

    attempt_id: int
    fence: int
    rail: str
    instruction: Instruction
    lease_until: datetime


def worker_name() -> str:
    """Return a name for this process, for the people who look at a claimed attempt."""
    return f"{socket.gethostname()}:{os.getpid()}"


def rails_called() -> list[str]:
    """Return the names of the rails whose instructions are sent by calls."""
    return [name for name in rails.names() if not rail(name).promises.by_file]


def rails_due(now: datetime) -> list[str]:
    """Return the names of the rails through which something may wait to be sent."""
    return [name for name in rails_called() if _due(name, now).exists()]


def count_due(rail_name: str, now: datetime, *, most: int) -> int:
    """Return how many attempts may wait to be sent through a rail; counts no further than `most`."""
    return _due(rail_name, now)[:most].count()


def _due(rail_name: str, now: datetime) -> QuerySet[Attempt]:
    return Attempt.objects.filter(state=AttemptState.CREATED, due_at__lte=now, rail=rail_name)


def claim(*, rail_name: str, worker: str, limit: int, now: datetime, is_probe: bool = False) -> list[Claimed]:
    """Claim due attempts of running bulk payouts through one rail; every attempt goes to one worker only."""
    values: dict[str, str | int | bool | datetime] = {
        "rail": rail_name,
        "worker": worker,
        "limit": limit,
        "now": now,
        "lease_until": now + patience().lease,
        "probe": is_probe,
    }
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(load("payouts", "claim_attempts"), values)
        found = [Claimed(attempt_id, fence, is_probe) for attempt_id, fence in sorted(cursor.fetchall())]
        faultpoints.reached("dispatch.claiming")
    if found:
        faultpoints.reached("dispatch.claimed")
    return found


def pass_point_of_no_return(claimed: Sequence[Claimed], now: datetime) -> list[Ready]:
    """
    Commit the reference and the dispatch journal of every claimed attempt that may still be sent.

    What may not be sent now (stopped, changed, no funds, account on hold, bank closed) goes back to wait.
    """
    if not claimed:
        return []
    with transaction.atomic(durable=True):
        mine = _still_mine(claimed, now)
        # One worker at a time decides about an account's money.
        accounts = BankAccount.objects.filter(pk__in={row.payout.bulk_payout.bank_account_id for row in mine})
        spendable = {
            row.pk: queries.spendable(row)
            for row in accounts.order_by("pk").select_for_update(of=("self",), no_key=True)
        }
        stops = _Stops({one.attempt_id for one in claimed if one.is_probe})
        sendable: list[Attempt] = []
        waiting: list[Attempt] = []
        for attempt in mine:
            account = attempt.payout.bulk_payout.bank_account_id
            if not stops.hold(attempt) and _may_be_sent(attempt, now) and spendable[account] >= attempt.amount:
                spendable[account] -= attempt.amount
                sendable.append(attempt)
            else:
                waiting.append(attempt)
        _put_back(waiting, now)
        _commit_to_send(sendable, now)
        faultpoints.reached("dispatch.submitting")
        ready = [Ready(row.pk, row.fence, row.rail, instruction_of(row), row.lease_until or now) for row in sendable]
    faultpoints.reached("dispatch.submitted")
    return ready


def _still_mine(claimed: Sequence[Claimed], now: datetime) -> list[Attempt]:
    fences = {one.attempt_id: one.fence for one in claimed}
    return [
        row
        for row in queries.lock_attempts(list(fences))
        if row.state == AttemptState.CLAIMED
        and row.fence == fences[row.pk]
        and row.lease_until
        and row.lease_until > now
    ]


class _Stops:
    """The stops in force when a chunk is about to pass its point of no return."""

    def __init__(self, probes: set[int]) -> None:
        self._probes = probes
        self._open = list(DispatchStop.objects.filter(ended_at=None))

    def hold(self, attempt: Attempt) -> bool:
        """Say whether a stop keeps an attempt from being sent."""
        if not self._open:
            return False
        whose = (attempt.payout.merchant_id, attempt.payout.is_test)
        return any(
            found.rail in ("", attempt.rail)
            and (found.merchant_id is None or (found.merchant_id, found.is_test) == whose)
            and not (found.kind == StopKind.BREAKER and attempt.pk in self._probes)
            for found in self._open
        )


def _may_be_sent(attempt: Attempt, now: datetime) -> bool:
    payout = attempt.payout
    bulk, partner = payout.bulk_payout, payout.partner
    window = rail(attempt.rail).promises.maintenance
    return (
        bulk.status == BulkStatus.ONGOING
        and payout.amount == attempt.amount
        and queries.content_of(payout).hash() == payout.content_hash
        and partner.account_confirmed
        and partner.account_fingerprint == payout.account_fingerprint
        and not (window is not None and window.contains(now))
    )


def _put_back(waiting: Sequence[Attempt], now: datetime) -> None:
    for row in waiting:
        row.state = AttemptState.CREATED
        row.state_changed_at = now
        row.due_at = now + patience().retry_pauses[0]
        row.lease_until = None
    update(waiting, ["state", "state_changed_at", "due_at", "lease_until"])


def _commit_to_send(sendable: Sequence[Attempt], now: datetime) -> None:
    lease = now + patience().lease
    for row in sendable:
        row.state = AttemptState.SUBMITTING
        row.submission_no += 1
        row.submitted_at = row.state_changed_at = now
        row.lease_until = lease
        row.not_received_at = None
    update(sendable, ["state", "submission_no", "submitted_at", "state_changed_at", "lease_until", "not_received_at"])
    booking.dispatched(sendable, day=clock.seoul_day(now), by=_BY)


def instruction_of(attempt: Attempt) -> Instruction:
    """Return what the bank is told: the same in every field each time it is told."""
    payout = attempt.payout
    return Instruction(
        reference=attempt.reference,
        reference_date=attempt.reference_date,
        amount=attempt.amount,
        currency=payout.currency,
        bank=payout.bank,
        account_number=sealed.digits(queries.account_number(payout)),
        holder=payout.account_holder,
        deposit_memo=payout.deposit_memo,
        withdrawal_memo=payout.withdrawal_memo,
    )


def call(ready: Sequence[Ready]) -> list[results.Answered]:
    """Send each instruction once, side by side; no transaction is open and nothing is retried."""
    if not ready:
        return []
    outcomes = call_each(ready[0].rail, _send, ready)
    return [
        results.Answered(one.attempt_id, one.fence, "send", outcome)
        for one, outcome in zip(ready, outcomes, strict=True)
    ]


def _send(one: Ready) -> Outcome:
    # A worker that was held up lets go: what it has not sent it can still prove not to have sent.
    if clock.now() + patience().longest_call > one.lease_until:
        return Outcome(kind=OutcomeKind.NOT_SENT, code="LEASE_ENDING", message="The lease was about to end.")
    faultpoints.reached("bank.sending")
    outcome = rail(one.rail).send(one.instruction)
    faultpoints.reached("bank.sent")
    return outcome


def send_some(rail_name: str, *, limit: int, now: datetime, is_probe: bool = False) -> int:
    """
    Send one chunk of what is due through a rail and record what came back; returns how many were claimed.

    A chunk is never larger than what can be called at once, so that nothing waits past its own point of no return.
    """
    claimed = claim(rail_name=rail_name, worker=worker_name(), limit=limit, now=now, is_probe=is_probe)
    ready = pass_point_of_no_return(claimed, clock.now())
    results.record(call(ready), now=clock.now())
    return len(claimed)


def send_due(*, now: datetime, limit: int | None = None) -> int:
    """Send one chunk of what is due through each rail; returns how many attempts were claimed."""
    return sum(send_some(name, limit=limit or at_once(name), now=now) for name in rails_called())


def send_probe(now: datetime) -> int:
    """Send one transfer through a rail whose breaker is open and asks for a probe; returns how many went out."""
    name = stopping.take_probe(now)
    return send_some(name, limit=1, now=now, is_probe=True) if name else 0


def expire_leases(now: datetime) -> int:
    """
    Take back what workers left behind: a claim is free again, a submission is UNKNOWN. Returns how many.

    Time alone never frees a submission: the bank may have it.
    """
    with transaction.atomic():
        freed = _expired(AttemptState.CLAIMED, now).update(
            state=AttemptState.CREATED, state_changed_at=now, lease_until=None
        )
        unknown = _expired(AttemptState.SUBMITTING, now).update(
            state=AttemptState.UNKNOWN, state_changed_at=now, lease_until=None, next_inquiry_at=now
        )
    return freed + unknown


def _expired(state: AttemptState, now: datetime) -> QuerySet[Attempt]:
    # State and lease are looked at under the lock: a worker may have gone on since anybody looked last.
    late = Attempt.objects.filter(state=state, lease_until__lt=now).order_by("pk")
    return Attempt.objects.filter(pk__in=list(late.select_for_update(skip_locked=True).values_list("pk", flat=True)))
