"""The parts of the form of an invoice: what holds for all of it, one line, one charge."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Final, cast

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from core import clock
from core.scope import Scope
from matching.engine import terms
from matching.engine.words import plain
from matching.models import NAME_LENGTH, UNIT_LENGTH, Category, Invoice, Vendor
from matching.operations.documents import (
    InvoiceChargeDraft,
    InvoiceFields,
)
from matching.pages import fields
from settlement.forms import Tellable
from settlement.models import PUBLIC_ID_LENGTH

_LARGEST_PERCENT = 100
PRICES: Final[Mapping[str, Decimal]] = {
    "unit_price": Decimal(0),
    "price_unit": Decimal(1),
    "discount": Decimal(0),
    "discount_percent": Decimal(0),
    "multiline_discount": Decimal(0),
    "multiline_discount_percent": Decimal(0),
}
MONEY: Final = ("total_discount", "sales_tax", "round_off")
IMPORTED: Final = ("imported_amount", "imported_tax")


def _figure(label: "fields.Words", **options: Any) -> fields.FigureField:
    return fields.FigureField(label=label, required=False, **options)


class VendorForm(forms.Form):
    """Whose invoice it is, and of which order where that is known."""

    vendor = fields.named("vendor", _("공급사"))
    order = fields.text(_("발주 번호"), PUBLIC_ID_LENGTH, help_text=_("비우면 이 공급사의 열린 발주를 모두 보여 줘요."))

    def __init__(self, *args: Any, scope: Scope, **options: Any) -> None:
        super().__init__(*args, **options)
        self.scope = scope

    def clean_vendor(self) -> str:
        """Ask for a vendor that is there."""
        account: str = self.cleaned_data["vendor"].strip()
        if not Vendor.objects.within(self.scope).filter(account=account).exists():
            raise forms.ValidationError(_now("이런 공급사가 없어요."))
        return account


class InvoiceForm(Tellable):
    """What holds for a whole invoice."""

    codes = {
        "EXCHANGE_RATE_MISSING": "exchange_rate",
        "CURRENCY": "currency",
        "ID_ALREADY_USED": "public_id",
    }

    number = fields.text(_("송장 번호"), PUBLIC_ID_LENGTH, required=True)
    date = fields.day(_("송장일"))
    due_date = fields.day(_("지급 기한"), required=False, help_text=_("비우면 공급사의 지급 조건으로 정해요."))
    currency = forms.ChoiceField(label=_("통화"), choices=fields.CURRENCIES)
    total_discount = _figure(_("총할인"))
    sales_tax = _figure(_("세액"))
    round_off = _figure(_("단수 차이"))
    invoice_account = fields.text(_("받는 곳"), PUBLIC_ID_LENGTH, help_text=_("비우면 공급사에 정한 곳이에요."))
    exchange_rate = _figure(
        _("환율"), places=16, least=0, help_text=_("회계 통화로 얼마인지 적어요. 비우면 등록한 환율을 써요.")
    )
    imported_amount = _figure(_("받은 송장의 금액"), help_text=_("적으면 계산한 금액과 같아야 전기할 수 있어요."))
    imported_tax = _figure(_("받은 송장의 세액"))
    memo = fields.text(_("메모"), 1_000)
    public_id = fields.text(
        _("송장 아이디"), PUBLIC_ID_LENGTH, help_text=_("비워 두면 자동으로 만들어요. 나중에 바꿀 수 없어요.")
    )
    is_automated = forms.BooleanField(label=_("입고가 들어오면 저절로 매칭"), required=False, initial=True)
    matches_receipts = forms.BooleanField(
        label=_("새 라인을 지금 있는 입고와 매칭"),
        required=False,
        initial=True,
        help_text=_("오래된 입고부터 매칭해요."),
    )
    copies_charges = forms.BooleanField(
        label=_("발주의 비용 가져오기"), required=False, help_text=_("아래에 적은 비용에 더해서 저장할 때 가져와요.")
    )
    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, invoice: Invoice | None, vendor: Vendor, **options: Any) -> None:
        known = (
            _initial(invoice)
            if invoice
            else {"date": clock.today(), "currency": vendor.currency, "copies_charges": True}
        )
        options["initial"] = known | options.get("initial", {})
        super().__init__(*args, **options)
        if invoice is not None:
            # The orders that the lines name are in the currency, so it stays once there are lines.
            for name in ("public_id", "copies_charges", "currency"):
                del self.fields[name]

    def header(self) -> InvoiceFields:
        """Return what the form says, as the operations take it."""
        data = self.cleaned_data
        found: dict[str, Any] = {name: data[name] or Decimal(0) for name in MONEY}
        found |= {name: data[name] for name in (*IMPORTED, "number", "date", "memo", "is_automated")}
        found["exchange_rate"] = data["exchange_rate"] or None
        found |= {name: data[name] for name in ("due_date", "invoice_account", "currency") if data.get(name)}
        return cast("InvoiceFields", found)


def _initial(invoice: Invoice) -> dict[str, object]:
    names = ("number", "date", "due_date", *MONEY, *IMPORTED, "memo", "is_automated", "version")
    rate = invoice.exchange_rate if invoice.is_rate_given else None
    return {name: getattr(invoice, name) for name in names} | {
        "exchange_rate": rate,
        "invoice_account": invoice.invoice_account,
        "matches_receipts": True,
    }


class LineForm(forms.Form):
    """One line: one that stands, one an order offers, or a blank one, which counts for nothing."""

    number = forms.IntegerField(required=False, widget=forms.HiddenInput)
    order_line = forms.CharField(required=False, widget=forms.HiddenInput)
    take = forms.BooleanField(label=_("청구함"), required=False)
    item = fields.named("item", _("품목 번호"), required=False)
    description = fields.text(_("설명"), NAME_LENGTH)
    quantity = _figure(_("수량"))
    unit = fields.text(_("단위"), UNIT_LENGTH)
    unit_price = _figure(_("단가"))
    price_unit = _figure(_("가격 기준 수량"), least=0)
    discount = _figure(_("할인"))
    discount_percent = fields.percent(_("할인율 (%)"), required=False, most=_LARGEST_PERCENT)
    multiline_discount = _figure(_("다중 라인 할인"))
    multiline_discount_percent = fields.percent(_("다중 라인 할인율 (%)"), required=False, most=_LARGEST_PERCENT)
    is_final = forms.BooleanField(label=_("발주 라인의 마지막 송장"), required=False)
    drop = forms.BooleanField(label=_("라인 빼기"), required=False)

    SELDOM: ClassVar[tuple[str, ...]] = (*(name for name in PRICES if name != "unit_price"), "is_final")

    @property
    def stands(self) -> bool:
        """Say whether the line is on the invoice already."""
        return bool(self["number"].value())

    @property
    def offered(self) -> bool:
        """Say whether an order offers the line."""
        return bool(self["order_line"].value()) and not self.stands

    @property
    def main(self) -> list[forms.BoundField]:
        """Return the fields every line fills in; an order line has its item already."""
        named = () if self["order_line"].value() else ("item", "description")
        first = ("take",) if self.offered else ()
        return [self[name] for name in (*first, *named, "quantity", "unit", "unit_price")]

    @property
    def seldom(self) -> list[forms.BoundField]:
        """Return the fields few lines fill in."""
        return [self[name] for name in (*self.SELDOM, *(("drop",) if self.stands else ()))]

    @property
    def is_open(self) -> bool:
        """Say whether one of the seldom fields says something, so that it has to be seen."""
        return any(bound.errors or _says(bound) for bound in self.seldom)

    def is_blank(self) -> bool:
        """Say whether the row counts for nothing."""
        data = self.cleaned_data
        if data.get("number"):
            return False
        if data.get("order_line"):
            return not data.get("take")
        return not any(data.get(name) for name in ("item", "description", "quantity", "unit_price"))

    def clean(self) -> dict[str, Any]:
        """Ask for the quantity of a line that says anything."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.is_blank() and data.get("quantity") is None and "quantity" not in self.errors:
            self.add_error("quantity", _now("수량을 적어 주세요."))
        if data.get("price_unit") is not None and not data["price_unit"]:
            self.add_error("price_unit", _now("0보다 커야 해요."))
        return data

    def said(self) -> dict[str, Any]:
        """Return quantity and price as the operations take them; a figure left empty has its usual value."""
        data = self.cleaned_data
        found: dict[str, Any] = {name: usual if data[name] is None else data[name] for name, usual in PRICES.items()}
        found |= {"quantity": data["quantity"], "is_final": data["is_final"]}
        if data["unit"]:
            found["unit"] = data["unit"]
        if not data["order_line"]:
            found |= {"item": data["item"] or None, "description": data["description"]}
        return found

    def pricing(self) -> terms.Pricing:
        """Return quantity and price as the engine takes them."""
        data = self.cleaned_data
        given = {name: Fraction(usual if data[name] is None else data[name]) for name, usual in PRICES.items()}
        return terms.Pricing(quantity=Fraction(data["quantity"] or 0), **given)


def _says(bound: forms.BoundField) -> bool:
    value = bound.value()
    text = plain(value) if isinstance(value, Decimal) else str(value or "")
    usual = PRICES.get(bound.name)
    return text not in {"", "False", "" if usual is None else plain(usual)}


class ChargeForm(forms.Form):
    """One charge of the invoice or of one of its lines; one without a code counts for nothing."""

    key = forms.IntegerField(required=False, widget=forms.HiddenInput)
    code = fields.named("charge-code", _("비용 코드"), required=False)
    line = forms.IntegerField(
        label=_("라인 번호"), required=False, min_value=1, help_text=_("비우면 송장 전체의 비용이에요.")
    )
    category = forms.ChoiceField(label=_("계산 방법"), choices=Category.choices, required=False)
    value = _figure(_("값"))
    connected_to = forms.ChoiceField(label=_("연결할 발주 비용"), required=False)
    drop = forms.BooleanField(label=_("비용 빼기"), required=False)

    def __init__(self, *args: Any, agreed: Sequence[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        cast("forms.ChoiceField", self.fields["connected_to"]).choices = [("", _("연결 안 함")), *agreed]

    @property
    def shown(self) -> list[forms.BoundField]:
        """Return the fields; a charge that is not there yet cannot be dropped."""
        bound = [self[name] for name in ("code", "line", "category", "value", "connected_to")]
        return [*bound, self["drop"]] if self["key"].value() else bound

    def is_blank(self) -> bool:
        """Say whether the row counts for nothing."""
        return not self.cleaned_data.get("code") or bool(self.cleaned_data.get("drop"))

    def clean(self) -> dict[str, Any]:
        """Ask for the value of a charge."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.is_blank() and data.get("value") is None and "value" not in self.errors:
            self.add_error("value", _now("값을 적어 주세요."))
        return data

    def draft(self) -> InvoiceChargeDraft:
        """Return the charge as the operations take it."""
        data = self.cleaned_data
        order, _slash, name = data["connected_to"].rpartition("/")
        connected = (order, name) if order else None
        return InvoiceChargeDraft(data["code"], data["value"], data["category"] or Category.FIXED, connected)
