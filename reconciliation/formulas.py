"""
How the figure that a check computes is made up, written with the columns of its kind.

Pure. A page fills in the numbers of a line; the checks themselves are in `arithmetic.py` and `providers.py`.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from reconciliation.lines import Kind

_COLUMN = re.compile(r"\{([^}]+)\}")


class Formula(NamedTuple):
    """The columns of the figure that was delivered, and the formula that it is held against; `{…}` are columns."""

    delivered: str
    computed: str

    def columns(self) -> str:
        """Return the formula in the names of the columns."""
        return self._written(lambda name: name)

    def numbers(self, number_of: Callable[[str], str]) -> str:
        """Return the formula with the numbers of a line."""
        return self._written(number_of)

    def _written(self, word: Callable[[str], str]) -> str:
        return _COLUMN.sub(lambda found: word(found[1]), f"{self.computed} = {self.delivered}")


_COMMERCE: Mapping[str, Formula] = {
    "subtotal": Formula("{Subtotal}", "{EffectiveUnitPrice} × {BillableQuantity} × {PCToBCExchangeRate}"),
    "total": Formula("{Total}", "{Subtotal} + {TaxTotal}"),
}
FORMULAS: Mapping[Kind, Mapping[str, Formula]] = MappingProxyType(
    {
        Kind.LICENSE: {
            "amount": Formula("{Amount}", "{UnitPrice} × {Quantity}"),
            "subtotal": Formula("{Subtotal}", "{Amount} − {TotalOtherDiscount}"),
            "total": Formula("{TotalForCustomer}", "{Subtotal} + {Tax}"),
        },
        Kind.USAGE: {
            "quantity": Formula("{OverageQuantity}", "{ConsumedQuantity} − {IncludedQuantity}"),
            "pretax": Formula("{PretaxCharges}", "{ListPrice} × {OverageQuantity}"),
            "total": Formula("{PostTaxTotal}", "{PretaxCharges} + {TaxAmount}"),
        },
        Kind.ONETIME_RECURRING: _COMMERCE,
        Kind.NCE_INVOICE: _COMMERCE,
        Kind.NCE_DAILY: {
            "pretax": Formula("{BillingPreTaxTotal}", "{EffectiveUnitPrice} × {Quantity} × {PCToBCExchangeRate}")
        },
        Kind.STRIPE_PAYOUT: {"net": Formula("{net}", "{gross} − {fee}")},
        Kind.ADYEN_SETTLEMENT: {
            "net": Formula(
                "{Net Credit (NC)} − {Net Debit (NC)}",
                "({Gross Credit (GC)} − {Gross Debit (GC)}) × {Exchange Rate}"
                " − {Commission (NC)} − {Markup (NC)} − {Scheme Fees (NC)} − {Interchange (NC)}",
            )
        },
    }
)

# What a formula takes an empty cell for; everything else is 0.
_TAKEN_FOR = MappingProxyType({"PCToBCExchangeRate": "1", "Exchange Rate": "1"})


def number_in(kind: Kind, values: Mapping[str, str]) -> Callable[[str], str]:
    """Return how the columns of a formula are filled from the values of a line."""

    def number(column: str) -> str:
        if column == "BillableQuantity" and column not in values and kind is not Kind.LICENSE:
            column = "Quantity"
        found = values.get(column, _TAKEN_FOR.get(column, "0"))
        return f"({found})" if found.startswith("-") else found

    return number
