"""
Locks by name, held until the transaction ends.

Rows that do not exist yet cannot be locked, so what must happen once per (payment, partner), or one at a time per
partner, is serialised by an advisory lock. Everybody takes them in sorted order.

The order of all locks of settlement: payments by name, records by id, partners by name, partner settlements by id,
balances.
"""

from collections.abc import Iterable

from django.db import connection

from core.scope import Scope


def by_name(scope: Scope, names: Iterable[str]) -> None:
    """Take the locks of these names within a scope; waits for whoever has one."""
    ordered = sorted({f"settlement:{scope.merchant_id}:{scope.is_test}:{name}" for name in names})
    if not ordered:
        return
    with connection.cursor() as cursor:
        # Sorted by the number that is locked: two names may share one, and the order must be everybody's.
        cursor.execute(
            "select pg_advisory_xact_lock(key) from"
            " (select distinct hashtextextended(name, 0) as key from unnest(%s) name order by key offset 0) keys",
            [ordered],
        )
