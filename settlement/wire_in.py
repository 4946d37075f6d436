"""Shapes in: what the requests of the compatible wire mean. Every refusal names the field."""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from access.parse import Fields
from core.money import MAX_AMOUNT
from settlement import banks
from settlement.calculation import MAX_SCALE, ParameterValue
from settlement.cancels import Cancel, CancelDiscount, CancelLine
from settlement.dates import Cycle, CycleMethod, DatePolicy, MonthDay, Weekday
from settlement.models import (
    PUBLIC_ID_LENGTH,
    PartnerType,
    SettlementAmountType,
    TaxationType,
    VatPayer,
)
from settlement.operations.partners import Account, Contact, PartnerChanges, PartnerDraft, Taxpayer, check_taxpayer
from settlement.operations.policies import FeeInput
from settlement.operations.properties import LONGEST_VALUE
from settlement.operations.records import CancelDraft, DiscountDraft, LineDraft, ManualRow, OrderDraft
from settlement.refusals import refuse

_NAME = 200
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_RATE = 2**31 - 1
_WHOLE_SHARE = 100_000
_MOST_DAYS = 400


def public_id(fields: Fields, name: str) -> str:
    """Return an id that is named."""
    return fields.text(name, shortest=1, longest=PUBLIC_ID_LENGTH)


def maybe_id(fields: Fields, name: str) -> str | None:
    """Return an id that may be named."""
    return fields.maybe_text(name, shortest=1, longest=PUBLIC_ID_LENGTH)


def currency(fields: Fields, name: str) -> str:
    """Return a currency: three capital letters, whether it can be settled or not."""
    return fields.text(name, pattern=_CURRENCY)


# ---- policies


def fee(fields: Fields) -> FeeInput:
    """Return a fee: a rate or a fixed amount."""
    if fields.one_of("fixedRate", "fixedAmount") == "fixedRate":
        return FeeInput(rate=fields.integer("fixedRate", minimum=0, maximum=_RATE))
    return FeeInput(amount=fields.amount("fixedAmount", minimum=0), is_fixed=True)


def cycle(fields: Fields) -> Cycle:
    """Return a settlement cycle; whether its days exist is checked where it is used."""
    method = fields.mapping("method")
    lag_days = fields.integer("lagDays", minimum=1, maximum=10)
    policy = fields.choice("datePolicy", DatePolicy)
    match method.one_of("daily", "weekly", "monthly", "manualDates"):
        case "weekly":
            days = method.mapping("weekly").choices("daysOfWeek", Weekday, most=_MOST_DAYS)
            return Cycle(lag_days, CycleMethod.WEEKLY, policy, days_of_week=tuple(days))
        case "monthly":
            month_days = tuple(integers(method.mapping("monthly"), "daysOfMonth", most=_MOST_DAYS))
            return Cycle(lag_days, CycleMethod.MONTHLY, policy, days_of_month=month_days)
        case "manualDates":
            dates = method.mapping("manualDates").items("dates", most=_MOST_DAYS)
            found = tuple(MonthDay(one.integer("month"), one.integer("day")) for one in dates)
            return Cycle(lag_days, CycleMethod.MANUAL_DATES, policy, month_days=found)
        case _:
            method.mapping("daily")
            return Cycle(lag_days, CycleMethod.DAILY, policy)


def integers(fields: Fields, name: str, *, most: int) -> list[int]:
    """Return a list of JSON integers; an empty one when the field is missing."""
    found = fields.raw(name)
    if found is None:
        return []
    if not isinstance(found, list) or len(found) > most:
        raise fields.wrong(name, _("목록이어야 해요."))
    if not all(isinstance(item, int) and not isinstance(item, bool) for item in found):
        raise fields.wrong(name, _("정수여야 해요."))
    return found


def new_contract(fields: Fields) -> dict[str, Any]:
    """Return the arguments that make a contract."""
    return {
        "public_id": maybe_id(fields, "id") or "",
        "name": fields.text("name", shortest=1, longest=_NAME),
        "memo": fields.maybe_text("memo") or "",
        "fee": fee(fields.mapping("platformFee")),
        "cycle": cycle(fields.mapping("settlementCycle")),
        "vat_payer": fields.choice("platformFeeVatPayer", VatPayer).value,
        "subtract_payment_vat": fields.boolean("subtractPaymentVatAmount"),
    }


def contract_changes(fields: Fields) -> dict[str, Any]:
    """Return the arguments that change a contract; what is not sent stays."""
    payer = fields.maybe_choice("platformFeeVatPayer", VatPayer)
    new_fee, new_cycle = fields.maybe_mapping("platformFee"), fields.maybe_mapping("settlementCycle")
    return _policy_changes(fields) | {
        "fee": fee(new_fee) if new_fee else None,
        "cycle": cycle(new_cycle) if new_cycle else None,
        "vat_payer": payer.value if payer else None,
        "subtract_payment_vat": fields.maybe_boolean("subtractPaymentVatAmount"),
    }


def new_discount_share(fields: Fields) -> dict[str, Any]:
    """Return the arguments that make a discount share policy."""
    return {
        "public_id": maybe_id(fields, "id") or "",
        "name": fields.text("name", shortest=1, longest=_NAME),
        "memo": fields.maybe_text("memo") or "",
        "partner_share_rate": fields.integer("partnerShareRate", minimum=0, maximum=_WHOLE_SHARE),
    }


def discount_share_changes(fields: Fields) -> dict[str, Any]:
    """Return the arguments that change a discount share policy."""
    rate = fields.maybe_integer("partnerShareRate", minimum=0, maximum=_WHOLE_SHARE)
    return _policy_changes(fields) | {"partner_share_rate": rate}


def new_additional_fee(fields: Fields) -> dict[str, Any]:
    """Return the arguments that make an additional fee policy."""
    return {
        "public_id": maybe_id(fields, "id") or "",
        "name": fields.text("name", shortest=1, longest=_NAME),
        "memo": fields.maybe_text("memo") or "",
        "fee": fee(fields.mapping("fee")),
        "vat_payer": fields.choice("vatPayer", VatPayer).value,
    }


def additional_fee_changes(fields: Fields) -> dict[str, Any]:
    """Return the arguments that change an additional fee policy."""
    payer, new_fee = fields.maybe_choice("vatPayer", VatPayer), fields.maybe_mapping("fee")
    return _policy_changes(fields) | {
        "fee": fee(new_fee) if new_fee else None,
        "vat_payer": payer.value if payer else None,
    }


def _policy_changes(fields: Fields) -> dict[str, Any]:
    return {"name": fields.maybe_text("name", shortest=1, longest=_NAME), "memo": fields.maybe_text("memo")}


# ---- settings


def setting_changes(fields: Fields) -> dict[str, Any]:
    """Return the settings that were sent."""
    kind = fields.maybe_choice("settlementAmountType", SettlementAmountType)
    found = {
        "default_withdrawal_memo": fields.maybe_text("defaultWithdrawalMemo", longest=100),
        "default_deposit_memo": fields.maybe_text("defaultDepositMemo", longest=100),
        "supports_multiple_order_transfers_per_partner": fields.maybe_boolean(
            "supportsMultipleOrderTransfersPerPartner"
        ),
        "adjust_settlement_date_after_holiday_if_earlier": fields.maybe_boolean(
            "adjustSettlementDateAfterHolidayIfEarlier"
        ),
        "deduct_wht": fields.maybe_boolean("deductWht"),
        "settlement_amount_type": kind.value if kind else None,
        "manual_settlement_per_transfer": fields.maybe_boolean("manualSettlementPerTransfer"),
    }
    return {name: value for name, value in found.items() if value is not None}


# ---- partners

_TYPES = {
    "business": PartnerType.BUSINESS,
    "whtPayer": PartnerType.WHT_PAYER,
    "nonWhtPayer": PartnerType.NON_WHT_PAYER,
}
_TAXPAYER_TEXTS: Mapping[str, tuple[str, int]] = {
    "companyName": ("company_name", 200),
    "businessRegistrationNumber": ("business_registration_number", 20),
    "representativeName": ("representative_name", 200),
    "companyAddress": ("company_address", 400),
    "businessType": ("business_type", 100),
    "businessClass": ("business_class", 100),
}


def account(fields: Fields) -> Account:
    """Return a bank account."""
    bank = fields.text("bank", longest=40)
    if bank not in banks.BY_CODE:
        raise fields.wrong("bank", _("모르는 은행 코드예요."))
    return Account(
        bank=bank,
        currency=currency(fields, "currency"),
        number=fields.text("number", shortest=1, longest=50),
        holder=fields.text("holder", shortest=1, longest=_NAME),
        verification_id=maybe_id(fields, "accountVerificationId") or "",
    )


def _taxpayer(fields: Fields) -> tuple[PartnerType, dict[str, object]]:
    """Return a kind of taxpayer and the fields of `Taxpayer` that were sent with it."""
    key = fields.one_of(*_TYPES)
    inside = fields.mapping(key)
    if key != "business":
        birthdate = inside.maybe_date("birthdate")
        return _TYPES[key], {} if birthdate is None else {"birthdate": birthdate}
    sent: dict[str, object] = {}
    for name, (column, longest) in _TAXPAYER_TEXTS.items():
        text = inside.maybe_text(name, longest=longest)
        if text is not None:
            sent[column] = text
    taxation = inside.maybe_choice("taxationType", TaxationType)
    return _TYPES[key], sent | ({"taxation_type": taxation.value} if taxation else {})


def _tags(fields: Fields) -> list[str]:
    return fields.texts("tags", most=10, longest=100)


def _company_verification(fields: Fields | None) -> str:
    business = fields.maybe_mapping("business") if fields else None
    return (maybe_id(business, "companyVerificationId") or "") if business else ""


def _properties(fields: Fields) -> dict[str, str | None]:
    """Return a map of custom properties; a value without text stands for taking it away."""
    found = fields.entries("userDefinedProperties")
    return {key: value.maybe_text("string", longest=LONGEST_VALUE) for key, value in found.items()}


def new_partner(fields: Fields) -> PartnerDraft:
    """Return a partner to be made."""
    contact = fields.mapping("contact")
    kind, sent = _taxpayer(fields.mapping("type"))
    return PartnerDraft(
        public_id=maybe_id(fields, "id") or "",
        name=fields.text("name", shortest=1, longest=_NAME),
        contact=Contact(
            name=contact.text("name", longest=_NAME),
            email=contact.text("email", longest=320),
            phone=contact.maybe_text("phoneNumber", longest=50) or "",
        ),
        account=account(fields.mapping("account")),
        default_contract_id=public_id(fields, "defaultContractId"),
        taxpayer=check_taxpayer(Taxpayer(kind, **sent)),  # type: ignore[arg-type] # keywords of Taxpayer
        memo=fields.maybe_text("memo", longest=256) or "",
        tags=_tags(fields),
        properties={key: value for key, value in _properties(fields).items() if value is not None},
        company_verification_id=_company_verification(fields.mapping("type")),
    )


def new_partners(fields: Fields) -> list[PartnerDraft]:
    """Return the partners of a batch."""
    return [new_partner(item) for item in fields.items("partners", fewest=1, most=1_000)]


def partner_changes(fields: Fields) -> PartnerChanges:
    """Return what changes about a partner; what is not sent stays."""
    contact = fields.maybe_mapping("contact") or Fields({})
    new_type, new_account = fields.maybe_mapping("type"), fields.maybe_mapping("account")
    kind, sent = _taxpayer(new_type) if new_type else (None, None)
    return PartnerChanges(
        name=fields.maybe_text("name", shortest=1, longest=_NAME),
        contact_name=contact.maybe_text("name", longest=_NAME),
        contact_email=contact.maybe_text("email", longest=320),
        contact_phone=contact.maybe_text("phoneNumber", longest=50),
        account=account(new_account) if new_account else None,
        default_contract_id=maybe_id(fields, "defaultContractId"),
        memo=fields.maybe_text("memo", longest=256),
        tags=_tags(fields) if fields.has("tags") else None,
        properties=_properties(fields),
        type=kind,
        taxpayer=sent,
        company_verification_id=_company_verification(new_type),
    )


# ---- records

_METHODS = {
    "card": "CARD",
    "transfer": "TRANSFER",
    "virtualAccount": "VIRTUAL_ACCOUNT",
    "giftCertificate": "GIFT_CERTIFICATE",
    "mobile": "MOBILE",
    "easyPay": "EASY_PAY",
}


def _discounts(fields: Fields, name: str = "discounts") -> tuple[DiscountDraft, ...]:
    return tuple(
        DiscountDraft(
            policy_id=public_id(item, "sharePolicyId"),
            amount=item.amount("amount", minimum=0),
            tax_free=item.maybe_amount("taxFreeAmount", minimum=0) or 0,
        )
        for item in fields.items(name, most=1_000)
    )


def _fee_policies(fields: Fields) -> tuple[str, ...]:
    return tuple(public_id(item, "policyId") for item in fields.items("additionalFees", most=1_000))


def _line(fields: Fields) -> LineDraft:
    product = fields.mapping("product")
    return LineDraft(
        product_id=public_id(product, "id"),
        name=product.text("name", longest=400),
        unit_amount=product.amount("amount", minimum=0),
        unit_tax_free=product.maybe_amount("taxFreeAmount", minimum=0) or 0,
        tag=product.maybe_text("tag", longest=400) or "",
        quantity=fields.integer("quantity", minimum=1),
        discounts=_discounts(fields),
        fee_policy_ids=_fee_policies(fields),
    )


def _method(fields: Fields | None) -> dict[str, str]:
    if fields is None:
        return {}
    key = fields.one_of(*_METHODS)
    inside = fields.mapping(key)
    method = {"type": _METHODS[key]}
    if key == "easyPay":
        for name in ("provider", "methodType"):
            word = inside.maybe_text(name, longest=60)
            method |= {name: word} if word else {}
    return method


def _record_properties(fields: Fields) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in fields.maybe_items("userDefinedProperties", most=100) or []:
        key, value = item.text("key"), item.mapping("value").maybe_text("string", longest=LONGEST_VALUE)
        if key in found:
            raise item.wrong("key", _("같은 속성이 두 번 있어요."))
        if value is not None:
            found[key] = value
    return found


def parameter_value(fields: Fields) -> ParameterValue:
    """Return the value of a settlement parameter."""
    decimal = fields.integer("decimal", minimum=-MAX_AMOUNT, maximum=MAX_AMOUNT)
    scale = fields.integer("decimalScale", minimum=0, maximum=MAX_SCALE) if fields.has("decimalScale") else 0
    return ParameterValue(decimal, scale)


def new_order(fields: Fields) -> OrderDraft:
    """Return an order to be recorded."""
    detail = fields.mapping("orderDetail")
    by_amount = detail.one_of("orderAmount", "orderLines") == "orderAmount"
    payment = fields.maybe_mapping("externalPaymentDetail")
    outside = payment or Fields({})
    return OrderDraft(
        partner_id=public_id(fields, "partnerId"),
        payment_id=public_id(fields, "paymentId"),
        amount=detail.amount("orderAmount", minimum=0) if by_amount else None,
        lines=() if by_amount else tuple(_line(item) for item in detail.items("orderLines", fewest=1, most=1_000)),
        tax_free=fields.maybe_amount("taxFreeAmount", minimum=0),
        discounts=_discounts(fields),
        fee_policy_ids=_fee_policies(fields),
        contract_id=maybe_id(fields, "contractId"),
        currency=currency(payment, "currency") if payment else "KRW",
        start_date=fields.maybe_date("settlementStartDate"),
        settlement_date=fields.maybe_date("settlementDate"),
        is_external=payment is not None,
        order_name=outside.maybe_text("orderName", longest=400) or "",
        method=_method(outside.maybe_mapping("method")),
        paid_at=outside.maybe_moment("paidAt"),
        memo=fields.maybe_text("memo") or "",
        properties=_record_properties(fields),
        parameters={key: parameter_value(value) for key, value in fields.entries("parameters").items()},
        public_id=maybe_id(fields, "id") or "",
    )


def _cancel_discounts(fields: Fields) -> tuple[CancelDiscount, ...]:
    return tuple(CancelDiscount(item.policy_id, item.amount, item.tax_free) for item in _discounts(fields))


def _cancel(fields: Fields) -> Cancel:
    tax_free = fields.maybe_amount("taxFreeAmount", minimum=0)
    discounts = _cancel_discounts(fields)
    detail = fields.maybe_mapping("orderDetail")
    if detail is None:
        return Cancel(tax_free=tax_free, discounts=discounts)
    match detail.one_of("orderAmount", "orderLines", "all"):
        case "orderAmount":
            return Cancel(detail.amount("orderAmount", minimum=0), None, tax_free, discounts)
        case "orderLines":
            lines = tuple(
                CancelLine(public_id(line, "productId"), line.integer("quantity", minimum=1), _cancel_discounts(line))
                for line in detail.items("orderLines", fewest=1, most=1_000)
            )
            return Cancel(None, lines, tax_free, discounts)
        case _:
            detail.mapping("all")
            return Cancel(None, None, tax_free, discounts)


def new_cancel(fields: Fields) -> CancelDraft:
    """Return a cancel to be recorded. Raises CANNOT_SPECIFY_TRANSFER when no order is named."""
    transfer_id = maybe_id(fields, "transferId")
    partner_id, payment_id = maybe_id(fields, "partnerId"), maybe_id(fields, "paymentId")
    if transfer_id is None and (partner_id is None or payment_id is None):
        raise refuse("CANNOT_SPECIFY_TRANSFER", 400, _("transferId 또는 partnerId와 paymentId를 보내 주세요."))
    outside = fields.maybe_mapping("externalCancellationDetail")
    return CancelDraft(
        cancellation_id=public_id(fields, "cancellationId"),
        transfer_id=transfer_id,
        partner_id=partner_id,
        payment_id=payment_id,
        cancel=_cancel(fields),
        start_date=fields.maybe_date("settlementStartDate"),
        settlement_date=fields.maybe_date("settlementDate"),
        is_external=outside is not None,
        cancelled_at=outside.maybe_moment("cancelledAt") if outside else None,
        memo=fields.maybe_text("memo") or "",
        properties=_record_properties(fields),
        public_id=maybe_id(fields, "id") or "",
    )


def new_manual(fields: Fields) -> ManualRow:
    """Return a manual adjustment to be recorded."""
    return ManualRow(
        partner_id=public_id(fields, "partnerId"),
        amount=fields.integer("settlementAmount", minimum=-MAX_AMOUNT, maximum=MAX_AMOUNT),
        tax_free=fields.maybe_amount("settlementTaxFreeAmount") or 0,
        settlement_date=fields.date("settlementDate"),
        currency=currency(fields, "settlementCurrency") if fields.has("settlementCurrency") else "KRW",
        memo=fields.maybe_text("memo") or "",
        properties=_record_properties(fields),
        public_id=maybe_id(fields, "id") or "",
    )
