"""How exact figures are written in formulas and answers."""

from decimal import Context, Decimal
from fractions import Fraction

from core.money import Rounding, round_fraction

_PLACES = 6
# Every figure of a document fits, so that none is rounded again on its way out.
_WIDE = Context(prec=200)
_SCALE = 10**_PLACES


def six_places(value: Fraction) -> Decimal:
    """Return a figure rounded to six places, a half away from zero."""
    return Decimal(round_fraction(value * _SCALE, Rounding.OFF)).scaleb(-_PLACES, _WIDE)


def plain(value: Decimal) -> str:
    """Write a decimal without exponent and without needless zeros."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def written(value: Fraction) -> str:
    """Write a figure with at most six places."""
    return plain(six_places(value))
