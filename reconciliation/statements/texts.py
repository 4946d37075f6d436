"""What the texts of a statement line may hold, whatever form its file has."""

from typing import Final

from console.files.sheet_read import header_key
from payouts.rails.files.answers import bank_of
from settlement.banks import BANKS

LONGEST: Final = {"name": 200, "reference": 100, "bank_reference": 100, "account": 40, "bank": 40}
"""Characters that the texts of a line may have. A memo, which is only shown, is cut instead."""
MOST_MEMO: Final = 500

_BANKS = {header_key(word): bank.code for bank in BANKS for word in (bank.code, bank.name, *bank.aliases)}


def known_bank(written: str) -> str:
    """Return our code of a bank by its number, code or Korean name; another text as it is."""
    found = bank_of(written)
    return _BANKS.get(header_key(found), found)


def memo_of(text: str) -> str:
    """Return a memo in single spaces, cut to what is kept."""
    memo = " ".join(text.split())
    return memo if len(memo) <= MOST_MEMO else f"{memo[: MOST_MEMO - 1]}…"
