"""
Which columns of a billing file are its money, its quantity, its price and its period.

Pure. Kinds without money (the old daily block) and the files of payment providers have no entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from sys import intern
from types import MappingProxyType
from typing import NamedTuple

from reconciliation.amounts import ZERO
from reconciliation.checks import amount
from reconciliation.lines import Kind, Line, Value


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one kind; daily usage has no tax and its pre-tax amount is its total."""

    currency: str
    pretax: str
    tax: str | None
    total: str
    price: str
    period: tuple[str, str]


class Money(NamedTuple):
    """The money of one line."""

    currency: str
    pretax: Decimal
    tax: Decimal
    total: Decimal


_CHARGED = ("ChargeStartDate", "ChargeEndDate")
_COMMERCE = Columns("Currency", "Subtotal", "TaxTotal", "Total", "UnitPrice", _CHARGED)
COLUMNS: Mapping[Kind, Columns] = MappingProxyType(
    {
        Kind.LICENSE: Columns("Currency", "Subtotal", "Tax", "TotalForCustomer", "UnitPrice", _CHARGED),
        Kind.USAGE: Columns("Currency", "PretaxCharges", "TaxAmount", "PostTaxTotal", "ListPrice", _CHARGED),
        Kind.ONETIME_RECURRING: _COMMERCE,
        Kind.NCE_INVOICE: _COMMERCE,
        # The charge period of daily usage only informs: charges follow the day of use.
        Kind.NCE_DAILY: Columns(
            "BillingCurrency",
            "BillingPreTaxTotal",
            None,
            "BillingPreTaxTotal",
            "UnitPrice",
            ("UsageDate", "UsageDate"),
        ),
    }
)


def money_of(line: Line, columns: Columns) -> Money:
    """Return the money of a line that counts."""
    tax = ZERO if columns.tax is None else amount(line, columns.tax)
    return Money(
        currency_in(line.values.get(columns.currency)), amount(line, columns.pretax), tax, amount(line, columns.total)
    )


def currency_in(value: Value) -> str:
    """Return the currency in a cell, empty where it has none."""
    return intern(value.upper()) if isinstance(value, str) else ""


def period(first: Value, last: Value) -> tuple[date, date] | None:
    """Return the first and the last day a line is about; a purchase without an end is about its first day."""
    if not isinstance(first, date):
        return None
    return first, last if isinstance(last, date) else first
