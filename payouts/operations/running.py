"""
Running a bulk payout.

It starts when approved (or when its time has come), one at a time per bank account in the order of approval, can be
stopped, and has ended when every payout has.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from access import audit
from core import faultpoints, ids, jobs
from core.actor import Actor, system
from core.clock import seoul_day
from core.errors import Conflict
from core.rows import insert_all
from core.scope import Scope
from ledger.posting import refused_by
from payouts import queries
from payouts.models import (
    Attempt,
    AttemptState,
    BulkPayout,
    BulkStatus,
    Completion,
    Payout,
    PayoutMethod,
    PayoutStatus,
)
from payouts.operations import building
from payouts.sealing import content_of_bulk

_BATCH = 5_000
# So many stopped payouts are named in the audit trail; the payouts themselves tell the rest.
_NAMED = 100


class NotRunning(Conflict):
    """Only a bulk payout that is being sent can be stopped."""

    code = "BULK_PAYOUT_NOT_RUNNING"


def start_due(now: datetime) -> int:
    """Start the bulk payout whose turn it is on each bank account that is free; returns how many were started."""
    due = Q(status=BulkStatus.APPROVED) | Q(status=BulkStatus.SCHEDULED, scheduled_at__lte=now)
    busy = BulkPayout.objects.filter(status=BulkStatus.ONGOING).values("bank_account_id")
    rows = BulkPayout.objects.filter(due, method=PayoutMethod.AGENCY)
    rows = rows.exclude(bank_account_id__in=busy)
    rows = rows.order_by("bank_account_id", "approved_at", "pk").distinct("bank_account_id")
    return sum(start(scope=row.scope, bulk_id=row.public_id, now=now) for row in rows)


def start(*, scope: Scope, bulk_id: str, now: datetime) -> bool:
    """
    Begin sending: one attempt with its reference per payout, zero payouts done at once.

    False when it is not its turn: another one of the same bank account is being sent, or somebody else started it.
    """
    try:
        with transaction.atomic():
            # Whoever holds it starts it, or is held up; either way nobody waits here, where all accounts are served.
            bulk = queries.try_lock_bulk(scope, bulk_id)
            if bulk is None or bulk.method != PayoutMethod.AGENCY:
                return False
            if bulk.status not in (BulkStatus.APPROVED, BulkStatus.SCHEDULED):
                return False
            if bulk.scheduled_at is not None and bulk.scheduled_at > now:
                return False
            if content_of_bulk(bulk).hash != bulk.content_hash:
                _stop_as_changed(bulk, now)
                return False
            _set_ongoing(bulk, now)
            _make_attempts(bulk, now)
            faultpoints.reached("bulk.starting")
    except IntegrityError as error:
        if refused_by(error) == "payouts_one_ongoing_per_account":
            return False
        raise
    faultpoints.reached("bulk.started")
    return True


def _stop_as_changed(bulk: BulkPayout, now: datetime) -> None:
    by = system("payouts.start")
    building.reopen(bulk, by=by, now=now)
    building.seal_content(bulk, now=now, status=BulkStatus.PREPARED)
    audit.record(
        scope=bulk.scope, by=by, action="bulk_payout.content_differs", kind="bulk_payout", object_id=bulk.public_id
    )


def _set_ongoing(bulk: BulkPayout, now: datetime) -> None:
    bulk.status = BulkStatus.ONGOING
    bulk.started_at = bulk.status_changed_at = bulk.updated_at = now
    bulk.save(update_fields=["status", "started_at", "status_changed_at", "updated_at"])


def _make_attempts(bulk: BulkPayout, now: datetime) -> None:
    waiting = Q(status__in=(PayoutStatus.CONFIRMED, PayoutStatus.SCHEDULED))
    payouts = list(Payout.objects.filter(waiting, bulk_payout=bulk).order_by("pk").values_list("pk", "amount"))
    paid = [(key, amount) for key, amount in payouts if amount]
    shared = {"attempt_no": 1, "rail": bulk.bank_account.rail, "reference_date": seoul_day(now), "due_at": now}
    for start in range(0, len(paid), _BATCH):
        keys, amounts = zip(*paid[start : start + _BATCH], strict=True)
        references = [_new_reference(now) for _key in keys]
        insert_all(Attempt, shared, {"payout_id": keys, "amount": amounts, "reference": references})
    Completion.objects.bulk_create(
        [
            Completion(payout_id=key, completed_on=seoul_day(now), by="system:nothing to pay")
            for key, amount in payouts
            if not amount
        ],
        batch_size=_BATCH,
    )


def _new_reference(now: datetime) -> str:
    return ids.new_id(ids.ACCOUNT_TRANSFER, now)


def new_attempt(payout: Payout, number: int, rail: str, due_at: datetime) -> Attempt:
    """Return an unsaved attempt with a reference of its own, kept for as long as the attempt lives."""
    return Attempt(
        payout=payout,
        attempt_no=number,
        rail=rail,
        reference=_new_reference(due_at),
        reference_date=seoul_day(due_at),
        amount=payout.amount,
        due_at=due_at,
    )


def stop(
    *,
    scope: Scope,
    bulk_id: str,
    by: Actor,
    now: datetime,
    reason: str = "",
    payout_ids: Collection[str] | None = None,
) -> int:
    """
    Stop what has not been taken up for sending; what is with the bank goes on to its end. Returns how many stopped.

    With `payout_ids` only these payouts are stopped, otherwise all. Raises NotRunning.
    """
    with transaction.atomic():
        bulk = queries.lock_bulk(scope, bulk_id)
        if bulk.status != BulkStatus.ONGOING:
            raise NotRunning(_("지급 중인 일괄지급만 중단할 수 있어요."), status=bulk.status)
        waiting = Attempt.objects.filter(payout__bulk_payout=bulk, state=AttemptState.CREATED)
        if payout_ids is not None:
            waiting = waiting.filter(payout__public_id__in=payout_ids)
        stopped = _stop(bulk, waiting, by, now)
        if payout_ids is None:
            bulk.stop_requested_at = bulk.updated_at = now
            bulk.save(update_fields=["stop_requested_at", "updated_at"])
        audit.record(
            scope=scope,
            by=by,
            action="bulk_payout.stopped" if payout_ids is None else "payout.stopped",
            kind="bulk_payout",
            object_id=bulk_id,
            after={"stopped": [row.public_id for row in stopped[:_NAMED]], "count": len(stopped)},
            reason=reason,
        )
        jobs.wake("payouts.dispatch")
    advance(scope=scope, bulk_id=bulk_id, now=now)
    return len(stopped)


def _stop(bulk: BulkPayout, waiting: QuerySet[Attempt], by: Actor, now: datetime) -> list[Payout]:
    # An attempt being claimed right now is passed over: it will be sent, and its result recorded.
    chosen = list(
        waiting.order_by("pk").select_for_update(of=("self",), skip_locked=True).values_list("pk", "payout_id")
    )
    Attempt.objects.filter(pk__in=[pk for pk, _payout in chosen]).update(
        state=AttemptState.STOPPED, state_changed_at=now
    )
    stopped = list(queries.payouts_of(bulk).filter(pk__in=[payout for _pk, payout in chosen]).order_by("pk"))
    building.give_back(bulk, stopped, reason=PayoutStatus.STOPPED, by=by, now=now)
    return stopped


def stop_outdated(now: datetime) -> int:
    """
    Stop waiting payouts whose partner has another, confirmed account by now: what was approved can never be sent.

    Their settlements can be paid again, to the new account. Returns how many stopped.
    """
    by = system("payouts.outdated")
    outdated = Attempt.objects.filter(
        ~Q(payout__partner__account_fingerprint=F("payout__account_fingerprint")),
        state=AttemptState.CREATED,
        payout__bulk_payout__status=BulkStatus.ONGOING,
        payout__partner__account_confirmed=True,
    )
    total = 0
    for bulk_pk in set(outdated.values_list("payout__bulk_payout_id", flat=True)):
        with transaction.atomic():
            bulk = queries.bulk_rows_by_key([bulk_pk]).select_for_update(of=("self",)).get()
            stopped = _stop(bulk, outdated.filter(payout__bulk_payout_id=bulk_pk), by, now)
            Payout.objects.filter(pk__in=[row.pk for row in stopped]).update(
                fail_code="ACCOUNT_CHANGED",
                fail_reason=gettext_noop("승인한 뒤 파트너의 계좌가 바뀌었어요. 새 계좌로 다시 지급해 주세요."),
            )
        advance(scope=bulk.scope, bulk_id=bulk.public_id, now=now)
        total += len(stopped)
    return total


def advance(*, scope: Scope, bulk_id: str, now: datetime) -> str:
    """
    Bring the status of a started bulk payout in line with its payouts; returns the status.

    A retry puts an attempt back in line; its bulk payout goes on when no other one of the account is being sent.
    """
    try:
        with transaction.atomic():
            return _advance(scope, bulk_id, now)
    except IntegrityError as error:
        if refused_by(error) == "payouts_one_ongoing_per_account":
            return BulkStatus.POST_PROCESS_PENDING
        raise


def _advance(scope: Scope, bulk_id: str, now: datetime) -> str:
    seen = queries.find_bulk(scope, bulk_id)
    if seen.status not in _STARTED or _status_now(seen) == seen.status:
        return seen.status
    bulk = queries.lock_bulk(scope, bulk_id)
    status = _status_now(bulk)
    if bulk.status in _STARTED and status != bulk.status:
        bulk.status = status
        bulk.status_changed_at = bulk.updated_at = now
        bulk.ended_at = now if status == BulkStatus.COMPLETED else None
        bulk.save(update_fields=["status", "status_changed_at", "updated_at", "ended_at"])
        jobs.wake("payouts.dispatch")
        faultpoints.reached("bulk.advancing")
    return bulk.status


_STARTED = (BulkStatus.ONGOING, BulkStatus.POST_PROCESS_PENDING)


def _status_now(bulk: BulkPayout) -> BulkStatus:
    # Asked in this order because a chunk of a large one leaves almost always something unsent, which one look shows.
    payouts = Payout.objects.filter(bulk_payout=bulk)
    if payouts.filter(status__in=queries.UNSENT).exists():
        return BulkStatus.ONGOING
    if payouts.filter(status__in=(PayoutStatus.PROCESSING, PayoutStatus.UNKNOWN)).exists():
        return BulkStatus.POST_PROCESS_PENDING
    return BulkStatus.COMPLETED


def advance_all(now: datetime) -> int:
    """Advance every started bulk payout; returns how many have not ended."""
    rows = queries.scopes_with([BulkStatus.ONGOING, BulkStatus.POST_PROCESS_PENDING])
    return sum(advance(scope=row.scope, bulk_id=row.public_id, now=now) != BulkStatus.COMPLETED for row in rows)
