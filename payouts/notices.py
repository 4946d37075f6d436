"""
What a bank tells us without being asked, read from its body. Pure: nothing here trusts or stores any of it.

A body that is not understood is still a notice: it is kept and shown to people.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from access.parse import strict_json
from core.errors import InvalidRequest
from core.money import MAX_AMOUNT
from payouts.rails.base import mask_account

LARGEST_BODY = 1_048_576
_KEPT = 4_000
_LONGEST_REFERENCE, _LONGEST_TYPE = 100, 60
_LONG_NUMBER = re.compile(r"[0-9](?:[ -]?[0-9]){6,}")
# What these hold is looked for or compared, so it stays readable.
_PLAIN = frozenset({"id", "type", "reference", "referenceDate", "amount", "currency", "code", "bankReference"})


@dataclass(frozen=True, slots=True)
class Notice:
    """Which transfer a notice is about, as far as it says so. `text` is the body with account numbers masked."""

    type: str
    reference: str
    reference_date: date | None
    amount: int | None
    text: str


def read(body: bytes) -> Notice:
    """Return what a body says; what it does not say in the expected form is empty or None."""
    try:
        found = strict_json(body)
    except InvalidRequest:
        found = None
    if not isinstance(found, Mapping):
        return Notice("", "", None, None, _masked(body.decode(errors="replace")))
    kept = {name: value if name in _PLAIN else _hidden(name, value) for name, value in found.items()}
    return Notice(
        type=_text(found.get("type"), _LONGEST_TYPE),
        reference=_text(found.get("reference"), _LONGEST_REFERENCE),
        reference_date=_day(found.get("referenceDate")),
        amount=_amount(found.get("amount")),
        text=_clean(json.dumps(kept, ensure_ascii=False, default=str)),
    )


def _hidden(name: str, value: object) -> object:
    if "holder" in name.lower():
        return "*"
    if "account" in name.lower() and isinstance(value, str):
        return mask_account(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return _LONG_NUMBER.sub(lambda number: mask_account(number.group()), text)


def _masked(text: str) -> str:
    return _clean(_LONG_NUMBER.sub(lambda number: mask_account(number.group()), text[: 2 * _KEPT]))


def _clean(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="backslashreplace").decode()[:_KEPT]


def _text(value: object, longest: int) -> str:
    return value if isinstance(value, str) and len(value) <= longest else ""


def _amount(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MAX_AMOUNT:
        return None
    return value


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
