"""
What people decide about differences.

A decision never changes an outcome or a figure, and nothing but another decision of a person takes its place. It
belongs to the invoice, its group and currency, so comparing again or another version of the file keeps it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from access import audit
from core import ids
from core.actor import Actor
from core.errors import Conflict, InvalidRequest, NotFound, StaleVersion
from core.scope import Scope
from reconciliation import queries
from reconciliation.amounts import EXACT
from reconciliation.judging import MATCHED
from reconciliation.models import STORED_STATES, Batch, BatchLine, Decision, Outcome, Resolution

_RESOLUTION = ids.IdKind("rr", 31, dated=True)
_KIND = "reconciliation_resolution"
_LONGEST_REASON = 2_000
MOST_AT_ONCE: Final = 10_000
MOST_RESTORED: Final = 1_000
TOGETHER: Final = (Decision.ACCEPT, Decision.DISPUTE, Decision.REOPEN)


def seen(outcome: Outcome) -> str:
    """Return a digest of what a person sees of a group: comparing again may put another group in its place."""
    figures = [
        None if figure is None else format(figure.normalize(EXACT), "f")
        for figure in (outcome.difference_subtotal, outcome.difference_tax, outcome.file_subtotal, outcome.our_subtotal)
    ]
    told = (str(outcome.group_key), outcome.currency, outcome.outcome, figures)
    return sha256(repr(told).encode()).hexdigest()[:32]


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
    as_seen: str = "",
) -> Resolution:
    """
    Accept, link with records of ours, dispute or reopen the group at a place of a batch's newest comparison.

    Deciding the same again changes nothing. Raises NotFound; InvalidRequest without a reason, or for a link without
    records or with some that are not there; Conflict for a batch that does not count or a group that is open already;
    StaleVersion where the group is not what the digest `as_seen` is of.
    """
    if decision is Decision.RESTORE:
        raise InvalidRequest(_("중복으로 본 줄은 줄에서 되살려 주세요."), field="decision")
    reason = _reason(reason)
    with transaction.atomic():
        batch = _of_scope(scope, batch_id)
        outcome = Outcome.objects.filter(comparison=queries.comparison(batch), place=place).first()
        if outcome is None:
            raise NotFound(place=place)
        if as_seen and as_seen != seen(outcome):
            raise StaleVersion(_("그사이 비교 결과가 바뀌었어요. 다시 확인해 주세요."), place=place)
        linked = _linked(scope, decision, refs)
        before = _newest(batch, [outcome]).get((outcome.group_key, outcome.currency))
        if before is not None and _stands(before, outcome, decision, reason, linked):
            return before
        if decision is Decision.REOPEN and before is None:
            raise Conflict(_("아직 결정하지 않은 차이예요."))
        resolution = _decided(batch, outcome, decision, reason, by, now)
        resolution.refs = linked
        return _added(resolution, batch, by)


def resolve_many(
    *,
    scope: Scope,
    batch_id: str,
    outcomes: Sequence[int],
    decision: Decision,
    reason: str,
    by: Actor,
    now: datetime,
) -> int:
    """
    Accept, dispute or reopen several groups of one outcome, by primary key; return how many were decided now.

    Those about which the same is decided already stay as they are. Raises NotFound; InvalidRequest for groups without a
    difference, of several outcomes or too many; Conflict; StaleVersion where the batch has been compared since.
    """
    if decision not in TOGETHER:
        raise InvalidRequest(_("여러 건은 인정하거나 이의를 제기하거나 다시 열 수 있어요."), field="decision")
    if len(outcomes) > MOST_AT_ONCE:
        raise InvalidRequest(_("한 번에 %(limit)d건까지 결정할 수 있어요.") % {"limit": MOST_AT_ONCE}, field="ids")
    reason = _reason(reason)
    with transaction.atomic():
        batch = _of_scope(scope, batch_id)
        chosen = _chosen(batch, outcomes)
        before = _newest(batch, chosen)
        made = [
            _decided(batch, outcome, decision, reason, by, now)
            for outcome in chosen
            if _is_new(before.get((outcome.group_key, outcome.currency)), outcome, decision, reason)
        ]
        if made:
            Resolution.objects.bulk_create(made)
            audit.record(
                scope=scope,
                by=by,
                action=f"reconciliation.{decision}",
                kind=_KIND,
                object_id=made[0].public_id,
                after={"batch": batch.public_id, "outcome": chosen[0].outcome, "groups": len(made)},
                reason=reason,
            )
    return len(made)


def _chosen(batch: Batch, outcomes: Sequence[int]) -> list[Outcome]:
    newest = Outcome.objects.filter(comparison=queries.comparison(batch))
    chosen = list(newest.filter(pk__in=outcomes).order_by("place"))
    if not chosen or len(chosen) != len(set(outcomes)):
        raise StaleVersion(_("그사이 비교 결과가 바뀌었어요. 다시 확인해 주세요."))
    kinds = {outcome.outcome for outcome in chosen}
    if kinds & MATCHED:
        raise InvalidRequest(_("차이가 없는 결과는 결정할 것이 없어요."), field="ids")
    if len(kinds) > 1:
        raise InvalidRequest(_("결과 구분이 같은 것끼리 골라 주세요."), field="ids")
    return chosen


def _is_new(before: Resolution | None, outcome: Outcome, decision: Decision, reason: str) -> bool:
    if before is None:
        return decision is not Decision.REOPEN
    return not _stands(before, outcome, decision, reason, [])


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


def restore_many(
    *, scope: Scope, batch_id: str, records: Sequence[int], reason: str, by: Actor, now: datetime
) -> list[Resolution]:
    """Say of several lines that look like copies that they are none, or of none of them. Raises what `restore` does."""
    if len(records) > MOST_RESTORED:
        raise InvalidRequest(_("한 번에 %(limit)d건까지 결정할 수 있어요.") % {"limit": MOST_RESTORED}, field="ids")
    with transaction.atomic():
        return [
            restore(scope=scope, batch_id=batch_id, record=record, reason=reason, by=by, now=now)
            for record in sorted(set(records))
        ]


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


def _newest(batch: Batch, outcomes: Iterable[Outcome]) -> dict[tuple[UUID, str], Resolution]:
    """Return the newest decision about each group, also that it is open again."""
    decided = queries.resolutions(batch).filter(group_key__in=[outcome.group_key for outcome in outcomes])
    newest: dict[tuple[UUID, str], Resolution] = {}
    for resolution in decided:
        if resolution.group_key is not None:
            newest.setdefault((resolution.group_key, resolution.currency), resolution)
    return newest


def _stands(before: Resolution, outcome: Outcome, decision: Decision, reason: str, refs: list[str]) -> bool:
    """Say whether deciding this would only repeat what stands; what is open cannot be opened."""
    if decision is Decision.REOPEN:
        return before.decision == Decision.REOPEN
    same = (before.decision, before.reason, before.refs) == (decision, reason, refs)
    return same and not queries.is_stale(before, outcome)


def _decided(batch: Batch, outcome: Outcome, decision: Decision, reason: str, by: Actor, now: datetime) -> Resolution:
    return Resolution(
        **_about(batch, by, now),
        group_key=outcome.group_key,
        currency=outcome.currency,
        decision=decision,
        reason=reason,
        outcome=outcome.outcome,
        difference_subtotal=outcome.difference_subtotal,
        difference_tax=outcome.difference_tax,
    )


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
