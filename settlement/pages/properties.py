"""속성: what a merchant notes about its partners and records beyond what everybody notes."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.pages import PageView
from core import clock
from core.errors import DomainError, NotFound
from settlement.forms import PropertyForm
from settlement.models import PropertyTarget
from settlement.operations import properties as operations


class PropertiesView(PageView):
    """The properties of partners and of records, with a form that adds one."""

    permission = Permission.VIEW
    title = gettext_lazy("속성")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show what the reader may see."""
        return self.show(request, PropertyForm())

    def show(self, request: PageRequest, form: forms.Form, status: int = 200) -> HttpResponse:
        """Show the properties with a form."""
        context = {
            "title": self.title,
            "form": form,
            "groups": [
                (target, target.label, operations.visible(request.scope, request.role, target))
                for target in PropertyTarget
            ],
            "most": operations.MOST,
            "may_change": allowed(request.role, Permission.MANAGE),
        }
        return render(request, "settlement/properties.html", context, status=status)


class PropertyAddView(PageView):
    """Define a property."""

    permission = Permission.MANAGE
    title = gettext_lazy("속성")

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Define it, or show what is wrong."""
        form = PropertyForm(request.POST)
        if form.is_valid():
            data = form.cleaned_data
            try:
                operations.define(
                    scope=request.scope,
                    by=request.actor,
                    now=clock.now(),
                    target=PropertyTarget(data["target"]),
                    key=data["key"],
                    name=data["name"],
                    is_secret=data["is_secret"],
                )
            except DomainError as refusal:
                form.tell(refusal)
            else:
                messages.success(request, _("속성을 추가했어요: %(name)s") % {"name": data["name"]})
                return redirect("settlement:properties")
        return PropertiesView().show(request, form, status=422)


class PropertyChangeView(PageView):
    """Rename a property, make it secret or public, or remove it."""

    permission = Permission.MANAGE

    def post(self, request: PageRequest, target: str, key: str) -> HttpResponseBase:
        """Do what the button says."""
        if target not in PropertyTarget.values:
            raise NotFound
        of = PropertyTarget(target)
        decision = request.POST.get("decision", "")
        if decision == "rename":
            name = request.POST.get("name", "")
            operations.rename(scope=request.scope, by=request.actor, target=of, key=key, name=name)
        elif decision in {"hide", "show"}:
            hidden = decision == "hide"
            operations.set_secret(scope=request.scope, by=request.actor, target=of, key=key, is_secret=hidden)
        elif decision == "remove":
            operations.remove(scope=request.scope, by=request.actor, target=of, key=key)
        else:
            raise NotFound
        messages.success(request, _("속성을 지웠어요.") if decision == "remove" else _("저장했어요."))
        return redirect("settlement:properties")
