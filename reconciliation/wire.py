"""
How the API tells what reconciliation knows: names in camel case, figures as exact decimals in text, words in capitals.

What was understood of a file (`understood`) is told as the command line prints it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from access.wire import without_absent
from core.models import Job
from reconciliation import queries
from reconciliation.amounts import EXACT, ZERO, plain, plain_or_none
from reconciliation.books import ID_FIELDS
from reconciliation.models import (
    Batch,
    BatchLine,
    BillingRecord,
    Comparison,
    Outcome,
    PeriodLock,
    Resolution,
    ToleranceRule,
)

Shape = dict[str, Any]
_FIGURES = ("subtotal", "tax", "quantity", "unit_price")
_NOT_A_WORD = re.compile("[^a-z0-9]+")


def camel(name: str) -> str:
    """Return a name in camel case: `unit_price` is `unitPrice`."""
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def word(stored: str) -> str:
    """Return one of a list of words in capitals: `seat change` is `SEAT_CHANGE`."""
    return _NOT_A_WORD.sub("_", stored.lower()).upper()


def facts(told: Mapping[str, object]) -> dict[str, object]:
    """Return what a refusal was decided on, in the names of the wire."""
    found = {camel(name): value for name, value in told.items()}
    field = found.get("field")
    return {**found, "field": camel(field)} if isinstance(field, str) else found


# ---- Files


def file(row: Batch) -> Shape:
    """Tell of a file."""
    refusal = row.refusal or {}
    return without_absent(
        {
            "id": row.public_id,
            "state": row.state,
            "name": row.name,
            "bytes": row.bytes,
            "sha256": row.sha256,
            "kind": word(row.kind) if row.kind else None,
            "layout": row.layout or None,
            "billingEntity": row.billing_entity or None,
            "invoiceNumber": row.invoice_number or None,
            "issuedOn": row.issued_on,
            "dueOn": queries.due_day(row),
            "firstDay": row.first_day,
            "lastDay": row.last_day,
            "estimate": row.is_estimate,
            "lineCount": row.line_count,
            "version": row.version or None,
            "replaces": row.replaces.public_id if row.replaces else None,
            "sameAs": row.same_as.public_id if row.same_as else None,
            "totals": row.answer.get("totals") if row.answer else None,
            "errorCode": next(iter(refusal.get("error_codes", ())), None),
            "message": refusal.get("message"),
            "createdBy": row.created_by,
            "createdAt": row.created_at,
            "understoodAt": row.understood_at,
            "decidedBy": row.decided_by or None,
            "decidedAt": row.decided_at,
        }
    )


def job(row: Job) -> Shape:
    """Tell how far a job is."""
    return without_absent(
        {"id": row.public_id, "state": row.state, "done": row.done, "total": row.total, "error": row.error or None}
    )


def line(row: BatchLine, *, restored: bool) -> Shape:
    """Tell of a line: what was read of it, and the cells of its columns."""
    return without_absent(
        {
            "record": row.record,
            "line": row.line,
            "kind": word(row.kind),
            "counts": row.counts,
            "codes": row.codes,
            "duplicateOf": row.duplicate_of,
            "restored": restored if row.duplicate_of is not None else None,
            "currency": row.currency or None,
            "pretax": plain_or_none(row.pretax),
            "tax": plain_or_none(row.tax),
            "total": plain_or_none(row.total),
            "quantity": plain_or_none(row.quantity),
            "unitPrice": plain_or_none(row.unit_price),
            "firstDay": row.first_day,
            "lastDay": row.last_day,
            "bucket": word(row.bucket) if row.bucket else None,
            "resellerMpnId": row.reseller_mpn or None,
            "chargeType": row.charge_type or None,
            "chargeGroup": word(row.charge_group) if row.charge_group else None,
            "flags": row.flags,
            "values": row.values,
            "extra": row.extra,
            "delivered": row.delivered,
        }
    )


@dataclass(slots=True)
class PartSums:
    """What a reseller's lines in several files come to."""

    files: int = 0
    lines: int = 0
    pretax: Decimal = ZERO
    tax: Decimal = ZERO
    total: Decimal = ZERO

    def add(self, entry: Mapping[str, Any]) -> None:
        """Take in what one file has."""
        self.files += 1
        self.lines += entry["lines"]
        self.pretax += Decimal(entry["pretax"])
        self.tax += Decimal(entry["tax"])
        self.total += Decimal(entry["total"])


def part(bucket: str, mpn: str, currency: str, sums: PartSums, partner: str | None) -> Shape:
    """Tell what a reseller's lines come to."""
    return without_absent(
        {
            "bucket": word(bucket),
            "resellerMpnId": mpn or None,
            "partnerId": partner,
            "currency": currency,
            "fileCount": sums.files,
            "lineCount": sums.lines,
            "pretax": plain(sums.pretax),
            "tax": plain(sums.tax),
            "total": plain(sums.total),
        }
    )


# ---- Comparing


def comparison(row: Comparison) -> Shape:
    """Tell what a run of comparing came to: groups by outcome, and what is ours and the file's, which adds up."""
    totals: dict[str, tuple[Decimal, Decimal]] = {}
    for one in row.money:
        ours, theirs = totals.get(one["currency"], (ZERO, ZERO))
        totals[one["currency"]] = EXACT.add(ours, Decimal(one["ours"])), EXACT.add(theirs, Decimal(one["file"]))
    return {
        "number": row.number,
        "at": row.at,
        "by": row.by,
        "tolerances": row.tolerances,
        "counts": {word(outcome): count for outcome, count in row.counts.items()},
        "totals": [
            {"currency": currency, "ours": plain(ours), "file": plain(theirs), "difference": _less(theirs, ours)}
            for currency, (ours, theirs) in sorted(totals.items())
        ],
        "steps": [
            {
                "outcome": word(one["outcome"]),
                "currency": one["currency"],
                "groups": one["groups"],
                "ours": one["ours"],
                "file": one["file"],
                "difference": _less(Decimal(one["file"]), Decimal(one["ours"])),
            }
            for one in row.money
        ],
    }


def _less(file_side: Decimal, ours: Decimal) -> str:
    return plain(EXACT.subtract(file_side, ours))


def outcome(row: Outcome, key: Mapping[str, str], about: Resolution | None, seen: str) -> Shape:
    """Tell how a group of the file and our records stand to each other; differences are file − ours."""
    return without_absent(
        {
            "number": row.place,
            "outcome": word(row.outcome),
            "also": [word(one) for one in row.also],
            "notes": [word(one) for one in row.notes],
            "key": {camel(name): value for name, value in key.items()},
            "currency": row.currency,
            "lineCount": row.file_lines,
            "recordCount": len(row.our_records),
            "file": _figures(row, "file_"),
            "ours": _figures(row, "our_"),
            "difference": {
                "subtotal": plain_or_none(row.difference_subtotal),
                "tax": plain_or_none(row.difference_tax),
            },
            "ourCurrency": row.other_currency,
            "ourSubtotal": plain_or_none(row.other_subtotal),
            "seen": seen,
            "resolution": resolution(about, stale=queries.is_stale(about, row)) if about else None,
        }
    )


def _figures(row: Outcome, side: str) -> Shape:
    return {camel(name): plain_or_none(getattr(row, side + name)) for name in _FIGURES}


def resolution(row: Resolution, *, stale: bool | None = None) -> Shape:
    """Tell what somebody decided; `stale` says that the group looks otherwise by now."""
    return without_absent(
        {
            "id": row.public_id,
            "decision": word(row.decision),
            "reason": row.reason,
            "currency": row.currency or None,
            "record": row.record,
            "refs": row.refs,
            "outcome": word(row.outcome) if row.outcome else None,
            "difference": {
                "subtotal": plain_or_none(row.difference_subtotal),
                "tax": plain_or_none(row.difference_tax),
            }
            if row.outcome
            else None,
            "stale": stale,
            "decidedBy": row.decided_by,
            "decidedAt": row.decided_at,
        }
    )


def tolerance(row: ToleranceRule) -> Shape:
    """Tell how far figures of a kind and currency may differ."""
    return without_absent(
        {
            "kind": word(row.kind),
            "currency": row.currency,
            "line": plain_or_none(row.line),
            "group": plain_or_none(row.group),
            "changedBy": row.changed_by,
            "changedAt": row.changed_at,
        }
    )


# ---- Our own side


def record(row: BillingRecord) -> Shape:
    """Tell of a version of a billing record of ours."""
    return without_absent(
        {
            "ref": row.ref,
            "version": row.version,
            "withdrawn": row.is_withdrawn,
            "kind": word(row.kind),
            "billingEntity": row.billing_entity or None,
            **ids(row.ids),
            "customerName": row.customer_name or None,
            "currency": row.currency,
            **{camel(name): plain_or_none(getattr(row, name)) for name in _FIGURES},
            "periodStart": row.first_day,
            "periodEnd": row.last_day,
            "source": word(row.source),
            "sourceId": row.source_id or None,
            "createdBy": row.created_by,
            "createdAt": row.created_at,
        }
    )


def ids(kept: Mapping[str, str]) -> dict[str, str]:
    """Tell the ids of a record."""
    return {camel(name): kept[name] for name in ID_FIELDS if kept.get(name)}


def records(rows: Iterable[BillingRecord]) -> list[Shape]:
    """Tell of several versions."""
    return [record(row) for row in rows]


def lock(row: PeriodLock) -> Shape:
    """Tell of closed days."""
    return without_absent(
        {
            "id": str(row.pk),
            "firstDay": row.first_day,
            "lastDay": row.last_day,
            "lockedBy": row.locked_by,
            "lockedAt": row.locked_at,
            "openedBy": row.opened_by or None,
            "openedAt": row.opened_at,
        }
    )
