"""
Transactions of requests and of verbs.

A verb has a block of its own, so that whoever calls it may be refused and go on. Inside a transaction that is a
savepoint: two statements for nothing where nobody goes on, because every error ends the whole transaction.

Such a transaction is not opened before it has something to say, and its COMMIT goes with the last it says
(`core.postgresql`). So no cursor from before may be used in it.
"""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.transaction import Atomic


class _Whole(Atomic):
    """A block that no error is survived in."""

    def __enter__(self) -> None:
        ours: Any = connections[DEFAULT_DB_ALIAS]
        ours.begins_late = True
        try:
            super().__enter__()
        finally:
            ours.begins_late = False


def whole() -> Atomic:
    """Return a durable transaction that is undone as a whole by any error: nobody inside goes on after one."""
    return _Whole(DEFAULT_DB_ALIAS, savepoint=True, durable=True)


class _Part:
    """A part of a block that no error is survived in: after one, everything more that is asked inside is refused."""

    def __init__(self, ours: Any) -> None:
        self._ours = ours

    def __enter__(self) -> None:
        """Begin nothing."""

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._ours.needs_rollback = True


def part() -> AbstractContextManager[None]:
    """Return the block of a verb: a part of `whole` directly inside of it, and else what `transaction.atomic` is."""
    ours: Any = connections[DEFAULT_DB_ALIAS]
    if ours.atomic_blocks and isinstance(ours.atomic_blocks[-1], _Whole):
        return _Part(ours)
    return transaction.atomic()
