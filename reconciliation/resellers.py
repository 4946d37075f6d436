"""
Itemising by partner: which reseller a line belongs to, and what each of them comes to.

Pure. Every line lands in exactly one entry, so the entries of a currency always add up to the file's total.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from reconciliation.amounts import ZERO
from reconciliation.checks import said
from reconciliation.chunks import Chunk
from reconciliation.series import Series, combined

_RESELLER = "ResellerMpnId"
_PARTNER = "MpnId"


class Bucket(StrEnum):
    """What the reseller column says about a line."""

    NOT_IN_FILE = "not_in_file"
    """There is no such column: the files of a direct partner."""
    NONE = "none"
    """No reseller, or not billed yet."""
    REMOVED = "reseller_removed"
    DIRECT = "direct_or_reseller_without_id"
    """Sold directly, or by a reseller that has no id of its own: the file cannot tell."""
    RESELLER = "reseller"


def buckets_of(chunk: Chunk, *, in_file: bool) -> Series[tuple[Bucket, str]]:
    """Return the buckets of lines and the ids they stand under; `in_file` says that the file has the column at all."""
    if not in_file:
        return Series.same((Bucket.NOT_IN_FILE, ""), len(chunk))
    return combined(_bucket, chunk.column(_RESELLER).map(said), chunk.column(_PARTNER).map(said), chunk.damaged)


def _bucket(reseller: str, partner: str, damaged: tuple[str, ...]) -> tuple[Bucket, str]:
    if reseller in {"", "0"}:
        return Bucket.NONE, reseller
    if reseller == "-1":
        return Bucket.REMOVED, reseller
    # Two ids that a spreadsheet has rounded to the same text need not have been the same.
    if reseller == partner and _RESELLER not in damaged:
        return Bucket.DIRECT, reseller
    return Bucket.RESELLER, reseller


@dataclass(slots=True)
class Sums:
    """What lines come to: their number and three totals of one currency."""

    lines: int = 0
    pretax: Decimal = ZERO
    tax: Decimal = ZERO
    total: Decimal = ZERO

    def add(self, more: "Sums") -> None:
        """Take in what more lines come to."""
        self.lines += more.lines
        self.pretax += more.pretax
        self.tax += more.tax
        self.total += more.total


class ByReseller:
    """The sums of a file for each bucket, id and currency."""

    def __init__(self) -> None:
        self._entries: dict[tuple[Bucket, str, str], Sums] = {}

    def add(self, sums: Iterable[tuple[tuple[Bucket, str, str], Sums]]) -> None:
        """Take in what lines come to by bucket, id and currency."""
        for key, more in sums:
            self._entries.setdefault(key, Sums()).add(more)

    def entries(self) -> Iterator[tuple[Bucket, str, str, Sums]]:
        """Yield bucket, id, currency and sums, in this order."""
        for (bucket, mpn, currency), sums in sorted(self._entries.items(), key=lambda entry: entry[0]):
            yield bucket, mpn, currency, sums
