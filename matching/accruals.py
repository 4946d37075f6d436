"""
What is waited to be billed for.

What came in beyond what is billed stands in the books at the order's price until its invoice comes. The figures of an
order line are a quantity that is ahead (received less billed) and the amount it stands at; each receipt and each
invoice moves both. Amounts are minor units; a part of the amount is cut by quantity, and the last part takes the rest.
"""

from fractions import Fraction

from core.money import Rounding, round_fraction
from matching.engine.figures import before_charges
from matching.engine.terms import ZERO, Pricing


def unit_value(pricing: Pricing, digits: int) -> Fraction:
    """Return what one unit of an order line is worth in minor units, discounts taken off, charges left out."""
    if not pricing.quantity:
        return ZERO
    gross, discounts = before_charges(pricing)
    scale: int = 10**digits
    return (gross - discounts) / pricing.quantity * scale


def moved(*, line_sign: int, before: Fraction, change: Fraction, open_amount: int, unit_value: Fraction) -> int:
    """
    Return by how much the open amount moves when the quantity that is ahead changes.

    `line_sign` is -1 for returns, whose quantities are negative. What is billed before it came is not waited for.
    """
    old = max(ZERO, line_sign * before)
    new = max(ZERO, line_sign * (before + change))
    if new > old:
        return round_fraction(line_sign * (new - old) * unit_value, Rounding.OFF)
    if not new:
        return -open_amount
    return -round_fraction(open_amount * (old - new) / old, Rounding.OFF)


def cleared(*, line_sign: int, before: Fraction, billed: Fraction) -> Fraction:
    """Return how much of a billed quantity had come in before, with the sign of the line."""
    old = max(ZERO, line_sign * before)
    new = max(ZERO, line_sign * (before - billed))
    return line_sign * (old - new) if new < old else ZERO
