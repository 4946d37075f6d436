"""
Dates reached: a record begins to count on its start date and joins a partner settlement on its settlement date.

Both run in chunks, a transaction each, and pass over what another worker has locked, so several may run and a killed
one loses nothing but the chunk it was in.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from core import clock, ids
from core.actor import Actor, system
from core.scope import Scope
from core.sql import load
from ledger import accounts, posting
from ledger.chart import Code
from ledger.posting import Origin, Posting, credit, debit
from settlement import claims, terms
from settlement.models import (
    AMOUNT_COLUMNS,
    HoldReason,
    Partner,
    PartnerSettlement,
    RecordState,
    RecordType,
    Setting,
    SettlementRecord,
    SettlementState,
)
from settlement.operations import _locks, recompute, settings

_CHUNK = 1_000
_STARTING = 500
# A partner settlement whose sums come near what a column holds takes no more; the next record opens another.
_FULL = 10**18
# The columns of a partner settlement that records add up to, and all columns that change when some join or leave.
SUMS = (*AMOUNT_COLUMNS, "net", "net_tax_free", "credit_total", "debit_total")
SUMMED = (*SUMS, "record_count", "start_from", "start_until", "maturity_no")


@dataclass(frozen=True, slots=True)
class Key:
    """What the records of one partner settlement have in common."""

    partner_id: int
    contract_id: int | None
    type: str
    settlement_date: date
    currency: str
    # Set for a record that stands alone; then nothing else joins its partner settlement in the same step.
    alone: int | None = None
    # Whether the money already is what must be paid, and stands apart from what is taxed on its way.
    paid_as_is: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one key, added up: the columns of `SUMS`, how many they are and when they started."""

    key: Key
    sums: Mapping[str, int]
    count: int
    start_from: date | None = None
    start_until: date | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """What one step brought into one partner settlement: the step's number and the money that became available."""

    key: Key
    settlement: PartnerSettlement
    partner_public_id: str
    maturity_no: int
    available: int

    def posting(self) -> Posting:
        """Return the journal that makes the positive nets of the step available."""
        row = self.settlement
        pending = accounts.partner(Code.PARTNER_PENDING, self.partner_public_id, row.currency)
        free = accounts.partner(Code.PARTNER_AVAILABLE, self.partner_public_id, row.currency)
        return Posting(
            event="settlement.matured",
            key=f"mature:{row.public_id}:{self.maturity_no}",
            on=row.settlement_date,
            legs=[debit(pending, self.available, "MATURITY"), credit(free, self.available, "MATURITY")],
            origin=Origin(terms.SETTLEMENT_ORIGIN, row.public_id),
        )


# ---- joining partner settlements


def join(*, scope: Scope, groups: Sequence[Group], now: datetime) -> list[Joined]:
    """
    Bring groups of records into partner settlements: rows that take more grow, others are opened.

    The caller marks the records SETTLED and posts the journals, in the same transaction.
    """
    # Serialised per partner, so that two transactions do not open two rows for one key.
    _locks.by_name(scope, (f"partner:{group.key.partner_id}" for group in groups))
    pks = {group.key.partner_id for group in groups}
    names = dict(Partner.objects.filter(pk__in=pks).values_list("pk", "public_id"))
    known = _joinable(scope, {group.key for group in groups if group.key.alone is None})
    fresh = [_opened(scope, group.key, now) for group in groups if group.key not in known]
    opened = iter(fresh)
    joined = []
    for group in groups:
        row = known[group.key] if group.key in known else next(opened)
        _add_up(row, group)
        joined.append(Joined(group.key, row, names[row.partner_id], row.maturity_no, group.sums["credit_total"]))
    PartnerSettlement.objects.bulk_create(fresh, batch_size=_CHUNK)
    _save_sums(list(known.values()))
    return joined


def group_of(record: SettlementRecord, *, alone: bool) -> Group:
    """Return one record as a group; its contract version must be loaded."""
    contract_id = record.contract_version.contract_id if record.contract_version else None
    key = Key(
        record.partner_id,
        contract_id,
        record.type,
        record.settlement_date,
        record.currency,
        paid_as_is=record.paid_as_is,
    )
    sums = {column: getattr(record, column) for column in SUMS if not column.endswith("_total")}
    sums |= {"credit_total": max(record.net, 0), "debit_total": max(-record.net, 0)}
    only = replace(key, alone=record.pk) if alone else key
    return Group(only, sums, 1, record.start_date, record.start_date)


def stands_alone(setting: Setting, record_type: str) -> bool:
    """Say whether each record of a type makes a partner settlement of its own."""
    return setting.manual_settlement_per_transfer and record_type == RecordType.MANUAL


def _save_sums(rows: Sequence[PartnerSettlement]) -> None:
    if not rows:
        return
    # The ORM would write a CASE per row and column; 1,000 rows of 25 columns are one statement here.
    values = [{name: getattr(row, name) for name in ("id", *SUMMED)} for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(load("settlement", "save_sums"), [json.dumps(values, default=str)])


def _joinable(scope: Scope, wanted: set[Key]) -> dict[Key, PartnerSettlement]:
    """Return the locked partner settlements that take more records: due, free of holds, in no payout since."""
    if not wanted:
        return {}
    free = PartnerSettlement.objects.within(scope).filter(
        partner_id__in={key.partner_id for key in wanted},
        type__in={key.type for key in wanted},
        settlement_date__in={key.settlement_date for key in wanted},
        state=SettlementState.PAYOUT_PREPARED,
        hold_reason=HoldReason.NONE,
        order_amount__lt=_FULL,
        credit_total__lt=_FULL,
        debit_total__lt=_FULL,
    )
    found = {row.pk for row in free.only(*_KEY_COLUMNS) if _row_key(row) in wanted}
    claims.lock(scope, sorted(found))
    # Looked at again under the lock: a payout may have claimed one before we got it.
    locked: QuerySet[Any] = claims.with_status(PartnerSettlement.objects.within(scope).filter(pk__in=found))
    still = locked.filter(status=SettlementState.PAYOUT_PREPARED, hold_reason=HoldReason.NONE)
    return {_row_key(row): row for row in still.order_by("pk")}


_KEY_COLUMNS = ("partner_id", "contract_id", "type", "settlement_date", "currency", "paid_as_is")


def _row_key(row: PartnerSettlement) -> Key:
    return Key(
        row.partner_id,
        row.contract_id,
        row.type,
        row.settlement_date,
        row.currency,
        paid_as_is=row.paid_as_is,
    )


def _opened(scope: Scope, key: Key, now: datetime) -> PartnerSettlement:
    return PartnerSettlement(
        **scope.filters(),
        public_id=ids.new_id(ids.PARTNER_SETTLEMENT, now),
        partner_id=key.partner_id,
        contract_id=key.contract_id,
        type=key.type,
        settlement_date=key.settlement_date,
        currency=key.currency,
        paid_as_is=key.paid_as_is,
        state_changed_at=now,
        created_at=now,
    )


def _add_up(row: PartnerSettlement, group: Group) -> None:
    for column in SUMS:
        setattr(row, column, getattr(row, column) + group.sums[column])
    row.record_count += group.count
    row.start_from = min((day for day in (row.start_from, group.start_from) if day), default=None)
    row.start_until = max((day for day in (row.start_until, group.start_until) if day), default=None)
    row.maturity_no += 1


# ---- settlement dates


def mature_due(today: date | None = None, chunk: int = _CHUNK, *, now: datetime | None = None) -> int:
    """
    Let records whose settlement date has come join partner settlements; returns how many did.

    Takes about `chunk` records of neighbouring partners at a time, so that a partner settlement is touched once or
    twice, however many records join it.
    """
    now = now or clock.now()
    today = today or clock.seoul_day(now)
    by = system("settlement.mature")
    done = 0
    for scope, partners, first_day in _batches(today, chunk):
        bounds = {"partners": partners, "first_day": first_day, "today": today, "chunk": chunk}
        while count := _mature_chunk(scope, bounds, by, now):
            done += count
            if count < chunk:
                break
    return done


def _batches(today: date, chunk: int) -> Iterator[tuple[Scope, list[int], date]]:
    """Yield neighbouring partners of one scope whose due records together fill about a chunk."""
    with connection.cursor() as cursor:
        cursor.execute(load("settlement", "due_partners"), {"today": today})
        due = cursor.fetchall()
    scope, partners, filled, first_day = Scope(0), list[int](), 0, date.max
    for merchant, is_test, partner, count, since in due:
        if partners and (Scope(merchant, is_test) != scope or filled + count > chunk):
            yield scope, partners, first_day
            partners, filled, first_day = [], 0, date.max
        scope, filled, first_day = Scope(merchant, is_test), filled + count, min(first_day, since)
        partners.append(partner)
    if partners:
        yield scope, partners, first_day


def _mature_chunk(scope: Scope, bounds: dict[str, Any], by: Actor, now: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(load("settlement", "lock_maturing"), bounds)
        locked = [row[0] for row in cursor.fetchall()]
        if locked:
            alone = settings.current(scope).manual_settlement_per_transfer
            cursor.execute(load("settlement", "add_up_records"), {"records": locked, "alone": alone})
            groups = [_added_up(row) for row in cursor.fetchall()]
            joined = join(scope=scope, groups=groups, now=now)
            _settle(locked, joined, now)
            posting.post_many(scope=scope, postings=[step.posting() for step in joined], by=by)
    return len(locked)


def _added_up(row: tuple[Any, ...]) -> Group:
    *key, count, start_from, start_until = row[: _KEY_WIDTH + 3]
    sums = {column: int(value) for column, value in zip(SUMS, row[_KEY_WIDTH + 3 :], strict=True)}
    return Group(Key(*key), sums, count, start_from, start_until)


_KEY_WIDTH = len(Key.__dataclass_fields__)


def _settle(records: Sequence[int], joined: Sequence[Joined], now: datetime) -> None:
    """Mark locked records SETTLED in the partner settlements that their keys have joined."""
    columns = {f"{name}s": [getattr(step.key, name) for step in joined] for name in Key.__dataclass_fields__}
    settlements = [step.settlement.pk for step in joined]
    with connection.cursor() as cursor:
        cursor.execute(
            load("settlement", "settle_records"),
            {"now": now, "records": list(records), "settlements": settlements, **columns},
        )


def mature(*, scope: Scope, record: SettlementRecord, by: Actor, now: datetime) -> None:
    """Let one IN_PROCESS record, locked or just written, join a partner settlement and post the journal."""
    alone = stands_alone(settings.current(scope), record.type)
    joined = join(scope=scope, groups=[group_of(record, alone=alone)], now=now)
    record.partner_settlement = joined[0].settlement
    record.state, record.state_changed_at = RecordState.SETTLED, now
    record.save(update_fields=["partner_settlement", "state", "state_changed_at"])
    posting.post(scope=scope, posting=joined[0].posting(), by=by)


# ---- start dates


def start_due(today: date | None = None, chunk: int = _STARTING, *, now: datetime | None = None) -> int:
    """
    Let records whose start date has come begin to count, under the terms of that day; returns how many did.

    An order is computed again when its terms have changed since it was recorded, unless it has a cancel.
    """
    now = now or clock.now()
    today = today or clock.seoul_day(now)
    done = 0
    while count := _start_chunk(today, chunk, now):
        done += count
    return done


def _start_chunk(today: date, chunk: int, now: datetime) -> int:
    by = system("settlement.start")
    with transaction.atomic():
        due = SettlementRecord.objects.filter(state=RecordState.SCHEDULED, start_date__lte=today)
        locked = due.select_for_update(skip_locked=True, no_key=True).order_by("start_date", "id")
        # Loaded after the lock: a join in the locking statement would pair a changed row with its old contract.
        found = SettlementRecord.objects.filter(pk__in=list(locked.values_list("pk", flat=True)[:chunk]))
        records = list(found.select_related("partner", "contract_version__contract").order_by("start_date", "id"))
        scopes: dict[Scope, list[SettlementRecord]] = defaultdict(list)
        for record in records:
            scopes[record.scope].append(record)
        for scope, group in scopes.items():
            _start(scope, group, by, now)
    return len(records)


def _start(scope: Scope, records: Sequence[SettlementRecord], by: Actor, now: datetime) -> None:
    orders = [record for record in records if record.type == RecordType.ORDER]
    recompute.follow(scope=scope, records=orders, by=by, reason="start")
    SettlementRecord.objects.filter(pk__in=[record.pk for record in records]).update(
        state=RecordState.IN_PROCESS, state_changed_at=now
    )
    postings = [terms.posting(record, recorded_at=now) for record in records]
    posting.post_many(scope=scope, postings=postings, by=by)
