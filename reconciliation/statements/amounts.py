"""Cells of a bank's sheet into exact minor units, whichever of point and comma is the decimal mark of the file."""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

from console.files.errors import ValueRefused
from console.files.values import Raw
from core.money import MAX_AMOUNT
from reconciliation.amounts import EXACT
from reconciliation.formats.columns import Holds
from reconciliation.reading.numbers import Form, decimal_of, form_of
from reconciliation.statements.refusals import CellRefused

_WON_AFTER = re.compile(r"\s*원\s*(\)?)\Z")
_MINUS = str.maketrans({"△": "-", "▲": "-", "−": "-"})
_NOTHING = frozenset({"", "-", "–", "—"})
_DIGITS_OF_A_CELL = 15  # all that Excel keeps
_MOST_DIGITS = 18


class MixedMarks(ValueError):
    """Some amounts of a file have a decimal point and others a decimal comma."""


def is_empty(raw: Raw) -> bool:
    """Say whether a cell holds no amount, which many banks write as a dash."""
    return isinstance(raw, str) and raw.strip() in _NOTHING


def decimal_mark(cells: Iterable[Raw]) -> str:
    """Return the decimal mark that the amounts of a file show, a point where they show none. Raises MixedMarks."""
    forms = {form_of(_plain(cell), Holds.NUMBER) for cell in cells if isinstance(cell, str)}
    if Form.DOT in forms and Form.COMMA in forms:
        raise MixedMarks
    return "," if Form.COMMA in forms else "."


def amount_of(raw: Raw, *, digits: int, mark: str, in_minor_units: bool) -> int:
    """
    Return the minor units in a cell: 1,234 or ₩1,234 or 1,234원 or (500) or △500, or a number of a spreadsheet.

    `digits` are those of the currency after the point. Codes: not_an_amount, too_many_digits, below_minor_unit,
    amount_too_large.
    """
    number = _number(raw, mark)
    if number.adjusted() > _MOST_DIGITS:
        raise ValueRefused("amount_too_large")
    minor = number if in_minor_units else number.scaleb(digits, EXACT)
    if minor != minor.to_integral_value():
        raise ValueRefused("fraction") if digits == 0 else CellRefused("below_minor_unit")
    if abs(minor) > MAX_AMOUNT:
        raise ValueRefused("amount_too_large")
    return int(minor)


def _number(raw: Raw, mark: str) -> Decimal:
    if isinstance(raw, Decimal):
        if not raw.is_finite():
            raise ValueRefused("not_an_amount")
        if len("".join(map(str, raw.as_tuple().digits)).strip("0")) > _DIGITS_OF_A_CELL:
            raise ValueRefused("too_many_digits")
        return raw
    found = decimal_of(_plain(raw), Holds.NUMBER, mark) if isinstance(raw, str) else None
    if found is None:
        raise ValueRefused("not_an_amount")
    return found


def _plain(cell: str) -> str:
    """Return an amount without what only people read in it: the word 원, △ for minus, characters that print nothing."""
    text = cell if cell.isascii() else "".join(char for char in cell if unicodedata.category(char) != "Cf")
    return _WON_AFTER.sub(r"\1", text.translate(_MINUS)).strip()
