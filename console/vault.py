"""
Uploaded files at rest.

Each file is encrypted under a key of its own, in blocks, so that size does not matter; the key is kept sealed in the
upload's row. A block carries its number and whether it is the last one: a cut, repeated or reordered file does not
open.
"""

import secrets
import tempfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

BLOCK = 1 << 20
_TAG = 16
_IN_MEMORY = 8 << 20


class Damaged(Exception):
    """The stored file is not what was written."""


def new_key() -> str:
    """Return a fresh key as text."""
    return secrets.token_hex(32)


def _nonce(number: int, *, last: bool) -> bytes:
    # The key seals this one file only, so a counter never repeats under it.
    return bytes([last]) + number.to_bytes(11, "big")


def encrypted(blocks: Iterable[bytes], key: str) -> Iterator[bytes]:
    """Yield a file's content encrypted, from pieces of any size."""
    cipher, number, rest = AESGCM(bytes.fromhex(key)), 0, b""
    for piece in blocks:
        rest += piece
        while len(rest) > BLOCK:
            yield cipher.encrypt(_nonce(number, last=False), rest[:BLOCK], None)
            rest, number = rest[BLOCK:], number + 1
    yield cipher.encrypt(_nonce(number, last=True), rest, None)


def opened(stored: BinaryIO, key: str) -> BinaryIO:
    """Return the content as an unnamed temporary file, at its beginning. Raises Damaged."""
    plain = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - the caller closes it
    cipher, number = AESGCM(bytes.fromhex(key)), 0
    block = stored.read(BLOCK + _TAG)
    while True:
        following = stored.read(BLOCK + _TAG)
        try:
            plain.write(cipher.decrypt(_nonce(number, last=not following), block, None))
        except InvalidTag:
            plain.close()
            raise Damaged from None
        if not following:
            plain.seek(0)
            return cast("BinaryIO", plain)
        block, number = following, number + 1
