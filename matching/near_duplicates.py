"""
Invoices that may be the same bill twice.

Two invoices of one vendor are near each other when they ask for the same amount within some days, or when their numbers
read alike: O for 0, I or l for 1, other separators, other capitals. Nobody is stopped by it; it is shown.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

WITHIN = timedelta(days=7)
LOOK_ALIKES = str.maketrans("OIL", "011")


class Why(StrEnum):
    """What makes two invoices look like one."""

    NUMBER = "number"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class Bill:
    """What is compared of an invoice; `key` tells it from others."""

    key: str
    number: str
    amount: Decimal
    currency: str
    on: date


@dataclass(frozen=True, slots=True)
class Near:
    """Another invoice of the same vendor, and why it looks like the same one."""

    bill: Bill
    why: tuple[Why, ...]


def folded(number: str) -> str:
    """Return an invoice number as careless eyes read it: capitals, no separators, look-alikes as digits."""
    upper = unicodedata.normalize("NFKC", number).upper().translate(LOOK_ALIKES)
    return "".join(character for character in upper if character.isalnum())


def near(mine: Bill, others: Iterable[Bill]) -> list[Near]:
    """Return the others that may be the same bill, in their order; an amount of nothing says nothing."""
    found = []
    number = folded(mine.number)
    for other in others:
        if other.key == mine.key:
            continue
        why = []
        if number and folded(other.number) == number:
            why.append(Why.NUMBER)
        same_amount = mine.amount and (other.amount, other.currency) == (mine.amount, mine.currency)
        if same_amount and abs(other.on - mine.on) <= WITHIN:
            why.append(Why.AMOUNT)
        if why:
            found.append(Near(other, tuple(why)))
    return found
