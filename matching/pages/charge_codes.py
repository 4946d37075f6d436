"""비용 코드 and 비용 허용 오차: kinds of charges, and how far they may differ from what was agreed."""

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.roles import Permission
from console.columns import Column, Kind
from console.filters import BooleanFilter, Keyword, KeywordFilter
from console.lists import MainAction
from core.actor import Actor
from core.scope import Scope
from matching import queries
from matching.models import CODE_LENGTH, NAME_LENGTH, ChargeCode, ChargeSide, ChargesTolerance
from matching.operations import company
from matching.pages import fields
from matching.pages.setup import SetupForm, SetupList, SetupView

_IS_COMPARED = Q(compare_po_and_invoice=True) & (Q(debit_type=ChargeSide.VENDOR) | Q(credit_type=ChargeSide.VENDOR))


class ChargeCodeList(SetupList):
    """Every charge code."""

    slug = "matching-charge-codes"
    url_name = "matching:charge-codes"
    edit_name = "matching:charge-code-edit"
    title = pgettext_lazy("list", "비용 코드")
    intro = _("운임이나 급송료처럼 물건값에 더해지는 비용의 종류예요.")
    main_action = MainAction(_("비용 코드 등록하기"), "matching:charge-code-new", Permission.MANAGE)
    order = ("code",)
    id_key = "code"
    columns = (
        Column("code", _("비용 코드"), Kind.ID),
        Column("description", _("설명")),
        Column(
            "compared", _("발주와 송장 비교"), value=lambda row: _now("예") if row["compare_po_and_invoice"] else ""
        ),
        Column("debit", _("차변"), value=lambda row: str(ChargeSide(str(row["debit_type"])).label)),
        Column("credit", _("대변"), value=lambda row: str(ChargeSide(str(row["credit_type"])).label)),
        Column("maximum_amount", _("최대 금액"), Kind.DECIMAL),
    )
    extra = ("compare_po_and_invoice", "debit_type", "credit_type")
    filters = (
        KeywordFilter(
            (
                Keyword("code", _("비용 코드"), ("code",), exact=True),
                Keyword("description", _("설명"), ("description",)),
            )
        ),
        BooleanFilter(
            "compared",
            _("비용 매칭"),
            condition=lambda wanted: _IS_COMPARED if wanted else ~_IS_COMPARED,
            yes=_("비교함"),
            no=_("비교 안 함"),
        ),
    )
    blank = _("아직 비용 코드가 없어요. 운임처럼 물건값에 더해지는 비용이 있으면 등록해 주세요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the charge codes of a scope."""
        return ChargeCode.objects.within(scope)


class ChargeCodeForm(SetupForm):
    """A charge code."""

    keys = ("code",)

    code = fields.text(_("비용 코드"), CODE_LENGTH, required=True)
    description = fields.text(_("설명"), NAME_LENGTH)
    compare_po_and_invoice = forms.BooleanField(
        label=_("발주와 송장 비교"),
        required=False,
        initial=True,
        help_text=_("차변이나 대변이 공급사인 비용만 비교해요."),
    )
    debit_type = forms.ChoiceField(label=_("차변"), choices=ChargeSide.choices, initial=ChargeSide.ITEM)
    credit_type = forms.ChoiceField(label=_("대변"), choices=ChargeSide.choices, initial=ChargeSide.VENDOR)
    maximum_amount = fields.FigureField(
        label=_("최대 금액"),
        required=False,
        least=0,
        help_text=_("이보다 큰 비용은 입력할 수 없어요. 비우면 제한이 없어요."),
    )

    def stands(self) -> bool:
        """Say whether the code is taken."""
        return ChargeCode.objects.within(self.scope).filter(code=self.cleaned_data["code"]).exists()

    def save(self, *, by: Actor, now: datetime) -> ChargeCode:
        """Store the charge code."""
        code = self.cleaned_data["code"]
        return company.save_charge_code(scope=self.scope, by=by, now=now, code=code, fields=self.values())


class ChargeCodeView(SetupView):
    """One charge code."""

    form = ChargeCodeForm
    list_page = ChargeCodeList
    model = ChargeCode
    key_field = "code"
    new_title = _("비용 코드 등록")


# ---- Tolerances


class ChargesToleranceList(SetupList):
    """The tolerances of charge codes."""

    slug = "matching-charges-tolerances"
    url_name = "matching:charges-tolerances"
    edit_name = "matching:charges-tolerance-edit"
    title = _("비용 허용 오차")
    intro = _("비용 코드에 따로 정한 허용 오차예요. 여기에 없는 코드는 매칭 설정의 비용 허용 오차를 써요.")
    main_action = MainAction(_("비용 허용 오차 등록하기"), "matching:charges-tolerance-new", Permission.MANAGE)
    order = ("charge_code__code",)
    id_key = "id"
    columns = (
        Column("charge_code__code", _("비용 코드")),
        Column("charge_code__description", _("설명")),
        Column("percent", _("허용 오차 (%)"), Kind.DECIMAL),
    )
    filters = (KeywordFilter((Keyword("code", _("비용 코드"), ("charge_code__code",), exact=True),)),)

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the tolerances of a scope."""
        return ChargesTolerance.objects.within(scope)


class ChargesToleranceForm(SetupForm):
    """The tolerance of one charge code."""

    keys = ("code",)
    told = {"charge_code": "code"}

    code = fields.named("charge-code", _("비용 코드"))
    percent = fields.percent(_("허용 오차 (%)"))

    @classmethod
    def initial_of(cls, row: ChargesTolerance) -> dict[str, object]:
        """Return the tolerance."""
        return {"code": row.charge_code.code, "percent": row.percent}

    def stands(self) -> bool:
        """Say whether the code has a tolerance."""
        code = queries.find_charge_code(self.scope, self.cleaned_data["code"])
        return ChargesTolerance.objects.within(self.scope).filter(charge_code=code).exists()

    def save(self, *, by: Actor, now: datetime) -> ChargesTolerance:
        """Store the tolerance."""
        return company.save_charges_tolerance(scope=self.scope, by=by, now=now, **self.cleaned_data)


class ChargesToleranceView(SetupView):
    """The tolerance of one charge code."""

    form = ChargesToleranceForm
    list_page = ChargesToleranceList
    model = ChargesTolerance
    new_title = _("비용 허용 오차 등록")
    has_history = False

    def named(self, row: ChargesTolerance) -> str:
        """Return the charge code."""
        return row.charge_code.code
