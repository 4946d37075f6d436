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
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F

from access import sealed
from core import clock
from core.actor import system
from ledger import posting
from payouts import journals, queries
from payouts.models import Attempt, AttemptState, BankAccount, BulkStatus
from payouts.operations import results
from payouts.rails.base import Instruction, Outcome
from payouts.rails_in_use import patience, rail

_BY = system("payouts.dispatch")


@dataclass(frozen=True, slots=True)
class Claimed:
    """An attempt this worker holds: the fence guards everything it will write."""

    attempt_id: int
    fence: int


@dataclass(frozen=True, slots=True)
class Ready:
    """An attempt past the point of no return, with the instruction to be sent once."""

    attempt_id: int
    fence: int
    rail: str
    instruction: Instruction


def worker_name() -> str:
    """Return a name for this process, for the people who look at a claimed attempt."""
    return f"{socket.gethostname()}:{os.getpid()}"


def claim(*, worker: str, limit: int, now: datetime) -> list[Claimed]:
    """Claim due attempts of running bulk payouts; every attempt goes to one worker only."""
    with transaction.atomic(durable=True):
        due = Attempt.objects.filter(
            state=AttemptState.CREATED,
            due_at__lte=now,
            payout__bulk_payout__status=BulkStatus.ONGOING,
            payout__bulk_payout__bank_account__is_stopped=False,
        )
        locked = due.order_by("due_at", "pk").select_for_update(of=("self",), skip_locked=True)
        found = [(row.pk, row.fence + 1) for row in locked.only("pk", "fence")[:limit]]
        Attempt.objects.filter(pk__in=[pk for pk, _fence in found]).update(
            state=AttemptState.CLAIMED,
            state_changed_at=now,
            fence=F("fence") + 1,
            lease_until=now + patience().lease,
            claimed_by=worker,
        )
    return [Claimed(pk, fence) for pk, fence in found]


def pass_point_of_no_return(claimed: Sequence[Claimed], now: datetime) -> list[Ready]:
    """
    Commit the reference and the dispatch journal of every claimed attempt that may still be sent.

    What may not be sent now (stopped, changed, no funds, account on hold, bank closed) goes back to wait.
    """
    if not claimed:
        return []
    with transaction.atomic(durable=True):
        ids = [one.attempt_id for one in claimed]
        accounts = (
            BankAccount.objects.filter(bulk_payouts__payouts__attempts__in=ids).distinct().values_list("pk", flat=True)
        )
        # One worker at a time decides about an account's money.
        spendable = {
            row.pk: queries.funds(row).spendable
            for row in BankAccount.objects.filter(pk__in=list(accounts)).order_by("pk").select_for_update()
        }
        fences = {one.attempt_id: one.fence for one in claimed}
        mine = [
            row
            for row in queries.lock_attempts(ids)
            if row.state == AttemptState.CLAIMED
            and row.fence == fences[row.pk]
            and row.lease_until
            and row.lease_until > now
        ]
        sendable: list[Attempt] = []
        for attempt in mine:
            account = attempt.payout.bulk_payout.bank_account_id
            if _may_be_sent(attempt, now) and spendable[account] >= attempt.amount:
                spendable[account] -= attempt.amount
                sendable.append(attempt)
            else:
                _put_back(attempt, now)
        _commit_to_send(sendable, now)
        return [Ready(row.pk, row.fence, row.rail, instruction_of(row)) for row in sendable]


def _may_be_sent(attempt: Attempt, now: datetime) -> bool:
    payout = attempt.payout
    bulk, partner = payout.bulk_payout, payout.partner
    window = rail(attempt.rail).promises.maintenance
    return (
        bulk.status == BulkStatus.ONGOING
        and not bulk.bank_account.is_stopped
        and payout.amount == attempt.amount
        and queries.content_of(payout).hash() == payout.content_hash
        and partner.account_confirmed
        and partner.account_fingerprint == payout.account_fingerprint
        and not (window is not None and window.contains(now))
    )


def _put_back(attempt: Attempt, now: datetime) -> None:
    attempt.state = AttemptState.CREATED
    attempt.state_changed_at = now
    attempt.due_at = now + patience().retry_pauses[0]
    attempt.lease_until = None
    attempt.save(update_fields=["state", "state_changed_at", "due_at", "lease_until"])


def _commit_to_send(sendable: Sequence[Attempt], now: datetime) -> None:
    lease = now + patience().lease
    for row in sendable:
        row.state = AttemptState.SUBMITTING
        row.submission_no += 1
        row.submitted_at = row.state_changed_at = now
        row.lease_until = lease
        row.not_received_at = None
    Attempt.objects.bulk_update(
        sendable, ["state", "submission_no", "submitted_at", "state_changed_at", "lease_until", "not_received_at"]
    )
    day = clock.seoul_day(now)
    for scope in {row.payout.scope for row in sendable}:
        postings = [
            journals.dispatch(results.money(row), row.reference, row.submission_no, day)
            for row in sendable
            if row.payout.scope == scope
        ]
        posting.post_many(scope=scope, postings=postings, by=_BY)


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
    with ThreadPoolExecutor(max_workers=len(ready)) as pool:
        outcomes = list(pool.map(_send, ready))
    return [
        results.Answered(one.attempt_id, one.fence, "send", outcome)
        for one, outcome in zip(ready, outcomes, strict=True)
    ]


def _send(one: Ready) -> Outcome:
    return rail(one.rail).send(one.instruction)


def send_due(*, now: datetime, limit: int | None = None) -> int:
    """
    Send one chunk of due attempts and record what came back; returns how many were claimed.

    A chunk is never larger than what can be called at once, so that nothing waits past its own point of no return.
    """
    claimed = claim(worker=worker_name(), limit=limit or settings.BANK_CONCURRENCY, now=now)
    ready = pass_point_of_no_return(claimed, clock.now())
    results.record(call(ready), now=clock.now())
    return len(claimed)


def expire_leases(now: datetime) -> int:
    """
    Take back what workers left behind: a claim is free again, a submission is UNKNOWN. Returns how many.

    Time alone never frees a submission: the bank may have it.
    """
    expired = {"lease_until__lt": now}
    with transaction.atomic():
        freed = Attempt.objects.filter(
            pk__in=_locked_ids(
                Attempt.objects.filter(state=AttemptState.CLAIMED, **expired).values_list("pk", flat=True)
            )
        ).update(state=AttemptState.CREATED, state_changed_at=now, lease_until=None)
        unknown = Attempt.objects.filter(
            pk__in=_locked_ids(
                Attempt.objects.filter(state=AttemptState.SUBMITTING, **expired).values_list("pk", flat=True)
            )
        ).update(state=AttemptState.UNKNOWN, state_changed_at=now, lease_until=None, next_inquiry_at=now)
    return freed + unknown


def _locked_ids(ids: Iterable[int]) -> list[int]:
    found = sorted(ids)
    rows = Attempt.objects.filter(pk__in=found, state__in=(AttemptState.CLAIMED, AttemptState.SUBMITTING))
    return list(rows.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True))
