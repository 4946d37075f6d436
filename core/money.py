"""
Money as whole minor units, rates as whole hundred-thousandths, and the three ways to round.

Everything here is exact: integers and fractions go in, one rounding at the end of a formula gives an integer.
"""

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType

MAX_AMOUNT = 999_999_999_999_999
RATE_SCALE = 100_000

# Digits after the decimal point of the currencies that can be settled (ISO 4217).
MINOR_DIGITS = MappingProxyType(
    {"KRW": 0, "USD": 2, "JPY": 0, "EUR": 2, "CNY": 2, "TWD": 2, "AUD": 2, "THB": 2, "HKD": 2}
)


class AmountOutOfRange(ValueError):
    """A number lies outside the bounds of its field."""

    def __init__(self, field: str, value: int) -> None:
        super().__init__(f"{field} is out of range: {value}")
        self.field = field
        self.value = value


class CurrencyNotSupported(ValueError):
    """The currency is none of those that can be settled."""

    def __init__(self, currency: str) -> None:
        super().__init__(f"currency cannot be settled: {currency}")
        self.currency = currency


def check_amount(field: str, value: int, *, low: int = -MAX_AMOUNT, high: int = MAX_AMOUNT) -> int:
    """Return the value if it lies within the bounds, both included. Raises AmountOutOfRange."""
    if not low <= value <= high:
        raise AmountOutOfRange(field, value)
    return value


def minor_digits(currency: str) -> int:
    """Return how many digits of an amount are minor (won 0, cents 2). Raises CurrencyNotSupported."""
    try:
        return MINOR_DIGITS[currency]
    except KeyError:
        raise CurrencyNotSupported(currency) from None


class Rounding(StrEnum):
    """How a formula's exact result becomes a whole number."""

    DOWN = "DOWN"
    """Toward zero."""
    UP = "UP"
    """Away from zero."""
    OFF = "OFF"
    """To the nearest, a half away from zero."""


def round_quotient(numerator: int, denominator: int, mode: Rounding) -> int:
    """Return numerator / denominator as a whole number; a negative quotient mirrors the positive one."""
    size, rest = divmod(abs(numerator), abs(denominator))
    if rest and (mode == Rounding.UP or (mode == Rounding.OFF and 2 * rest >= abs(denominator))):
        size += 1
    return size if (numerator < 0) == (denominator < 0) else -size


def round_fraction(value: Fraction | int, mode: Rounding) -> int:
    """Return an exact value as a whole number."""
    return round_quotient(value.numerator, value.denominator, mode)


def rated(amount: int, rate: int, mode: Rounding, *, plus: int = 0) -> int:
    """
    Return an amount's share and `plus`, rounded once. The rate is in 1/100,000: 10,000 is 10 %, 3,300 is 3.3 %.

    Raises AmountOutOfRange for a negative rate.
    """
    check_amount("rate", rate, low=0)
    return round_quotient(amount * rate + plus * RATE_SCALE, RATE_SCALE, mode)


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """
    Split a total in proportion to weights, each part cut toward zero, the rest to the first of the largest weights.

    Weights are not negative. When all are zero the first part takes everything; without weights there are no parts.
    """
    whole = sum(weights)
    parts = [round_quotient(total * weight, whole, Rounding.DOWN) if whole else 0 for weight in weights]
    if parts:
        parts[weights.index(max(weights))] += total - sum(parts)
    return parts
