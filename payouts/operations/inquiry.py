"""Asking the bank: what became of an attempt without a final answer, and what came back afterwards."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from core.clock import now as clock_now
from core.clock import seoul_day
from payouts import queries
from payouts.models import Attempt, AttemptState, BankAccount
from payouts.operations import dispatch, results
from payouts.rails.base import BankUnavailable, LineKind, Outcome, StatementLine
from payouts.rails_in_use import patience, rail

_STATEMENT_DAYS = timedelta(days=3)


def ask_due(*, now: datetime, limit: int | None = None) -> int:
    """Ask about a chunk of attempts whose next inquiry is due; returns how many were asked about."""
    chosen = _take_up(now, limit or settings.BANK_CONCURRENCY)
    if not chosen:
        return 0
    with ThreadPoolExecutor(max_workers=len(chosen)) as pool:
        outcomes = list(pool.map(_ask, chosen))
    answers = [
        results.Answered(one.attempt_id, one.fence, "inquire", outcome)
        for one, outcome in zip(chosen, outcomes, strict=True)
    ]
    results.record(answers, now=clock_now())
    return len(chosen)


def _take_up(now: datetime, limit: int) -> list[dispatch.Ready]:
    # Moving the next inquiry behind the lease keeps two workers from asking about the same attempt at once.
    with transaction.atomic(durable=True):
        due = Attempt.objects.filter(state__in=(AttemptState.ACCEPTED, AttemptState.UNKNOWN), next_inquiry_at__lte=now)
        locked = due.order_by("next_inquiry_at", "pk").select_for_update(of=("self",), skip_locked=True)
        ids = list(locked.values_list("pk", flat=True)[:limit])
        Attempt.objects.filter(pk__in=ids).update(next_inquiry_at=now + patience().lease)
        rows = queries.lock_attempts(ids)
        return [dispatch.Ready(row.pk, row.fence, row.rail, dispatch.instruction_of(row)) for row in rows]


def _ask(one: dispatch.Ready) -> Outcome:
    instruction = one.instruction
    found = rail(one.rail).inquire(instruction.reference, instruction.reference_date)
    return found.confirmed_for(instruction)


def read_statements(*, now: datetime) -> int:
    """Look for returned money on the statements of accounts not looked at for a while; returns how many came back."""
    pause = patience().statement_pause
    due = Q(statement_checked_at__isnull=True) | Q(statement_checked_at__lt=now - pause)
    found = 0
    for account in BankAccount.objects.filter(due):
        # The update is the lock: whoever changes the row reads the statement.
        if BankAccount.objects.filter(due, pk=account.pk).update(statement_checked_at=now):
            found += _record_returns(account, now)
    return found


def _record_returns(account: BankAccount, now: datetime) -> int:
    today = seoul_day(now)
    try:
        lines = rail(account.rail).statement(today - _STATEMENT_DAYS, today)
    except BankUnavailable:
        return 0
    returns = [line for line in lines if line.kind is LineKind.RETURN and line.reference and line.reference_date]
    return sum(_record_return(account, line, now) for line in _new_returns(account, returns))


def _new_returns(account: BankAccount, lines: Sequence[StatementLine]) -> list[StatementLine]:
    open_references = set(
        Attempt.objects.filter(
            payout__bulk_payout__bank_account=account,
            state=AttemptState.SUCCEEDED,
            reference__in=[line.reference for line in lines],
        ).values_list("reference", flat=True)
    )
    return [line for line in lines if line.reference in open_references]


def _record_return(account: BankAccount, line: StatementLine, now: datetime) -> bool:
    same = Attempt.objects.filter(rail=account.rail, reference=line.reference, state=AttemptState.SUCCEEDED)
    attempt = same.filter(reference_date=line.reference_date).first() if line.reference_date else None
    if attempt is None:
        return False
    return results.record_return(attempt_id=attempt.pk, amount=line.amount, returned_at=line.booked_at, now=now)
