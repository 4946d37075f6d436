"""
What a reader hands to everything that looks at a file: its kind and its lines, with the values as read.

Pure: no database, no settings. Values are text, exact decimals and days under the names that the documentation of the
file kinds gives the columns; None where a cell was empty, absent or unreadable.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

Value = str | Decimal | date | None


class Kind(StrEnum):
    """The kinds of files that can be read."""

    LICENSE = "license"
    USAGE = "usage"
    USAGE_DAILY_LEGACY = "usage_daily_legacy"
    ONETIME_RECURRING = "onetime_recurring"
    NCE_INVOICE = "nce_invoice"
    NCE_DAILY = "nce_daily"
    STRIPE_PAYOUT = "stripe_payout"
    ADYEN_SETTLEMENT = "adyen_settlement"


class Line(NamedTuple):
    """
    One record of a file.

    `record` counts through the whole file from 1; `line` is the physical line the record begins on, the first line of
    the file being 1. `codes` say what is wrong with it: then it is kept and shown, and counts nowhere.
    `duplicate_of` is the first record with the very same cells: then this one counts nowhere either. `damaged` names
    the columns whose identifier a spreadsheet has destroyed.
    """

    record: int
    line: int
    kind: Kind
    values: Mapping[str, Value]
    codes: tuple[str, ...] = ()
    duplicate_of: int | None = None
    damaged: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Say whether the line is valid and the first of its kind."""
        return not self.codes and self.duplicate_of is None
