"""
From rows to the terms of the calculation and back.

A record keeps the terms it was computed from inside itself: its lines, discounts and fees name the policy version, the
rate and the result, so that a cancel years later is held against what was agreed then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar

from core import clock
from core.money import Rounding
from core.scope import Scope
from ledger.accounts import Address
from ledger.posting import Leg, Origin, Posting
from settlement import legs as record_legs
from settlement.calculation import ParameterValue, merchant_formulas
from settlement.dates import Cycle, CycleMethod, DatePolicy, MonthDay, Weekday
from settlement.fees import (
    DEFAULT_FORMULAS,
    AdditionalFeeTerms,
    Amounts,
    Computed,
    ComputedDiscount,
    ComputedFee,
    ComputedLine,
    ContractTerms,
    DiscountTerms,
    FeeTerms,
    Formulas,
    Line,
    Order,
    Original,
    Payer,
    RoundingModes,
)
from settlement.formulas import OwnFormula, Place, read
from settlement.models import (
    AMOUNT_COLUMNS,
    AdditionalFeePolicyVersion,
    AmountColumns,
    Calculator,
    ContractVersion,
    DiscountSharePolicyVersion,
    Holiday,
    RecordType,
    SettlementRecord,
    Version,
)

RECORD_ORIGIN = "settlement_record"
SETTLEMENT_ORIGIN = "partner_settlement"
_MONTH = 100
_WEEKDAYS = tuple(Weekday)

V = TypeVar("V", bound=Version)
Json = dict[str, Any]


# ---- calculation and policies


def rounding_modes(calculator: Calculator | None) -> RoundingModes:
    """Return the rounding of a version of the calculation, None for the default one."""
    if calculator is None:
        return RoundingModes()
    return RoundingModes(
        platform_fee=Rounding(calculator.rounding_platform_fee),
        discount_share=Rounding(calculator.rounding_discount_share),
        additional_fee=Rounding(calculator.rounding_additional_fee),
        settlement=Rounding(calculator.rounding_settlement),
        vat=Rounding(calculator.rounding_vat),
    )


def formulas(calculator: Calculator | None, parameters: Mapping[str, Json]) -> Formulas:
    """
    Return the formulas of a version of the calculation, None for the default ones.

    `parameters` are those of the record: every one that the version's formulas use must be among them.
    """
    if calculator is None:
        return DEFAULT_FORMULAS
    rounding = rounding_modes(calculator)
    if not (calculator.replaced or calculator.own):
        return Formulas(rounding)
    values = {key: ParameterValue.from_json(value) for key, value in parameters.items()}
    return merchant_formulas(rounding, replaced(calculator), own_formulas(calculator), values)


def replaced(calculator: Calculator | None) -> dict[Place, str]:
    """Return the expressions that stand in the place of default formulas."""
    return {Place(name): text for name, text in calculator.replaced.items()} if calculator else {}


def own_formulas(calculator: Calculator | None) -> tuple[OwnFormula, ...]:
    """Return the merchant's own formulas in the order in which they are computed."""
    kept = calculator.own if calculator else []
    return tuple(OwnFormula(item["key"], item["name"], item["expression"], Rounding(item["rounding"])) for item in kept)


def own_formulas_json(own: Iterable[OwnFormula]) -> list[Json]:
    """Return own formulas as a version keeps them."""
    return [
        {"key": item.key, "name": item.name, "expression": item.expression, "rounding": item.rounding.value}
        for item in own
    ]


def names_used_by(calculator: Calculator | None) -> set[str]:
    """Return every name that occurs in the formulas of a version of the calculation."""
    texts = [*replaced(calculator).values(), *(item.expression for item in own_formulas(calculator))]
    return {name for text in texts for name in read(text).names}


def holidays(scope: Scope) -> frozenset[date]:
    """Return the days on which banks are closed, weekends aside."""
    return frozenset(Holiday.objects.within(scope).values_list("day", flat=True))


def version_on(versions: Iterable[V], day: date) -> V:
    """Return the version that counts for a start date: the newest applied by then, before the first the first."""
    standing = [version for version in versions if version.withdrawn_at is None]
    if len(standing) == 1:
        return standing[0]
    ordered = sorted(standing, key=lambda version: (version.applied_at, version.number))
    counting = [version for version in ordered if clock.seoul_day(version.applied_at) <= day]
    return counting[-1] if counting else ordered[0]


def cycle(version: ContractVersion) -> Cycle:
    """Return the cycle of a contract."""
    days, dates = tuple(version.cycle_days), tuple(version.cycle_dates)
    return _cycle(version.lag_days, version.cycle_method, version.date_policy, days, dates)


# Merchants have few cycles, and each is asked for twice an order.
@lru_cache(maxsize=1_000)
def _cycle(lag_days: int, cycle_method: str, date_policy: str, days: tuple[int, ...], dates: tuple[int, ...]) -> Cycle:
    method = CycleMethod(cycle_method)
    return Cycle(
        lag_days=lag_days,
        method=method,
        date_policy=DatePolicy(date_policy),
        days_of_week=tuple(_WEEKDAYS[day] for day in days) if method is CycleMethod.WEEKLY else (),
        days_of_month=days if method is CycleMethod.MONTHLY else (),
        month_days=tuple(MonthDay(day // _MONTH, day % _MONTH) for day in dates),
    )


def cycle_columns(cycle: Cycle) -> Json:
    """Return the columns that store a cycle, days in order and once each."""
    days = {_WEEKDAYS.index(day) for day in cycle.days_of_week} if cycle.method is CycleMethod.WEEKLY else set()
    if cycle.method is CycleMethod.MONTHLY:
        days = set(cycle.days_of_month)
    dates = cycle.month_days if cycle.method is CycleMethod.MANUAL_DATES else ()
    return {
        "lag_days": cycle.lag_days,
        "cycle_method": cycle.method.value,
        "cycle_days": sorted(days),
        "cycle_dates": sorted({day.month * _MONTH + day.day for day in dates}),
        "date_policy": cycle.date_policy.value,
    }


def fee(version: ContractVersion | AdditionalFeePolicyVersion) -> FeeTerms:
    """Return the fee of a contract or policy."""
    return FeeTerms(rate=version.fee_rate, amount=version.fee_amount)


def contract(version: ContractVersion) -> ContractTerms:
    """Return the terms of a contract."""
    return ContractTerms(
        platform_fee=fee(version),
        vat_payer=Payer(version.vat_payer),
        subtract_payment_vat=version.subtract_payment_vat,
        cycle=cycle(version),
    )


def discount(version: DiscountSharePolicyVersion, amount: int, tax_free: int) -> DiscountTerms:
    """Return a discount under a policy."""
    return DiscountTerms(version.policy.public_id, version.partner_share_rate, amount, tax_free)


def additional_fee(version: AdditionalFeePolicyVersion) -> AdditionalFeeTerms:
    """Return an additional fee under a policy."""
    return AdditionalFeeTerms(version.policy.public_id, fee(version), Payer(version.vat_payer), version.third_party)


# ---- what a record keeps

_COMPUTED, _STORED = attrgetter(*AMOUNT_COLUMNS.values()), attrgetter(*AMOUNT_COLUMNS)


def amount_columns(amounts: Amounts) -> dict[str, int]:
    """Return the amount block as columns."""
    return dict(zip(AMOUNT_COLUMNS, _COMPUTED(amounts), strict=True))


def amounts(row: AmountColumns) -> Amounts:
    """Return the amount block of a row."""
    return Amounts(**dict(zip(AMOUNT_COLUMNS.values(), _STORED(row), strict=True)))


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a record was computed under: products, and per policy the version, the share rate or the fee's terms."""

    products: Mapping[str, Json] = field(default_factory=dict)
    discounts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    fees: Mapping[str, tuple[int, AdditionalFeeTerms]] = field(default_factory=dict)


def kept(computed: Computed, agreed: Agreed) -> Json:
    """Return the JSON columns in which a record keeps how it was computed."""
    lines = [
        {
            "product": agreed.products[line.product_id],
            "quantity": line.quantity,
            "amounts": line.amounts._asdict(),
            "formulas": dict(line.own),
            "discounts": [_discount_json(item, agreed) for item in line.discounts],
            "fees": [_fee_json(item, agreed) for item in line.fees],
        }
        for line in computed.lines
    ]
    shown_discounts = [*(item for line in computed.lines for item in line.discounts), *computed.discounts]
    shown_fees = [*(item for line in computed.lines for item in line.fees), *computed.fees]
    # The last cancel also gives back what lines emptied by earlier cancels had left over. Those lines are not in it,
    # but the books need every policy's part: it is kept beside the others and not shown.
    more_discounts = _beyond(computed.discount_totals, shown_discounts)
    more_fees = _beyond(computed.fee_totals, shown_fees)
    discounts = [_discount_json(item, agreed) for item in computed.discounts]
    fees = [_fee_json(item, agreed) for item in computed.fees]
    return {
        "lines": lines,
        "discounts": [*discounts, *(_discount_json(item, agreed) | _HIDDEN for item in more_discounts)],
        "additional_fees": [*fees, *(_fee_json(item, agreed) | _HIDDEN for item in more_fees)],
    }


def computed_columns(computed: Computed, agreed: Agreed, record_type: str) -> Json:
    """Return the columns of an order or cancel record that follow from its computation."""
    sign = -1 if record_type == RecordType.ORDER_CANCEL else 1
    return (
        amount_columns(computed.amounts)
        | kept(computed, agreed)
        | {
            "net": sign * computed.amounts.settlement,
            "net_tax_free": sign * computed.amounts.settlement_tax_free,
            "platform_fee_vat_inside": computed.platform_fee_vat_inside,
            "additional_fee_vat_inside": sum(item.vat_inside for item in computed.fee_totals),
            "formula_results": dict(computed.own),
        }
    )


_HIDDEN = {"hidden": True}


def shown(items: Iterable[Json]) -> list[Json]:
    """Return the kept discounts or fees that belong to the record itself."""
    return [item for item in items if not item.get("hidden")]


def agreed(record: SettlementRecord) -> Agreed:
    """Return what an order record was computed under."""
    discounts = [*record.discounts, *(item for line in record.lines for item in line["discounts"])]
    fees = [*record.additional_fees, *(item for line in record.lines for item in line["fees"])]
    return Agreed(
        products={line["product"]["id"]: line["product"] for line in record.lines},
        discounts={item["policy"]: (item["version"], item["rate"]) for item in discounts},
        fees={item["policy"]: (item["version"], terms) for item, terms in zip(fees, _fee_terms(fees), strict=True)},
    )


def _discount_json(item: ComputedDiscount, agreed: Agreed) -> Json:
    version, rate = agreed.discounts[item.policy_id]
    return {
        "policy": item.policy_id,
        "version": version,
        "rate": rate,
        "amount": item.amount,
        "taxFree": item.tax_free,
        "share": item.share,
        "shareTaxFree": item.share_tax_free,
    }


def _fee_json(item: ComputedFee, agreed: Agreed) -> Json:
    version, terms = agreed.fees[item.policy_id]
    return {
        "policy": item.policy_id,
        "version": version,
        "rate": terms.fee.rate,
        "fixed": terms.fee.amount,
        "vatPayer": terms.vat_payer.value,
        "thirdParty": item.third_party,
        "amount": item.amount,
        "vat": item.vat,
        "vatInside": item.vat_inside,
    }


def _computed_discount(item: Json) -> ComputedDiscount:
    return ComputedDiscount(item["policy"], item["amount"], item["taxFree"], item["share"], item["shareTaxFree"])


def _computed_fee(item: Json) -> ComputedFee:
    return ComputedFee(item["policy"], item["thirdParty"], item["amount"], item["vat"], item["vatInside"])


def _computed_line(line: Json) -> ComputedLine:
    return ComputedLine(
        product_id=line["product"]["id"],
        quantity=line["quantity"],
        amounts=Amounts(**line["amounts"]),
        discounts=tuple(_computed_discount(item) for item in line["discounts"]),
        fees=tuple(_computed_fee(item) for item in line["fees"]),
        own=line.get("formulas", {}),
    )


S = TypeVar("S", ComputedDiscount, ComputedFee)


def _added_up(items: Iterable[S]) -> tuple[S, ...]:
    sums: dict[str, S] = {}
    for item in items:
        sums[item.policy_id] = sums[item.policy_id] + item if item.policy_id in sums else item
    return tuple(sums.values())


def _beyond(totals: Iterable[S], parts: Iterable[S]) -> list[S]:
    sums = {item.policy_id: item for item in _added_up(parts)}
    left = (item - sums[item.policy_id] if item.policy_id in sums else item for item in totals)
    return [item for item in left if not item.is_zero]


def computed(record: SettlementRecord) -> Computed:
    """Return the result that an order or cancel record keeps."""
    lines = tuple(_computed_line(item) for item in record.lines)
    all_discounts = [_computed_discount(item) for item in record.discounts]
    all_fees = [_computed_fee(item) for item in record.additional_fees]
    return Computed(
        amounts=amounts(record),
        platform_fee_vat_inside=record.platform_fee_vat_inside,
        discount_totals=_added_up([*(item for line in lines for item in line.discounts), *all_discounts]),
        fee_totals=_added_up([*(item for line in lines for item in line.fees), *all_fees]),
        lines=lines,
        discounts=tuple(_computed_discount(item) for item in shown(record.discounts)),
        fees=tuple(_computed_fee(item) for item in shown(record.additional_fees)),
        own=record.formula_results,
    )


def _discount_terms(items: Sequence[Json]) -> tuple[DiscountTerms, ...]:
    return tuple(DiscountTerms(item["policy"], item["rate"], item["amount"], item["taxFree"]) for item in items)


def _fee_terms(items: Sequence[Json]) -> tuple[AdditionalFeeTerms, ...]:
    return tuple(
        AdditionalFeeTerms(
            item["policy"], FeeTerms(item["rate"], item["fixed"]), Payer(item["vatPayer"]), item["thirdParty"]
        )
        for item in items
    )


def order(record: SettlementRecord) -> Order:
    """Return the order that an order record keeps. Its tax-free amount stands for itself, whatever its lines say."""
    lines = tuple(
        Line(
            product_id=line["product"]["id"],
            unit_amount=line["product"]["amount"],
            unit_tax_free=line["product"]["taxFreeAmount"],
            quantity=line["quantity"],
            discounts=_discount_terms(line["discounts"]),
            fees=_fee_terms(line["fees"]),
        )
        for line in record.lines
    )
    return Order(
        amount=None if lines else record.order_amount,
        lines=lines,
        tax_free=record.order_tax_free,
        discounts=_discount_terms(record.discounts),
        fees=_fee_terms(record.additional_fees),
    )


def original(record: SettlementRecord) -> Original:
    """Return an order record as its cancels are held against it; its contract version must be loaded."""
    if record.contract_version is None:
        message = f"record {record.public_id} is no order"
        raise ValueError(message)
    return Original(order(record), contract(record.contract_version), computed(record))


# ---- its journal


def legs(record: SettlementRecord, result: Computed | None = None) -> list[Leg]:
    """Return the legs of a record's journal; its partner must be loaded. `result`: what it keeps, if that is known."""
    if record.type == RecordType.ORDER:
        found = record_legs.order_legs(result or computed(record))
    elif record.type == RecordType.ORDER_CANCEL:
        found = record_legs.cancel_legs(result or computed(record))
    else:
        found = record_legs.manual_legs(record.net, reason=record.reason or record_legs.GENERAL)
    return [placed(leg, record.partner.public_id, record.currency) for leg in found]


def placed(leg: record_legs.Leg, partner_id: str, currency: str) -> Leg:
    """Return a leg at its account's address."""
    owner = partner_id if leg.is_partner else leg.owner
    return Leg(Address(leg.code, owner, currency), leg.amount, leg.component)


def posting(record: SettlementRecord, *, recorded_at: datetime, result: Computed | None = None) -> Posting:
    """Return the journal of a record, dated with its start date; a manual one with the day it is recorded."""
    return Posting(
        event="settlement.recorded",
        key=f"record:{record.public_id}",
        on=record.start_date or clock.seoul_day(recorded_at),
        legs=legs(record, result),
        origin=Origin(RECORD_ORIGIN, record.public_id),
    )
