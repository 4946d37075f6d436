"""
Counts and sums of a whole filter.

Exact when the database has them within two seconds; otherwise what a bounded count can prove, and the exact figure as a
job. Selections and files never use the bounded form.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Self

from django.db import OperationalError, connection, transaction
from django.db.models import Count, QuerySet, Sum
from psycopg2.errors import QueryCanceled

from console.columns import Column, Kind, grouped, money, won
from console.filters import BoundFilters, ChoiceFilter

BUDGET = timedelta(seconds=2)
CAP = 10_000


@dataclass(frozen=True, slots=True)
class Totals:
    """
    How many rows, and their sums by currency and column key, in minor units.

    `exact` False means "at least `count`" without sums. `counts` are rows per value of each choice filter.
    """

    count: int
    sums: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    exact: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return the totals as the result of a job."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `as_json` wrote."""
        return cls(int(data["count"]), data["sums"], data["counts"], bool(data["exact"]))

    def written(self, columns: Sequence[Column]) -> list[tuple[str, str, bool]]:
        """Return label, figure and "is negative" of every sum, in the columns' order."""
        return [
            (str(column.label), _figure(column, sums[column.key], currency), sums[column.key] < 0)
            for currency, sums in sorted(self.sums.items())
            for column in columns
            if column.total and column.key in sums
        ]


def _figure(column: Column, value: int, currency: str) -> str:
    if column.kind is Kind.COUNT:
        return grouped(value)
    return won(value) if currency == "KRW" else money(value, currency)


class TooSlow(Exception):
    """The database did not have the answer within the budget."""


@contextmanager
def within(budget: timedelta) -> Iterator[None]:
    """Run queries under a time limit of their own. Raises TooSlow; an open transaction stays usable."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select current_setting('statement_timeout')")
        (before,) = cursor.fetchone()
        cursor.execute("select set_config('statement_timeout', %s, true)", [str(int(budget.total_seconds() * 1000))])
        try:
            yield
        except OperationalError as error:
            if isinstance(error.__cause__, QueryCanceled):
                raise TooSlow from error
            raise
        cursor.execute("select set_config('statement_timeout', %s, true)", [before])


def sums(queryset: QuerySet[Any], columns: Sequence[Column], currency: str = "") -> Totals:
    """Return exact count and sums; `currency` names the field that splits them, without it all is won."""
    wanted = {f"sum_{at}": column.key for at, column in enumerate(columns) if column.total}
    aggregates: dict[str, Any] = {name: Sum(key) for name, key in wanted.items()}
    plain = queryset.order_by()
    if currency:
        rows = list(plain.values(currency).annotate(rows_counted=Count("pk"), **aggregates))
    else:
        rows = [plain.aggregate(rows_counted=Count("pk"), **aggregates)]
    return Totals(
        count=sum(row["rows_counted"] for row in rows),
        sums={
            str(row[currency]) if currency else "KRW": {key: int(row[name] or 0) for name, key in wanted.items()}
            for row in rows
            if wanted
        },
    )


def choice_counts(queryset: QuerySet[Any], filters: BoundFilters) -> dict[str, dict[str, int]]:
    """Return rows per value of each choice filter, under all filters but that one."""
    counts: dict[str, dict[str, int]] = {}
    for bound in filters.items:
        choice = bound.filter
        if isinstance(choice, ChoiceFilter) and choice.counts and filters.valid:
            rows = (
                filters.apply(queryset, but=choice.key)
                .order_by()
                .values(choice.column)
                .annotate(rows_counted=Count("pk"))
            )
            counts[choice.key] = {str(row[choice.column]): row["rows_counted"] for row in rows}
    return counts


def exact(queryset: QuerySet[Any], filters: BoundFilters, columns: Sequence[Column], currency: str = "") -> Totals:
    """Return count, sums and choice counts of a filter, however long it takes."""
    found = sums(filters.apply(queryset), columns, currency)
    return Totals(found.count, found.sums, choice_counts(queryset, filters))


def quick(queryset: QuerySet[Any], filters: BoundFilters, columns: Sequence[Column], currency: str = "") -> Totals:
    """Return the same within the budget, or a lower bound without sums."""
    try:
        with within(BUDGET):
            return exact(queryset, filters, columns, currency)
    except TooSlow:
        return _at_least(filters.apply(queryset))


def _at_least(queryset: QuerySet[Any]) -> Totals:
    try:
        with within(BUDGET / 4):
            found = queryset.order_by()[: CAP + 1].count()
    except TooSlow:
        found = 0
    return Totals(min(found, CAP), exact=False) if found > CAP or not found else Totals(found, exact=False)
