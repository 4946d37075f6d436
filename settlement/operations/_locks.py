"""
Locks by name, held until the transaction ends.

Rows that do not exist yet cannot be locked, so what must happen once per (payment, partner), or one at a time per
partner, is serialised by an advisory lock. Everybody takes them in sorted order.

Whoever needs more names than the server has room for takes the whole scope instead, before anything else.

The order of all locks of settlement: the scope, payments by name, records by id, partners by name, partner settlements
by id, balances.
"""

from collections.abc import Iterable

from django.db import connection

from core.scope import Scope

# A server of usual settings has room for some ten thousand locks, of everybody together.
MOST_NAMES = 1_000

# The share of the scope, taken first, keeps out whoever wants all of it; who has all of it already needs no names.
# Sorted by the number that is locked: two names may share one, and the order must be everybody's.
_BY_NAME = """
    select pg_advisory_xact_lock(key)
    from (select distinct hashtextextended(name, 0) as key from unnest(%(names)s) name order by key offset 0) keys
    where (
            select count(*) from (select pg_advisory_xact_lock_shared(hashtextextended(%(scope)s, 0)) offset 0) share
        ) = 1
        and current_setting('jeongsan.locked_scope', true) is distinct from %(scope)s
"""


def by_name(scope: Scope, names: Iterable[str]) -> None:
    """Take the locks of these names within a scope; waits for whoever has one."""
    ordered = sorted({f"{_named(scope)}:{name}" for name in names})
    if not ordered:
        return
    with connection.cursor() as cursor:
        cursor.execute(_BY_NAME, {"names": ordered, "scope": _named(scope)})


def whole(scope: Scope) -> None:
    """Take every name of a scope at once, before any other lock; waits for whoever has one."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [_named(scope)])
        cursor.execute("select set_config('jeongsan.locked_scope', %s, true)", [_named(scope)])


def _named(scope: Scope) -> str:
    return f"settlement:{scope.merchant_id}:{scope.is_test}"
