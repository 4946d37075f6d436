"""
The one comparison: an actual figure against an expected one, by a percentage that it may not exceed.

A variance is adverse when we would pay more. Exactly at the tolerance passes. Nothing is rounded before it is judged.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from matching.engine.terms import HUNDRED, ZERO, Direction, Tolerance

# What is shown where nothing was expected and something came: of charges and price totals, and of lines and totals.
BEYOND_MEASURE = Fraction(9_999_999_999_999, 100)
ALL_OF_IT = HUNDRED


class Verdict(StrEnum):
    """Whether a figure lies within its tolerance."""

    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Nearest:
    """
    The nearest change that would make a figure pass.

    The actual figure could be `figure`, which is `change` more than it is; or the tolerance could be `tolerance`
    percent, where any tolerance would do.
    """

    figure: Fraction
    change: Fraction
    tolerance: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of the invoice, what was expected, and what came of comparing them; None is not judged."""

    actual: Fraction
    expected: Fraction
    adverse: Fraction
    percent: Fraction
    verdict: Verdict | None
    tolerance: Tolerance | None = None
    formula: str = ""
    expected_formula: str = ""
    nearest: Nearest | None = None

    @property
    def variance(self) -> Fraction:
        """Return actual less expected, whichever of them is wanted."""
        return self.actual - self.expected


def percent_of(adverse: Fraction, expected: Fraction, without: Fraction) -> Fraction:
    """Return an adverse variance as a percentage; `without` stands for it where nothing was expected."""
    if expected:
        return adverse / abs(expected) * HUNDRED
    return ZERO if not adverse else without if adverse > 0 else -without


def exceeds(adverse: Fraction, expected: Fraction, tolerance: Fraction, direction: Direction) -> bool:
    """Say whether a variance is a discrepancy. Where nothing is expected no tolerance covers it."""
    limit = tolerance * abs(expected) / HUNDRED
    return adverse > limit or (direction is Direction.GREATER_OR_LESS and -adverse > limit)


def compare(
    actual: Fraction,
    expected: Fraction,
    tolerance: Tolerance,
    direction: Direction,
    *,
    sign: int = 1,
    without: Fraction = ALL_OF_IT,
    judged: bool = True,
    formula: str = "",
    expected_formula: str = "",
) -> Compared:
    """Compare two figures; `sign` is -1 for figures that lower what we owe, `without` as in `percent_of`."""
    adverse = sign * (actual - expected)
    failed = exceeds(adverse, expected, tolerance.percent, direction)
    return Compared(
        actual,
        expected,
        adverse,
        percent_of(adverse, expected, without),
        (Verdict.FAILED if failed else Verdict.PASSED) if judged else None,
        tolerance,
        formula,
        expected_formula,
        _nearest(actual, expected, adverse, tolerance.percent, sign) if failed and judged else None,
    )


def _nearest(actual: Fraction, expected: Fraction, adverse: Fraction, tolerance: Fraction, sign: int) -> Nearest:
    limit = tolerance * abs(expected) / HUNDRED
    change = -sign * (adverse - limit if adverse > 0 else adverse + limit)
    return Nearest(actual + change, change, abs(adverse) / abs(expected) * HUNDRED if expected else None)


def worst(verdicts: "list[Verdict | None]") -> Verdict | None:
    """Return failed if any is, passed if any is, else None."""
    if Verdict.FAILED in verdicts:
        return Verdict.FAILED
    return Verdict.PASSED if Verdict.PASSED in verdicts else None
