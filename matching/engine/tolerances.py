"""Which price tolerance a line gets: the most specific row, item side first."""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from matching.engine.terms import ZERO, Tolerance

ALL = "all"
RowKey = tuple[str, str]


def _codes(name: str, group: str) -> Iterator[str]:
    if name:
        yield f"table:{name}"
    if group:
        yield f"group:{group}"
    yield ALL


def path(item: str, item_group: str, vendor: str, vendor_group: str) -> list[RowKey]:
    """Return the rows to be asked, in order; steps that need a group are left out when there is none."""
    return [(left, right) for left in _codes(item, item_group) for right in _codes(vendor, vendor_group)]


def price_tolerance(
    rows: Mapping[RowKey, Fraction], *, item: str, item_group: str, vendor: str, vendor_group: str
) -> Tolerance:
    """Return the first row found; a row of 0 % is a hit like any other."""
    asked: list[str] = []
    for left, right in path(item, item_group, vendor, vendor_group):
        name = f"{left} / {right}"
        if (left, right) in rows:
            return Tolerance(rows[left, right], name, tuple(asked))
        asked.append(name)
    return Tolerance(ZERO, f"{ALL} / {ALL}", tuple(asked))
