"""가격 허용 오차, its groups, and 송장 합계 허용 오차."""

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.columns import Column, Kind, Row
from console.filters import IdFilter, Keyword, KeywordFilter
from console.lists import MainAction
from console.pages import PageView
from core.actor import Actor
from core.errors import DomainError
from core.scope import Scope
from matching import queries
from matching.engine.words import six_places
from matching.models import PriceTolerance, TotalsTolerance
from matching.operations import company
from matching.pages import fields, setup_reads, shown
from matching.pages.setup import SetupForm, SetupList, SetupView, tabs

TABLE, GROUP, ALL = "table", "group", "all"
_LONGEST_NAME = 300


def _code(row: Row, side: str) -> str:
    key, name = ("number", "item") if side == "item" else ("account", "vendor")
    if row[f"{name}__{key}"]:
        return f"{TABLE}:{row[f'{name}__{key}']}"
    return f"{GROUP}:{row[f'{name}_group']}" if row[f"{name}_group"] else ALL


def _row_words(row: Row) -> tuple[str, str]:
    """Return the two sides of a price tolerance in words."""
    item, _slash, vendor = shown.tolerance_row(f"{_code(row, 'item')} / {_code(row, 'vendor')}").partition(" / ")
    return item, vendor


class PriceToleranceList(SetupList):
    """The price tolerances in the order they are searched."""

    slug = "matching-price-tolerances"
    url_name = "matching:price-tolerances"
    edit_name = "matching:price-tolerance-edit"
    title = _("가격 허용 오차")
    intro = _("순 단가가 발주보다 이만큼까지 달라도 괜찮아요. 위에서부터 찾아서 처음 나온 것을 써요.")
    template = "matching/setup_tolerances.html"
    main_action = MainAction(_("가격 허용 오차 등록하기"), "matching:price-tolerance-new", Permission.MANAGE)
    order = ("step", "id")
    id_key = "id"
    columns = (
        Column("item_side", _("품목"), value=lambda row: _row_words(row)[0]),
        Column("vendor_side", _("공급사"), value=lambda row: _row_words(row)[1]),
        Column("percent", _("허용 오차 (%)"), Kind.DECIMAL),
        Column("step", _("찾는 순서"), Kind.COUNT),
        Column("updated_at", _("수정한 때"), Kind.MOMENT, default=False),
    )
    extra = ("item__number", "item_group", "vendor__account", "vendor_group")
    filters = (
        KeywordFilter(
            (
                Keyword("item", _("품목 번호"), ("item__number",), exact=True),
                Keyword("vendor", _("공급사 계정"), ("vendor__account",), exact=True),
                Keyword("group", _("허용 오차 그룹"), ("item_group", "vendor_group"), exact=True),
            )
        ),
        IdFilter("item_group", _("품목 그룹"), "item_group"),
        IdFilter("vendor_group", _("공급사 그룹"), "vendor_group"),
    )

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the tolerances of a scope."""
        return setup_reads.ranked_tolerances(scope)

    def context(self, request: PageRequest) -> dict[str, object]:
        """Return the search for the tolerance of an item and a vendor, if somebody asks for one."""
        item = request.GET.get("try_item", "").strip()[:_LONGEST_NAME]
        vendor = request.GET.get("try_vendor", "").strip()[:_LONGEST_NAME]
        found: dict[str, object] = {"try_form": TryForm(initial={"try_item": item, "try_vendor": vendor})}
        if vendor:
            found |= _tried(request.scope, item, vendor)
        return super().context(request) | found


class TryForm(forms.Form):
    """An item and a vendor whose tolerance somebody asks for."""

    try_item = fields.named("item", _("품목 번호"), required=False)
    try_vendor = fields.named("vendor", _("공급사 계정"))


def _tried(scope: Scope, item: str, vendor: str) -> dict[str, object]:
    try:
        found = setup_reads.tried(scope, item, vendor)
    except DomainError as refusal:
        return {"try_refused": str(refusal.message)}
    return {
        "tried": {
            "asked": [shown.tolerance_row(row) for row in found.asked],
            "found": shown.tolerance_row(found.found),
            "percent": shown.percent(six_places(found.percent)),
            "skipped": [shown.tolerance_row(row) for row in found.skipped],
        }
    }


class PriceToleranceForm(SetupForm):
    """A price tolerance: for an item, a group of items or all; of a vendor, a group of vendors or all."""

    keys = ("item_kind", "item", "item_group", "vendor_kind", "vendor", "vendor_group")
    # Which names are needed follows from the kinds; a browser would ask for the hidden ones too.
    use_required_attribute = False

    item_kind = forms.ChoiceField(
        label=_("어떤 품목에"),
        choices=[(TABLE, _("품목 하나")), (GROUP, _("품목 그룹")), (ALL, _("모든 품목"))],
    )
    item = fields.named("item", _("품목 번호"), required=False)
    item_group = forms.ChoiceField(label=_("품목 그룹"), required=False)
    vendor_kind = forms.ChoiceField(
        label=_("어떤 공급사에"),
        choices=[(TABLE, _("공급사 하나")), (GROUP, _("공급사 그룹")), (ALL, _("모든 공급사"))],
    )
    vendor = fields.named("vendor", _("공급사 계정"), required=False)
    vendor_group = forms.ChoiceField(label=_("공급사 그룹"), required=False)
    percent = fields.percent(_("허용 오차 (%)"), help_text=_("0이면 조금만 비싸도 불일치예요."))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.need("item", "item_group", "vendor", "vendor_group", when=False)
        for side, names in zip(("item", "vendor"), queries.price_groups(self.scope), strict=True):
            own = getattr(self.row, f"{side}_group", "")
            every = sorted({*names, own} - {""})
            box = self.fields[f"{side}_group"]
            if isinstance(box, forms.ChoiceField):
                box.choices = [("", _now("고르기")), *((name, name) for name in every)]

    @classmethod
    def initial_of(cls, row: PriceTolerance) -> dict[str, object]:
        """Return the tolerance."""
        return {
            "item_kind": row.item_code.partition(":")[0],
            "item": row.item.number if row.item else "",
            "item_group": row.item_group,
            "vendor_kind": row.account_code.partition(":")[0],
            "vendor": row.vendor.account if row.vendor else "",
            "vendor_group": row.vendor_group,
            "percent": row.percent,
        }

    def clean(self) -> dict[str, Any]:
        """Ask for the name of a side that is one item, vendor or group."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for side in ("item", "vendor"):
            needed = {TABLE: side, GROUP: f"{side}_group"}.get(data.get(f"{side}_kind", ALL))
            if needed and not data.get(needed):
                self.add_error(needed, _now("적거나 골라 주세요."))
        return data

    def code(self, side: str) -> str:
        """Return one side as the operation takes it."""
        kind = self.cleaned_data[f"{side}_kind"]
        if kind == ALL:
            return ALL
        return f"{kind}:{self.cleaned_data[side if kind == TABLE else f'{side}_group']}"

    def stands(self) -> bool:
        """Say whether both sides have a tolerance already."""
        key = company.tolerance_key(self.scope, self.code("item"), self.code("vendor"))
        return PriceTolerance.objects.within(self.scope).filter(**key).exists()

    def save(self, *, by: Actor, now: datetime) -> PriceTolerance:
        """Store the tolerance."""
        return company.save_price_tolerance(
            scope=self.scope,
            by=by,
            now=now,
            item=self.code("item"),
            vendor=self.code("vendor"),
            percent=self.cleaned_data["percent"],
        )


class PriceToleranceView(SetupView):
    """One price tolerance."""

    form = PriceToleranceForm
    list_page = PriceToleranceList
    model = PriceTolerance
    new_title = _("가격 허용 오차 등록")

    def may_remove(self, row: PriceTolerance) -> bool:
        """Keep the row for everything."""
        return not row.is_default

    def named(self, row: PriceTolerance) -> str:
        """Return both sides in words."""
        return shown.tolerance_row(str(row))


class GroupsView(PageView):
    """허용 오차 그룹: which items and vendors share their price tolerances."""

    permission = Permission.VIEW
    title = pgettext_lazy("list", "허용 오차 그룹")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the groups of both sides."""
        items, vendors = setup_reads.groups(request.scope)
        tolerances = reverse("matching:price-tolerances")
        sides = [
            (pgettext("list", "품목 그룹"), items, reverse("matching:items"), f"{tolerances}?item_group="),
            (pgettext("list", "공급사 그룹"), vendors, reverse("matching:vendors"), f"{tolerances}?vendor_group="),
        ]
        context = {"title": self.title, "tabs": tabs("matching:tolerance-groups"), "sides": sides}
        return render(request, "matching/setup_groups.html", context)


# ---- Invoice totals


class TotalsToleranceList(SetupList):
    """The tolerances of invoice totals by vendor."""

    slug = "matching-totals-tolerances"
    url_name = "matching:totals-tolerances"
    edit_name = "matching:totals-tolerance-edit"
    title = _("송장 합계 허용 오차")
    intro = _("공급사에 따로 정한 허용 오차예요. 여기에 없는 공급사는 매칭 설정의 송장 합계 허용 오차를 써요.")
    main_action = MainAction(_("송장 합계 허용 오차 등록하기"), "matching:totals-tolerance-new", Permission.MANAGE)
    order = ("vendor__account",)
    id_key = "id"
    columns = (
        Column("vendor__account", _("공급사 계정")),
        Column("vendor__name", _("이름")),
        Column("percent", _("허용 오차 (%)"), Kind.DECIMAL),
    )
    filters = (
        KeywordFilter(
            (
                Keyword("name", _("이름"), ("vendor__name",)),
                Keyword("id", _("공급사 계정"), ("vendor__account",), exact=True),
            )
        ),
    )

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the tolerances of a scope."""
        return TotalsTolerance.objects.within(scope)


class TotalsToleranceForm(SetupForm):
    """The tolerance of invoice totals of one vendor."""

    keys = ("vendor",)

    vendor = fields.named("vendor", _("공급사 계정"))
    percent = fields.percent(_("허용 오차 (%)"))

    @classmethod
    def initial_of(cls, row: TotalsTolerance) -> dict[str, object]:
        """Return the tolerance."""
        return {"vendor": row.vendor.account, "percent": row.percent}

    def stands(self) -> bool:
        """Say whether the vendor has a tolerance."""
        vendor = queries.find_vendor(self.scope, self.cleaned_data["vendor"])
        return TotalsTolerance.objects.within(self.scope).filter(vendor=vendor).exists()

    def save(self, *, by: Actor, now: datetime) -> TotalsTolerance:
        """Store the tolerance."""
        return company.save_totals_tolerance(scope=self.scope, by=by, now=now, **self.cleaned_data)


class TotalsToleranceView(SetupView):
    """The tolerance of invoice totals of one vendor."""

    form = TotalsToleranceForm
    list_page = TotalsToleranceList
    model = TotalsTolerance
    new_title = _("송장 합계 허용 오차 등록")
    has_history = False

    def named(self, row: TotalsTolerance) -> str:
        """Return the vendor."""
        return row.vendor.name or row.vendor.account
