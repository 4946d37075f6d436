"""
Taking records back.

For the caller a voided record is gone. In the books its journal stays and its mirror is posted, the partner's legs on
the account where the money lies by now; a partner settlement whose last record is voided goes with it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, Min, QuerySet
from django.utils.translation import gettext as _

from core import clock, ids
from core.actor import Actor
from core.errors import StaleVersion
from core.scope import Scope
from ledger import posting
from ledger.accounts import Address
from ledger.chart import BY_CODE, Code
from ledger.models import Entry, Journal
from ledger.posting import Leg, Origin, Posting
from settlement import claims, terms
from settlement.models import (
    AMOUNT_COLUMNS,
    HoldReason,
    PartnerSettlement,
    RecordState,
    RecordStatus,
    RecordType,
    SettlementRecord,
    SettlementState,
    SettlementStatus,
)
from settlement.operations import maturity
from settlement.operations._record import told
from settlement.refusals import listed, record_not_found, refuse, settlements_not_found

_TRIES = 3
_CHUNK = 1_000
_VOIDABLE = (RecordStatus.SCHEDULED, RecordStatus.IN_PROCESS, RecordStatus.SETTLED)
_DELETABLE = (
    SettlementStatus.PAYOUT_PREPARED,
    SettlementStatus.PAYOUT_WITHHELD,
    SettlementStatus.PAYOUT_EXCLUDED,
    SettlementStatus.CANCELLED,
)


def void_record(*, scope: Scope, by: Actor, now: datetime, public_id: str, reason: str = "") -> None:
    """
    Take one record back; its id stays used.

    Raises TRANSFER_NOT_FOUND, TRANSFER_NON_DELETABLE_STATUS once it is in a payout, CANCEL_ORDER_TRANSFERS_EXISTS for
    an order that has a cancel.
    """
    with transaction.atomic():
        record = _locked_record(scope, public_id)
        locked = {row.pk: row for row in claims.lock(scope, _settlements_of([record]))}
        status = _status(scope, record)
        if status not in _VOIDABLE:
            raise refuse("TRANSFER_NON_DELETABLE_STATUS", 400, _("지급에 들어간 정산건은 지울 수 없어요."))
        if record.cancels.exclude(state=RecordState.VOIDED).exists():
            raise refuse("CANCEL_ORDER_TRANSFERS_EXISTS", 400, _("취소 정산건이 있는 주문은 지울 수 없어요."))
        _void(scope, [record], locked, by, now)
        told(scope, by, "voided", record, amount=record.net, reason=reason)


def void_settlements(*, scope: Scope, by: Actor, now: datetime, public_ids: Sequence[str]) -> None:
    """
    Take partner settlements back with all their records, all or none.

    Raises PARTNER_SETTLEMENTS_NOT_FOUND, NON_DELETABLE_PARTNER_SETTLEMENTS, REFERENCED_CANCEL_ORDER_TRANSFERS_EXIST
    when one of the records is an order whose cancel lies elsewhere, StaleVersion when records keep joining.
    """
    wanted = list(dict.fromkeys(public_ids))
    with transaction.atomic():
        found = dict(_present(scope, wanted).values_list("public_id", "pk"))
        if missing := [one for one in wanted if one not in found]:
            raise settlements_not_found(missing)
        records, locked = _locked_contents(scope, list(found.values()))
        _check_deletable(scope, locked)
        _check_no_cancel_elsewhere(records)
        for start in range(0, len(records), _CHUNK):
            _void(scope, records[start : start + _CHUNK], locked, by, now)


def _present(scope: Scope, public_ids: Sequence[str]) -> QuerySet[PartnerSettlement]:
    rows = PartnerSettlement.objects.within(scope).filter(public_id__in=public_ids)
    return rows.exclude(state=SettlementState.VOIDED)


# ---- locks


def _locked_record(scope: Scope, public_id: str) -> SettlementRecord:
    """Return a record, locked, with the order it cancels locked before it: cancels of an order happen in turn."""
    rows = SettlementRecord.objects.within(scope).exclude(state=RecordState.VOIDED)
    seen = rows.filter(public_id=public_id).values_list("pk", "order_id").first()
    if seen is None:
        raise record_not_found(public_id)
    both = SettlementRecord.objects.filter(pk__in=[pk for pk in seen if pk]).order_by("pk")
    locked = {row.pk: row for row in both.select_related("partner").select_for_update(of=("self",), no_key=True)}
    record = locked[seen[0]]
    if record.state == RecordState.VOIDED:
        raise record_not_found(public_id)
    return record


def _locked_contents(
    scope: Scope, settlement_ids: Sequence[int]
) -> tuple[list[SettlementRecord], dict[int, PartnerSettlement]]:
    """
    Lock all records of some partner settlements, then these.

    Records may have joined while we waited. Then everything is let go and taken again, because a record must never be
    waited for while a partner settlement is held.
    """
    for _try in range(_TRIES):
        held = transaction.savepoint()
        contents = SettlementRecord.objects.filter(partner_settlement_id__in=settlement_ids)
        contents = contents.exclude(state=RecordState.VOIDED)
        rows = contents.select_related("partner").defer("lines", "discounts", "additional_fees")
        records = list(rows.order_by("pk").select_for_update(of=("self",), no_key=True))
        locked = {row.pk: row for row in claims.lock(scope, settlement_ids)}
        if contents.count() == len(records):
            return records, locked
        transaction.savepoint_rollback(held)
    raise StaleVersion(_("정산건이 계속 더해지고 있어요. 잠시 뒤에 다시 시도해 주세요."))


# ---- checks


def _settlements_of(records: Sequence[SettlementRecord]) -> list[int]:
    return sorted({record.partner_settlement_id for record in records if record.partner_settlement_id})


def _status(scope: Scope, record: SettlementRecord) -> str:
    rows: QuerySet[Any] = claims.with_record_status(SettlementRecord.objects.within(scope))
    status: str = rows.values_list("status", flat=True).get(pk=record.pk)
    return status


def _check_deletable(scope: Scope, locked: Mapping[int, PartnerSettlement]) -> None:
    rows: QuerySet[Any] = claims.with_status(PartnerSettlement.objects.within(scope).filter(pk__in=locked))
    if stuck := list(rows.exclude(status__in=_DELETABLE).order_by("pk").values_list("public_id", flat=True)):
        facts = listed(ids.PARTNER_SETTLEMENT, stuck)
        raise refuse("NON_DELETABLE_PARTNER_SETTLEMENTS", 400, _("지울 수 없는 상태의 정산 내역이 있어요."), **facts)


def _check_no_cancel_elsewhere(records: Sequence[SettlementRecord]) -> None:
    mine = {record.pk for record in records}
    orders = [record.pk for record in records if record.type == RecordType.ORDER]
    cancels = SettlementRecord.objects.filter(order_id__in=orders).exclude(state=RecordState.VOIDED)
    elsewhere = [row.public_id for row in cancels.only("pk", "public_id").order_by("pk") if row.pk not in mine]
    if elsewhere:
        message = _("취소 정산건이 다른 정산 내역에 있어요.")
        raise refuse("REFERENCED_CANCEL_ORDER_TRANSFERS_EXIST", 400, message, ids=elsewhere)


# ---- the voiding itself


def _void(
    scope: Scope,
    records: Sequence[SettlementRecord],
    settlements: Mapping[int, PartnerSettlement],
    by: Actor,
    now: datetime,
) -> None:
    """Void locked records: mirror their journals and take them out of their locked partner settlements."""
    postings = _mirrors(scope, records, settlements, clock.seoul_day(now))
    SettlementRecord.objects.filter(pk__in=[record.pk for record in records]).update(
        state=RecordState.VOIDED, state_changed_at=now
    )
    posting.post_many(scope=scope, postings=postings, by=by)
    groups: dict[int, list[SettlementRecord]] = defaultdict(list)
    for record in records:
        if record.partner_settlement_id:
            groups[record.partner_settlement_id].append(record)
    for settlement_id, group in groups.items():
        _take_out(settlements[settlement_id], group, now)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The journal of a record with its legs."""

    journal_id: int
    legs: list[tuple[Address, int, str]]


def _mirrors(
    scope: Scope,
    records: Sequence[SettlementRecord],
    settlements: Mapping[int, PartnerSettlement],
    today: date,
) -> list[Posting]:
    kept = _journals(scope, records)
    return [
        Posting(
            event="settlement.voided",
            key=f"void:{record.public_id}",
            on=today,
            legs=_mirrored(kept[record.public_id], record, settlements),
            origin=Origin(terms.RECORD_ORIGIN, record.public_id),
            reverses=kept[record.public_id].journal_id,
        )
        for record in records
        if record.public_id in kept
    ]


def _journals(scope: Scope, records: Sequence[SettlementRecord]) -> dict[str, _Kept]:
    keys = {f"record:{record.public_id}": record.public_id for record in records}
    journals = Journal.objects.within(scope).filter(event_type="settlement.recorded", event_key__in=keys)
    kept = {row.pk: (keys[row.event_key], _Kept(row.pk, [])) for row in journals}
    for entry in Entry.objects.filter(journal_id__in=kept).select_related("account").order_by("journal_id", "leg_no"):
        kept[entry.journal_id][1].legs.append((Address.of(entry.account), entry.amount, entry.component))
    return dict(kept.values())


def _mirrored(kept: _Kept, record: SettlementRecord, settlements: Mapping[int, PartnerSettlement]) -> list[Leg]:
    where = _money_of(record, settlements)
    return [
        Leg(_moved(address, where) if BY_CODE[address.code].owner_kind == "partner" else address, -amount, component)
        for address, amount, component in kept.legs
    ]


def _moved(address: Address, where: Code) -> Address:
    return Address(where, address.owner, address.currency)


def _money_of(record: SettlementRecord, settlements: Mapping[int, PartnerSettlement]) -> Code:
    """Return the partner account that a record's money lies on now."""
    if record.net < 0:
        return Code.PARTNER_RECEIVABLE
    if record.partner_settlement_id is None:
        return Code.PARTNER_PENDING
    held = settlements[record.partner_settlement_id].hold_reason != HoldReason.NONE
    return Code.PARTNER_HELD if held else Code.PARTNER_AVAILABLE


def _take_out(row: PartnerSettlement, group: Sequence[SettlementRecord], now: datetime) -> None:
    for column in (*AMOUNT_COLUMNS, "net", "net_tax_free"):
        setattr(row, column, getattr(row, column) - sum(getattr(record, column) for record in group))
    row.credit_total -= sum(record.net for record in group if record.net > 0)
    row.debit_total += sum(record.net for record in group if record.net < 0)
    row.record_count -= len(group)
    left = row.records.exclude(state=RecordState.VOIDED).aggregate(first=Min("start_date"), last=Max("start_date"))
    row.start_from, row.start_until = left["first"], left["last"]
    if row.record_count == 0:
        row.state = SettlementState.VOIDED
        row.hold_reason = HoldReason.NONE
        row.state_changed_at = now
    row.save(update_fields=[*maturity.SUMMED, "state", "hold_reason", "state_changed_at"])
