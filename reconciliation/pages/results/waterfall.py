"""
From our total to the file's total, one step for each outcome: what makes up the difference of a currency.

Pure. What is shown adds up: every step is cut to the minor unit, and what the cuts leave over is a step of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any, Final

from reconciliation.amounts import EXACT, ZERO, cut, minor_unit
from reconciliation.judging import Outcome

WIDTH: Final = 1000
_THINNEST: Final = 3
# How much of the totals is drawn beside the steps, as a multiple of what the steps span.
_MARGIN: Final = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Step:
    """What one outcome adds: exact, and as shown; the bar is in thousandths of the width."""

    outcome: str
    groups: int
    exact: Decimal
    shown: Decimal
    x: int
    width: int

    @property
    def is_whole(self) -> bool:
        """Say whether nothing was cut off."""
        return self.exact == self.shown


@dataclass(frozen=True, slots=True)
class Waterfall:
    """
    The totals of both sides of one currency and what lies between them.

    `ours_shown` + the steps' `shown` + `residue` = `file_shown`, and the same holds of the exact figures without the
    residue.
    """

    currency: str
    ours: Decimal
    file: Decimal
    ours_shown: Decimal
    file_shown: Decimal
    steps: Sequence[Step]
    residue: Decimal
    ours_bar: tuple[int, int]
    file_bar: tuple[int, int]
    is_cropped: bool

    @property
    def difference(self) -> Decimal:
        """Return file − ours."""
        return EXACT.subtract(self.file, self.ours)


def waterfalls(money: Iterable[Mapping[str, Any]]) -> list[Waterfall]:
    """Return the steps of each currency in the order of its code, from the sums a comparison keeps."""
    by_currency: dict[str, dict[str, Mapping[str, Any]]] = {}
    for part in money:
        by_currency.setdefault(str(part["currency"]), {})[str(part["outcome"])] = part
    with localcontext(EXACT):
        return [_waterfall(currency, parts) for currency, parts in sorted(by_currency.items())]


def _waterfall(currency: str, parts: Mapping[str, Mapping[str, Any]]) -> Waterfall:
    unit = minor_unit(currency)
    ours = sum((Decimal(part["ours"]) for part in parts.values()), ZERO)
    file = sum((Decimal(part["file"]) for part in parts.values()), ZERO)
    found = [(str(outcome), parts[outcome]) for outcome in Outcome if outcome in parts]
    changes = [Decimal(part["file"]) - Decimal(part["ours"]) for _outcome, part in found]
    levels = [ours]
    for change in changes:
        levels.append(levels[-1] + change)
    scale = _scale(min(levels), max(levels))
    steps = [
        Step(outcome, int(part["groups"]), change, cut(change, unit), *scale.bar(before, before + change))
        for (outcome, part), change, before in zip(found, changes, levels, strict=False)
    ]
    ours_shown, file_shown = cut(ours, unit), cut(file, unit)
    residue = file_shown - ours_shown - sum((step.shown for step in steps), ZERO)
    return Waterfall(
        currency=currency,
        ours=ours,
        file=file,
        ours_shown=ours_shown,
        file_shown=file_shown,
        steps=steps,
        residue=residue,
        ours_bar=scale.bar(ZERO, ours),
        file_bar=scale.bar(ZERO, file),
        is_cropped=not scale.low <= 0 <= scale.high,
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """Amounts as places on the drawing; what lies outside is drawn at its edge."""

    low: Decimal
    high: Decimal

    def bar(self, one: Decimal, other: Decimal) -> tuple[int, int]:
        """Return where a bar between two amounts begins and how wide it is; one that is not nothing can be seen."""
        first, last = self._place(min(one, other)), self._place(max(one, other))
        width = max(last - first, _THINNEST if one != other else 0)
        return min(first, WIDTH - width), width

    def _place(self, amount: Decimal) -> int:
        span = self.high - self.low
        inside = min(max(amount, self.low), self.high)
        return int((inside - self.low) * WIDTH // span) if span else 0


def _scale(low: Decimal, high: Decimal) -> _Scale:
    """Return a scale that shows the steps: of large totals only the end is drawn, or small steps could not be seen."""
    margin = (high - low) * _MARGIN
    if low > 0 and margin:
        return _Scale(max(ZERO, low - margin), high)
    if high < 0 and margin:
        return _Scale(low, min(ZERO, high + margin))
    return _Scale(min(ZERO, low), max(ZERO, high))
