"""지급 한도: the amounts above which a second person approves, and what a bank may keep of returned money."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access import stepup
from access.requests import PageRequest
from access.roles import Permission, allowed, check
from console.pages import PageView
from core import clock
from payouts import queries
from payouts.models import PayoutLimits
from payouts.operations import limits
from settlement.forms import WonField

_FIELDS = ("bulk", "day", "person_day", "return_fee")


class LimitsForm(forms.Form):
    """Amounts in won; an empty one is no limit."""

    bulk = WonField(
        label=gettext_lazy("일괄지급 한 건"),
        required=False,
        help_text=gettext_lazy("한 건의 합계가 이 금액을 넘으면 두 사람이 승인해요. 비우면 한도가 없어요."),
    )
    day = WonField(
        label=gettext_lazy("하루 승인 합계"),
        required=False,
        help_text=gettext_lazy("그날 승인한 금액의 합계가 이 금액을 넘게 되면 두 사람이 승인해요."),
    )
    person_day = WonField(
        label=gettext_lazy("한 사람의 하루 승인 합계"),
        required=False,
        help_text=gettext_lazy("한 사람이 그날 승인한 금액의 합계가 이 금액을 넘게 되면 다른 사람도 승인해요."),
    )
    return_fee = WonField(
        label=gettext_lazy("반송 수수료"),
        help_text=gettext_lazy(
            "돌아온 돈이 이만큼까지 모자라면 은행 수수료로 처리해요. 파트너에게는 전액을 돌려 놓아요."
        ),
    )

    @classmethod
    def showing(cls, found: PayoutLimits) -> "LimitsForm":
        """Return the form with what is in force."""
        initial = {name: getattr(found, name) for name in _FIELDS}
        return cls(initial={name: f"{value:,}" for name, value in initial.items() if value is not None})


class LimitsView(PageView):
    """See the limits; an admin changes them and proves who they are."""

    permission = Permission.VIEW
    title = gettext_lazy("지급 한도")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show what is in force."""
        return self._show(request, LimitsForm.showing(queries.limits(request.scope)))

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Set the limits."""
        check(request, Permission.MANAGE)
        form = LimitsForm(request.POST)
        if not form.is_valid():
            return self._show(request, form, 400)
        if asked := stepup.missing(request):
            return asked
        wanted: dict[str, Any] = {name: form.cleaned_data[name] for name in _FIELDS}
        limits.change(scope=request.scope, by=request.actor, now=clock.now(), **wanted)
        messages.success(request, _("지급 한도를 바꿨어요. 지금부터 승인을 요청하는 일괄지급에 적용돼요."))
        return redirect("payouts:limits")

    def _show(self, request: PageRequest, form: LimitsForm, status: int = 200) -> HttpResponse:
        context = {
            "title": self.title,
            "form": form,
            "may_change": allowed(request.role, Permission.MANAGE),
            "ask_code": not stepup.is_fresh(request),
            "code_field": stepup.CODE_FIELD,
        }
        return render(request, "payouts/limits.html", context, status=status)
