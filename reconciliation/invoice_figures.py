"""
The figures printed on a vendor's invoice against the file that itemises it.

Pure. The vendor's pages disagree on which sum of the file one figure is, so there may be several readings: all are
shown, with the one that agrees.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum

from reconciliation.amounts import EXACT, ZERO, minor_unit
from reconciliation.charge_types import Group, charge_type
from reconciliation.checks import amount, text
from reconciliation.figures import COLUMNS, money_of
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
        if not line.counts:
            return
        with localcontext(EXACT):
            currency = text(line, COLUMNS[self._kind].currency).upper()
            sums = self._sums.setdefault(currency, {})
            self._lines[currency] = self._lines.get(currency, 0) + 1
            for reading, value in self._parts(line).items():
                sums[reading] = sums.get(reading, ZERO) + value

    def _parts(self, line: Line) -> dict[Reading, Decimal]:
        group = charge_type(line.kind, text(line, "ChargeType")).group
        if self._kind is Kind.LICENSE:
            return _license(line, group)
        return _usage(line, group) if self._kind is Kind.USAGE else _commerce(line, group)

    def against(self, currency: str, invoice: Mapping[Figure, Decimal]) -> list[Agreement]:
        """Return how the figures of an invoice in one currency agree; tax may be off by a minor unit for each line."""
        with localcontext(EXACT):
            return [self._agreement(currency, figure, invoice[figure]) for figure in Figure if figure in invoice]

    def _agreement(self, currency: str, figure: Figure, printed: Decimal) -> Agreement:
        slack = minor_unit(currency) * self._lines.get(currency, 0) if figure is Figure.TAX else ZERO
        found = {name: value for (of, name), value in self._sums.get(currency, {}).items() if of is figure}
        differences = {name: value - printed for name, value in found.items()}
        agrees = next((name for name, difference in differences.items() if abs(difference) <= slack), None)
        return Agreement(figure, printed, found, differences, agrees)


def _license(line: Line, group: Group) -> dict[Reading, Decimal]:
    money = money_of(line, COLUMNS[line.kind])
    recurring = group in _RECURRING_LICENSES
    offset = group is Group.OFFSET
    return {
        (Figure.RECURRING, "Amount"): amount(line, "Amount") if recurring else ZERO,
        (Figure.RECURRING, "Subtotal"): money.pretax if recurring else ZERO,
        (Figure.DISCOUNTS, "TotalOtherDiscount"): amount(line, "TotalOtherDiscount"),
        (Figure.CREDITS, "TotalForCustomer"): money.total if offset else ZERO,
        (Figure.TAX, "Tax"): ZERO if offset else money.tax,
    }


def _usage(line: Line, group: Group) -> dict[Reading, Decimal]:
    money = money_of(line, COLUMNS[line.kind])
    offset = group is Group.OFFSET
    return {
        (Figure.RECURRING, "PretaxCharges"): money.pretax if group is Group.USAGE else ZERO,
        (Figure.DISCOUNTS, "PretaxCharges"): money.pretax if group in _DISCOUNTS else ZERO,
        (Figure.CREDITS, "PostTaxTotal"): money.total if offset else ZERO,
        (Figure.TAX, "TaxAmount"): ZERO if offset else money.tax,
    }


def _commerce(line: Line, group: Group) -> dict[Reading, Decimal]:
    """Return the parts of a new-commerce line, whose discounts are in its price already."""
    money = money_of(line, COLUMNS[line.kind])
    credit = group is Group.CREDIT
    return {
        # Whether the invoice prints its charges with credit notes deducted or lists them apart is not said.
        (Figure.RECURRING, "Total"): money.total,
        (Figure.RECURRING, "Total without credits"): ZERO if credit else money.total,
        (Figure.CREDITS, "Total"): money.total if credit else ZERO,
        (Figure.TAX, "TaxTotal"): money.tax,
    }
