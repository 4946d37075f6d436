"""Playing a case: step after step against a fresh merchant, in a transaction that is rolled back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import InvalidOperation
from typing import Any, Final

from django.db import DatabaseError, transaction

from access.operations import create_merchant
from core import actor
from core.errors import DomainError
from core.money import AmountOutOfRange, CurrencyNotSupported
from core.scope import Scope
from matching.cases import state
from matching.cases.differences import Difference, differences
from matching.cases.reading import CannotRun, Part
from matching.cases.verbs import VERBS, Stage, open_stage
from matching.operations import recalculation

# Figures beyond what documents hold, names too long, the same line twice: no company could have these rows.
_NO_SUCH_ROWS: Final = (DatabaseError, InvalidOperation, OverflowError, AmountOutOfRange, CurrencyNotSupported)
_EXPECTED = ("invoices", "orders", "receipts", "warnings")
_LOOKS = {"invoices": state.invoices, "orders": state.orders, "receipts": state.receipts}


@dataclass
class Outcome:
    """What came of a case: every difference, and for each step what could be seen after it."""

    case: str
    differences: list[Difference] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Say whether everything was as stated."""
        return not self.differences

    def told(self) -> dict[str, Any]:
        """Return the outcome as the command prints it."""
        return {"case": self.case, "ok": self.ok, "differences": self.differences}


def run_case(data: object, *, name: str, now: datetime, keeps_steps: bool = False) -> Outcome:
    """
    Play a case and leave nothing behind; with `keeps_steps` all documents are looked at after every step.

    `name` is what the case is called when it does not say. A case that cannot be run is one difference at `error`.
    """
    outcome = Outcome(name)
    with transaction.atomic():
        merchant = create_merchant(name="case", by=actor.system("matching.case"), now=now)
        _play(outcome, data, Stage(Scope(merchant.pk, is_test=True), now), keeps_steps=keeps_steps)
        transaction.set_rollback(True)
    return outcome


def _play(outcome: Outcome, data: object, stage: Stage, *, keeps_steps: bool) -> None:
    at = 0
    try:
        case = Part(data, "case")
        outcome.case = case.text("case")
        case.raw("about")
        steps = case.parts("steps")
        case.done()
        open_stage(stage)
        for at, step in enumerate(steps, start=1):
            _step(outcome, at, step, stage, keeps_steps=keeps_steps)
    except (CannotRun, *_NO_SUCH_ROWS) as error:
        why = str(error).partition("\n")[0] or type(error).__name__
        outcome.differences.append({"step": at, "path": "error", "expected": None, "actual": why})


def _step(outcome: Outcome, at: int, step: Part, stage: Stage, *, keeps_steps: bool) -> None:
    verb = VERBS.get(step.text("do"))
    if verb is None:
        raise CannotRun(f"{step.at}.do: nobody knows this verb")
    step.raw("name")
    expected, refused = step.raw("expect"), step.maybe_text("refused")
    warnings: list[str] = []
    code = None
    try:
        if step.text("do") == "post":
            # A refused posting keeps the matching run of its fourth gate.
            warnings = verb(stage, step)
        else:
            with transaction.atomic():
                warnings = verb(stage, step)
                step.done()
    except DomainError as error:
        code = error.code
    step.done()
    while recalculation.work_off(now=stage.now, scope=stage.scope):
        pass
    if code != refused:
        outcome.differences.append({"step": at, "path": "refused", "expected": refused, "actual": code})
    if expected is not None:
        outcome.differences += [{"step": at, **one} for one in _compare(expected, stage, warnings, step)]
    if keeps_steps:
        seen = {name: look(stage.scope) for name, look in _LOOKS.items()}
        outcome.steps.append({"refused": code, **seen, "warnings": warnings})


def _compare(expected: object, stage: Stage, warnings: list[str], step: Part) -> list[Difference]:
    if not isinstance(expected, Mapping):
        raise CannotRun(f"{step.at}.expect: an object is expected")
    for name, value in expected.items():
        if name not in _EXPECTED:
            raise CannotRun(f"{step.at}.expect.{name}: nobody knows this field")
        if name in _LOOKS and not isinstance(value, Mapping):
            raise CannotRun(f"{step.at}.expect.{name}: an object is expected")
    seen: dict[str, Any] = {"warnings": warnings}
    for name, look in _LOOKS.items():
        if name in expected:
            seen[name] = look(stage.scope, set(expected[name]))
    return list(differences(expected, seen))
