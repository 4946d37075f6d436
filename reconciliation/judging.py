"""
The figures of one group against those of our records: one outcome, and what else differs beside it.

Pure. A tolerance never changes a figure and never hides a difference: the residue is always shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from reconciliation.amounts import ZERO, minor_unit
from reconciliation.books import OwnRecord, Tolerance
from reconciliation.groups import FileGroup
from reconciliation.lines import Kind

# The list price of new commerce may move within a term without changing the cost.
PRICE_ONLY_SHOWN = frozenset({Kind.ONETIME_RECURRING, Kind.NCE_INVOICE, Kind.NCE_DAILY})
_METERED_TOLERANCE = Decimal("1e-6")
_MOST_LINES_IN_TOLERANCE = 100


class Outcome(StrEnum):
    """How a group of the file and our records stand to each other; the first that holds, in this order."""

    MISSING_ON_OUR_SIDE = "missing_on_our_side"
    MISSING_IN_FILE = "missing_in_file"
    CURRENCY_MISMATCH = "currency_mismatch"
    QUANTITY_MISMATCH = "quantity_mismatch"
    PRICE_MISMATCH = "price_mismatch"
    AMOUNT_MISMATCH = "amount_mismatch"
    TAX_MISMATCH = "tax_mismatch"
    MATCHED_WITHIN_TOLERANCE = "matched_within_tolerance"
    MATCHED = "matched"


# The outcomes that leave nothing to decide.
MATCHED: frozenset[str] = frozenset({Outcome.MATCHED, Outcome.MATCHED_WITHIN_TOLERANCE})


@dataclass(frozen=True, slots=True)
class OwnFigures:
    """What our records of one key and currency come to; None is not known, as one of them does not say it."""

    subtotal: Decimal
    tax: Decimal | None
    quantity: Decimal | None
    unit_price: Decimal | None


def own_figures(records: Sequence[OwnRecord]) -> OwnFigures:
    """Return the sums of records, and their unit price when there is only one."""
    taxes = [record.tax for record in records if record.tax is not None]
    quantities = [record.quantity for record in records if record.quantity is not None]
    prices = {record.unit_price for record in records}
    return OwnFigures(
        subtotal=sum((record.subtotal for record in records), ZERO),
        tax=sum(taxes, ZERO) if len(taxes) == len(records) else None,
        quantity=sum(quantities, ZERO) if len(quantities) == len(records) else None,
        unit_price=prices.pop() if len(prices) == 1 else None,
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of a group that both sides have; differences are file − ours, None is not compared."""

    outcome: Outcome
    also: list[str]
    notes: list[str]
    subtotal: Decimal
    tax: Decimal | None


def judge(
    kind: Kind, currency: str, group: FileGroup, ours: OwnFigures, tolerance: Tolerance, *, tax_compared: bool
) -> Verdict:
    """Compare the figures of both sides of one key and currency."""
    unit = minor_unit(currency)
    group_slack = min(group.lines, _MOST_LINES_IN_TOLERANCE) * unit if tolerance.group is None else tolerance.group
    line_slack = unit if tolerance.line is None else tolerance.line
    subtotal = group.subtotal - ours.subtotal
    tax = group.tax - ours.tax if tax_compared and ours.tax is not None else None
    quantity = _difference(group.quantity, ours.quantity)
    price = _difference(group.unit_price, ours.unit_price)

    amount_differs = abs(subtotal) > group_slack
    price_differs = abs(price or ZERO) > line_slack
    price_shown = price_differs and not amount_differs and kind in PRICE_ONLY_SHOWN
    differs = {
        "quantity": abs(quantity or ZERO) > (_METERED_TOLERANCE if group.metered else ZERO),
        "price": price_differs and not price_shown,
        "amount": amount_differs,
        "tax": abs(tax or ZERO) > group_slack,
    }
    outcome, own = _outcome(differs, exact=not subtotal and not tax)
    notes = {"quantity_not_comparable": quantity is None, "price_differs": price_shown}
    return Verdict(
        outcome,
        [figure for figure, beyond in differs.items() if beyond and figure != own],
        [note for note, holds in notes.items() if holds],
        subtotal,
        tax,
    )


def _difference(file: Decimal | None, ours: Decimal | None) -> Decimal | None:
    return None if file is None or ours is None else file - ours


def _outcome(differs: Mapping[str, bool], *, exact: bool) -> tuple[Outcome, str]:
    """Return the outcome and the figure it is about. A price alone decides nothing: it stands beside the outcome."""
    if differs["quantity"]:
        return Outcome.QUANTITY_MISMATCH, "quantity"
    if differs["price"] and differs["amount"]:
        return Outcome.PRICE_MISMATCH, "price"
    if differs["amount"]:
        return Outcome.AMOUNT_MISMATCH, "amount"
    if differs["tax"]:
        return Outcome.TAX_MISMATCH, "tax"
    return Outcome.MATCHED if exact else Outcome.MATCHED_WITHIN_TOLERANCE, ""
