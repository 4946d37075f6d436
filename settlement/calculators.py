"""
Which version of the calculation counts, and the parameters that orders may bring along.

A version counts for orders whose start date is on or after the Seoul day of its moment.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from core import clock
from core.scope import Scope
from core.sql import load
from settlement import terms
from settlement.calculation import ParameterValue
from settlement.models import Calculator, SettlementParameter
from settlement.refusals import parameter_not_found


@dataclass(frozen=True, slots=True)
class Calculators:
    """The versions of a scope and its parameters with their defaults, read once for many orders."""

    versions: tuple[Calculator, ...]
    defaults: Mapping[str, ParameterValue]

    @classmethod
    def of(cls, scope: Scope) -> "Calculators":
        """Return the versions of a scope, those ahead included."""
        return cls(tuple(versions(scope)), defaults(scope))

    def on(self, day: date) -> Calculator | None:
        """Return the version that counts for a start date; None means the default calculation."""
        return on(self.versions, day)

    def used(self, calculator: Calculator | None, given: Mapping[str, ParameterValue]) -> dict[str, Any]:
        """
        Return the parameters of an order as its record keeps them: those given, and defaults of others that are used.

        Raises SETTLEMENT_PARAMETER_NOT_FOUND for one that is not defined.
        """
        for key in given:
            if key not in self.defaults:
                raise parameter_not_found(key)
        return self.kept(calculator, {key: value.as_json() for key, value in given.items()})

    def kept(self, calculator: Calculator | None, known: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that a record keeps, with the defaults of those a version uses besides."""
        names = terms.names_used_by(calculator)
        missing = {key: value.as_json() for key, value in self.defaults.items() if key in names}
        return missing | dict(known)


def on(versions: Iterable[Calculator], day: date) -> Calculator | None:
    """Return the newest version whose moment lies on or before the day; None before the first."""
    counting = [version for version in versions if clock.seoul_day(version.applied_at) <= day]
    return max(counting, key=lambda version: (version.applied_at, version.number), default=None)


def counting(scope: Scope, day: date) -> Calculator | None:
    """Return the version that counts for a start date; None means the default calculation."""
    return on(versions(scope), day)


def future(scope: Scope, now: datetime) -> Calculator | None:
    """Return the version whose moment lies ahead."""
    return versions(scope).filter(applied_at__gt=now).first()


def versions(scope: Scope) -> QuerySet[Calculator]:
    """Return the versions that were not withdrawn, in the order of their moments."""
    return Calculator.objects.within(scope).filter(withdrawn_at=None).order_by("applied_at", "number")


def formula_sums(scope: Scope, settlements: Sequence[int]) -> Mapping[int, Mapping[str, int]]:
    """Return, by the keys of partner settlements, what the merchant's own formulas gave over their standing records."""
    # A withdrawn version counts too: a cancelled order keeps it.
    if not settlements or not Calculator.objects.within(scope).exclude(own=[]).exists():
        return {}
    sums: dict[int, dict[str, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(load("settlement", "sum_formula_results"), [list(settlements)])
        for pk, key, total in cursor.fetchall():
            sums[pk][key] = int(total)
    return sums


def parameters(scope: Scope) -> QuerySet[SettlementParameter]:
    """Return the parameters of a scope by key."""
    return SettlementParameter.objects.within(scope).order_by("key")


def defaults(scope: Scope) -> Mapping[str, ParameterValue]:
    """Return the default value of each parameter."""
    return {row.key: ParameterValue(row.decimal, row.scale) for row in parameters(scope)}
