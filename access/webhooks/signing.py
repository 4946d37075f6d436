"""
Signatures of the Standard Webhooks scheme, in both directions.

What is signed is `id.timestamp.body`; a signature is `v1,` and the base64 of an HMAC-SHA256. A header may hold several,
separated by spaces, while a secret is being replaced.
"""

import binascii
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_PREFIX = "whsec_"
_SECRET_BYTES = 32
TOLERANCE_SECONDS = 300
_LONGEST_ID = 200
_LONGEST_TIMESTAMP = 15


class BadSignature(Exception):
    """Whoever sent this did not know the secret, or sent it too long ago. The message names no values."""


def new_secret() -> str:
    """Return a new secret as its owner sees it."""
    return _PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """
    Return the bytes that sign: what `whsec_` stands before is base64, any other secret is used as it is.

    Raises ValueError for broken base64.
    """
    if not secret.startswith(_PREFIX):
        return secret.encode()
    text = secret.removeprefix(_PREFIX).rstrip("=")
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        message = "the secret is not base64"
        raise ValueError(message) from error


def sign(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + b64encode(hmac.digest(key_of(secret), signed, "sha256")).decode()


def headers(secrets_in_force: Sequence[str], *, message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers of a message, signed under every secret in force."""
    timestamp = int(now.timestamp())
    signatures = (sign(one, message_id=message_id, timestamp=timestamp, body=body) for one in secrets_in_force)
    return {ID: message_id, TIMESTAMP: str(timestamp), SIGNATURE: " ".join(signatures)}


def verify(secret: str, *, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """
    Return the id of a message that was signed under the secret within the last, or next, five minutes.

    Raises BadSignature. Header names are lower case.
    """
    message_id, sent_at = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not message_id or len(message_id) > _LONGEST_ID or not message_id.isascii() or not message_id.isprintable():
        message = "no id"
        raise BadSignature(message)
    if not sent_at.isascii() or not sent_at.isdecimal() or len(sent_at) > _LONGEST_TIMESTAMP:
        message = "no timestamp"
        raise BadSignature(message)
    expected = sign(secret, message_id=message_id, timestamp=int(sent_at), body=body).encode()
    given = headers.get(SIGNATURE, "").encode(errors="replace").split(b" ")
    if not any(hmac.compare_digest(expected, one) for one in given):
        message = "no signature of ours"
        raise BadSignature(message)
    if abs(now.timestamp() - int(sent_at)) > TOLERANCE_SECONDS:
        message = "too old, or from the future"
        raise BadSignature(message)
    return message_id
