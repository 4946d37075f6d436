"""
Transactions of requests and of verbs.

A verb has a block of its own, so that whoever calls it may be refused and go on. Inside a transaction that is a
savepoint: two statements for nothing where nobody goes on, because every error ends the whole transaction.
"""

from django.db import connection, transaction
from django.db.transaction import Atomic


class _Whole(Atomic):
    """A block that no error is survived in."""


def whole() -> Atomic:
    """Return a durable transaction that is undone as a whole by any error: nobody inside goes on after one."""
    return _Whole(None, savepoint=True, durable=True)


def part() -> Atomic:
    """Return the block of a verb: a part of `whole` directly inside of it, and else what `transaction.atomic` is."""
    around = connection.atomic_blocks
    if around and isinstance(around[-1], _Whole):
        return _Whole(None, savepoint=False, durable=False)
    return transaction.atomic()
