"""정산 계산식: the versions of a merchant's calculation, the parameters orders bring along, and the formula test."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Badge, Label, Shape, Tone
from console.pages import PageView
from core import clock
from core.errors import DomainError
from core.scope import Scope
from settlement import calculators, formula_test, terms
from settlement.calculation import ParameterValue
from settlement.formulas import DEFAULTS, REPLACEABLE, VARIABLES, FormulaError, Place
from settlement.models import Calculator, Rounding, SettlementParameter
from settlement.operations import calculator as operations
from settlement.operations import parameters
from settlement.operations.calculator import CalculatorDraft, InvalidCalculation
from settlement.pages import calculator_forms as forms
from settlement.pages import shared

_NUMBER_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Line:
    """One formula of a version as it is shown."""

    label: Label
    expression: str
    rounding: str
    replaced: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A version as it is shown; `version` is None for the default calculation."""

    version: Calculator | None
    lines: list[Line]


def show(version: Calculator | None) -> Shown:
    """Return what a version computes by, default formulas included."""
    replaced, modes = terms.replaced(version), terms.rounding_modes(version)
    words = dict(Rounding.choices)
    lines = [
        Line(
            forms.PLACES[place],
            replaced.get(place, DEFAULTS[place]),
            str(words[getattr(modes, place.value.removesuffix("_tax_free")).value]),
            place in replaced,
        )
        for place in REPLACEABLE
    ]
    lines.append(Line(gettext_lazy("부가세"), "", str(words[modes.vat.value])))
    lines += [
        Line(item.name or item.key, item.expression, str(words[item.rounding.value]), key=item.key)
        for item in terms.own_formulas(version)
    ]
    return Shown(version, lines)


def _numbered(scope: Scope, text: str) -> Calculator | None:
    """Return the version of a number in an address. Raises Http404 for one that is not there."""
    if not (text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS):
        raise Http404
    found = Calculator.objects.within(scope).filter(number=int(text)).first()
    if found is None:
        raise Http404
    return found


def _asked(request: PageRequest) -> Calculator | None:
    """Return the version an address names, else the one that counts today."""
    if "version" in request.GET:
        return _numbered(request.scope, request.GET["version"])
    return calculators.counting(request.scope, clock.today())


def _badge(version: Calculator, current: Calculator | None, now: datetime) -> Badge:
    if version.withdrawn_at is not None:
        return Badge(gettext_lazy("취소한 예약"), Tone.NEUTRAL, Shape.DASH)
    if version.applied_at > now:
        return Badge(gettext_lazy("예약"), Tone.INFO, Shape.CLOCK)
    if version == current:
        return Badge(gettext_lazy("적용 중"), Tone.SUCCESS, Shape.CHECK)
    return Badge(gettext_lazy("지난 판"), Tone.NEUTRAL, Shape.DOT)


class CalculatorView(PageView):
    """The calculation that counts today, the one planned, every version, and the parameters."""

    permission = Permission.VIEW
    title = gettext_lazy("정산 계산식")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the calculation."""
        scope, now = request.scope, clock.now()
        current, planned = calculators.counting(scope, clock.today()), calculators.future(scope, now)
        chosen = _numbered(scope, request.GET["version"]) if "version" in request.GET else None
        versions = Calculator.objects.within(scope).order_by("-number")
        context = {
            "title": self.title,
            "current": show(current),
            "planned": show(planned) if planned else None,
            "chosen": (show(chosen), _badge(chosen, current, now)) if chosen else None,
            "versions": [
                (version, _badge(version, current, now), version.created_by.partition(":")[2]) for version in versions
            ],
            "parameters": [(row, ParameterValue(row.decimal, row.scale).text) for row in calculators.parameters(scope)],
            "may_edit": allowed(request.role, Permission.EDIT),
        }
        return render(request, "settlement/calculator.html", context)


# ---- the formula test


@dataclass(frozen=True, slots=True)
class _Trial:
    """A made-up order on a page, with what came out once it was computed."""

    form: forms.MadeUpForm
    result: formula_test.Result | None = None


def _try(calculator: Calculator, form: forms.MadeUpForm) -> _Trial:
    if not form.is_valid():
        return _Trial(form)
    try:
        return _Trial(form, formula_test.run(calculator, form.made_up()))
    except DomainError as refusal:
        form.tell(refusal)
        return _Trial(form)


class CalculatorTestView(PageView):
    """A made-up order computed by a version; nothing is kept."""

    permission = Permission.VIEW
    title = gettext_lazy("계산해 보기")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the made-up order."""
        form = forms.MadeUpForm(defaults=calculators.defaults(request.scope))
        return self._show(request, _asked(request), _Trial(form))

    def post(self, request: PageRequest) -> HttpResponse:
        """Compute the made-up order."""
        version = _asked(request)
        form = forms.MadeUpForm(request.POST, defaults=calculators.defaults(request.scope))
        trial = _try(version or Calculator(**request.scope.filters()), form)
        return self._show(request, version, trial)

    def _show(self, request: PageRequest, version: Calculator | None, trial: _Trial) -> HttpResponse:
        context = {"title": self.title, "version": version, "trial": trial}
        status = 422 if trial.form.is_bound and trial.result is None else 200
        return render(request, "settlement/calculator_test.html", context, status=status)


# ---- changing it


class CalculatorEditView(PageView):
    """A new version, from now on or planned; what it gives can be tried before it is saved."""

    permission = Permission.EDIT
    title = gettext_lazy("정산 계산식 바꾸기")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the formulas of a version to start from: the planned one, one of a number, or today's."""
        planned = calculators.future(request.scope, clock.now()) if request.GET.get("planned") else None
        version = planned or _asked(request)
        initial = {"when": "later", "applied_at": planned.applied_at} if planned else {}
        form = forms.CalculatorForm(version=version, initial=initial)
        rows = forms.OwnFormulas(initial=forms.own_rows(version), prefix="own")
        trial = _Trial(forms.MadeUpForm(defaults=calculators.defaults(request.scope)))
        return self._show(request, form, rows, trial)

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Save the version, or try it."""
        defaults = calculators.defaults(request.scope)
        form = forms.CalculatorForm(request.POST, version=None)
        rows = forms.OwnFormulas(request.POST, prefix="own")
        made_up = forms.MadeUpForm(request.POST, defaults=defaults)
        # Both are looked at, so that everything wrong is told at once.
        draft = self._draft(form, rows, defaults) if form.is_valid() & rows.is_valid() else None
        if "try" in request.POST:
            trial = _try(self._unsaved(request.scope, draft), made_up) if draft else _Trial(made_up)
            return self._show(request, form, rows, trial, status=200 if trial.result else 422)
        if draft is None or not self._save(request, form, draft):
            fresh = forms.MadeUpForm(defaults=defaults, initial=request.POST.dict())
            return self._show(request, form, rows, _Trial(fresh), status=422)
        messages.success(request, _("저장했어요. 시작일이 아직 오지 않은 주문은 새 계산식으로 다시 계산해요."))
        return redirect("settlement:calculator")

    def _draft(self, form: forms.CalculatorForm, rows: Any, defaults: Any) -> CalculatorDraft | None:
        """Return the version that was sent; None, and everything wrong told beside it, when it cannot be used."""
        filled = forms.in_order(rows)
        draft = form.draft([row.formula() for row in filled])
        found = draft.problems(defaults)
        for problem in found:
            if problem.place is Place.OWN:
                filled[problem.number].point(problem.wrong)
            elif isinstance(problem.wrong, FormulaError):
                form.point(problem.place, problem.wrong)
        return None if found else draft

    def _unsaved(self, scope: Scope, draft: CalculatorDraft) -> Calculator:
        return Calculator(**scope.filters(), **draft.columns())

    def _save(self, request: PageRequest, form: forms.CalculatorForm, draft: CalculatorDraft) -> bool:
        try:
            operations.save(
                scope=request.scope, by=request.actor, now=clock.now(), draft=draft, applied_at=form.moment()
            )
        except InvalidCalculation as refusal:
            # A parameter went away between the look and the save.
            form.add_error(None, str(refusal.message))
            return False
        except DomainError as refusal:
            form.tell(refusal)
            return False
        return True

    def _show(
        self, request: PageRequest, form: forms.CalculatorForm, rows: Any, trial: _Trial, status: int = 200
    ) -> HttpResponse:
        shown = [row for row in rows if row.is_bound and (row.errors or not row.is_blank)] if rows.is_bound else []
        many = len(shown) if rows.is_bound else sum(1 for row in rows if "key" in row.initial)
        context = {
            "title": self.title,
            "form": form,
            "rows": rows,
            "open_rows": min(many + 1, len(rows.forms)),
            "trial": trial,
            "variables": _variables(request.scope),
            "functions": forms.FUNCTIONS.items(),
        }
        return render(request, "settlement/calculator_form.html", context, status=status)


def _variables(scope: Scope) -> dict[str, list[tuple[str, Label]]]:
    """Return what may be written in each formula, with what it stands for."""
    known = [(row.key, row.name) for row in calculators.parameters(scope)]
    return {
        place.value: [*((name, forms.VARIABLES[name]) for name in names), *known] for place, names in VARIABLES.items()
    }


class CalculatorWithdrawView(PageView):
    """Take back the planned version."""

    permission = Permission.EDIT
    title = gettext_lazy("예약 취소하기")

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Withdraw it."""
        operations.withdraw(scope=request.scope, by=request.actor, now=clock.now())
        messages.success(request, _("예약한 계산식을 취소했어요."))
        return redirect("settlement:calculator")


# ---- parameters


def _parameter(scope: Scope, key: str) -> SettlementParameter:
    found = calculators.parameters(scope).filter(key=key).first()
    if found is None:
        raise Http404
    return found


class ParameterEditView(PageView):
    """A new parameter, or the name and default of one."""

    permission = Permission.EDIT
    title = gettext_lazy("정산 파라미터")

    def get(self, request: PageRequest, key: str = "") -> HttpResponse:
        """Show the form."""
        row = _parameter(request.scope, key) if key else None
        return self._show(request, forms.ParameterForm(row=row), row)

    def post(self, request: PageRequest, key: str = "") -> HttpResponseBase:
        """Define or change the parameter."""
        row = _parameter(request.scope, key) if key else None
        form = forms.ParameterForm(request.POST, row=row)
        if not form.is_valid():
            return self._show(request, form, row, status=422)
        known: dict[str, Any] = {"scope": request.scope, "by": request.actor, **form.cleaned_data}
        try:
            if row:
                parameters.change(**known, key=key)
            else:
                parameters.define(**known)
        except DomainError as refusal:
            form.tell(refusal)
            return self._show(request, form, row, status=422)
        messages.success(request, _("저장했어요. 이미 등록한 정산건의 값은 그대로예요."))
        return redirect(f"{reverse('settlement:calculator')}#parameters")

    def _show(
        self, request: PageRequest, form: forms.ParameterForm, row: SettlementParameter | None, status: int = 200
    ) -> HttpResponse:
        context = {
            "title": self.title,
            "form": form,
            "row": row,
            "history": shared.history(request.scope, parameters.KIND, row.key) if row else [],
        }
        return render(request, "settlement/calculator_parameter.html", context, status=status)


class ParameterRemoveView(PageView):
    """Remove a parameter that no formula uses."""

    permission = Permission.EDIT
    title = gettext_lazy("정산 파라미터")

    def post(self, request: PageRequest, key: str) -> HttpResponseBase:
        """Remove it."""
        parameters.remove(scope=request.scope, by=request.actor, key=key)
        messages.success(request, _("파라미터를 지웠어요."))
        return redirect(f"{reverse('settlement:calculator')}#parameters")
