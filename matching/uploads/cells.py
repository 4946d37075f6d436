"""Columns that files of matching have in common, and how their cells are read."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from django.utils.translation import gettext_lazy

from console.columns import Kind, Label
from console.files.errors import ValueRefused
from console.files.values import Raw, clean_text, parse_decimal
from console.uploads import CellRefused, Field
from matching.models import NAME_LENGTH, UNIT_LENGTH, Policy
from settlement.models import PUBLIC_ID_LENGTH

_DIGITS, _PLACES, _RATE_PLACES = 15, 6, 16
_CURRENCY = re.compile("[A-Z]{3}")
_FRACTION = re.compile("([0-9]{1,12})/([0-9]{1,12})")
YES_NO: Mapping[str, str] = {"예": "yes", "아니요": "no"}
POLICIES: Mapping[str, str] = {str(label): str(value) for value, label in Policy.choices}

MESSAGES: Mapping[str, Label] = {
    "too_many_decimals": gettext_lazy("소수점 아래 %(limit)s자리까지 쓸 수 있어요."),
    "too_large": gettext_lazy("소수점 위 %(limit)s자리까지 쓸 수 있어요."),
    "below_zero": gettext_lazy("0 이상으로 적어 주세요."),
    "above_zero": gettext_lazy("0보다 크게 적어 주세요."),
    "not_a_currency": gettext_lazy("통화는 KRW처럼 세 글자로 적어 주세요."),
    "not_a_factor": gettext_lazy("12나 0.5, 1/12처럼 적어 주세요."),
}


def _bounded(raw: Raw, places: int) -> Decimal:
    value = parse_decimal(raw)
    exponent = value.normalize().as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > places:
        raise CellRefused("too_many_decimals", limit=places)
    if value.adjusted() >= _DIGITS:
        raise CellRefused("too_large", limit=_DIGITS)
    return value


def read_figure(raw: Raw) -> Decimal:
    """Return a quantity or an amount of up to 15 digits and 6 decimals. Raises ValueRefused."""
    return _bounded(raw, _PLACES)


def read_percent(raw: Raw) -> Decimal:
    """Return a percentage; `5` and `5%` mean 5 %. Raises ValueRefused."""
    value = _bounded(raw.strip().removesuffix("%").strip() if isinstance(raw, str) else raw, _PLACES)
    if value < 0:
        raise CellRefused("below_zero")
    return value


def read_above_zero(raw: Raw) -> Decimal:
    """Return a figure above zero. Raises ValueRefused."""
    value = _bounded(raw, _PLACES)
    if value <= 0:
        raise CellRefused("above_zero")
    return value


def read_rate(raw: Raw) -> Decimal:
    """Return an exchange rate of up to 16 decimals. Raises ValueRefused."""
    value = _bounded(raw, _RATE_PLACES)
    if value <= 0:
        raise CellRefused("above_zero")
    return value


def read_currency(raw: Raw) -> str:
    """Return a currency by its three letters, in capitals. Raises ValueRefused."""
    text = clean_text(raw).upper()
    if not _CURRENCY.fullmatch(text):
        raise CellRefused("not_a_currency")
    return text


def read_factor(raw: Raw) -> Fraction:
    """Return a conversion factor, a decimal or a fraction. Raises ValueRefused."""
    found = _FRACTION.fullmatch(raw.strip()) if isinstance(raw, str) else None
    try:
        value = Fraction(int(found[1]), int(found[2])) if found else Fraction(_bounded(raw, _PLACES))
    except (ValueRefused, ZeroDivisionError):
        raise CellRefused("not_a_factor") from None
    if value <= 0:
        raise CellRefused("above_zero")
    return value


def id_field(name: str, label: Label, english: str, **more: Any) -> Field:
    """Return a column with an id, which is only trimmed."""
    return Field(name, label, english, kind=Kind.ID, max=PUBLIC_ID_LENGTH, **more)


def figure_field(
    name: str, label: Label, english: str, *, parse: Callable[[Raw], object] = read_figure, **more: Any
) -> Field:
    """Return a column with an exact decimal."""
    return Field(name, label, english, kind=Kind.DECIMAL, parse=parse, **more)


def percent_field(name: str, label: Label, english: str, **more: Any) -> Field:
    """Return a column with a percentage."""
    return figure_field(name, label, english, parse=read_percent, **more)


def yes_field(name: str, label: Label, english: str, **more: Any) -> Field:
    """Return a column with yes or no."""
    return Field(name, label, english, choices=YES_NO, **more)


CURRENCY: Final = Field(
    "currency",
    gettext_lazy("통화"),
    "currency",
    max=3,
    parse=read_currency,
    note=gettext_lazy("비우면 공급사의 통화예요."),
)
RATE: Final = figure_field(
    "exchange_rate",
    gettext_lazy("환율"),
    "exchange_rate",
    parse=read_rate,
    note=gettext_lazy("비우면 등록한 환율에서 찾아요."),
)
MEMO: Final = Field("memo", gettext_lazy("메모"), "memo", max=1_000)
LINE: Final = Field("line", gettext_lazy("라인 번호"), "line", kind=Kind.COUNT, samples=("1", "2"))
UNIT: Final = Field("unit", gettext_lazy("단위"), "unit", max=UNIT_LENGTH)
ITEM: Final = id_field("item", gettext_lazy("품목 번호"), "item_number", samples=("ITEM-001", "ITEM-002"))
# How a line is priced; orders and invoices have it alike.
PRICES: Final = (
    Field("description", gettext_lazy("설명"), "description", max=NAME_LENGTH),
    figure_field("quantity", gettext_lazy("수량"), "quantity", samples=("10", "4")),
    UNIT,
    figure_field("unit_price", gettext_lazy("단가"), "unit_price", samples=("1000", "2500")),
    figure_field(
        "price_unit",
        gettext_lazy("가격 기준 수량"),
        "price_unit",
        parse=read_above_zero,
        note=gettext_lazy("비우면 1이에요."),
    ),
    figure_field("discount", gettext_lazy("단위당 할인"), "discount"),
    percent_field("discount_percent", gettext_lazy("할인율"), "discount_percent"),
    figure_field("multiline_discount", gettext_lazy("단위당 다중 라인 할인"), "multiline_discount"),
    percent_field("multiline_discount_percent", gettext_lazy("다중 라인 할인율"), "multiline_discount_percent"),
)
PRICE_NAMES: Final = (*(field.name for field in PRICES), "item")
