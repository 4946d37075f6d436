"""
Cells into decimals. Which of point and comma is the decimal mark is decided once for a file, from all its numbers.

Never through binary floating point, and no digit is lost.
"""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from enum import Enum

from reconciliation.formats.columns import Holds
from reconciliation.reading.decoding import CELLS_APART

LONGEST_NUMBER = 100
"""Characters that a number may have."""

_SIGNS = "$\u00a2-\u00a5\u058f\u060b\u09f2\u09f3\u0e3f\u17db\u20a0-\u20c0\ufdfc"
_COIN_BEFORE = re.compile(rf"(?:[A-Za-z]{{3}}|[{_SIGNS}])\s*")
_COIN_AFTER = re.compile(rf"\s*(?:[A-Za-z]{{3}}|[{_SIGNS}])\Z")
_BODY = re.compile(r"(?P<digits>[0-9.,]+)(?:[eE](?P<exponent>[-+]?[0-9]{1,2}))?")
_USUAL_MONEY = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,2})?")
_USUAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_ALL_USUAL = re.compile(rf"(?:-?[0-9]{{1,40}}(?:\.[0-9]{{1,2}})?{CELLS_APART})*")
_INTEGER = re.compile(r"[0-9]+")
_JSON_NUMBER = re.compile(r"(?P<digits>-?(?P<size>[0-9.]+))(?P<exponent>(?:[eE].*)?)")
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_DOT = re.compile(r"[0-9]*\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3}){2,}")
_COMMA = re.compile(r"[0-9]*,[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[0-9]{1,3}(?:\.[0-9]{3}){2,}")


class Form(Enum):
    """How a number is written: what it tells about the decimal mark."""

    INTEGER = "integer"
    DOT = "dot"
    COMMA = "comma"
    AMBIGUOUS = "ambiguous"  # 1,234 is a thousand and more, or one and a bit
    NONE = "none"  # no number


def unambiguous(token: str) -> str:
    """Return a number whose mark is known to be a point, as it stands in JSON, so that no one takes it for grouping."""
    found = _JSON_NUMBER.fullmatch(token)
    return f"{found['digits']}0{found['exponent']}" if found and _AMBIGUOUS.fullmatch(found["size"]) else token


def are_usual(cells: Iterable[str]) -> bool:
    """Say whether all cells are whole numbers or have one or two digits after a point: many at once are quicker."""
    return _ALL_USUAL.fullmatch(CELLS_APART.join((*cells, ""))) is not None


def form_of(cell: str, holds: Holds) -> Form:
    """Return how the number in a cell is written."""
    if usual := _USUAL_MONEY.fullmatch(cell):
        return Form.DOT if usual[1] else Form.INTEGER
    parts = _parts(cell, holds)
    return Form.NONE if parts is None else _form(parts[1])


def decimal_of(cell: str, holds: Holds, mark: str) -> Decimal | None:
    """Return the number in a cell, given the decimal mark of its file; None if it is none."""
    if mark == "." and holds is not Holds.WHOLE and len(cell) <= LONGEST_NUMBER and _USUAL.fullmatch(cell):
        return Decimal(cell)
    parts = _parts(cell, holds)
    if parts is None:
        return None
    sign, digits, exponent = parts
    form = _form(digits)
    if form is Form.NONE or (form is Form.DOT and mark != ".") or (form is Form.COMMA and mark != ","):
        return None
    plain = digits.replace("," if mark == "." else ".", "").replace(mark, ".")
    value = Decimal(f"{sign}{plain}{exponent}")
    if holds is Holds.WHOLE and value != value.to_integral_value():
        return None
    return value


def _form(digits: str) -> Form:
    if _INTEGER.fullmatch(digits):
        return Form.INTEGER
    if _AMBIGUOUS.fullmatch(digits):
        return Form.AMBIGUOUS
    if _DOT.fullmatch(digits):
        return Form.DOT
    return Form.COMMA if _COMMA.fullmatch(digits) else Form.NONE


def _parts(cell: str, holds: Holds) -> tuple[str, str, str] | None:
    """Return sign, digits with their marks, and exponent of a number without its currency."""
    if len(cell) > LONGEST_NUMBER:
        return None
    text = cell if cell.isascii() else _folded(cell)
    sign, text = _unwrapped(text)
    found = _BODY.fullmatch(text)
    if found is None:
        return None
    exponent = found["exponent"]
    if exponent is None:
        return sign, found["digits"], ""
    return None if holds is Holds.NUMBER else (sign, found["digits"], f"E{exponent}")


def _folded(cell: str) -> str:
    """Return the cell in compatibility form with a plain minus; raised and circled digits stay what they are."""
    if any(c.isnumeric() and not c.isdecimal() for c in cell):
        return cell
    return unicodedata.normalize("NFKC", cell).replace("\u2212", "-").strip()


def _unwrapped(text: str) -> tuple[str, str]:
    """Take away one sign, or parentheses for it, and one currency, whichever stands outside."""
    sign = coin = ""
    while True:
        if not sign and text[:1] in {"-", "+"}:
            sign, text = text[0], text[1:].lstrip()
        elif not sign and text[:1] == "(" and text[-1:] == ")":
            sign, text = "-", text[1:-1].strip()
        elif not coin and (found := _COIN_BEFORE.match(text) or _COIN_AFTER.search(text)):
            coin, text = found[0], text[: found.start()] + text[found.end() :]
        else:
            return sign, text
