"""허용 오차: how far figures of a kind and currency may differ before they count as a difference."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from access import queries as access_queries
from access.models import AuditEvent
from access.requests import PageRequest
from access.roles import Permission, allowed, check
from console.columns import Column, Kind, Label, Row
from console.files.errors import ValueRefused
from console.files.values import parse_decimal
from console.filters import ChoiceFilter
from console.lists import ListPage, MainAction
from console.pages import PageView
from core import clock
from core.errors import DomainError
from core.scope import Scope
from reconciliation.amounts import EXACT
from reconciliation.figures import COLUMNS
from reconciliation.lines import Kind as FileKind
from reconciliation.models import ToleranceRule
from reconciliation.models.lengths import CURRENCY_LENGTH
from reconciliation.operations import comparing
from reconciliation.pages.results import words
from settlement.forms import Tellable
from settlement.pages.shared import Change, Happened

_LONGEST_FIGURE = 60
_USUAL = _("기본")
_KINDS = tuple((code, label) for code, label in words.KIND_CHOICES if code in COLUMNS)
_NAMES: Mapping[str, Label] = {"line": _("단가 허용 오차"), "group": _("금액 허용 오차")}


def _slack(name: str) -> Any:
    def written(row: Row) -> str:
        figure = row[name]
        return words.exact(figure, str(row["currency"])) if isinstance(figure, Decimal) else str(_USUAL)

    return written


class ToleranceList(ListPage):
    """Every tolerance that somebody has set."""

    slug = "reconciliation-tolerances"
    url_name = "reconciliation:tolerances"
    title = _("대사 허용 오차")
    permission = Permission.VIEW
    intro = _(
        "정하지 않으면 단가는 통화의 가장 작은 단위만큼, 금액은 파일 줄마다 그만큼(많아야 100줄까지) 달라도 괜찮아요. "
        "좌석 수량에는 허용 오차가 없어요."
    )
    main_action = MainAction(_("허용 오차 정하기"), "reconciliation:tolerance-new", Permission.MANAGE)
    order = ("kind", "currency", "id")
    id_key = "id"
    columns = (
        Column("kind", _("종류"), Kind.BADGE, badges=words.KIND_BADGES),
        Column("currency", _("통화")),
        Column("line_said", _("단가 허용 오차"), value=_slack("line")),
        Column("group_said", _("금액 허용 오차"), value=_slack("group")),
        Column("changed_name", _("정한 사람"), value=lambda row: words.person(row["changed_by"])),
        Column("changed_at", _("정한 때"), Kind.MOMENT),
    )
    extra = ("line", "group", "kind", "currency", "changed_by")
    filters = (ChoiceFilter("kind", _("종류"), _KINDS, badges=words.KIND_BADGES),)
    blank = _("아직 따로 정한 허용 오차가 없어요. 모든 종류와 통화에 기본 허용 오차를 써요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the tolerances of a scope."""
        return ToleranceRule.objects.within(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the tolerance."""
        return reverse("reconciliation:tolerance", args=[row["kind"], row["currency"]])


class SlackField(forms.CharField):
    """An amount that is not negative, in major units: `0.05`, `1,000`; empty is the usual tolerance."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=_LONGEST_FIGURE, required=False, **options)
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}

    def clean(self, value: Any) -> Decimal | None:
        """Return the amount, None when it is empty."""
        text = super().clean(value).strip()
        if not text:
            return None
        try:
            found = parse_decimal(text)
        except ValueRefused:
            raise forms.ValidationError(_now("1,234.5처럼 숫자로 적어 주세요.")) from None
        if found < 0:
            raise forms.ValidationError(_now("허용 범위는 0 이상이어야 해요."))
        return found

    def prepare_value(self, value: Any) -> Any:
        """Write a stored amount without needless zeros."""
        return format(value.normalize(EXACT), "f") if isinstance(value, Decimal) else value


class ToleranceForm(Tellable):
    """The tolerances of a kind and currency; which ones they are stays as it is."""

    kind = forms.ChoiceField(label=_("종류"), choices=_KINDS)
    currency = forms.CharField(
        label=_("통화"),
        min_length=CURRENCY_LENGTH,
        max_length=CURRENCY_LENGTH,
        help_text=_("USD처럼 세 글자로 적어요."),
    )
    line = SlackField(
        label=_("단가 허용 오차"), help_text=_("단가가 이만큼까지 달라도 같은 단가로 봐요. 비우면 기본을 써요.")
    )
    group = SlackField(
        label=_("금액 허용 오차"),
        help_text=_(
            "한 고객·구독의 금액과 세금이 이만큼까지 달라도 일치로 봐요. 차이는 그대로 보여 줘요. 비우면 기본을 써요."
        ),
    )


class ToleranceView(PageView):
    """One tolerance: its form, for whoever may not change it what it says, and its history."""

    permission = Permission.VIEW

    def get(self, request: PageRequest, kind: str = "", currency: str = "") -> HttpResponse:
        """Show the tolerance, or an empty form."""
        rule = _rule(request.scope, kind, currency) if kind else None
        if rule is None:
            check(request, Permission.MANAGE)
        return _show(request, _form(None, rule), rule)

    def post(self, request: PageRequest, kind: str = "", currency: str = "") -> HttpResponseBase:
        """Store it."""
        check(request, Permission.MANAGE)
        rule = _rule(request.scope, kind, currency) if kind else None
        form = _form(request.POST, rule)
        if form.is_valid():
            data = form.cleaned_data
            try:
                comparing.set_tolerance(
                    scope=request.scope,
                    kind=FileKind(data["kind"]),
                    currency=data["currency"],
                    line=data["line"],
                    group=data["group"],
                    by=request.actor,
                    now=clock.now(),
                )
            except DomainError as refusal:
                form.tell(refusal)
            else:
                messages.success(request, _now("저장했어요. 다음에 비교할 때부터 써요."))
                return redirect("reconciliation:tolerances")
        return _show(request, form, rule, 422)


def _rule(scope: Scope, kind: str, currency: str) -> ToleranceRule:
    found = ToleranceRule.objects.within(scope).filter(kind=kind, currency=currency).first()
    if found is None:
        raise Http404
    return found


def _form(data: Any, rule: ToleranceRule | None) -> ToleranceForm:
    named = ("kind", "currency", "line", "group")
    form = ToleranceForm(data, initial={} if rule is None else {name: getattr(rule, name) for name in named})
    for name in ("kind", "currency") if rule is not None else ():
        form.fields[name].disabled = True
    return form


def _show(request: PageRequest, form: ToleranceForm, rule: ToleranceRule | None, status: int = 200) -> HttpResponse:
    context = {
        "title": _now("허용 오차 정하기") if rule is None else f"{words.KIND_BADGES[rule.kind].label} {rule.currency}",
        "list_title": ToleranceList.title,
        "back": ToleranceList.url(),
        "form": form,
        "may_change": allowed(request.role, Permission.MANAGE),
        "facts": [(bound.label, _said(bound, rule)) for bound in form] if rule else (),
        "history": None if rule is None else _history(rule),
    }
    return render(request, "reconciliation/result_tolerance.html", context, status=status)


def _said(bound: forms.BoundField, rule: ToleranceRule) -> str:
    if bound.name == "kind":
        return str(words.KIND_BADGES[rule.kind].label)
    value = bound.initial
    if isinstance(value, Decimal):
        return words.exact(value, rule.currency)
    return str(value or _USUAL)


def _history(rule: ToleranceRule) -> list[Happened]:
    events = access_queries.history(rule.scope, "reconciliation_tolerance", f"{rule.kind}/{rule.currency}")
    return [_happened(event) for event in events]


def _happened(event: AuditEvent) -> Happened:
    before, after = event.before or {}, event.after or {}
    changes = [
        Change(str(label), before.get(name) or str(_USUAL), after.get(name) or str(_USUAL))
        for name, label in _NAMES.items()
        if before.get(name) != after.get(name)
    ]
    return Happened(event, _now("변경") if event.before else pgettext("history", "등록"), changes)
