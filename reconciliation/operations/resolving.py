"""
What people decide about differences.

A decision never changes an outcome or a figure, and nothing but another decision of a person takes its place. It
belongs to the invoice, its group and currency, so comparing again or another version of the file keeps it.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from access import audit
from core import ids
from core.actor import Actor
from core.errors import Conflict, InvalidRequest, NotFound
from core.scope import Scope
from reconciliation import queries
from reconciliation.models import STORED_STATES, Batch, BatchLine, Decision, Outcome, Resolution

_RESOLUTION = ids.IdKind("rr", 31, dated=True)
_KIND = "reconciliation_resolution"
_LONGEST_REASON = 2_000


def resolve(
    *,
    scope: Scope,
    batch_id: str,
    place: int,
    decision: Decision,
    reason: str,
    by: Actor,
    now: datetime,
    refs: Sequence[str] = (),
) -> Resolution:
    """
    Accept, link with records of ours, dispute or reopen the group at a place of a batch's newest comparison.

    Deciding the same again changes nothing. Raises NotFound; InvalidRequest without a reason, or for a link without
    records or with some that are not there; Conflict for a batch that does not count.
    """
    if decision is Decision.RESTORE:
        raise InvalidRequest(_("중복으로 본 줄은 줄에서 되살려 주세요."), field="decision")
    reason = _reason(reason)
    with transaction.atomic():
        batch = _of_scope(scope, batch_id)
        outcome = Outcome.objects.filter(comparison=queries.comparison(batch), place=place).first()
        if outcome is None:
            raise NotFound(place=place)
        linked = _linked(scope, decision, refs)
        before = queries.resolved(batch, [outcome]).get(outcome.pk)
        same = before is not None and (before.decision, before.reason, before.refs) == (decision, reason, linked)
        if before is not None and same and not queries.is_stale(before, outcome):
            return before
        resolution = Resolution(
            **_about(batch, by, now),
            group_key=outcome.group_key,
            currency=outcome.currency,
            decision=decision,
            refs=linked,
            reason=reason,
            outcome=outcome.outcome,
            difference_subtotal=outcome.difference_subtotal,
            difference_tax=outcome.difference_tax,
        )
        return _added(resolution, batch, by)


def restore(*, scope: Scope, batch_id: str, record: int, reason: str, by: Actor, now: datetime) -> Resolution:
    """
    Say that a line that looks like a copy is none. Doing it again changes nothing.

    Raises NotFound, InvalidRequest without a reason or for a line that is no copy, Conflict.
    """
    reason = _reason(reason)
    with transaction.atomic():
        batch = _of_scope(scope, batch_id)
        line = BatchLine.objects.filter(batch=batch, record=record).first()
        if line is None:
            raise NotFound(record=record)
        if line.duplicate_of is None:
            raise InvalidRequest(_("중복으로 본 줄이 아니에요."), field="record")
        before = queries.resolutions(batch).filter(decision=Decision.RESTORE, line_hash=line.line_hash, record=record)
        there = before.first()
        if there is not None:
            return there
        resolution = Resolution(
            **_about(batch, by, now),
            record=record,
            line_hash=line.line_hash,
            decision=Decision.RESTORE,
            reason=reason,
        )
        return _added(resolution, batch, by)


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not reason or len(reason) > _LONGEST_REASON:
        raise InvalidRequest(_("이유를 적어 주세요. 2,000자까지 쓸 수 있어요."), field="reason")
    return reason


def _of_scope(scope: Scope, batch_id: str) -> Batch:
    # Locked, so that the comparison looked at stays the newest until the decision stands.
    batch = Batch.objects.within(scope).select_for_update().get(pk=queries.batch(scope, batch_id).pk)
    if batch.state not in STORED_STATES:
        raise Conflict(_("반영한 파일에서만 결정할 수 있어요."), state=batch.state)
    return batch


def _linked(scope: Scope, decision: Decision, refs: Sequence[str]) -> list[str]:
    wanted = sorted(set(refs))
    if bool(wanted) is not (decision is Decision.LINK):
        raise InvalidRequest(_("연결할 우리 기록을 골라 주세요."), field="refs")
    there = set(queries.records(scope).filter(ref__in=wanted).values_list("ref", flat=True))
    for ref in wanted:
        if ref not in there:
            raise InvalidRequest(_("없는 기록이에요."), field="refs", ref=ref)
    return wanted


def _about(batch: Batch, by: Actor, now: datetime) -> dict[str, object]:
    return {
        **batch.scope.filters(),
        "public_id": ids.new_id(_RESOLUTION, now),
        "identity": batch.identity,
        "batch": batch,
        "decided_by_id": by.user_id,
        "decided_by": str(by)[:200],
        "decided_at": now,
    }


def _added(resolution: Resolution, batch: Batch, by: Actor) -> Resolution:
    resolution.save(force_insert=True)
    audit.record(
        scope=batch.scope,
        by=by,
        action=f"reconciliation.{resolution.decision}",
        kind=_KIND,
        object_id=resolution.public_id,
        after={
            "batch": batch.public_id,
            "group": str(resolution.group_key or ""),
            "currency": resolution.currency,
            "record": resolution.record,
            "refs": resolution.refs,
            "outcome": resolution.outcome,
        },
        reason=resolution.reason,
    )
    return resolution
