"""What the API's description says about the endpoints of payouts."""

from enum import StrEnum
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
    TOTAL,
    UNSIGNED,
    Operation,
    Operations,
    Refusal,
    Shape,
    fields,
    listed,
    one_key,
    record,
    text,
    words,
)
from payouts.list_filters import TransferType
from payouts.models import (
    BulkStatus,
    PayoutMethod,
    PayoutStatus,
    TransferFileForm,
    TransferFileState,
    TransferResultState,
)
from payouts.operations.transfer_results import Verdict
from payouts.rails.files.answers import Form as ResultForm
from payouts.wire import RunStatus, TransferStatus, WireBulkStatus, WirePayoutStatus
from settlement import described_shapes as shapes
from settlement.described_shapes import MOMENTS, WANTED, WORD, refused, some
from settlement.models import PartnerType, SettlementAmountType, TaxationType

_TAG, _OWN_TAG = "Payouts", "v1: payouts"
_METHOD: Final = words(*PayoutMethod.values)


def _values(kind: type[StrEnum]) -> list[str]:
    return [word.value for word in kind]


def _own(status: int, *codes: str) -> list[Refusal]:
    """Refusals that only our own API knows, so without the prefix of the compatible wire."""
    return [Refusal(code, status) for code in codes]


def _camel(word: str) -> str:
    first, *others = word.lower().split("_")
    return first + "".join(other.capitalize() for other in others)


def _by_status(kind: type[StrEnum], figure: Shape) -> Shape:
    return fields({f"{_camel(word)}*": figure for word in _values(kind)})


def _stats(kind: type[StrEnum]) -> Shape:
    return fields({"amount*": _by_status(kind, TOTAL), "count*": _by_status(kind, COUNT)})


_PAYOUT: Final[dict[str, Shape]] = {
    "id*": ID,
    "graphqlId*": GRAPHQL_ID,
    "bulkPayoutId*": ID,
    "bulkPayoutGraphqlId*": GRAPHQL_ID,
    "method*": _METHOD,
    "status*": words(*_values(WirePayoutStatus)),
    "statusUpdatedAt*": MOMENT,
    "memo": text(),
    "partner*": shapes.PARTNER,
    "account*": fields({"bank*": text(), "number*": text(), "holder*": text()}),
    "taxInvoiceStatus*": words("NONE"),
    "currency*": CURRENCY,
    "amount*": UNSIGNED,
    "supplyAmount*": AMOUNT,
    "taxFreeAmount*": AMOUNT,
    "vatAmount*": AMOUNT,
    "settlementAmount*": AMOUNT,
    "settlementTaxFreeAmount*": AMOUNT,
    "incomeTaxAmount*": UNSIGNED,
    "localIncomeTaxAmount*": UNSIGNED,
    "withdrawalMemo": text(),
    "depositMemo": text(),
    "createdAt*": MOMENT,
    "scheduledAt": MOMENT,
    "failReason": text(),
    "deductWht*": BOOLEAN,
    "settlementAmountType*": words(*SettlementAmountType.values),
    "settlementStatement*": fields({"status*": words("UNSENT")}),
}
_OWN_PAYOUT: Final[dict[str, Shape]] = {
    **_PAYOUT,
    "status*": words(*PayoutStatus.values),
    "settlementCount*": COUNT,
}
_BULK: Final[dict[str, Shape]] = {
    "id*": ID,
    "graphqlId*": GRAPHQL_ID,
    "name*": text(),
    "creatorId*": text(),
    "method*": _METHOD,
    "totalPayoutAmount*": TOTAL,
    "totalSettlementAmount*": TOTAL,
    "status*": words(*_values(WireBulkStatus)),
    "payoutStats*": _stats(WirePayoutStatus),
    "statusUpdatedAt*": MOMENT,
    "createdAt*": MOMENT,
    "updatedAt*": MOMENT,
}
_OWN_BULK: Final[Shape] = record(
    "OwnBulkPayout",
    {
        **_BULK,
        "status*": words(*BulkStatus.values),
        "payoutCount*": COUNT,
        "contentHash": text(64),
        "approvalsNeeded*": COUNT,
        "scheduledAt": MOMENT,
        "approvedAt": MOMENT,
        "startedAt": MOMENT,
        "endedAt": MOMENT,
        "skipped*": listed(fields({"partnerId*": ID, "net*": TOTAL, "reason*": text()})),
    },
)
_WITHDRAWAL: Final = record(
    "Withdrawal",
    {
        "type*": words("WITHDRAWAL"),
        "id*": ID,
        "bankAccountId*": ID,
        "bankAccountGraphqlId*": GRAPHQL_ID,
        "bankAccount*": fields(
            {"accountNumber*": text(), "bank*": text(), "provider*": words("MOCK"), "holder": text()}
        ),
        "currency*": CURRENCY,
        "depositBank*": text(),
        "depositAccountNumber*": text(),
        "depositAccountHolder*": text(),
        "amount*": UNSIGNED,
        "withdrawalMemo": text(),
        "depositMemo": text(),
        "failReason": text(),
        "tradedAt": MOMENT,
        "createdAt*": MOMENT,
        "updatedAt*": MOMENT,
        "isForTest*": BOOLEAN,
        "withdrawalType*": words("PARTNER_PAYOUT"),
        "partnerId": ID,
        "partnerGraphqlId": GRAPHQL_ID,
        "bulkPayoutId": ID,
        "bulkPayoutGraphqlId": GRAPHQL_ID,
        "payoutId": ID,
        "payoutGraphqlId": GRAPHQL_ID,
        "bulkAccountTransferId": text(),
        "bulkAccountTransferGraphqlId": GRAPHQL_ID,
        "statusUpdatedAt*": MOMENT,
        "status*": words(*_values(TransferStatus)),
        "scheduledAt": MOMENT,
    },
)
_RUN: Final = record(
    "BulkAccountTransfer",
    {
        "id*": text(),
        "graphqlId*": GRAPHQL_ID,
        "creatorId*": text(),
        "bankAccountId*": ID,
        "bankAccountGraphqlId*": GRAPHQL_ID,
        "totalAmount*": TOTAL,
        "status*": words(*_values(RunStatus)),
        "stats*": _stats(TransferStatus),
        "statusUpdatedAt*": MOMENT,
        "createdAt*": MOMENT,
        "updatedAt*": MOMENT,
        "scheduledAt": MOMENT,
    },
)
_CRITERIA: Final = one_key(
    {
        "timestampRange": MOMENTS,
        "statusUpdatedTimestampRange": MOMENTS,
        "scheduledTimestampRange": MOMENTS,
        "settlementStatementIssuedTimestampRange": MOMENTS,
        "payoutId": WORD,
        "bulkPayoutId": WORD,
        "taxInvoiceId": WORD,
        "settlementStatementId": WORD,
    }
)
_PAYOUTS: Final = shapes.argument(
    "Payout",
    {
        "criteria*": _CRITERIA,
        "statuses": some(*_values(WirePayoutStatus)),
        "partnerIds": WANTED,
        "payoutAccountBanks": WANTED,
        "partnerTags": listed(text(100), 100),
        "payoutCurrencies": WANTED,
        "payoutIds": WANTED,
        "taxInvoiceStatuses": listed(text(60), 100),
        "partnerTypes": some(*PartnerType.values),
        "partnerTaxationTypes": some(*TaxationType.values),
        "settlementStatementStatuses": listed(text(60), 100),
    },
)
_RANGES: Final = {"timestampRange": MOMENTS, "statusUpdatedTimestampRange": MOMENTS}
_BULKS: Final = shapes.argument(
    "BulkPayout",
    {
        "statuses": some(*_values(WireBulkStatus)),
        "methods": some(*PayoutMethod.values),
        "criteria": one_key({**_RANGES, "bulkPayoutId": WORD}),
    },
)
_RUNS: Final = shapes.argument(
    "BulkAccountTransfer",
    {
        "statuses": some(*_values(RunStatus)),
        "criteria": one_key({**_RANGES, "bulkAccountTransferId": WORD}),
    },
)
_TRANSFERS: Final = shapes.argument(
    "AccountTransfer",
    {
        "tradeTimestampRange": MOMENTS,
        "createdTimestampRange": MOMENTS,
        "statusUpdatedTimestampRange": MOMENTS,
        "scheduledTimestampRange": MOMENTS,
        "accountTransferId": WORD,
        "accountTransferIds": WANTED,
        "bankAccountId": WORD,
        "bulkAccountTransferId": WORD,
        "payoutId": WORD,
        "types": some(*_values(TransferType)),
        "statuses": some(*_values(TransferStatus)),
        "depositorName": WORD,
        "depositAccountHolder": WORD,
        "depositMemo": WORD,
        "withdrawalMemo": WORD,
    },
)
_COMPLETE: Final = Operation(
    _TAG,
    "Record partner settlements as paid by hand, all or none",
    record(
        "CompletedPayout",
        {
            "bulkPayoutId*": ID,
            "bulkPayoutGraphqlId*": GRAPHQL_ID,
            "payoutCount*": COUNT,
            "partnerSettlementCount*": COUNT,
        },
    ),
    record(
        "CompletePayout",
        {
            "bulkPayoutId*": ID,
            "name": text(200),
            "partnerSettlementIds*": listed(ID, 1_000),
            "completedAt": DAY,
            "completeAt": DAY,
            "isForTest": BOOLEAN,
        },
    ),
    refusals=[
        *refused(400, "NO_SELECTED_PARTNER_SETTLEMENTS", "DUPLICATED_PARTNER_SETTLEMENT_IDS"),
        # What client libraries know a negative amount by.
        *refused(400, "NON_PAYABLE_PARTNER_SETTLEMENTS", "CURRENCY_NOT_SUPPORTED"),
        *refused(404, "PARTNER_SETTLEMENTS_NOT_FOUND"),
        *refused(409, "BULK_PAYOUT_ID_ALREADY_EXISTS"),
    ],
    example={"bulkPayoutId": "2026-12-direct", "partnerSettlementIds": ["ps-01JD7K3Q7M4V0Z8F3P6X9T2C5B"]},
    unstable=True,
)
_TRANSFER_TAG = "v1: transfer files"
_FILE: Final = record(
    "TransferFile",
    {
        "id*": ID,
        "bulkPayoutId*": ID,
        "bankAccountId*": ID,
        "state*": words(*TransferFileState.values),
        "stateUpdatedAt*": MOMENT,
        "day*": DAY,
        "transferCount*": COUNT,
        "amount*": TOTAL,
        "contentHash*": text(64),
        "form": words(*TransferFileForm.values),
        "sha256": text(64),
        "downloadCount*": COUNT,
        "createdAt*": MOMENT,
    },
)
_RESULT: Final = record(
    "TransferResult",
    {
        "id*": ID,
        "transferFileId*": ID,
        "name*": text(200),
        "form*": words(*_values(ResultForm)),
        "state*": words(*TransferResultState.values),
        "sha256*": text(64),
        "readAt*": MOMENT,
        "decidedAt": MOMENT,
        "figures*": listed(fields({"verdict*": words(*_values(Verdict)), "count*": COUNT, "amount*": TOTAL})),
        "lines*": listed(
            fields(
                {
                    "line*": COUNT,
                    "verdict*": words(*_values(Verdict)),
                    "amount": UNSIGNED,
                    "code": text(),
                    "message": text(),
                    "account": text(),
                    "reference": text(),
                    "payout": ID,
                    "partner": text(),
                }
            ),
            500,
        ),
        "lineCount*": COUNT,
    },
)
_CREATED: Final = {"createdFrom": MOMENT, "createdUntil": MOMENT}
_ABSENT: Final = [Refusal("NOT_FOUND", 404)]

OPERATIONS: Operations = {
    ("GET", "/platform/payouts"): Operation(
        _TAG,
        "List payouts",
        shapes.items(record("Payout", _PAYOUT), counts=_by_status(WirePayoutStatus, COUNT)),
        argument=_PAYOUTS,
    ),
    ("GET", "/platform/bulk-payouts"): Operation(
        _TAG,
        "List bulk payouts",
        shapes.items(record("BulkPayout", _BULK), counts=_by_status(WireBulkStatus, COUNT)),
        argument=_BULKS,
    ),
    ("GET", "/platform/account-transfers"): Operation(
        _TAG,
        "List instructions to the bank",
        shapes.items(_WITHDRAWAL, counts=_by_status(TransferStatus, COUNT)),
        argument=_TRANSFERS,
        unstable=True,
    ),
    ("GET", "/platform/bulk-account-transfers"): Operation(
        _TAG,
        "List runs of instructions to the bank",
        shapes.items(_RUN, counts=_by_status(RunStatus, COUNT)),
        argument=_RUNS,
    ),
    ("POST", "/platform/partner-settlements/complete-payout"): _COMPLETE,
    ("GET", "/api/v1/payouts"): Operation(
        _OWN_TAG,
        "List payouts",
        shapes.more_of(record("OwnPayout", _OWN_PAYOUT)),
        query={
            **shapes.CURSOR,
            **_CREATED,
            "statusUpdatedFrom": MOMENT,
            "statusUpdatedUntil": MOMENT,
            "partnerId": shapes.NAMED,
            "bulkPayoutId": shapes.NAMED,
            "status": shapes.any_of(PayoutStatus.values),
        },
    ),
    ("GET", "/api/v1/payouts/{public_id}"): Operation(
        _OWN_TAG,
        "Read a payout with what it is made of",
        record("WholePayout", {**_OWN_PAYOUT, "partnerSettlementIds*": listed(ID)}),
        refusals=_ABSENT,
    ),
    ("GET", "/api/v1/bulk-payouts"): Operation(
        _OWN_TAG,
        "List bulk payouts",
        shapes.more_of(_OWN_BULK),
        query={
            **shapes.CURSOR,
            **_CREATED,
            "status": shapes.any_of(BulkStatus.values),
            "method": shapes.any_of(PayoutMethod.values),
        },
    ),
    ("GET", "/api/v1/bulk-payouts/{public_id}"): Operation(_OWN_TAG, "Read a bulk payout", _OWN_BULK, refusals=_ABSENT),
    ("POST", "/api/v1/bulk-payouts"): Operation(
        _OWN_TAG,
        "Make a bulk payout; its payouts are made in the background, approving it is for people",
        _OWN_BULK,
        record(
            "NewBulkPayout",
            {
                "id": ID,
                "name": text(200),
                "partnerSettlementIds*": listed(ID, 10_000),
                "leftOut": listed(fields({"partnerSettlementId*": ID, "reason*": text(500)}), 10_000),
                "bankAccountId": ID,
                "scheduledAt": MOMENT,
                "depositMemo": text(100),
                "withdrawalMemo": text(100),
            },
        ),
        refusals=[
            *_ABSENT,
            *_own(400, "NO_SELECTED_PARTNER_SETTLEMENTS", "NEGATIVE_SETTLEMENT_LEFT_OUT"),
            *refused(404, "PARTNER_SETTLEMENTS_NOT_FOUND"),
            *_own(409, "SETTLEMENT_NOT_PAYABLE", "BULK_PAYOUT_ID_ALREADY_EXISTS"),
        ],
        also=(201,),
    ),
    ("PATCH", "/api/v1/bulk-payouts/{public_id}"): Operation(
        _OWN_TAG,
        "Change name, memos or schedule before it starts; approvals given so far are void",
        _OWN_BULK,
        record(
            "ChangedBulkPayout",
            {
                "name": text(200),
                "depositMemo": text(100),
                "withdrawalMemo": text(100),
                "scheduledAt": {**MOMENT, "type": ["string", "null"]},
            },
        ),
        refusals=[*_ABSENT, *_own(409, "BULK_PAYOUT_NOT_EDITABLE")],
    ),
    ("POST", "/api/v1/bulk-payouts/{public_id}/submit"): Operation(
        _OWN_TAG,
        "Ask for approval of the content that was seen",
        _OWN_BULK,
        record("SubmitBulkPayout", {"contentHash*": text(64)}),
        refusals=[*_ABSENT, *_own(409, "BULK_PAYOUT_NOT_SUBMITTABLE", "BULK_PAYOUT_CONTENT_CHANGED")],
    ),
    ("POST", "/api/v1/bulk-payouts/{public_id}/cancel"): Operation(
        _OWN_TAG,
        "Cancel before it starts",
        _OWN_BULK,
        record("CancelBulkPayout", {"reason": text(500)}),
        refusals=[*_ABSENT, *_own(409, "BULK_PAYOUT_NOT_EDITABLE")],
    ),
    ("POST", "/api/v1/bulk-payouts/{public_id}/stop"): Operation(
        _OWN_TAG,
        "Stop what has not been taken up for sending",
        _OWN_BULK,
        record("StopBulkPayout", {"reason": text(500), "payoutIds": listed(ID, 10_000)}),
        refusals=[*_ABSENT, *_own(409, "BULK_PAYOUT_NOT_RUNNING")],
    ),
    ("GET", "/api/v1/transfer-files"): Operation(
        _TRANSFER_TAG,
        "List files of transfers",
        shapes.more_of(_FILE),
        query={
            **shapes.CURSOR,
            "state": shapes.any_of(TransferFileState.values),
            "bulkPayoutId": shapes.NAMED,
        },
    ),
    ("GET", "/api/v1/transfer-files/{public_id}"): Operation(
        _TRANSFER_TAG, "Read a file of transfers", _FILE, refusals=_ABSENT
    ),
    ("GET", "/api/v1/transfer-files/{public_id}/content"): Operation(
        _TRANSFER_TAG,
        "Take the file in a format; the first format stays, and who took it is kept",
        query={"form": words(*TransferFileForm.values)},
        file="application/octet-stream",
        refusals=[
            *_ABSENT,
            *_own(409, "TRANSFER_FILE_WITHDRAWN", "TRANSFER_FILE_TAKEN_IN_OTHER_FORM"),
            *_own(409, "TRANSFER_FILE_SAID_TO_BE_PAID", "TRANSFER_FILE_CONTENT_DIFFERS"),
        ],
    ),
    ("POST", "/api/v1/transfer-files/{public_id}/results"): Operation(
        _TRANSFER_TAG,
        "Read a result file of the bank; nothing is decided yet",
        _RESULT,
        upload=True,
        also=(201,),
        refusals=[*_ABSENT, *_own(400, "TRANSFER_RESULT_REFUSED"), *_own(409, "TRANSFER_FILE_NOT_TAKEN")],
    ),
    ("GET", "/api/v1/transfer-results/{public_id}"): Operation(
        _TRANSFER_TAG, "Read a result file with what it would do", _RESULT, refusals=_ABSENT
    ),
    ("POST", "/api/v1/transfer-results/{public_id}/confirm"): Operation(
        _TRANSFER_TAG,
        "Let the background do what a result file says; doing it again changes nothing",
        _RESULT,
        also=(200, 202),
        refusals=[*_ABSENT, *_own(409, "TRANSFER_RESULT_DECIDED")],
    ),
    ("POST", "/api/v1/transfer-results/{public_id}/discard"): Operation(
        _TRANSFER_TAG,
        "Throw a result file away",
        _RESULT,
        refusals=[*_ABSENT, *_own(409, "TRANSFER_RESULT_DECIDED")],
    ),
}
