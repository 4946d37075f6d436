"""
Orders whose start date lies ahead follow their terms.

Until an order starts, its amounts and its settlement date are those of the contract, policies and calculation that
count for its start date. When one of these changes, a job computes such orders again; nothing is posted for them yet,
so only the records change. An order with a cancel stays as it is, because the cancel was held against it, and so does
a settlement date that was given in the request.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import structlog
from django.db import connection, transaction

from access import audit
from core import clock, jobs
from core.actor import Actor
from core.money import AmountOutOfRange
from core.scope import Scope, ScopedQuerySet
from core.sql import load
from settlement import terms
from settlement.calculators import Calculators
from settlement.dates import DateOutOfRange, settlement_date
from settlement.fees import AdditionalFeeTerms, DiscountTerms, Order, Refused, compute_order
from settlement.models import (
    AMOUNT_COLUMNS,
    AdditionalFeePolicyVersion,
    ContractVersion,
    DiscountSharePolicyVersion,
    RecordState,
    RecordType,
    Setting,
    SettlementRecord,
    Version,
)
from settlement.operations import settings

log = structlog.get_logger(__name__)

JOB = "settlement.recompute"
_CHUNK = 500
# What an accountant is told about; the rest of the amount block follows from these.
_TOLD = (*AMOUNT_COLUMNS, "settlement_date")
_WRITTEN = (
    *AMOUNT_COLUMNS,
    "net",
    "net_tax_free",
    "platform_fee_vat_inside",
    "additional_fee_vat_inside",
    "contract_version_id",
    "calculator_id",
    "parameters",
    "settlement_date",
    "lines",
    "discounts",
    "additional_fees",
    "formula_results",
)

V = TypeVar("V", bound=Version)
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many orders were looked at, how many changed, and how many the new terms do not fit."""

    seen: int = 0
    changed: int = 0
    unfit: int = 0

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(self.seen + other.seen, self.changed + other.changed, self.unfit + other.unfit)


# ---- asking for it


def enqueue(*, scope: Scope, by: Actor, now: datetime, reason: str) -> None:
    """
    Let a job compute the scope's orders ahead again, once the open transaction commits.

    One job waits per scope, however many changes ask for it; a change made while one runs gets another.
    """
    with transaction.atomic():
        if not _one_waits(scope):
            jobs.enqueue(scope=scope, kind=JOB, arguments={"reason": reason, "by": str(by)}, by=by, now=now)


def _one_waits(scope: Scope) -> bool:
    # The share lock keeps a worker from taking the waiting job before this change is committed and can be seen by it.
    with connection.cursor() as cursor:
        cursor.execute(
            "select id from core_job where merchant_id = %s and is_test = %s and kind = %s and state = 'QUEUED'"
            " order by id limit 1 for share",
            [scope.merchant_id, scope.is_test, JOB],
        )
        return cursor.fetchone() is not None


# ---- doing it


def scheduled(
    *,
    scope: Scope,
    by: Actor,
    now: datetime,
    reason: str = "",
    chunk: int = _CHUNK,
    tell: Callable[[int], None] = lambda _seen: None,
) -> Outcome:
    """
    Compute every order of the scope that has not started yet under the versions that count for its start date.

    In chunks, a transaction each; `tell` hears how many were looked at after each. Doing it again changes nothing.
    """
    outcome, after = Outcome(), 0
    while True:
        with transaction.atomic():
            records = _locked(scope, clock.seoul_day(now), after, chunk)
            outcome += follow(scope=scope, records=records, by=by, reason=reason)
        if not records:
            return outcome
        after = records[-1].pk
        tell(outcome.seen)


def waiting(scope: Scope, today: date) -> int:
    """Return how many orders of a scope have their start date ahead."""
    return _ahead(scope, today).count()


def _ahead(scope: Scope, today: date) -> ScopedQuerySet[SettlementRecord]:
    return SettlementRecord.objects.within(scope).filter(
        type=RecordType.ORDER, state=RecordState.SCHEDULED, start_date__gt=today
    )


def _locked(scope: Scope, today: date, after: int, chunk: int) -> list[SettlementRecord]:
    """Return the next orders ahead, locked against being started, cancelled or deleted meanwhile."""
    found = _ahead(scope, today).filter(pk__gt=after).order_by("pk")
    locked = list(found.select_for_update(no_key=True).values_list("pk", flat=True)[:chunk])
    # Loaded after the lock: a join in the locking statement would pair a row that was waited for with its old contract.
    whole = SettlementRecord.objects.filter(pk__in=locked).select_related("partner", "contract_version__contract")
    return list(whole.order_by("pk"))


def follow(*, scope: Scope, records: Sequence[SettlementRecord], by: Actor, reason: str = "") -> Outcome:
    """
    Give orders the terms of their start dates, and write and tell what changed. One with a cancel stays as it is.

    The orders must be SCHEDULED and locked, with their partners and contract versions loaded after the lock.
    """
    # Read after the lock: a cancel that was being recorded when we came is seen, and no further one can begin.
    cancels = SettlementRecord.objects.filter(order__in=records).exclude(state=RecordState.VOIDED)
    cancelled = set(cancels.values_list("order_id", flat=True))
    free = [record for record in records if record.pk not in cancelled]
    counting = Counting.of(scope, free)
    changed, unfit = [], 0
    for record in free:
        before = {name: getattr(record, name) for name in _WRITTEN}
        version = record.contract_version.number if record.contract_version else 0
        if not counting.follow(record):
            unfit += 1
        elif before != {name: getattr(record, name) for name in _WRITTEN}:
            changed.append(record)
            _tell(record, before, version, by, reason)
    _write(changed)
    return Outcome(len(records), len(changed), unfit)


def _tell(record: SettlementRecord, before: Json, version: int, by: Actor, reason: str) -> None:
    now = {name: getattr(record, name) for name in _TOLD}
    names = [name for name in _TOLD if before[name] != now[name]]
    then, after = {name: before[name] for name in names}, {name: now[name] for name in names}
    if record.contract_version and record.contract_version.number != version:
        then, after = then | {"contract_version": version}, after | {"contract_version": record.contract_version.number}
    audit.record(
        scope=record.scope,
        by=by,
        action="settlement_record.recomputed",
        kind=terms.RECORD_ORIGIN,
        object_id=record.public_id,
        before=then,
        after=after,
        reason=reason,
    )


def _write(records: Sequence[SettlementRecord]) -> None:
    if not records:
        return
    # The ORM would write a CASE per row and column; here 500 rows of 29 columns are one statement.
    values = [{name: getattr(record, name) for name in ("id", *_WRITTEN)} for record in records]
    with connection.cursor() as cursor:
        cursor.execute(load("settlement", "follow_terms"), [json.dumps(values, default=str)])


# ---- the versions that count


@dataclass(frozen=True, slots=True)
class _Versions(Generic[V]):
    """All versions of some policies, by policy."""

    found: Mapping[Any, Sequence[V]]

    def on(self, policy: object, day: date) -> V:
        return terms.version_on(self.found[policy], day)


@dataclass(frozen=True, slots=True)
class Counting:
    """Everything orders are computed by, as it counts now; read once for many orders."""

    contracts: _Versions[ContractVersion]
    discounts: _Versions[DiscountSharePolicyVersion]
    fees: _Versions[AdditionalFeePolicyVersion]
    calculators: Calculators
    setting: Setting
    closed: frozenset[date]

    @classmethod
    def of(cls, scope: Scope, records: Iterable[SettlementRecord]) -> "Counting":
        """Return what the given orders need; their contract versions must be loaded."""
        agreed = [terms.agreed(record) for record in records]
        contracts = {record.contract_version.contract_id for record in records if record.contract_version}
        mine = {f"policy__{name}": value for name, value in scope.filters().items()}
        shares = {one for each in agreed for one in each.discounts}
        fees = {one for each in agreed for one in each.fees}
        of_policy = {"policy__public_id__in": shares, **mine}, {"policy__public_id__in": fees, **mine}
        return cls(
            contracts=_by(
                ContractVersion.objects.filter(contract__in=contracts).select_related("contract"),
                lambda version: version.contract_id,
            ),
            discounts=_by(
                DiscountSharePolicyVersion.objects.filter(**of_policy[0]).select_related("policy") if shares else (),
                lambda version: version.policy.public_id,
            ),
            fees=_by(
                AdditionalFeePolicyVersion.objects.filter(**of_policy[1]).select_related("policy") if fees else (),
                lambda version: version.policy.public_id,
            ),
            calculators=Calculators.of(scope),
            setting=settings.current(scope),
            closed=terms.holidays(scope),
        )

    def follow(self, record: SettlementRecord) -> bool:
        """Give an order, unsaved, the terms of its start date. False, and nothing changed, when they do not fit it."""
        if record.contract_version is None or record.start_date is None:
            return False
        version = self.contracts.on(record.contract_version.contract_id, record.start_date)
        agreed = self._agreed(record, record.start_date)
        fixed = version.fee_is_fixed or any(one.fee.amount for _pk, one in agreed.fees.values())
        if fixed and record.currency != "KRW":
            return False
        try:
            columns = self._columns(record, record.start_date, version, agreed)
        except (Refused, AmountOutOfRange, DateOutOfRange) as error:
            log.warning("order_keeps_its_terms", record=record.public_id, reason=str(error))
            return False
        record.contract_version = version
        for name, value in columns.items():
            setattr(record, name, value)
        return True

    def _agreed(self, record: SettlementRecord, day: date) -> terms.Agreed:
        old = terms.agreed(record)
        shares = {one: self.discounts.on(one, day) for one in old.discounts}
        fees = {one: self.fees.on(one, day) for one in old.fees}
        return terms.Agreed(
            products=old.products,
            discounts={one: (version.pk, version.partner_share_rate) for one, version in shares.items()},
            fees={one: (version.pk, terms.additional_fee(version)) for one, version in fees.items()},
        )

    def _columns(self, record: SettlementRecord, start: date, version: ContractVersion, agreed: terms.Agreed) -> Json:
        contract, calculation = terms.contract(version), self.calculators.on(start)
        parameters = self.calculators.kept(calculation, record.parameters)
        computed = compute_order(
            under(terms.order(record), agreed), contract, formulas=terms.formulas(calculation, parameters)
        )
        columns = terms.computed_columns(computed, agreed, record.type)
        columns |= {"calculator": calculation, "parameters": parameters}
        if not record.date_is_given:
            adjust = self.setting.adjust_settlement_date_after_holiday_if_earlier
            columns["settlement_date"] = settlement_date(start, contract.cycle, self.closed, adjust=adjust)
        return columns


def under(order: Order, agreed: terms.Agreed) -> Order:
    """Return an order with the share rates and fee terms that were agreed on for its policies."""

    def discounts(items: Iterable[DiscountTerms]) -> tuple[DiscountTerms, ...]:
        return tuple(replace(item, share_rate=agreed.discounts[item.policy_id][1]) for item in items)

    def fees(items: Iterable[AdditionalFeeTerms]) -> tuple[AdditionalFeeTerms, ...]:
        return tuple(agreed.fees[item.policy_id][1] for item in items)

    lines = tuple(replace(line, discounts=discounts(line.discounts), fees=fees(line.fees)) for line in order.lines)
    return replace(order, lines=lines, discounts=discounts(order.discounts), fees=fees(order.fees))


def _by(versions: Iterable[V], key: Callable[[V], object]) -> _Versions[V]:
    found: dict[object, list[V]] = defaultdict(list)
    for version in versions:
        found[key(version)].append(version)
    return _Versions(found)
