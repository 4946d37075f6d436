"""Between stored decimals and the engine's fractions, between amounts of documents and minor units of the books."""

from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction

from core.money import MAX_AMOUNT, MINOR_DIGITS, Rounding, round_fraction
from matching.engine.figures import line_figures, price_of_one, rounded
from matching.engine.terms import InvoiceCharge, OrderCharge, Pricing
from matching.models import PricedLine

_EXACT_PLACES = 34
_EXACT_SCALE = 10**_EXACT_PLACES
_LARGEST_EXACT = 10**44
# Wide enough for every figure that is kept exactly.
_WIDE = Context(prec=100)


def digits(currency: str) -> int:
    """Return how many decimals amounts of a currency have; two where nothing is known of it."""
    return MINOR_DIGITS.get(currency, 2)


def pricing(line: PricedLine) -> Pricing:
    """Return what a line says about quantity and price."""
    return Pricing(
        quantity=Fraction(line.quantity),
        unit_price=Fraction(line.unit_price),
        price_unit=Fraction(line.price_unit),
        discount=Fraction(line.discount),
        discount_percent=Fraction(line.discount_percent),
        multiline_discount=Fraction(line.multiline_discount),
        multiline_discount_percent=Fraction(line.multiline_discount_percent),
    )


def decimal(value: Fraction, places: int = 6) -> Decimal:
    """Return a figure rounded to so many places, a half away from zero."""
    return Decimal(round_fraction(value * 10**places, Rounding.OFF)).scaleb(-places, _WIDE)


def money(value: Fraction, currency: str) -> Decimal:
    """Return an amount as documents keep it: with the decimals of its currency."""
    return decimal(value, digits(currency))


def is_too_large(value: Fraction, currency: str) -> bool:
    """Say whether an amount is beyond what the books hold."""
    return abs(minor(value, currency)) > MAX_AMOUNT


def minor(value: Fraction, currency: str) -> int:
    """Return an amount in minor units, as the books keep it."""
    return round_fraction(value * 10 ** digits(currency), Rounding.OFF)


def from_minor(units: int, currency: str) -> Fraction:
    """Return minor units as an amount."""
    return Fraction(units, 10 ** digits(currency))


def price(line: PricedLine, charges: Sequence[InvoiceCharge] | Sequence[OrderCharge], currency: str) -> Fraction:
    """Work out a line's net amount, store it on the row, rounded and exactly, and return it."""
    mine = pricing(line)
    net = line_figures(mine, charges).net
    line.net_amount = decimal(rounded(net, digits(currency)))
    line.exact_net = _exact(net)
    line.exact_unit = None if charges else _exact(price_of_one(mine))
    return net


def _exact(value: Fraction) -> Decimal | None:
    scaled = value * _EXACT_SCALE
    if scaled.denominator != 1 or abs(value) >= _LARGEST_EXACT:
        return None
    return Decimal(scaled.numerator).scaleb(-_EXACT_PLACES, _WIDE)
