"""Columns of a kind of file: their names, what their cells hold, and which kind a header is folded to."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from reconciliation.lines import Kind


class Holds(StrEnum):
    """What the cells of a column hold."""

    ID = "id"  # text, never a number
    TEXT = "text"
    DATE = "date"
    NUMBER = "number"  # an amount, price or rate: never with an exponent
    QUANTITY = "quantity"  # a number that programs may have written with an exponent: 8E-05 hours
    WHOLE = "whole"  # a quantity without a fraction
    CURRENCY = "currency"


_LONGEST_HEADER = 1000  # characters of a header that are looked at
NUMERIC = frozenset({Holds.NUMBER, Holds.QUANTITY, Holds.WHOLE})


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column: its name, other names it goes by, and what it holds.

    `needed` columns must be in the header; their cells must be filled unless `may_be_empty`. `since` is the first
    edition of the format that has the column. A cell of a `percent` column holds 15 where `stored_as`, the name under
    which its value is kept, means 0.15; where the header already uses that name, the cell is the rate itself.
    """

    name: str
    holds: Holds
    aliases: tuple[str, ...] = ()
    needed: bool = False
    may_be_empty: bool = False
    since: str | None = None
    percent: bool = False
    stored_as: str = ""

    @property
    def value_name(self) -> str:
        """The name under which a line keeps the value."""
        return self.stored_as or self.name

    @property
    def filled(self) -> bool:
        """Whether a valid line needs a value here."""
        return self.needed and not self.may_be_empty


@dataclass(frozen=True)
class Format:
    """
    The columns of a kind, in the order of its documentation.

    `must` are the columns that together tell the kind, `one_of` those of which one more has to be there, `none_of`
    those that rule it out. `printed_totals` names the columns in which a trailing summary row prints a sum, with the
    total it is a sum of, the most telling first; a pair of columns means first minus second.
    """

    kind: Kind
    columns: tuple[Column, ...]
    must: tuple[str, ...]
    one_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    printed_totals: tuple[tuple[tuple[str, ...], str], ...] = ()

    @cached_property
    def by_key(self) -> dict[str, Column]:
        """Columns by the key of their names; a column's own name wins over another's alias."""
        found = {header_key(column.name): column for column in self.columns}
        for column in self.columns:
            for alias in column.aliases:
                found.setdefault(header_key(alias), column)
        return found

    @cached_property
    def position(self) -> dict[str, int]:
        """Place of each column in the documentation's order, by name."""
        return {column.name: place for place, column in enumerate(self.columns)}


def header_key(header: str) -> str:
    """
    Return what is left of a header once spelling habits are taken away: letters and digits of either case, folded.

    `Syndication_Partner_Subscription_Number` and `syndication partner subscription number` have one key.
    """
    return "".join(c for c in unicodedata.normalize("NFKC", header[:_LONGEST_HEADER]).casefold() if c.isalnum())


def many(holds: Holds, *names: str, since: str | None = None, needed: bool = False) -> tuple[Column, ...]:
    """Return columns that differ in nothing but their name."""
    return tuple(Column(name, holds, since=since, needed=needed) for name in names)
