"""
Versions of a merchant's calculation: how results become whole won, replaced formulas and own ones.

A version counts for orders whose start date is on or after the Seoul day of its moment; a cancel is computed by the
version of its order. Nothing is recorded anew by a version, except orders whose start date still lies ahead.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from access import audit
from core.actor import Actor
from core.errors import InvalidRequest
from core.scope import Scope
from settlement import calculators, terms
from settlement.fees import RoundingModes
from settlement.formulas import DEFAULTS, FormulaError, OwnFormula, Place, Problem, problems
from settlement.models import Calculator
from settlement.operations import _locks, recompute
from settlement.operations.parameters import LOCK

KIND = "calculator"
ROUNDING_COLUMNS = tuple(f"rounding_{item.name}" for item in fields(RoundingModes))


class InvalidCalculation(InvalidRequest):
    """Formulas of a version cannot be used; `problems` says which, what is wrong and where."""

    def __init__(self, found: Sequence[Problem]) -> None:
        super().__init__(_("계산식을 확인해 주세요."), problems=[_problem_json(problem) for problem in found])
        self.problems = tuple(found)


def _problem_json(problem: Problem) -> dict[str, object]:
    place: dict[str, object] = {"formula": problem.place.value}
    if problem.place is Place.OWN:
        place["number"] = problem.number
    if not isinstance(problem.wrong, FormulaError):
        return place | {"type": f"KEY_{problem.wrong.value}"}
    at = problem.wrong.position
    return place | {
        "type": problem.wrong.wrong.value,
        "start": {"line": at.start_line, "index": at.start_index},
        "end": {"line": at.end_line, "index": at.end_index},
    }


@dataclass(frozen=True, slots=True)
class CalculatorDraft:
    """A version to be saved. What stands in the place of a default formula, and own formulas in their order."""

    rounding: RoundingModes = field(default_factory=RoundingModes)
    replaced: Mapping[Place, str] = field(default_factory=dict)
    own: Sequence[OwnFormula] = ()
    memo: str = ""

    def problems(self, keys: Iterable[str]) -> list[Problem]:
        """Return what is wrong with it, given the keys of the parameters."""
        return problems(self.replaced, self.own, list(keys))

    def columns(self) -> dict[str, Any]:
        """Return the columns that store it."""
        modes = {name: getattr(self.rounding, name.removeprefix("rounding_")).value for name in ROUNDING_COLUMNS}
        # What reads like the default is the default.
        replaced = {place.value: text for place, text in self.replaced.items() if text != DEFAULTS[place]}
        return modes | {"memo": self.memo, "replaced": replaced, "own": terms.own_formulas_json(self.own)}


def unsaved(draft: CalculatorDraft, parameters: Iterable[str]) -> Calculator:
    """Return the version a draft would become, to be tried; `parameters` are their keys. Raises InvalidCalculation."""
    if found := draft.problems(parameters):
        raise InvalidCalculation(found)
    return Calculator(**draft.columns())


def save(
    *, scope: Scope, by: Actor, now: datetime, draft: CalculatorDraft, applied_at: datetime | None = None
) -> Calculator:
    """
    Save a version that counts from now, or from a chosen moment ahead, in the place of the one that waited.

    Orders whose start date lies ahead are computed again. Raises InvalidRequest for a moment that has passed, and
    InvalidCalculation.
    """
    if applied_at is not None and applied_at <= now:
        raise InvalidRequest(_("지금보다 뒤의 시각을 골라 주세요."), field="appliedAt")
    with transaction.atomic():
        _locks.by_name(scope, [LOCK])
        if found := draft.problems(calculators.defaults(scope)):
            raise InvalidCalculation(found)
        if applied_at is not None:
            _withdraw(scope, now)
        newest = Calculator.objects.within(scope).aggregate(number=Max("number"))["number"]
        made = Calculator.objects.create(
            **scope.filters(),
            **draft.columns(),
            number=(newest or 0) + 1,
            applied_at=applied_at or now,
            created_by=str(by),
        )
        _tell(scope, by, "saved", made)
        recompute.enqueue(scope=scope, by=by, now=now, reason=KIND)
    return made


def withdraw(*, scope: Scope, by: Actor, now: datetime) -> Calculator:
    """Withdraw the version whose moment lies ahead. Raises InvalidRequest when there is none."""
    with transaction.atomic():
        _locks.by_name(scope, [LOCK])
        gone = _withdraw(scope, now)
        if gone is None:
            raise InvalidRequest(_("예약한 계산식이 없어요."))
        _tell(scope, by, "withdrawn", gone)
        recompute.enqueue(scope=scope, by=by, now=now, reason=KIND)
    return gone


def _withdraw(scope: Scope, now: datetime) -> Calculator | None:
    # The row stays: an order whose start date lies ahead may stand under it, and keeps it if it was cancelled.
    ahead = calculators.future(scope, now)
    if ahead is not None:
        ahead.withdrawn_at = now
        ahead.save(update_fields=["withdrawn_at"])
    return ahead


def _tell(scope: Scope, by: Actor, verb: str, version: Calculator) -> None:
    audit.record(
        scope=scope,
        by=by,
        action=f"calculator.{verb}",
        kind=KIND,
        object_id=str(version.number),
        after={
            "applied_at": version.applied_at.isoformat(),
            **{name: getattr(version, name) for name in ROUNDING_COLUMNS},
            **{f"formula_{name}": text for name, text in version.replaced.items()},
            **{f"own_{item['key']}": item["expression"] for item in version.own},
        },
    )
