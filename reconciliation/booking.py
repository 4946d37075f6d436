"""
What the books take in of a file: pre-tax and tax of each currency, each rounded once to whole minor units.

Pure. What rounding left over is told, never booked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.money import MAX_AMOUNT, MINOR_DIGITS
from reconciliation.amounts import EXACT, half_up, minor_unit
from reconciliation.lines import Kind

# The other kinds have no money of ours in them: estimates and days come again in an invoice, providers owe us.
BOOKED_KINDS: Final = frozenset({Kind.LICENSE, Kind.USAGE, Kind.ONETIME_RECURRING, Kind.NCE_INVOICE})


@dataclass(frozen=True, slots=True)
class Booked:
    """
    What is booked of one currency, in minor units, and the exact figures it stands for in major units.

    `residue` is the exact sum less what is booked. `can_be_booked` is false for a currency the books do not keep, and
    for a sum no amount may have; its minor units are zero then.
    """

    currency: str
    exact_pretax: Decimal
    exact_tax: Decimal
    pretax: int
    tax: int
    residue: Decimal
    can_be_booked: bool

    @property
    def payable(self) -> int:
        """What the vendor is owed, in minor units."""
        return self.pretax + self.tax


def booked(totals: Mapping[str, Mapping[str, str]]) -> list[Booked]:
    """Return what is booked of a file's totals (`pretax` and `tax` by currency), in the order of the currencies."""
    return [_booked(currency, totals[currency]) for currency in sorted(totals)]


def _booked(currency: str, total: Mapping[str, str]) -> Booked:
    pretax, tax = Decimal(total["pretax"]), Decimal(total["tax"])
    units = [in_minor(pretax, currency), in_minor(tax, currency)]
    if None in units:
        return Booked(currency, pretax, tax, 0, 0, EXACT.add(pretax, tax), can_be_booked=False)
    whole_pretax, whole_tax = (unit or 0 for unit in units)
    kept = EXACT.multiply(Decimal(whole_pretax + whole_tax), minor_unit(currency))
    residue = EXACT.subtract(EXACT.add(pretax, tax), kept)
    return Booked(currency, pretax, tax, whole_pretax, whole_tax, residue, can_be_booked=True)


def in_minor(value: Decimal, currency: str) -> int | None:
    """Return an exact amount in minor units, a half away from zero; None where the books cannot keep it."""
    if currency not in MINOR_DIGITS:
        return None
    whole = int(half_up(value, minor_unit(currency)).scaleb(MINOR_DIGITS[currency], EXACT))
    return whole if abs(whole) <= MAX_AMOUNT else None
