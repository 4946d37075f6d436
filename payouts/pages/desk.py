"""
확인 필요: one payout whose result nobody knows, with what was heard and what is safe to do about it, and when.

Operators ask again or propose a result with evidence; another person, an approver, confirms it with a fresh code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Label, day, moment, won
from console.pages import PageView
from core import clock
from core.errors import DomainError, NotFound
from payouts import desk, queries
from payouts.desk import SafeAction
from payouts.forms import DecisionForm, NeededReasonForm
from payouts.models import Attempt, DecisionState, HandDecision, HandOutcome, Payout
from payouts.operations import asking, deciding
from payouts.pages import links, reads, shown
from payouts.pages.asks import AskView, Facts

ACTIONS: Mapping[str, Label] = {
    "ask": gettext_lazy("은행에 지금 물어보기"),
    "paid": gettext_lazy("지급된 것으로 정하기"),
    "unpaid": gettext_lazy("지급되지 않은 것으로 정하기"),
    "resend": gettext_lazy("같은 번호로 다시 보내기"),
}


def case_url(payout_id: str) -> str:
    """Return the page on which an unknown result is worked off."""
    return reverse("payouts:case", args=[payout_id])


@dataclass(frozen=True, slots=True)
class Choice:
    """A safe action as the page shows it."""

    action: SafeAction
    label: Label
    safe: bool

    @property
    def never(self) -> bool:
        """Say whether it is never safe with this bank."""
        return self.action.safe_from is None


def _choices(attempt: Attempt, now: datetime) -> list[Choice]:
    return [Choice(one, ACTIONS[one.name], one.is_safe(now)) for one in desk.safe_actions(attempt, now)]


class CaseView(PageView):
    """One payout whose result is not known."""

    permission = Permission.VIEW
    title = gettext_lazy("결과 확인")

    def get(self, request: PageRequest, payout_id: str) -> HttpResponse:
        """Show what is known, and what can be done."""
        return self._show(request, payout_id, DecisionForm())

    def post(self, request: PageRequest, payout_id: str) -> HttpResponseBase:
        """Propose a result with its evidence."""
        if not allowed(request.role, Permission.UNKNOWN_PROPOSE):
            raise PermissionDenied(_("지급 결과는 정산 담당자가 올릴 수 있어요."))
        form = DecisionForm(request.POST)
        if not form.is_valid():
            return self._show(request, payout_id, form)
        try:
            deciding.propose(
                scope=request.scope,
                payout_id=payout_id,
                outcome=HandOutcome(form.cleaned_data["outcome"]),
                evidence=form.cleaned_data["evidence"],
                executed_on=form.cleaned_data["executed_on"],
                by=request.actor,
                now=clock.now(),
            )
        except NotFound:
            raise
        except DomainError as refusal:
            form.add_error(None, str(refusal.message))
            return self._show(request, payout_id, form, status=refusal.status)
        messages.success(request, _("결과를 올렸어요. 승인자가 확인하면 반영돼요."))
        return redirect(case_url(payout_id))

    def _show(self, request: PageRequest, payout_id: str, form: DecisionForm, status: int = 200) -> HttpResponse:
        now = clock.now()
        payout = queries.find_payout(request.scope, payout_id)
        attempt = reads.undecided_attempt(payout)
        if attempt is None:
            messages.info(request, _("결과가 나왔어요. 아래에서 확인해 주세요."))
            return redirect("payouts:payout", payout_id)
        proposals = _decisions(payout)
        waiting = next((row for row in proposals if row.state == DecisionState.PROPOSED), None)
        context = {
            "title": payout.partner.name,
            "payout": payout,
            "status": shown.PAYOUT_BADGES[payout.status],
            "account": shown.destination(payout.bank, payout.account_last4),
            "attempt": attempt,
            "attempt_badge": shown.ATTEMPT_BADGES[attempt.state],
            "waited": shown.waited(now, attempt.submitted_at),
            "heard": [
                (row, shown.CALLS.get(row.call, row.call), shown.OUTCOME_BADGES.get(row.outcome))
                for row in reads.evidence_about(payout)[:20]
            ],
            "choices": _choices(attempt, now),
            "form": form,
            "may_propose": allowed(request.role, Permission.UNKNOWN_PROPOSE) and waiting is None,
            "may_ask": _may_ask(request),
            "waiting": waiting,
            "may_confirm": allowed(request.role, Permission.UNKNOWN_CONFIRM)
            and waiting is not None
            and waiting.proposed_by_id != request.user.pk,
            "own": waiting is not None and waiting.proposed_by_id == request.user.pk,
            "earlier": [row for row in proposals if row.state != DecisionState.PROPOSED],
        }
        return render(request, "payouts/case.html", context, status=status)


def _may_ask(request: PageRequest) -> bool:
    return any(allowed(request.role, one) for one in (Permission.UNKNOWN_PROPOSE, Permission.UNKNOWN_CONFIRM))


def _decisions(payout: Payout) -> Sequence[HandDecision]:
    return list(HandDecision.objects.filter(attempt__payout=payout).order_by("-pk"))


class AskNowView(PageView):
    """Ask the bank at once; nothing can go wrong by asking."""

    permission = Permission.VIEW

    def post(self, request: PageRequest, payout_id: str) -> HttpResponseBase:
        """Make the next inquiry due."""
        if not _may_ask(request):
            raise PermissionDenied(_("은행에 물어볼 권한이 없어요."))
        asking.ask_now(scope=request.scope, payout_id=payout_id, by=request.actor, now=clock.now())
        messages.success(request, _("은행에 물어보고 있어요. 답이 오면 여기에 나와요."))
        return redirect(case_url(payout_id))


class _DecisionView(AskView):
    """Something done with a proposal; `ends` says that the payout has its result afterwards."""

    ends: ClassVar[bool] = False

    def _find(self, request: PageRequest, key: str) -> HandDecision:
        rows = HandDecision.objects.within(request.scope).select_related("attempt__payout__partner")
        found = rows.filter(public_id=key).first()
        if found is None:
            raise NotFound(f"decision {key} does not exist")
        return found

    def facts(self, request: PageRequest, key: str) -> Facts:
        """Repeat what was proposed, by whom and on what evidence."""
        found = self._find(request, key)
        payout = found.attempt.payout
        facts: list[tuple[Label, object]] = [
            (_("파트너"), payout.partner.name),
            (_("지급 금액"), won(payout.amount)),
            (_("올린 결과"), found.get_outcome_display()),
            (_("올린 사람"), f"{found.proposed_by} · {moment(found.proposed_at)}"),
            (_("근거"), found.evidence),
            (_("이체 번호"), found.attempt.reference),
        ]
        return [*facts, (_("지급된 날"), day(found.executed_on))] if found.executed_on else facts

    def back(self, request: PageRequest, key: str) -> str:
        """Return to the payout: to its case, or to itself when it has its result."""
        payout_id = self._find(request, key).attempt.payout.public_id
        return links.payout_url(payout_id) if self.ends and request.method == "POST" else case_url(payout_id)


class ConfirmView(_DecisionView):
    """Confirm what another person proposed."""

    permission = Permission.UNKNOWN_CONFIRM
    heading = gettext_lazy("이 결과를 확인할까요?")
    button = gettext_lazy("확인하기")
    says = gettext_lazy("확인하면 은행의 답처럼 바로 반영되고 되돌릴 수 없어요. 근거를 직접 확인한 뒤에 눌러 주세요.")
    done = gettext_lazy("결과를 확인하고 반영했어요.")
    needs_code = True
    ends = True

    def act(self, request: PageRequest, key: str, data: Mapping[str, Any]) -> None:  # noqa: ARG002 - asks nothing
        """Confirm it."""
        deciding.confirm(scope=request.scope, decision_id=key, by=request.actor, now=clock.now())


class RejectView(_DecisionView):
    """Reject what another person proposed."""

    permission = Permission.UNKNOWN_CONFIRM
    heading = gettext_lazy("이 결과를 반려할까요?")
    button = gettext_lazy("반려하기")
    says = gettext_lazy("올린 사람이 근거를 고쳐서 다시 올릴 수 있도록 사유를 적어 주세요.")
    done = gettext_lazy("반려했어요.")
    danger = True
    needs_code = True
    form_class = NeededReasonForm

    def act(self, request: PageRequest, key: str, data: Mapping[str, Any]) -> None:
        """Reject it with a reason."""
        deciding.reject(
            scope=request.scope, decision_id=key, reason=str(data["reason"]), by=request.actor, now=clock.now()
        )


class WithdrawView(_DecisionView):
    """Take back one's own proposal."""

    permission = Permission.UNKNOWN_PROPOSE
    heading = gettext_lazy("올린 결과를 철회할까요?")
    button = gettext_lazy("철회하기")
    says = gettext_lazy("아무것도 반영되지 않고, 다시 올릴 수 있어요.")
    done = gettext_lazy("철회했어요.")

    def act(self, request: PageRequest, key: str, data: Mapping[str, Any]) -> None:  # noqa: ARG002 - asks nothing
        """Withdraw it."""
        deciding.withdraw(scope=request.scope, decision_id=key, by=request.actor, now=clock.now())
