"""Our own API: playing a case of the conformance format, which leaves nothing behind."""

from collections.abc import Mapping
from decimal import InvalidOperation
from typing import Any, Final

from django.db import DatabaseError
from django.utils.translation import gettext as _

from access.api import ApiRequest
from access.roles import ApiScope
from core import clock
from core.errors import InvalidRequest
from core.money import AmountOutOfRange, CurrencyNotSupported
from matching.api_base import MatchingView
from matching.cases import Outcome, run_case

Shape = dict[str, Any]
MOST_STEPS: Final = 200
MOST_LINES: Final = 1_000
_NEED_A_VENDOR: Final = frozenset({"create_order", "enter_invoice"})


class Evaluate(MatchingView):
    """POST /matching/evaluate."""

    acts = False
    idempotent = False
    writes = ApiScope.MATCHING_READ

    def post(self, request: ApiRequest) -> Shape:
        """Play a case against a fresh company, and answer what differed and what could be seen after each step."""
        case = {name: request.fields.raw(name) for name in request.fields.keys()}  # noqa: SIM118 - Fields is no mapping
        _check_size(case)
        outcome = _played(case)
        return {**outcome.told(), "steps": outcome.steps}


def _check_size(case: Shape) -> None:
    steps = case.get("steps")
    if not isinstance(steps, list):
        return
    if len(steps) > MOST_STEPS:
        raise InvalidRequest(_("단계는 %(most)d개까지 쓸 수 있어요.") % {"most": MOST_STEPS}, field="steps")
    lines = sum(len(step["lines"]) for step in steps if isinstance(step, dict) and isinstance(step.get("lines"), list))
    if lines > MOST_LINES:
        raise InvalidRequest(_("라인은 모두 %(most)d개까지 쓸 수 있어요.") % {"most": MOST_LINES}, field="steps")


def _played(case: Mapping[str, object]) -> Outcome:
    wrong = _misshapen(case)
    if wrong:
        return _cannot_run(case, wrong)
    try:
        return run_case(case, name="case", now=clock.now(), keeps_steps=True)
    except (DatabaseError, InvalidOperation, OverflowError, AmountOutOfRange, CurrencyNotSupported) as error:
        # Figures beyond what documents hold, names too long, the same line twice: no company could have these rows.
        return _cannot_run(case, str(error).partition("\n")[0] or type(error).__name__)


def _cannot_run(case: Mapping[str, object], why: str) -> Outcome:
    difference = {"step": 0, "path": "error", "expected": None, "actual": why}
    return Outcome(str(case.get("case") or "case"), [difference])


def _misshapen(case: Mapping[str, object]) -> str:
    """Return which part of a case is not of the kind that playing it takes for granted; empty when none is."""
    steps = case.get("steps")
    for place, step in enumerate(steps if isinstance(steps, list) else []):
        if not isinstance(step, dict):
            continue
        at = f"case.steps[{place}]"
        if step.get("do") in _NEED_A_VENDOR and not step.get("vendor"):
            return f"{at}.vendor: a text is expected"
        company, expected = step.get("company"), step.get("expect")
        if isinstance(company, dict) and not isinstance(company.get("per_total_settings", {}), dict):
            return f"{at}.company.per_total_settings: an object is expected"
        if isinstance(expected, dict):
            for name in ("invoices", "orders", "receipts"):
                if not isinstance(expected.get(name, {}), dict):
                    return f"{at}.expect.{name}: an object is expected"
    return ""
