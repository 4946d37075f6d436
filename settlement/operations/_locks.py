"""
Locks by name, held until the transaction ends.

Rows that do not exist yet cannot be locked, so what must happen once per (payment, partner), or one at a time per
partner, is serialised by an advisory lock. Everybody takes them in sorted order.

Whoever needs more names than the server has room for takes the whole scope instead, before anything else.

The order of all locks of settlement: the scope, payments by name, records by id, partners by name, partner settlements
by id, balances.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection

from core.scope import Scope

# A server of usual settings has room for some ten thousand locks, of everybody together.
MOST_NAMES = 1_000

# The share of the scope, taken first, keeps out whoever wants all of it; who has all of it already needs no names.
# Sorted by the number that is locked: two names may share one, and the order must be everybody's.
_BY_NAME = """
    select pg_advisory_xact_lock(key)
    from (
        select distinct hashtextextended(name, 0) as key
        from unnest(%(locked_names)s::text[]) name order by key offset 0
    ) keys
    where (
            select count(*)
            from (select pg_advisory_xact_lock_shared(hashtextextended(%(locked_scope)s, 0)) offset 0) share
        ) = 1
        and current_setting('jeongsan.locked_scope', true) is distinct from %(locked_scope)s
"""


def by_name(scope: Scope, names: Iterable[str]) -> None:
    """Take the locks of these names within a scope; waits for whoever has one."""
    parameters = _parameters(scope, names)
    if not parameters["locked_names"]:
        return
    with connection.cursor() as cursor:
        cursor.execute(_BY_NAME, parameters)


def for_name(scope: Scope, name: str) -> Mapping[str, str]:
    """
    Return what a statement is told that takes the lock of one name itself.

    It does as `by_name` does: the share of the scope first, and no name when it has all of the scope.
    """
    return {"locked_name": _lock(scope, name), "locked_scope": _named(scope)}


def _parameters(scope: Scope, names: Iterable[str]) -> dict[str, Any]:
    ordered = sorted({_lock(scope, name) for name in names})
    return {"locked_names": ordered, "locked_scope": _named(scope)}


def whole(scope: Scope) -> None:
    """Take every name of a scope at once, before any other lock; waits for whoever has one."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [_named(scope)])
        cursor.execute("select set_config('jeongsan.locked_scope', %s, true)", [_named(scope)])


def _lock(scope: Scope, name: str) -> str:
    return f"{_named(scope)}:{name}"


def _named(scope: Scope) -> str:
    return f"settlement:{scope.merchant_id}:{scope.is_test}"
