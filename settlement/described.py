"""What the API's description says about the endpoints of settlement."""

from collections.abc import Sequence

from access.openapi import (
    BOOLEAN,
    DAY,
    HIDDEN,
    ID,
    MOMENT,
    RATE,
    Operation,
    Operations,
    Refusal,
    Shape,
    fields,
    listed,
    text,
    words,
)
from settlement import described_shapes as shapes
from settlement.dates import CycleMethod, DatePolicy
from settlement.described_shapes import refused, some
from settlement.models import RecordStatus, RecordType, SettlementStatus, VatPayer

_POLICIES, _PARTNERS, _RECORDS = "Contracts and policies", "Partners", "Settlement records"
_SETTLEMENTS, _LOOKUPS, _SETTINGS = "Partner settlements", "Look-ups", "Settings"
_OWN_RECORDS, _OWN_SETTLEMENTS = "v1: settlement records", "v1: partner settlements"
_HOLIDAYS, _UPLOADS, _CALCULATION = "v1: holidays", "v1: uploads", "v1: calculation"
Found = dict[tuple[str, str], Operation | str]


def _policy(path: str, key: str, stem: str, shape: Shape, new: Shape, changes: Shape, argument: Shape) -> Found:
    """Return the ten operations that all policies have."""
    one, missing = fields({f"{key}*": shape}), refused(404, f"{stem}_NOT_FOUND")
    planned = fields({f"scheduled{key[0].upper()}{key[1:]}*": shape})
    plan = shapes.plan(key[0].upper() + key[1:], changes)
    archived, said = refused(409, f"ARCHIVED_{stem}"), key
    item = f"{path}/{{public_id}}"
    schedule = f"{item}/schedule"
    exists = refused(409, f"{stem}_SCHEDULE_ALREADY_EXISTS")
    scheduled = refused(409, f"CANNOT_ARCHIVE_SCHEDULED_{stem}")
    tag = _POLICIES
    return {
        ("GET", path): Operation(tag, f"List: {said}", shapes.items(shape), argument=argument),
        ("POST", path): Operation(tag, f"Make: {said}", one, new, refusals=refused(409, f"{stem}_ALREADY_EXISTS")),
        ("GET", item): Operation(tag, f"Read: {said}", shape, refusals=missing),
        ("PATCH", item): Operation(tag, f"Change from now on: {said}", one, changes, refusals=[*missing, *archived]),
        ("POST", f"{item}/archive"): Operation(tag, f"Archive: {said}", one, refusals=[*missing, *scheduled]),
        ("POST", f"{item}/recover"): Operation(tag, f"Bring back: {said}", one, refusals=missing),
        ("GET", schedule): Operation(tag, f"Read as planned: {said}", shape, refusals=missing, unstable=True),
        ("POST", schedule): Operation(
            tag,
            f"Plan a change: {said}",
            planned,
            plan,
            refusals=[*missing, *exists, *archived],
            unstable=True,
        ),
        ("PUT", schedule): Operation(
            tag, f"Replace the planned change: {said}", planned, plan, refusals=[*missing, *archived], unstable=True
        ),
        ("DELETE", schedule): Operation(tag, f"Drop the planned change: {said}", refusals=missing, unstable=True),
    }


_CONTRACTS = _policy(
    "/platform/contracts",
    "contract",
    "CONTRACT",
    shapes.CONTRACT,
    shapes.NEW_CONTRACT,
    shapes.CONTRACT_CHANGES,
    shapes.argument(
        "Contract",
        {
            "platformFeePayers": some(*VatPayer.values),
            "cycleTypes": some(*(method.value for method in CycleMethod)),
            "datePolicies": some(*(policy.value for policy in DatePolicy)),
            "isArchived": BOOLEAN,
            "keyword": shapes.keyword("id", "name"),
        },
    ),
)
_SHARES = _policy(
    "/platform/discount-share-policies",
    "discountSharePolicy",
    "DISCOUNT_SHARE_POLICY",
    shapes.DISCOUNT_SHARE,
    shapes.NEW_DISCOUNT_SHARE,
    shapes.DISCOUNT_SHARE_CHANGES,
    shapes.argument(
        "DiscountSharePolicy",
        {
            "partnerShareRates": listed(RATE, 1_000),
            "isArchived": BOOLEAN,
            "keyword": shapes.keyword("id", "name"),
        },
    ),
)
_FEES = _policy(
    "/platform/additional-fee-policies",
    "additionalFeePolicy",
    "ADDITIONAL_FEE_POLICY",
    shapes.ADDITIONAL_FEE,
    shapes.NEW_ADDITIONAL_FEE,
    shapes.ADDITIONAL_FEE_CHANGES,
    shapes.argument(
        "AdditionalFeePolicy",
        {
            "vatPayers": some(*VatPayer.values),
            "isArchived": BOOLEAN,
            "keyword": shapes.keyword("id", "name", "fee"),
        },
    ),
)

# ---- partners

_PARTNER = fields({"partner*": shapes.PARTNER})
_MISSING = refused(404, "PARTNER_NOT_FOUND")
_CHANGED = [
    *refused(400, "ACCOUNT_VERIFICATION_FAILED", "INSUFFICIENT_DATA_TO_CHANGE_PARTNER_TYPE", "CURRENCY_NOT_SUPPORTED"),
    *refused(
        404,
        "PARTNER_NOT_FOUND",
        "CONTRACT_NOT_FOUND",
        "ACCOUNT_VERIFICATION_NOT_FOUND",
        "COMPANY_VERIFICATION_NOT_FOUND",
        "USER_DEFINED_PROPERTY_NOT_FOUND",
    ),
    *refused(
        409,
        "ARCHIVED_PARTNER",
        "ACCOUNT_VERIFICATION_ALREADY_USED",
        "COMPANY_VERIFICATION_ALREADY_USED",
        "MEMBER_COMPANY_CONNECTED_PARTNER_BRN_UNCHANGEABLE",
        "MEMBER_COMPANY_CONNECTED_PARTNER_TYPE_UNCHANGEABLE",
    ),
]
_PLAN = shapes.plan("Partner", shapes.PARTNER_CHANGES)
_UNLINKED = [
    *refused(
        400,
        "PARTNER_TYPE_IS_NOT_BUSINESS",
        "PARTNER_TAXATION_TYPE_IS_SIMPLE",
        "COUNTERPARTY_NOT_CONNECTABLE_STATUS",
        "COUNTERPARTY_NOT_CONNECTED",
    ),
    *refused(403, "BTX_NOT_ENABLED"),
    *_MISSING,
    *refused(
        409,
        "PARTNER_SCHEDULE_EXISTS",
        "ARCHIVED_PARTNER",
        "ARCHIVED_PARTNER_NTS_NOT_ALLOWED",
        "ONGOING_TAX_INVOICE_EXISTS",
    ),
    *refused(503, "EXTERNAL_API_FAILED"),
]
_UNLINKED_MANY = [
    *refused(403, "BTX_NOT_ENABLED"),
    *refused(404, "PARTNER_NOT_FOUND", "TARGET_PARTNER_NOT_FOUND"),
    *refused(503, "EXTERNAL_API_FAILED"),
]


def _tax_office(word: str, said: str) -> Found:
    path, filtered = f"/platform/partners/{word}", fields({"filter": shapes.PARTNER_FILTER})
    return {
        ("POST", path): Operation(_PARTNERS, f"{said} many", body=filtered, refusals=_UNLINKED_MANY),
        ("POST", f"{path}/{{public_id}}"): Operation(_PARTNERS, said, _PARTNER, refusals=_UNLINKED),
    } | _as_partner(path)


def _as_partner(path: str) -> Found:
    # Read and changed, such an address is the partner whose id is the word.
    return {("GET", path): HIDDEN, ("PATCH", path): HIDDEN}


_ONE = "/platform/partners/{public_id}"
_NEW = [
    *refused(400, "ACCOUNT_VERIFICATION_FAILED", "CURRENCY_NOT_SUPPORTED"),
    *refused(
        404,
        "CONTRACT_NOT_FOUND",
        "ACCOUNT_VERIFICATION_NOT_FOUND",
        "COMPANY_VERIFICATION_NOT_FOUND",
        "USER_DEFINED_PROPERTY_NOT_FOUND",
    ),
    *refused(
        409, "PARTNER_ID_ALREADY_EXISTS", "ACCOUNT_VERIFICATION_ALREADY_USED", "COMPANY_VERIFICATION_ALREADY_USED"
    ),
]
_BATCH = [
    *_NEW,
    *refused(400, "PARTNER_IDS_DUPLICATED"),
    *refused(404, "CONTRACTS_NOT_FOUND"),
    *refused(409, "PARTNER_IDS_ALREADY_EXISTS"),
]
_ARCHIVED = refused(
    409, "CANNOT_ARCHIVE_SCHEDULED_PARTNER", "COUNTERPARTY_ONGOING_TAX_INVOICE_EXISTS", "PARTNER_PENDING_NTS_OPERATION"
)
_NOT_PLANNED = refused(409, "PARTNER_SCHEDULE_ALREADY_EXISTS", "MEMBER_COMPANY_CONNECTED_PARTNER_CANNOT_BE_SCHEDULED")
_NONE_PLANNED = [
    *_CHANGED,
    *refused(
        409,
        "PARTNER_SCHEDULES_ALREADY_EXIST",
        "ARCHIVED_PARTNERS_CANNOT_BE_SCHEDULED",
        "MEMBER_COMPANY_CONNECTED_PARTNERS_CANNOT_BE_SCHEDULED",
    ),
]
_PLANNED = fields({"scheduledPartner*": shapes.PARTNER})
_PARTNER_OPERATIONS: Found = {
    ("GET", "/platform/partners"): Operation(
        _PARTNERS, "List partners", shapes.items(shapes.PARTNER), argument=shapes.PARTNERS_ARGUMENT
    ),
    ("POST", "/platform/partners"): Operation(
        _PARTNERS, "Make a partner; its account is looked up", _PARTNER, shapes.NEW_PARTNER, refusals=_NEW
    ),
    ("POST", "/platform/partners/batch"): Operation(
        _PARTNERS,
        "Make partners, all or none",
        fields({"partners*": listed(shapes.PARTNER)}),
        shapes.NEW_PARTNERS,
        refusals=_BATCH,
    ),
    **_as_partner("/platform/partners/batch"),
    ("POST", "/platform/partners/schedule"): Operation(
        _PARTNERS,
        "Plan one change for all partners of a filter",
        body=fields({"filter": shapes.PARTNER_FILTER, "update*": shapes.PARTNER_CHANGES, "appliedAt*": MOMENT}),
        refusals=_NONE_PLANNED,
        unstable=True,
    ),
    **_as_partner("/platform/partners/schedule"),
    ("GET", _ONE): Operation(_PARTNERS, "Read a partner", shapes.PARTNER, refusals=_MISSING),
    ("PATCH", _ONE): Operation(_PARTNERS, "Change a partner", _PARTNER, shapes.PARTNER_CHANGES, refusals=_CHANGED),
    ("POST", f"{_ONE}/archive"): Operation(_PARTNERS, "Archive", _PARTNER, refusals=[*_MISSING, *_ARCHIVED]),
    ("POST", f"{_ONE}/recover"): Operation(
        _PARTNERS, "Bring back", _PARTNER, refusals=[*_MISSING, *refused(409, "PARTNER_PENDING_NTS_OPERATION")]
    ),
    ("GET", f"{_ONE}/schedule"): Operation(
        _PARTNERS, "Read as planned", shapes.PARTNER, refusals=_MISSING, unstable=True
    ),
    ("POST", f"{_ONE}/schedule"): Operation(
        _PARTNERS, "Plan a change", _PLANNED, _PLAN, refusals=[*_CHANGED, *_NOT_PLANNED], unstable=True
    ),
    ("PUT", f"{_ONE}/schedule"): Operation(
        _PARTNERS, "Replace the planned change", _PLANNED, _PLAN, refusals=[*_CHANGED, *_NOT_PLANNED], unstable=True
    ),
    ("DELETE", f"{_ONE}/schedule"): Operation(_PARTNERS, "Drop the planned change", refusals=_MISSING, unstable=True),
    **_tax_office("counterparty-connect", "Link to the tax office"),
    **_tax_office("counterparty-disconnect", "Unlink from the tax office"),
    **_tax_office("member-company-connect", "Link to the tax office (older name)"),
    **_tax_office("member-company-disconnect", "Unlink from the tax office (older name)"),
    ("GET", "/platform/partner-filter-options"): Operation(
        _PARTNERS,
        "What partners may be filtered by",
        fields({"tags*": listed(text()), "contractSummary*": listed(fields({"id*": ID, "name*": text()}))}),
        query={"isArchived": BOOLEAN},
        unstable=True,
    ),
    ("GET", "/platform/discount-share-policy-filter-options"): Operation(
        _POLICIES,
        "What discount share policies may be filtered by",
        fields({"partnerShareRates*": listed(RATE)}),
        query={"isArchived": BOOLEAN},
        unstable=True,
    ),
}

# ---- records

_FIXED = (
    "CONTRACT_PLATFORM_FIXED_AMOUNT_FEE_CURRENCY_AND_SETTLEMENT_CURRENCY_MISMATCHED",
    "ADDITIONAL_FIXED_AMOUNT_FEE_CURRENCY_AND_SETTLEMENT_CURRENCY_MISMATCHED",
)
_EARLIER, _KEY = "SETTLEMENT_DATE_EARLIER_THAN_SETTLEMENT_START_DATE", "USER_DEFINED_PROPERTY_NOT_FOUND"
_EXISTS = refused(409, "TRANSFER_ALREADY_EXISTS", "TRANSFER_ID_ALREADY_USED")
_ORDER_REFUSALS = [
    *refused(400, "PRODUCT_ID_DUPLICATED", "SETTLEMENT_AMOUNT_EXCEEDED", *_FIXED, "CURRENCY_NOT_SUPPORTED", _EARLIER),
    *refused(
        404,
        "PARTNER_NOT_FOUND",
        "CONTRACT_NOT_FOUND",
        "ADDITIONAL_FEE_POLICIES_NOT_FOUND",
        "DISCOUNT_SHARE_POLICIES_NOT_FOUND",
        "PAYMENT_NOT_FOUND",
        _KEY,
        "SETTLEMENT_PARAMETER_NOT_FOUND",
    ),
    *_EXISTS,
]
_CANCEL_REFUSALS = [
    *refused(
        400,
        "ORDER_DETAIL_MISMATCHED",
        "DISCOUNT_SHARE_POLICY_ID_DUPLICATED",
        "CANCELLABLE_AMOUNT_EXCEEDED",
        "CANCELLABLE_DISCOUNT_AMOUNT_EXCEEDED",
        "CANCELLABLE_DISCOUNT_TAX_FREE_AMOUNT_EXCEEDED",
        "PRODUCT_ID_DUPLICATED",
        "CANCELLABLE_PRODUCT_QUANTITY_EXCEEDED",
        "ORDER_TRANSFER_ALREADY_CANCELLED",
        "SETTLEMENT_AMOUNT_EXCEEDED",
        "CANCELLATION_AND_PAYMENT_TYPE_MISMATCHED",
        "CANNOT_SPECIFY_TRANSFER",
        _EARLIER,
    ),
    *refused(
        404,
        "TRANSFER_NOT_FOUND",
        "CANCELLATION_NOT_FOUND",
        "PAYMENT_NOT_FOUND",
        "PRODUCT_ID_NOT_FOUND",
        "TRANSFER_DISCOUNT_SHARE_POLICY_NOT_FOUND",
        _KEY,
    ),
    *_EXISTS,
]
_MANUAL_REFUSALS = [
    *refused(400, "CURRENCY_NOT_SUPPORTED", "NEGATIVE_AMOUNT_NOT_ALLOWED"),
    *refused(404, "PARTNER_NOT_FOUND", _KEY),
    *refused(409, "TRANSFER_ID_ALREADY_USED"),
]
_NO_RECORD = refused(404, "TRANSFER_NOT_FOUND")
_STUCK = refused(400, "CANCEL_ORDER_TRANSFERS_EXISTS", "TRANSFER_NON_DELETABLE_STATUS")


def _made(shape: Shape) -> Shape:
    return fields({"transfer*": shape})


_RECORD_OPERATIONS: Found = {
    ("POST", "/platform/transfers/order"): Operation(
        _RECORDS,
        "Record an order",
        _made(shapes.ORDER_RECORD),
        shapes.NEW_ORDER,
        refusals=_ORDER_REFUSALS,
        example=shapes.ORDER_EXAMPLE,
    ),
    ("POST", "/platform/transfers/order-cancel"): Operation(
        _RECORDS,
        "Record the cancel of an order, in whole or in part",
        _made(shapes.CANCEL_RECORD),
        shapes.NEW_CANCEL,
        refusals=_CANCEL_REFUSALS,
        example=shapes.CANCEL_EXAMPLE,
    ),
    ("POST", "/platform/transfers/manual"): Operation(
        _RECORDS,
        "Record a manual amount",
        _made(shapes.MANUAL_RECORD),
        shapes.NEW_MANUAL,
        refusals=_MANUAL_REFUSALS,
        example=shapes.MANUAL_EXAMPLE,
    ),
    # Read and deleted, such an address is the record whose id is the word.
    **{
        (method, f"/platform/transfers/{word}"): HIDDEN
        for word in ("order", "order-cancel", "manual")
        for method in ("GET", "DELETE")
    },
    ("GET", "/platform/transfers/{public_id}"): Operation(
        _RECORDS, "Read a record", shapes.RECORD, refusals=_NO_RECORD
    ),
    ("DELETE", "/platform/transfers/{public_id}"): Operation(
        _RECORDS, "Take a record back", refusals=[*_NO_RECORD, *_STUCK]
    ),
    ("GET", "/platform/transfer-summaries"): Operation(
        _RECORDS,
        "List records without their lines",
        fields({"transferSummaries*": listed(shapes.SUMMARY), "page*": shapes.PAGE}),
        argument=shapes.RECORDS_ARGUMENT,
    ),
    ("GET", "/platform/transfer-summaries/sheet-file"): Operation(
        _RECORDS, "Download records as CSV", argument=shapes.SHEET_ARGUMENT, file="text/csv"
    ),
}

# ---- partner settlements, look-ups, settings

_TEXT = text()
_COMPANY = words("NORMAL", "SIMPLE_TAX_INVOICE_ISSUER", "SIMPLE", "TAX_FREE", "ASSIGNED_ID_NUMBER", "SPECIAL")
_STATE = words("IN_BUSINESS", "CLOSED", "SUSPENDED")
_INFO = fields(
    {
        **{f"{name}*": _TEXT for name in ("brn", "name", "ceoName", "zipCode", "address", "businessEntityType")},
        **{f"{name}*": _TEXT for name in ("businessStatus", "taxationType", "businessType", "businessClass")},
        "businessCategoryCode*": _TEXT,
        "simplifiedTaxationTypeDate": DAY,
        "closingDate": DAY,
        "openingDate": _TEXT,
    }
)
_FAILED = refused(503, "EXTERNAL_API_FAILED", "EXTERNAL_API_TEMPORARILY_FAILED")
_OTHER_OPERATIONS: Found = {
    ("GET", "/platform/partner-settlements"): Operation(
        _SETTLEMENTS,
        "List partner settlements",
        shapes.items(shapes.SETTLEMENT, counts=shapes.SETTLEMENT_COUNTS),
        argument=shapes.SETTLEMENTS_ARGUMENT,
    ),
    ("POST", "/platform/partner-settlements/delete"): Operation(
        _SETTLEMENTS,
        "Take partner settlements back with all their records, all or none",
        body=fields({"partnerSettlementIds*": listed(ID, 1_000), "isForTest": BOOLEAN}),
        refusals=[
            *refused(400, "NON_DELETABLE_PARTNER_SETTLEMENTS", "REFERENCED_CANCEL_ORDER_TRANSFERS_EXIST"),
            *refused(404, "PARTNER_SETTLEMENTS_NOT_FOUND"),
        ],
        unstable=True,
    ),
    ("GET", "/platform/bank-accounts/{bank}/{number}/holder"): Operation(
        _LOOKUPS,
        "Look up who holds an account",
        fields({"holderName*": _TEXT, "accountVerificationId*": _TEXT}),
        query={"birthdate": text(20), "businessRegistrationNumber": text(20)},
        refusals=[*refused(400, "NOT_SUPPORTED_BANK"), *_FAILED],
    ),
    ("GET", "/platform/companies/{number}/state"): Operation(
        _LOOKUPS,
        "Look up a business",
        fields(
            {
                "companyState*": fields(
                    {
                        "taxationType*": _COMPANY,
                        "taxationTypeDate": DAY,
                        "businessStatus*": _STATE,
                        "closedSuspendedDate": DAY,
                    }
                ),
                "companyVerificationId*": _TEXT,
            }
        ),
        refusals=[*refused(404, "COMPANY_NOT_FOUND"), *_FAILED],
    ),
    ("POST", "/b2b/companies/business-info"): Operation(
        _LOOKUPS,
        "Look up many businesses",
        fields(
            {"result*": listed(fields({"brn*": _TEXT, "businessInfo": _INFO, "error": _TEXT, "verificationId": _TEXT}))}
        ),
        fields({"brnList*": listed(text(20), 100)}),
        refusals=[Refusal("B2B_NOT_ENABLED", 403), Refusal("B2B_EXTERNAL_SERVICE", 502)],
    ),
    ("GET", "/platform/setting"): Operation(_SETTINGS, "Read the settings", shapes.SETTING),
    ("PATCH", "/platform/setting"): Operation(
        _SETTINGS, "Change the settings", fields({"setting*": shapes.SETTING}), shapes.SETTING_CHANGES
    ),
}

# ---- our own API

_SETTLEMENT_QUERY = {
    **shapes.CURSOR,
    "settlementDateFrom": DAY,
    "settlementDateUntil": DAY,
    "partnerId": shapes.NAMED,
    "currency": listed(text(3), 100),
    "type": shapes.any_of(RecordType.values),
    "status": shapes.any_of(SettlementStatus.values),
}
_RECORD_QUERY = {
    **shapes.CURSOR,
    "settlementDateFrom": DAY,
    "settlementDateUntil": DAY,
    "settlementStartDateFrom": DAY,
    "settlementStartDateUntil": DAY,
    "partnerId": shapes.NAMED,
    "paymentId": shapes.NAMED,
    "partnerSettlementId": shapes.NAMED,
    "type": shapes.any_of(RecordType.values),
    "status": shapes.any_of(RecordStatus.values),
}
_UNKNOWN = refused(404, "PARTNER_SETTLEMENTS_NOT_FOUND")
_ABSENT = [Refusal("NOT_FOUND", 404)]
_CONFLICT = Refusal("CONFLICT", 409)


def _decision(verb: str, said: str) -> Found:
    moved = [*_UNKNOWN, Refusal("SETTLEMENT_STATUS_NOT_ALLOWED", 409, {"ids*": listed({"type": "string"})})]
    held = [Refusal("SETTLEMENT_STILL_HELD", 409, {"ids*": listed({"type": "string"})})]
    refusals: Sequence[Refusal] = [*moved, *held] if verb in ("prepare", "restore") else moved
    return {
        ("POST", f"/api/v1/partner-settlements/{verb}"): Operation(
            _OWN_SETTLEMENTS,
            said,
            fields({"items*": listed(shapes.OWN_SETTLEMENT)}),
            fields({"ids*": listed(ID, 1_000, 1), "memo": text(1_000)}, additionalProperties=False),
            refusals=refusals,
            example={"ids": ["ps-01JD7K3Q7M4V0Z8F3P6X9T2C5B"], "memo": "계좌 확인 중"},
        )
    }


_CHANGE = "/api/v1/holiday-changes/{public_id}"
_UPLOAD = "/api/v1/uploads/{kind}/{upload_id}"
_OWN_OPERATIONS: Found = {
    ("GET", "/api/v1/partner-settlements"): Operation(
        _OWN_SETTLEMENTS, "List", shapes.more_of(shapes.OWN_SETTLEMENT), query=_SETTLEMENT_QUERY
    ),
    ("GET", "/api/v1/partner-settlements/{public_id}"): Operation(
        _OWN_SETTLEMENTS, "Read one", shapes.OWN_SETTLEMENT, refusals=_UNKNOWN
    ),
    **_decision("withhold", "Hold back, all or none"),
    **_decision("exclude", "Never pay, all or none"),
    **_decision("prepare", "Make payable again, all or none"),
    **_decision("restore", "Bring back what was excluded, all or none"),
    ("GET", "/api/v1/records"): Operation(_OWN_RECORDS, "List", shapes.more_of(shapes.OWN_RECORD), query=_RECORD_QUERY),
    ("GET", "/api/v1/records/{public_id}"): Operation(
        _OWN_RECORDS, "Read one with how its amount came about", shapes.EXPLAINED_RECORD, refusals=_NO_RECORD
    ),
    ("POST", "/api/v1/records/preview"): Operation(
        _OWN_RECORDS,
        "What an order would come to, without recording it",
        shapes.PREVIEW,
        shapes.NEW_ORDER,
        refusals=_ORDER_REFUSALS,
        example=shapes.ORDER_EXAMPLE,
    ),
    ("GET", "/api/v1/calculators"): Operation(
        _CALCULATION, "List the versions of the calculation, and the parameters of orders", shapes.CALCULATORS
    ),
    ("GET", "/api/v1/calculators/counting"): Operation(
        _CALCULATION,
        "Read the version that counts for a start date; none is the default",
        fields({"calculator": shapes.CALCULATOR}),
        query={"startDate": DAY},
    ),
    ("POST", "/api/v1/calculators"): Operation(
        _CALCULATION,
        "Save a version that counts from now, or from a moment ahead in place of the one that waits",
        fields({"calculator*": shapes.CALCULATOR}),
        shapes.NEW_CALCULATOR,
        example={
            "formulas": {"platformFee": "PAYMENT_AMOUNT * FIXED_RATE + FIXED_AMOUNT"},
            "own": [{"key": "margin", "name": "마진", "expression": "PLATFORM_FEE - 100", "rounding": "DOWN"}],
        },
    ),
    ("DELETE", "/api/v1/calculators/waiting"): Operation(
        _CALCULATION, "Withdraw the version whose moment lies ahead", fields({"calculator*": shapes.CALCULATOR})
    ),
    ("POST", "/api/v1/calculators/test"): Operation(
        _CALCULATION,
        "What a made-up order would come to by a version, the one that counts today without one; nothing is kept",
        shapes.CALCULATOR_TESTED,
        shapes.CALCULATOR_TEST,
        refusals=_ORDER_REFUSALS,
        example={
            "order": {"amount": 10_000, "platformFee": {"fixedRate": 10_000}, "platformFeeVatPayer": "PARTNER"},
        },
    ),
    ("GET", "/api/v1/holidays"): Operation(
        _HOLIDAYS,
        "List the days on which banks are closed, weekends aside",
        fields({"items*": listed(shapes.HOLIDAY)}),
        query={"dayFrom": DAY, "dayUntil": DAY},
    ),
    ("POST", "/api/v1/holiday-changes"): Operation(
        _HOLIDAYS,
        "Work out which settlement dates would move; no date changes yet",
        shapes.HOLIDAY_CHANGE,
        fields(
            {
                "add": listed(fields({"day*": DAY, "name*": text(100, 1)}, additionalProperties=False), 400),
                "remove": listed(fields({"day*": DAY}, additionalProperties=False), 400),
            },
            additionalProperties=False,
        ),
        refusals=[*_ABSENT, _CONFLICT],
        example={"add": [{"day": "2026-12-24", "name": "창립 기념일"}]},
    ),
    ("GET", _CHANGE): Operation(
        _HOLIDAYS,
        "Read a change with the records it moves",
        shapes.HOLIDAY_MOVES,
        query=shapes.CURSOR,
        refusals=_ABSENT,
    ),
    ("POST", f"{_CHANGE}/apply"): Operation(
        _HOLIDAYS,
        "Make exactly the change that was shown",
        shapes.HOLIDAY_CHANGE,
        refusals=[*_ABSENT, _CONFLICT, Refusal("STALE_VERSION", 409)],
    ),
    ("POST", "/api/v1/uploads/{kind}"): Operation(
        _UPLOADS,
        "Upload and check a file; nothing is loaded",
        shapes.UPLOAD,
        upload=True,
        also=(201, 202),
        refusals=[*_ABSENT, _CONFLICT],
    ),
    ("GET", "/api/v1/uploads/{kind}/template"): Operation(
        _UPLOADS,
        "Download the sheet to fill in",
        file="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        refusals=_ABSENT,
    ),
    ("GET", _UPLOAD): Operation(_UPLOADS, "Read where an upload is", shapes.UPLOAD, refusals=_ABSENT),
    ("POST", f"{_UPLOAD}/confirm"): Operation(
        _UPLOADS,
        "Load a checked file, all rows or none",
        shapes.UPLOAD,
        fields({"again": BOOLEAN}, additionalProperties=False),
        also=(200, 202),
        refusals=[*_ABSENT, _CONFLICT],
    ),
    ("POST", f"{_UPLOAD}/cancel"): Operation(
        _UPLOADS, "Drop an upload that is not loaded", shapes.UPLOAD, refusals=[*_ABSENT, _CONFLICT]
    ),
}

OPERATIONS: Operations = {
    **_CONTRACTS,
    **_SHARES,
    **_FEES,
    **_PARTNER_OPERATIONS,
    **_RECORD_OPERATIONS,
    **_OTHER_OPERATIONS,
    **_OWN_OPERATIONS,
}
