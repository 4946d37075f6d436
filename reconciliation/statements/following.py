"""Lines into booking order, and the places where the running balance does not follow."""

from collections.abc import Sequence
from itertools import pairwise

from reconciliation.statements.lines import StatementLine


def in_booking_order(lines: Sequence[StatementLine]) -> list[StatementLine]:
    """
    Return the lines with the oldest first. Some banks list the newest first, and days alone do not tell them apart.

    The running balance decides; where it does not, the days and times of the first and the last line.
    """
    forward = sum(not follows(before, line) for before, line in pairwise(lines))
    backward = sum(not follows(line, before) for before, line in pairwise(lines))
    falls = bool(lines) and _when(lines[0]) > _when(lines[-1])
    return list(reversed(lines)) if backward < forward or (backward == forward and falls) else list(lines)


def follows(before: StatementLine, line: StatementLine) -> bool:
    """Say whether the balance of a line follows from the line before; true where one of them has none."""
    if before.balance_after is None or line.balance_after is None:
        return True
    return before.balance_after + line.amount == line.balance_after


def gaps(lines: Sequence[StatementLine], *, opening: int | None, closing: int | None) -> tuple[int, ...]:
    """Return the rows of lines whose balance does not follow; the last row where the closing balance does not."""
    found = [line.row for before, line in pairwise(lines) if not follows(before, line)]
    if lines and opening is not None and lines[0].balance_after is not None:
        found += [lines[0].row] * (opening + lines[0].amount != lines[0].balance_after)
    if lines and closing is not None and lines[-1].balance_after is not None:
        found += [lines[-1].row] * (lines[-1].balance_after != closing)
    return tuple(sorted(set(found)))


def _when(line: StatementLine) -> tuple[int, float]:
    return line.day.toordinal(), line.booked_at.timestamp() if line.booked_at else 0.0
