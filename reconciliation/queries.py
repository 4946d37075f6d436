"""Reading batches, their lines, comparisons and resolutions; always within one merchant and environment."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Q, QuerySet

from core.errors import NotFound
from core.scope import Scope
from core.sql import load
from reconciliation.amounts import plain_or_none
from reconciliation.keys import KEYS
from reconciliation.lines import Kind
from reconciliation.models import (
    KEPT_STATES,
    STORED_STATES,
    Batch,
    BatchLine,
    BatchState,
    BillingRecord,
    Comparison,
    Decision,
    Outcome,
    Parameters,
    PeriodLock,
    ResellerLink,
    ResellerSettlement,
    Resolution,
    ToleranceRule,
)

Json = dict[str, Any]
Diff = dict[str, int]

_PAGE = 2_000
DUE_AFTER: Final = timedelta(days=60)
"""The vendor of these files wants its money so long after it issued its invoice."""
USUAL_VENDOR: Final = "microsoft"


def batches(scope: Scope) -> "QuerySet[Batch]":
    """Return all batches of a scope, newest first, attempts included."""
    return Batch.objects.within(scope).order_by("-created_at", "-id")


def batch(scope: Scope, public_id: str) -> Batch:
    """Return a batch. Raises NotFound."""
    found = Batch.objects.within(scope).filter(public_id=public_id).first()
    if found is None:
        raise NotFound(batch=public_id)
    return found


def stored(scope: Scope) -> "QuerySet[Batch]":
    """Return the batches that were accepted, every version of them."""
    return Batch.objects.within(scope).filter(state__in=STORED_STATES)


def current(scope: Scope, identity: str) -> Batch | None:
    """Return the version that counts, if any does."""
    return Batch.objects.within(scope).filter(identity=identity, state=BatchState.ACCEPTED).first()


def versions(found: Batch) -> "QuerySet[Batch]":
    """Return all accepted versions of a batch, newest first."""
    return stored(found.scope).filter(identity=found.identity).order_by("-version")


def due_day(found: Batch) -> date | None:
    """Return when the vendor's invoice of a batch has to be paid; None for a file without any day."""
    issued = found.issued_on or (found.last_day + timedelta(days=1) if found.last_day else None)
    return issued + DUE_AFTER if issued else None


def with_bytes(scope: Scope, sha256: str, billing_entity: str = "") -> Batch | None:
    """Return the batch of exactly these bytes that is being read or was kept, of one billing entity if it is known."""
    alive = Q(state__in=KEPT_STATES) | Q(state=BatchState.LOADING)
    found = Batch.objects.within(scope).filter(alive, sha256=sha256)
    if billing_entity:
        found = found.filter(billing_entity=billing_entity)
    return found.order_by("id").first()


def with_content(scope: Scope, kind: str, content_hash: str, billing_entity: str) -> Batch | None:
    """Return the batch that was kept with the same records in whatever wrapping."""
    found = Batch.objects.within(scope).filter(kind=kind, content_hash=content_hash, state__in=KEPT_STATES)
    return found.filter(billing_entity=billing_entity).order_by("id").first()


def lines(found: Batch) -> "QuerySet[BatchLine]":
    """Return the lines of a batch in the order of its file; none before it has been read whole."""
    visible = BatchLine.objects.filter(batch=found) if found.state in KEPT_STATES else BatchLine.objects.none()
    return visible.order_by("record")


def invalid_lines(found: Batch) -> "QuerySet[BatchLine]":
    """Return the lines that could not be read, with their cells as delivered and the codes of what is wrong."""
    return lines(found).exclude(codes=[])


def listed(found: Batch) -> Json:
    """Return what an answer about the file lists line by line: invalid records, copies and flags."""
    of_kind = lines(found).filter(kind=found.kind)
    invalid = of_kind.exclude(codes=[]).filter(duplicate_of=None).values_list("record", "line", "codes")
    copies = of_kind.exclude(duplicate_of=None).values_list("record", "duplicate_of")
    flagged = of_kind.exclude(flags=[]).values_list("record", "flags")
    return {
        "invalid_records": [{"record": record, "line": line, "codes": codes} for record, line, codes in invalid],
        "duplicate_records": [{"record": record, "of": of} for record, of in copies],
        "line_flags": [
            {"record": record, **flag}
            for record, flags in flagged
            for flag in sorted(flags, key=lambda flag: str(flag["check"]))
        ],
    }


def diff(newer: Batch, older: Batch) -> Diff:
    """Return how many lines were added, removed and changed from one version to the next."""
    with connection.cursor() as cursor:
        cursor.execute(load("reconciliation", "diff"), {"newer": newer.pk, "older": older.pk})
        added, removed, changed = cursor.fetchone()
    return {"added": int(added), "removed": int(removed), "changed": int(changed)}


# ---- by partner


def vendor_account(scope: Scope) -> str:
    """Return the vendor whom accepted files are owed to."""
    said = Parameters.objects.within(scope).values_list("vendor_account", flat=True).first()
    return said or USUAL_VENDOR


def reseller_links(scope: Scope) -> "QuerySet[ResellerLink]":
    """Return the reseller ids that are linked with partners."""
    return ResellerLink.objects.within(scope).select_related("partner").order_by("mpn")


def reseller_settlements(found: Batch) -> "QuerySet[ResellerSettlement]":
    """Return what parts of a batch became settlement records."""
    return ResellerSettlement.objects.filter(batch=found).select_related("partner").order_by("pk")


def reseller_settlements_of(scope: Scope, identity: str) -> "QuerySet[ResellerSettlement]":
    """Return what parts of any version of a file became settlement records."""
    return ResellerSettlement.objects.within(scope).filter(identity=identity).order_by("pk")


# ---- our side


def records(scope: Scope) -> "QuerySet[BillingRecord]":
    """Return our records as they are now, without those taken back, in the order they came."""
    return BillingRecord.objects.within(scope).filter(is_current=True, is_withdrawn=False).order_by("id")


def history(scope: Scope, ref: str) -> "QuerySet[BillingRecord]":
    """Return every version of one of our records, newest first."""
    return BillingRecord.objects.within(scope).filter(ref=ref).order_by("-version")


def locks(scope: Scope) -> "QuerySet[PeriodLock]":
    """Return the locks that hold."""
    return PeriodLock.objects.within(scope).filter(opened_at=None).order_by("first_day")


def tolerances(scope: Scope, kind: str) -> "QuerySet[ToleranceRule]":
    """Return the tolerances of a kind that somebody has set."""
    return ToleranceRule.objects.within(scope).filter(kind=kind).order_by("currency")


# ---- comparing


def comparison(found: Batch) -> Comparison | None:
    """Return the newest comparison of a batch, the one that has outcomes."""
    return Comparison.objects.filter(batch=found).order_by("-number").first()


def outcomes(found: Comparison) -> "QuerySet[Outcome]":
    """Return the outcomes in the order of the file, then what only we have in our order."""
    return Outcome.objects.filter(comparison=found).order_by("place")


def outcome_lines(outcome: Outcome) -> "QuerySet[BatchLine]":
    """Return the lines that produced an outcome."""
    of_batch = BatchLine.objects.filter(batch=outcome.comparison.batch_id, counts=True)
    return of_batch.filter(group_key=outcome.group_key, currency=outcome.currency).order_by("record")


def outcome_records(outcome: Outcome) -> "QuerySet[BillingRecord]":
    """Return the versions of our records that produced an outcome."""
    return BillingRecord.objects.filter(pk__in=outcome.our_records).order_by("id")


def outcome_entries(found: Comparison) -> Iterator[Json]:
    """Yield the outcomes in the shape in which a rehearsal prints them."""
    kind = Kind(found.batch.kind)
    page: list[Outcome] = []
    for outcome in outcomes(found).iterator(_PAGE):
        page.append(outcome)
        if len(page) == _PAGE:
            yield from _entries(found, kind, page)
            page = []
    yield from _entries(found, kind, page)


def _entries(found: Comparison, kind: Kind, page: Sequence[Outcome]) -> Iterator[Json]:
    firsts = [outcome.first_record for outcome in page if outcome.first_record is not None]
    of_batch = BatchLine.objects.filter(batch=found.batch_id)
    values = dict(of_batch.filter(record__in=firsts).values_list("record", "values"))
    ours = BillingRecord.objects.in_bulk({pk for outcome in page for pk in outcome.our_records})
    keys = [outcome.group_key for outcome in page]
    numbers: dict[tuple[Any, str], list[int]] = {}
    grouped = of_batch.filter(counts=True, group_key__in=keys).order_by("record")
    for group_key, currency, record in grouped.values_list("group_key", "currency", "record"):
        numbers.setdefault((group_key, currency), []).append(record)
    for outcome in page:
        first = {} if outcome.first_record is None else values[outcome.first_record]
        refs = [ours[pk] for pk in sorted(outcome.our_records)]
        yield _entry(kind, outcome, first, refs, numbers.get((outcome.group_key, outcome.currency), []))


def _entry(
    kind: Kind, outcome: Outcome, first: Mapping[str, str], ours: Sequence[BillingRecord], numbers: Sequence[int]
) -> Json:
    compared = outcome.difference_subtotal is not None
    difference = {
        "subtotal": plain_or_none(outcome.difference_subtotal),
        "tax": plain_or_none(outcome.difference_tax),
    }
    figures = ("subtotal", "tax", "quantity", "unit_price")
    return {
        "key": _key(kind, outcome, first, ours),
        "currency": outcome.currency,
        "outcome": outcome.outcome,
        "also": outcome.also,
        "difference": difference if compared else None,
        "notes": outcome.notes,
        "file_lines": outcome.file_lines,
        **{f"file_{name}": plain_or_none(getattr(outcome, f"file_{name}")) for name in figures},
        **{f"our_{name}": plain_or_none(getattr(outcome, f"our_{name}")) for name in figures},
        "refs": [record.ref for record in ours],
        "records": list(numbers) if outcome.file_lines else [],
    }


def _key(kind: Kind, outcome: Outcome, first: Mapping[str, str], ours: Sequence[BillingRecord]) -> Json:
    if not outcome.file_lines:
        return {name: ours[0].ids.get(name) for name, _column in KEYS[kind]}
    key: Json = {name: first.get(column) for name, column in KEYS[kind]}
    if "matched_by_name" in outcome.notes:
        key["customer_name"] = first.get("CustomerCompanyName" if kind is Kind.USAGE else "CustomerName")
    return key


# ---- what people decided


def resolutions(found: Batch) -> "QuerySet[Resolution]":
    """Return all that was decided about a batch and its other versions, newest first."""
    return Resolution.objects.within(found.scope).filter(identity=found.identity).order_by("-id")


def resolved(found: Batch, outcomes_shown: Sequence[Outcome]) -> dict[int, Resolution]:
    """Return the resolution that counts of each of these outcomes that has one, by the outcome's primary key."""
    decided = resolutions(found).filter(group_key__in=[outcome.group_key for outcome in outcomes_shown])
    newest: dict[tuple[Any, str], Resolution] = {}
    for resolution in decided:
        newest.setdefault((resolution.group_key, resolution.currency), resolution)
    by_outcome = {outcome.pk: newest.get((outcome.group_key, outcome.currency)) for outcome in outcomes_shown}
    return {pk: found for pk, found in by_outcome.items() if found and found.decision != Decision.REOPEN}


def is_stale(resolution: Resolution, outcome: Outcome) -> bool:
    """Say whether a group looks otherwise now than when a person decided about it."""
    seen = (resolution.outcome, resolution.difference_subtotal, resolution.difference_tax)
    return seen != (outcome.outcome, outcome.difference_subtotal, outcome.difference_tax)


def restored_records(found: Batch) -> set[int]:
    """
    Return the records of a batch that are copies and that a person said are none.

    What was said about another version holds for as many copies with the same content, the first ones of the file.
    """
    said = resolutions(found).filter(decision=Decision.RESTORE)
    restored = set(said.filter(batch=found).values_list("record", flat=True))
    elsewhere = Counter(said.exclude(batch=found).values_list("line_hash", flat=True))
    copies = lines(found).exclude(duplicate_of=None).filter(line_hash__in=list(elsewhere))
    for record, line_hash in copies.values_list("record", "line_hash"):
        if elsewhere[line_hash] and record not in restored:
            elsewhere[line_hash] -= 1
            restored.add(record)
    return {record for record in restored if record is not None}
