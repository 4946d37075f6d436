"""
Paid by hand: settlements whose money reached the partner outside the product, recorded as paid at once.

No rail is touched and no account is checked. The payouts take their settlements and reserve their money as any other
payout does, then a completion ends them, and the operator's own funds stand for the bank.
"""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from access import audit
from core.actor import Actor
from core.clock import seoul_day
from core.errors import InvalidRequest, NotFound
from core.ids import PARTNER_SETTLEMENT
from core.scope import Scope
from ledger import posting
from ledger.posting import refused_by
from payouts import journals, queries
from payouts.models import BankAccount, BulkPayout, BulkStatus, Completion, Payout, PayoutMethod
from payouts.operations import building
from settlement import calculators, claims
from settlement.models import HoldReason, PartnerSettlement
from settlement.operations import settings
from settlement.refusals import listed, refuse, settlements_not_found

# What stands in for a bank account where a merchant has set none up; it has no rail, so nothing is ever sent from it.
OUTSIDE = "outside"
_NO_MEMOS = building.Memos("", "")


def complete(
    *,
    scope: Scope,
    by: Actor,
    now: datetime,
    bulk_id: str,
    settlement_ids: Sequence[str],
    name: str = "",
    completed_on: date | None = None,
) -> BulkPayout:
    """
    Record partner settlements as paid by hand, all or none, in a new bulk payout that is completed at once.

    Raises, in this order, NO_SELECTED_PARTNER_SETTLEMENTS, DUPLICATED_PARTNER_SETTLEMENT_IDS,
    BULK_PAYOUT_ID_ALREADY_EXISTS, PARTNER_SETTLEMENTS_NOT_FOUND, NON_PAYABLE_PARTNER_SETTLEMENTS, and for a partner who
    owes more than is due the literal CURRENCY_NOT_SUPPORTED, which is what client libraries know that refusal by.
    """
    day = completed_on or seoul_day(now)
    _check_request(settlement_ids, day, seoul_day(now))
    with transaction.atomic():
        # The bulk payout comes first: a repeat that arrives meanwhile waits for its id and then learns that it is used.
        bulk = new_bulk(scope, bulk_id, name, by, now)
        rows = _payable(scope, settlement_ids)
        made = make_payouts(bulk, rows, now)
        building.reserve(scope, bulk, made, by, day, now)
        building.seal_content(bulk, now=now, status=BulkStatus.PREPARED)
        pay(bulk, [payout for payout, _group in made], day, by)
        end(bulk, now)
        audit.record(
            scope=scope,
            by=by,
            action="bulk_payout.paid_by_hand",
            kind="bulk_payout",
            object_id=bulk_id,
            after={"settlements": len(rows), "payouts": len(made), "total": bulk.total_amount, "on": day.isoformat()},
        )
    return bulk


def _check_request(settlement_ids: Sequence[str], day: date, today: date) -> None:
    if not settlement_ids:
        raise refuse("NO_SELECTED_PARTNER_SETTLEMENTS", 400, _("지급할 정산 내역을 하나 이상 골라 주세요."))
    if len(set(settlement_ids)) < len(settlement_ids):
        raise refuse("DUPLICATED_PARTNER_SETTLEMENT_IDS", 400, _("같은 정산 내역이 두 번 있어요."))
    if day > today:
        raise InvalidRequest(_("지급한 날은 오늘보다 뒤일 수 없어요."), field="completedAt")


def _payable(scope: Scope, settlement_ids: Sequence[str]) -> list[PartnerSettlement]:
    """Lock the settlements that are named and return them. Raises for unknown ones and those that cannot be paid."""
    standing = PartnerSettlement.objects.within(scope).filter(public_id__in=settlement_ids).exclude(state="VOIDED")
    found = dict(standing.values_list("public_id", "pk"))
    if missing := [one for one in settlement_ids if one not in found]:
        raise settlements_not_found(missing)
    rows = claims.lock(scope, list(found.values()))
    free = set(claims.claimable(scope).filter(pk__in=found.values()).values_list("pk", flat=True))
    stuck = {row.public_id for row in rows if row.pk not in free or row.hold_reason == HoldReason.COMPLIANCE}
    if stuck:
        message = _("지금 지급할 수 없는 정산 내역이 있어요.")
        facts = listed(PARTNER_SETTLEMENT, [one for one in settlement_ids if one in stuck])
        raise refuse("NON_PAYABLE_PARTNER_SETTLEMENTS", 400, message, **facts)
    return rows


def new_bulk(scope: Scope, bulk_id: str, name: str, by: Actor, now: datetime) -> BulkPayout:
    """Store an empty bulk payout that is paid by hand. Raises BULK_PAYOUT_ID_ALREADY_EXISTS."""
    account = _account(scope)
    try:
        with transaction.atomic():
            return BulkPayout.objects.create(
                **scope.filters(),
                public_id=bulk_id,
                name=name or bulk_id[:200],
                method=PayoutMethod.DIRECT,
                bank_account=account,
                created_by_id=by.user_id,
                changed_by_id=by.user_id,
                creator_name=by.name,
                created_at=now,
                updated_at=now,
                status_changed_at=now,
            )
    except IntegrityError as error:
        if refused_by(error) != "payouts_bulk_id":
            raise
        message = _("이미 쓴 일괄지급 번호예요: %(id)s") % {"id": bulk_id}
        raise refuse("BULK_PAYOUT_ID_ALREADY_EXISTS", 409, message) from error


def _account(scope: Scope) -> BankAccount:
    try:
        return queries.default_bank_account(scope)
    except NotFound:
        usual = {"name": "-", "bank": "", "number_sealed": b"", "last4": "", "holder": "", "rail": ""}
        return BankAccount.objects.get_or_create(**scope.filters(), public_id=OUTSIDE, defaults=usual)[0]


def make_payouts(
    bulk: BulkPayout, rows: Sequence[PartnerSettlement], now: datetime
) -> list[tuple[Payout, list[PartnerSettlement]]]:
    """Return unsaved payouts of locked settlements. Raises for a partner who owes more than is due."""
    scope = bulk.scope
    setting, counting = settings.current(scope), calculators.counting(scope, seoul_day(now))
    made = []
    for group in building.by_partner(rows, setting):
        payout = building.new_payout(bulk, group[0].partner, group, setting, counting, _NO_MEMOS, now)
        if payout.amount < 0 or sum(row.net for row in group) < 0:
            message = _("차감할 금액이 더 커서 지급할 수 없는 파트너예요: %(id)s")
            raise refuse("CURRENCY_NOT_SUPPORTED", 400, message % {"id": group[0].partner.public_id})
        made.append((payout, group))
    return made


def pay(bulk: BulkPayout, payouts: Sequence[Payout], day: date, by: Actor, evidence: str = "") -> None:
    """End payouts well without an attempt, and settle what they reserved against the operator's own funds."""
    ends = [Completion(payout=payout, completed_on=day, evidence=evidence, by=str(by)[:200]) for payout in payouts]
    Completion.objects.bulk_create(ends, batch_size=1_000)
    postings = [journals.paid_by_hand(queries.money_of(payout, bulk.bank_account), day) for payout in payouts]
    posting.post_many(scope=bulk.scope, postings=postings, by=by)


def end(bulk: BulkPayout, now: datetime) -> None:
    """Complete a bulk payout of which every payout has ended."""
    bulk.status = BulkStatus.COMPLETED
    bulk.started_at = bulk.ended_at = bulk.status_changed_at = bulk.updated_at = now
    bulk.save(update_fields=["status", "started_at", "ended_at", "status_changed_at", "updated_at"])
