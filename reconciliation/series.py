"""
Values of lines that follow each other, one for every line, in which those that occur again and again are held once.

Pure. Files repeat themselves: most cells of most columns are one of few, so what follows from a value is worked out for
the different ones only.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import groupby, repeat
from typing import Any, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")
H = TypeVar("H", bound=Hashable)


class Series(Generic[T_co]):
    """
    One value for every line.

    `different` are the values, all of which occur, and `places` says which of them each line has; without `places` each
    line has its own, and some of those may be equal.
    """

    __slots__ = ("different", "places")

    def __init__(self, different: Sequence[T_co], places: Sequence[int] | None = None) -> None:
        self.different = different
        self.places = places

    @staticmethod
    def of(values: Sequence[H]) -> "Series[H]":
        """Return a series of these values; equal ones are held once if that spares half of them."""
        if values and values[0] == values[-1] and values.count(values[0]) == len(values):
            return Series.same(values[0], len(values))
        known = dict.fromkeys(values)
        if 2 * len(known) > len(values):
            return Series(values)
        place_of = {value: place for place, value in enumerate(known)}
        return Series(list(known), list(map(place_of.__getitem__, values)))

    @staticmethod
    def same(value: R, lines: int) -> "Series[R]":
        """Return a series in which every line has one value."""
        return Series((value,) if lines else (), [0] * lines)

    @property
    def is_one(self) -> bool:
        """Say whether all lines are known to have one value."""
        return self.places is not None and len(self.different) == 1

    def __len__(self) -> int:
        return len(self.different if self.places is None else self.places)

    def __iter__(self) -> Iterator[T_co]:
        if self.places is None:
            return iter(self.different)
        if len(self.different) == 1:
            return repeat(self.different[0], len(self.places))
        return map(self.different.__getitem__, self.places)

    def at(self, line: int) -> T_co:
        """Return the value of a line, counted from 0."""
        return self.different[line if self.places is None else self.places[line]]

    def map(self, make: Callable[[T_co], R]) -> "Series[R]":
        """Return what follows from each value."""
        return Series(list(map(make, self.different)), self.places)

    def map_all(self, make: Callable[[Sequence[T_co]], Sequence[R]]) -> "Series[R]":
        """Return what follows from each value where it is quicker to make it for all of them at once."""
        return Series(make(self.different), self.places)

    def only(self, lines: Sequence[int]) -> "Series[T_co]":
        """Return the values of some of the lines."""
        if self.places is None:
            return Series([self.different[line] for line in lines])
        return Series.of([self.places[line] for line in lines]).map(self.different.__getitem__)


def alike(lines: int, series: Sequence[Series[Any]]) -> Series[int]:
    """Return for every line the first line that has the same values, or itself where hardly any have the same."""
    if any(one.places is None for one in series):
        return Series(range(lines))
    varying = [one.places for one in series if one.places is not None and len(one.different) > 1]
    if not varying:
        return Series.same(0, lines)
    together: Series[Any] = Series.of(varying[0] if len(varying) == 1 else list(zip(*varying, strict=True)))
    if together.places is None:
        return Series(range(lines))
    # The last to be put in is the first that has them.
    first_of = dict(zip(reversed(together.places), range(lines - 1, -1, -1), strict=True))
    return Series([first_of[place] for place in range(len(first_of))], together.places)


def combined(make: Callable[..., R], *series: Series[Any]) -> Series[R]:
    """Return what follows from the values that each line has in several series."""
    lines = alike(len(series[0]), series)
    if lines.places is None:
        return Series(list(map(make, *series)))
    return Series([make(*(one.at(line) for one in series)) for line in lines.different], lines.places)


def joined(pieces: Iterable[Series[str]], lines: int) -> list[str]:
    """Return the texts of lines, put together from pieces; neighbours that are the same on every line become one."""
    columns: list[Iterable[str]] = []
    for is_one, neighbours in groupby(pieces, key=lambda piece: piece.is_one):
        run = list(neighbours)
        columns += [repeat("".join(piece.at(0) for piece in run), lines)] if is_one else run
    return list(map("".join, zip(*columns, strict=True))) if columns else [""] * lines
