"""
Cells into values: amounts, dates, digits, ids, free text. Nothing is guessed.

A raw cell is what a sheet holds: text, a number (as Decimal), a day, or a moment. The rest raises ValueRefused.
"""

import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal

from console.files.columns import MOST_EXACT, plain_number
from console.files.errors import ValueRefused

Raw = str | Decimal | date | datetime

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
# Zero-width characters and marks of reading order, which come along when text is pasted from web pages and messengers.
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u00ad]")
_WON = re.compile(
    r"(?P<sign>[-\u2212\u25b3]?)\s*(?P<open>\(?)\s*\u20a9?\s*(?P<inner>[-\u2212\u25b3]?)\s*"
    r"(?P<digits>[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?P<fraction>\.[0-9]*)?\s*\uc6d0?\s*(?P<close>\)?)",
)
_MANGLED_BY_EXCEL = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]+")
_DECIMAL = re.compile(r"[-\u2212]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?")
_DIGITS_OF_A_CELL = 15  # all that Excel keeps
_DIGITS_OF_A_TEXT = 38
_DATE = re.compile(
    r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|\.(\d{1,2})\.(\d{1,2})|/(\d{1,2})/(\d{1,2})|(\d{2})(\d{2}))", re.ASCII
)


def _folded(text: str) -> str:
    """Return the text in compatibility form, without invisible characters, trimmed."""
    # The form makes plain digits of raised and circled ones too, and 10² would be 102.
    if any(c.isnumeric() and not c.isdecimal() for c in text):
        return text
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip()


def parse_won(raw: Raw, *, negative: bool = True) -> int:
    """
    Return an amount in won, |amount| < 10^15, from 1,234, ₩1,234, 1,234원, (500), -500, △500 or a whole number.

    Codes: not_an_amount, fraction, amount_too_large, and negative where `negative` is False.
    """
    amount = _won_of_number(raw) if isinstance(raw, Decimal) else _won_of_text(raw)
    if abs(amount) > MOST_EXACT:
        raise ValueRefused("amount_too_large")
    if amount < 0 and not negative:
        raise ValueRefused("negative")
    return amount


def _won_of_number(number: Decimal) -> int:
    if not number.is_finite():
        raise ValueRefused("not_an_amount")
    if number.adjusted() > len(str(MOST_EXACT)):
        raise ValueRefused("amount_too_large")
    if number != number.to_integral_value():
        raise ValueRefused("fraction")
    return int(number)


def _won_of_text(raw: str | date) -> int:
    found = _WON.fullmatch(_folded(raw)) if isinstance(raw, str) else None
    if found is None or bool(found["open"]) != bool(found["close"]):
        raise ValueRefused("not_an_amount")
    minuses = [mark for mark in (found["sign"], found["open"], found["inner"]) if mark]
    digits = found["digits"].replace(",", "")
    if len(minuses) > 1 or (digits != "0" and digits.startswith("0")):
        raise ValueRefused("not_an_amount")
    if found["fraction"]:
        raise ValueRefused("fraction")
    if len(digits) > len(str(MOST_EXACT)):
        raise ValueRefused("amount_too_large")
    return -int(digits) if minuses else int(digits)


def parse_decimal(raw: Raw) -> Decimal:
    """
    Return a quantity or a price that may have decimals, from -1,234.50 or a numeric cell of up to 15 digits.

    Codes: not_a_number, too_many_digits (a numeric cell beyond 15 digits, or a text beyond 38).
    """
    if isinstance(raw, Decimal):
        if not raw.is_finite():
            raise ValueRefused("not_a_number")
        number, most = raw, _DIGITS_OF_A_CELL
    else:
        found = _DECIMAL.fullmatch(_folded(raw)) if isinstance(raw, str) else None
        if found is None:
            raise ValueRefused("not_a_number")
        number, most = Decimal(found[0].replace(",", "").replace("\u2212", "-")), _DIGITS_OF_A_TEXT
    significant = "".join(map(str, number.as_tuple().digits)).strip("0")
    if len(significant) > most or abs(number.adjusted()) > most:
        raise ValueRefused("too_many_digits")
    return number


def parse_date(raw: Raw) -> date:
    """Return a day from 2026-11-21, 2026.11.21, 2026/11/21, 20261121 or an Excel date. Code: not_a_date."""
    if isinstance(raw, datetime):
        return raw.date()
    if isinstance(raw, date):
        return raw
    # A number is a day only as 20261121: an Excel date without its format, such as 46347, would be a guess.
    found = _DATE.fullmatch(plain_number(raw) if isinstance(raw, Decimal) else _folded(raw))
    if found is None:
        raise ValueRefused("not_a_date")
    year, month, day = (int(part) for part in found.groups() if part is not None)
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueRefused("not_a_date") from None


def clean_digits(raw: Raw) -> str:
    """
    Return the digits of an account or business number, without spaces and hyphens; leading zeros stay.

    Codes: must_be_text for a numeric cell and for what Excel makes of one (1.10E+11), required, not_digits.
    """
    if not isinstance(raw, str):
        raise ValueRefused("must_be_text")
    text = re.sub(r"[\s\-\u2010-\u2015\u2212]", "", _folded(raw))
    if not text:
        raise ValueRefused("required")
    if _MANGLED_BY_EXCEL.fullmatch(_folded(raw)):
        raise ValueRefused("must_be_text")
    if not (text.isascii() and text.isdecimal()):
        raise ValueRefused("not_digits")
    return text


def clean_id(raw: Raw) -> str:
    """Return an id as its owner wrote it, only trimmed. Codes: must_be_text, required, bad_character."""
    if not isinstance(raw, str):
        raise ValueRefused("must_be_text")
    _refuse_unstorable(raw)
    text = raw.strip()
    if not text:
        raise ValueRefused("required")
    return text


def clean_text(raw: Raw) -> str:
    """Return free text composed (NFC) and trimmed; a number or a day as it reads. Code: bad_character."""
    if isinstance(raw, Decimal):
        return plain_number(raw)
    if isinstance(raw, datetime):
        return raw.isoformat(sep=" ")
    if isinstance(raw, date):
        return raw.isoformat()
    _refuse_unstorable(raw)
    return unicodedata.normalize("NFC", raw).strip()


def _refuse_unstorable(text: str) -> None:
    """Refuse NUL and lone surrogates, which no database text can hold."""
    if _UNSTORABLE.search(text):
        raise ValueRefused("bad_character")
