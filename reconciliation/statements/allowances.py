"""
How much of a bank's line one person may decide about alone; beyond it somebody else has to.

Pure. Amounts are minor units; signs do not matter.
"""

from typing import Final

MOST_WRITTEN_OFF: Final = 10
"""A single difference."""
MOST_IN_A_DAY: Final = 100
"""All differences of an account in one day together."""
_ONE_IN: Final = 10_000


def tolerance(amount: int) -> int:
    """Return how much of an amount may be written off: ten units, and at most a ten-thousandth of it."""
    return min(MOST_WRITTEN_OFF, abs(amount) // _ONE_IN)


def is_small(left: int, amount: int, *, today: int = 0) -> bool:
    """Say whether what is left of an amount may be written off, beside what was written off today already."""
    return abs(left) <= tolerance(amount) and abs(left) + today <= MOST_IN_A_DAY


def is_usual_fee(left: int, most: int) -> bool:
    """Say whether what is left of a line is no more than a bank may keep."""
    return abs(left) <= most
