"""Rows of settlement's lists. Money of cancels is negative here, so that every sum over a list means something."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from console import totals
from console.filters import BoundFilters
from console.totals import Totals
from core.scope import Scope
from settlement import claims, queries, tables
from settlement.models import (
    AdditionalFeePolicy,
    Claim,
    Contract,
    DiscountSharePolicy,
    Partner,
    PartnerSettlement,
    RecordState,
    RecordStatus,
    RecordType,
    SettlementRecord,
    SettlementState,
    SettlementStatus,
)

_SIGN = Case(When(type=RecordType.ORDER_CANCEL, then=Value(-1)), default=Value(1), output_field=BigIntegerField())
SIGNED: dict[str, Any] = {
    key: F(key.removeprefix("signed_")) * _SIGN
    for key in (*(key for key, _label, _default in tables.AMOUNTS), *(key for key, _label in tables.MORE_AMOUNTS))
}
_NOT_YET = (RecordState.SCHEDULED, RecordState.IN_PROCESS)
# Payouts that go on or succeeded: no such claim is ever released, so it is its partner settlement's latest.
_BEHIND = tuple(payout for payout, shown in claims.SETTLEMENT_STATUS.items() if shown in claims.RECORD_STATUS)


def record_rows(scope: Scope) -> QuerySet[SettlementRecord]:
    """Return the records that stand, with status, payout and signed amounts."""
    return claims.with_record_status(queries.records(scope)).annotate(**SIGNED)


def settlement_rows(scope: Scope) -> QuerySet[PartnerSettlement]:
    """Return the partner settlements that stand, with status, payout and signed amounts."""
    return claims.with_status(queries.partner_settlements(scope)).annotate(**SIGNED)


def partner_rows(scope: Scope) -> QuerySet[Partner]:
    """Return the partners."""
    return Partner.objects.within(scope)


def contract_rows(scope: Scope) -> QuerySet[Contract]:
    """Return the contracts with the number of partners whose default they are."""
    users = Partner.objects.filter(default_contract=OuterRef("pk"), is_archived=False).order_by()
    counted = users.values("default_contract").annotate(found=Count("pk")).values("found")
    return Contract.objects.within(scope).annotate(
        partner_count=Coalesce(Subquery(counted), 0, output_field=IntegerField())
    )


def discount_policy_rows(scope: Scope) -> QuerySet[DiscountSharePolicy]:
    """Return the discount share policies."""
    return DiscountSharePolicy.objects.within(scope)


def fee_policy_rows(scope: Scope) -> QuerySet[AdditionalFeePolicy]:
    """Return the additional fee policies."""
    return AdditionalFeePolicy.objects.within(scope)


# ---- conditions


def with_record_statuses(values: Sequence[str]) -> Q:
    """Return the condition for records with one of these statuses."""
    return queries.has_status([RecordStatus(value) for value in values])


def claimed_by(payouts: Sequence[str]) -> QuerySet[Claim, Any]:
    """Return the partner settlements that any of these payouts ever claimed, as a subquery."""
    return Claim.objects.filter(payout_ref__public_id__in=payouts).values("partner_settlement_id")


def claimed_by_bulk(bulk_payouts: Sequence[str]) -> QuerySet[Claim, Any]:
    """Return the same for bulk payouts."""
    return Claim.objects.filter(payout_ref__bulk_public_id__in=bulk_payouts).values("partner_settlement_id")


def with_settlement_statuses(values: Sequence[str]) -> Q:
    """
    Return the condition for partner settlements with one of these statuses.

    Claims of payouts that go on or succeeded say it at once; only what none of them holds is looked at row by row.
    """
    wanted = set(values)
    behind = [payout for payout, shown in claims.SETTLEMENT_STATUS.items() if shown in wanted and payout in _BEHIND]
    condition = Q(_claimed(behind)) if behind else Q(pk__in=())
    if wanted >= {status.value for status in claims.CLAIMABLE}:
        # An excluded one cannot be claimed, so what is neither held by a payout nor excluded may be paid.
        condition |= ~Q(_claimed(list(_BEHIND))) & ~Q(state=SettlementState.PAYOUT_EXCLUDED)
        wanted -= {status.value for status in claims.CLAIMABLE}
    if SettlementStatus.PAYOUT_EXCLUDED in wanted:
        condition |= Q(state=SettlementState.PAYOUT_EXCLUDED)
    for decided in wanted & {SettlementState.PAYOUT_PREPARED.value, SettlementState.PAYOUT_WITHHELD.value}:
        condition |= ~Q(_claimed(list(_BEHIND))) & Q(state=decided, status=decided)
    for ended in wanted & {SettlementStatus.PAYOUT_FAILED.value, SettlementStatus.CANCELLED.value}:
        payouts = [payout for payout, shown in claims.SETTLEMENT_STATUS.items() if shown == ended]
        condition |= Q(_claimed(payouts)) & Q(status=ended)
    return condition


def _claimed(payout_statuses: Sequence[str]) -> Exists:
    return Exists(Claim.objects.filter(partner_settlement_id=OuterRef("pk"), payout_ref__status__in=payout_statuses))


# ---- totals from kept sums: settled records are added up in their partner settlements

_OF_RECORDS = tuple(column.key for column in tables.RECORD_COLUMNS if column.total)
_OF_SETTLEMENTS = tuple(column.key for column in tables.SETTLEMENT_COLUMNS if column.total)
# Filters whose condition is the same for a record and for the partner settlement it joined.
_SHARED = frozenset({"date", "type", "status", "partner"})


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows of one type, status and currency: how many, and their sums by column."""

    type: str
    status: str
    currency: str
    count: int
    sums: Mapping[str, int]


def record_totals(scope: Scope, filters: BoundFilters) -> Totals | None:
    """
    Return count and sums of a list of records; None when a filter looks inside single records, or it takes too long.

    Settled records are added up in their partner settlements, of which there are far fewer; the others are counted.
    """
    active = {bound.filter.key for bound in filters.items if bound.chip}
    if not filters.valid or not active <= _SHARED or filters.named("date").state.get("kind") != "settlement":
        return None
    condition = filters.named("date").condition & filters.named("partner").condition
    try:
        with totals.within(totals.BUDGET):
            settled = _settled(queries.partner_settlements(scope).filter(condition), row_by_row=False)
            groups = [_as_records(group) for group in settled] + _unsettled(scope, condition)
    except totals.TooSlow:
        return None
    return _added_up(groups, filters, _OF_RECORDS)


def settlement_totals(scope: Scope, filters: BoundFilters) -> Totals | None:
    """Return count and sums of a list of partner settlements; None when it takes too long."""
    groups = _settlement_groups(scope, filters)
    return None if groups is None else _added_up(groups, filters, _OF_SETTLEMENTS)


def _settlement_groups(scope: Scope, filters: BoundFilters) -> list[_Group] | None:
    """Return the partner settlements under all filters but type and status; None when it takes too long."""
    if not filters.valid:
        return None
    condition = Q()
    for bound in filters.items:
        if bound.filter.key not in {"type", "status"}:
            condition &= bound.condition
    try:
        with totals.within(totals.BUDGET):
            return _settled(queries.partner_settlements(scope).filter(condition), row_by_row=True)
    except totals.TooSlow:
        return None


@dataclass(frozen=True, slots=True)
class Figures:
    """
    What a list of partner settlements adds up to in one currency, signed: settlement = order - fee + manual.

    The amounts per status and the payable amount leave the status filter out, so that they show where the rest lies.
    """

    currency: str
    settlement: int
    order: int
    fee: int
    manual: int
    payable: int
    by_status: Mapping[str, int]


def settlement_figures(scope: Scope, filters: BoundFilters) -> list[Figures] | None:
    """Return the figures of each currency; None when it takes too long."""
    groups = _settlement_groups(scope, filters)
    if groups is None:
        return None
    types, statuses = (set(filters.named(key).state["chosen"]) for key in ("type", "status"))
    of_type = [group for group in groups if not types or group.type in types]
    currencies = sorted({group.currency for group in of_type})
    return [
        _figures(currency, [group for group in of_type if group.currency == currency], statuses)
        for currency in currencies
    ]


def _figures(currency: str, groups: Sequence[_Group], statuses: Collection[str]) -> Figures:
    shown = [group for group in groups if not statuses or group.status in statuses]
    manual = sum(group.sums["net"] for group in shown if group.type == RecordType.MANUAL)
    settlement = sum(group.sums["net"] for group in shown)
    order = sum(group.sums["signed_order_amount"] for group in shown if group.type != RecordType.MANUAL)
    by_status: dict[str, int] = {}
    for group in groups:
        by_status[group.status] = by_status.get(group.status, 0) + group.sums["net"]
    payable = sum(by_status.get(status.value, 0) for status in claims.CLAIMABLE)
    return Figures(currency, settlement, order, order + manual - settlement, manual, payable, by_status)


def _settled(rows: QuerySet[Any, Any], *, row_by_row: bool) -> list[_Group]:
    """
    Return partner settlements by status: those that payouts hold from the claims, the others by their own.

    `row_by_row` asks for the exact status of the others; records do not need it, they are all settled.
    """
    rows = rows.order_by()
    of = "partner_settlement__"
    held = Claim.objects.filter(payout_ref__status__in=_BEHIND, partner_settlement__in=rows.values("pk"))
    paying = held.values(f"{of}type", f"{of}currency", "payout_ref__status").annotate(
        counted=Count("partner_settlement_id"), **_sums(of)
    )
    free: QuerySet[Any, Any] = rows.filter(~_claimed(list(_BEHIND)))
    names = ["type", "currency", *(["status"] if row_by_row else [])]
    others = (claims.with_status(free) if row_by_row else free).values(*names).annotate(counted=Count("pk"), **_sums())
    prepared = SettlementStatus.PAYOUT_PREPARED.value
    return [
        *(_group(row, claims.SETTLEMENT_STATUS[row["payout_ref__status"]].value, of) for row in paying),
        *(_group(row, row["status"] if row_by_row else prepared) for row in others),
    ]


def _unsettled(scope: Scope, condition: Q) -> list[_Group]:
    """Return the records that are not settled yet, by status."""
    rows = SettlementRecord.objects.within(scope).filter(condition, state__in=_NOT_YET).order_by()
    sums = {name: total for name, total in _sums().items() if name != "sum_record_count"}
    found = rows.values("type", "state", "currency").annotate(counted=Count("pk"), **sums)
    return [_group(row, row["state"]) for row in found]


def _as_records(group: _Group) -> _Group:
    shown = claims.RECORD_STATUS.get(SettlementStatus(group.status), RecordStatus.SETTLED)
    return replace(group, status=shown.value, count=group.sums["record_count"])


def _sums(prefix: str = "") -> dict[str, Sum]:
    return {f"sum_{key}": Sum(f"{prefix}{key.removeprefix('signed_')}") for key in _OF_SETTLEMENTS}


def _group(row: Mapping[str, Any], status: str, prefix: str = "") -> _Group:
    kind = str(row[f"{prefix}type"])
    sign = -1 if kind == RecordType.ORDER_CANCEL else 1
    found = {key: int(row.get(f"sum_{key}") or 0) for key in _OF_SETTLEMENTS}
    sums = {key: amount * (sign if key.startswith("signed_") else 1) for key, amount in found.items()}
    return _Group(kind, status, str(row[f"{prefix}currency"]), int(row["counted"]), sums)


def _added_up(groups: Sequence[_Group], filters: BoundFilters, keys: Sequence[str]) -> Totals:
    types, statuses = (set(filters.named(key).state["chosen"]) for key in ("type", "status"))
    count, sums = 0, dict[str, dict[str, int]]()
    by_type, by_status = dict[str, int](), dict[str, int]()
    for group in groups:
        right_type, right_status = not types or group.type in types, not statuses or group.status in statuses
        if right_status:
            by_type[group.type] = by_type.get(group.type, 0) + group.count
        if right_type:
            by_status[group.status] = by_status.get(group.status, 0) + group.count
        if right_type and right_status and group.count:
            count += group.count
            figures = sums.setdefault(group.currency, dict.fromkeys(keys, 0))
            for key in keys:
                figures[key] += group.sums[key]
    return Totals(count, sums, {"type": by_type, "status": by_status})
