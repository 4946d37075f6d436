"""Asking the bank what became of an attempt without a final answer, or of a success it has second thoughts about."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from core import faultpoints
from core.clock import now as clock_now
from payouts import queries
from payouts.models import Attempt, AttemptState
from payouts.operations import dispatch, results
from payouts.operations.lanes import call_each
from payouts.rails.base import Outcome
from payouts.rails_in_use import patience, rail

_UNDECIDED = (AttemptState.ACCEPTED, AttemptState.UNKNOWN)
_ASKED = Q(state__in=_UNDECIDED) | Q(state=AttemptState.SUCCEEDED)


def ask_due(*, now: datetime, limit: int | None = None) -> int:
    """Ask about a chunk of attempts whose next inquiry is due; returns how many were asked about."""
    chosen = _take_up(now, limit or settings.BANK_CONCURRENCY)
    answers: list[results.Answered] = []
    for name in {one.rail for one in chosen}:
        asked = [one for one in chosen if one.rail == name]
        outcomes = call_each(name, _ask, asked)
        answers += [
            results.Answered(one.attempt_id, one.fence, "inquire", outcome)
            for one, outcome in zip(asked, outcomes, strict=True)
        ]
    results.record(answers, now=clock_now())
    return len(chosen)


def _take_up(now: datetime, limit: int) -> Sequence[dispatch.Ready]:
    # Moving the next inquiry behind the lease keeps two workers from asking about the same attempt at once.
    lease_until = now + patience().lease
    with transaction.atomic(durable=True):
        due = Attempt.objects.filter(_ASKED, next_inquiry_at__lte=now)
        locked = due.order_by("next_inquiry_at", "pk").select_for_update(of=("self",), skip_locked=True)
        ids = list(locked.values_list("pk", flat=True)[:limit])
        Attempt.objects.filter(pk__in=ids).update(next_inquiry_at=lease_until)
        rows = queries.lock_attempts(ids)
        faultpoints.reached("inquiry.taking")
        taken = [dispatch.Ready(row.pk, row.fence, row.rail, dispatch.instruction_of(row), lease_until) for row in rows]
    faultpoints.reached("inquiry.taken")
    return taken


def _ask(one: dispatch.Ready) -> Outcome:
    instruction = one.instruction
    faultpoints.reached("inquiry.asking")
    found = rail(one.rail).inquire(instruction.reference, instruction.reference_date)
    faultpoints.reached("inquiry.asked")
    return found.confirmed_for(instruction)
