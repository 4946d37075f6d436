"""
What a check of one line's arithmetic says.

Pure. A check flags a line and never takes it out of the comparison.
"""

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from reconciliation.amounts import ZERO
from reconciliation.lines import Line, Value


class Result(StrEnum):
    """How the delivered figure stands to the computed one."""

    OK = "ok"
    WITHIN_ROUNDING = "within_rounding"
    FAULT = "fault"


class Formula(StrEnum):
    """Which of the documented formulas a new-commerce subtotal follows."""

    PRODUCT_TRUNCATED = "product_truncated"
    """The product of price and quantity was cut."""
    PER_UNIT_TRUNCATED = "per_unit_truncated"
    """The price of one unit was cut before it was multiplied."""


class Check(NamedTuple):
    """One check of one line; `difference` is delivered − computed, in the currency of the figure."""

    name: str
    result: Result
    difference: Decimal
    formula: Formula | None = None

    @property
    def shown(self) -> bool:
        """Say whether a reader of the file must see it: whatever is not ok, and the rarer of two right formulas."""
        return self.result is not Result.OK or self.formula is Formula.PER_UNIT_TRUNCATED


def exact(name: str, difference: Decimal) -> Check:
    """Return the check of a figure that must be equal to the computed one."""
    return Check(name, Result.FAULT if difference else Result.OK, difference)


def number(value: Value) -> Decimal | None:
    """Return the decimal of a cell, None where it has none."""
    return value if isinstance(value, Decimal) else None


def figure(value: Value) -> Decimal:
    """Return the decimal of a cell, 0 where it has none; on a line that counts, required columns have one."""
    return (value or ZERO) if isinstance(value, Decimal) else ZERO


def said(value: Value) -> str:
    """Return the text of a cell, empty where it has none."""
    return value if isinstance(value, str) else ""


def amount(line: Line, column: str) -> Decimal:
    """Return the decimal of a column, 0 where the line has none."""
    return figure(line.values.get(column))


def text(line: Line, column: str) -> str:
    """Return the text of a column, empty where the line has none."""
    return said(line.values.get(column))
