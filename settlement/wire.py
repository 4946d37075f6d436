"""
Shapes out: the objects of the compatible wire.

Clients require the listed keys and take no null, so what is absent is left out. Ids go out twice, the second time in
the opaque form that the wire calls graphqlId.
"""

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any

from access.wire import without_absent
from core import clock, ids
from core.ids import IdKind
from settlement import terms
from settlement.dates import CycleMethod
from settlement.models import (
    AMOUNT_COLUMNS,
    AdditionalFeePolicyVersion,
    AmountColumns,
    ContractVersion,
    DiscountSharePolicyVersion,
    Partner,
    PartnerSettlement,
    PartnerType,
    RecordType,
    Setting,
    SettlementRecord,
    SettlementStatus,
)
from settlement.operations import partners
from settlement.queries import PolicyVersions

Shape = dict[str, Any]


def camel(name: str) -> str:
    """Return a name of ours as the wire spells it."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


_AMOUNT_KEYS = [camel(name) for name in AMOUNT_COLUMNS.values()]
_STORED = attrgetter(*AMOUNT_COLUMNS)


def _ids(kind: IdKind, public_id: str) -> Shape:
    return {"id": public_id, "graphqlId": ids.graphql_id(kind.number, public_id)}


def _moment(moment: datetime | None) -> str | None:
    return clock.wire_moment(moment) if moment else None


def page(number: int, size: int, total: int) -> Shape:
    """Return which page of how many rows an answer holds."""
    return {"number": number, "size": size, "totalCount": total}


# ---- settings, policies and partners


def setting(row: Setting) -> Shape:
    """Return the settings of an environment."""
    return without_absent(
        {
            "defaultWithdrawalMemo": row.default_withdrawal_memo or None,
            "defaultDepositMemo": row.default_deposit_memo or None,
            "supportsMultipleOrderTransfersPerPartner": row.supports_multiple_order_transfers_per_partner,
            "adjustSettlementDateAfterHolidayIfEarlier": row.adjust_settlement_date_after_holiday_if_earlier,
            "deductWht": row.deduct_wht,
            "settlementAmountType": str(row.settlement_amount_type),
            "manualSettlementPerTransfer": row.manual_settlement_per_transfer,
            "isForTest": row.is_test,
        }
    )


def fee(version: ContractVersion | AdditionalFeePolicyVersion) -> Shape:
    """Return a fee."""
    if version.fee_is_fixed:
        return {"type": "FIXED_AMOUNT", "amount": version.fee_amount}
    return {"type": "FIXED_RATE", "rate": version.fee_rate}


def cycle(version: ContractVersion) -> Shape:
    """Return a settlement cycle."""
    found = terms.cycle(version)
    method: Shape = {"type": found.method.value}
    match found.method:
        case CycleMethod.WEEKLY:
            method["daysOfWeek"] = [day.value for day in found.days_of_week]
        case CycleMethod.MONTHLY:
            method["daysOfMonth"] = list(found.days_of_month)
        case CycleMethod.MANUAL_DATES:
            method["dates"] = [{"month": day.month, "day": day.day} for day in found.month_days]
    return {"lagDays": found.lag_days, "datePolicy": found.date_policy.value, "method": method}


def contract(version: ContractVersion) -> Shape:
    """Return a contract as one version says it."""
    row = version.contract
    return without_absent(
        _ids(ids.CONTRACT, row.public_id)
        | {
            "name": version.name,
            "memo": version.memo or None,
            "platformFee": fee(version),
            "settlementCycle": cycle(version),
            "platformFeeVatPayer": str(version.vat_payer),
            "subtractPaymentVatAmount": version.subtract_payment_vat,
            "isArchived": row.is_archived,
            "appliedAt": _moment(version.applied_at),
            "isForTest": row.is_test,
        }
    )


def discount_share_policy(version: DiscountSharePolicyVersion) -> Shape:
    """Return a discount share policy as one version says it."""
    row = version.policy
    return without_absent(
        _ids(ids.DISCOUNT_SHARE_POLICY, row.public_id)
        | {
            "name": version.name,
            "partnerShareRate": version.partner_share_rate,
            "memo": version.memo or None,
            "isArchived": row.is_archived,
            "appliedAt": _moment(version.applied_at),
            "isForTest": row.is_test,
        }
    )


def additional_fee_policy(version: AdditionalFeePolicyVersion) -> Shape:
    """Return an additional fee policy as one version says it."""
    row = version.policy
    return without_absent(
        _ids(ids.ADDITIONAL_FEE_POLICY, row.public_id)
        | {
            "name": version.name,
            "fee": fee(version),
            "memo": version.memo or None,
            "vatPayer": str(version.vat_payer),
            "isArchived": row.is_archived,
            "appliedAt": _moment(version.applied_at),
            "isForTest": row.is_test,
        }
    )


def partner(row: Partner) -> Shape:
    """Return a partner; its default contract must be loaded."""
    return without_absent(
        _ids(ids.PARTNER, row.public_id)
        | {
            "name": row.name,
            "contact": {
                "name": row.contact_name,
                "phoneNumber": row.contact_phone or None,
                "email": row.contact_email,
            },
            "account": {
                "bank": row.bank,
                "currency": row.account_currency,
                "number": partners.account_number(row),
                "holder": row.account_holder,
                "status": str(row.account_status),
            },
            "status": str(row.status),
            "defaultContractId": row.default_contract.public_id,
            "memo": row.memo or None,
            "tags": list(row.tags),
            "type": _taxpayer(row),
            "isArchived": row.is_archived,
            "appliedAt": _moment(row.applied_at),
            "userDefinedProperties": dict(row.user_defined_properties),
            "isForTest": row.is_test,
        }
    )


def _taxpayer(row: Partner) -> Shape:
    if row.type != PartnerType.BUSINESS:
        return {"type": str(row.type), "birthdate": row.birthdate.isoformat() if row.birthdate else None}
    return {
        "type": str(row.type),
        "companyName": row.company_name,
        "taxationType": str(row.taxation_type),
        "businessStatus": str(row.business_status),
        "businessRegistrationNumber": row.business_registration_number,
        "representativeName": row.representative_name,
        "companyAddress": row.company_address or None,
        "businessType": row.business_type or None,
        "businessClass": row.business_class or None,
        "memberCompanyConnectionStatus": "NOT_CONNECTED",
    }


# ---- records


def amounts(row: AmountColumns, own: Mapping[str, int]) -> Shape:
    """Return the amount block of a record or partner settlement with the results of the merchant's own formulas."""
    return {**dict(zip(_AMOUNT_KEYS, _STORED(row), strict=True)), "userDefinedFormulas": dict(own)}


def record(row: Any, versions: PolicyVersions) -> Shape:
    """Return a whole record; `row` comes from `queries.record_rows` with everything loaded."""
    shape = _record_base(row) | {"partner": partner(row.partner)}
    if row.payout_id is not None and row.status != "SETTLED":
        shape |= {"payoutId": row.payout_id, "payoutGraphqlId": ids.graphql_id(ids.PAYOUT.number, row.payout_id)}
    if row.type == RecordType.MANUAL:
        return without_absent(shape | _manual(row))
    shape |= {
        "amount": amounts(row, row.formula_results),
        "contract": contract(row.contract_version),
        "payment": _payment(row) | {"method": row.payment_method or None, "paidAt": _moment(row.paid_at)},
        "settlementStartDate": row.start_date.isoformat(),
        "orderLines": [_line(line, versions) for line in row.lines],
        "additionalFees": [_fee(item, versions) for item in terms.shown(row.additional_fees)],
        "discounts": [_discount(item, versions) for item in terms.shown(row.discounts)],
        "parameters": dict(row.parameters),
    }
    if row.type == RecordType.ORDER_CANCEL:
        shape["cancellation"] = {"id": row.cancellation_id, "cancelledAt": _moment(row.cancelled_at)}
    return without_absent(shape)


def record_summary(row: Any, store_id: str) -> Shape:
    """Return a record without its lines, discounts and fees."""
    owner = row.partner
    taxation = str(owner.taxation_type) if owner.type == PartnerType.BUSINESS else None
    shape = _record_base(row) | {
        "partner": _ids(ids.PARTNER, owner.public_id)
        | {
            "name": owner.name,
            "type": str(owner.type),
            "taxationType": taxation,
            "userDefinedProperties": _listed(owner.user_defined_properties),
        },
        "partnerUserDefinedProperties": _listed(owner.user_defined_properties),
    }
    if row.type == RecordType.MANUAL:
        return without_absent(shape | _manual(row))
    method = row.payment_method.get("type")
    return without_absent(
        shape
        | {
            "storeId": store_id,
            "contract": contract(row.contract_version),
            "amount": amounts(row, row.formula_results),
            "payment": _payment(row) | {"methodType": method},
            "settlementStartDate": row.start_date.isoformat(),
        }
    )


def _listed(properties: Mapping[str, Any]) -> list[Shape]:
    return [{"key": key, "value": value} for key, value in properties.items()]


def _record_base(row: Any) -> Shape:
    return _ids(ids.TRANSFER, row.public_id) | {
        "type": str(row.type),
        "status": str(row.status),
        "memo": row.memo or None,
        "settlementDate": row.settlement_date.isoformat(),
        "settlementCurrency": row.currency,
        "isForTest": row.is_test,
        "userDefinedProperties": list(row.user_defined_properties),
    }


def _manual(row: SettlementRecord) -> Shape:
    return {"settlementAmount": row.settlement, "settlementTaxFreeAmount": row.settlement_tax_free}


def _payment(row: SettlementRecord) -> Shape:
    return {
        "type": "EXTERNAL",
        "id": row.payment_id,
        "orderName": row.order_name or None,
        "currency": row.currency,
    }


def _line(line: Mapping[str, Any], versions: PolicyVersions) -> Shape:
    block: Shape = {camel(name): value for name, value in line["amounts"].items()}
    return {
        "product": dict(line["product"]),
        "quantity": line["quantity"],
        "discounts": [_discount(item, versions) for item in line["discounts"]],
        "additionalFees": [_fee(item, versions) for item in line["fees"]],
        "amount": block | {"userDefinedFormulas": dict(line.get("formulas", {}))},
    }


def _discount(item: Mapping[str, Any], versions: PolicyVersions) -> Shape:
    return {
        "sharePolicy": discount_share_policy(versions.discounts[item["version"]]),
        "amount": item["amount"],
        "taxFreeAmount": item["taxFree"],
        "shareAmount": item["share"],
        "shareTaxFreeAmount": item["shareTaxFree"],
    }


def _fee(item: Mapping[str, Any], versions: PolicyVersions) -> Shape:
    return {
        "policy": additional_fee_policy(versions.fees[item["version"]]),
        "amount": item["amount"],
        "vat": item["vat"],
    }


# ---- partner settlements

COUNTS: Mapping[SettlementStatus, str] = {
    SettlementStatus.PAYOUT_SCHEDULED: "payoutScheduled",
    SettlementStatus.PAYOUT_PREPARED: "payoutPrepared",
    SettlementStatus.PAYOUT_WITHHELD: "payoutWithheld",
    SettlementStatus.PAYOUT_EXCLUDED: "payoutExcluded",
    SettlementStatus.PAYOUT_FAILED: "payoutFailed",
    SettlementStatus.CANCELLED: "payoutCancelled",
    SettlementStatus.CONFIRMED: "payoutConfirmed",
    SettlementStatus.IN_PAYOUT: "inPayout",
    SettlementStatus.PAID_OUT: "paidOut",
}


_NONE: Mapping[str, int] = {}


def counts(by_status: Mapping[str, int]) -> Shape:
    """Return how many partner settlements have which status."""
    return {key: by_status.get(status.value, 0) for status, key in COUNTS.items()}


def partner_settlement(row: Any, version: ContractVersion | None, own: Mapping[str, int] = _NONE) -> Shape:
    """Return a partner settlement, with the newest contract version and own formulas' sums among its records."""
    shape = _ids(ids.PARTNER_SETTLEMENT, row.public_id) | {
        "type": str(row.type),
        "partner": partner(row.partner),
        "settlementDate": row.settlement_date.isoformat(),
        "settlementCurrency": row.currency,
        "status": str(row.status),
        "statusUpdatedAt": _moment(row.status_changed_at),
        "memo": row.memo or None,
        "isForTest": row.is_test,
    }
    if version is None:
        return without_absent(shape | {"amount": row.settlement, "taxFreeAmount": row.settlement_tax_free})
    return without_absent(shape | {"contract": contract(version), "amount": amounts(row, own)} | _started(row))


def _started(row: PartnerSettlement) -> Shape:
    if row.start_from is None or row.start_until is None:
        return {}
    return {"settlementStartDateRange": {"from": row.start_from.isoformat(), "until": row.start_until.isoformat()}}
