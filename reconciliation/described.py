"""What the API's description says about reconciliation."""

from collections.abc import Iterable, Mapping
from typing import Final

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
    listed,
    mapped,
    record,
    text,
    words,
)
from core.models import JobState
from reconciliation import wire
from reconciliation.api_files import LOCALES
from reconciliation.api_reads import ONLY
from reconciliation.api_records import MOST_RECORDS
from reconciliation.api_results import DECISIONS
from reconciliation.books import ID_FIELDS
from reconciliation.figures import COLUMNS
from reconciliation.judging import Outcome
from reconciliation.keys import KEYS
from reconciliation.lines import Kind
from reconciliation.models import BatchState, Decision, Source
from reconciliation.resellers import Bucket
from settlement.described_shapes import CURSOR, NAMED, any_of, more_of

_TAG: Final = "v1: reconciliation"
_ROOT: Final = "/api/v1/reconciliation"
_FILE: Final = f"{_ROOT}/files/{{public_id}}"
_RECORD: Final = f"{_ROOT}/records/{{public_id}}"

# ---- Shapes

_FIGURE: Final = text(62, pattern=r"^-?[0-9]{1,30}(\.[0-9]{1,30})?$", examples=["20.10"])
_TOLD: Final = text(pattern=r"^-?[0-9]+(\.[0-9]+)?$", description="An exact decimal.")
_SLACK: Final = text(26, pattern=r"^[0-9]{1,15}(\.[0-9]{1,10})?$", description="In major units.", examples=["0.05"])
_REASON: Final = text(2_000, 1, pattern=r"\S", description="Why; it is kept.")
_NAME: Final = text(200)
_FREE: Final[Shape] = {"type": "object", "additionalProperties": True}


def _words(values: Iterable[str]) -> Shape:
    return words(*(wire.word(str(value)) for value in values))


def _any(values: Iterable[str]) -> Shape:
    return any_of([wire.word(str(value)) for value in values])


def _or_null(shape: Shape) -> Shape:
    return {**shape, "type": [shape["type"], "null"]}


_ABSENT: Final = Refusal("NOT_FOUND", 404)
_CONFLICT: Final = Refusal("CONFLICT", 409)
_LOCKED: Final = Refusal("PERIOD_LOCKED", 409)
_STALE: Final = Refusal("STALE_VERSION", 409)
_KIND: Final = _words(Kind)
_COMPARED: Final = _words(COLUMNS)
_OUTCOME: Final = _words(Outcome)
_PERIOD: Final[Mapping[str, Shape]] = {"periodFrom": DAY, "periodUntil": DAY}
_DIFFERENCE: Final = fields({"subtotal": _TOLD, "tax": _TOLD}, description="File − ours.")

_JOB: Final = record(
    "ReconciliationJob",
    {"id*": ID, "state*": words(*JobState.values), "done*": COUNT, "total*": COUNT, "error": text()},
)
_DIFF: Final = fields({"added*": COUNT, "removed*": COUNT, "changed*": COUNT})

# ---- Files

_TOTALS: Final = mapped({"type": "object", "additionalProperties": _TOLD}) | {
    "description": "By currency: `pretax`, `tax`, `total`; of providers' files `gross`, `fee`, `net`."
}
_FILE_FIELDS: Final[Mapping[str, Shape]] = {
    "id*": ID,
    "state*": words(*BatchState.values),
    "name*": text(),
    "bytes*": COUNT,
    "sha256*": text(64),
    "kind": _KIND,
    "layout": text(10),
    "billingEntity": _NAME,
    "invoiceNumber": _NAME,
    "issuedOn": DAY,
    "dueOn": DAY,
    "firstDay": DAY,
    "lastDay": DAY,
    "estimate*": BOOLEAN,
    "lineCount*": COUNT,
    "version": COUNT,
    "replaces": ID,
    "sameAs": ID,
    "totals": _TOTALS,
    "errorCode": text(60),
    "message": text(),
    "createdBy*": text(),
    "createdAt*": MOMENT,
    "understoodAt": MOMENT,
    "decidedBy": text(),
    "decidedAt": MOMENT,
}
_WHOLE_FILE: Final = record(
    "ReconciliationFileWithDetails",
    {
        **_FILE_FIELDS,
        "understood": _FREE | {"description": "What was read of the file, as the command line prints it."},
        "wouldReplace": fields({"id*": ID, "diff*": _DIFF}),
        "job": _JOB,
        "alreadyLoaded": BOOLEAN,
    },
)
_LINE: Final = record(
    "ReconciliationLine",
    {
        "record*": COUNT,
        "line*": COUNT,
        "kind*": _KIND,
        "counts*": BOOLEAN,
        "codes*": listed(text()),
        "duplicateOf": COUNT,
        "restored": BOOLEAN,
        "currency": text(),
        "pretax": _TOLD,
        "tax": _TOLD,
        "total": _TOLD,
        "quantity": _TOLD,
        "unitPrice": _TOLD,
        "firstDay": DAY,
        "lastDay": DAY,
        "bucket": _words(Bucket),
        "resellerMpnId": text(),
        "chargeType": text(),
        "chargeGroup": text(),
        "flags*": listed(_FREE),
        "values*": _FREE,
        "extra": _FREE,
        "delivered": {"description": "The cells of a line that could not be read."},
    },
)
_RESOLUTION: Final = record(
    "ReconciliationResolution",
    {
        "id*": ID,
        "decision*": _words(Decision.values),
        "reason*": text(),
        "currency": text(),
        "record": COUNT,
        "refs*": listed(ID),
        "outcome": _OUTCOME,
        "difference": _DIFFERENCE,
        "stale": BOOLEAN,
        "decidedBy*": text(),
        "decidedAt*": MOMENT,
    },
)
_FILES: Final[Operations] = {
    ("GET", f"{_ROOT}/files"): Operation(
        _TAG,
        "List files of vendors and payment providers, rejected attempts included",
        more_of(record("ReconciliationFile", _FILE_FIELDS)),
        query={
            **CURSOR,
            "state": any_of(BatchState.values),
            "kind": _any(Kind),
            "invoiceNumber": NAMED,
            "billingEntity": NAMED,
            **_PERIOD,
        },
    ),
    ("POST", f"{_ROOT}/files"): Operation(
        _TAG,
        "Upload a file, which is then read in the background; nothing counts before it is accepted",
        _WHOLE_FILE,
        query={
            "locale": words(*LOCALES),
            "billingEntity": _NAME,
            "invoiceNumber": _NAME,
            "issuedOn": DAY,
        },
        refusals=[_CONFLICT],
        upload=True,
        also=(200, 202),
    ),
    ("GET", _FILE): Operation(_TAG, "Read what was understood of a file", _WHOLE_FILE, refusals=[_ABSENT]),
    ("POST", f"{_FILE}/accept"): Operation(
        _TAG,
        "Let a file count; one that follows another version needs `confirm`",
        _WHOLE_FILE,
        record("AcceptReconciliationFile", {"confirm": BOOLEAN}),
        refusals=[_ABSENT, _CONFLICT, Refusal("NEW_VERSION", 409, {"replaces*": ID, "diff*": _DIFF})],
        example={"confirm": True},
    ),
    ("POST", f"{_FILE}/discard"): Operation(
        _TAG, "Throw a file away that does not count", _WHOLE_FILE, refusals=[_ABSENT, _CONFLICT]
    ),
    ("GET", f"{_FILE}/lines"): Operation(
        _TAG,
        "List the lines of a file in its order",
        more_of(_LINE),
        query={**CURSOR, "only": _words(ONLY), "resellerMpnId": NAMED, "currency": NAMED},
        refusals=[_ABSENT],
    ),
    ("POST", f"{_FILE}/lines/{{number}}/restore"): Operation(
        _TAG,
        "Say that a line that looks like a copy is none",
        _RESOLUTION,
        record("RestoreReconciliationLine", {"reason*": _REASON}),
        refusals=[_ABSENT, _CONFLICT],
        example={"reason": "Two seats were bought on one day."},
    ),
    ("GET", f"{_ROOT}/by-partner"): Operation(
        _TAG,
        "What the lines of accepted files come to by reseller, estimates left out",
        fields(
            {
                "items*": listed(
                    record(
                        "ReconciliationPart",
                        {
                            "bucket*": _words(Bucket),
                            "resellerMpnId": text(),
                            "partnerId": ID,
                            "currency*": text(),
                            "fileCount*": COUNT,
                            "lineCount*": COUNT,
                            "pretax*": _TOLD,
                            "tax*": _TOLD,
                            "total*": _TOLD,
                        },
                    )
                )
            }
        ),
        query={"file": NAMED, "kind": _any(Kind), "invoiceNumber": NAMED, **_PERIOD},
    ),
}

# ---- Results

_FIGURES: Final = fields({"subtotal": _TOLD, "tax": _TOLD, "quantity": _TOLD, "unitPrice": _TOLD})
_OUTCOME_FIELDS: Final[Mapping[str, Shape]] = {
    "number*": COUNT,
    "outcome*": _OUTCOME,
    "also*": listed(text()),
    "notes*": listed(text()),
    "key*": mapped(text()),
    "currency*": text(),
    "lineCount*": COUNT,
    "recordCount*": COUNT,
    "file*": _FIGURES,
    "ours*": _FIGURES,
    "difference*": _DIFFERENCE,
    "ourCurrency": text(),
    "ourSubtotal": _TOLD,
    "seen*": text(64) | {"description": "Sent with a decision, it is refused when the group looks otherwise by then."},
    "resolution": _RESOLUTION,
}
_IDS: Final[Mapping[str, Shape]] = {wire.camel(name): ID for name in ID_FIELDS}
_RECORD_OUT: Final = record(
    "BillingRecord",
    {
        "ref*": ID,
        "version*": COUNT,
        "withdrawn*": BOOLEAN,
        "kind*": _COMPARED,
        "billingEntity": _NAME,
        **_IDS,
        "customerName": text(),
        "currency*": CURRENCY,
        "quantity": _TOLD,
        "unitPrice": _TOLD,
        "subtotal*": _TOLD,
        "tax": _TOLD,
        "periodStart": DAY,
        "periodEnd": DAY,
        "source*": _words(Source.values),
        "sourceId": ID,
        "createdBy*": text(),
        "createdAt*": MOMENT,
    },
)
_TOLERANCE: Final = record(
    "ReconciliationTolerance",
    {
        "kind*": _COMPARED,
        "currency*": CURRENCY,
        "line": _TOLD,
        "group": _TOLD,
        "changedBy*": text(),
        "changedAt*": MOMENT,
    },
)
_SIDES: Final[Mapping[str, Shape]] = {"ours*": _TOLD, "file*": _TOLD, "difference*": _TOLD}
_RESULTS: Final[Operations] = {
    ("POST", f"{_FILE}/compare"): Operation(
        _TAG,
        "Compare an accepted file with our billing records as they are now, in the background",
        fields({"job*": _JOB}),
        refusals=[_ABSENT, _CONFLICT],
        also=(200, 202),
    ),
    ("GET", f"{_FILE}/comparison"): Operation(
        _TAG,
        "Read the newest comparison of a file: groups by outcome, and from our total to the file's",
        record(
            "ReconciliationComparison",
            {
                "number*": COUNT,
                "at*": MOMENT,
                "by*": text(),
                "tolerances*": _FREE,
                "counts*": mapped(COUNT),
                "totals*": listed(fields({"currency*": text(), **_SIDES})),
                "steps*": listed(fields({"outcome*": _OUTCOME, "currency*": text(), "groups*": COUNT, **_SIDES})),
                "job": _JOB,
            },
        ),
        refusals=[_ABSENT],
    ),
    ("GET", f"{_FILE}/outcomes"): Operation(
        _TAG,
        "List the groups of the newest comparison in the order of the file",
        more_of(record("ReconciliationOutcome", _OUTCOME_FIELDS)),
        query={**CURSOR, "outcome": _any(Outcome), "currency": NAMED, "differing": BOOLEAN},
        refusals=[_ABSENT],
    ),
    ("GET", f"{_FILE}/outcomes/{{number}}"): Operation(
        _TAG,
        "Read a group with the lines and billing records that produced it, up to 1,000 of either",
        record(
            "ReconciliationOutcomeWithLines",
            {**_OUTCOME_FIELDS, "lines*": listed(_LINE), "records*": listed(_RECORD_OUT)},
        ),
        refusals=[_ABSENT],
    ),
    ("POST", f"{_FILE}/outcomes/{{number}}/resolve"): Operation(
        _TAG,
        "Accept a difference, link it with billing records, dispute it with the vendor, or open it again",
        _RESOLUTION,
        record(
            "ResolveReconciliationOutcome",
            {
                "decision*": _words(DECISIONS),
                "reason*": _REASON,
                "refs": listed(ID, 1_000),
                "seen": text(64),
            },
        ),
        refusals=[_ABSENT, _CONFLICT, _STALE],
        example={"decision": "DISPUTE", "reason": "Cancelled on 3 May; credit requested."},
    ),
    ("GET", f"{_FILE}/resolutions"): Operation(
        _TAG,
        "List all that was decided about a file and its other versions",
        more_of(_RESOLUTION),
        query=CURSOR,
        refusals=[_ABSENT],
    ),
    ("GET", f"{_ROOT}/tolerances"): Operation(
        _TAG,
        "List the tolerances that somebody has set",
        more_of(_TOLERANCE),
        query={**CURSOR, "kind": _any(COLUMNS)},
    ),
    ("PUT", f"{_ROOT}/tolerances"): Operation(
        _TAG,
        "Say how far figures of a kind and currency may differ; a figure left out is the usual one",
        _TOLERANCE,
        record(
            "SetReconciliationTolerance",
            {"kind*": _COMPARED, "currency*": CURRENCY, "line": _or_null(_SLACK), "group": _or_null(_SLACK)},
        ),
        refusals=[_CONFLICT],
        example={"kind": "NCE_INVOICE", "currency": "USD", "group": "0.05"},
    ),
}

# ---- Our own side

_LOCK: Final = record(
    "PeriodLock",
    {
        "id*": ID,
        "firstDay*": DAY,
        "lastDay*": DAY,
        "lockedBy*": text(),
        "lockedAt*": MOMENT,
        "openedBy": text(),
        "openedAt": MOMENT,
    },
)
_RECORDS: Final[Operations] = {
    ("GET", f"{_ROOT}/records"): Operation(
        _TAG,
        "List our billing records in their newest versions",
        more_of(_RECORD_OUT),
        query={
            **CURSOR,
            "kind": _any(KEYS),
            "source": _any(Source.values),
            "ref": NAMED,
            "currency": NAMED,
            "billingEntity": NAMED,
            "withdrawn": BOOLEAN,
            **_PERIOD,
        },
    ),
    ("POST", f"{_ROOT}/records"): Operation(
        _TAG,
        "Save billing records, all or none; a changed one becomes a new version, an equal one nothing",
        fields({"new*": COUNT, "changed*": COUNT, "same*": COUNT}),
        record(
            "NewBillingRecords",
            {
                "records*": listed(
                    record(
                        "NewBillingRecord",
                        {
                            "ref*": text(300, 1, pattern=r"\S"),
                            "kind*": _COMPARED,
                            "billingEntity": _or_null(_NAME),
                            **{name: _or_null(text(300)) for name in _IDS},
                            "customerName": _or_null(_NAME),
                            "currency*": CURRENCY,
                            "quantity": _or_null(_FIGURE),
                            "unitPrice": _or_null(_FIGURE),
                            "subtotal*": _FIGURE,
                            "tax": _or_null(_FIGURE),
                            "periodStart": _or_null(DAY),
                            "periodEnd": _or_null(DAY),
                        },
                    ),
                    MOST_RECORDS,
                    1,
                )
            },
        ),
        refusals=[_CONFLICT, _LOCKED],
        example={
            "records": [
                {
                    "ref": "B-1",
                    "kind": "NCE_INVOICE",
                    "customerId": "a1f0c2de-1111-4c3b-8a11-000000000001",
                    "subscriptionId": "5e000000-0000-4000-8000-000000000001",
                    "productId": "CFQ7TTC0LH16",
                    "skuId": "0001",
                    "currency": "USD",
                    "quantity": "3",
                    "subtotal": "60.30",
                    "tax": "6.03",
                    "periodStart": "2026-11-01",
                    "periodEnd": "2026-11-30",
                }
            ]
        },
    ),
    ("GET", _RECORD): Operation(_TAG, "Read a billing record by its ref", _RECORD_OUT, refusals=[_ABSENT]),
    ("GET", f"{_RECORD}/versions"): Operation(
        _TAG,
        "List every version of a billing record",
        more_of(_RECORD_OUT),
        query=CURSOR,
        refusals=[_ABSENT],
    ),
    ("POST", f"{_RECORD}/withdraw"): Operation(
        _TAG,
        "Take a billing record back by a last version",
        _RECORD_OUT,
        record("WithdrawBillingRecord", {"reason*": _REASON}),
        refusals=[_ABSENT, _CONFLICT, _LOCKED],
        example={"reason": "Entered twice."},
    ),
    ("GET", f"{_ROOT}/period-locks"): Operation(
        _TAG,
        "List closed days; `opened` asks for those that were opened again",
        more_of(_LOCK),
        query={**CURSOR, "opened": BOOLEAN},
    ),
    ("POST", f"{_ROOT}/period-locks"): Operation(
        _TAG,
        "Close days for billing records, both ends included",
        _LOCK,
        record("NewPeriodLock", {"firstDay*": DAY, "lastDay*": DAY, "reason*": _REASON}),
        refusals=[_CONFLICT],
        example={"firstDay": "2026-10-01", "lastDay": "2026-10-31", "reason": "October is done."},
    ),
    ("POST", f"{_ROOT}/period-locks/{{public_id}}/open"): Operation(
        _TAG,
        "Open closed days again",
        _LOCK,
        record("OpenPeriodLock", {"reason*": _REASON}),
        refusals=[_ABSENT, _CONFLICT],
        example={"reason": "A credit came late."},
    ),
}

OPERATIONS: Operations = {**_FILES, **_RESULTS, **_RECORDS}
