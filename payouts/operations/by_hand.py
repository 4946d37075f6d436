"""
Paid by hand, decided by two people: one says what was paid, when and what proves it, another approves.

The payouts take their settlements and reserve their money like any others, in a bulk payout that no rail ever sees.
Approving it completes it at once; rejecting or cancelling gives everything back. The day and the evidence are stored
before it is submitted and never change, so what is approved is what was proven.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from access import audit
from core import ids
from core.actor import Actor
from core.clock import seoul_day
from core.errors import Conflict, InvalidRequest
from core.scope import Scope
from payouts import queries
from payouts.models import BulkPayout, BulkStatus, Decision, HandPayment, PayoutMethod, PayoutStatus
from payouts.operations import approval, building, direct, replacing
from settlement import claims
from settlement.models import HoldReason, PartnerSettlement

# It is all done in one request, so it stays small enough for one.
MOST_SETTLEMENTS = 2_000


class NotPayable(Conflict):
    """Something of what was chosen cannot be recorded as paid; `partners` says whose."""

    code = "SETTLEMENT_NOT_PAYABLE"


@dataclass(frozen=True, slots=True)
class Proof:
    """When money reached the partners outside the product, and what shows it."""

    paid_on: date
    evidence: str
    file_reference: str = ""


def propose(
    *,
    scope: Scope,
    settlement_ids: Sequence[int],
    left_out: Mapping[int, str],
    proof: Proof,
    name: str,
    by: Actor,
    now: datetime,
    public_id: str = "",
) -> BulkPayout:
    """
    Reserve partner settlements as paid by hand and ask another person to approve it. All or none.

    `settlement_ids` are primary keys; `left_out` says why negative ones were left out. Raises InvalidRequest,
    building.NothingSelected, NotPayable, claims.NotClaimable.
    """
    chosen = sorted(set(settlement_ids))
    _check(chosen, proof, seoul_day(now))
    with transaction.atomic():
        bulk = direct.new_bulk(scope, public_id or ids.new_id(ids.BULK_PAYOUT, now), name, by, now)
        rows = _locked(scope, chosen)
        _refuse_unpayable(rows)
        made = direct.make_payouts(bulk, rows, now)
        building.reserve(scope, bulk, made, by, seoul_day(now), now)
        replacing.note_replaced(bulk)
        _keep_proof(bulk, proof, by, now)
        bulk.left_out = _left_out_rows(scope, left_out)
        bulk.save(update_fields=["left_out"])
        building.seal_content(bulk, now=now, status=BulkStatus.PREPARED)
        audit.record(
            scope=scope,
            by=by,
            action="bulk_payout.hand_proposed",
            kind="bulk_payout",
            object_id=bulk.public_id,
            after={"settlements": len(rows), "on": proof.paid_on.isoformat(), "evidence": proof.evidence},
        )
        return approval.submit(scope=scope, bulk_id=bulk.public_id, seen_hash=bulk.content_hash, by=by, now=now)


def decide(
    *, scope: Scope, bulk_id: str, seen_hash: str, decision: Decision, by: Actor, now: datetime, reason: str = ""
) -> BulkPayout:
    """Approve or reject like any bulk payout; the last approval needed completes one that was paid by hand."""
    with transaction.atomic():
        bulk = approval.decide(
            scope=scope, bulk_id=bulk_id, seen_hash=seen_hash, decision=decision, by=by, now=now, reason=reason
        )
        if bulk.method == PayoutMethod.DIRECT and bulk.status == BulkStatus.APPROVED:
            complete(bulk, by=by, now=now)
    return bulk


def complete(bulk: BulkPayout, *, by: Actor, now: datetime) -> None:
    """End every payout of an approved, locked bulk payout as paid on the day that was proven."""
    proof = HandPayment.objects.get(bulk_payout=bulk)
    live = queries.payouts_of(bulk).exclude(status=PayoutStatus.CANCELLED).order_by("pk")
    evidence = " · ".join(part for part in (proof.evidence, proof.file_reference) if part)
    direct.pay(bulk, list(live.select_for_update(of=("self",))), proof.completed_on, by, evidence)
    direct.end(bulk, now)
    audit.record(
        scope=bulk.scope,
        by=by,
        action="bulk_payout.paid_by_hand",
        kind="bulk_payout",
        object_id=bulk.public_id,
        after={"payouts": bulk.payout_count, "total": bulk.total_amount, "on": proof.completed_on.isoformat()},
    )


def why_not(group: Sequence[PartnerSettlement]) -> str:
    """Return the code of the reason for which a partner cannot be paid by hand; its account does not matter here."""
    if sum(row.net for row in group) < 0:
        return "NEGATIVE"
    return "COMPLIANCE" if any(row.hold_reason == HoldReason.COMPLIANCE for row in group) else ""


def _check(chosen: Sequence[int], proof: Proof, today: date) -> None:
    if not chosen:
        raise building.NothingSelected(_("지급할 정산 내역을 하나 이상 선택해 주세요."))
    if len(chosen) > MOST_SETTLEMENTS:
        message = _("직접 지급은 한 번에 정산 내역 %(limit)d건까지 기록할 수 있어요.")
        raise InvalidRequest(message % {"limit": MOST_SETTLEMENTS}, field="ids")
    if proof.paid_on > today:
        raise InvalidRequest(_("지급한 날은 오늘보다 뒤일 수 없어요."), field="paid_on")
    if not proof.evidence.strip():
        raise InvalidRequest(_("지급한 근거를 적어 주세요."), field="evidence")


def _locked(scope: Scope, chosen: Sequence[int]) -> list[PartnerSettlement]:
    rows = claims.lock(scope, chosen)
    free = set(claims.claimable(scope).filter(pk__in=chosen).values_list("pk", flat=True))
    if len(free) < len(chosen):
        taken = [row.public_id for row in rows if row.pk not in free]
        raise claims.NotClaimable(_("이미 지급에 포함되었거나 지급할 수 없는 정산 내역이 있어요."), ids=taken)
    return rows


def _refuse_unpayable(rows: Sequence[PartnerSettlement]) -> None:
    if len({row.currency for row in rows}) > 1:
        raise NotPayable(_("통화가 다른 정산 내역은 따로 기록해 주세요."))
    groups: dict[int, list[PartnerSettlement]] = {}
    for row in rows:
        groups.setdefault(row.partner_id, []).append(row)
    stuck = [group[0].partner.public_id for group in groups.values() if why_not(group)]
    if stuck:
        raise NotPayable(_("직접 지급으로 기록할 수 없는 파트너가 있어요."), partners=stuck)


def _keep_proof(bulk: BulkPayout, proof: Proof, by: Actor, now: datetime) -> None:
    HandPayment.objects.create(
        bulk_payout=bulk,
        completed_on=proof.paid_on,
        evidence=proof.evidence.strip(),
        file_reference=proof.file_reference.strip(),
        recorded_by=by.name[:200],
        recorded_at=now,
    )


def _left_out_rows(scope: Scope, left_out: Mapping[int, str]) -> list[dict[str, object]]:
    rows = PartnerSettlement.objects.within(scope).filter(pk__in=left_out).order_by("pk")
    return [{"settlement": row.public_id, "net": row.net, "reason": left_out[row.pk]} for row in rows]
