"""The arithmetic of lines and charges, exact."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from core.money import Rounding, round_fraction
from matching.engine.terms import HUNDRED, ONE, ZERO, Category, InvoiceCharge, OrderCharge, Pricing


def rounded(amount: Fraction, digits: int) -> Fraction:
    """Return an amount with so many decimals, a half away from zero."""
    scale = 10**digits
    return Fraction(round_fraction(amount * scale, Rounding.OFF), scale)


@dataclass(frozen=True, slots=True)
class LineFigures:
    """What a line comes to: gross, what is taken off, what is added, and the net amount, none of them rounded."""

    gross: Fraction
    discounts: Fraction
    charges: Fraction

    @property
    def before_charges(self) -> Fraction:
        """Return what the line is worth without charges; the lines of a document add up to its balance."""
        return self.gross - self.discounts

    @property
    def net(self) -> Fraction:
        """Return the net amount."""
        return self.gross - self.discounts + self.charges


def kept_share(pricing: Pricing) -> Fraction:
    """Return what share the two percentages, taken one after the other, leave."""
    return (ONE - pricing.discount_percent / HUNDRED) * (ONE - pricing.multiline_discount_percent / HUNDRED)


def before_charges(pricing: Pricing) -> tuple[Fraction, Fraction]:
    """Return gross and line discounts."""
    gross = pricing.quantity * pricing.unit_price / pricing.price_unit
    by_amount = pricing.quantity * (pricing.discount + pricing.multiline_discount) / pricing.price_unit
    return gross, by_amount + (gross - by_amount) * (ONE - kept_share(pricing))


def charge_amount(category: Category, value: Fraction, quantity: Fraction, base: Fraction) -> Fraction:
    """Return what a charge comes to on a quantity, or on an amount without charges."""
    if category is Category.PER_PIECE:
        return value * quantity
    return value * base / HUNDRED if category is Category.PERCENT else value


def line_figures(pricing: Pricing, charges: Iterable[InvoiceCharge | OrderCharge]) -> LineFigures:
    """Return what a line comes to with the charges held on it."""
    gross, discounts = before_charges(pricing)
    base = gross - discounts
    added = sum((charge_amount(one.category, one.value, pricing.quantity, base) for one in charges), ZERO)
    return LineFigures(gross, discounts, added)


def net_unit_price(pricing: Pricing, figures: LineFigures) -> Fraction:
    """
    Return the net amount for one unit.

    An order line of nothing has no quantity to divide by; then it is the price less discounts, without charges.
    """
    return figures.net / pricing.quantity if pricing.quantity else price_of_one(pricing)


def price_of_one(pricing: Pricing) -> Fraction:
    """Return what one unit comes to after discounts, without charges."""
    price = (pricing.unit_price - pricing.discount - pricing.multiline_discount) / pricing.price_unit
    return price * kept_share(pricing)
