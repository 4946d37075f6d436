"""Reads of the pages about vendor files; always within one merchant and environment."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, CharField, Count, F, Func, IntegerField, Max, Q, QuerySet, Sum, Value, When
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast

from console import totals
from core.errors import NotFound
from core.models import Job
from core.scope import Scope
from core.sql import load
from reconciliation import queries
from reconciliation.amounts import minor_unit
from reconciliation.charge_types import Group
from reconciliation.fields import ExactField
from reconciliation.figures import Money
from reconciliation.formats.columns import NUMERIC, Holds
from reconciliation.formats.recognise import FORMAT_OF
from reconciliation.invoice_figures import InvoiceFigures, Part
from reconciliation.lines import Kind, Line
from reconciliation.lines import Value as Cell
from reconciliation.models import KEPT_STATES, Batch, BatchLine, BatchState
from reconciliation.operations.deciding import Standing
from reconciliation.pages.files import shown

_FIGURES = ("pretax", "tax", "total")
_MOST_INVOICES = 50


# ---- Files


def file_rows(scope: Scope) -> QuerySet[Batch]:
    """Return the files of a scope with what their list shows of what was understood."""
    return Batch.objects.within(scope).annotate(
        totals=KeyTransform("totals", "answer"), warnings=KeyTransform("warning_codes", "answer")
    )


def waiting(scope: Scope) -> int:
    """Count the files that were read and that nobody has decided about."""
    return Batch.objects.within(scope).filter(state=BatchState.UNDERSTOOD).count()


def refused(scope: Scope) -> int:
    """Count the files that were not taken."""
    return Batch.objects.within(scope).filter(state=BatchState.REJECTED).count()


def job_of(batch: Batch) -> Job | None:
    """Return the job that reads or has read a file."""
    return Job.objects.filter(pk=batch.job_id).first() if batch.job_id else None


def find_kept(scope: Scope, public_id: str) -> Batch:
    """Return a file whose lines can be looked at. Raises NotFound."""
    batch = queries.batch(scope, public_id)
    if batch.state not in KEPT_STATES:
        raise NotFound(batch=public_id)
    return batch


# ---- Lines


def line_rows(scope: Scope, texts: Mapping[str, str], figures: Mapping[str, str]) -> QuerySet[BatchLine]:
    """
    Return the lines of all files of a scope that can be looked at, with how each stands.

    `texts` and `figures` name columns of the file's kind to be had beside them, by the name they get.
    """
    kept = Batch.objects.within(scope).filter(state__in=KEPT_STATES)
    return BatchLine.objects.filter(batch__in=kept).annotate(
        standing=Case(
            When(~Q(kind=F("batch__kind")), then=Value(shown.OTHER)),
            When(duplicate_of__isnull=False, then=Value(shown.DUPLICATE)),
            When(~Q(codes=[]), then=Value(shown.INVALID)),
            default=Value(shown.VALID),
            output_field=CharField(),
        ),
        **{name: KeyTextTransform(column, "values") for name, column in texts.items()},
        **{name: Cast(KeyTextTransform(column, "values"), ExactField()) for name, column in figures.items()},
    )


def sums(rows: QuerySet[BatchLine]) -> list[dict[str, Any]]:
    """Return what lines that count come to, by currency."""
    money = rows.filter(counts=True, total__isnull=False).order_by().values("currency")
    return _rows(money.annotate(n=Count("pk"), **{f"sum_{name}": Sum(name) for name in _FIGURES}).order_by("currency"))


def by_charge_type(batch: Batch) -> list[dict[str, Any]]:
    """Return what each charge type of a file comes to, by currency."""
    rows = BatchLine.objects.filter(batch=batch, counts=True).exclude(charge_group="").order_by()
    grouped = rows.values("charge_type", "charge_group", "currency")
    summed = grouped.annotate(n=Count("pk"), **{f"sum_{name}": Sum(name) for name in _FIGURES})
    return _rows(summed.order_by("currency", "-n", "charge_type"))


def _rows(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [dict(row) for row in found]


def flagged(batch: Batch) -> int:
    """Count the lines of a file that something is flagged about."""
    return BatchLine.objects.filter(batch=batch).exclude(flags=[]).count()


def find_line(batch: Batch, record: int) -> BatchLine:
    """Return one line of a file. Raises NotFound."""
    found = queries.lines(batch).filter(record=record).first()
    if found is None:
        raise NotFound(record=record)
    return found


def invalid_lines(batch: Batch) -> QuerySet[BatchLine]:
    """Return the lines of the file's kind that could not be read, as often as they are counted."""
    return queries.invalid_lines(batch).filter(kind=batch.kind, duplicate_of=None)


def widest(rows: QuerySet[BatchLine]) -> int:
    """Return how many cells the longest of some lines was delivered with."""
    cells = Func(F("delivered"), function="jsonb_array_length", output_field=IntegerField())
    return int(rows.filter(delivered__isnull=False).aggregate(most=Max(cells))["most"] or 0)


def neighbours(batch: Batch, record: int) -> tuple[int | None, int | None]:
    """Return the records before and after one."""
    numbers = BatchLine.objects.filter(batch=batch).values_list("record", flat=True)
    return (
        numbers.filter(record__lt=record).order_by("-record").first(),
        numbers.filter(record__gt=record).order_by("record").first(),
    )


def as_read(row: BatchLine) -> Line:
    """Return a stored line as its reader gave it."""
    kind = Kind(row.kind)
    holds = {column.value_name: column.holds for column in FORMAT_OF[kind].columns}
    values = {name: _value(holds.get(name, Holds.TEXT), text) for name, text in row.values.items()}
    return Line(row.record, row.line, kind, values, tuple(row.codes), row.duplicate_of, tuple(row.damaged))


def _value(holds: Holds, text: str) -> Cell:
    if holds in NUMERIC:
        return Decimal(text)
    return date.fromisoformat(text) if holds is Holds.DATE else text


# ---- Two versions


@dataclass(frozen=True, slots=True)
class Pair:
    """A line of the newer version, the older one, or both."""

    change: str
    newer: BatchLine | None
    older: BatchLine | None


def standing(batch: Batch) -> Standing:
    """Return which version a file would follow or has followed; how many lines differ only where that is quick."""
    if batch.state != BatchState.UNDERSTOOD:
        return Standing(batch.replaces)
    current = queries.current(batch.scope, batch.identity)
    if current is None:
        return Standing()
    try:
        with totals.within(totals.BUDGET):
            return Standing(current, queries.diff(batch, current))
    except totals.TooSlow:
        return Standing(current)


def changes(newer: Batch, older: Batch, *, wanted: str, limit: int, offset: int) -> list[Pair]:
    """Return the lines in which two versions differ, side by side; `wanted` is one kind of change, or empty."""
    told: dict[str, Any] = {"newer": newer.pk, "older": older.pk, "wanted": wanted, "limit": limit, "offset": offset}
    with connection.cursor() as cursor:
        cursor.execute(load("reconciliation", "diff_lines"), told)
        found = cursor.fetchall()
    lines = BatchLine.objects.in_bulk({pk for _change, *pair in found for pk in pair if pk})
    return [Pair(change, lines.get(new or 0), lines.get(old or 0)) for change, new, old in found]


# ---- Invoices


def invoice_figures(batch: Batch) -> InvoiceFigures:
    """Return what a file comes to by the figures that its invoice prints."""
    figures = InvoiceFigures(Kind(batch.kind))
    with connection.cursor() as cursor:
        cursor.execute(load("reconciliation", "invoice_parts"), {"batch": batch.pk})
        for currency, group, lines, pretax, tax, total, charged, discount in cursor.fetchall():
            figures.add_part(Part(Group(group), lines, Money(currency, pretax, tax, total), charged, discount))
    return figures


def invoices_of(batch: Batch) -> list[Batch]:
    """Return the invoice files that count and that daily usage may be held against, those of its own number first."""
    rows = Batch.objects.within(batch.scope).filter(kind=Kind.NCE_INVOICE, state=BatchState.ACCEPTED)
    mine = Q(invoice_number__iexact=batch.invoice_number) if batch.invoice_number else Q(pk__isnull=True)
    rows = rows.annotate(is_own=Case(When(mine, then=Value(0)), default=Value(1)))
    return list(rows.order_by("is_own", "-last_day", "-pk")[:_MOST_INVOICES])


class Crossed:
    """Daily usage held against an invoice: what both come to by currency, and groups one by one while it is open."""

    def __init__(self, sums: Sequence[Mapping[str, Any]], cursor: Any) -> None:
        self.sums = sums
        self._cursor = cursor

    @property
    def groups(self) -> int:
        """Return how many groups there are."""
        return sum(row["groups"] for row in self.sums)

    @property
    def outside(self) -> int:
        """Return how many groups cutting does not explain."""
        return sum(row["outside"] for row in self.sums)

    def rows(self, *, outside: bool, limit: int, offset: int) -> list[dict[str, Any]]:
        """Return some groups, the unexplained and largest differences first; `outside` leaves only those."""
        told = {"outside": outside, "limit": limit, "offset": offset}
        self._cursor.execute(load("reconciliation", "cross_check_rows"), told)
        return _named(self._cursor)


@contextmanager
def cross_check(daily: Batch, invoice: Batch) -> Iterator[Crossed]:
    """Hold the days of a file against an invoice's consumption."""
    currencies = sorted({*daily.answer["totals"], *invoice.answer["totals"]})
    told: dict[str, Any] = {
        "daily": daily.pk,
        "invoice": invoice.pk,
        "currencies": currencies,
        "units": [minor_unit(currency) for currency in currencies],
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(load("reconciliation", "cross_check"), told)
        cursor.execute(load("reconciliation", "cross_check_sums"))
        yield Crossed(_named(cursor), cursor)


def _named(cursor: Any) -> list[dict[str, Any]]:
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def values_of(batch: Batch, records: Sequence[int]) -> dict[int, dict[str, str]]:
    """Return the values of some lines of a file, by record."""
    return dict(BatchLine.objects.filter(batch=batch, record__in=records).values_list("record", "values"))
