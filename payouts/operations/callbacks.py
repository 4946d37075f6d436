"""
Taking what a bank tells us without being asked.

A callback can be forged where a bank signs carelessly, and arrives late, twice or out of order everywhere. So it never
changes a state: it is kept, and makes us ask the bank sooner.
"""

from datetime import datetime

from django.db import transaction

from core import jobs
from core.rows import insert
from payouts.models import Attempt, AttemptState, BankAccount, BankCallback
from payouts.notices import Notice


def take(*, rail: str, event_id: str, notice: Notice, now: datetime) -> bool:
    """Keep a verified notice and ask the bank sooner about its transfer. False for one that came before."""
    with transaction.atomic():
        attempt = _attempt_of(rail, notice)
        row = BankCallback(
            rail=rail,
            event_id=event_id,
            type=notice.type,
            reference=notice.reference,
            reference_date=notice.reference_date,
            amount=notice.amount,
            attempt=attempt,
            body=notice.text,
            received_at=now,
        )
        if not insert(row, conflict="rail, event_id"):
            return False
        if attempt is not None:
            _ask_sooner(attempt, notice, now)
    return True


def _attempt_of(rail: str, notice: Notice) -> Attempt | None:
    if not notice.reference or notice.reference_date is None:
        return None
    same = Attempt.objects.filter(rail=rail, reference=notice.reference, reference_date=notice.reference_date)
    return same.first()


def _ask_sooner(attempt: Attempt, notice: Notice, now: datetime) -> None:
    if attempt.state in (AttemptState.SUCCEEDED, AttemptState.FAILED):
        if not _agrees(attempt, notice):
            # It has ended for us. If the bank sees it otherwise, or the money came back, the statement says so; about
            # a success it is asked once more, for some banks take one back without sending anything.
            if Attempt.objects.filter(pk=attempt.pk, state=AttemptState.SUCCEEDED).update(next_inquiry_at=now):
                jobs.wake("payouts.inquire")
            accounts = BankAccount.objects.filter(bulk_payouts__payouts__attempts=attempt)
            accounts.filter(statement_checked_at__isnull=False).update(statement_checked_at=None)
            jobs.wake("payouts.statements")
        return
    open_ones = Attempt.objects.filter(pk=attempt.pk, state__in=(AttemptState.ACCEPTED, AttemptState.UNKNOWN))
    if open_ones.update(next_inquiry_at=now):
        jobs.wake("payouts.inquire")
    elif attempt.state == AttemptState.SUBMITTING and attempt.lease_until is not None and attempt.lease_until < now:
        # Whoever was sending is gone; looking for expired leases makes it UNKNOWN, and that is asked about at once.
        jobs.wake("payouts.dispatch")


def _agrees(attempt: Attempt, notice: Notice) -> bool:
    """Say whether a notice only repeats what we know: most do, and each would have a statement read."""
    return notice.type.rpartition(".")[2].upper() == attempt.state and notice.amount == attempt.amount
