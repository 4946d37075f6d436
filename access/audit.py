"""The audit trail: one row per sign-in, decision, state move, disclosure, export, key or role change."""

from collections.abc import Mapping
from functools import lru_cache

from access.models import AuditEvent
from core.actor import Actor
from core.rows import composite
from core.scope import Scope
from core.sql import run

_ADD = """
    insert into access_auditevent (
        merchant_id, is_test, actor_kind, actor_name, user_id, secret_id, action, object_kind, object_id, before, after,
        reason, request_id, address
    )
    select (given.event).* from (select %s::access_new_event as event) given
"""
_HIDDEN = "***"
# What most values are; to ask them whether they are a mapping takes longer.
_PLAIN = (str, int)
# Names whose values never reach the trail, whatever a caller hands in.
_SECRET_NAMES = frozenset(
    {"password", "secret", "apisecret", "token", "totpsecret", "accountnumber", "residentnumber", "code", "otp"}
)


def record(
    *,
    scope: Scope | None,
    by: Actor,
    action: str,
    kind: str,
    object_id: str,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    reason: str = "",
) -> None:
    """
    Add one event in the caller's transaction: it is kept if, and only if, what it tells about is.

    `action` is a dotted verb such as `payout.approved`. Values under secret names are replaced in `before` and `after`.
    """
    add(
        event(
            scope=scope,
            by=by,
            action=action,
            kind=kind,
            object_id=object_id,
            before=before,
            after=after,
            reason=reason,
        )
    )


def add(event: str) -> None:
    """Add what `event` returned."""
    run([_ADD], [event])


def event(
    *,
    scope: Scope | None,
    by: Actor,
    action: str,
    kind: str,
    object_id: str,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    reason: str = "",
) -> str:
    """
    Return the event that `record` adds as an `access_new_event`, for what writes it together with what it tells about.

    A column that comes later goes into a type of another name; see `0010_new_event.up.sql`.
    """
    told = {
        "merchant_id": scope.merchant_id if scope else None,
        "is_test": scope.is_test if scope else False,
        "actor_kind": by.kind.value,
        "actor_name": by.name,
        "user_id": by.user_id,
        "secret_id": by.secret_id,
        "action": action,
        "object_kind": kind,
        "object_id": object_id,
        "before": _masked(before),
        "after": _masked(after),
        "reason": reason,
        "request_id": by.request_id,
        "address": by.address,
    }
    return composite(AuditEvent, told)


def _masked(value: object) -> object:
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, Mapping):
        return {str(name): _HIDDEN if _is_secret(str(name)) else _masked(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value


# The same few names come again and again.
@lru_cache(maxsize=1_000)
def _is_secret(name: str) -> bool:
    return name.replace("_", "").replace("-", "").lower() in _SECRET_NAMES
