"""
A result as plain data: what a run keeps, what the API answers and what the pages show.

Names are those of the case format; figures are exact results rounded to six places, written as text.
"""

import hashlib
import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from matching.engine.comparison import Compared, Nearest
from matching.engine.results import LineResult, PriceTotal, Result
from matching.engine.words import written

Told = dict[str, Any]


def _figure(value: Fraction | None) -> str | None:
    return None if value is None else written(value)


def _nearest(nearest: Nearest | None) -> Told:
    if nearest is None:
        return {}
    told = {"figure": written(nearest.figure), "change": written(nearest.change)}
    return {"nearest": told | ({} if nearest.tolerance is None else {"tolerance": written(nearest.tolerance)})}


def _exactly(percent: Fraction) -> Told:
    """Return a percentage that six places do not say, so that it can be judged again as it was."""
    is_said = (percent * 10**6).denominator == 1
    return {} if is_said else {"percent_exact": f"{percent.numerator}/{percent.denominator}"}


def _compared(row: Compared) -> Told:
    told: Told = {
        "actual": written(row.actual),
        "expected": written(row.expected),
        "percent": written(row.percent),
        "verdict": row.verdict and row.verdict.value,
        **_exactly(row.percent),
    }
    if row.formula:
        told |= {"formula": row.formula, "expected_formula": row.expected_formula}
    return told | _nearest(row.nearest)


def _with_tolerance(row: Compared) -> Told:
    told = _compared(row)
    if row.tolerance is not None:
        told |= {
            "tolerance": written(row.tolerance.percent),
            "tolerance_from": row.tolerance.source,
            "tolerance_path": list(row.tolerance.path),
        }
    return told


def _price_total(total: PriceTotal) -> Told:
    return {
        "actual": written(total.compared.actual),
        "expected": written(total.compared.expected),
        "variance": written(total.compared.variance),
        "percent": written(total.compared.percent),
        "tolerance_percent": _figure(total.tolerance_percent),
        "variance_accounting": written(total.variance_accounting),
        "tolerance_amount": _figure(total.tolerance_amount),
        "exchange_variance": written(total.exchange_variance),
        "formula": total.compared.formula,
        "is_last": total.is_last,
        "sides": list(total.sides),
        **_exactly(total.compared.percent),
    } | _nearest(total.nearest)


def line(result: LineResult) -> Told:
    """Return one line's result."""
    told: Told = {
        "policy": result.policy and result.policy.value,
        "policy_from": result.policy_from,
        "match_variance": result.variance and result.variance.value,
        "price_match": result.price_match and result.price_match.value,
        "price_total_match": result.price_total_match and result.price_total_match.value,
        "quantity_match": result.quantity_match and result.quantity_match.value,
        "reasons": [reason.value for reason in result.reasons],
        "price": None if result.price is None else _with_tolerance(result.price),
        "rows": None if result.rows is None else {name.value: _compared(row) for name, row in result.rows.items()},
        "price_total": None if result.price_total is None else _price_total(result.price_total),
        "quantity": None
        if result.quantity is None
        else {"actual": written(result.quantity[0]), "expected": written(result.quantity[1])},
    }
    if result.unit_price_limit is not None:
        told["unit_price_limit"] = written(result.unit_price_limit)
    return told


def whole(result: Result) -> Told:
    """Return everything a run found out."""
    return {
        "status": result.status.value,
        "lines": {str(one.number): line(one) for one in result.lines},
        "figures": {name.value: written(value) for name, value in result.figures.items()},
        "totals_match": result.totals_match and result.totals_match.value,
        "totals": None
        if result.totals is None
        else {name.value: _with_tolerance(row) for name, row in result.totals.items()},
        "charges_match": result.charges_match and result.charges_match.value,
        "charges": {
            code: _with_tolerance(row) | {"variance": written(row.variance)} for code, row in result.charges.items()
        },
        "reasons": list(result.reasons),
    }


# What an approval covers: the figures and verdicts, not by which tolerance or formula they came about.
_NOT_CONTENT = frozenset(
    {"tolerance", "tolerance_from", "tolerance_path", "tolerance_percent", "tolerance_amount", "formula"}
    | {"expected_formula", "nearest", "unit_price_limit", "policy_from", "is_last", "sides"}
)


def _content(told: object) -> object:
    if isinstance(told, Mapping):
        return {name: _content(value) for name, value in told.items() if name not in _NOT_CONTENT}
    return [_content(value) for value in told] if isinstance(told, list) else told


def content(told: Told) -> str:
    """Return the fingerprint of every compared figure and verdict."""
    text = json.dumps(_content(told), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
