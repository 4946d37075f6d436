"""
Public ids: generated ones for whoever brings none, and the opaque id that the compatible wire adds to most objects.

The moment is passed in. Randomness comes from the operating system unless a test passes its own.
"""

import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# Crockford's base 32: no I, L, O or U, so an id survives being read aloud.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Two characters at a time: every id has an even number of them.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_TIME_BITS, _RANDOM_BITS, _SHORT_BITS = 48, 80, 50


@dataclass(frozen=True, slots=True)
class IdKind:
    """
    One kind of object that has a public id.

    `number` is its fixed number inside a graphqlId. `dated` kinds carry a ULID, which sorts by time; the others
    ten random characters.
    """

    prefix: str
    number: int
    dated: bool


# Clients have seen the numbers 2 to 6; the others are ours and must never change.
DISCOUNT_SHARE_POLICY = IdKind("dsp", 2, dated=False)
ADDITIONAL_FEE_POLICY = IdKind("afp", 3, dated=False)
PARTNER = IdKind("ptn", 4, dated=False)
CONTRACT = IdKind("ctr", 5, dated=False)
TRANSFER = IdKind("trs", 6, dated=True)
PARTNER_SETTLEMENT = IdKind("ps", 7, dated=True)
PAYOUT = IdKind("po", 8, dated=True)
BULK_PAYOUT = IdKind("bp", 9, dated=False)
ACCOUNT_TRANSFER = IdKind("at", 10, dated=True)
BULK_ACCOUNT_TRANSFER = IdKind("bat", 11, dated=False)
BANK_ACCOUNT = IdKind("ba", 12, dated=False)
BULK_TASK = IdKind("bt", 13, dated=False)
TAX_INVOICE = IdKind("txi", 14, dated=False)
BULK_TAX_INVOICE = IdKind("bti", 15, dated=False)


def ulid(now: datetime, entropy: int | None = None) -> str:
    """
    Return 26 characters: 48 bits of the moment in milliseconds, then 80 random bits.

    `entropy` replaces the random bits. Raises ValueError for a moment before 1970 or entropy of more than 80 bits.
    """
    milliseconds = (now - _EPOCH) // _MILLISECOND
    if milliseconds < 0:
        raise ValueError(f"no ULID before 1970: {now}")
    return _encode(milliseconds, _TIME_BITS, 10) + _encode(_bits(entropy, _RANDOM_BITS), _RANDOM_BITS, 16)


def short_id(entropy: int | None = None) -> str:
    """Return 10 random characters (50 bits). `entropy` replaces them; ValueError if it is larger."""
    return _encode(_bits(entropy, _SHORT_BITS), _SHORT_BITS, 10)


def new_id(kind: IdKind, now: datetime, entropy: int | None = None) -> str:
    """Return a new public id of the kind, e.g. `trs-01H7H…` or `bp-7K2M9X4QTD`."""
    return f"{kind.prefix}-{ulid(now, entropy) if kind.dated else short_id(entropy)}"


def graphql_id(number: int, public_id: str) -> str:
    """Return the opaque second id of an object: base64 of `<number of its kind>:<public id>`."""
    return base64.b64encode(f"{number}:{public_id}".encode()).decode("ascii")


def _bits(entropy: int | None, count: int) -> int:
    return secrets.randbits(count) if entropy is None else entropy


def _encode(value: int, bits: int, length: int) -> str:
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{value} does not fit in {bits} bits")
    return "".join([_PAIRS[value >> place & 1023] for place in range(5 * length - 10, -1, -10)])
