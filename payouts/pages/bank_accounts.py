"""계좌 추가: setting up an account to pay from, and the way it pays."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access import stepup
from access.requests import PageRequest
from access.roles import Permission
from console.columns import Label
from console.pages import PageView
from core import clock
from core.scope import Scope
from payouts.models import BankAccount
from payouts.operations import funds
from payouts.rails.files.order import BANK_NUMBERS
from settlement.pages import banks

_LEAST_DIGITS, _MOST_DIGITS = 4, 16
# How an account may pay. The test environment has a bank of its own, which moves no money.
RAILS: Mapping[str, Label] = {
    "simulator": gettext_lazy("은행에 바로 보내기"),
    "file": gettext_lazy("이체 파일로 보내기"),
}
TEST_RAILS: Mapping[str, Label] = {"test": gettext_lazy("테스트 은행"), "file": RAILS["file"]}


def rails_for(scope: Scope) -> Mapping[str, Label]:
    """Return how an account of a scope may pay."""
    return TEST_RAILS if scope.is_test else RAILS


class AccountForm(forms.Form):
    """An account of the merchant's own, and how it pays."""

    name = forms.CharField(
        label=gettext_lazy("계좌 이름"),
        max_length=100,
        help_text=gettext_lazy("일괄지급을 만들 때 이 이름으로 골라요."),
    )
    bank = forms.ChoiceField(label=gettext_lazy("은행"))
    number = forms.CharField(
        label=gettext_lazy("계좌번호"),
        max_length=40,
        help_text=gettext_lazy("암호화해서 보관하고, 저장한 뒤에는 끝 네 자리만 보여요."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    holder = forms.CharField(label=gettext_lazy("예금주"), max_length=140)
    rail = forms.ChoiceField(
        label=gettext_lazy("보내는 방법"),
        help_text=gettext_lazy("이체 파일로 보내면 사람이 파일을 받아서 은행에 내고, 은행의 결과 파일을 올려요."),
    )

    def __init__(self, *args: Any, scope: Scope, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, options in (("bank", banks.choices()), ("rail", rails_for(scope).items())):
            chosen = self.fields[name]
            if isinstance(chosen, forms.ChoiceField):
                chosen.choices = [("", _("고르기")), *options]

    def clean_number(self) -> str:
        """Keep the digits; anything but digits and separators is refused."""
        given = str(self.cleaned_data["number"])
        digits = "".join(char for char in given if char.isascii() and char.isdecimal())
        if not _LEAST_DIGITS <= len(digits) <= _MOST_DIGITS or given.strip("0123456789- "):
            raise forms.ValidationError(_("숫자 4~16자리로 적어 주세요. 줄표는 써도 돼요."))
        return digits

    def clean(self) -> dict[str, Any]:
        """Refuse a bank whose number no file can name."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("rail") == "file" and data.get("bank") not in BANK_NUMBERS:
            self.add_error("bank", _("이체 파일에 적을 은행 번호가 없는 은행이에요."))
        return data


class NewAccountView(PageView):
    """계좌 추가. Money will leave from it, so whoever adds it proves who they are."""

    permission = Permission.MANAGE
    title = gettext_lazy("지급 계좌 추가")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the form."""
        return self._show(request, AccountForm(scope=request.scope))

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Set the account up."""
        form = AccountForm(request.POST, scope=request.scope)
        if form.is_valid() and self._known(request, form):
            form.add_error("number", _("이미 있는 계좌예요."))
        if not form.is_valid():
            return self._show(request, form, 400)
        if asked := stepup.missing(request):
            return asked
        made = funds.open_bank_account(scope=request.scope, by=request.actor, now=clock.now(), **form.cleaned_data)
        messages.success(request, _("지급 계좌 %(name)s을(를) 추가했어요.") % {"name": made.name})
        return redirect(reverse("payouts:accounts"))

    def _known(self, request: PageRequest, form: AccountForm) -> bool:
        mine = BankAccount.objects.within(request.scope).filter(bank=form.cleaned_data["bank"]).exclude(rail="")
        return any(bytes(row.number_sealed) and funds.number_of(row) == form.cleaned_data["number"] for row in mine)

    def _show(self, request: PageRequest, form: AccountForm, status: int = 200) -> HttpResponse:
        context = {
            "title": self.title,
            "form": form,
            "ask_code": not stepup.is_fresh(request),
            "code_field": stepup.CODE_FIELD,
        }
        return render(request, "payouts/account_new.html", context, status=status)
