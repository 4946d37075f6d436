"""
Short fixed-length keys that stand for longer ones, so that the database groups and joins by sixteen bytes.

Pure. Two different keys never get the same fingerprint in practice: it is a 128-bit digest.
"""

from datetime import date
from decimal import Decimal
from hashlib import blake2b
from types import NoneType

from reconciliation.amounts import plain
from reconciliation.keys import Identity
from reconciliation.lines import Value

_BYTES = 16
_PLAIN = frozenset({str, NoneType, bool, int})


def fingerprint(text: str) -> str:
    """Return 32 hexadecimal digits for a text."""
    return blake2b(text.encode(), digest_size=_BYTES).hexdigest()


def of_identity(identity: Identity) -> str:
    """Return the fingerprint of what a group or a record of ours is recognised by."""
    # As `of_key` does; its parts are ids, which need no other writing.
    return fingerprint(repr([identity.by_name, identity.customer, identity.rest]))


def of_key(key: tuple[object, ...]) -> str:
    """Return the fingerprint of a key of texts, decimals and days; equal keys have equal fingerprints."""
    return fingerprint(repr([part if type(part) in _PLAIN else _canonical(part) for part in key]))


def _canonical(part: object) -> object:
    if isinstance(part, Identity):
        return of_identity(part)
    if isinstance(part, tuple):
        return tuple([one if type(one) in _PLAIN else _canonical(one) for one in part])
    if isinstance(part, Decimal):
        return Decimal, trimmed(plain(part))
    return part.isoformat() if isinstance(part, date) else part


def as_text(value: Value) -> Value:
    """Return a day as the text that has the same fingerprint, and is worked with more quickly."""
    return value.isoformat() if isinstance(value, date) else value


def trimmed(figure: str) -> str:
    """Return a decimal in plain writing without zeros at its end: what equal figures have in common."""
    return figure.rstrip("0").rstrip(".") if figure[-1] == "0" and "." in figure else figure
