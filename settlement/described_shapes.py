"""Shapes of settlement in the API's description: requests, objects and refusals, as the compatible wire has them."""

from collections.abc import Iterable, Mapping
from typing import Final

from access.openapi import (
    AMOUNT,
    BOOLEAN,
    COUNT,
    CURRENCY,
    DAY,
    GRAPHQL_ID,
    ID,
    MOMENT,
    RATE,
    TOTAL,
    UNSIGNED,
    Refusal,
    Shape,
    constant,
    either,
    fields,
    integer,
    listed,
    mapped,
    one_key,
    record,
    text,
    words,
)
from settlement import wire
from settlement.dates import Weekday
from settlement.formulas import MAX_LENGTH, MAX_OWN, REPLACEABLE
from settlement.models import (
    AccountStatus,
    BusinessStatus,
    DatePolicy,
    PartnerStatus,
    PartnerType,
    RecordStatus,
    RecordType,
    Rounding,
    SettlementAmountType,
    SettlementStatus,
    TaxationType,
    VatPayer,
)

_NAME: Final = text(200, 1)
MEMO: Final = text()
PAYER: Final = words(*VatPayer.values)
_IDS: Final[Mapping[str, Shape]] = {"id*": ID, "graphqlId*": GRAPHQL_ID}

# ---- refusals

# An id as it came in the request, whatever it is.
_TOLD: Final[Shape] = {"type": "string"}

_NAMED: Final = {"ids*": listed(_TOLD), "graphqlIds*": listed(GRAPHQL_ID)}
_ONE: Final = {"id*": _TOLD, "graphqlId*": GRAPHQL_ID}
_PRODUCT: Final = {"productId": _TOLD}
_DISCOUNT: Final = {"discountSharePolicyId*": _TOLD, "discountSharePolicyGraphqlId*": GRAPHQL_ID, **_PRODUCT}
_CANCELLABLE: Final = {"cancellableAmount*": TOTAL, "requestAmount*": TOTAL}
_FACTS: Final[Mapping[str, Mapping[str, Shape]]] = {
    "ADDITIONAL_FIXED_AMOUNT_FEE_CURRENCY_AND_SETTLEMENT_CURRENCY_MISMATCHED": _ONE
    | {"feeCurrency*": CURRENCY, "settlementCurrency*": CURRENCY},
    "CONTRACT_PLATFORM_FIXED_AMOUNT_FEE_CURRENCY_AND_SETTLEMENT_CURRENCY_MISMATCHED": _ONE
    | {"feeCurrency*": CURRENCY, "settlementCurrency*": CURRENCY},
    "CANCELLABLE_AMOUNT_EXCEEDED": _CANCELLABLE | {"amountType*": words("SUPPLY_WITH_VAT", "TAX_FREE")},
    "CANCELLABLE_DISCOUNT_AMOUNT_EXCEEDED": _DISCOUNT | _CANCELLABLE,
    "CANCELLABLE_DISCOUNT_TAX_FREE_AMOUNT_EXCEEDED": _DISCOUNT | _CANCELLABLE,
    "CANCELLABLE_PRODUCT_QUANTITY_EXCEEDED": {"productId*": _TOLD, "cancellableQuantity*": COUNT},
    "DISCOUNT_SHARE_POLICY_ID_DUPLICATED": _ONE,
    "NON_DELETABLE_PARTNER_SETTLEMENTS": _NAMED,
    "NON_PAYABLE_PARTNER_SETTLEMENTS": _NAMED,
    "PARTNER_IDS_DUPLICATED": _NAMED,
    "PRODUCT_ID_DUPLICATED": {"id*": _TOLD},
    "PRODUCT_ID_NOT_FOUND": {"id*": _TOLD},
    "REFERENCED_CANCEL_ORDER_TRANSFERS_EXIST": {"ids*": listed(_TOLD)},
    "SETTLEMENT_AMOUNT_EXCEEDED": {"requestedAmount*": TOTAL, "allowedAmount*": TOTAL, **_PRODUCT},
    "SETTLEMENT_DATE_EARLIER_THAN_SETTLEMENT_START_DATE": {"settlementStartDate*": DAY, "settlementDate*": DAY},
    "ADDITIONAL_FEE_POLICIES_NOT_FOUND": _NAMED,
    "DISCOUNT_SHARE_POLICIES_NOT_FOUND": _NAMED,
    "CONTRACTS_NOT_FOUND": _NAMED,
    "PARTNER_SETTLEMENTS_NOT_FOUND": _NAMED,
    "TRANSFER_DISCOUNT_SHARE_POLICY_NOT_FOUND": _DISCOUNT,
    "MEMBER_COMPANY_CONNECTED_PARTNERS_CANNOT_BE_SCHEDULED": _NAMED,
    "PARTNER_IDS_ALREADY_EXISTS": _NAMED,
    "PARTNER_SCHEDULES_ALREADY_EXIST": _NAMED,
    "TRANSFER_ALREADY_EXISTS": {"transferId*": _TOLD, "transferGraphqlId*": GRAPHQL_ID},
}


def refused(status: int, *codes: str) -> list[Refusal]:
    """Return refusals of the compatible wire, named without their common prefix."""
    return [Refusal(f"PLATFORM_{code}", status, _FACTS.get(code, {})) for code in codes]


# ---- lists

PAGE_IN: Final = record("PageInput", {"number": integer(0, 1_000_000), "size": integer(1, 1_000)})
PAGE: Final = record("Page", {"number*": COUNT, "size*": COUNT, "totalCount*": COUNT})
DAYS: Final = record("DateRange", {"from*": DAY, "until*": DAY}, description="Both ends are included.")
MOMENTS: Final = record(
    "DateTimeRange", {"from*": MOMENT, "until*": MOMENT}, description="From is included, until is not."
)
WORD: Final = text(300)
WANTED: Final = listed(WORD, 1_000)


def some(*values: str) -> Shape:
    """Return a list of words of which any may fit."""
    return listed(words(*values), 1_000)


def argument(name: str, filters: Mapping[str, Shape]) -> Shape:
    """Return the argument object of a list."""
    found = record(f"{name}Filter", {**filters, "isForTest": BOOLEAN})
    return record(f"{name}ListArgument", {"page": PAGE_IN, "filter": found, "isForTest": BOOLEAN})


def keyword(*names: str) -> Shape:
    """Return a keyword, of which one key counts."""
    return fields(dict.fromkeys(names, WORD), description="One key counts, the first of these.")


def items(item: Shape, **more: Shape) -> Shape:
    """Return the answer of a list."""
    return fields({"items*": listed(item), "page*": PAGE} | {f"{name}*": shape for name, shape in more.items()})


def counts(*names: str) -> Shape:
    """Return figures by status."""
    return fields({f"{name}*": COUNT for name in names})


# ---- policies

FEE: Final = either(
    record("FixedRateFee", {"type*": constant("FIXED_RATE"), "rate*": RATE}),
    record("FixedAmountFee", {"type*": constant("FIXED_AMOUNT"), "amount*": UNSIGNED}),
)
FEE_IN: Final = one_key({"fixedRate": RATE | {"maximum": 2**31 - 1}, "fixedAmount": UNSIGNED})
_DAYS_OF_WEEK: Final = listed(words(*(day.value for day in Weekday)), 400, 1)
_DAYS_OF_MONTH: Final = listed(integer(1, 31), 400, 1)
_DATES: Final = listed(fields({"month*": integer(1, 12), "day*": integer(1, 31)}), 400, 1)
_POLICY: Final = words(*DatePolicy.values)
CYCLE_IN: Final = record(
    "SettlementCycleInput",
    {
        "lagDays*": integer(1, 10),
        "datePolicy*": _POLICY,
        "method*": one_key(
            {
                "daily": fields({}),
                "weekly": fields({"daysOfWeek*": _DAYS_OF_WEEK}),
                "monthly": fields({"daysOfMonth*": _DAYS_OF_MONTH}),
                "manualDates": fields({"dates*": _DATES}),
            }
        ),
    },
)
CYCLE: Final = record(
    "SettlementCycle",
    {
        "lagDays*": integer(0, 10),
        "datePolicy*": _POLICY,
        "method*": either(
            fields({"type*": constant("DAILY")}),
            fields({"type*": constant("WEEKLY"), "daysOfWeek*": _DAYS_OF_WEEK}),
            fields({"type*": constant("MONTHLY"), "daysOfMonth*": _DAYS_OF_MONTH}),
            fields({"type*": constant("MANUAL_DATES"), "dates*": _DATES}),
        ),
    },
)
_STANDING: Final[Mapping[str, Shape]] = {"isArchived*": BOOLEAN, "appliedAt*": MOMENT, "isForTest*": BOOLEAN}
CONTRACT: Final = record(
    "Contract",
    {
        **_IDS,
        "name*": _NAME,
        "memo": MEMO,
        "platformFee*": FEE,
        "settlementCycle*": CYCLE,
        "platformFeeVatPayer*": PAYER,
        "subtractPaymentVatAmount*": BOOLEAN,
        **_STANDING,
    },
)
DISCOUNT_SHARE: Final = record(
    "DiscountSharePolicy",
    {**_IDS, "name*": _NAME, "partnerShareRate*": RATE | {"maximum": 100_000}, "memo": MEMO, **_STANDING},
)
ADDITIONAL_FEE: Final = record(
    "AdditionalFeePolicy", {**_IDS, "name*": _NAME, "fee*": FEE, "memo": MEMO, "vatPayer*": PAYER, **_STANDING}
)
_SHARE_IN: Final = RATE | {"maximum": 100_000}
_TEST: Final[Mapping[str, Shape]] = {"isForTest": BOOLEAN}
_CONTRACT_IN: Final[Mapping[str, Shape]] = {
    "name*": _NAME,
    "memo": MEMO,
    "platformFee*": FEE_IN,
    "settlementCycle*": CYCLE_IN,
    "platformFeeVatPayer*": PAYER,
    "subtractPaymentVatAmount*": BOOLEAN,
}
_SHARE_BODY: Final[Mapping[str, Shape]] = {"name*": _NAME, "memo": MEMO, "partnerShareRate*": _SHARE_IN}
_FEE_BODY: Final[Mapping[str, Shape]] = {"name*": _NAME, "memo": MEMO, "fee*": FEE_IN, "vatPayer*": PAYER}


def _optional(spec: Mapping[str, Shape]) -> dict[str, Shape]:
    return {name.removesuffix("*"): shape for name, shape in spec.items()}


def _bodies(name: str, spec: Mapping[str, Shape]) -> tuple[Shape, Shape]:
    new = record(f"New{name}", {"id": ID, **spec, **_TEST})
    return new, record(f"{name}Changes", {**_optional(spec), **_TEST})


NEW_CONTRACT, CONTRACT_CHANGES = _bodies("Contract", _CONTRACT_IN)
NEW_DISCOUNT_SHARE, DISCOUNT_SHARE_CHANGES = _bodies("DiscountSharePolicy", _SHARE_BODY)
NEW_ADDITIONAL_FEE, ADDITIONAL_FEE_CHANGES = _bodies("AdditionalFeePolicy", _FEE_BODY)


def plan(name: str, changes: Shape) -> Shape:
    """Return the body that plans a change."""
    return record(f"{name}Plan", {"update*": changes, "appliedAt*": MOMENT, **_TEST})


# ---- partners

_ACCOUNT: Final[Mapping[str, Shape]] = {
    "bank*": text(40, examples=["KOOKMIN"]),
    "currency*": CURRENCY,
    "number*": text(50, 1),
    "holder*": text(200, 1),
}
_PROPERTY: Final = fields({"string*": text()})
TAXATION: Final = words(*TaxationType.values)
_BUSINESS_IN: Final[Mapping[str, Shape]] = {
    "companyName*": text(200),
    "businessRegistrationNumber*": text(20),
    "representativeName*": text(200),
    "companyAddress": text(400),
    "businessType": text(100),
    "businessClass": text(100),
    "taxationType": TAXATION,
    "companyVerificationId": text(),
}
_CONNECTION: Final = words("NOT_CONNECTED", "CONNECT_PENDING", "CONNECTED", "CONNECT_FAILED", "DISCONNECT_PENDING")
_TAXPAYER: Final = either(
    record(
        "BusinessPartner",
        {
            "type*": constant("BUSINESS"),
            "companyName*": text(),
            "taxationType*": TAXATION,
            "businessStatus*": words(*BusinessStatus.values),
            "businessRegistrationNumber*": text(),
            "representativeName*": text(),
            "companyAddress": text(),
            "businessType": text(),
            "businessClass": text(),
            "memberCompanyConnectionStatus*": _CONNECTION,
        },
    ),
    record("WithholdingPartner", {"type*": constant("WHT_PAYER"), "birthdate": DAY}),
    record("PersonPartner", {"type*": constant("NON_WHT_PAYER"), "birthdate": DAY}),
)
PARTNER: Final = record(
    "Partner",
    {
        **_IDS,
        "name*": _NAME,
        "contact*": fields({"name*": text(200), "phoneNumber": text(50), "email*": text(320)}),
        "account*": fields({**_ACCOUNT, "status*": words(*AccountStatus.values)}),
        "status*": words(*PartnerStatus.values),
        "defaultContractId*": ID,
        "memo": text(256),
        "tags*": listed(text(100), 10),
        "type*": _TAXPAYER,
        "userDefinedProperties*": mapped(_PROPERTY),
        **_STANDING,
    },
)
_ACCOUNT_IN: Final = fields({**_ACCOUNT, "accountVerificationId": text()})
_TYPE_IN: Final = one_key(
    {
        "business": fields(_BUSINESS_IN),
        "whtPayer": fields({"birthdate": DAY}),
        "nonWhtPayer": fields({"birthdate": DAY}),
    }
)
_NEW_PARTNER: Final[Mapping[str, Shape]] = {
    "id": ID,
    "name*": _NAME,
    "contact*": fields({"name*": text(200), "phoneNumber": text(50), "email*": text(320)}),
    "account*": _ACCOUNT_IN,
    "defaultContractId*": ID,
    "memo": text(256),
    "tags": listed(text(100), 10),
    "type*": _TYPE_IN,
    "userDefinedProperties": mapped(_PROPERTY),
}
NEW_PARTNER: Final = record("NewPartner", {**_NEW_PARTNER, **_TEST})
NEW_PARTNERS: Final = record("NewPartners", {"partners*": listed(fields(_NEW_PARTNER), 1_000), **_TEST})
PARTNER_CHANGES: Final = record(
    "PartnerChanges",
    {
        "name": _NAME,
        "contact": fields({"name": text(200), "phoneNumber": text(50), "email": text(320)}),
        "account": _ACCOUNT_IN,
        "defaultContractId": ID,
        "memo": text(256),
        "tags": listed(text(100), 10),
        "type": one_key(
            {
                "business": fields(_optional(_BUSINESS_IN)),
                "whtPayer": fields({"birthdate": DAY}),
                "nonWhtPayer": fields({"birthdate": DAY}),
            }
        ),
        "userDefinedProperties": mapped(_PROPERTY),
        **_TEST,
    },
)
_PARTNER_FILTERS: Final[Mapping[str, Shape]] = {
    "tags": listed(text(100), 100),
    "banks": WANTED,
    "accountCurrencies": WANTED,
    "ids": WANTED,
    "contractIds": WANTED,
    "accountStatuses": some(*AccountStatus.values),
    "businessStatuses": some(*BusinessStatus.values),
    "types": some(*PartnerType.values),
    "taxationTypes": some(*TaxationType.values),
    "memberCompanyConnectionStatuses": listed(text(40), 100),
    "isArchived": BOOLEAN,
    "keyword": keyword(
        "id",
        "name",
        "email",
        "businessRegistrationNumber",
        "defaultContractId",
        "memo",
        "accountNumber",
        "accountHolder",
    ),
}
PARTNERS_ARGUMENT: Final = argument("Partner", _PARTNER_FILTERS)
PARTNER_FILTER: Final = fields(_PARTNER_FILTERS)

# ---- records

_AMOUNTS: Final = (
    "settlement",
    "settlementTaxFree",
    "payment",
    "paymentVat",
    "paymentVatBurden",
    "paymentTaxFree",
    "paymentSupply",
    "order",
    "orderTaxFree",
    "platformFee",
    "platformFeeVat",
    "additionalFee",
    "additionalFeeVat",
    "discount",
    "discountTaxFree",
    "discountShare",
    "discountShareTaxFree",
)
FORMULAS: Final = mapped(TOTAL)
AMOUNT_BLOCK: Final = record(
    "SettlementAmount", {**{f"{name}*": TOTAL for name in _AMOUNTS}, "userDefinedFormulas*": FORMULAS}
)
_METHOD_TYPES: Final = (
    "CARD",
    "TRANSFER",
    "VIRTUAL_ACCOUNT",
    "GIFT_CERTIFICATE",
    "MOBILE",
    "EASY_PAY",
    "CONVENIENCE_STORE",
    "CRYPTO",
)
_PAYMENT: Final = record(
    "Payment",
    {
        "type*": words("EXTERNAL", "PORT_ONE"),
        "id*": ID,
        "orderName": text(),
        "currency*": CURRENCY,
        "method": fields({"type*": words(*_METHOD_TYPES), "provider": text(), "methodType": text()}),
        "paidAt": MOMENT,
    },
)
_SHARED: Final = record(
    "SettlementDiscount",
    {
        "sharePolicy*": DISCOUNT_SHARE,
        "amount*": AMOUNT,
        "taxFreeAmount*": AMOUNT,
        "shareAmount*": AMOUNT,
        "shareTaxFreeAmount*": AMOUNT,
    },
)
_FEES: Final = record("SettlementFee", {"policy*": ADDITIONAL_FEE, "amount*": AMOUNT, "vat*": AMOUNT})
_LINE: Final = record(
    "OrderLine",
    {
        "product*": fields({"id*": ID, "name*": text(), "amount*": AMOUNT, "taxFreeAmount*": AMOUNT, "tag": text()}),
        "quantity*": COUNT,
        "discounts*": listed(_SHARED),
        "additionalFees*": listed(_FEES),
        "amount*": AMOUNT_BLOCK,
    },
)
DECIMAL: Final = fields({"decimal*": {"type": "integer", "format": "int64"}, "decimalScale": integer(0, 5)})
_RECORD_PROPERTIES: Final = listed(fields({"key*": text(), "value*": _PROPERTY}))
_BASE: Final[Mapping[str, Shape]] = {
    **_IDS,
    "partner*": PARTNER,
    "status*": words(*RecordStatus.values),
    "memo": MEMO,
    "settlementDate*": DAY,
    "settlementCurrency*": CURRENCY,
    "payoutId": ID,
    "payoutGraphqlId": GRAPHQL_ID,
    "isForTest*": BOOLEAN,
    "userDefinedProperties*": _RECORD_PROPERTIES,
}
_ORDERED: Final[Mapping[str, Shape]] = {
    "amount*": AMOUNT_BLOCK,
    "contract*": CONTRACT,
    "payment*": _PAYMENT,
    "settlementStartDate*": DAY,
    "orderLines*": listed(_LINE),
    "additionalFees*": listed(_FEES),
    "discounts*": listed(_SHARED),
    "parameters*": mapped(DECIMAL),
}
_CANCELLATION: Final = fields({"id*": ID, "cancelledAt*": MOMENT})
_MANUAL: Final[Mapping[str, Shape]] = {"settlementAmount*": AMOUNT, "settlementTaxFreeAmount*": AMOUNT}
ORDER_RECORD: Final = record("OrderTransfer", {"type*": constant("ORDER"), **_BASE, **_ORDERED})
CANCEL_RECORD: Final = record(
    "OrderCancelTransfer",
    {"type*": constant("ORDER_CANCEL"), **_BASE, **_ORDERED, "cancellation*": _CANCELLATION},
)
MANUAL_RECORD: Final = record("ManualTransfer", {"type*": constant("MANUAL"), **_BASE, **_MANUAL})
RECORD: Final = either(ORDER_RECORD, CANCEL_RECORD, MANUAL_RECORD)
_BRIEF: Final[Mapping[str, Shape]] = {
    **_BASE,
    "partner*": fields(
        {
            **_IDS,
            "name*": text(),
            "type*": words(*PartnerType.values),
            "taxationType": TAXATION,
            "userDefinedProperties*": {"type": "array"},
        }
    ),
    "partnerUserDefinedProperties*": {"type": "array"},
}
_BRIEF_ORDER: Final[Mapping[str, Shape]] = {
    "storeId*": text(),
    "contract*": CONTRACT,
    "amount*": AMOUNT_BLOCK,
    "payment*": fields(
        {
            "type*": words("EXTERNAL", "PORT_ONE"),
            "id*": ID,
            "orderName": text(),
            "currency*": CURRENCY,
            "methodType": words(*_METHOD_TYPES),
        }
    ),
    "settlementStartDate*": DAY,
}
SUMMARY: Final = either(
    record("OrderTransferSummary", {"type*": constant("ORDER"), **_BRIEF, **_BRIEF_ORDER}),
    record("OrderCancelTransferSummary", {"type*": constant("ORDER_CANCEL"), **_BRIEF, **_BRIEF_ORDER}),
    record("ManualTransferSummary", {"type*": constant("MANUAL"), **_BRIEF, **_MANUAL}),
)
_DISCOUNTS_IN: Final = listed(fields({"sharePolicyId*": ID, "amount*": UNSIGNED, "taxFreeAmount": UNSIGNED}), 1_000)
_FEES_IN: Final = listed(fields({"policyId*": ID}), 1_000)
_PROPERTIES_IN: Final = listed(fields({"key*": text(64), "value*": _PROPERTY}), 10)
_LINE_IN: Final = fields(
    {
        "product*": fields(
            {
                "id*": ID,
                "name*": text(400),
                "amount*": UNSIGNED,
                "taxFreeAmount": UNSIGNED,
                "tag": text(400),
            }
        ),
        "quantity*": integer(1, 2**31 - 1),
        "discounts*": _DISCOUNTS_IN,
        "additionalFees*": _FEES_IN,
    }
)
_METHOD_IN: Final = one_key(
    {
        "card": fields({}),
        "transfer": fields({}),
        "virtualAccount": fields({}),
        "giftCertificate": fields({}),
        "mobile": fields({}),
        "easyPay": fields({"provider": text(60), "methodType": text(60)}),
    }
)
NEW_ORDER: Final = record(
    "NewOrder",
    {
        "partnerId*": ID,
        "contractId": ID,
        "memo": MEMO,
        "paymentId*": ID,
        "orderDetail*": one_key({"orderAmount": UNSIGNED, "orderLines": listed(_LINE_IN, 1_000, 1)}),
        "taxFreeAmount": UNSIGNED,
        "settlementStartDate": DAY,
        "settlementDate": DAY,
        "discounts*": _DISCOUNTS_IN,
        "additionalFees*": _FEES_IN,
        "externalPaymentDetail": fields(
            {"currency*": CURRENCY, "orderName": text(400), "paidAt": MOMENT, "method": _METHOD_IN},
            description="The payment was taken elsewhere; without it, the payment must be known here.",
        ),
        "parameters": mapped(DECIMAL),
        "userDefinedProperties": _PROPERTIES_IN,
        "id": ID,
        **_TEST,
    },
)
ORDER_EXAMPLE: Final = {
    "partnerId": "shop-0001",
    "paymentId": "payment-20261121-000001",
    "orderDetail": {"orderAmount": 10_000},
    "settlementStartDate": "2026-11-21",
    "discounts": [],
    "additionalFees": [],
    "externalPaymentDetail": {"currency": "KRW", "orderName": "청송 사과 5kg", "method": {"card": {}}},
}
NEW_CANCEL: Final = record(
    "NewOrderCancel",
    {
        "transferId": ID,
        "partnerId": ID,
        "paymentId": ID,
        "cancellationId*": ID,
        "memo": MEMO,
        "orderDetail": one_key(
            {
                "orderAmount": UNSIGNED,
                "orderLines": listed(
                    fields({"productId*": ID, "quantity*": integer(1, 2**31 - 1), "discounts*": _DISCOUNTS_IN}),
                    1_000,
                    1,
                ),
                "all": fields({}),
            }
        ),
        "taxFreeAmount": UNSIGNED,
        "discounts*": _DISCOUNTS_IN,
        "settlementStartDate": DAY,
        "settlementDate": DAY,
        "externalCancellationDetail": fields({"cancelledAt": MOMENT}),
        "userDefinedProperties": _PROPERTIES_IN,
        "id": ID,
        **_TEST,
    },
)
CANCEL_EXAMPLE: Final = {
    "partnerId": "shop-0001",
    "paymentId": "payment-20261121-000001",
    "cancellationId": "cancel-1",
    "orderDetail": {"orderAmount": 5_000},
    "discounts": [],
    "externalCancellationDetail": {},
}
NEW_MANUAL: Final = record(
    "NewManual",
    {
        "partnerId*": ID,
        "memo": MEMO,
        "settlementAmount*": AMOUNT,
        "settlementTaxFreeAmount": AMOUNT,
        "settlementDate*": DAY,
        "settlementCurrency": CURRENCY,
        "userDefinedProperties": _PROPERTIES_IN,
        "id": ID,
        **_TEST,
    },
)
MANUAL_EXAMPLE: Final = {"partnerId": "shop-0001", "settlementAmount": -2_000, "settlementDate": "2026-12-10"}
_RECORD_FILTERS: Final[Mapping[str, Shape]] = {
    "settlementStartDateRange": DAYS,
    "settlementDateRange": DAYS,
    "partnerTags": listed(text(100), 100),
    "contractIds": WANTED,
    "discountSharePolicyIds": listed(WORD, 100),
    "additionalFeePolicyIds": listed(WORD, 100),
    "paymentMethodTypes": some(*_METHOD_TYPES),
    "channelKeys": WANTED,
    "types": some(*RecordType.values),
    "statuses": some(*RecordStatus.values),
    "userDefinedProperty": fields({"key*": text(64), "value*": text()}),
    "keyword": keyword(
        *[
            "all",
            "paymentId",
            "transferId",
            "transferMemo",
            "productId",
            "productName",
            "partnerId",
            "partnerName",
            "partnerMemo",
        ],
        "partnerSettlementId",
        "payoutId",
    ),
}
RECORDS_ARGUMENT: Final = argument("Transfer", _RECORD_FILTERS)
SHEET_ARGUMENT: Final = record(
    "SheetArgument", {"filter": fields(_RECORD_FILTERS), "fields": listed(text(100), 200), **_TEST}
)

# ---- partner settlements

_SETTLED: Final[Mapping[str, Shape]] = {
    **_IDS,
    "partner*": PARTNER,
    "settlementDate*": DAY,
    "settlementCurrency*": CURRENCY,
    "status*": words(*SettlementStatus.values),
    "statusUpdatedAt": MOMENT,
    "memo": MEMO,
    "isForTest*": BOOLEAN,
}
_SETTLED_ORDERS: Final[Mapping[str, Shape]] = {
    "contract*": CONTRACT,
    "settlementStartDateRange*": DAYS,
    "amount*": AMOUNT_BLOCK,
}
_SETTLED_MANUAL: Final[Mapping[str, Shape]] = {"amount*": TOTAL, "taxFreeAmount*": TOTAL}
_OWN_SETTLED: Final[Mapping[str, Shape]] = {
    "net*": TOTAL,
    "netTaxFree*": TOTAL,
    "recordCount*": COUNT,
    "holdReason": words("OPERATOR", "ACCOUNT", "COMPLIANCE"),
    "payoutId": ID,
    "bulkPayoutId": ID,
}


def _settlements(prefix: str, more: Mapping[str, Shape]) -> Shape:
    return either(
        record(f"{prefix}OrderSettlement", {"type*": constant("ORDER"), **_SETTLED, **_SETTLED_ORDERS, **more}),
        record(
            f"{prefix}OrderCancelSettlement",
            {"type*": constant("ORDER_CANCEL"), **_SETTLED, **_SETTLED_ORDERS, **more},
        ),
        record(f"{prefix}ManualSettlement", {"type*": constant("MANUAL"), **_SETTLED, **_SETTLED_MANUAL, **more}),
    )


SETTLEMENT: Final = _settlements("Partner", {})
OWN_SETTLEMENT: Final = _settlements("OwnPartner", _OWN_SETTLED)
SETTLEMENTS_ARGUMENT: Final = argument(
    "PartnerSettlement",
    {
        "settlementDates": listed(DAY, 1_000),
        "contractIds": WANTED,
        "partnerTags": listed(text(100), 100),
        "settlementCurrencies": WANTED,
        "statuses": some(*SettlementStatus.values),
        "partnerIds": WANTED,
        "settlementTypes": some(*RecordType.values),
        "keyword": keyword("partnerSettlementId", "payoutId", "bulkPayoutId"),
    },
)
SETTLEMENT_COUNTS: Final = counts(
    "payoutScheduled",
    "payoutPrepared",
    "payoutWithheld",
    "payoutExcluded",
    "payoutFailed",
    "payoutCancelled",
    "payoutConfirmed",
    "inPayout",
    "paidOut",
)

# ---- settings

_SETTING: Final[Mapping[str, Shape]] = {
    "defaultWithdrawalMemo": text(100),
    "defaultDepositMemo": text(100),
    "supportsMultipleOrderTransfersPerPartner*": BOOLEAN,
    "adjustSettlementDateAfterHolidayIfEarlier*": BOOLEAN,
    "deductWht*": BOOLEAN,
    "settlementAmountType*": words(*SettlementAmountType.values),
    "manualSettlementPerTransfer": BOOLEAN,
}
SETTING: Final = record("Setting", {**_SETTING, "isForTest*": BOOLEAN})
SETTING_CHANGES: Final = record("SettingChanges", {**_optional(_SETTING), **_TEST})

# ---- our own API

EXPLANATION: Final = record(
    "Explanation",
    {
        "steps*": listed(
            fields(
                {
                    "label*": text(),
                    "amount*": TOTAL,
                    "formula": text(),
                    "policy": fields({"kind*": text(), "id*": ID}),
                }
            )
        ),
        "payment*": listed(fields({"label*": text(), "amount*": TOTAL, "formula": text()})),
    },
    description="The parts of a settlement amount, which sum to it, and what the buyer paid.",
)
_OWN: Final[Mapping[str, Shape]] = {"net*": AMOUNT, "partnerSettlementId": ID}


def _own_records(prefix: str, base: Mapping[str, Shape], more: Mapping[str, Shape]) -> list[Shape]:
    return [
        record(f"{prefix}Order", {"type*": constant("ORDER"), **base, **_ORDERED, **more}),
        record(
            f"{prefix}OrderCancel",
            {"type*": constant("ORDER_CANCEL"), **base, **_ORDERED, **more, "cancellation*": _CANCELLATION},
        ),
    ]


OWN_RECORD: Final = either(
    *_own_records("Own", _BASE, _OWN), record("OwnManual", {"type*": constant("MANUAL"), **_BASE, **_MANUAL, **_OWN})
)
EXPLAINED_RECORD: Final = either(
    *_own_records("Explained", _BASE, {**_OWN, "explanation*": EXPLANATION}),
    record("ExplainedManual", {"type*": constant("MANUAL"), **_BASE, **_MANUAL, **_OWN}),
)
_UNKEPT: Final = {name: shape for name, shape in _BASE.items() if name not in _IDS}
PREVIEW: Final = record(
    "OrderPreview",
    {"type*": constant("ORDER"), **_UNKEPT, **_ORDERED, "net*": AMOUNT, "explanation*": EXPLANATION},
)


def more_of(item: Shape) -> Shape:
    """Return a page of our own API."""
    return fields({"items*": listed(item), "nextCursor": text(60)})


CURSOR: Final[Mapping[str, Shape]] = {"limit": integer(1, 200), "cursor": text(60)}


def any_of(values: Iterable[str]) -> Shape:
    """Return a query parameter that lists words, separated by commas."""
    return listed(words(*values), 100)


NAMED: Final = listed(ID, 100)
_MODE: Final = words(*Rounding.values)
_MODES: Final[Mapping[str, Shape]] = {
    "platformFee*": _MODE,
    "discountShare*": _MODE,
    "additionalFee*": _MODE,
    "settlement*": _MODE,
    "vat*": _MODE,
}
_EXPRESSION: Final = text(MAX_LENGTH)
_FORMULAS: Final = fields({wire.camel(place.value): _EXPRESSION for place in REPLACEABLE}, additionalProperties=False)
_KEYED: Final[Mapping[str, Shape]] = {"key*": text(64, 1), "name*": text(100, 1), "expression*": _EXPRESSION}
CALCULATOR: Final = record(
    "Calculator",
    {
        "number*": COUNT,
        "appliedAt*": MOMENT,
        "createdAt*": MOMENT,
        "memo": text(),
        "rounding*": fields(_MODES),
        "formulas*": _FORMULAS,
        "own*": listed(fields({**_KEYED, "rounding*": _MODE})),
    },
)
_DRAFT: Final[Mapping[str, Shape]] = {
    "rounding": fields(_optional(_MODES), additionalProperties=False),
    "formulas": _FORMULAS,
    "own": listed(fields({**_KEYED, "rounding": _MODE}, additionalProperties=False), MAX_OWN),
    "memo": text(1_000),
}
NEW_CALCULATOR: Final = fields({**_DRAFT, "appliedAt": MOMENT}, additionalProperties=False)
_TRIED_TERMS: Final[Mapping[str, Shape]] = {
    "discounts": listed(
        fields(
            {"amount*": UNSIGNED, "taxFreeAmount": UNSIGNED, "partnerShareRate*": integer(0, 100_000)},
            additionalProperties=False,
        ),
        20,
    ),
    "additionalFees": listed(fields({"fee*": FEE_IN, "vatPayer*": PAYER}, additionalProperties=False), 20),
}
CALCULATOR_TEST: Final = fields(
    {
        "calculator": fields(_DRAFT, additionalProperties=False),
        "order*": fields(
            {
                "amount": UNSIGNED,
                "lines": listed(
                    fields(
                        {
                            "name": text(400),
                            "amount*": UNSIGNED,
                            "taxFreeAmount": UNSIGNED,
                            "quantity*": integer(1, 2**31 - 1),
                            **_TRIED_TERMS,
                        },
                        additionalProperties=False,
                    ),
                    100,
                ),
                "taxFreeAmount": UNSIGNED,
                "platformFee*": FEE_IN,
                "platformFeeVatPayer*": PAYER,
                "subtractPaymentVatAmount": BOOLEAN,
                **_TRIED_TERMS,
                "parameters": mapped(DECIMAL),
            },
            additionalProperties=False,
        ),
    },
    additionalProperties=False,
)
_PART: Final = fields({"label*": text(), "amount*": TOTAL, "formula": text()})
CALCULATOR_TESTED: Final = fields(
    {"amount*": AMOUNT_BLOCK, "steps*": listed(_PART), "payment*": listed(_PART), "own*": listed(_PART)}
)
CALCULATORS: Final = fields(
    {
        "items*": listed(CALCULATOR),
        "parameters*": listed(
            fields(
                {
                    "key*": text(64),
                    "name*": text(100),
                    "decimal*": {"type": "integer", "format": "int64"},
                    "decimalScale*": integer(0, 5),
                }
            )
        ),
    }
)
HOLIDAY: Final = fields({"day*": DAY, "name*": text(100)})
_CHANGE: Final[Mapping[str, Shape]] = {
    "id*": ID,
    "state*": words("PREVIEW", "APPLIED"),
    "added*": listed(HOLIDAY),
    "removed*": listed(HOLIDAY),
    "recordCount*": COUNT,
    "partnerCount*": COUNT,
    "createdAt*": MOMENT,
    "appliedAt": MOMENT,
}
HOLIDAY_CHANGE: Final = record("HolidayChange", _CHANGE)
_MOVE: Final = fields({"recordId*": ID, "partnerId*": ID, "from*": DAY, "to*": DAY})
HOLIDAY_MOVES: Final = record("HolidayMoves", {**_CHANGE, "moves*": listed(_MOVE), "nextCursor": text(60)})
UPLOAD: Final = record(
    "Upload",
    {
        "id*": ID,
        "kind*": text(40),
        "state*": words("STORED", "CHECKING", "REJECTED", "CHECKED", "LOADING", "DONE", "CANCELLED"),
        "name*": text(200),
        "bytes*": COUNT,
        "rows*": COUNT,
        "newRows*": COUNT,
        "changedRows*": COUNT,
        "sameRows*": COUNT,
        "wrongRows*": COUNT,
        "sums*": listed(fields({"name*": text(), "amount*": TOTAL})),
        "errorCount*": COUNT,
        "errors*": listed(fields({"row": COUNT, "column": text(), "code*": text(), "message*": text()}), 1_000),
        "loadedRows": COUNT,
        "createdAt*": MOMENT,
        "checkedAt": MOMENT,
        "finishedAt": MOMENT,
    },
)
