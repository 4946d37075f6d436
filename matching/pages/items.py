"""품목 and 단위 환산: what is bought, in which unit, and how units are turned into one another."""

from datetime import datetime
from fractions import Fraction
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.roles import Permission
from console.columns import Column, Kind, Row
from console.filters import BooleanFilter, IdFilter, Keyword, KeywordFilter
from console.lists import MainAction
from core.actor import Actor
from core.scope import Scope
from matching import queries
from matching.models import NAME_LENGTH, UNIT_LENGTH, Item, UnitConversion
from matching.operations import company
from matching.pages import fields
from matching.pages.setup import SetupForm, SetupList, SetupView
from settlement.models import PUBLIC_ID_LENGTH


class ItemList(SetupList):
    """Every item by number."""

    slug = "matching-items"
    url_name = "matching:items"
    edit_name = "matching:item-edit"
    title = pgettext_lazy("list", "품목")
    intro = _("사는 것과 그 구매 단위예요. 입고가 꼭 필요한 품목은 입고 없이 송장을 전기할 수 없어요.")
    main_action = MainAction(_("품목 등록하기"), "matching:item-new", Permission.MANAGE)
    order = ("number",)
    id_key = "number"
    columns = (
        Column("number", _("품목 번호"), Kind.ID),
        Column("name", _("이름")),
        Column("unit", _("구매 단위")),
        Column("price_tolerance_group", _("허용 오차 그룹")),
        Column("receives", _("입고 필수"), value=lambda row: _now("예") if row["receiving_requirement"] else ""),
        Column("over_delivery_percent", _("초과 입고 한도 (%)"), Kind.DECIMAL),
        Column("under_delivery_percent", _("부족 입고 한도 (%)"), Kind.DECIMAL),
        Column("updated_at", _("수정한 때"), Kind.MOMENT, default=False),
    )
    extra = ("receiving_requirement",)
    filters = (
        KeywordFilter((Keyword("name", _("이름"), ("name",)), Keyword("id", _("품목 번호"), ("number",), exact=True))),
        BooleanFilter("receiving", _("입고 필수"), "receiving_requirement"),
        IdFilter("group", _("허용 오차 그룹"), "price_tolerance_group"),
    )
    blank = _("아직 품목이 없어요. 품목 없이도 발주할 수 있지만, 허용 오차와 매칭 정책은 품목을 따라가요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the items of a scope."""
        return Item.objects.within(scope)


class ItemForm(SetupForm):
    """An item."""

    keys = ("number",)

    number = fields.text(_("품목 번호"), PUBLIC_ID_LENGTH, required=True)
    name = fields.text(_("이름"), NAME_LENGTH)
    unit = fields.text(_("구매 단위"), UNIT_LENGTH, required=True, initial="ea", help_text=_("ea, box, kg처럼 적어요."))
    price_tolerance_group = fields.text(
        _("허용 오차 그룹"), NAME_LENGTH, help_text=_("가격 허용 오차를 함께 쓰는 품목끼리 같은 이름을 적어요.")
    )
    receiving_requirement = forms.BooleanField(
        label=_("입고 필수"),
        required=False,
        help_text=_("매칭한 입고가 송장 수량보다 적으면 불일치를 승인해도 전기할 수 없어요."),
    )
    over_delivery_percent = fields.percent(
        _("초과 입고 한도 (%)"), required=False, help_text=_("발주보다 이만큼까지 더 받아요. 비우면 회사 설정을 써요.")
    )
    under_delivery_percent = fields.percent(
        _("부족 입고 한도 (%)"),
        required=False,
        help_text=_("이만큼까지 모자라도 라인을 마감할 수 있어요. 비우면 회사 설정을 써요."),
    )

    def stands(self) -> bool:
        """Say whether the number is taken."""
        return Item.objects.within(self.scope).filter(number=self.cleaned_data["number"]).exists()

    def save(self, *, by: Actor, now: datetime) -> Item:
        """Store the item."""
        number = self.cleaned_data["number"]
        return company.save_item(scope=self.scope, by=by, now=now, number=number, fields=self.values())


class ItemView(SetupView):
    """One item."""

    form = ItemForm
    list_page = ItemList
    model = Item
    key_field = "number"
    new_title = _("품목 등록")

    def named(self, row: Item) -> str:
        """Return the item's name, else its number."""
        return row.name or row.number


# ---- Units


def written_factor(numerator: object, denominator: object) -> str:
    """Write an exact factor: `12`, or `1/12`."""
    return str(numerator) if denominator == 1 else f"{numerator}/{denominator}"


def _factor(row: Row) -> str:
    return written_factor(row["numerator"], row["denominator"])


class FactorField(forms.CharField):
    """An exact factor: a figure (`0.5`) or a fraction (`1/12`)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=60, **options)
        self.figure = fields.FigureField(places=15)

    def clean(self, value: Any) -> Fraction:
        """Return the factor."""
        over, slash, under = super().clean(value).partition("/")
        numerator = self.figure.clean(over)
        denominator = self.figure.clean(under) if slash else 1
        if not numerator or not denominator:
            raise forms.ValidationError(_now("0보다 큰 수나 1/12처럼 분수로 적어 주세요."))
        return Fraction(numerator) / Fraction(denominator)


class ConversionList(SetupList):
    """Every unit conversion."""

    slug = "matching-conversions"
    url_name = "matching:conversions"
    edit_name = "matching:conversion-edit"
    title = _("단위 환산")
    intro = _("송장과 입고의 단위가 발주와 다르면 이 비율로 바꿔서 비교해요. 반대 방향은 따로 적지 않아도 돼요.")
    main_action = MainAction(_("단위 환산 등록하기"), "matching:conversion-new", Permission.MANAGE)
    order = ("from_unit", "id")
    id_key = "id"
    columns = (
        Column("from_unit", _("이 단위 하나는")),
        Column("factor", _("비율"), value=_factor),
        Column("to_unit", _("이 단위로")),
        Column("item__number", _("품목 번호"), Kind.ID),
        Column("item__name", _("품목 이름")),
    )
    extra = ("numerator", "denominator")
    filters = (
        KeywordFilter(
            (
                Keyword("unit", _("단위"), ("from_unit", "to_unit"), exact=True),
                Keyword("item", _("품목 번호"), ("item__number",), exact=True),
            )
        ),
        BooleanFilter("all", _("모든 품목"), condition=lambda wanted: Q(item__isnull=wanted)),
    )
    blank = _("아직 단위 환산이 없어요. 상자로 사고 낱개로 송장이 오는 품목이 있으면 등록해 주세요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the conversions of a scope."""
        return UnitConversion.objects.within(scope)


class ConversionForm(SetupForm):
    """A unit conversion."""

    keys = ("item", "from_unit", "to_unit")

    item = fields.named("item", _("품목 번호"), required=False, help_text=_("비우면 모든 품목에 써요."))
    from_unit = fields.text(_("이 단위 하나는"), UNIT_LENGTH, required=True)
    factor = FactorField(label=_("비율"), help_text=_("한 상자가 12개면 12, 한 개가 12분의 1상자면 1/12로 적어요."))
    to_unit = fields.text(_("이 단위로"), UNIT_LENGTH, required=True)

    @classmethod
    def initial_of(cls, row: UnitConversion) -> dict[str, object]:
        """Return the conversion."""
        return {
            "item": row.item.number if row.item else "",
            "from_unit": row.from_unit,
            "to_unit": row.to_unit,
            "factor": written_factor(row.numerator, row.denominator),
        }

    def clean(self) -> dict[str, Any]:
        """Refuse one unit on both sides."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("from_unit") and data["from_unit"] == data.get("to_unit"):
            self.add_error("to_unit", _now("서로 다른 단위를 적어 주세요."))
        return data

    def stands(self) -> bool:
        """Say whether there is a factor between the two units already."""
        data = self.cleaned_data
        item = queries.find_item(self.scope, data["item"]) if data["item"] else None
        known = UnitConversion.objects.within(self.scope).filter(item=item)
        return known.filter(from_unit=data["from_unit"], to_unit=data["to_unit"]).exists()

    def save(self, *, by: Actor, now: datetime) -> UnitConversion:
        """Store the conversion."""
        data = self.cleaned_data
        return company.save_conversion(scope=self.scope, by=by, now=now, **{**data, "item": data["item"] or None})


class ConversionView(SetupView):
    """One unit conversion."""

    form = ConversionForm
    list_page = ConversionList
    model = UnitConversion
    new_title = _("단위 환산 등록")
    has_history = False
