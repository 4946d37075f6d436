"""
What the pages of the set-up have in common: a list, a form for a new row or a known one, and removing it.

A table of the set-up declares its columns and its form; everybody sees both, an admin changes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed, check
from console.columns import UNKNOWN, Label, Row
from console.lists import ListPage
from console.pages import PageView
from core import clock
from core.actor import Actor
from core.errors import DomainError
from core.scope import Scope, ScopedModel
from matching.operations import company
from matching.pages import history
from settlement.forms import Tellable
from settlement.pages.shared import Happened

_LONGEST_KEY = 18
# The pages of the set-up in the order of their tabs.
_TABS: tuple[tuple[str, Label], ...] = (
    ("matching:parameters", gettext_lazy("매칭 설정")),
    ("matching:vendors", pgettext_lazy("list", "공급사")),
    ("matching:items", pgettext_lazy("list", "품목")),
    ("matching:conversions", gettext_lazy("단위 환산")),
    ("matching:charge-codes", pgettext_lazy("list", "비용 코드")),
    ("matching:price-tolerances", gettext_lazy("가격 허용 오차")),
    ("matching:tolerance-groups", pgettext_lazy("list", "허용 오차 그룹")),
    ("matching:policies", pgettext_lazy("list", "매칭 정책")),
    ("matching:totals-tolerances", gettext_lazy("송장 합계 허용 오차")),
    ("matching:charges-tolerances", gettext_lazy("비용 허용 오차")),
    ("matching:exchange-rates", pgettext_lazy("list", "환율")),
)


@dataclass(frozen=True, slots=True)
class Tab:
    """One page of the set-up, as the row of tabs shows it."""

    label: Label
    url: str
    current: bool


def tabs(current: str) -> list[Tab]:
    """Return the pages of the set-up; `current` is the name of the one that is shown."""
    return [Tab(label, reverse(name), name == current) for name, label in _TABS]


class SetupList(ListPage):
    """Base of the lists: a row opens its form, which `edit_name` names."""

    permission = Permission.VIEW
    template = "matching/setup_list.html"
    edit_name: ClassVar[str]
    blank = gettext_lazy("아직 등록한 것이 없어요.")
    empty = gettext_lazy("조건에 맞는 것이 없어요. 조건을 줄여 보세요.")

    def row_url(self, row: Row) -> str | None:
        """Open the row's form."""
        return reverse(self.edit_name, args=[row[self.id_key]])

    def context(self, request: PageRequest) -> dict[str, object]:  # noqa: ARG002 - the signature of every list
        """Return the row of tabs."""
        return {"tabs": tabs(self.url_name)}


class SetupForm(Tellable):
    """
    Base of the forms. `keys` name a row, and stay as they are once it is there.

    Subclasses give `initial_of`, `stands` and `save`.
    """

    keys: ClassVar[tuple[str, ...]]

    def __init__(self, *args: Any, scope: Scope, row: Any = None, **options: Any) -> None:
        initial = {} if row is None else self.initial_of(row)
        options["initial"] = initial | options.get("initial", {})
        super().__init__(*args, **options)
        self.scope, self.row = scope, row
        for name in self.keys if row is not None else ():
            self.fields[name].disabled = True

    @classmethod
    def initial_of(cls, row: Any) -> dict[str, object]:
        """Return what the form of a known row shows."""
        return {name: getattr(row, name) for name in cls.base_fields}

    def stands(self) -> bool:
        """Say whether there is a row with these keys already. Raises NotFound for a name nothing has."""
        raise NotImplementedError

    def save(self, *, by: Actor, now: datetime) -> ScopedModel:
        """Store the row. Raises the refusals of the operation."""
        raise NotImplementedError

    def values(self) -> dict[str, Any]:
        """Return what the form says besides the keys."""
        return {name: value for name, value in self.cleaned_data.items() if name not in self.keys}


class SetupView(PageView):
    """Base of the pages of one row: its form, for whoever may not change it what it says, and its history."""

    permission = Permission.VIEW
    form: ClassVar[type[SetupForm]]
    list_page: ClassVar[type[SetupList]]
    model: ClassVar[type[ScopedModel]]
    key_field: ClassVar[str] = "pk"
    new_title: ClassVar[Label]
    # The trail names some rows by what they say, so that theirs cannot be told from that of others.
    has_history: ClassVar[bool] = True

    def row(self, scope: Scope, key: str) -> Any:
        """Return the row with this key. Raises Http404."""
        if self.key_field == "pk" and not (key.isascii() and key.isdecimal() and len(key) <= _LONGEST_KEY):
            raise Http404
        found = self.model.objects.within(scope).filter(**{self.key_field: key}).first()
        if found is None:
            raise Http404
        return found

    def get(self, request: PageRequest, key: str = "") -> HttpResponse:
        """Show the row, or an empty form; values of fields in the address are filled in."""
        row = self.row(request.scope, key) if key else None
        if row is None:
            check(request, Permission.MANAGE)
        suggested = {} if row else {name: request.GET[name] for name in self.form.base_fields if name in request.GET}
        return self._show(request, self.form(scope=request.scope, row=row, initial=suggested), row)

    def post(self, request: PageRequest, key: str = "") -> HttpResponseBase:
        """Store the row, or remove it."""
        check(request, Permission.MANAGE)
        row = self.row(request.scope, key) if key else None
        if row is not None and "remove" in request.POST:
            company.remove(scope=request.scope, by=request.actor, row=row)
            messages.success(request, _("지웠어요."))
            return redirect(self.list_page.url_name)
        form = self.form(request.POST, scope=request.scope, row=row)
        if not form.is_valid():
            return self._show(request, form, row, 422)
        try:
            if row is None and form.stands():
                form.add_error(form.keys[0], _("이미 있어요."))
                return self._show(request, form, row, 422)
            form.save(by=request.actor, now=clock.now())
        except DomainError as refusal:
            form.tell(refusal)
            return self._show(request, form, row, 422)
        messages.success(request, _("저장했어요."))
        return redirect(self.list_page.url_name)

    def may_remove(self, row: Any) -> bool:  # noqa: ARG002 - subclasses look at the row
        """Say whether the row can go at all."""
        return True

    def _show(self, request: PageRequest, form: SetupForm, row: Any, status: int = 200) -> HttpResponse:
        may_change = allowed(request.role, Permission.MANAGE)
        context = {
            "title": self.new_title if row is None else self.named(row),
            "list_title": self.list_page.title,
            "form": form,
            "row": row,
            "tabs": tabs(self.list_page.url_name),
            "back": self.list_page.url(),
            "may_change": may_change,
            "may_remove": may_change and row is not None and self.may_remove(row),
            "facts": facts(form),
            "history": None if row is None or not self.has_history else self._history(row, form),
        }
        return render(request, "matching/setup_form.html", context, status=status)

    def _history(self, row: Any, form: SetupForm) -> list[Happened]:
        table = self.model._meta.model_name  # noqa: SLF001 - public in all but name
        names = {name: field.label or name for name, field in form.fields.items()}
        return history.of(row.scope, "matching", str(row), begins=f"matching.{table}_", names=names)

    def named(self, row: Any) -> str:
        """Return what a row is called in its title."""
        return str(row)


def facts(form: forms.BaseForm) -> Sequence[tuple[str, str]]:
    """Return what a form says, as labels and words, for whoever only looks."""
    return [(str(bound.label), _said(bound)) for bound in form]


def _said(bound: Any) -> str:
    value = bound.value()
    if isinstance(value, bool):
        return _("예") if value else _("아니요")
    words = dict(getattr(bound.field, "choices", ()))
    return str(words.get(value, value)) if value not in (None, "") else UNKNOWN
