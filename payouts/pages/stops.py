"""The switch: stopping everything that goes to the bank, letting it go on again, and the bar that says so."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Label, moment
from core import clock
from core.errors import NotFound
from core.scope import Scope
from payouts import queries
from payouts.forms import NeededReasonForm
from payouts.models import DispatchStop, StopKind
from payouts.operations import stopping
from payouts.pages import reads, shown
from payouts.pages.asks import AskView, Facts


def open_stops(scope: Scope) -> list[DispatchStop]:
    """Return what keeps this scope from sending now."""
    return list(queries.open_stops(scope))


def bar(request: PageRequest) -> dict[str, object] | None:
    """Return what the bar on the pages of payouts says; None while nothing is stopped, and on other pages."""
    match = request.resolver_match
    if match is None or match.app_name != "payouts" or getattr(request, "scope", None) is None:
        return None
    found = open_stops(request.scope)
    if not found:
        return None
    return {
        "stops": [(row, shown.told(row.reason), shown.person(row.started_by)) for row in found],
        "here": match.url_name == "accounts",
    }


def panel(request: PageRequest) -> dict[str, object]:
    """Return what the page of accounts shows about stopping."""
    rows = open_stops(request.scope)
    return {
        "stops": [(row, shown.told(row.reason), shown.person(row.started_by)) for row in rows],
        "may_stop": allowed(request.role, Permission.PAYOUTS_STOP)
        and not any(row.kind == StopKind.SWITCH and row.merchant_id for row in rows),
        "may_resume": allowed(request.role, Permission.PAYOUTS_APPROVE),
    }


class StopView(AskView):
    """이체 멈추기."""

    permission = Permission.PAYOUTS_STOP
    heading = gettext_lazy("모든 이체를 멈출까요?")
    button = gettext_lazy("모두 멈추기")
    says = gettext_lazy(
        "아직 은행에 보내지 않은 지급이 모두 기다려요. 이미 보낸 지급은 끝까지 확인해요. "
        "다시 시작하려면 승인자가 필요해요."
    )
    done = gettext_lazy("이체를 멈췄어요.")
    danger = True
    form_class = NeededReasonForm

    def facts(self, request: PageRequest, key: str) -> Facts:  # noqa: ARG002 - there is one switch
        """Say how much is on its way."""
        unsent = reads.unsent(request.scope)
        return [(_("아직 보내지 않은 지급"), ngettext("%(count)d건", "%(count)d건", unsent) % {"count": unsent})]

    def act(self, request: PageRequest, key: str, data: Mapping[str, Any]) -> None:  # noqa: ARG002 - likewise
        """Throw the switch."""
        stopping.stop(scope=request.scope, reason=str(data["reason"]), by=request.actor, now=clock.now())

    def back(self, request: PageRequest, key: str) -> str:  # noqa: ARG002 - likewise
        """Return to the accounts."""
        return reverse("payouts:accounts")


class ResumeView(AskView):
    """다시 시작하기."""

    permission = Permission.PAYOUTS_APPROVE
    heading = gettext_lazy("이체를 다시 시작할까요?")
    button = gettext_lazy("다시 시작하기")
    says = gettext_lazy("기다리던 지급이 은행에 나가기 시작해요. 멈춘 까닭이 풀렸는지 확인해 주세요.")
    done = gettext_lazy("다시 시작했어요.")
    needs_code = True
    form_class = NeededReasonForm

    def facts(self, request: PageRequest, key: str) -> Facts:
        """Say what was stopped, why and by whom."""
        found = queries.stops(request.scope).filter(pk=_number(key)).first()
        if found is None:
            raise NotFound(_("중단 기록을 찾을 수 없어요."))
        facts: list[tuple[Label, object]] = [
            (_("종류"), found.get_kind_display()),
            (_("사유"), shown.told(found.reason)),
            (_("멈춘 때"), f"{moment(found.started_at)} · {shown.person(found.started_by)}"),
        ]
        strange = ", ".join(str(one) for one in found.facts.get("references", ())[:10])
        return [*facts, (_("모르는 이체 번호"), strange)] if strange else facts

    def act(self, request: PageRequest, key: str, data: Mapping[str, Any]) -> None:
        """End the stop."""
        reason = str(data["reason"])
        stopping.resume(scope=request.scope, stop_id=_number(key), reason=reason, by=request.actor, now=clock.now())

    def back(self, request: PageRequest, key: str) -> str:  # noqa: ARG002 - the accounts show every stop
        """Return to the accounts."""
        return reverse("payouts:accounts")


_DIGITS = 18


def _number(key: str) -> int:
    return int(key) if key.isascii() and key.isdecimal() and len(key) <= _DIGITS else 0
