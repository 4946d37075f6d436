"""
Approval: what is sent is what another person approved.

The maker submits a content, named by its hash; a checker who had no part in it approves or rejects that very hash.
Rejecting, expiry and any edit void the approvals and bring the bulk payout back to PREPARED with its reserve kept.
The database refuses everything this module would refuse.
"""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from access import audit
from core import jobs
from core.actor import Actor, system
from core.clock import seoul_day
from core.errors import Conflict, Forbidden, InvalidRequest
from core.scope import Scope
from ledger.posting import refused_by
from payouts import queries
from payouts.models import Approval, BankAccount, BulkPayout, BulkStatus, Decision, PayoutMethod, PayoutStatus
from payouts.operations import building
from payouts.sealing import content_of_bulk

APPROVAL_LIFE = timedelta(hours=72)
_TWO = 2


class NotSubmittable(Conflict):
    """Only a prepared bulk payout with something to pay can be submitted."""

    code = "BULK_PAYOUT_NOT_SUBMITTABLE"


class ContentChanged(Conflict):
    """What the person saw is not what is there now."""

    code = "BULK_PAYOUT_CONTENT_CHANGED"


class OwnBulkPayout(Forbidden):
    """Whoever made, changed or submitted a bulk payout cannot decide about it."""

    code = "OWN_BULK_PAYOUT"


class AlreadyDecided(Conflict):
    """A person decides once about one content."""

    code = "ALREADY_DECIDED"


class FundsTooLow(Conflict):
    """Approving this would promise more than the account holds; `missing` minor units."""

    code = "INSUFFICIENT_FUNDS"


def submit(*, scope: Scope, bulk_id: str, seen_hash: str, by: Actor, now: datetime) -> BulkPayout:
    """
    Submit a prepared bulk payout for approval, as it was seen.

    Raises NotSubmittable, ContentChanged.
    """
    with transaction.atomic():
        bulk = queries.lock_bulk(scope, bulk_id)
        if bulk.status != BulkStatus.PREPARED or not bulk.payout_count:
            raise NotSubmittable(_("승인을 요청할 수 있는 상태가 아니에요."), status=bulk.status)
        _refuse_changed(bulk, seen_hash)
        if bulk.scheduled_at is not None and bulk.scheduled_at <= now:
            raise InvalidRequest(_("예약 시각이 지났어요. 새 시각을 정해 주세요."), field="scheduledAt")
        bulk.approvals_needed = _approvals_needed(bulk)
        bulk.status = BulkStatus.PENDING_APPROVAL
        bulk.submitted_by_id = by.user_id
        bulk.submitted_at = bulk.status_changed_at = bulk.updated_at = now
        bulk.save(
            update_fields=[
                "approvals_needed",
                "status",
                "submitted_by_id",
                "submitted_at",
                "status_changed_at",
                "updated_at",
            ]
        )
        audit.record(
            scope=scope,
            by=by,
            action="bulk_payout.submitted",
            kind="bulk_payout",
            object_id=bulk_id,
            after={"hash": bulk.content_hash, "total": bulk.total_amount, "payouts": bulk.payout_count},
        )
    return bulk


def _approvals_needed(bulk: BulkPayout) -> int:
    most = queries.limits(bulk.scope).bulk
    if most is not None and bulk.total_amount > most:
        return _TWO
    changed = (
        queries.payouts_of(bulk)
        .exclude(status=PayoutStatus.CANCELLED)
        .filter(is_new_destination=True, partner__account_changed_at__gt=F("partner__created_at"))
    )
    return _TWO if changed.exists() else 1


def _refuse_changed(bulk: BulkPayout, seen_hash: str) -> None:
    if seen_hash != bulk.content_hash:
        raise ContentChanged(_("그 사이 내용이 바뀌었어요. 다시 확인해 주세요."), contentHash=bulk.content_hash)


def decide(
    *, scope: Scope, bulk_id: str, seen_hash: str, decision: Decision, by: Actor, now: datetime, reason: str = ""
) -> BulkPayout:
    """
    Approve or reject a submitted content. The last approval needed starts it, or schedules it.

    Raises ContentChanged, OwnBulkPayout, AlreadyDecided, FundsTooLow, NotSubmittable.
    """
    if decision == Decision.REJECTED and not reason.strip():
        raise InvalidRequest(_("반려 사유를 적어 주세요."), field="reason")
    with transaction.atomic():
        bulk = queries.lock_bulk(scope, bulk_id)
        _refuse_changed(bulk, seen_hash)
        if bulk.status != BulkStatus.PENDING_APPROVAL:
            raise NotSubmittable(_("승인을 기다리는 상태가 아니에요."), status=bulk.status)
        if by.user_id in (bulk.created_by_id, bulk.changed_by_id, bulk.submitted_by_id):
            raise OwnBulkPayout(_("직접 만들거나 바꾸거나 요청한 일괄지급은 승인할 수 없어요."))
        if decision == Decision.APPROVED:
            if bulk.method == PayoutMethod.AGENCY:
                _refuse_without_funds(bulk)
            # What is approved is what the rows say now, not what was stored when it was sealed.
            _refuse_changed(bulk, content_of_bulk(bulk).hash)
            _ask_for_more(bulk, by, now)
        _store_decision(bulk, decision, by, now, reason)
        if decision == Decision.REJECTED:
            building.reopen(bulk, by=system("approval.rejected", by.request_id), now=now)
            building.seal_content(bulk, now=now, status=BulkStatus.PREPARED)
        elif _enough(bulk):
            _move_on(bulk, now)
        audit.record(
            scope=scope,
            by=by,
            action=f"bulk_payout.{decision.lower()}",
            kind="bulk_payout",
            object_id=bulk_id,
            after={"hash": seen_hash, "total": bulk.total_amount},
            reason=reason,
        )
    return bulk


def _store_decision(bulk: BulkPayout, decision: Decision, by: Actor, now: datetime, reason: str) -> None:
    if by.user_id is None:
        raise Forbidden(_("사람만 승인하거나 반려할 수 있어요."))
    try:
        with transaction.atomic():
            Approval.objects.create(
                bulk_payout=bulk,
                content_hash=bulk.content_hash,
                approver_id=by.user_id,
                approver_name=by.name,
                decision=decision,
                reason=reason,
                decided_at=now,
            )
    except IntegrityError as error:
        constraint = refused_by(error)
        if constraint == "payouts_approval_once_per_person":
            raise AlreadyDecided(_("이미 결정하신 건이에요.")) from error
        if constraint == "payouts_another_person_approves":
            raise OwnBulkPayout(_("직접 만들거나 바꾸거나 요청한 일괄지급은 승인할 수 없어요.")) from error
        raise


def _ask_for_more(bulk: BulkPayout, by: Actor, now: datetime) -> None:
    """Ask for a second approver when this approval passes what may be approved in a day, by all or by one person."""
    limits, today = queries.limits(bulk.scope), seoul_day(now)
    of_all = queries.approved_on(bulk.scope, today) + bulk.total_amount
    of_person = queries.approved_on(bulk.scope, today, approver_id=by.user_id) + bulk.total_amount
    over = [(limits.day, of_all), (limits.person_day, of_person)]
    if any(most is not None and total > most for most, total in over) and bulk.approvals_needed < _TWO:
        bulk.approvals_needed = _TWO
        bulk.save(update_fields=["approvals_needed"])


def _refuse_without_funds(bulk: BulkPayout) -> None:
    # Two approvals at once must not both count the same money.
    BankAccount.objects.select_for_update(no_key=True).get(pk=bulk.bank_account_id)
    left = queries.funds(bulk.bank_account).uncommitted - bulk.total_amount
    if left < 0:
        raise FundsTooLow(_("지급 계좌의 잔액이 부족해요. 입금 후 다시 승인해 주세요."), missing=-left)


def _enough(bulk: BulkPayout) -> bool:
    approved = bulk.approvals.filter(content_hash=bulk.content_hash, decision=Decision.APPROVED)
    return approved.values("approver_id").distinct().count() >= bulk.approvals_needed


def _move_on(bulk: BulkPayout, now: datetime) -> None:
    bulk.status = BulkStatus.APPROVED
    bulk.approved_at = bulk.status_changed_at = bulk.updated_at = now
    bulk.save(update_fields=["status", "approved_at", "status_changed_at", "updated_at"])
    if bulk.scheduled_at is not None:
        bulk.status = BulkStatus.SCHEDULED
        bulk.save(update_fields=["status"])
        waiting = queries.payouts_of(bulk).filter(status=PayoutStatus.CONFIRMED)
        waiting.update(status=PayoutStatus.SCHEDULED, status_changed_at=now)
    jobs.wake("payouts.dispatch")


def expire_due(now: datetime) -> int:
    """Void approvals that are 72 hours old or whose schedule has passed without all approvals; returns how many."""
    due = [
        bulk
        for bulk in queries.scopes_with([BulkStatus.PENDING_APPROVAL])
        if (bulk.submitted_at and bulk.submitted_at + APPROVAL_LIFE < now)
        or (bulk.scheduled_at and bulk.scheduled_at < now)
    ]
    by = system("approval.expired")
    for found in due:
        with transaction.atomic():
            bulk = queries.lock_bulk(found.scope, found.public_id)
            if bulk.status != BulkStatus.PENDING_APPROVAL or bulk.version != found.version:
                continue
            building.reopen(bulk, by=by, now=now)
            building.seal_content(bulk, now=now, status=BulkStatus.PREPARED)
            audit.record(
                scope=bulk.scope,
                by=by,
                action="bulk_payout.approval_expired",
                kind="bulk_payout",
                object_id=bulk.public_id,
            )
    return len(due)
