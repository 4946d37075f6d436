"""What the API's description says about matching invoices."""

from collections.abc import Mapping, Sequence
from typing import Final

from django.db.models import TextChoices

from access.openapi import (
    BOOLEAN,
    COUNT,
    CURRENCY,
    DAY,
    ID,
    MOMENT,
    Operation,
    Operations,
    Refusal,
    Shape,
    fields,
    integer,
    listed,
    mapped,
    record,
    text,
    words,
)
from matching.models import (
    AutomationStatus,
    Category,
    ChargeSide,
    Direction,
    DuplicateNumber,
    EntryPolicy,
    InvoiceStatus,
    MatchStatus,
    OrderStatus,
    Override,
    Policy,
    PolicyFrom,
    PriceTotals,
    Verdict,
    WithDiscrepancies,
)
from settlement.described_shapes import CURSOR, NAMED, any_of, more_of

_TAG, _SETUP_TAG = "v1: matching", "v1: matching set-up"

# ---- Shapes

_FIGURE: Final = text(23, pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$", examples=["12.50"])
_PERCENT: Final = text(23, pattern=r"^[0-9]{1,15}(\.[0-9]{1,6})?$", description='"5" means 5 %.', examples=["5"])
_RATE: Final = text(32, pattern=r"^[0-9]{1,15}(\.[0-9]{1,16})?$", examples=["1320.5"])
_TOLD: Final = text(60, pattern=r"^-?[0-9]+(\.[0-9]+)?$", description="An exact figure, to six places.")
_FACTOR: Final = text(
    40, pattern=r"^([0-9]+(\.[0-9]+)?|[0-9]+/[0-9]+)$", description="1 `from` is so many `to`.", examples=["1/12"]
)
_NAME: Final = text(300)
_MEMO: Final = text(1_000)
_UNIT: Final = text(40, 1)
_CODE: Final = text(100, 1)
_LINE: Final = integer(1, 2**31 - 1)
_LINE_NAME: Final = text(310, 3, description="Document and number of a line.", examples=["PO1/2"])
_TOLERANCE_CODE: Final = text(310, description="`table:NAME`, `group:NAME` or `all`.", examples=["group:HIGH"])
_VERSION: Final = integer(1, 2**31 - 1) | {"description": "As it was read; a change since then is refused."}


def _words(kind: type[TextChoices]) -> Shape:
    return words(*(str(value).upper() for value in kind.values))


def _any(kind: type[TextChoices]) -> Shape:
    return any_of([str(value).upper() for value in kind.values])


def _or_null(shape: Shape) -> Shape:
    return {**shape, "type": [shape["type"], "null"]}


def _own(status: int, *codes: str) -> list[Refusal]:
    return [Refusal(code, status) for code in codes]


_ABSENT: Final = Refusal("NOT_FOUND", 404)
_RACE: Final = Refusal("CONFLICT", 409)
_NEGATIVE: Final = Refusal("NEGATIVE_TOLERANCE", 400)
_STALE: Final = Refusal("STALE_VERSION", 409)

_PRICES_IN: Final[Mapping[str, Shape]] = {
    "line*": _LINE,
    "item": _or_null(ID),
    "description": _or_null(_NAME),
    "quantity": _FIGURE,
    "unit": _UNIT,
    "unitPrice": _FIGURE,
    "priceUnit": _FIGURE,
    "discount": _FIGURE,
    "discountPercent": _FIGURE,
    "multilineDiscount": _FIGURE,
    "multilineDiscountPercent": _FIGURE,
}
_PRICES_OUT: Final[Mapping[str, Shape]] = {
    "line*": COUNT,
    "item": ID,
    "description": _NAME,
    "unit*": _UNIT,
    "quantity*": _TOLD,
    "unitPrice*": _TOLD,
    "priceUnit*": _TOLD,
    "discount*": _TOLD,
    "discountPercent*": _TOLD,
    "multilineDiscount*": _TOLD,
    "multilineDiscountPercent*": _TOLD,
    "netAmount*": _TOLD,
}
_REFUSED_DOCUMENT: Final = [_ABSENT, _RACE, *_own(409, "EXCHANGE_RATE_MISSING", "CHARGE_ABOVE_MAXIMUM")]

# ---- Purchase orders

_ORDER: Final[Mapping[str, Shape]] = {
    "id*": ID,
    "vendor*": ID,
    "currency*": CURRENCY,
    "exchangeRate*": _TOLD,
    "date*": DAY,
    "totalDiscountPercent*": _TOLD,
    "salesTaxPercent*": _TOLD,
    "status*": _words(OrderStatus),
    "memo": _MEMO,
    "netAmount*": _TOLD,
    "lineCount*": COUNT,
    "version*": COUNT,
    "createdAt*": MOMENT,
    "updatedAt*": MOMENT,
}
_ORDER_CHARGE_IN: Final = record(
    "NewOrderCharge", {"id*": ID, "code*": _CODE, "category": _words(Category), "value*": _FIGURE}
)
_ORDER_CHARGE: Final = record(
    "OrderCharge", {"id*": ID, "code*": _CODE, "category*": _words(Category), "value*": _TOLD, "takenBy": ID}
)
_WHOLE_ORDER: Final = record(
    "PurchaseOrderWithLines",
    {
        **_ORDER,
        "charges*": listed(_ORDER_CHARGE),
        "lines*": listed(
            record(
                "PurchaseOrderLine",
                {
                    **_PRICES_OUT,
                    "policy*": _words(Policy),
                    "policyFrom*": _words(PolicyFrom),
                    "overDeliveryPercent": _TOLD,
                    "underDeliveryPercent": _TOLD,
                    "closedForInvoicing*": BOOLEAN,
                    "cancelled*": BOOLEAN,
                    "charges*": listed(_ORDER_CHARGE),
                    "invoiceRemainder*": _TOLD,
                    "deliverRemainder*": _TOLD,
                },
            )
        ),
    },
)
_ORDER_IN: Final[Mapping[str, Shape]] = {
    "currency": CURRENCY,
    "exchangeRate": _or_null(_RATE),
    "date": DAY,
    "totalDiscountPercent": _FIGURE,
    "salesTaxPercent": _FIGURE,
    "status": words("CONFIRMED", "DRAFT"),
    "memo": _or_null(_MEMO),
    "charges": listed(_ORDER_CHARGE_IN, 200),
}
_ORDER_LINE_IN: Final[Mapping[str, Shape]] = {
    **_PRICES_IN,
    "policy": _words(Policy),
    "overDeliveryPercent": _or_null(_PERCENT),
    "underDeliveryPercent": _or_null(_PERCENT),
    "closedForInvoicing": BOOLEAN,
    "cancelled": BOOLEAN,
    "charges": listed(_ORDER_CHARGE_IN, 200),
}
_ORDER_REFUSED: Final = [*_REFUSED_DOCUMENT, _NEGATIVE, *_own(409, "POLICY_TOO_WEAK")]
_ORDERS: Final[Operations] = {
    ("GET", "/api/v1/purchase-orders"): Operation(
        _TAG,
        "List purchase orders, without their lines",
        more_of(record("PurchaseOrder", _ORDER)),
        query={**CURSOR, "vendor": NAMED, "status": _any(OrderStatus), "dateFrom": DAY, "dateUntil": DAY},
    ),
    ("POST", "/api/v1/purchase-orders"): Operation(
        _TAG,
        "Create a purchase order, confirmed at once unless it is a draft",
        _WHOLE_ORDER,
        record(
            "NewPurchaseOrder",
            {
                "id*": ID,
                "vendor*": ID,
                **_ORDER_IN,
                "lines*": listed(record("NewPurchaseOrderLine", {**_ORDER_LINE_IN, "quantity*": _FIGURE}), 1_000, 1),
            },
        ),
        refusals=[*_ORDER_REFUSED, *_own(409, "ID_ALREADY_USED")],
        also=(201,),
        example={
            "id": "PO1",
            "vendor": "V1",
            "lines": [{"line": 1, "item": "BATTERY", "quantity": "1000", "unitPrice": "1.00"}],
        },
    ),
    ("GET", "/api/v1/purchase-orders/{public_id}"): Operation(
        _TAG, "Read a purchase order with what is still to be delivered and invoiced", _WHOLE_ORDER, refusals=[_ABSENT]
    ),
    ("PATCH", "/api/v1/purchase-orders/{public_id}"): Operation(
        _TAG,
        "Change what is given and confirm again; known lines change, new ones are added",
        _WHOLE_ORDER,
        record(
            "PurchaseOrderChanges",
            {
                "version": _VERSION,
                "vendor": ID,
                **_ORDER_IN,
                "lines": listed(record("PurchaseOrderLineChanges", _ORDER_LINE_IN), 1_000),
            },
        ),
        refusals=[*_ORDER_REFUSED, _STALE],
    ),
}

# ---- Receipts

_RECEIPT: Final[Mapping[str, Shape]] = {
    "id*": ID,
    "date*": DAY,
    "memo": _MEMO,
    "lineCount*": COUNT,
    "cancelledAt": MOMENT,
    "createdAt*": MOMENT,
}
_WHOLE_RECEIPT: Final = record(
    "ReceiptWithLines",
    {
        **_RECEIPT,
        "lines*": listed(
            record(
                "ReceiptLine",
                {
                    "line*": COUNT,
                    "orderLine*": _LINE_NAME,
                    "quantity*": _TOLD,
                    "unit*": _UNIT,
                    "closesLine*": BOOLEAN,
                    "available*": _TOLD,
                },
            )
        ),
    },
)
_RECEIPTS: Final[Operations] = {
    ("GET", "/api/v1/receipts"): Operation(
        _TAG,
        "List product receipts, without their lines",
        more_of(record("Receipt", _RECEIPT)),
        query={**CURSOR, "purchaseOrder": NAMED, "cancelled": BOOLEAN, "dateFrom": DAY, "dateUntil": DAY},
    ),
    ("POST", "/api/v1/receipts"): Operation(
        _TAG,
        "Record what came in",
        _WHOLE_RECEIPT,
        record(
            "NewReceipt",
            {
                "id*": ID,
                "date*": DAY,
                "memo": _MEMO,
                "lines*": listed(
                    record(
                        "NewReceiptLine",
                        {
                            "line*": _LINE,
                            "orderLine*": _LINE_NAME,
                            "quantity*": _FIGURE,
                            "unit": _UNIT,
                            "closesLine": BOOLEAN,
                        },
                    ),
                    1_000,
                    1,
                ),
            },
        ),
        refusals=[
            _ABSENT,
            _RACE,
            *_own(409, "ORDER_NOT_CONFIRMED", "ORDER_LINE_CANCELLED", "UNIT", "OVER_DELIVERY", "UNDER_DELIVERY"),
            *_own(409, "ID_ALREADY_USED"),
        ],
        also=(201,),
        example={
            "id": "R1",
            "date": "2026-12-02",
            "lines": [{"line": 1, "orderLine": "PO1/1", "quantity": "1000"}],
        },
    ),
    ("GET", "/api/v1/receipts/{public_id}"): Operation(
        _TAG, "Read a product receipt with what can still be matched", _WHOLE_RECEIPT, refusals=[_ABSENT]
    ),
    ("POST", "/api/v1/receipts/{public_id}/cancel"): Operation(
        _TAG,
        "Cancel a product receipt: it counts as if it had never come",
        _WHOLE_RECEIPT,
        refusals=[_ABSENT, _RACE, *_own(409, "RECEIPT_CANCELLED", "RECEIPT_INVOICED")],
    ),
}

# ---- Results

_VERDICT: Final = _words(Verdict)
_NEAREST: Final = fields({"figure*": _TOLD, "change*": _TOLD, "tolerance": _TOLD})
_ROW: Final[Mapping[str, Shape]] = {
    "actual*": _TOLD,
    "expected*": _TOLD,
    "percent*": _TOLD | {"description": "The adverse percentage: positive is unwanted."},
    "verdict": _VERDICT,
    "formula": text(),
    "expectedFormula": text(),
    "nearest": _NEAREST,
}
_JUDGED: Final[Mapping[str, Shape]] = {
    **_ROW,
    "tolerance": _TOLD,
    "toleranceFrom": text(),
    "tolerancePath": listed(text()),
}
_NINE: Final = (
    "unitPrice",
    "priceUnit",
    "chargesOnPurchases",
    "discount",
    "discountPercent",
    "multilineDiscount",
    "multilineDiscountPercent",
    "netAmount",
    "netUnitPrice",
)
_SIX: Final = ("balance", "totalDiscount", "charges", "salesTax", "roundOff", "invoiceAmount")
_LINE_RESULT: Final = record(
    "LineMatchResult",
    {
        "line*": COUNT,
        "policy": _words(Policy),
        "policyFrom": _words(PolicyFrom),
        "matchVariance": _VERDICT,
        "priceMatch": _VERDICT,
        "priceTotalMatch": _VERDICT,
        "quantityMatch": _VERDICT,
        "reasons*": listed(text(120)),
        "price": fields(_JUDGED),
        "rows": fields(dict.fromkeys(_NINE, fields(_ROW))),
        "priceTotal": fields(
            {
                "actual*": _TOLD,
                "expected*": _TOLD,
                "variance*": _TOLD,
                "percent*": _TOLD,
                "tolerancePercent": _TOLD,
                "varianceAccounting*": _TOLD,
                "toleranceAmount": _TOLD,
                "exchangeVariance*": _TOLD,
                "formula": text(),
                "isLast": BOOLEAN,
                "nearest": _NEAREST,
            }
        ),
        "quantity": fields({"actual*": _TOLD, "expected*": _TOLD}),
        "unitPriceLimit": _TOLD,
    },
)
_RUN: Final = record(
    "MatchRun",
    {
        "at*": MOMENT,
        "by*": text(),
        "isFinal*": BOOLEAN,
        "status*": _words(MatchStatus),
        "totalsMatch": _VERDICT,
        "totals": fields(dict.fromkeys(_SIX, fields(_JUDGED))),
        "chargesMatch": _VERDICT,
        "charges*": listed(fields({"code*": _CODE, **_JUDGED, "variance*": _TOLD})),
        "reasons*": listed(text(120)),
        "figures": fields(dict.fromkeys(_SIX, _TOLD)),
        "lines*": listed(_LINE_RESULT),
    },
)

# ---- Invoices

_INVOICE: Final[Mapping[str, Shape]] = {
    "id*": ID,
    "number*": ID,
    "vendor*": ID,
    "invoiceAccount*": ID,
    "currency*": CURRENCY,
    "exchangeRate*": _TOLD,
    "date*": DAY,
    "dueDate*": DAY,
    "totalDiscount*": _TOLD,
    "salesTax*": _TOLD,
    "roundOff*": _TOLD,
    "importedAmount": _TOLD,
    "importedTax": _TOLD,
    "memo": _MEMO,
    "status*": _words(InvoiceStatus),
    "onHold*": BOOLEAN,
    "holdReason": _MEMO,
    "amount*": _TOLD,
    "matchStatus*": _words(MatchStatus),
    "lastVariance": _VERDICT,
    "reasons*": listed(text(120)),
    "lastMatchedAt": MOMENT,
    "approved*": BOOLEAN,
    "approvedBy": text(200),
    "approvedAt": MOMENT,
    "approvalComment": _MEMO,
    "automationIncluded*": BOOLEAN,
    "automationAttempts*": COUNT,
    "enteredBy*": text(200),
    "postedAt": MOMENT,
    "postedBy": text(200),
    "settlementRecordId": ID,
    "unpaidReason": text(40),
    "version*": COUNT,
    "createdAt*": MOMENT,
    "updatedAt*": MOMENT,
}
_CHARGE: Final[Mapping[str, Shape]] = {"code*": _CODE, "category*": _words(Category), "value*": _TOLD}
_INVOICE_CHARGE: Final = record("InvoiceCharge", {**_CHARGE, "connectedTo": text(610)})
_INVOICE_CHARGE_IN: Final = record(
    "NewInvoiceCharge",
    {
        "code*": _CODE,
        "category": _words(Category),
        "value*": _FIGURE,
        "connectedTo": text(601, 3, description="Order and id of its charge.", examples=["PO1/F"]),
    },
)
_MATCH_IN: Final = record("NewReceiptMatch", {"receiptLine*": _LINE_NAME, "quantity*": _FIGURE})
_MATCHES_IN: Final[Mapping[str, Shape]] = {
    "receiptMatches": listed(_MATCH_IN, 500),
    "automatic": BOOLEAN | {"description": "Let the oldest receipts be matched, instead of `receiptMatches`."},
}
_WHOLE: Final[Mapping[str, Shape]] = {
    **_INVOICE,
    "automationStatus*": _words(AutomationStatus),
    "charges*": listed(_INVOICE_CHARGE),
    "lines*": listed(
        record(
            "InvoiceLine",
            {
                **_PRICES_OUT,
                "orderLine": _LINE_NAME,
                "isFinal*": BOOLEAN,
                "charges*": listed(_INVOICE_CHARGE),
                "receiptMatches*": listed(fields({"receiptLine*": _LINE_NAME, "quantity*": _TOLD})),
            },
        )
    ),
    "result": _RUN,
}
_WHOLE_INVOICE: Final = record("InvoiceWithResult", _WHOLE)
_INVOICE_IN: Final[Mapping[str, Shape]] = {
    "number": ID,
    "invoiceAccount": ID,
    "exchangeRate": _or_null(_RATE),
    "date": DAY,
    "dueDate": DAY,
    "totalDiscount": _FIGURE,
    "salesTax": _FIGURE,
    "roundOff": _FIGURE,
    "importedAmount": _or_null(_FIGURE),
    "importedTax": _or_null(_FIGURE),
    "memo": _or_null(_MEMO),
    "automationIncluded": BOOLEAN,
    "copyOrderCharges": BOOLEAN,
    "charges": listed(_INVOICE_CHARGE_IN, 200),
}
_INVOICE_LINE_IN: Final[Mapping[str, Shape]] = {
    **_PRICES_IN,
    "orderLine": _or_null(_LINE_NAME),
    "isFinal": BOOLEAN,
    "charges": listed(_INVOICE_CHARGE_IN, 200),
    "remove": BOOLEAN,
    **_MATCHES_IN,
}
_INVOICE_REFUSED: Final = [
    *_REFUSED_DOCUMENT,
    *_own(409, "CURRENCY", "ORDER_NOT_CONFIRMED", "ORDER_LINE_CANCELLED"),
    *_own(409, "RECEIPT_OVERMATCHED", "RECEIPT_SIGN", "RECEIPT_CANCELLED"),
]
_POSTED: Final = _own(409, "INVOICE_POSTED")


def _step(summary: str, *codes: str, body: Shape | None = None) -> Operation:
    return Operation(_TAG, summary, _WHOLE_INVOICE, body, refusals=[_ABSENT, _RACE, *_POSTED, *_own(409, *codes)])


_REASON: Final = record("InvoiceReason", {"reason": _MEMO})
_INVOICES: Final[Operations] = {
    ("GET", "/api/v1/invoices"): Operation(
        _TAG,
        "List vendor invoices, without lines and results",
        more_of(record("Invoice", _INVOICE)),
        query={
            **CURSOR,
            "vendor": NAMED,
            "number": NAMED,
            "status": _any(InvoiceStatus),
            "matchStatus": _any(MatchStatus),
            "reason": listed(text(120), 100),
            "onHold": BOOLEAN,
            "dateFrom": DAY,
            "dateUntil": DAY,
            "dueDateFrom": DAY,
            "dueDateUntil": DAY,
        },
    ),
    ("POST", "/api/v1/invoices"): Operation(
        _TAG,
        "Save a vendor invoice as pending",
        _WHOLE_INVOICE,
        record(
            "NewInvoice",
            {
                "id*": ID,
                "vendor*": ID,
                "currency": CURRENCY,
                **_INVOICE_IN,
                "lines*": listed(record("NewInvoiceLine", {**_INVOICE_LINE_IN, "quantity*": _FIGURE}), 1_000, 1),
            },
        ),
        refusals=[*_INVOICE_REFUSED, *_own(409, "ID_ALREADY_USED")],
        also=(201,),
        example={
            "id": "INV1",
            "vendor": "V1",
            "lines": [{"line": 1, "orderLine": "PO1/1", "quantity": "1000", "unitPrice": "1.05"}],
        },
    ),
    ("GET", "/api/v1/invoices/{public_id}"): Operation(
        _TAG, "Read a vendor invoice with every figure that was compared", _WHOLE_INVOICE, refusals=[_ABSENT]
    ),
    ("PATCH", "/api/v1/invoices/{public_id}"): Operation(
        _TAG,
        "Change a pending invoice: known lines change, new ones are added, `remove` removes",
        _WHOLE_INVOICE,
        record(
            "InvoiceChanges",
            {
                "version": _VERSION,
                **_INVOICE_IN,
                "lines": listed(record("InvoiceLineChanges", _INVOICE_LINE_IN), 1_000),
            },
        ),
        refusals=[*_INVOICE_REFUSED, *_POSTED, _STALE],
    ),
    ("DELETE", "/api/v1/invoices/{public_id}"): Operation(
        _TAG, "Delete a pending invoice", refusals=[_ABSENT, _RACE, *_POSTED]
    ),
    ("POST", "/api/v1/invoices/{public_id}/match"): _step("Update the match status"),
    ("POST", "/api/v1/invoices/{public_id}/approve"): _step(
        "Approve posting with the discrepancies there are",
        "APPROVAL_NOT_AVAILABLE",
        "APPROVER_MUST_DIFFER",
        body=record("InvoiceApproval", {"comment": _MEMO}),
    ),
    ("POST", "/api/v1/invoices/{public_id}/withdraw-approval"): _step("Take an approval back"),
    ("POST", "/api/v1/invoices/{public_id}/submit"): _step("Send to review"),
    ("POST", "/api/v1/invoices/{public_id}/recall"): _step("Take back from review"),
    ("POST", "/api/v1/invoices/{public_id}/review"): _step("Match, and say that it may be posted"),
    ("POST", "/api/v1/invoices/{public_id}/reject"): _step("Send back to who entered it", body=_REASON),
    ("POST", "/api/v1/invoices/{public_id}/hold"): _step("Keep from being posted", body=_REASON),
    ("POST", "/api/v1/invoices/{public_id}/release"): _step("Release from hold"),
    ("POST", "/api/v1/invoices/{public_id}/post"): Operation(
        _TAG,
        "Post an invoice; submission and review are gone through as far as needed",
        record(
            "PostedInvoice",
            {**_WHOLE, "warnings*": listed(words("MATCHING_DISCREPANCIES", "DUPLICATE_INVOICE_NUMBER"))},
        ),
        refusals=[
            _ABSENT,
            _RACE,
            *_POSTED,
            *_own(409, "ON_HOLD", "DUPLICATE_INVOICE_NUMBER", "IMPORTED_TOTALS", "RECEIVING_REQUIREMENT"),
            *_own(409, "QUANTITY_BELOW_RECEIPTS", "MATCHING_DISCREPANCIES"),
        ],
    ),
    ("PUT", "/api/v1/invoices/{public_id}/receipt-matches"): Operation(
        _TAG,
        "Match lines with receipts, in place of what they were matched with",
        _WHOLE_INVOICE,
        record(
            "ReceiptMatches",
            {
                "version": _VERSION,
                "lines*": listed(record("ReceiptMatchesOfLine", {"line*": _LINE, **_MATCHES_IN}), 1_000, 1),
            },
        ),
        refusals=[*_INVOICE_REFUSED, *_POSTED, _STALE],
    ),
    ("GET", "/api/v1/invoices/{public_id}/runs"): Operation(
        _TAG, "List the runs that gave another result than the one before", more_of(_RUN), query=CURSOR
    ),
    ("GET", "/api/v1/matching/leakage"): Operation(
        _TAG,
        "What posted lines cost more than agreed, within their tolerances",
        fields(
            {
                "items*": listed(
                    record(
                        "Leak",
                        {
                            "invoice*": ID,
                            "line*": COUNT,
                            "vendor*": ID,
                            "item": ID,
                            "date*": DAY,
                            "currency*": CURRENCY,
                            "amount*": _TOLD,
                            "expected*": _TOLD,
                        },
                    )
                ),
                "sums*": listed(fields({"currency*": CURRENCY, "amount*": _TOLD, "expected*": _TOLD, "count*": COUNT})),
                "nextCursor": text(60),
            }
        ),
        query={**CURSOR, "vendor": NAMED, "item": NAMED, "currency": NAMED, "dateFrom": DAY, "dateUntil": DAY},
    ),
}

# ---- The case format

_EVALUATED: Final = record(
    "EvaluatedCase",
    {
        "case*": text(),
        "ok*": BOOLEAN,
        "differences*": listed(
            fields({"step*": COUNT, "path*": text(), "expected": {}, "actual": {}}),
        ),
        "steps*": listed(
            fields(
                {
                    "refused*": _or_null(text(60)),
                    "invoices*": mapped({"type": "object"}),
                    "orders*": mapped({"type": "object"}),
                    "receipts*": mapped({"type": "object"}),
                    "warnings*": listed(text(60)),
                }
            )
        ),
    },
)
_EVALUATE: Final = Operation(
    _TAG,
    "Play a case of the conformance format against a fresh company; nothing of it stays",
    _EVALUATED,
    record(
        "Case",
        {"case*": text(), "about": text(), "steps*": listed({"type": "object"}, 200)},
        description="One case file, in the snake case names of its format; `expect` may be left out.",
    ),
)

# ---- Set-up

_PARAMETERS: Final[Mapping[str, Shape]] = {
    "accountingCurrency": CURRENCY,
    "enableInvoiceMatchingValidation": BOOLEAN,
    "postInvoiceWithDiscrepancies": _words(WithDiscrepancies),
    "automaticallyUpdateHeaderMatchStatus": BOOLEAN,
    "matchInvoiceTotals": BOOLEAN,
    "invoiceTotalsTolerancePercent": _PERCENT,
    "invoiceTotalsDirection": _words(Direction),
    "perTotalSettings": fields(dict.fromkeys(_SIX, fields({"enabled": BOOLEAN, "percent": _PERCENT}))),
    "lineMatchingPolicy": _words(Policy),
    "allowMatchingPolicyOverride": _words(Override),
    "unitPriceDirection": _words(Direction),
    "matchPriceTotals": _words(PriceTotals),
    "priceTotalTolerancePercent": _PERCENT,
    "priceTotalToleranceAmount": _PERCENT | {"description": "In the accounting currency."},
    "priceTotalDirection": _words(Direction),
    "matchCharges": BOOLEAN,
    "chargesTolerancePercent": _PERCENT,
    "chargesDirection": _words(Direction),
    "duplicateInvoiceNumber": _words(DuplicateNumber),
    "blockWhenInvoiceQuantityBelowMatchedReceipts": BOOLEAN,
    "overDeliveryPercent": _PERCENT,
    "underDeliveryPercent": _PERCENT,
    "automationMatchReceipts": BOOLEAN,
    "automationAttempts": integer(1, 1_000),
    "automationHours": integer(1, 1_000),
    "automationSubmits": BOOLEAN,
    "automationNeedsAllReceipts": BOOLEAN,
    "approverMustDiffer": BOOLEAN,
}
_SHOWN_PARAMETERS: Final = record("MatchingParameters", {f"{name}*": shape for name, shape in _PARAMETERS.items()})
_DATES: Final[Mapping[str, Shape]] = {"createdAt*": MOMENT, "updatedAt*": MOMENT}
_VENDOR: Final[Mapping[str, Shape]] = {
    "name": _NAME,
    "currency": CURRENCY,
    "priceToleranceGroup": _NAME,
    "invoiceAccount": ID,
    "partnerId": ID,
    "paymentDays": integer(0, 3_650),
}
_VENDOR_SHOWN: Final = record(
    "Vendor", {"account*": ID, **_VENDOR, "name*": _NAME, "currency*": CURRENCY, "invoiceAccount*": ID, **_DATES}
)
_NULL_NAMES: Final[Mapping[str, Shape]] = {"name": _or_null(_NAME), "priceToleranceGroup": _or_null(_NAME)}
_VENDOR_IN: Final = record(
    "VendorChanges", {**_VENDOR, **_NULL_NAMES, "invoiceAccount": _or_null(ID), "partnerId": _or_null(ID)}
)
_ITEM_SHOWN: Final = record(
    "Item",
    {
        "number*": ID,
        "name*": _NAME,
        "unit*": _UNIT,
        "priceToleranceGroup": _NAME,
        "receivingRequirement*": BOOLEAN,
        "overDeliveryPercent": _TOLD,
        "underDeliveryPercent": _TOLD,
        **_DATES,
    },
)
_ITEM_IN: Final = record(
    "ItemChanges",
    {
        **_NULL_NAMES,
        "unit": _UNIT,
        "receivingRequirement": BOOLEAN,
        "overDeliveryPercent": _or_null(_PERCENT),
        "underDeliveryPercent": _or_null(_PERCENT),
    },
)
_CHARGE_CODE: Final[Mapping[str, Shape]] = {
    "description": _NAME,
    "debitType": _words(ChargeSide),
    "creditType": _words(ChargeSide),
    "comparePoAndInvoice": BOOLEAN,
    "maximumAmount": _TOLD,
}
_CHARGE_CODE_SHOWN: Final = record(
    "ChargeCode",
    {"code*": _CODE, **{f"{name}*": shape for name, shape in _CHARGE_CODE.items() if name != "maximumAmount"}}
    | {"maximumAmount": _TOLD},
)
_CHARGE_CODE_IN: Final = record(
    "ChargeCodeChanges", {**_CHARGE_CODE, "description": _or_null(_NAME), "maximumAmount": _or_null(_FIGURE)}
)


def _keyed(
    path: str, what: str, shown: Shape, body: Shape, query: Mapping[str, Shape], refusals: Sequence[Refusal] = ()
) -> Operations:
    """Describe a table whose rows are named in the address."""
    one = f"{path}/{{public_id}}"
    return {
        ("GET", path): Operation(_SETUP_TAG, f"List {what}s", more_of(shown), query={**CURSOR, **query}),
        ("GET", one): Operation(_SETUP_TAG, f"Read one {what}", shown, refusals=[_ABSENT]),
        ("PUT", one): Operation(
            _SETUP_TAG,
            f"Add a {what}, or change the fields given",
            shown,
            body,
            refusals=[_ABSENT, _RACE, *refusals],
        ),
        ("DELETE", one): Operation(_SETUP_TAG, f"Remove a {what} that no document names", refusals=[_ABSENT, _RACE]),
    }


def _kept(
    path: str,
    what: str,
    name: str,
    row: Mapping[str, Shape],
    key: Mapping[str, Shape],
    *,
    query: Mapping[str, Shape] | None = None,
    refusals: Sequence[Refusal] = (),
    more: Mapping[str, Shape] | None = None,
) -> Operations:
    """Describe a table whose rows are named by several values."""
    shown = record(name, {**row, **(more or {})})
    gone = [_ABSENT, _RACE, *(one for one in refusals if one.code == "DEFAULT_TOLERANCE_REQUIRED")]
    put = [_ABSENT, _RACE, *(one for one in refusals if one.code != "DEFAULT_TOLERANCE_REQUIRED")]
    return {
        ("GET", path): Operation(_SETUP_TAG, f"List {what}s", more_of(shown), query={**CURSOR, **(query or {})}),
        ("PUT", path): Operation(_SETUP_TAG, f"Set one {what}", shown, record(f"New{name}", row), refusals=put),
        ("DELETE", path): Operation(_SETUP_TAG, f"Remove one {what}", query=key, refusals=gone),
    }


_SETUP: Final[Operations] = {
    ("GET", "/api/v1/matching/parameters"): Operation(_SETUP_TAG, "Read how the company matches", _SHOWN_PARAMETERS),
    ("PATCH", "/api/v1/matching/parameters"): Operation(
        _SETUP_TAG,
        "Change how the company matches; pending invoices are matched again in the background",
        _SHOWN_PARAMETERS,
        record("MatchingParameterChanges", _PARAMETERS),
        refusals=[_NEGATIVE, _RACE],
    ),
    **_keyed(
        "/api/v1/vendors",
        "vendor",
        _VENDOR_SHOWN,
        _VENDOR_IN,
        {"account": NAMED, "priceToleranceGroup": NAMED, "partnerId": NAMED},
    ),
    **_keyed(
        "/api/v1/items", "item", _ITEM_SHOWN, _ITEM_IN, {"number": NAMED, "priceToleranceGroup": NAMED}, [_NEGATIVE]
    ),
    **_keyed("/api/v1/charge-codes", "charge code", _CHARGE_CODE_SHOWN, _CHARGE_CODE_IN, {}),
    **_kept(
        "/api/v1/unit-conversions",
        "unit conversion",
        "UnitConversion",
        {"item": ID, "from*": _UNIT, "to*": _UNIT, "factor*": _FACTOR},
        {"item": ID, "from": _UNIT, "to": _UNIT},
        query={"item": NAMED},
    ),
    **_kept(
        "/api/v1/matching-policies",
        "matching policy",
        "MatchingPolicy",
        {"item": ID, "vendor": ID, "policy*": _words(EntryPolicy)},
        {"item": ID, "vendor": ID},
        query={"item": NAMED, "vendor": NAMED},
        refusals=_own(409, "POLICY_TOO_WEAK"),
        more={"level*": words("ITEM_AND_VENDOR", "ITEM", "VENDOR")},
    ),
    **_kept(
        "/api/v1/price-tolerances",
        "price tolerance",
        "PriceTolerance",
        {"item*": _TOLERANCE_CODE, "vendor*": _TOLERANCE_CODE, "percent*": _PERCENT},
        {"item": _TOLERANCE_CODE, "vendor": _TOLERANCE_CODE},
        refusals=[_NEGATIVE, *_own(409, "DEFAULT_TOLERANCE_REQUIRED")],
    ),
    **_kept(
        "/api/v1/totals-tolerances",
        "tolerance of invoice totals",
        "TotalsTolerance",
        {"vendor*": ID, "percent*": _PERCENT},
        {"vendor": ID},
        refusals=[_NEGATIVE],
    ),
    **_kept(
        "/api/v1/charges-tolerances",
        "tolerance of a charge code",
        "ChargesTolerance",
        {"code*": _CODE, "percent*": _PERCENT},
        {"code": _CODE},
        refusals=[_NEGATIVE],
    ),
    **_kept(
        "/api/v1/exchange-rates",
        "exchange rate",
        "ExchangeRate",
        {"from*": CURRENCY, "to*": CURRENCY, "date*": DAY, "rate*": _RATE},
        {"from": CURRENCY, "to": CURRENCY, "date": DAY},
        query={"from": NAMED, "to": NAMED, "dateFrom": DAY, "dateUntil": DAY},
    ),
}

OPERATIONS: Operations = {
    **_ORDERS,
    **_RECEIPTS,
    **_INVOICES,
    ("POST", "/api/v1/matching/evaluate"): _EVALUATE,
    **_SETUP,
}
