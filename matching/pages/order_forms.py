"""The form of a purchase order: what holds for all of it, its lines, its charges."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any, ClassVar, Final, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from core import clock, ids
from matching.engine.words import plain
from matching.models import (
    NAME_LENGTH,
    UNIT_LENGTH,
    Category,
    OrderCharge,
    OrderLine,
    Policy,
    PolicyFrom,
    PurchaseOrder,
)
from matching.operations.documents import OrderChargeDraft, OrderFields, OrderLineDraft, OrderLineFields
from matching.pages import fields, shown
from settlement.forms import Tellable
from settlement.models import PUBLIC_ID_LENGTH

LINES, CHARGES = "lines", "charges"
# Blank rows a form offers: at first, and each time somebody asks for more.
MORE: Final[Mapping[str, int]] = {LINES: 3, CHARGES: 2}
SHOWN_LINES = 40
_MOST_ROWS = 500
_NUMBER_DIGITS = 9
_ALL: Final = 100
_USUAL: Final[Mapping[str, Decimal]] = {
    "unit_price": Decimal(0),
    "price_unit": Decimal(1),
    "discount": Decimal(0),
    "discount_percent": Decimal(0),
    "multiline_discount": Decimal(0),
    "multiline_discount_percent": Decimal(0),
}


def _figure(label: "fields.Words", **options: Any) -> fields.FigureField:
    return fields.FigureField(label=label, required=False, **options)


class OrderForm(Tellable):
    """What holds for a whole order."""

    codes = {"EXCHANGE_RATE_MISSING": "exchange_rate", "ID_ALREADY_USED": "public_id"}

    public_id = fields.text(_("발주 번호"), PUBLIC_ID_LENGTH, required=True, help_text=fields.OWN_ID)
    vendor = fields.named("vendor", _("공급사 계정"))
    date = fields.day(_("발주일"))
    currency = forms.ChoiceField(
        label=_("통화"), required=False, choices=[("", _("공급사의 통화")), *fields.CURRENCIES]
    )
    exchange_rate = _figure(
        _("환율"), places=16, help_text=_("회계 통화로 얼마인지 적어요. 비우면 등록한 환율을 써요.")
    )
    total_discount_percent = fields.percent(_("총할인율 (%)"), required=False, most=_ALL)
    sales_tax_percent = fields.percent(_("세율 (%)"), required=False)
    memo = fields.text(_("메모"), 1_000)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, order: PurchaseOrder | None, **options: Any) -> None:
        known = initial_of(order) if order else _new()
        options["initial"] = known | options.get("initial", {})
        super().__init__(*args, **options)
        if order is not None:
            del self.fields["public_id"]

    def header(self) -> OrderFields:
        """Return what the form says, as the operations take it."""
        data = self.cleaned_data
        found: dict[str, Any] = {name: data[name] for name in ("vendor", "date", "exchange_rate", "memo")}
        for name in ("total_discount_percent", "sales_tax_percent"):
            found[name] = data[name] or Decimal(0)
        if data["currency"]:
            found["currency"] = data["currency"]
        return cast("OrderFields", found)


def _new() -> dict[str, object]:
    """Return what the form of a new order shows. Its id is there already, so that sending it twice makes one order."""
    return {"public_id": f"pur-{ids.short_id()}", "date": clock.today(), "sales_tax_percent": Decimal(10)}


def initial_of(order: PurchaseOrder) -> dict[str, object]:
    """Return what the form of a known order shows."""
    names = ("date", "currency", "total_discount_percent", "sales_tax_percent", "memo", "version")
    rate = order.exchange_rate if order.is_rate_given else None
    return {name: getattr(order, name) for name in names} | {"vendor": order.vendor.account, "exchange_rate": rate}


class LineForm(forms.Form):
    """One line; a blank one counts for nothing."""

    number = forms.IntegerField(required=False, widget=forms.HiddenInput)
    item = fields.named("item", _("품목 번호"), required=False)
    description = fields.text(_("설명"), NAME_LENGTH)
    quantity = _figure(_("수량"))
    unit = fields.text(_("단위"), UNIT_LENGTH)
    unit_price = _figure(_("단가"))
    price_unit = _figure(_("가격 기준 수량"), least=0)
    discount = _figure(_("할인"))
    discount_percent = fields.percent(_("할인율 (%)"), required=False, most=_ALL)
    multiline_discount = _figure(_("다중 라인 할인"))
    multiline_discount_percent = fields.percent(_("다중 라인 할인율 (%)"), required=False, most=_ALL)
    policy = forms.ChoiceField(
        label=_("매칭 정책"), required=False, choices=[("", _("자동으로 찾기")), *Policy.choices]
    )
    over_delivery_percent = fields.percent(_("초과 입고 한도 (%)"), required=False)
    under_delivery_percent = fields.percent(_("부족 입고 한도 (%)"), required=False)
    is_closed = forms.BooleanField(label=_("송장 마감"), required=False)
    is_cancelled = forms.BooleanField(label=_("라인 취소"), required=False)

    MAIN: ClassVar[tuple[str, ...]] = ("item", "description", "quantity", "unit", "unit_price")
    SELDOM: ClassVar[tuple[str, ...]] = (
        *(name for name in _USUAL if name != "unit_price"),
        "policy",
        "over_delivery_percent",
        "under_delivery_percent",
    )
    ENDING: ClassVar[tuple[str, ...]] = ("is_closed", "is_cancelled")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # A line that is written down needs it; a sent one is asked for it in `clean`, which knows blank lines.
        self.fields["quantity"].required = not self.is_bound
        box, found = self.fields["policy"], self.initial.get("found_policy")
        if found and isinstance(box, forms.ChoiceField):
            # Only a new line, or another item, has its policy looked up; one set by hand stays so.
            box.choices = list(Policy.choices) if self.initial.get("policy") else [("", found), *Policy.choices]

    @property
    def main(self) -> list[forms.BoundField]:
        """Return the fields every line fills in."""
        return [self[name] for name in self.MAIN]

    @property
    def seldom(self) -> list[forms.BoundField]:
        """Return the fields few lines fill in; a line that is not there yet is neither closed nor cancelled."""
        return [self[name] for name in (*self.SELDOM, *(self.ENDING if self["number"].value() else ()))]

    @property
    def is_open(self) -> bool:
        """Say whether one of the seldom fields says something, so that it has to be seen."""
        return any(bound.errors or _says(bound) for bound in self.seldom)

    def is_blank(self) -> bool:
        """Say whether nothing is said about a line that is not there yet."""
        data = self.cleaned_data
        return not data.get("number") and not any(data.get(name) for name in self.MAIN)

    def clean(self) -> dict[str, Any]:
        """Ask for the quantity of a line that says anything."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.is_blank() and data.get("quantity") is None and "quantity" not in self.errors:
            self.add_error("quantity", _now("수량을 적어 주세요."))
        return data

    def said(self) -> dict[str, Any]:
        """Return the line as the operations take it; a figure left empty has its usual value."""
        found = {name: value for name, value in self.cleaned_data.items() if name != "number"}
        for name, usual in _USUAL.items():
            found[name] = usual if found[name] is None else found[name]
        found["item"] = found["item"] or None
        return {name: value for name, value in found.items() if value or name not in ("unit", "policy")}


def _says(bound: forms.BoundField) -> bool:
    value = bound.value()
    text = plain(value) if isinstance(value, Decimal) else str(value or "")
    usual = _USUAL.get(bound.name)
    return text not in ("", "" if usual is None else plain(usual))


class ChargeForm(forms.Form):
    """One charge of the order, or of one of its lines; one without a code counts for nothing."""

    name = forms.CharField(required=False, widget=forms.HiddenInput)
    code = fields.named("charge-code", _("비용 코드"), required=False)
    line = forms.IntegerField(
        label=_("라인 번호"), required=False, min_value=1, help_text=_("비우면 발주 전체의 비용이에요.")
    )
    category = forms.ChoiceField(label=_("계산 방법"), choices=Category.choices, required=False)
    value = _figure(_("값"), help_text=_("정액과 개당은 금액, 백분율은 퍼센트예요."))
    drop = forms.BooleanField(label=_("빼기"), required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("code", "value"):
            self.fields[name].required = not self.is_bound

    @property
    def shown(self) -> list[forms.BoundField]:
        """Return the fields; a charge that is not there yet cannot be dropped."""
        bound = [self[name] for name in ("code", "line", "category", "value")]
        return [*bound, self["drop"]] if self["name"].value() else bound

    def is_blank(self) -> bool:
        """Say whether the row counts for nothing."""
        return not self.cleaned_data.get("code") or bool(self.cleaned_data.get("drop"))

    def clean(self) -> dict[str, Any]:
        """Ask for the value of a charge."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.is_blank() and data.get("value") is None and "value" not in self.errors:
            self.add_error("value", _now("값을 적어 주세요."))
        return data


# ---- The three forms together


@dataclass(frozen=True, slots=True)
class Standing:
    """The lines and charges an order has already, before somebody changes it."""

    lines: Mapping[int, OrderLine]
    charges: Sequence[OrderCharge]

    @classmethod
    def of(cls, order: PurchaseOrder | None) -> "Standing":
        """Read those of an order; a new one has none."""
        lines = OrderLine.objects.filter(order=order).select_related("item").order_by("number") if order else ()
        charges = OrderCharge.objects.filter(order=order).select_related("code", "order_line") if order else ()
        return cls({line.number: line for line in lines}, list(charges))

    def charges_of(self, number: int) -> list[OrderChargeDraft]:
        """Return the charges of a line by number, of the whole order for 0."""
        return [_draft(charge) for charge in self.charges if _line_of(charge) == number]


def _line_of(charge: OrderCharge) -> int:
    return charge.order_line.number if charge.order_line else 0


def _draft(charge: OrderCharge) -> OrderChargeDraft:
    return OrderChargeDraft(charge.name, charge.code.code, charge.value, charge.category)


class Forms:
    """The forms of an order, of some of its lines from one on, and of its charges."""

    def __init__(
        self, order: PurchaseOrder | None, data: QueryDict | None = None, more: str = "", begins: int = 0
    ) -> None:
        """Make them for an order or a new one, from what was sent; `more` asks for blank rows and checks nothing."""
        self.stand = Standing.of(order)
        self._shown = [line for line in self.stand.lines.values() if line.number >= begins][:SHOWN_LINES]
        asking = data if more else None
        sent = None if more else data
        initial = {name: asking[name] for name in OrderForm.base_fields if name in asking} if asking else {}
        self.order = OrderForm(sent, order=order, initial=initial)
        self.lines = self._rows(LINES, LineForm, self._line_initial(asking), sent, more)
        self.charges = self._rows(CHARGES, ChargeForm, self._charge_initial(asking), sent, more)

    def _rows(self, prefix: str, form: Any, initial: list[dict[str, object]], sent: Any, more: str) -> Any:
        extra = MORE[prefix] if more == prefix or not initial else 0
        kind = forms.formset_factory(form, extra=extra, max_num=_MOST_ROWS, absolute_max=_MOST_ROWS)
        return kind(sent, initial=initial, prefix=prefix)

    def _line_initial(self, asking: QueryDict | None) -> list[dict[str, object]]:
        if asking is None:
            return [_line_initial(line) for line in self._shown]
        rows = _sent_rows(asking, LINES, LineForm)
        for row in rows:
            known = self.stand.lines.get(number_in(row.get("number")))
            row["found_policy"] = _line_initial(known)["found_policy"] if known else ""
        return rows

    def _charge_initial(self, asking: QueryDict | None) -> list[dict[str, object]]:
        if asking is not None:
            return _sent_rows(asking, CHARGES, ChargeForm)
        return [_charge_initial(charge) for charge in self.stand.charges if charge.taken_by_id is None]

    def numbered(self) -> Iterator[tuple[int, LineForm]]:
        """Return the line forms with the numbers their lines have, or will have."""
        free = count(max(self.stand.lines, default=0) + 1)
        for form in self.lines:
            known = number_in(form["number"].value())
            yield (known if known in self.stand.lines else next(free)), form

    def parts(self) -> list[tuple[int, int, bool]]:
        """Return the parts a long order is edited in: first and last line, and whether it is the one shown."""
        numbers = list(self.stand.lines)
        parts = [numbers[place : place + SHOWN_LINES] for place in range(0, len(numbers), SHOWN_LINES)]
        here = self._shown[0].number if self._shown else 0
        return [(part[0], part[-1], part[0] <= here <= part[-1]) for part in parts] if len(parts) > 1 else []

    def is_valid(self) -> bool:
        """Say whether all three can be understood, and every charge names a line that is there."""
        valid = all([self.order.is_valid(), self.lines.is_valid(), self.charges.is_valid()])
        if not valid:
            return False
        numbers = {*self.stand.lines, *(number for number, form in self.numbered() if not form.is_blank())}
        for form in self.charges:
            if not form.is_blank() and form.cleaned_data["line"] not in {None, *numbers}:
                form.add_error("line", _now("이 번호의 라인이 없어요."))
                valid = False
        return valid

    def line_drafts(self) -> list[OrderLineDraft]:
        """Return the lines that are new, and what changes of those that stand; charges also of those not shown."""
        charges = self._charges()
        said = {number: form.said() for number, form in self.numbered() if not form.is_blank()}
        drafts = []
        for number in sorted({*said, *self.stand.lines}):
            known, mine = self.stand.lines.get(number), charges.get(number, [])
            fields = said.get(number, {}) if known is None else _changes(known, said.get(number, {}))
            put = None if _same(mine, self.stand.charges_of(number)) else mine
            if known is None or fields or put is not None:
                drafts.append(OrderLineDraft(number, cast("OrderLineFields", fields), put))
        return drafts

    def charge_drafts(self) -> list[OrderChargeDraft] | None:
        """Return the charges of the whole order; None where they stay as they are."""
        mine = self._charges().get(0, [])
        return None if _same(mine, self.stand.charges_of(0)) else mine

    def _charges(self) -> dict[int, list[OrderChargeDraft]]:
        """Return the charges by line number. What an invoice took over stays; new ones get the next free names."""
        found: dict[int, list[OrderChargeDraft]] = {}
        for charge in self.stand.charges:
            if charge.taken_by_id is not None:
                found.setdefault(_line_of(charge), []).append(_draft(charge))
        used = {charge.name for charge in self.stand.charges}
        free = (str(number) for number in count(1) if str(number) not in used)
        for row in (form.cleaned_data for form in self.charges if not form.is_blank()):
            name = row["name"] if row["name"] in used else next(free)
            draft = OrderChargeDraft(name, row["code"], row["value"], row["category"] or Category.FIXED)
            found.setdefault(row["line"] or 0, []).append(draft)
        return found


def number_in(value: object) -> int:
    """Return the whole number a browser sent, 0 for anything else."""
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _NUMBER_DIGITS else 0


def _same(left: Sequence[OrderChargeDraft], right: Sequence[OrderChargeDraft]) -> bool:
    return {draft.name: draft for draft in left} == {draft.name: draft for draft in right}


def _changes(line: OrderLine, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields in which a line differs from what is said of it."""
    by_hand = line.policy if line.policy_from == PolicyFrom.ORDER_LINE else ""
    other = {"item": line.item and line.item.number, "policy": by_hand}
    now = {name: other[name] if name in other else getattr(line, name) for name in said}
    return {name: value for name, value in said.items() if now[name] != value}


def _line_initial(line: OrderLine) -> dict[str, object]:
    names = [name for name in LineForm.base_fields if name not in ("item", "policy")]
    return {name: getattr(line, name) for name in names} | {
        "item": line.item.number if line.item else "",
        "policy": line.policy if line.policy_from == PolicyFrom.ORDER_LINE else "",
        "found_policy": shown.policy(line.policy, line.policy_from),
    }


def _charge_initial(charge: OrderCharge) -> dict[str, object]:
    names = ("name", "category", "value")
    return {name: getattr(charge, name) for name in names} | {
        "code": charge.code.code,
        "line": _line_of(charge) or None,
    }


def _sent_rows(data: QueryDict, prefix: str, form: type[forms.Form]) -> list[dict[str, object]]:
    """Return the rows that were sent as they were written, without the blank ones."""
    rows = []
    for number in range(min(number_in(data.get(f"{prefix}-TOTAL_FORMS")), _MOST_ROWS)):
        row: dict[str, object] = {name: data.get(f"{prefix}-{number}-{name}", "") for name in form.base_fields}
        if any(value for name, value in row.items() if name != "category"):
            rows.append(row)
    return rows
