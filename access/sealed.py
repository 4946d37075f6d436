"""
Sealed fields: account and resident numbers that the database, its logs and its backups cannot read.

A value is AES-256-GCM under a named key: format byte, length of the key id, key id, nonce, ciphertext. The table, the
column and the public id of the row are authenticated with it, so a value moved to another row or column does not open.
Keys come from the settings; the last one seals, all of them open. Search goes through an HMAC under a key of its own.
"""

import hmac
import os
import unicodedata
from base64 import b64decode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_FORMAT = 1
_NONCE_BYTES = 12
_HEADER_BYTES = 2


class CannotOpen(Exception):
    """The value was made under a key we do not have, for another place, or was changed."""


def _keys() -> Mapping[str, str]:
    keys: Mapping[str, str] = settings.JEONGSAN["ACCOUNT_KEYS"]
    return keys


def current_key() -> str:
    """Return the id of the key that seals."""
    return list(_keys())[-1]


def _cipher(key_id: str) -> AESGCM:
    key = _keys().get(key_id)
    if key is None:
        raise CannotOpen("no such key")
    return _cipher_of(key)


# Of the keys of the settings, which are there as long as the process is.
@cache
def _cipher_of(key: str) -> AESGCM:
    return AESGCM(b64decode(key))


def _place(table: str, column: str, row: str) -> bytes:
    # Lengths in front keep ("ab", "c") and ("a", "bc") apart.
    parts = (table.encode(), column.encode(), row.encode())
    return b"".join([len(part).to_bytes(4, "big") + part for part in parts])


def seal(text: str, *, table: str, column: str, row: str) -> bytes:
    """Seal a text for one column of one row; `row` is the row's public id. Twice the same text gives two values."""
    key_id = current_key()
    name = key_id.encode()
    nonce = os.urandom(_NONCE_BYTES)
    head = bytes([_FORMAT, len(name)]) + name
    return head + nonce + _cipher(key_id).encrypt(nonce, text.encode(), head + _place(table, column, row))


def key_of(value: bytes | memoryview) -> str:
    """Return the id of the key a value was sealed under. Raises CannotOpen for something that is no sealed value."""
    data = bytes(value)
    if len(data) < _HEADER_BYTES or data[0] != _FORMAT or len(data) < _HEADER_BYTES + data[1] + _NONCE_BYTES:
        raise CannotOpen("not a sealed value")
    return data[_HEADER_BYTES : _HEADER_BYTES + data[1]].decode(errors="replace")


def unseal(value: bytes | memoryview, *, table: str, column: str, row: str) -> str:
    """Open a sealed value at its own place. Raises CannotOpen; the message never holds the value."""
    data = bytes(value)
    cipher = _cipher(key_of(data))
    head_end = _HEADER_BYTES + data[1]
    nonce, sealed = data[head_end : head_end + _NONCE_BYTES], data[head_end + _NONCE_BYTES :]
    try:
        return cipher.decrypt(nonce, sealed, data[:head_end] + _place(table, column, row)).decode()
    except InvalidTag:
        raise CannotOpen("changed, or sealed for another place") from None


def is_current(value: bytes | memoryview) -> bool:
    """Say whether a value is sealed under the current key; the others wait for rotation."""
    return key_of(value) == current_key()


def digits(number: str) -> str:
    """Return the digits of an account number, full-width ones included, without separators."""
    return "".join(char for char in unicodedata.normalize("NFKC", number) if char in "0123456789")


def fingerprint(bank: str, number: str) -> str:
    """Return the search value of an account: 64 hex digits of an HMAC over bank and normalised number."""
    key: str = settings.JEONGSAN["LOOKUP_KEY"]
    return hmac.new(key.encode(), _place("account", bank.strip().upper(), digits(number)), sha256).hexdigest()


def last4(number: str) -> str:
    """Return the last four digits, the part that may be shown; all of it hides when there are four or fewer."""
    found = digits(number)
    return found[-4:] if len(found) > 4 else ""  # noqa: PLR2004 - four of four would show everything
