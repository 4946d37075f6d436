"""One line of a statement: why it is open, what explains it, and what people may do about it."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from access.roles import check as check_permission
from console.columns import Label, day, money
from console.pages import PageView
from core import clock
from core.errors import DomainError, InvalidRequest, NotFound
from ledger import naming
from payouts import queries as payout_queries
from payouts.models import Payout, PayoutStatus
from payouts.pages.asks import AskView, Facts
from payouts.pages.links import origin_url
from reconciliation import statement_queries as queries
from reconciliation.models import StatementLine
from reconciliation.operations import statement_desk
from reconciliation.pages.statements import links, shown
from reconciliation.pages.statements.desk import entry_row
from reconciliation.statements import wording
from reconciliation.statements.allowances import is_small, is_usual_fee
from reconciliation.statements.judging import Open

_MOST_CANDIDATES = 40
_MOST_PAYOUTS = 5
_LONGEST_REASON = 2_000
_PLACE = 18


class LinePage(PageView):
    """One line."""

    permission = Permission.VIEW
    title = gettext_lazy("명세 거래")

    def get(self, request: PageRequest, line_id: int) -> HttpResponse:
        """Show the line."""
        return _page(request, queries.line(request.scope, line_id))

    def post(self, request: PageRequest, line_id: int) -> HttpResponseBase:
        """Match it with the entries that were chosen."""
        check_permission(request, Permission.EDIT)
        found = queries.line(request.scope, line_id)
        try:
            statement_desk.match(
                scope=request.scope,
                line_id=line_id,
                legs=_chosen(request),
                reason=request.POST.get("reason", ""),
                by=request.actor,
                now=clock.now(),
            )
        except NotFound:
            raise
        except DomainError as refusal:
            return _page(request, found, str(refusal.message))
        messages.success(request, _("장부와 맞췄어요."))
        return redirect(links.line_url(line_id))


def _chosen(request: PageRequest) -> list[tuple[int, int]]:
    """Return the entries that were chosen: a suggestion, or those ticked one by one. Raises InvalidRequest."""
    choice = request.POST.get("choice", "")
    keys = choice.split(",") if choice and choice != "own" else request.POST.getlist("leg")
    parts = [key.partition(":") for key in keys]
    if not parts or not all(_is_place(journal) and _is_place(leg) for journal, _colon, leg in parts):
        raise InvalidRequest(_("맞출 장부 거래를 골라 주세요."), field="leg")
    return [(int(journal), int(leg)) for journal, _colon, leg in parts]


def _is_place(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _PLACE


def _page(request: PageRequest, found: StatementLine, error: str = "") -> HttpResponse:
    may_edit = allowed(request.role, Permission.EDIT)
    before, after = shown.neighbours(found)
    suggestions = queries.suggestions(found) if found.left and may_edit else []
    context = {
        "title": money(found.amount, found.currency),
        "line": found,
        "account": found.bank_account,
        "state": shown.LINE_BADGES[shown.state_of(found)],
        "why": wording.REASONS.get(found.reason, ""),
        "is_urgent": found.reason in wording.URGENT,
        "said": wording.SAID_BADGES.get(found.said),
        "other": shown.other_side({"bank": found.bank, "account_last4": found.account_last4}),
        "matches": [_match_row(one) for one in queries.matches(found)],
        "suggestions": [_suggestion(one, found.currency) for one in suggestions],
        "candidates": _candidates(found, suggestions) if found.left and may_edit else [],
        "actions": _actions(request, found),
        "before": links.line_url(before) if before else "",
        "after": links.line_url(after) if after else "",
        "error": error,
        "reason": request.POST.get("reason", ""),
        "may_match": may_edit and bool(found.left),
    }
    return render(request, "reconciliation/statement_line.html", context, status=409 if error else 200)


def _match_row(one: Any) -> dict[str, object]:
    return {
        "match": one,
        "event": naming.event(one.journal.event_type),
        "how": shown.HOWS[one.how],
        "url": origin_url(one.journal.origin_kind, one.journal.origin_id),
        "by": one.matched_by.partition(":")[2] or one.matched_by,
        "released_by": one.released_by.partition(":")[2] or one.released_by,
    }


def _suggestion(one: queries.Suggestion, currency: str) -> dict[str, object]:
    rows = [entry_row(entry, currency) for entry in one.entries]
    return {"value": ",".join(str(row["key"]) for row in rows), "why": shown.WHYS.get(one.why, ""), "rows": rows}


def _candidates(found: StatementLine, suggestions: Sequence[queries.Suggestion]) -> list[dict[str, object]]:
    """Return open entries of the same direction that no suggestion names alone, those of the nearest days first."""
    named = {one.entries[0] for one in suggestions if len(one.entries) == 1}
    same = [one for one in queries.open_entries(found.bank_account) if one.left * found.left > 0 and one not in named]
    same.sort(key=lambda one: (abs((one.day - found.day).days), abs(one.left - found.left)))
    return [entry_row(one, found.currency) for one in same[:_MOST_CANDIDATES]]


def _payouts(found: StatementLine) -> list[Payout]:
    """Return succeeded payouts of the account that could have come back as this line, the newest first."""
    most = found.amount + payout_queries.limits(found.scope).return_fee
    rows = Payout.objects.within(found.scope).filter(
        bulk_payout__bank_account=found.bank_account_id,
        status=PayoutStatus.SUCCEEDED,
        amount__range=(found.amount, most),
        currency=found.currency,
    )
    return list(rows.select_related("partner").order_by("-pk")[:_MOST_PAYOUTS])


# ---- What people may do


def _actions(request: PageRequest, found: StatementLine) -> list[tuple[Label, str, bool]]:
    """Return what fits this line as button, name of its page, and whether it is what usually follows."""
    may_edit, may_approve = (allowed(request.role, one) for one in (Permission.EDIT, Permission.PAYOUTS_APPROVE))
    fits: list[tuple[Label, str, bool]] = []
    came_in = found.amount > 0 and (not found.matched or found.reason == Open.SUSPENSE)
    if came_in and may_edit:
        fits.append((TopUpView.button, "statement-top-up", found.reason == Open.SUSPENSE))
    if came_in and may_approve:
        fits.append((CameBackView.button, "statement-came-back", False))
    if found.left < 0 and (may_approve or (may_edit and _is_usual_fee(found))):
        fits.append((FeeView.button, "statement-fee", found.reason == Open.FEE))
    if found.left and (may_approve or (may_edit and _is_small(found))):
        fits.append((WriteOffView.button, "statement-write-off", found.reason == Open.PART))
    if found.matched and may_edit:
        fits.append((UnmatchView.button, "statement-unmatch", False))
    return fits


def _is_usual_fee(found: StatementLine) -> bool:
    """Say whether what is open of a line is no more than a bank usually keeps."""
    return is_usual_fee(found.left, payout_queries.limits(found.scope).return_fee)


def _is_small(found: StatementLine) -> bool:
    """Say whether what is open of a line may be written off by one person."""
    return is_small(found.left, found.amount)


class ReasonForm(forms.Form):
    """Why something is done."""

    reason = forms.CharField(
        label=gettext_lazy("이유"),
        max_length=_LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("변경 이력에 남아서 다른 사람도 볼 수 있어요."),
    )


class PayoutForm(ReasonForm):
    """Which payout came back, and how somebody knows."""

    payout = forms.CharField(label=gettext_lazy("지급 번호"), max_length=100)
    field_order = ("payout", "reason")


class _LineAsk(AskView):
    """Base of what is done with a line; `needs` names the permissions of which one is enough."""

    permission = Permission.VIEW
    needs: ClassVar[tuple[Permission, ...]] = (Permission.EDIT,)
    form_class = ReasonForm
    title = gettext_lazy("명세 거래")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Let only those in who may do it."""
        if not any(allowed(getattr(request, "role", None), one) for one in self.needs):
            raise PermissionDenied(_("이 작업을 할 권한이 없어요. 관리자에게 권한을 요청해 주세요."))
        return super().dispatch(request, *args, **kwargs)

    def facts(self, request: PageRequest, key: str) -> Facts:
        """Name the line."""
        found = queries.line(request.scope, int(key))
        facts: list[tuple[Label, object]] = [
            (gettext_lazy("금액"), money(found.amount, found.currency)),
            (gettext_lazy("거래일"), day(found.day)),
            (gettext_lazy("계좌"), found.bank_account.name),
        ]
        if found.left and found.matched:
            facts.append((gettext_lazy("맞출 금액"), money(found.left, found.currency)))
        if found.name or found.memo:
            facts.append((gettext_lazy("적요"), " · ".join(filter(None, (found.name, found.memo)))))
        return facts

    def back(self, request: PageRequest, key: str) -> str:
        """Return to the line."""
        return links.line_url(queries.line(request.scope, int(key)).pk)

    def told(self, request: PageRequest, key: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return what every operation is told."""
        return {
            "scope": request.scope,
            "line_id": int(key),
            "reason": str(data["reason"]),
            "by": request.actor,
            "now": clock.now(),
        }


def _may_approve(request: PageRequest) -> bool:
    return allowed(request.role, Permission.PAYOUTS_APPROVE)


class UnmatchView(_LineAsk):
    """Take a match back."""

    heading = gettext_lazy("맞춘 것을 풀까요?")
    button = gettext_lazy("맞춤 풀기")
    says = gettext_lazy("이 줄로 만든 분개가 있으면 되돌리고, 저절로 다시 맞추지 않아요.")
    done = gettext_lazy("맞춘 것을 풀었어요.")
    danger = True

    def act(self, request: PageRequest, key: str, data: Mapping[str, Any]) -> None:
        """Release it."""
        statement_desk.unmatch(**self.told(request, key, data))


class TopUpView(_LineAsk):
    """Say that a deposit is the operator's own money."""

    heading = gettext_lazy("운영 자금으로 볼까요?")
    button = gettext_lazy("운영 자금으로 처리")
    says = gettext_lazy("우리 회사가 넣은 돈이에요. 가수금에서 운영 자금으로 옮기고, 지급에 쓸 수 있어요.")
    done = gettext_lazy("운영 자금으로 처리했어요.")

    def act(self, request: PageRequest, key: str, data: Mapping[str, Any]) -> None:
        """Book it."""
        statement_desk.top_up(**self.told(request, key, data))


class FeeView(_LineAsk):
    """Take a line as the bank's fee."""

    needs = (Permission.EDIT, Permission.PAYOUTS_APPROVE)
    heading = gettext_lazy("은행 수수료로 처리할까요?")
    button = gettext_lazy("은행 수수료로 처리")
    says = gettext_lazy(
        "맞출 금액을 은행 수수료로 기장해요. 한도를 넘으면 명세를 반영하지 않은 승인자가 처리해야 해요."
    )
    done = gettext_lazy("은행 수수료로 처리했어요.")

    def act(self, request: PageRequest, key: str, data: Mapping[str, Any]) -> None:
        """Book it; beyond the usual only an approver does."""
        statement_desk.book_fee(**self.told(request, key, data), may_approve=_may_approve(request))


class WriteOffView(_LineAsk):
    """Write a small difference off."""

    needs = (Permission.EDIT, Permission.PAYOUTS_APPROVE)
    heading = gettext_lazy("남은 차이를 정리할까요?")
    button = gettext_lazy("차이 정리")
    says = gettext_lazy(
        "맞출 금액을 대사 차손이나 차익으로 기장해요. 한도를 넘으면 명세를 반영하지 않은 승인자가 처리해야 해요."
    )
    done = gettext_lazy("차이를 정리했어요.")

    def act(self, request: PageRequest, key: str, data: Mapping[str, Any]) -> None:
        """Book it; beyond the tolerance only an approver does."""
        statement_desk.write_off(**self.told(request, key, data), may_approve=_may_approve(request))


class CameBackView(_LineAsk):
    """Say that a deposit is a payout that came back. An approver does, as it undoes a payment."""

    permission = Permission.PAYOUTS_APPROVE
    needs = (Permission.PAYOUTS_APPROVE,)
    heading = gettext_lazy("반송된 지급으로 볼까요?")
    button = gettext_lazy("반송된 지급으로 처리")
    says = gettext_lazy(
        "지급이 반송으로 바뀌고 파트너에게 다시 지급할 수 있게 돼요. 은행에서 직접 확인한 다음에 처리해 주세요."
    )
    done = gettext_lazy("지급을 반송으로 처리했어요.")
    needs_code = True
    danger = True
    form_class = PayoutForm

    def facts(self, request: PageRequest, key: str) -> Facts:
        """Name the line, and payouts it could be."""
        found = queries.line(request.scope, int(key))
        likely = [
            f"{row.public_id} · {row.partner.name} · {money(row.amount, row.currency)}" for row in _payouts(found)
        ]
        return [*super().facts(request, key), (gettext_lazy("금액이 맞는 지급"), ", ".join(likely) or _("없어요"))]

    def act(self, request: PageRequest, key: str, data: Mapping[str, Any]) -> None:
        """Record the return."""
        payout_id = str(data["payout"]).strip()
        statement_desk.came_back(
            **self.told(request, key, data), payout_id=payout_id, may_approve=_may_approve(request)
        )
