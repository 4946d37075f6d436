"""
Holding: what a person decides about a partner settlement, and where its money lies meanwhile.

Money that may be paid lies in the available account, money that is withheld or excluded in the held one. The receivable
of negative records stays where it is. Every move of money ends in a counter of the row, so that it is posted once.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from access import audit
from core import clock
from core.actor import Actor
from core.errors import Conflict, DomainError
from core.scope import Scope
from ledger import accounts, posting
from ledger.chart import Code
from ledger.posting import Origin, Posting, credit, debit
from settlement import claims, terms
from settlement.models import (
    AccountStatus,
    HoldReason,
    Partner,
    PartnerSettlement,
    SettlementState,
    SettlementStatus,
)
from settlement.operations._voids import void_settlements
from settlement.operations.partners import is_approver
from settlement.refusals import settlements_not_found

_CHUNK = 1_000
_PREPARED, _WITHHELD, _EXCLUDED = (
    SettlementStatus.PAYOUT_PREPARED,
    SettlementStatus.PAYOUT_WITHHELD,
    SettlementStatus.PAYOUT_EXCLUDED,
)


class StatusNotAllowed(Conflict):
    """A partner settlement is not in a status from which it can be moved there; `ids` says which."""

    code = "SETTLEMENT_STATUS_NOT_ALLOWED"


class StillHeld(Conflict):
    """The money is held for a reason that an operator cannot lift; `ids` says where."""

    code = "SETTLEMENT_STILL_HELD"


# ---- money


def free(*, settlements: Sequence[PartnerSettlement], by: Actor, now: datetime) -> None:
    """
    Move held money of locked partner settlements, all of one scope, to the available account and clear the reason.

    Those that are not held stay as they are. The caller decides whether the reason may be lifted.
    """
    held = [row for row in settlements if row.hold_reason != HoldReason.NONE]
    _move_money(held, HoldReason.NONE, by, now)


def keep(*, settlements: Sequence[PartnerSettlement], reason: HoldReason, by: Actor, now: datetime) -> None:
    """
    Move available money of locked partner settlements, all of one scope, to the held account under a reason.

    Those that are held already only change their reason.
    """
    waiting = [row for row in settlements if row.hold_reason != HoldReason.NONE]
    for row in waiting:
        row.hold_reason = reason
    PartnerSettlement.objects.filter(pk__in=[row.pk for row in waiting]).update(hold_reason=reason)
    held = {row.pk for row in waiting}
    _move_money([row for row in settlements if row.pk not in held], reason, by, now)


def _move_money(rows: Sequence[PartnerSettlement], reason: HoldReason, by: Actor, now: datetime) -> None:
    if not rows:
        return
    partners = Partner.objects.in_bulk({row.partner_id for row in rows})
    for row in rows:
        row.hold_no += 1
        row.hold_reason = reason
    PartnerSettlement.objects.bulk_update(rows, ["hold_no", "hold_reason"], batch_size=_CHUNK)
    postings = [_posting(row, partners[row.partner_id].public_id, now) for row in rows]
    posting.post_many(scope=rows[0].scope, postings=postings, by=by)


def _posting(row: PartnerSettlement, partner_id: str, now: datetime) -> Posting:
    free_account = accounts.partner(Code.PARTNER_AVAILABLE, partner_id, row.currency)
    held_account = accounts.partner(Code.PARTNER_HELD, partner_id, row.currency)
    freed = row.hold_reason == HoldReason.NONE
    source, target = (held_account, free_account) if freed else (free_account, held_account)
    return Posting(
        event="settlement.freed" if freed else "settlement.held",
        key=f"hold:{row.public_id}:{row.hold_no}",
        on=clock.seoul_day(now),
        legs=[debit(source, row.credit_total, "HOLD"), credit(target, row.credit_total, "HOLD")],
        origin=Origin(terms.SETTLEMENT_ORIGIN, row.public_id),
    )


# ---- decisions


def withhold(*, scope: Scope, by: Actor, now: datetime, public_ids: Sequence[str], memo: str = "") -> None:
    """Hold partner settlements back, all or none. Raises PARTNER_SETTLEMENTS_NOT_FOUND, StatusNotAllowed."""
    allowed = {_PREPARED, SettlementStatus.CANCELLED, _EXCLUDED}
    state = SettlementState.PAYOUT_WITHHELD
    _decide(scope=scope, public_ids=public_ids, allowed=allowed, state=state, by=by, now=now, memo=memo)


def exclude(*, scope: Scope, by: Actor, now: datetime, public_ids: Sequence[str], memo: str = "") -> None:
    """Decide that partner settlements are never paid, all or none. Raises as `withhold` does."""
    allowed = {_PREPARED, _WITHHELD, SettlementStatus.CANCELLED}
    state = SettlementState.PAYOUT_EXCLUDED
    _decide(scope=scope, public_ids=public_ids, allowed=allowed, state=state, by=by, now=now, memo=memo)


def restore(*, scope: Scope, by: Actor, now: datetime, public_ids: Sequence[str], memo: str = "") -> None:
    """Bring excluded partner settlements back to be paid, all or none. Raises as `prepare` does."""
    state = SettlementState.PAYOUT_PREPARED
    _decide(scope=scope, public_ids=public_ids, allowed={_EXCLUDED}, state=state, by=by, now=now, memo=memo)


def prepare(*, scope: Scope, by: Actor, now: datetime, public_ids: Sequence[str], memo: str = "") -> None:
    """
    Make partner settlements payable again, all or none; what is held becomes available.

    Raises PARTNER_SETTLEMENTS_NOT_FOUND, StatusNotAllowed, and StillHeld while the account behind a hold is not
    verified and confirmed, or when only an approver may lift it.
    """
    allowed = {_WITHHELD, _EXCLUDED, SettlementStatus.CANCELLED, SettlementStatus.PAYOUT_FAILED}
    state = SettlementState.PAYOUT_PREPARED
    _decide(scope=scope, public_ids=public_ids, allowed=allowed, state=state, by=by, now=now, memo=memo)


def delete(*, scope: Scope, by: Actor, now: datetime, public_ids: Sequence[str], memo: str = "") -> None:
    """
    Take partner settlements back with all their records, all or none.

    Raises PARTNER_SETTLEMENTS_NOT_FOUND, NON_DELETABLE_PARTNER_SETTLEMENTS, REFERENCED_CANCEL_ORDER_TRANSFERS_EXIST.
    """
    with transaction.atomic():
        void_settlements(scope=scope, by=by, now=now, public_ids=public_ids)
        for one in dict.fromkeys(public_ids):
            audit.record(
                scope=scope,
                by=by,
                action="partner_settlement.deleted",
                kind=terms.SETTLEMENT_ORIGIN,
                object_id=one,
                reason=memo,
            )


def _decide(
    *,
    scope: Scope,
    public_ids: Sequence[str],
    allowed: Collection[SettlementStatus],
    state: SettlementState,
    by: Actor,
    now: datetime,
    memo: str,
) -> None:
    with transaction.atomic():
        rows = _locked(scope, public_ids)
        pks = [row.pk for row in rows]
        shown: QuerySet[Any] = claims.with_status(PartnerSettlement.objects.within(scope).filter(pk__in=pks))
        now_at: dict[int, tuple[str, int]] = {
            pk: (status, claim_no) for pk, status, claim_no in shown.values_list("pk", "status", "claim_no")
        }
        if wrong := [row.public_id for row in rows if now_at[row.pk][0] not in allowed]:
            raise StatusNotAllowed(_("지금 상태에서는 바꿀 수 없는 정산 내역이 있어요."), ids=wrong)
        if state == SettlementState.PAYOUT_PREPARED:
            _check_liftable(scope, rows, by)
            free(settlements=rows, by=by, now=now)
        else:
            keep(settlements=[row for row in rows if row.hold_reason == ""], reason=HoldReason.OPERATOR, by=by, now=now)
        for row in rows:
            before: dict[str, object] = {"status": now_at[row.pk][0], "memo": row.memo}
            row.state, row.state_claim_no, row.state_changed_at = state, now_at[row.pk][1], now
            row.memo = memo or row.memo
            _record(row, by, before, memo)
        PartnerSettlement.objects.bulk_update(
            rows, ["state", "state_claim_no", "state_changed_at", "memo"], batch_size=_CHUNK
        )


def _locked(scope: Scope, public_ids: Sequence[str]) -> list[PartnerSettlement]:
    wanted = list(dict.fromkeys(public_ids))
    rows = PartnerSettlement.objects.within(scope).filter(public_id__in=wanted)
    found = dict(rows.exclude(state=SettlementState.VOIDED).values_list("public_id", "pk"))
    if missing := [one for one in wanted if one not in found]:
        raise settlements_not_found(missing)
    return claims.lock(scope, sorted(found.values()))


def _check_liftable(scope: Scope, rows: Sequence[PartnerSettlement], by: Actor) -> None:
    """Raise StillHeld where the reason for a hold has not gone away."""
    unpaid = Partner.objects.in_bulk({row.partner_id for row in rows if row.hold_reason == HoldReason.ACCOUNT})
    bad = {pk for pk, partner in unpaid.items() if not account_is_good(partner)}
    if stuck := [row.public_id for row in rows if row.hold_reason == HoldReason.ACCOUNT and row.partner_id in bad]:
        raise _still_held(_("계좌를 확인해야 지급할 수 있어요."), stuck)
    locked = [row.public_id for row in rows if row.hold_reason == HoldReason.COMPLIANCE]
    if locked and not is_approver(scope, by):
        raise _still_held(_("준법 검토 중인 정산 내역은 승인자만 풀 수 있어요."), locked)


def _still_held(message: str, public_ids: Sequence[str]) -> DomainError:
    return StillHeld(message, ids=list(public_ids))


def account_is_good(partner: Partner) -> bool:
    """Say whether money may be sent to a partner's account: its holder is verified and a change of it is confirmed."""
    return partner.account_confirmed and partner.account_status == AccountStatus.VERIFIED


def _record(row: PartnerSettlement, by: Actor, before: dict[str, object], memo: str) -> None:
    audit.record(
        scope=row.scope,
        by=by,
        action="partner_settlement.moved",
        kind=terms.SETTLEMENT_ORIGIN,
        object_id=row.public_id,
        before=before,
        after={"status": str(row.state), "holdReason": str(row.hold_reason)},
        reason=memo,
    )
