"""Recording an order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from core import clock, ids
from core.actor import Actor
from core.rows import new
from core.scope import Scope
from core.transactions import part
from settlement import terms
from settlement.calculation import ParameterValue
from settlement.calculators import Calculators
from settlement.dates import settlement_date
from settlement.fees import Computed, DiscountTerms, Line, Order, compute_order
from settlement.models import (
    AdditionalFeePolicyVersion,
    ContractVersion,
    DiscountSharePolicyVersion,
    RecordType,
    Setting,
    SettlementRecord,
)
from settlement.operations import _order_terms, properties
from settlement.operations._order_terms import OrderTerms
from settlement.operations._record import check_currency, check_given_date, check_keys, write
from settlement.operations.policies import CONTRACT
from settlement.refusals import (
    discount_policies_not_found,
    fee_policies_not_found,
    fixed_fee_currency,
    partner_not_found,
    record_exists,
    refuse,
    translated,
)


@dataclass(frozen=True, slots=True)
class DiscountDraft:
    """A discount that names its policy."""

    policy_id: str
    amount: int
    tax_free: int = 0


@dataclass(frozen=True, slots=True)
class LineDraft:
    """One product; unit amounts are per piece, discounts for the whole line."""

    product_id: str
    name: str
    unit_amount: int
    quantity: int
    unit_tax_free: int = 0
    tag: str = ""
    discounts: Sequence[DiscountDraft] = ()
    fee_policy_ids: Sequence[str] = ()


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class OrderDraft(NamedTuple):
    """
    An order to be recorded, as an `amount` or as `lines`.

    `is_external` says that the payment was taken elsewhere; others must be known to the system, and none is yet.
    """

    partner_id: str
    payment_id: str
    amount: int | None = None
    lines: Sequence[LineDraft] = ()
    tax_free: int | None = None
    discounts: Sequence[DiscountDraft] = ()
    fee_policy_ids: Sequence[str] = ()
    contract_id: str | None = None
    currency: str = "KRW"
    start_date: date | None = None
    settlement_date: date | None = None
    is_external: bool = True
    order_name: str = ""
    method: Mapping[str, Any] = _NOTHING
    paid_at: datetime | None = None
    memo: str = ""
    properties: Mapping[str, str] = _NOTHING
    parameters: Mapping[str, ParameterValue] = _NOTHING
    public_id: str = ""


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of contract and policies that count for an order."""

    contract: ContractVersion
    discounts: Mapping[str, DiscountSharePolicyVersion]
    fees: Mapping[str, AdditionalFeePolicyVersion]


def record_order(*, scope: Scope, by: Actor, now: datetime, draft: OrderDraft) -> SettlementRecord:
    """
    Record an order under the versions of its contract and policies that count on its start date.

    Raises PARTNER_NOT_FOUND, CONTRACT_NOT_FOUND, DISCOUNT_SHARE_POLICIES_NOT_FOUND, ADDITIONAL_FEE_POLICIES_NOT_FOUND,
    PAYMENT_NOT_FOUND, CURRENCY_NOT_SUPPORTED, the two fixed-fee currency refusals, SETTLEMENT_AMOUNT_EXCEEDED,
    PRODUCT_ID_DUPLICATED, SETTLEMENT_DATE_EARLIER_THAN_SETTLEMENT_START_DATE, TRANSFER_ALREADY_EXISTS,
    TRANSFER_ID_ALREADY_USED, USER_DEFINED_PROPERTY_NOT_FOUND, SETTLEMENT_PARAMETER_NOT_FOUND, InvalidRequest.
    """
    check_currency(draft.currency)
    check_keys(scope, draft.properties)
    start_date = draft.start_date or clock.seoul_day(draft.paid_at or now)
    check_given_date(draft.settlement_date, start_date)
    with part():
        named = _named(draft)
        found = _order_terms.read(scope, named, start_date)
        if found is None:
            raise partner_not_found(draft.partner_id)
        versions = _versions(found, named)
        _check_payment(draft)
        check_fixed_fees(versions, draft.currency)
        _check_first(found)
        record, computed = computed_record(scope, draft, start_date, versions, found)
        record.partner = found.partner
        record.public_id = draft.public_id or ids.new_id(ids.TRANSFER, now)
        return write(record, computed, by=by, now=now)


def _named(draft: OrderDraft) -> _order_terms.Named:
    discounts = [*(item for line in draft.lines for item in line.discounts), *draft.discounts]
    fees = [*(one for line in draft.lines for one in line.fee_policy_ids), *draft.fee_policy_ids]
    return _order_terms.Named(
        partner=draft.partner_id,
        payment=draft.payment_id,
        contract=draft.contract_id,
        discounts=unique(item.policy_id for item in discounts),
        fees=unique(fees),
    )


def _versions(found: OrderTerms, named: _order_terms.Named) -> Versions:
    """Return the versions of all an order names; missing policies are all named in one refusal per kind."""
    if found.contract is None:
        raise CONTRACT.not_found(named.contract or "")
    if missing := [one for one in named.fees if one not in found.fees]:
        raise fee_policies_not_found(missing)
    if missing := [one for one in named.discounts if one not in found.discounts]:
        raise discount_policies_not_found(missing)
    return Versions(found.contract, found.discounts, found.fees)


def unique(public_ids: Iterable[str]) -> list[str]:
    """Return ids in their order, each once."""
    return list(dict.fromkeys(public_ids))


def _check_payment(draft: OrderDraft) -> None:
    if not draft.is_external:
        raise refuse("PAYMENT_NOT_FOUND", 404)


def check_fixed_fees(versions: Versions, currency: str) -> None:
    """Raise for a fixed fee, which is in won, on an order in another currency."""
    if currency == "KRW":
        return
    if versions.contract.fee_is_fixed:
        raise fixed_fee_currency(ids.CONTRACT, versions.contract.contract.public_id, currency)
    for version in versions.fees.values():
        if version.fee_is_fixed:
            raise fixed_fee_currency(ids.ADDITIONAL_FEE_POLICY, version.policy.public_id, currency)


def _check_first(found: OrderTerms) -> None:
    """Refuse a second order of the payment for the partner, unless the merchant allows several."""
    if found.known is not None and not found.setting.supports_multiple_order_transfers_per_partner:
        raise record_exists(found.known)


class Counting(Protocol):
    """What counts in a scope when an order is computed, besides the versions that it names."""

    @property
    def calculators(self) -> Calculators:
        """The calculations and parameters."""

    @property
    def setting(self) -> Setting:
        """The settings."""

    @property
    def holidays(self) -> frozenset[date]:
        """The days on which banks are closed, from the start date on at least."""


def computed_record(
    scope: Scope, draft: OrderDraft, start_date: date, versions: Versions, found: Counting
) -> tuple[SettlementRecord, Computed]:
    """
    Return the record of an order, unsaved and without partner and id, and the result that it keeps.

    Raises the refusals of the calculation.
    """
    contract, counting = terms.contract(versions.contract), found.calculators.on(start_date)
    parameters = found.calculators.used(counting, draft.parameters)
    with translated():
        order = _order(draft, versions)
        computed = compute_order(order, contract, formulas=terms.formulas(counting, parameters))
        adjust = found.setting.adjust_settlement_date_after_holiday_if_earlier
        day = draft.settlement_date or settlement_date(start_date, contract.cycle, found.holidays, adjust=adjust)
    agreed = terms.Agreed(
        products={line.product_id: _product(line) for line in draft.lines},
        discounts={one: (version.pk, version.partner_share_rate) for one, version in versions.discounts.items()},
        fees={one: (version.pk, terms.additional_fee(version)) for one, version in versions.fees.items()},
    )
    columns = {
        **scope.filters(),
        "type": RecordType.ORDER,
        "parameters": parameters,
        "start_date": start_date,
        "settlement_date": day,
        "date_is_given": draft.settlement_date is not None,
        "currency": draft.currency,
        "payment_id": draft.payment_id,
        "order_name": draft.order_name,
        "payment_method": dict(draft.method),
        "paid_at": draft.paid_at,
        "memo": draft.memo,
        "user_defined_properties": properties.listed(draft.properties),
        **terms.computed_columns(computed, agreed, RecordType.ORDER),
    }
    return new(SettlementRecord, columns, contract_version=versions.contract, calculator=counting), computed


def _order(draft: OrderDraft, versions: Versions) -> Order:
    lines = tuple(
        Line(
            product_id=line.product_id,
            unit_amount=line.unit_amount,
            unit_tax_free=line.unit_tax_free,
            quantity=line.quantity,
            discounts=tuple(_discount(item, versions) for item in line.discounts),
            fees=tuple(terms.additional_fee(versions.fees[one]) for one in line.fee_policy_ids),
        )
        for line in draft.lines
    )
    return Order(
        amount=draft.amount,
        lines=lines,
        tax_free=draft.tax_free,
        discounts=tuple(_discount(item, versions) for item in draft.discounts),
        fees=tuple(terms.additional_fee(versions.fees[one]) for one in draft.fee_policy_ids),
    )


def _discount(item: DiscountDraft, versions: Versions) -> DiscountTerms:
    return terms.discount(versions.discounts[item.policy_id], item.amount, item.tax_free)


def _product(line: LineDraft) -> dict[str, object]:
    product: dict[str, object] = {
        "id": line.product_id,
        "name": line.name,
        "amount": line.unit_amount,
        "taxFreeAmount": line.unit_tax_free,
    }
    return product | ({"tag": line.tag} if line.tag else {})
