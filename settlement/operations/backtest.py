"""
Trying a changed contract on recorded orders and cancels, before anybody activates it.

A record keeps its discounts, the fees of policies and the calculation it was computed by; only what is changed about
the contract takes the place of what its own version of the contract said. Nothing but the backtest's own rows is
written. Records that the default formulas compute are tried in whole stretches by one SQL statement; the others, and
whatever that statement leaves, one by one through `settlement.backtesting`.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from access import audit
from core import ids, jobs
from core.actor import Actor
from core.errors import InvalidRequest, NotFound
from core.jobs import LeaseLost
from core.money import AmountOutOfRange
from core.scope import Scope
from core.sql import load
from settlement import terms
from settlement.backtesting import Taken, replay
from settlement.dates import Cycle, DateOutOfRange, settlement_date
from settlement.fees import Refused
from settlement.models import (
    Backtest,
    BacktestPartner,
    BacktestRecord,
    BacktestState,
    Calculator,
    ContractVersion,
    RecordState,
    RecordType,
    SettlementRecord,
)
from settlement.operations import contracts, settings
from settlement.operations.policies import CONTRACT, FeeInput

JOB = "settlement.backtest"
KIND = "backtest"
KEPT_FOR = timedelta(days=90)
_BACKTEST = ids.IdKind("bt", 16, dated=True)
_STRETCH = 20_000
_AT_ONCE = 500
# What the SQL statement computes in 64 bits without a look at each product: rates in 1/100,000, fees in minor units.
_HIGHEST_RATE, _HIGHEST_FEE = 1_000_000, 10**12
_FEE = frozenset({"fee_rate", "fee_amount", "fee_is_fixed"})
_CHANGES = (*sorted(_FEE), "vat_payer", "subtract_payment_vat")
_CYCLE = frozenset({"lag_days", "cycle_method", "cycle_days", "cycle_dates", "date_policy"})

Json = dict[str, Any]


# ---- asking for one


def create(
    *,
    scope: Scope,
    by: Actor,
    now: datetime,
    contract_id: str,
    start_from: date,
    start_until: date,
    fee: FeeInput | None = None,
    vat_payer: str | None = None,
    cycle: Cycle | None = None,
    subtract_payment_vat: bool | None = None,
) -> Backtest:
    """
    Let a job try changed terms on a contract's records with a start date in the period, both ends included.

    What is not given, or is as the contract says now, stays as it was in each version of the contract. Raises
    CONTRACT_NOT_FOUND, InvalidRequest for a cycle that names no day or a period that ends before it begins.
    """
    if start_until < start_from:
        raise InvalidRequest(_("끝나는 날이 시작하는 날보다 빨라요."), field="start_until")
    wanted = contracts.changed_columns(
        fee=fee, vat_payer=vat_payer, cycle=cycle, subtract_payment_vat=subtract_payment_vat
    )
    with transaction.atomic():
        contract = CONTRACT.get(scope, contract_id)
        row = Backtest.objects.create(
            **scope.filters(),
            public_id=ids.new_id(_BACKTEST, now),
            contract=contract,
            update=_differing(contract.current, wanted),
            start_from=start_from,
            start_until=start_until,
            created_at=now,
            created_by=str(by)[:200],
        )
        job = jobs.enqueue(scope=scope, kind=JOB, arguments={"backtest": row.public_id}, by=by, now=now)
        row.job_id = job.pk
        row.save(update_fields=["job_id"])
        _tell(row, by, "started")
    return row


def _differing(current: ContractVersion | None, wanted: Mapping[str, object]) -> Json:
    """Return the columns that differ from the current version; of a fee and of a cycle all or none."""
    names = {name for name, value in wanted.items() if getattr(current, name) != value}
    for whole in (_FEE, _CYCLE):
        names |= whole if names & whole else frozenset()
    return {name: wanted[name] for name in sorted(names)}


def remove(*, scope: Scope, by: Actor, public_id: str) -> None:
    """Remove a backtest with what it found; its job, if it still runs, stops. Raises NotFound."""
    with transaction.atomic():
        row = Backtest.objects.within(scope).select_for_update().filter(public_id=public_id).first()
        if row is None:
            raise NotFound
        _tell(row, by, "removed")
        _delete(row)


def tidy(now: datetime) -> int:
    """Remove backtests made more than 90 days ago; returns how many."""
    old = Backtest.objects.filter(created_at__lt=now - KEPT_FOR).order_by("pk")[:_AT_ONCE]
    for row in old:
        with transaction.atomic():
            _delete(row)
    return len(old)


def _delete(row: Backtest) -> None:
    _forget(row)
    row.delete()


def _forget(row: Backtest) -> None:
    BacktestRecord.objects.filter(backtest=row).delete()
    BacktestPartner.objects.filter(backtest=row).delete()


def _tell(row: Backtest, by: Actor, verb: str) -> None:
    audit.record(
        scope=row.scope,
        by=by,
        action=f"backtest.{verb}",
        kind=KIND,
        object_id=row.public_id,
        after={
            "contract": row.contract.public_id,
            "start_from": row.start_from.isoformat(),
            "start_until": row.start_until.isoformat(),
            **row.update,
        },
    )


# ---- doing it


def run(*, scope: Scope, public_id: str, fence: int, now: datetime, tell: Callable[[int, int], None]) -> Backtest:
    """
    Try the changed terms on every record of the period; `tell` hears how many are done, and of how many.

    In stretches, a transaction each. Begun anew it forgets what was found. Raises NotFound when the backtest is gone,
    LeaseLost when a later job works on it.
    """
    row = _begin(scope, public_id, fence)
    tried = _Tried.of(row)
    done, after = 0, 0
    tell(0, tried.total)
    for until, count in tried.stretches:
        with transaction.atomic():
            _hold(row, fence)
            left = tried.plain(after, until)
            for at in range(0, len(left), _AT_ONCE):
                tried.one_by_one(left[at : at + _AT_ONCE])
        done, after = done + count, until
        tell(done, tried.total)
    return _finish(row, fence, now)


def _begin(scope: Scope, public_id: str, fence: int) -> Backtest:
    with transaction.atomic():
        found = Backtest.objects.within(scope).select_related("contract").filter(public_id=public_id)
        row = found.select_for_update(of=("self",)).first()
        if row is None:
            raise NotFound
        if row.fence > fence:
            raise LeaseLost
        _forget(row)
        row.fence, row.state = fence, BacktestState.RUNNING
        row.save(update_fields=["fence", "state"])
    return row


def _hold(row: Backtest, fence: int) -> None:
    """Keep other workers out of the open transaction. Raises NotFound, LeaseLost."""
    mine = Backtest.objects.select_for_update().filter(pk=row.pk).values_list("fence", flat=True).first()
    if mine is None:
        raise NotFound
    if mine != fence:
        raise LeaseLost


_COUNTS = ("record_count", "changed_count", "moved_count", "unfit_count")


def _finish(row: Backtest, fence: int, now: datetime) -> Backtest:
    with transaction.atomic():
        _hold(row, fence)
        sums = BacktestPartner.objects.filter(backtest=row).aggregate(**{name: Sum(name) for name in _COUNTS})
        for name in _COUNTS:
            setattr(row, name, int(sums[name] or 0))
        row.state, row.finished_at = BacktestState.DONE, now
        row.save(update_fields=[*_COUNTS, "state", "finished_at"])
    return row


# ---- the records, and the terms they are tried under


@dataclass(frozen=True, slots=True)
class _Tried:
    """A backtest's records in stretches, and all that decides what becomes of them; read once."""

    row: Backtest
    versions: Mapping[int, ContractVersion]
    moves: Mapping[tuple[int, date], date | None]
    taken_back: Mapping[int, Sequence[int]]
    replacing: Sequence[int]
    stretches: Sequence[tuple[int, int]]

    @classmethod
    def of(cls, row: Backtest) -> "_Tried":
        found = list(ContractVersion.objects.filter(contract=row.contract_id).select_related("contract"))
        overlaid = {version.pk: changed(version, row.update) for version in found}
        replacing = Calculator.objects.within(row.scope).exclude(replaced={})
        return cls(
            row=row,
            versions=overlaid,
            moves=_moves(row, found, overlaid) if _CYCLE & row.update.keys() else {},
            taken_back=_taken_back(row.scope, list(overlaid)),
            replacing=list(replacing.values_list("pk", flat=True)),
            stretches=_query("backtest_stretches", _period(row, list(overlaid)) | {"size": _STRETCH}),
        )

    @property
    def total(self) -> int:
        return sum(count for _until, count in self.stretches)

    def plain(self, after: int, until: int) -> list[int]:
        """Try a stretch of records, but for those whose ids are returned."""
        moved = list(self.moves.items())
        values = _period(self.row, list(self.versions)) | {
            **{name: self.row.update.get(name) for name in _CHANGES},
            "after": after,
            "until": until,
            "simple": all(_is_simple(version) for version in self.versions.values()),
            "replacing": list(self.replacing),
            "taken_back": list(self.taken_back),
            "moved_versions": [version for (version, _start), _day in moved],
            "moved_starts": [start for (_version, start), _day in moved],
            "moved_dates": [day for _key, day in moved],
        }
        return [pk for (pk,) in _query("backtest_plain", values)]

    def one_by_one(self, wanted: Sequence[int]) -> None:
        """Try single records, each with the order it belongs to and that order's cancels."""
        records = {record.pk: record for record in SettlementRecord.objects.filter(pk__in=wanted)}
        families = _families({record.order_id or record.pk for record in records.values()}, self.taken_back)
        results = [
            self._result(record, net)
            for order, cancels in families
            for record, net in self._replayed(order, cancels)
            if record.pk in records
        ]
        _query("backtest_keep", _scope_values(self.row) | {"results": json.dumps(results, default=str)})

    def _replayed(
        self, order: SettlementRecord, cancels: Sequence[SettlementRecord]
    ) -> Iterator[tuple[SettlementRecord, int | None]]:
        """Yield an order and its cancels with their signed amounts; None where the terms do not fit the order."""
        try:
            sizes = self._sizes(order, cancels)
        except (Refused, AmountOutOfRange):
            sizes = []
        if not sizes:
            yield from ((record, None) for record in (order, *cancels))
            return
        yield order, sizes[0]
        yield from ((cancel, -size) for cancel, size in zip(cancels, sizes[1:], strict=True))

    def _sizes(self, order: SettlementRecord, cancels: Sequence[SettlementRecord]) -> list[int]:
        version = self.versions[order.contract_version_id or 0]
        if version.fee_is_fixed and order.currency != "KRW":
            return []
        taken = [Taken(terms.computed(cancel), _before(cancel, cancels)) for cancel in cancels]
        formulas = terms.formulas(order.calculator, order.parameters)
        done = replay(terms.order(order), taken, terms.contract(version), formulas=formulas)
        return [one.amounts.settlement for one in done]

    def _result(self, record: SettlementRecord, net: int | None) -> Json:
        start = record.start_date or record.settlement_date
        key = (record.contract_version_id or 0, start)
        day: date | None = record.settlement_date
        if not record.date_is_given:
            day = self.moves.get(key, day)
        well = net is not None and day is not None
        return {
            "id": record.pk,
            "partner_id": record.partner_id,
            "currency": record.currency,
            "recorded": record.net,
            "changed": net if well else record.net,
            "old_date": record.settlement_date,
            "new_date": day if well else record.settlement_date,
            "well": well,
        }


def changed(version: ContractVersion, update: Mapping[str, Any]) -> ContractVersion:
    """Return a version, not to be saved, with the changed columns in the place of its own."""
    overlaid = copy(version)
    for name, value in update.items():
        setattr(overlaid, name, value)
    return overlaid


def _is_simple(version: ContractVersion) -> bool:
    return version.fee_rate <= _HIGHEST_RATE and version.fee_amount <= _HIGHEST_FEE


def _moves(
    row: Backtest, versions: Collection[ContractVersion], overlaid: Mapping[int, ContractVersion]
) -> dict[tuple[int, date], date | None]:
    """Return, by version and start date, the settlement dates a changed cycle moves, None where it names none."""
    closed = terms.holidays(row.scope)
    adjust = settings.current(row.scope).adjust_settlement_date_after_holiday_if_earlier

    def on(version: ContractVersion, start: date) -> date | None:
        try:
            return settlement_date(start, terms.cycle(version), closed, adjust=adjust)
        except DateOutOfRange:
            return None

    starts = SettlementRecord.objects.within(row.scope).filter(
        contract_version__in=list(overlaid), start_date__range=(row.start_from, row.start_until)
    )
    found: dict[tuple[int, date], date | None] = {}
    own = {version.pk: version for version in versions}
    for pk, start in starts.order_by().values_list("contract_version", "start_date").distinct():
        if start is None:
            continue
        before, after = on(own[pk], start), on(overlaid[pk], start)
        if before != after:
            found[pk, start] = after
    return found


def _taken_back(scope: Scope, versions: Sequence[int]) -> dict[int, list[int]]:
    """Return the cancels that were taken back, by order: later cancels may have been computed after them."""
    cancels = SettlementRecord.objects.within(scope).filter(
        type=RecordType.ORDER_CANCEL, state=RecordState.VOIDED, contract_version__in=versions
    )
    found: dict[int, list[int]] = defaultdict(list)
    for pk, order in cancels.order_by("pk").values_list("pk", "order"):
        found[order or 0].append(pk)
    return found


def _families(
    orders: Collection[int], taken_back: Mapping[int, Sequence[int]]
) -> list[tuple[SettlementRecord, list[SettlementRecord]]]:
    """Return orders with their cancels in the order they were recorded, those taken back included."""
    gone = [pk for order in orders for pk in taken_back.get(order, ())]
    standing = Q(order__in=orders, type=RecordType.ORDER_CANCEL) & ~Q(state=RecordState.VOIDED)
    cancels: dict[int, list[SettlementRecord]] = defaultdict(list)
    for part in (SettlementRecord.objects.filter(standing), SettlementRecord.objects.filter(pk__in=gone)):
        for cancel in part:
            cancels[cancel.order_id or 0].append(cancel)
    found = SettlementRecord.objects.filter(pk__in=orders).select_related("calculator").order_by("pk")
    return [(order, sorted(cancels[order.pk], key=lambda cancel: cancel.pk)) for order in found]


def _before(cancel: SettlementRecord, cancels: Sequence[SettlementRecord]) -> tuple[int, ...]:
    """Return the places of the cancels that stood when one was recorded."""
    return tuple(
        place
        for place, other in enumerate(cancels)
        if other.pk < cancel.pk and (other.state != RecordState.VOIDED or other.state_changed_at > cancel.created_at)
    )


# ---- SQL


def _scope_values(row: Backtest) -> Json:
    return {"backtest": row.pk, "merchant": row.merchant_id, "is_test": row.is_test}


def _period(row: Backtest, versions: Sequence[int]) -> Json:
    period = {"versions": list(versions), "start_from": row.start_from, "start_until": row.start_until}
    return _scope_values(row) | period


def _query(name: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(load("settlement", name), values)
        return cursor.fetchall() if cursor.description else []
