"""
Itemising by partner: which reseller a line belongs to, and what each of them comes to.

Pure. Every line lands in exactly one entry, so the entries of a currency always add up to the file's total.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from reconciliation.amounts import ZERO
from reconciliation.checks import text
from reconciliation.lines import Line

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


def bucket_of(line: Line, *, in_file: bool) -> tuple[Bucket, str]:
    """Return the bucket of a line and the id it stands under; `in_file` says whether the file has the column at all."""
    if not in_file:
        return Bucket.NOT_IN_FILE, ""
    mpn = text(line, _RESELLER)
    if mpn in {"", "0"}:
        return Bucket.NONE, mpn
    if mpn == "-1":
        return Bucket.REMOVED, mpn
    # Two ids that a spreadsheet has rounded to the same text need not have been the same.
    if mpn == text(line, _PARTNER) and _RESELLER not in line.damaged:
        return Bucket.DIRECT, mpn
    return Bucket.RESELLER, mpn


@dataclass(slots=True)
class Sums:
    """What lines come to: their number and three totals of one currency."""

    lines: int = 0
    pretax: Decimal = ZERO
    tax: Decimal = ZERO
    total: Decimal = ZERO

    def add(self, pretax: Decimal, tax: Decimal, total: Decimal) -> None:
        """Take in one more line."""
        self.lines += 1
        self.pretax += pretax
        self.tax += tax
        self.total += total


class ByReseller:
    """The sums of a file for each bucket, id and currency."""

    def __init__(self, *, in_file: bool) -> None:
        self._in_file = in_file
        self._entries: dict[tuple[Bucket, str, str], Sums] = {}

    def add(self, line: Line, currency: str, pretax: Decimal, tax: Decimal, total: Decimal) -> None:
        """Take in a line that counts, with its figures."""
        self._entries.setdefault((*bucket_of(line, in_file=self._in_file), currency), Sums()).add(pretax, tax, total)

    def entries(self) -> Iterator[tuple[Bucket, str, str, Sums]]:
        """Yield bucket, id, currency and sums, in this order."""
        for (bucket, mpn, currency), sums in sorted(self._entries.items(), key=lambda entry: entry[0]):
            yield bucket, mpn, currency, sums
