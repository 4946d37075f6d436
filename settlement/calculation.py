"""
The calculation as a merchant changed it: replaced formulas, own ones, and the parameters of an order.

It computes what the default calculation computes, at the same places. A variable stands for what has been computed so
far of the order or line at hand; FIXED_RATE, FIXED_AMOUNT and, for a discount's share, DISCOUNT_AMOUNT for the fee or
discount being computed. An own formula is computed anew for each order and each line of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from core.money import RATE_SCALE, Rounding, check_amount, round_fraction
from settlement.fees import Amounts, FeeTerms, Formulas, Results, RoundingModes
from settlement.formulas import PLACES, Formula, OwnFormula, Place, known_from, read

MAX_SCALE = 5
Values = Mapping[str, Fraction | int]


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """A number that an order brings along for formulas: `decimal` x 10^-`scale`."""

    decimal: int
    scale: int = 0

    def __post_init__(self) -> None:
        check_amount("decimal", self.decimal)
        check_amount("decimalScale", self.scale, low=0, high=MAX_SCALE)

    @property
    def exact(self) -> Fraction:
        """The number itself."""
        return Fraction(self.decimal, 10**self.scale)

    @property
    def text(self) -> str:
        """The number as people write it, all its places shown."""
        return f"{Decimal(self.decimal).scaleb(-self.scale):f}"

    def as_json(self) -> dict[str, int]:
        """Return the value as the wire and a record have it."""
        return {"decimal": self.decimal, "decimalScale": self.scale}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ParameterValue":
        """Return the value that a record keeps."""
        return cls(value["decimal"], value.get("decimalScale", 0))


@dataclass(frozen=True, slots=True)
class _Own:
    key: str
    formula: Formula
    rounding: Rounding
    known_from: Place


@dataclass(frozen=True, slots=True)
class MerchantFormulas(Formulas):
    """The default formulas, some of them replaced, and own ones; made by `merchant_formulas`."""

    replaced: Mapping[Place, Formula] = field(default_factory=dict)
    owned: tuple[_Own, ...] = ()
    parameters: Values = field(default_factory=dict)

    # A class with slots is made twice, so that `super()` does not find it: the base is named.

    def discount_share(self, so_far: Amounts, discount: int, share_rate: int) -> int:
        """Return the partner's share of a discount, or of its tax-free part."""
        formula = self.replaced.get(Place.DISCOUNT_SHARE)
        if formula is None:
            return Formulas.discount_share(self, so_far, discount, share_rate)
        values = self.values(Place.DISCOUNT_SHARE, so_far, of_discount(discount, share_rate))
        return round_fraction(formula.value(values), self.rounding.discount_share)

    def platform_fee(self, so_far: Amounts, fee: FeeTerms) -> int:
        """Return the platform fee of an order or a line."""
        formula = self.replaced.get(Place.PLATFORM_FEE)
        if formula is None:
            return Formulas.platform_fee(self, so_far, fee)
        values = self.values(Place.PLATFORM_FEE, so_far, of_fee(fee))
        return round_fraction(formula.value(values), self.rounding.platform_fee)

    def additional_fee(self, so_far: Amounts, fee: FeeTerms) -> int:
        """Return one additional fee of an order or a line."""
        formula = self.replaced.get(Place.ADDITIONAL_FEE)
        if formula is None:
            return Formulas.additional_fee(self, so_far, fee)
        values = self.values(Place.ADDITIONAL_FEE, so_far, of_fee(fee))
        return round_fraction(formula.value(values), self.rounding.additional_fee)

    def settlement(self, so_far: Amounts) -> int:
        """Return what the partner is owed; it may be negative."""
        formula = self.replaced.get(Place.SETTLEMENT)
        if formula is None:
            return Formulas.settlement(self, so_far)
        return round_fraction(formula.value(self.values(Place.SETTLEMENT, so_far)), self.rounding.settlement)

    def settlement_tax_free(self, so_far: Amounts) -> int:
        """Return the tax-free part of the settlement."""
        formula = self.replaced.get(Place.SETTLEMENT_TAX_FREE)
        if formula is None:
            return Formulas.settlement_tax_free(self, so_far)
        return round_fraction(formula.value(self.values(Place.SETTLEMENT_TAX_FREE, so_far)), self.rounding.settlement)

    def own(self, amounts: Amounts) -> Results:
        """Return the results of the own formulas, which find everything computed."""
        values = self.values(Place.OWN, amounts)
        return {item.key: int(values[item.key]) for item in self.owned}

    def values(self, place: Place, so_far: Amounts, of_item: Values | None = None) -> Values:
        """
        Return what the variables of a formula stand for, with those of the fee or discount at hand.

        Raises core.money.AmountOutOfRange, under its key, for the result of an own formula.
        """
        values: dict[str, Fraction | int] = {**of_amounts(so_far), **self.parameters}
        for item in self.owned:
            if PLACES.index(item.known_from) <= PLACES.index(place):
                values[item.key] = check_amount(item.key, round_fraction(item.formula.value(values), item.rounding))
        return {**values, **(of_item or {})}


def merchant_formulas(
    rounding: RoundingModes,
    replaced: Mapping[Place, str],
    own: Sequence[OwnFormula],
    parameters: Mapping[str, ParameterValue],
) -> MerchantFormulas:
    """Return the calculation of checked formulas with the parameters of an order. Raises FormulaError."""
    stages = known_from(own)
    return MerchantFormulas(
        rounding,
        {place: read(text) for place, text in replaced.items()},
        tuple(_Own(item.key, read(item.expression), item.rounding, stages[item.key]) for item in own),
        {key: value.exact for key, value in parameters.items()},
    )


def of_amounts(amounts: Amounts) -> Values:
    """Return what the variables that stand for amounts of an order or line are."""
    return {
        "ORDER_AMOUNT": amounts.order,
        "ORDER_TAX_FREE_AMOUNT": amounts.order_tax_free,
        "ORDER_TAX_FREE_RATIO": Fraction(amounts.order_tax_free, amounts.order) if amounts.order else 0,
        "DISCOUNT_AMOUNT": amounts.discount,
        "PAYMENT_AMOUNT": amounts.payment,
        "PAYMENT_VAT_AMOUNT": amounts.payment_vat,
        "PAYMENT_VAT_BURDEN_AMOUNT": amounts.payment_vat_burden,
        "DISCOUNT_SHARE_AMOUNT": amounts.discount_share,
        "DISCOUNT_SHARE_TAX_FREE_AMOUNT": amounts.discount_share_tax_free,
        "PLATFORM_FEE_AMOUNT": amounts.platform_fee,
        "PLATFORM_FEE_VAT": amounts.platform_fee_vat,
        "PLATFORM_FEE": amounts.platform_fee + amounts.platform_fee_vat,
        "PLATFORM_ADDITIONAL_FEE": amounts.additional_fee + amounts.additional_fee_vat,
        "PLATFORM_DISCOUNT_SHARE": amounts.discount_share,
        "SETTLEMENT_AMOUNT": amounts.settlement,
    }


def of_fee(fee: FeeTerms) -> Values:
    """Return what the variables of a fee stand for."""
    return {"FIXED_RATE": Fraction(fee.rate, RATE_SCALE), "FIXED_AMOUNT": fee.amount}


def of_discount(discount: int, share_rate: int) -> Values:
    """Return what the variables of a discount stand for."""
    return {"FIXED_RATE": Fraction(share_rate, RATE_SCALE), "DISCOUNT_AMOUNT": discount}
