"""
The figures printed on a vendor's invoice against the file that itemises it.

Pure. The vendor's pages disagree on which sum of the file one figure is, so there may be several readings: all are
shown, with the one that agrees.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum
from types import MappingProxyType

from reconciliation.amounts import EXACT, ZERO, minor_unit
from reconciliation.charge_types import Group, charge_type
from reconciliation.checks import amount, text
from reconciliation.figures import COLUMNS, Money, money_of
from reconciliation.lines import Kind, Line


class Figure(StrEnum):
    """A figure of an invoice."""

    RECURRING = "recurring"
    DISCOUNTS = "discounts"
    CREDITS = "credits"
    TAX = "tax"


# A figure and the name of one reading of it: the columns summed.
Reading = tuple[Figure, str]

_RECURRING_LICENSES = frozenset({Group.CHARGE, Group.PRORATION, Group.SEAT_CHANGE})
_DISCOUNTS = frozenset({Group.DISCOUNT, Group.DISCOUNT_REVERSAL})


@dataclass(frozen=True, slots=True)
class Part:
    """
    Lines of one group and currency taken together: how many, their money, and what else licence invoices print.

    `charged` and `discount` are Amount and TotalOtherDiscount, which only licence files have.
    """

    group: Group
    lines: int
    money: Money
    charged: Decimal = ZERO
    discount: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Agreement:
    """
    One figure of an invoice and the sums of the file that it may be.

    `agrees` is the first reading that is equal, or near enough for tax; `differences` are file − invoice.
    """

    figure: Figure
    invoice: Decimal
    file: Mapping[str, Decimal]
    differences: Mapping[str, Decimal]
    agrees: str | None


class InvoiceFigures:
    """The sums of a billing file that its invoice prints, for each currency."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._sums: dict[str, dict[Reading, Decimal]] = {}
        self._lines: dict[str, int] = {}

    def add(self, line: Line) -> None:
        """Take in a line; only those that count are summed."""
        if line.counts:
            group = charge_type(line.kind, text(line, "ChargeType")).group
            money = money_of(line, COLUMNS[self._kind])
            self.add_part(Part(group, 1, money, amount(line, "Amount"), amount(line, "TotalOtherDiscount")))

    def add_part(self, part: Part) -> None:
        """Take in many lines at once; what they come to must be the exact sums."""
        currency = part.money.currency
        with localcontext(EXACT):
            sums = self._sums.setdefault(currency, {})
            self._lines[currency] = self._lines.get(currency, 0) + part.lines
            for reading, value in _READINGS[self._kind](part).items():
                sums[reading] = sums.get(reading, ZERO) + value

    @property
    def currencies(self) -> list[str]:
        """The currencies that the file has, in order."""
        return sorted(self._sums)

    def readings(self, currency: str, figure: Figure) -> dict[str, Decimal]:
        """Return what a figure may be by the file, by the name of the reading; nothing where it prints no such one."""
        return {name: value for (of, name), value in self._sums.get(currency, {}).items() if of is figure}

    def against(self, currency: str, invoice: Mapping[Figure, Decimal]) -> list[Agreement]:
        """Return how the figures of an invoice in one currency agree; tax may be off by a minor unit for each line."""
        with localcontext(EXACT):
            return [self._agreement(currency, figure, invoice[figure]) for figure in Figure if figure in invoice]

    def tax_slack(self, currency: str) -> Decimal:
        """Return how far the invoice's tax may be off: a minor unit for each line."""
        return EXACT.multiply(minor_unit(currency), Decimal(self._lines.get(currency, 0)))

    def _agreement(self, currency: str, figure: Figure, printed: Decimal) -> Agreement:
        slack = self.tax_slack(currency) if figure is Figure.TAX else ZERO
        found = self.readings(currency, figure)
        differences = {name: value - printed for name, value in found.items()}
        agrees = next((name for name, difference in differences.items() if abs(difference) <= slack), None)
        return Agreement(figure, printed, found, differences, agrees)


def _license(part: Part) -> dict[Reading, Decimal]:
    recurring = part.group in _RECURRING_LICENSES
    offset = part.group is Group.OFFSET
    return {
        (Figure.RECURRING, "Amount"): part.charged if recurring else ZERO,
        (Figure.RECURRING, "Subtotal"): part.money.pretax if recurring else ZERO,
        (Figure.DISCOUNTS, "TotalOtherDiscount"): part.discount,
        (Figure.CREDITS, "TotalForCustomer"): part.money.total if offset else ZERO,
        (Figure.TAX, "Tax"): ZERO if offset else part.money.tax,
    }


def _usage(part: Part) -> dict[Reading, Decimal]:
    money = part.money
    offset = part.group is Group.OFFSET
    return {
        (Figure.RECURRING, "PretaxCharges"): money.pretax if part.group is Group.USAGE else ZERO,
        (Figure.DISCOUNTS, "PretaxCharges"): money.pretax if part.group in _DISCOUNTS else ZERO,
        (Figure.CREDITS, "PostTaxTotal"): money.total if offset else ZERO,
        (Figure.TAX, "TaxAmount"): ZERO if offset else money.tax,
    }


def _commerce(part: Part) -> dict[Reading, Decimal]:
    """Return the parts of new-commerce lines, whose discounts are in their prices already."""
    credit = part.group is Group.CREDIT
    return {
        # Whether the invoice prints its charges with credit notes deducted or lists them apart is not said.
        (Figure.RECURRING, "Total"): part.money.total,
        (Figure.RECURRING, "Total without credits"): ZERO if credit else part.money.total,
        (Figure.CREDITS, "Total"): part.money.total if credit else ZERO,
        (Figure.TAX, "TaxTotal"): part.money.tax,
    }


_READINGS: Mapping[Kind, Callable[[Part], dict[Reading, Decimal]]] = MappingProxyType(
    {
        Kind.LICENSE: _license,
        Kind.USAGE: _usage,
        Kind.ONETIME_RECURRING: _commerce,
        Kind.NCE_INVOICE: _commerce,
    }
)

# The kinds of files whose invoice prints such figures.
ITEMISED = frozenset(_READINGS)
