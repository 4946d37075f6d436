"""
Something done that is asked about first: GET repeats what it is about, POST does it.

The dialog and the page are the same; what needs a fresh one-time code asks for one in the form.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from access import stepup
from access.requests import PageRequest
from console.columns import Label
from console.pages import PageView, is_htmx

Facts = Sequence[tuple[Label, object]]


class AskView(PageView):
    """Base of such actions; `key` is what the address names."""

    heading: ClassVar[Label]
    button: ClassVar[Label]
    says: ClassVar[Label]
    done: ClassVar[Label]
    danger: ClassVar[bool] = False
    needs_code: ClassVar[bool] = False
    form_class: ClassVar[type[forms.Form]] = forms.Form

    def facts(self, request: PageRequest, key: str) -> Facts:
        """Return what it is about, as label and text. Raises NotFound."""
        raise NotImplementedError

    def act(self, request: PageRequest, key: str, data: Mapping[str, Any]) -> None:
        """Do it."""
        raise NotImplementedError

    def back(self, request: PageRequest, key: str) -> str:
        """Return where it leads afterwards."""
        raise NotImplementedError

    def get(self, request: PageRequest, key: str = "") -> HttpResponse:
        """Ask."""
        return self._ask(request, key, self.form_class())

    def post(self, request: PageRequest, key: str = "") -> HttpResponseBase:
        """Do it."""
        form = self.form_class(request.POST)
        if not form.is_valid():
            return self._ask(request, key, form)
        if self.needs_code and (asked := stepup.missing(request)):
            return asked
        target = self.back(request, key)
        self.act(request, key, form.cleaned_data)
        messages.success(request, str(self.done))
        return redirect(target)

    def _ask(self, request: PageRequest, key: str, form: forms.Form) -> HttpResponse:
        context = {
            "action": self,
            "title": self.heading,
            "facts": self.facts(request, key),
            "form": form,
            "ask_code": self.needs_code and not stepup.is_fresh(request),
            "code_field": stepup.CODE_FIELD,
            "back": self.back(request, key),
        }
        return render(request, "payouts/_sure.html" if is_htmx(request) else "payouts/sure.html", context)
