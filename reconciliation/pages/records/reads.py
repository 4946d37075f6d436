"""What the pages of our own records read beside the record itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Max

from access.models import AuditEvent
from core.scope import Scope
from reconciliation.models import BillingRecord, Comparison, Outcome, PeriodLock
from reconciliation.operations.own_records import LOCK_KIND, RECORD_KIND
from reconciliation.pages.records.words import who

_MOST_USES = 50


@dataclass(frozen=True, slots=True)
class Use:
    """A group of the newest result of a file that a record was held against, and in which version."""

    outcome: Outcome
    version: int


def uses(scope: Scope, versions: Sequence[BillingRecord]) -> list[Use]:
    """Return where versions of one record were used in the newest results, the newest first; up to fifty."""
    numbers = {record.pk: record.version for record in versions}
    keys = {key for record in versions for key in (record.own_key, record.name_key) if key}
    mine = {f"batch__{name}": value for name, value in scope.filters().items()}
    newest = Comparison.objects.filter(**mine).order_by().values("batch").annotate(last=Max("id")).values("last")
    found = Outcome.objects.filter(comparison__in=newest, group_key__in=keys).select_related("comparison__batch")
    used = [
        Use(outcome, max(numbers[pk] for pk in outcome.our_records if pk in numbers))
        for outcome in found.order_by("-comparison_id", "place")[: _MOST_USES * 2]
        if not numbers.keys().isdisjoint(outcome.our_records)
    ]
    return used[:_MOST_USES]


def reasons(scope: Scope, ref: str) -> dict[int, str]:
    """Return the reasons given for taking a record back, by version."""
    told = AuditEvent.objects.filter(**scope.filters(), object_kind=RECORD_KIND, object_id=ref).exclude(reason="")
    return {event.after["version"]: event.reason for event in told if event.after}


@dataclass(frozen=True, slots=True)
class Lock:
    """Closed days with the reasons given when they were closed and opened."""

    row: PeriodLock
    locked_by: str
    lock_reason: str
    opened_by: str
    open_reason: str


def locks(scope: Scope) -> list[Lock]:
    """Return all closed days, those that are opened again included, the latest first."""
    rows = list(PeriodLock.objects.within(scope).order_by("-first_day", "-id"))
    told = AuditEvent.objects.filter(
        **scope.filters(), object_kind=LOCK_KIND, object_id__in=[str(row.pk) for row in rows]
    )
    said = {(event.object_id, event.action.rpartition("_")[2]): event.reason for event in told}
    return [
        Lock(
            row=row,
            locked_by=who(row.locked_by),
            lock_reason=said.get((str(row.pk), "locked"), ""),
            opened_by=who(row.opened_by),
            open_reason=said.get((str(row.pk), "opened"), ""),
        )
        for row in rows
    ]
