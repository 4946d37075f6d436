"""
Idempotency keys: a request sent twice has the effect of sending it once, and gets the same bytes back.

The key is locked, looked up and stored in the request's own transaction, together with what the request does. So a
crash leaves either all of it or nothing, and no key can hang "in progress". A refusal undoes that transaction; the
answer that tells about it is kept in another.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256

from django.utils.translation import gettext as _

from access.models import IdempotencyKey
from core.errors import Conflict, DomainError, InvalidRequest
from core.scope import Scope
from core.sql import call, first, later
from core.transactions import whole

KEPT = timedelta(days=30)
HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x20-\x7e]{16,256}", re.ASCII)
_KNOWN = "select * from access_known_key(%s, %s, %s, %s)"
# The answer goes as text, which takes half the room of its bytes on the way.
_KEEP = """
    insert into access_idempotencykey (merchant_id, is_test, key, fingerprint, status, body, content_type)
    values (%s, %s, %s, %s, %s, convert_to(%s, 'UTF8'), %s)
"""


class Outstanding(Conflict):
    """A request with the same key is being worked on right now."""

    code = "IDEMPOTENCY_OUTSTANDING_REQUEST"
    retry_after = 1


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer as bytes; `replayed` when an earlier request made it."""

    status: int
    body: bytes
    content_type: str
    replayed: bool = False


def read_key(header: str | None) -> str | None:
    """Return the key a header holds, bare or as a quoted string. Raises InvalidRequest for a malformed one."""
    if header is None:
        return None
    key = header.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = re.sub(r"\\([\"\\])", r"\1", key[1:-1])
    if not _KEY.fullmatch(key):
        raise InvalidRequest(_("Idempotency-Key는 ASCII 16자부터 256자까지예요."), field=HEADER)
    return key


def fingerprint(*, method: str, path: str, query: Mapping[str, list[str]], body: object) -> bytes:
    """Return the SHA-256 of what a request asks for; spacing, order of keys and of parameters do not matter."""
    parts = [method, path, sorted((name, values) for name, values in query.items()), body]
    return sha256(_CANONICAL.encode(parts).encode()).digest()


def _decimal(value: object) -> str:
    # Fractions are read as Decimal; 1.0 and 1.00 are the same number.
    if isinstance(value, Decimal):
        return f"decimal:{value.normalize()}"
    raise TypeError(type(value).__name__)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_decimal)


def once(
    *,
    scope: Scope,
    key: str,
    mark: bytes,
    reused: Callable[[], DomainError],
    act: Callable[[], Stored],
    refused: Callable[[DomainError], Stored | None],
) -> Stored:
    """
    Run `act` in one durable transaction, unless the key has an answer already: then return that one.

    `refused` turns a refusal of `act` into the answer to keep, or None to keep nothing and raise it on. `reused` makes
    the refusal for a key that came with another request before. Raises Outstanding while such a request runs.
    """
    try:
        with whole():
            return _answer(scope, key, mark, reused) or _keep(scope, key, mark, _acted(act, refused))
    except _Undone as undone:
        refusal = undone.answer
    # What was refused is undone and the key is free again: whoever had it meanwhile decides.
    with whole():
        return _answer(scope, key, mark, reused) or _keep(scope, key, mark, refusal)


class _Undone(Exception):
    """Ends the transaction of a refusal that has an answer to be kept."""

    def __init__(self, answer: Stored) -> None:
        super().__init__()
        self.answer = answer


def _acted(act: Callable[[], Stored], refused: Callable[[DomainError], Stored | None]) -> Stored:
    try:
        return act()
    except DomainError as refusal:
        answer = refused(refusal)
        if answer is None:
            raise
        raise _Undone(answer) from refusal


def _answer(scope: Scope, key: str, mark: bytes, reused: Callable[[], DomainError]) -> Stored | None:
    """Return the answer that the key has, with the key locked. Raises Outstanding, and the refusal of `reused`."""
    asked = [f"idempotency:{scope.merchant_id}:{scope.is_test}:{key}", scope.merchant_id, scope.is_test, key]
    free = call("access_free_key", asked)
    if free is None:
        raise Outstanding(_("같은 Idempotency-Key의 요청을 처리하고 있어요. 잠시 뒤에 다시 보내 주세요."))
    found = None if free else first([_KNOWN], asked)
    # One that was just forgotten for its age is free too.
    if found is None or found[1] is None:
        return None
    _locked, status, body, content_type, known_mark = found
    if bytes(known_mark) != mark:
        raise reused()
    return Stored(status, bytes(body), content_type, replayed=True)


def _keep(scope: Scope, key: str, mark: bytes, answer: Stored) -> Stored:
    values = [scope.merchant_id, scope.is_test, key, mark, answer.status, answer.body.decode(), answer.content_type]
    # Nothing comes after it but the COMMIT. Nobody else can have the key: it is locked.
    later(_KEEP, values)
    return answer


def forget(now: datetime) -> int:
    """Remove keys older than 30 days; returns how many."""
    return IdempotencyKey.objects.filter(created_at__lt=now - KEPT).delete()[0]
