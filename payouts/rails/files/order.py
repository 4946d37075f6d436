"""A file's worth of transfers, and what may stand in one at all."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime

from payouts.rails.base import Instruction
from settlement.banks import BANKS

CURRENCY = "KRW"
BANK_NUMBERS = {bank.code: bank.number for bank in BANKS if bank.number}
BANKS_BY_NUMBER = {number: code for code, number in BANK_NUMBERS.items()}
LONGEST_HOLDER = 140
_ACCOUNT = re.compile(r"[0-9]{4,16}")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+?.,:()'-]{0,34}")
_FORMULA_STARTS = "=+-@\u2212\uff1d\uff0b\uff0d\uff20'"


@dataclass(frozen=True, slots=True)
class Payer:
    """The account that pays; `bank` is one of our codes, such as SHINHAN."""

    name: str
    bank: str
    account_number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """Transfers that leave together: `message_id` names the file, on the Seoul `day` the bank shall pay."""

    message_id: str
    made_at: datetime
    day: date
    payer: Payer
    transfers: tuple[Instruction, ...]

    @property
    def total(self) -> int:
        """The sum of all transfers, in won."""
        return sum(one.amount for one in self.transfers)


def is_writable(text: str) -> bool:
    """Say whether every character may stand in XML and in a sheet: no control character, no half of a pair."""
    return all(
        unicodedata.category(char) not in {"Cc", "Cs", "Co", "Cn"} and char not in "\ufffe\uffff" for char in text
    )


def problem_with(instruction: Instruction) -> str:
    """Return why no file can carry a transfer, as a code of `payouts.transfer_words.UNWRITABLE`; empty when one can."""
    checks = {
        "currency": instruction.currency == CURRENCY,
        "bank_without_number": instruction.bank in BANK_NUMBERS,
        "account_number": _ACCOUNT.fullmatch(instruction.account_number) is not None,
        "reference": _REFERENCE.fullmatch(instruction.reference) is not None,
        "holder_missing": bool(instruction.holder.strip()),
        "holder_too_long": len(instruction.holder) <= LONGEST_HOLDER,
        "holder_characters": is_writable(instruction.holder) and instruction.holder.strip()[:1] not in _FORMULA_STARTS,
    }
    return next((code for code, holds in checks.items() if not holds), "")


def plain(text: str) -> str:
    """Return a memo as a bank takes it: composed, in one line, without what a spreadsheet might run as a formula."""
    kept = "".join(char if is_writable(char) else " " for char in unicodedata.normalize("NFC", text))
    return " ".join(kept.split()).lstrip(_FORMULA_STARTS).strip()


def width(text: str) -> int:
    """Return the places a text takes in a bank's fixed field: two for a full-width character, one for the others."""
    return sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in text)


def fitted(text: str, places: int) -> str:
    """Return as much of a text, from its beginning, as fits into so many places."""
    kept, left = "", places
    for char in text:
        left -= width(char)
        if left < 0:
            break
        kept += char
    return kept.rstrip()
