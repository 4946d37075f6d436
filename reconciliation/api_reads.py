"""What the API reads: lines by what is wrong with them, groups with what they are recognised by, sums by reseller."""

from collections.abc import Mapping, Sequence
from decimal import localcontext
from typing import Any, Final

from django.db.models import QuerySet

from core.errors import NotFound
from core.scope import Scope
from reconciliation import queries, wire
from reconciliation.amounts import EXACT
from reconciliation.keys import KEYS
from reconciliation.lines import Kind
from reconciliation.models import Batch, BatchLine, BatchState, BillingRecord, Comparison, Outcome, ResellerLink
from reconciliation.operations import resolving
from reconciliation.resellers import Bucket

Shape = dict[str, Any]
ONLY: Final = ("valid", "invalid", "duplicate", "flagged")
_NAMES = ("CustomerName", "CustomerCompanyName")
_MOST_OF_A_GROUP: Final = 1_000


def lines(found: Batch, only: str) -> "QuerySet[BatchLine]":
    """Return the lines of a file's kind, or those that are valid, invalid, copies or flagged."""
    of_kind = queries.lines(found)
    match only:
        case "valid":
            return of_kind.filter(counts=True)
        case "invalid":
            return of_kind.exclude(codes=[])
        case "duplicate":
            return of_kind.exclude(duplicate_of=None)
        case "flagged":
            return of_kind.exclude(flags=[])
        case _:
            return of_kind


def compared(found: Batch) -> Comparison:
    """Return the newest comparison of a file. Raises NotFound."""
    newest = queries.comparison(found)
    if newest is None:
        raise NotFound(comparison=found.public_id)
    return newest


def outcome_at(found: Comparison, place: int) -> Outcome:
    """Return the group at a place. Raises NotFound."""
    outcome = queries.outcomes(found).select_related("comparison").filter(place=place).first()
    if outcome is None:
        raise NotFound(number=place)
    return outcome


def told(found: Batch, outcomes: Sequence[Outcome]) -> list[Shape]:
    """Return groups as the wire tells them."""
    keys, decided = _keys(found, outcomes), queries.resolved(found, outcomes)
    return [wire.outcome(one, keys[one.pk], decided.get(one.pk), resolving.seen(one)) for one in outcomes]


def whole(found: Batch, outcome: Outcome) -> Shape:
    """Return a group with its lines and our records, up to a thousand of either."""
    rows = list(queries.outcome_lines(outcome)[:_MOST_OF_A_GROUP])
    ours = queries.outcome_records(outcome)[:_MOST_OF_A_GROUP]
    return {
        **told(found, [outcome])[0],
        "lines": [wire.line(row, restored=False) for row in rows],
        "records": wire.records(ours),
    }


def _keys(found: Batch, outcomes: Sequence[Outcome]) -> dict[int, dict[str, str]]:
    """Return what each group is recognised by: the ids in its first line, else those of our record."""
    firsts = [one.first_record for one in outcomes if one.first_record is not None]
    values = dict(BatchLine.objects.filter(batch=found, record__in=firsts).values_list("record", "values"))
    ours = BillingRecord.objects.in_bulk([one.our_records[0] for one in outcomes if one.our_records])
    return {one.pk: _key(found, one, values, ours) for one in outcomes}


def _key(
    found: Batch, outcome: Outcome, values: Mapping[int, Mapping[str, str]], ours: Mapping[int, BillingRecord]
) -> dict[str, str]:
    if outcome.first_record is not None:
        first = values[outcome.first_record]
        named = {name: first.get(column, "") for name, column in KEYS[Kind(found.kind)]}
        named["customer_name"] = next((first[name] for name in _NAMES if first.get(name)), "")
    else:
        record = ours[outcome.our_records[0]]
        named = {**record.ids, "customer_name": record.customer_name}
    return {name: value for name, value in named.items() if value}


def by_partner(scope: Scope, rows: "QuerySet[Batch]") -> list[Shape]:
    """Return the sums of accepted files by bucket, reseller id and currency, exactly; estimates are left out."""
    sums: dict[tuple[str, str, str], wire.PartSums] = {}
    current = rows.filter(state=BatchState.ACCEPTED, is_estimate=False).order_by("pk")
    with localcontext(EXACT):
        for answer in current.values_list("answer", flat=True).iterator():
            for entry in answer["by_reseller"]:
                key = (entry["bucket"], entry["mpn"], entry["currency"])
                sums.setdefault(key, wire.PartSums()).add(entry)
    linked = ResellerLink.objects.within(scope).filter(mpn__in={mpn for _bucket, mpn, _currency in sums})
    partners = dict(linked.values_list("mpn", "partner__public_id"))
    return [
        wire.part(bucket, mpn, currency, found, partners.get(mpn) if bucket == Bucket.RESELLER else None)
        for (bucket, mpn, currency), found in sorted(sums.items())
    ]
