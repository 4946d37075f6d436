"""Our own API: playing a case of the conformance format, which leaves nothing behind."""

from typing import Any, Final

from django.utils.translation import gettext as _

from access.api import ApiRequest
from access.roles import ApiScope
from core import clock
from core.errors import InvalidRequest
from matching.api_base import MatchingView
from matching.cases import run_case

Shape = dict[str, Any]
MOST_STEPS: Final = 200
MOST_LINES: Final = 1_000


class Evaluate(MatchingView):
    """POST /matching/evaluate."""

    acts = False
    idempotent = False
    writes = ApiScope.MATCHING_READ

    def post(self, request: ApiRequest) -> Shape:
        """Play a case against a fresh company, and answer what differed and what could be seen after each step."""
        case = {name: request.fields.raw(name) for name in request.fields.keys()}  # noqa: SIM118 - Fields is no mapping
        _check_size(case)
        outcome = run_case(case, name="case", now=clock.now(), keeps_steps=True)
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
