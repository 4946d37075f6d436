"""Forms of the calculation: a version's formulas, parameters, and the made-up order of a formula test."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from console.columns import Label
from core.money import Rounding as Mode
from settlement import formulas, terms
from settlement.calculation import ParameterValue
from settlement.dates import Cycle, CycleMethod, DatePolicy
from settlement.fees import (
    AdditionalFeeTerms,
    ContractTerms,
    DiscountTerms,
    FeeTerms,
    Line,
    Order,
    Payer,
    RoundingModes,
)
from settlement.forms import PercentField, Plannable, Radios, Tellable, WonField
from settlement.formula_test import MadeUp
from settlement.formulas import DEFAULTS, MAX_LENGTH, MAX_OWN, REPLACEABLE, FormulaError, KeyWrong, OwnFormula, Place
from settlement.models import Calculator, Rounding, SettlementParameter, VatPayer
from settlement.operations.calculator import ROUNDING_COLUMNS, CalculatorDraft

PLACES: Mapping[Place, Label] = {
    Place.DISCOUNT_SHARE: _("할인 분담금"),
    Place.PLATFORM_FEE: _("중개수수료"),
    Place.ADDITIONAL_FEE: _("추가수수료"),
    Place.SETTLEMENT: _("정산 금액"),
    Place.SETTLEMENT_TAX_FREE: _("정산 면세액"),
}
VARIABLES: Mapping[str, Label] = {
    "ORDER_AMOUNT": _("주문 금액"),
    "ORDER_TAX_FREE_AMOUNT": _("주문 면세액"),
    "ORDER_TAX_FREE_RATIO": _("주문 금액 중 면세액의 비율"),
    "PAYMENT_AMOUNT": _("결제 금액"),
    "PAYMENT_VAT_AMOUNT": _("결제 부가세액"),
    "PAYMENT_VAT_BURDEN_AMOUNT": _("결제 부가세 부담금"),
    "DISCOUNT_AMOUNT": _("할인 금액. 할인 분담금에서는 나누는 그 할인의 금액"),
    "DISCOUNT_SHARE_AMOUNT": _("할인 분담금 합계"),
    "DISCOUNT_SHARE_TAX_FREE_AMOUNT": _("할인 면세 분담금 합계"),
    "FIXED_RATE": _("수수료율. 할인 분담금에서는 파트너 분담율"),
    "FIXED_AMOUNT": _("정액 수수료"),
    "PLATFORM_FEE_AMOUNT": _("중개수수료"),
    "PLATFORM_FEE_VAT": _("파트너가 부담하는 중개수수료 부가세"),
    "PLATFORM_FEE": _("중개수수료와 부가세"),
    "PLATFORM_ADDITIONAL_FEE": _("추가수수료와 부가세 합계"),
    "PLATFORM_DISCOUNT_SHARE": _("할인 분담금 합계"),
    "SETTLEMENT_AMOUNT": _("정산 금액"),
}
FUNCTIONS: Mapping[str, Label] = {
    "ROUND": _("반올림"),
    "ROUND_UP": _("올림"),
    "ROUND_DOWN": _("버림"),
}
_WRONG: Mapping[formulas.Wrong, Label] = {
    formulas.Wrong.INVALID_FUNCTION: _("없는 함수예요."),
    formulas.Wrong.INVALID_OPERATOR: _("쓸 수 없는 연산자예요. +, -, *, 괄호만 쓸 수 있어요."),
    formulas.Wrong.INVALID_SYNTAX: _("읽을 수 없는 글자예요."),
    formulas.Wrong.INVALID_VARIABLE: _("없는 변수예요."),
    formulas.Wrong.MISSING_EXPECTED_TOKEN: _("괄호의 짝이 필요해요."),
    formulas.Wrong.MISSING_LEFT_OPERAND: _("연산자 왼쪽에 값이 필요해요."),
    formulas.Wrong.MISSING_OPERATOR: _("앞에 연산자가 필요해요."),
    formulas.Wrong.MISSING_RIGHT_OPERAND: _("연산자 오른쪽에 값이 필요해요."),
    formulas.Wrong.WRONG_NUMBER_OF_ARGUMENTS: _("함수 괄호 안에는 값을 하나만 넣어요."),
    formulas.Wrong.UNEXPECTED_TOKEN: _("여기에 올 수 없는 글자예요."),
}
_REASONS: Mapping[formulas.Reason, Label] = {
    formulas.Reason.EMPTY: _("계산식을 적어 주세요."),
    formulas.Reason.TOO_LONG: _("계산식은 2,000자까지 쓸 수 있어요."),
    formulas.Reason.TOO_DEEP: _("괄호는 50겹까지 쓸 수 있어요."),
    formulas.Reason.TOO_MANY_DIGITS: _("숫자는 소수점 앞 15자리, 뒤 10자리까지 쓸 수 있어요."),
    formulas.Reason.NOT_HERE: _("이 계산식에서는 쓸 수 없는 변수예요."),
    formulas.Reason.LATER: _("이 계산식보다 나중에 계산하는 값이에요."),
}
_KEYS: Mapping[KeyWrong, Label] = {
    KeyWrong.INVALID: _("키는 영문자나 밑줄로 시작하고 영문자, 숫자, 밑줄만 64자까지 쓸 수 있어요."),
    KeyWrong.RESERVED: _("계산식의 변수나 함수와 같은 키는 쓸 수 없어요."),
    KeyWrong.DUPLICATED: _("같은 키가 두 번 있어요."),
    KeyWrong.USED_BY_PARAMETER: _("같은 키의 파라미터가 있어요."),
    KeyWrong.TOO_MANY: _("내 계산식은 10개까지 쓸 수 있어요."),
}
_LINES, _DISCOUNTS, _FEES = 3, 2, 2


@dataclass(frozen=True, slots=True)
class Pointer:
    """The line of an expression in which something is wrong, cut where the wrong piece begins and ends."""

    line: int
    before: str
    piece: str
    after: str

    @classmethod
    def at(cls, text: str, error: FormulaError) -> "Pointer":
        """Return the line an error points at."""
        place = error.position
        line = text.split("\n")[place.start_line - 1]
        until = place.end_index if place.end_line == place.start_line else len(line)
        return cls(place.start_line, line[: place.start_index], line[place.start_index : until], line[until:])


def told(error: FormulaError | KeyWrong) -> str:
    """Say what is wrong with a formula, and where."""
    if isinstance(error, KeyWrong):
        return str(_KEYS[error])
    text = str(_REASONS.get(error.reason) or _WRONG[error.wrong])
    if error.reason in (formulas.Reason.EMPTY, formulas.Reason.TOO_LONG):
        return text
    place = {"line": error.position.start_line, "index": error.position.start_index + 1}
    return _now("%(line)d번째 줄 %(index)d번째 글자: ") % place + text


def _expression(**options: Any) -> forms.CharField:
    attrs = {"rows": 2, "spellcheck": "false", "autocomplete": "off", "class": "expression"}
    return forms.CharField(max_length=MAX_LENGTH, widget=forms.Textarea(attrs=attrs), strip=False, **options)


def _one_line(text: str) -> str:
    # Browsers send line ends as CR LF; positions count characters of the text as it is kept.
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


class CalculatorForm(Plannable):
    """A version of the calculation: rounding, and the expression of each formula."""

    memo = forms.CharField(
        label=_("메모"), required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 2}), empty_value=""
    )

    def __init__(self, *args: Any, version: Calculator | None, **options: Any) -> None:
        super().__init__(*args, **options)
        kept = terms.replaced(version)
        modes = terms.rounding_modes(version)
        for place in REPLACEABLE:
            text = kept.get(place, DEFAULTS[place])
            self.fields[place.value] = _expression(label=PLACES[place], initial=text, required=False)
        for item in fields(RoundingModes):
            label = _("부가세") if item.name == "vat" else PLACES[Place(item.name)]
            self.fields[f"rounding_{item.name}"] = forms.ChoiceField(
                label=str(label), choices=Rounding.choices, initial=getattr(modes, item.name).value
            )
        self.pointers: dict[str, Pointer] = {}

    def expressions(self) -> list[tuple[forms.BoundField, Place, Pointer | None]]:
        """Return each expression's field with the place it stands in and what is wrong there."""
        return [(self[place.value], place, self.pointers.get(place.value)) for place in REPLACEABLE]

    def roundings(self) -> list[forms.BoundField]:
        """Return the fields of the rounding modes."""
        return [self[name] for name in ROUNDING_COLUMNS]

    def draft(self, own: Sequence[OwnFormula]) -> CalculatorDraft:
        """Return the version to be saved or tried; an expression that was emptied is the default."""
        data = self.cleaned_data
        texts = {place: _one_line(data[place.value]) for place in REPLACEABLE}
        modes = {item.name: Mode(data[f"rounding_{item.name}"]) for item in fields(RoundingModes)}
        return CalculatorDraft(
            rounding=RoundingModes(**modes),
            replaced={place: text for place, text in texts.items() if text and text != DEFAULTS[place]},
            own=own,
            memo=data["memo"],
        )

    def point(self, place: Place, error: FormulaError) -> None:
        """Put what is wrong with an expression beside it."""
        self.add_error(place.value, told(error))
        self.pointers[place.value] = Pointer.at(_one_line(self.cleaned_data_of(place)), error)

    def cleaned_data_of(self, place: Place) -> str:
        """Return an expression as it was sent."""
        return str(self.data.get(self.add_prefix(place.value), ""))


class OwnFormulaForm(forms.Form):
    """One formula of the merchant's own; a row without a key and an expression is none."""

    order = forms.IntegerField(label=_("순서"), required=False, min_value=1, max_value=99)
    key = forms.CharField(
        label=_("키"),
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "expression"}),
    )
    name = forms.CharField(label=_("이름"), max_length=100, required=False)
    expression = _expression(label=_("계산식"), required=False)
    rounding = forms.ChoiceField(label=_("원 아래 처리"), choices=Rounding.choices, initial=Rounding.DOWN)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.pointer: Pointer | None = None

    @property
    def is_blank(self) -> bool:
        """Whether the row holds no formula."""
        data = self.cleaned_data
        return not (data.get("key") or data.get("name") or data.get("expression", "").strip())

    def formula(self) -> OwnFormula:
        """Return the formula of the row."""
        data = self.cleaned_data
        return OwnFormula(data["key"].strip(), data["name"], _one_line(data["expression"]), Mode(data["rounding"]))

    def point(self, error: FormulaError | KeyWrong) -> None:
        """Put what is wrong with the row beside its key or its expression."""
        if isinstance(error, KeyWrong):
            self.add_error("key", told(error))
        else:
            self.pointer = Pointer.at(self.formula().expression, error)
            self.add_error("expression", told(error))


OwnFormulas = forms.formset_factory(
    OwnFormulaForm, extra=0, max_num=MAX_OWN, absolute_max=MAX_OWN, validate_max=True, can_delete=False
)


def own_rows(version: Calculator | None) -> list[dict[str, object]]:
    """Return the rows that show a version's own formulas, and empty ones up to the most there can be."""
    kept = terms.own_formulas(version)
    rows: list[dict[str, object]] = [
        {
            "order": number,
            "key": item.key,
            "name": item.name,
            "expression": item.expression,
            "rounding": item.rounding.value,
        }
        for number, item in enumerate(kept, start=1)
    ]
    return rows + [{"order": number} for number in range(len(rows) + 1, MAX_OWN + 1)]


def in_order(rows: Iterable[OwnFormulaForm]) -> list[OwnFormulaForm]:
    """Return the rows that hold a formula, by their order; those without one come last."""
    filled = [row for row in rows if not row.is_blank]
    return sorted(filled, key=lambda row: row.cleaned_data.get("order") or MAX_OWN * MAX_OWN)


# ---- parameters


class ParameterField(forms.CharField):
    """A number with up to five places, as the wire has it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=30, **options)
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}

    def clean(self, value: Any) -> ParameterValue | None:
        """Return the value, None when it may be and is empty."""
        text = super().clean(value).replace(",", "").strip()
        if not text:
            return None
        try:
            number = Decimal(text) if text.isascii() else Decimal("NaN")
            scale = max(0, -int(number.as_tuple().exponent))
            return ParameterValue(int(number.scaleb(scale)), scale)
        except (InvalidOperation, OverflowError, ValueError) as error:
            raise forms.ValidationError(
                _now("숫자를 0.05처럼 적어 주세요. 소수점 아래 다섯 자리까지 쓸 수 있어요.")
            ) from error


class ParameterForm(Tellable):
    """A parameter that orders may bring along."""

    told = {"key": "key"}

    key = forms.CharField(
        label=_("키"),
        max_length=64,
        help_text=_("계산식과 주문 요청에서 쓰는 이름이에요. 나중에 바꿀 수 없어요."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "expression"}),
    )
    name = forms.CharField(label=_("이름"), max_length=100)
    default = ParameterField(label=_("기본값"), help_text=_("주문이 값을 보내지 않으면 이 값으로 계산해요."))

    def __init__(self, *args: Any, row: SettlementParameter | None = None, **options: Any) -> None:
        if row is not None:
            default = ParameterValue(row.decimal, row.scale)
            options.setdefault("initial", {"name": row.name, "default": default.text})
        super().__init__(*args, **options)
        if row is not None:
            del self.fields["key"]


# ---- the made-up order


class MadeUpForm(Tellable):
    """The order of a formula test, and the terms it is computed under."""

    told = {"orderDetail": "amount", "order": "amount"}

    by = forms.ChoiceField(
        label=_("주문"), choices=[("amount", _("금액으로")), ("lines", _("상품으로"))], initial="amount", widget=Radios
    )
    amount = WonField(label=_("주문 금액"), required=False, initial="10,000")
    tax_free = WonField(label=_("주문 면세액"), required=False)
    fee_rate = PercentField(label=_("중개수수료율(%)"), required=False, initial="10")
    fee_amount = WonField(label=_("정액 중개수수료"), required=False, help_text=_("적으면 수수료율 대신 쓰여요."))
    vat_payer = forms.ChoiceField(
        label=_("수수료 부가세 부담"), choices=VatPayer.choices, initial=VatPayer.PARTNER, widget=Radios
    )
    subtract_payment_vat = forms.BooleanField(label=_("결제 부가세 빼기"), required=False)

    def __init__(self, *args: Any, defaults: Mapping[str, ParameterValue], **options: Any) -> None:
        super().__init__(*args, **options)
        self.defaults = defaults
        for number in range(_LINES):
            self.fields[f"line{number}_unit"] = WonField(label=_("단가"), required=False)
            self.fields[f"line{number}_tax_free"] = WonField(label=_("개당 면세액"), required=False)
            self.fields[f"line{number}_quantity"] = forms.IntegerField(
                label=_("수량"), required=False, min_value=1, max_value=1_000_000
            )
        for number in range(_DISCOUNTS):
            self.fields[f"discount{number}_amount"] = WonField(label=_("할인 금액"), required=False)
            self.fields[f"discount{number}_tax_free"] = WonField(label=_("할인 면세액"), required=False)
            self.fields[f"discount{number}_share"] = PercentField(
                label=_("파트너 분담율(%)"), required=False, most=100_000
            )
        for number in range(_FEES):
            self.fields[f"fee{number}_rate"] = PercentField(label=_("수수료율(%)"), required=False)
            self.fields[f"fee{number}_amount"] = WonField(label=_("정액 수수료"), required=False)
            self.fields[f"fee{number}_payer"] = forms.ChoiceField(
                label=_("수수료 부가세 부담"), choices=VatPayer.choices, initial=VatPayer.PARTNER
            )
        for key, value in defaults.items():
            self.fields[f"parameter_{key}"] = ParameterField(label=key, required=False, initial=value.text)

    def groups(self, stem: str, many: int, parts: Sequence[str]) -> list[list[forms.BoundField]]:
        """Return the fields of numbered rows."""
        return [[self[f"{stem}{number}_{part}"] for part in parts] for number in range(many)]

    def line_rows(self) -> list[list[forms.BoundField]]:
        """Return the rows of products."""
        return self.groups("line", _LINES, ("unit", "quantity", "tax_free"))

    def discount_rows(self) -> list[list[forms.BoundField]]:
        """Return the rows of discounts."""
        return self.groups("discount", _DISCOUNTS, ("amount", "tax_free", "share"))

    def fee_rows(self) -> list[list[forms.BoundField]]:
        """Return the rows of additional fees."""
        return self.groups("fee", _FEES, ("rate", "amount", "payer"))

    def parameter_fields(self) -> list[forms.BoundField]:
        """Return a field for each parameter."""
        return [self[f"parameter_{key}"] for key in self.defaults]

    def clean(self) -> dict[str, Any]:
        """Ask for an amount or at least one product."""
        data = super().clean() or self.cleaned_data
        if data.get("by") == "amount" and data.get("amount") is None and "amount" not in self.errors:
            self.add_error("amount", _now("주문 금액을 적어 주세요."))
        if data.get("by") == "lines" and not any(data.get(f"line{n}_unit") is not None for n in range(_LINES)):
            self.add_error("line0_unit", _now("상품의 단가를 적어 주세요."))
        return data

    def made_up(self) -> MadeUp:
        """Return the order and its terms."""
        data = self.cleaned_data
        by_amount = data["by"] == "amount"
        order = Order(
            amount=data["amount"] if by_amount else None,
            lines=() if by_amount else self._lines(),
            tax_free=data["tax_free"],
            discounts=self._discounts(),
            fees=self._fees(),
        )
        fixed = data["fee_amount"] or 0
        contract = ContractTerms(
            platform_fee=FeeTerms(0 if fixed else data["fee_rate"] or 0, fixed),
            vat_payer=Payer(data["vat_payer"]),
            subtract_payment_vat=data["subtract_payment_vat"],
            cycle=Cycle(1, CycleMethod.DAILY, DatePolicy.CALENDAR_DAY),
        )
        given = {key: data[f"parameter_{key}"] or default for key, default in self.defaults.items()}
        return MadeUp(order, contract, given)

    def _lines(self) -> tuple[Line, ...]:
        data = self.cleaned_data
        return tuple(
            Line(
                product_id=_now("상품 %(number)d") % {"number": number + 1},
                unit_amount=data[f"line{number}_unit"],
                unit_tax_free=data[f"line{number}_tax_free"] or 0,
                quantity=data[f"line{number}_quantity"] or 1,
            )
            for number in range(_LINES)
            if data[f"line{number}_unit"] is not None
        )

    def _discounts(self) -> tuple[DiscountTerms, ...]:
        data = self.cleaned_data
        return tuple(
            DiscountTerms(
                policy_id=_now("할인 %(number)d") % {"number": number + 1},
                share_rate=data[f"discount{number}_share"] or 0,
                amount=data[f"discount{number}_amount"],
                tax_free=data[f"discount{number}_tax_free"] or 0,
            )
            for number in range(_DISCOUNTS)
            if data[f"discount{number}_amount"]
        )

    def _fees(self) -> tuple[AdditionalFeeTerms, ...]:
        data = self.cleaned_data
        return tuple(
            AdditionalFeeTerms(
                policy_id=_now("추가수수료 %(number)d") % {"number": number + 1},
                fee=FeeTerms(0 if fixed else rate, fixed),
                vat_payer=Payer(data[f"fee{number}_payer"]),
            )
            for number in range(_FEES)
            if (fixed := data[f"fee{number}_amount"] or 0) | (rate := data[f"fee{number}_rate"] or 0)
        )
