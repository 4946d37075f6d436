"""매칭 설정: how the company matches, every rule with a sentence about what it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.forms import BoundField
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed, check
from console.columns import Label
from console.pages import PageView
from core import clock
from core.errors import DomainError
from core.scope import Scope
from matching import queries
from matching.engine.terms import Total
from matching.models import (
    Direction,
    DuplicateNumber,
    Invoice,
    Override,
    Parameters,
    Policy,
    PriceTotals,
    PurchaseOrder,
    WithDiscrepancies,
)
from matching.operations import company
from matching.pages import fields, history, shown
from matching.pages.setup import facts, tabs
from settlement.forms import Tellable

HOURLY, DAILY = 1, 24
# The totals that can be judged by themselves; the round-off only with all of them.
SINGLE_TOTALS: Final = (Total.BALANCE, Total.TOTAL_DISCOUNT, Total.CHARGES, Total.SALES_TAX, Total.INVOICE_AMOUNT)
_MOST_ATTEMPTS = 1_000


def _switch(label: "fields.Words", help_text: "fields.Words") -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, help_text=help_text)


def _direction(label: "fields.Words") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=Direction.choices,
        help_text=_(
            "초과만이면 우리가 더 내게 되는 차이만 불일치예요. 초과와 미달이면 덜 내게 되는 차이도 불일치예요."
        ),
    )


class ParametersForm(Tellable):
    """Every rule of the company; the fields are named like the columns."""

    enable_invoice_matching_validation = _switch(
        _("송장 매칭 검사"), _("끄면 송장을 발주나 입고와 비교하지 않고 전기해요.")
    )
    post_invoice_with_discrepancies = forms.ChoiceField(
        label=_("불일치가 있는 송장"),
        choices=WithDiscrepancies.choices,
        help_text=_("경고하고 전기하거나, 누가 승인할 때까지 전기를 막아요."),
    )
    approver_must_differ = _switch(
        _("입력한 사람은 승인하지 못하게"), _("송장을 입력한 사람이 아닌 사람만 불일치를 승인해요.")
    )
    automatically_update_header_match_status = _switch(
        _("매칭 상태 자동 업데이트"),
        _("송장이나 발주, 입고가 바뀌면 바로 다시 맞춰 봐요. 끄면 미실행으로만 바뀌어요."),
    )
    accounting_currency = forms.ChoiceField(
        label=_("회계 통화"),
        choices=fields.CURRENCIES,
        help_text=_("금액 허용 오차와 장부의 통화예요. 발주나 송장이 있으면 바꿀 수 없어요."),
    )
    line_matching_policy = forms.ChoiceField(
        label=_("회사 정책"),
        choices=Policy.choices,
        help_text=_("양방향은 발주와 단가를, 3방향은 입고한 수량까지 비교해요."),
    )
    allow_matching_policy_override = forms.ChoiceField(
        label=_("다른 정책 허용"),
        choices=Override.choices,
        help_text=_("품목이나 공급사, 발주 라인에 회사 정책보다 약한 정책을 써도 되는지 정해요."),
    )
    unit_price_direction = _direction(_("단가에서 보는 차이"))
    match_price_totals = forms.ChoiceField(
        label=_("가격 총액 매칭"),
        choices=PriceTotals.choices,
        help_text=_("발주 라인 하나에 온 송장을 모두 더해서 발주 금액과 비교해요. 둘 다면 하나만 넘어도 불일치예요."),
    )
    price_total_tolerance_percent = fields.percent(_("가격 총액 허용 오차 (%)"), help_text=_("백분율로 볼 때 써요."))
    price_total_tolerance_amount = fields.FigureField(
        label=_("가격 총액 허용 금액"), least=0, help_text=_("회계 통화로 적고, 금액으로 볼 때 써요.")
    )
    price_total_direction = _direction(_("가격 총액에서 보는 차이"))
    match_charges = _switch(_("비용 매칭"), _("운임 같은 비용을 비용 코드별로 발주와 비교해요."))
    charges_tolerance_percent = fields.percent(
        _("비용 허용 오차 (%)"), help_text=_("따로 정하지 않은 비용 코드에 써요.")
    )
    charges_direction = _direction(_("비용에서 보는 차이"))
    match_invoice_totals = _switch(
        _("송장 합계 매칭"), _("라인 합계, 총할인, 비용, 세액, 단수 차이, 송장 금액을 발주대로 계산한 값과 비교해요.")
    )
    invoice_totals_tolerance_percent = fields.percent(
        _("송장 합계 허용 오차 (%)"), help_text=_("따로 정하지 않은 공급사에 써요.")
    )
    invoice_totals_direction = _direction(_("송장 합계에서 보는 차이"))
    duplicate_invoice_number = forms.ChoiceField(
        label=_("같은 송장 번호"),
        choices=DuplicateNumber.choices,
        help_text=_("같은 공급사의 같은 번호로 이미 전기한 송장이 있을 때예요."),
    )
    block_when_invoice_quantity_below_matched_receipts = _switch(
        _("입고보다 적은 송장 막기"), _("송장 수량이 매칭한 입고 수량보다 적으면 전기하지 않아요.")
    )
    over_delivery_percent = fields.percent(
        _("초과 입고 한도 (%)"), help_text=_("발주보다 이만큼까지 더 받아요. 품목이나 발주 라인에 따로 정할 수 있어요.")
    )
    under_delivery_percent = fields.percent(
        _("부족 입고 한도 (%)"), help_text=_("이만큼까지 모자라도 발주 라인을 마감할 수 있어요.")
    )
    automation_match_receipts = _switch(
        _("입고 자동 매칭"), _("3방향 송장에 새로 들어온 입고를 오래된 것부터 저절로 이어요.")
    )
    automation_attempts = forms.IntegerField(
        label=_("시도 횟수"),
        min_value=1,
        max_value=_MOST_ATTEMPTS,
        help_text=_("이만큼 해도 수량이 다 차지 않으면 자동 매칭에서 빠져요."),
    )
    automation_hours = forms.TypedChoiceField(
        label=_("시도하는 때"),
        choices=[(HOURLY, _("한 시간마다")), (DAILY, _("하루마다"))],
        coerce=int,
        help_text=_("다음 시도까지 기다리는 시간이에요."),
    )
    automation_submits = _switch(_("자동으로 검토 요청"), _("자동 매칭이 끝난 송장의 검토를 저절로 요청해요."))
    automation_needs_all_receipts = _switch(
        _("입고가 다 차야 검토 요청"), _("입고 수량이 송장 수량과 같아야만 저절로 검토를 요청해요.")
    )

    def __init__(self, *args: Any, row: Parameters, **options: Any) -> None:
        names = [name for name in self.base_fields if hasattr(row, name)]
        options["initial"] = {name: getattr(row, name) for name in names}
        super().__init__(*args, **options)
        self.row = row
        for total in SINGLE_TOTALS:
            kept = row.per_total_settings.get(total.value, {})
            label = shown.TOTAL_NAMES[total.value]
            self.fields[_judged(total)] = forms.BooleanField(
                label=_now("%(total)s 검사") % {"total": label},
                required=False,
                initial=kept.get("enabled", True),
                help_text=_now("끄면 보여 주기만 하고 불일치로 보지 않아요."),
            )
            self.fields[_own(total)] = fields.percent(
                _now("%(total)s 허용 오차 (%%)") % {"total": label},
                required=False,
                help_text=_now("비우면 송장 합계 허용 오차를 써요."),
            )
            self.fields[_own(total)].initial = kept.get("percent")
        hours = self.fields["automation_hours"]
        if row.automation_hours not in (HOURLY, DAILY) and isinstance(hours, forms.ChoiceField):
            every = _now("%(hours)d시간마다") % {"hours": row.automation_hours}
            hours.choices = [(row.automation_hours, every), (HOURLY, _now("한 시간마다")), (DAILY, _now("하루마다"))]
        self.fields["accounting_currency"].disabled = _has_documents(row.scope)

    def values(self) -> dict[str, Any]:
        """Return the rules as the operation takes them."""
        named = {name: value for name, value in self.cleaned_data.items() if not name.startswith(_PREFIX)}
        kept = {name: value for name, value in self.row.per_total_settings.items() if name not in SINGLE_TOTALS}
        return named | {"per_total_settings": kept | self._per_total()}

    def _per_total(self) -> dict[str, dict[str, object]]:
        """Return the totals that differ from the rest."""
        found: dict[str, dict[str, object]] = {}
        for total in SINGLE_TOTALS:
            judged, own = self.cleaned_data[_judged(total)], self.cleaned_data[_own(total)]
            if not judged or own is not None:
                found[total.value] = {"enabled": judged} | ({} if own is None else {"percent": own})
        return found


_PREFIX = "total_"


def _judged(total: Total) -> str:
    return f"{_PREFIX}{total.value}_judged"


def _own(total: Total) -> str:
    return f"{_PREFIX}{total.value}_percent"


def _has_documents(scope: Scope) -> bool:
    return PurchaseOrder.objects.within(scope).exists() or Invoice.objects.within(scope).exists()


_GROUPS: Final[tuple[tuple[Label, tuple[str, ...]], ...]] = (
    (
        _("검사와 전기"),
        (
            "enable_invoice_matching_validation",
            "post_invoice_with_discrepancies",
            "approver_must_differ",
            "automatically_update_header_match_status",
            "accounting_currency",
        ),
    ),
    (
        _("라인 매칭"),
        ("line_matching_policy", "allow_matching_policy_override", "unit_price_direction"),
    ),
    (
        _("가격 총액"),
        (
            "match_price_totals",
            "price_total_tolerance_percent",
            "price_total_tolerance_amount",
            "price_total_direction",
        ),
    ),
    (pgettext_lazy("charges", "비용"), ("match_charges", "charges_tolerance_percent", "charges_direction")),
    (
        _("송장 합계"),
        ("match_invoice_totals", "invoice_totals_tolerance_percent", "invoice_totals_direction"),
    ),
    (
        _("합계별 설정"),
        tuple(name for total in SINGLE_TOTALS for name in (_judged(total), _own(total))),
    ),
    (
        _("송장 번호와 수량"),
        (
            "duplicate_invoice_number",
            "block_when_invoice_quantity_below_matched_receipts",
            "over_delivery_percent",
            "under_delivery_percent",
        ),
    ),
    (
        _("자동 매칭"),
        (
            "automation_match_receipts",
            "automation_attempts",
            "automation_hours",
            "automation_submits",
            "automation_needs_all_receipts",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A group of rules: their fields for an admin, their words for everybody else."""

    title: Label
    fields: list[BoundField]
    facts: list[tuple[str, str]]


class ParametersView(PageView):
    """See how the company matches; an admin changes it."""

    permission = Permission.VIEW
    title = _("매칭 설정")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the rules."""
        return self._show(request, ParametersForm(row=queries.parameters(request.scope)))

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Change the rules."""
        check(request, Permission.MANAGE)
        form = ParametersForm(request.POST, row=queries.parameters(request.scope))
        if not form.is_valid():
            return self._show(request, form, 422)
        try:
            company.save_parameters(scope=request.scope, by=request.actor, now=clock.now(), fields=form.values())
        except DomainError as refusal:
            form.tell(refusal)
            return self._show(request, form, 422)
        messages.success(request, _now("저장했어요. 대기 중인 송장을 새 설정으로 다시 맞춰 봐요."))
        return redirect("matching:parameters")

    def _show(self, request: PageRequest, form: ParametersForm, status: int = 200) -> HttpResponse:
        words = dict(zip(form.fields, facts(form), strict=True))
        groups = [
            Shown(title, [form[name] for name in names], [words[name] for name in names]) for title, names in _GROUPS
        ]
        labels: Mapping[str, Label] = {name: field.label or name for name, field in form.fields.items()}
        context = {
            "title": self.title,
            "form": form,
            "groups": groups,
            "tabs": tabs("matching:parameters"),
            "may_change": allowed(request.role, Permission.MANAGE),
            "history": history.of(request.scope, "matching", "", begins="matching.parameters_", names=labels),
        }
        return render(request, "matching/setup_parameters.html", context, status=status)
