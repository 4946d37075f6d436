"""
Short fixed-length keys that stand for longer ones, so that the database groups and joins by sixteen bytes.

Pure. Two different keys never get the same fingerprint in practice: it is a 128-bit digest.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from itertools import chain
from types import NoneType
from typing import Any

from reconciliation.amounts import plain
from reconciliation.keys import Identities, Identity
from reconciliation.lines import Value
from reconciliation.series import Series, alike, joined

_BYTES = 16
_PLAIN = frozenset({str, NoneType, bool, int})


def fingerprint(text: str) -> str:
    """Return 32 hexadecimal digits for a text."""
    return blake2b(text.encode(), digest_size=_BYTES).hexdigest()


def fingerprints(texts: Iterable[str]) -> list[str]:
    """Return the fingerprints of many texts."""
    return [blake2b(text.encode(), digest_size=_BYTES).hexdigest() for text in texts]


def of_identity(identity: Identity) -> str:
    """Return the fingerprint of what a group or a record of ours is recognised by."""
    # As `of_key` does; its parts are ids, which need no other writing.
    return fingerprint(repr([identity.by_name, identity.customer, identity.rest]))


def of_identities(identities: Identities) -> Series[str]:
    """Return the fingerprints that `of_identity` returns, of lines."""
    ends = (", (", ",)]" if len(identities.rest) == 1 else ")]")
    parts = [identities.by_name, identities.customer, *identities.rest]
    return _of_texts(parts, ["[", ", ", ends[0], *[", "] * (len(identities.rest) - 1), ends[1]])


def of_key(key: tuple[object, ...]) -> str:
    """Return the fingerprint of a key of texts, decimals and days; equal keys have equal fingerprints."""
    return fingerprint(repr([_as_plain(part) for part in key]))


def of_keys(*parts: Series[Any]) -> Series[str]:
    """Return the fingerprints that `of_key` returns, of the keys that lines have; each part stands in a series."""
    canonical = [part if _PLAIN.issuperset(map(type, part.different)) else part.map(_as_plain) for part in parts]
    return _of_texts(canonical, ["[", *[", "] * (len(parts) - 1), "]"])


def _of_texts(parts: Sequence[Series[Any]], between: Sequence[str]) -> Series[str]:
    """Return the fingerprints of the writings of parts with texts around and between them."""
    lines = len(parts[0])
    which = alike(lines, parts)
    if which.places is not None:
        parts = [part.only(which.different) for part in parts]
    texts = [Series.same(text, len(which.different)) for text in between]
    written = [part.map(repr) for part in parts]
    pieces = [texts[0], *chain.from_iterable(zip(written, texts[1:], strict=True))]
    return Series(fingerprints(joined(pieces, len(which.different))), which.places)


def _as_plain(part: object) -> object:
    return part if type(part) in _PLAIN else _canonical(part)


def _canonical(part: object) -> object:
    if isinstance(part, Identity):
        return of_identity(part)
    if isinstance(part, tuple):
        return tuple([_as_plain(one) for one in part])
    if isinstance(part, Decimal):
        return Decimal, trimmed(plain(part))
    return part.isoformat() if isinstance(part, date) else part


def as_text(value: Value) -> Value:
    """Return a day as the text that has the same fingerprint, and is worked with more quickly."""
    return value.isoformat() if isinstance(value, date) else value


def trimmed(figure: str) -> str:
    """Return a decimal in plain writing without zeros at its end: what equal figures have in common."""
    return trimmed_all([figure])[0]


def trimmed_all(figures: Iterable[str]) -> list[str]:
    """Return many."""
    return [figure.rstrip("0").rstrip(".") if figure[-1] == "0" and "." in figure else figure for figure in figures]
