"""
Exact decimals of outside files: never rounded by accident, cut and rounded to the minor unit of a currency on purpose.

Pure. Outside files carry up to 22 decimals, so their figures stay decimals; only what is booked becomes minor units.
"""

from collections.abc import Sequence
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, InvalidOperation

# Sums and products of any length stay exact.
EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation])

ZERO = Decimal(0)

# ISO 4217: the currencies whose minor unit is not a hundredth.
_EXCEPTIONS = {
    "1": "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    "0.001": "BHD IQD JOD KWD LYD OMR TND",
    "0.0001": "CLF UYW",
}
_UNITS = {currency: Decimal(unit) for unit, currencies in _EXCEPTIONS.items() for currency in currencies.split()}
_HUNDREDTH = Decimal("0.01")


def minor_unit(currency: str) -> Decimal:
    """Return the smallest amount of a currency: 1 for won, 0.01 for euro and for codes that ISO 4217 does not list."""
    return _UNITS.get(currency, _HUNDREDTH)


def cut(value: Decimal, unit: Decimal) -> Decimal:
    """Return the value truncated toward zero to a whole number of minor units."""
    return value.quantize(unit, ROUND_DOWN, EXACT)


def half_up(value: Decimal, unit: Decimal) -> Decimal:
    """Return the value rounded to a whole number of minor units, a half away from zero."""
    return value.quantize(unit, ROUND_HALF_UP, EXACT)


def plain(value: Decimal) -> str:
    """Return a decimal as text: no exponent, the sign in front, zero without a sign."""
    return format(value or value.copy_abs(), "f")


def plain_all(values: Sequence[Decimal]) -> list[str]:
    """Return many decimals as `plain` does. Nearly all print that way anyhow, as is found out for all at once."""
    texts = list(map(str, values))
    together = "".join(texts)
    return [plain(value) for value in values] if "E" in together or "-0" in together else texts


def plain_or_none(value: Decimal | None) -> str | None:
    """Return a decimal as text, and an unknown one as None."""
    return None if value is None else plain(value)
