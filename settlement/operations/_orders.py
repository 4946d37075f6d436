"""Recording an order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction

from core import clock, ids
from core.actor import Actor
from core.scope import Scope
from settlement import terms
from settlement.calculation import ParameterValue
from settlement.calculators import Calculators
from settlement.dates import settlement_date
from settlement.fees import DiscountTerms, Line, Order, compute_order
from settlement.models import (
    AdditionalFeePolicyVersion,
    ContractVersion,
    DiscountSharePolicyVersion,
    Partner,
    RecordState,
    RecordType,
    Setting,
    SettlementRecord,
)
from settlement.operations import _locks, properties, settings
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


@dataclass(frozen=True, slots=True)
class OrderDraft:
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
    method: Mapping[str, Any] = field(default_factory=dict)
    paid_at: datetime | None = None
    memo: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    public_id: str = ""


@dataclass(frozen=True, slots=True)
class _Versions:
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
    with transaction.atomic():
        partner = _partner(scope, draft.partner_id)
        contract = _contract_version(scope, partner, draft.contract_id, start_date)
        versions = _versions(scope, draft, contract, start_date)
        _check_payment(draft)
        _check_fixed_fees(versions, draft.currency)
        setting = settings.current(scope)
        _check_first(scope, partner, draft.payment_id, setting)
        record = _computed(scope, draft, start_date, versions, setting)
        record.partner = partner
        record.public_id = draft.public_id or ids.new_id(ids.TRANSFER, now)
        return write(record, by=by, now=now)


def _partner(scope: Scope, public_id: str) -> Partner:
    found = Partner.objects.within(scope).select_related("default_contract").filter(public_id=public_id).first()
    if found is None:
        raise partner_not_found(public_id)
    return found


def _contract_version(scope: Scope, partner: Partner, contract_id: str | None, day: date) -> ContractVersion:
    contract = partner.default_contract if contract_id is None else CONTRACT.get(scope, contract_id)
    return terms.version_on(contract.versions.select_related("contract"), day)


def _versions(scope: Scope, draft: OrderDraft, contract: ContractVersion, day: date) -> _Versions:
    """Return the versions of all policies an order names; missing ones are all named in one refusal per kind."""
    discount_ids = _unique(
        [*(item.policy_id for line in draft.lines for item in line.discounts), *(d.policy_id for d in draft.discounts)]
    )
    fee_ids = _unique([*(one for line in draft.lines for one in line.fee_policy_ids), *draft.fee_policy_ids])
    mine = {f"policy__{name}": value for name, value in scope.filters().items()}
    discounts, fees = defaultdict(list), defaultdict(list)
    if discount_ids:
        for share in DiscountSharePolicyVersion.objects.select_related("policy").filter(
            policy__public_id__in=discount_ids, **mine
        ):
            discounts[share.policy.public_id].append(share)
    if fee_ids:
        for fee in AdditionalFeePolicyVersion.objects.select_related("policy").filter(
            policy__public_id__in=fee_ids, **mine
        ):
            fees[fee.policy.public_id].append(fee)
    if missing := [one for one in fee_ids if one not in fees]:
        raise fee_policies_not_found(missing)
    if missing := [one for one in discount_ids if one not in discounts]:
        raise discount_policies_not_found(missing)
    return _Versions(
        contract,
        {one: terms.version_on(found, day) for one, found in discounts.items()},
        {one: terms.version_on(found, day) for one, found in fees.items()},
    )


def _unique(public_ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(public_ids))


def _check_payment(draft: OrderDraft) -> None:
    if not draft.is_external:
        raise refuse("PAYMENT_NOT_FOUND", 404)


def _check_fixed_fees(versions: _Versions, currency: str) -> None:
    if currency == "KRW":
        return
    if versions.contract.fee_is_fixed:
        raise fixed_fee_currency(ids.CONTRACT, versions.contract.contract.public_id, currency)
    for version in versions.fees.values():
        if version.fee_is_fixed:
            raise fixed_fee_currency(ids.ADDITIONAL_FEE_POLICY, version.policy.public_id, currency)


def _check_first(scope: Scope, partner: Partner, payment_id: str, setting: Setting) -> None:
    """Refuse a second order of the payment for the partner, unless the merchant allows several."""
    if setting.supports_multiple_order_transfers_per_partner:
        return
    _locks.by_name(scope, [f"payment:{partner.pk}:{payment_id}"])
    same = SettlementRecord.objects.within(scope).filter(payment_id=payment_id, partner=partner, type=RecordType.ORDER)
    known = same.exclude(state=RecordState.VOIDED).values_list("public_id", flat=True).first()
    if known is not None:
        raise record_exists(known)


def _computed(
    scope: Scope, draft: OrderDraft, start_date: date, versions: _Versions, setting: Setting
) -> SettlementRecord:
    contract, calculators = terms.contract(versions.contract), Calculators.of(scope)
    counting = calculators.on(start_date)
    parameters = calculators.used(counting, draft.parameters)
    with translated():
        order = _order(draft, versions)
        computed = compute_order(order, contract, formulas=terms.formulas(counting, parameters))
        adjust = setting.adjust_settlement_date_after_holiday_if_earlier
        day = draft.settlement_date or settlement_date(start_date, contract.cycle, terms.holidays(scope), adjust=adjust)
    agreed = terms.Agreed(
        products={line.product_id: _product(line) for line in draft.lines},
        discounts={one: (found.pk, found.partner_share_rate) for one, found in versions.discounts.items()},
        fees={one: (found.pk, terms.additional_fee(found)) for one, found in versions.fees.items()},
    )
    return SettlementRecord(
        **scope.filters(),
        type=RecordType.ORDER,
        contract_version=versions.contract,
        calculator=counting,
        parameters=parameters,
        start_date=start_date,
        settlement_date=day,
        date_is_given=draft.settlement_date is not None,
        currency=draft.currency,
        payment_id=draft.payment_id,
        order_name=draft.order_name,
        payment_method=dict(draft.method),
        paid_at=draft.paid_at,
        memo=draft.memo,
        user_defined_properties=properties.listed(draft.properties),
        **terms.computed_columns(computed, agreed, RecordType.ORDER),
    )


def _order(draft: OrderDraft, versions: _Versions) -> Order:
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


def _discount(item: DiscountDraft, versions: _Versions) -> DiscountTerms:
    return terms.discount(versions.discounts[item.policy_id], item.amount, item.tax_free)


def _product(line: LineDraft) -> dict[str, object]:
    product: dict[str, object] = {
        "id": line.product_id,
        "name": line.name,
        "amount": line.unit_amount,
        "taxFreeAmount": line.unit_tax_free,
    }
    return product | ({"tag": line.tag} if line.tag else {})
