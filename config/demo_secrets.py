"""The demo's secrets: made once, kept in its folder, shown to whoever runs it."""

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Any, TypedDict


class DemoUser(TypedDict):
    """How one person of the demo signs in."""

    username: str
    password: str
    totpSecret: str


class OtherMerchant(TypedDict):
    """The second merchant, there to try that nobody sees across."""

    apiSecret: str
    users: dict[str, DemoUser]


class Secrets(TypedDict):
    """Everything the demo keeps secret from anybody but the person who runs it."""

    apiSecret: str
    users: dict[str, DemoUser]
    otherMerchant: OtherMerchant
    secretKey: str
    lookupKey: str
    accountKeys: dict[str, str]
    bankCallbackSecret: str


_ROLES = ("operator", "approver", "approver2", "viewer", "admin")
_OTHER_ROLES = ("operator", "approver", "viewer", "admin")


def _user(username: str) -> DemoUser:
    totp = base64.b32encode(secrets.token_bytes(20)).decode()
    return {"username": username, "password": secrets.token_urlsafe(15), "totpSecret": totp}


def _api_secret() -> str:
    """Return a new API secret: a public prefix, a dot, and 256 bits."""
    return f"demo_{secrets.token_hex(6)}.{secrets.token_urlsafe(32)}"


def make() -> Secrets:
    """Return new secrets for every account and key of the demo."""
    return {
        "apiSecret": _api_secret(),
        "users": {role: _user(role) for role in _ROLES},
        "otherMerchant": {"apiSecret": _api_secret(), "users": {role: _user(f"other-{role}") for role in _OTHER_ROLES}},
        "secretKey": secrets.token_urlsafe(48),
        "lookupKey": secrets.token_urlsafe(32),
        "accountKeys": {"demo": base64.b64encode(secrets.token_bytes(32)).decode()},
        "bankCallbackSecret": secrets.token_urlsafe(32),
    }


def load(path: Path) -> Secrets:
    """Return the secrets kept in the file; make and keep them, or those that an older version had not, when missing."""
    found = json.loads(path.read_text()) if path.exists() else {}
    kept: Secrets = {**make(), **found}
    if kept != found:
        write_private(path, kept)
    return kept


def write_private(path: Path, content: Any) -> None:
    """Write JSON that only its owner may read, so that a reader finds the whole file or none."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")
    draft.replace(path)
