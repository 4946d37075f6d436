"""
Judging kept figures again by other tolerances. Pure.

What a run compared stays as it was, also when orders and other invoices have changed since; only the limits are others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from matching.engine.terms import Company, Direction, PriceTotals, Total

Told = Mapping[str, Any]
FAILED, PASSED = "failed", "passed"


@dataclass(frozen=True, slots=True)
class Limits:
    """
    The tolerances to judge by: the company's, and what the rows of the tables say for an invoice's vendor.

    `price` gives the percentage for an item's number (empty for none).
    """

    company: Company
    price: Callable[[str], Fraction]
    totals: Fraction | None = None
    charges: Mapping[str, Fraction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of judging again."""

    verdict: str
    reasons: list[str]


def rejudge(detail: Told, items: Mapping[str, str], limits: Limits) -> Judged:
    """Judge the figures of a run again; `items` gives each line's item by the line's number."""
    reasons: set[str] = set()
    for number, line in detail["lines"].items():
        reasons |= _line(line, limits.price(items.get(number, "")), limits.company)
    for name, row in (detail["totals"] or {}).items():
        if row["verdict"] is not None and _fails(row, _of_total(name, limits), limits.company.totals_direction):
            reasons.add(f"TOTAL_{name.upper()}")
    for code, row in detail["charges"].items():
        percent = limits.charges.get(code, limits.company.charges_percent)
        if _fails(row, percent, limits.company.charges_direction):
            reasons.add(f"CHARGE_{code}")
    return Judged(FAILED if reasons else PASSED, sorted(reasons))


def _line(line: Told, tolerance: Fraction, company: Company) -> set[str]:
    # What no tolerance decides stays: receipts, units, order lines that are gone, something billed for nothing.
    kept = {"RECEIPT_QUANTITY", "UNIT", "PO_LINE"} | ({"PRICE"} if line["price"] is None else set())
    reasons = kept.intersection(line["reasons"])
    if line["price"] is not None and _fails(line["price"], tolerance, company.unit_price_direction):
        reasons.add("PRICE")
    if line["price_total"] is not None:
        reasons |= _total(line["price_total"], company)
    return reasons


def _total(total: Told, company: Company) -> set[str]:
    above, below = total["sides"]
    mode: PriceTotals = company.price_totals
    reasons = set()
    percent = _percent(total)
    limit = company.price_total_percent if Fraction(total["expected"]) else Fraction(0)
    if mode.by_percent and ((above and percent > limit) or (below and -percent > limit)):
        reasons.add("PRICE_TOTAL_PERCENT")
    amount = Fraction(total["variance_accounting"])
    most = company.price_total_amount
    if mode.by_amount and ((above and amount > most) or (below and -amount > most)):
        reasons.add("PRICE_TOTAL_AMOUNT")
    return reasons


def _of_total(name: str, limits: Limits) -> Fraction:
    own = limits.company.per_total.get(Total(name))
    if own is not None and own.percent is not None:
        return own.percent
    return limits.company.totals_percent if limits.totals is None else limits.totals


def _fails(row: Told, tolerance: Fraction, direction: Direction) -> bool:
    percent = _percent(row)
    # Where nothing was expected the percentage stands for "beyond measure", which no tolerance covers.
    limit = tolerance if Fraction(row["expected"]) else Fraction(0)
    return percent > limit or (direction is Direction.GREATER_OR_LESS and -percent > limit)


def _percent(row: Told) -> Fraction:
    return Fraction(row.get("percent_exact") or row["percent"])


def over(detail: Told) -> Decimal:
    """Return what the lines of an invoice cost more than agreed, in its currency; what costs less is not set off."""
    rows = [line["rows"]["net_amount"] for line in detail["lines"].values() if line["rows"]]
    return sum((max(Decimal(row["actual"]) - Decimal(row["expected"]), Decimal(0)) for row in rows), Decimal(0))
