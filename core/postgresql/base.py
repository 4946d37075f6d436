"""
Django's engine for PostgreSQL, with transactions that need no round trips of their own.

A transaction that `begins_late` was set for begins with its first statement and ends with its last: BEGIN travels in
front of the one and COMMIT behind the other. A statement that answers nothing may wait for company too. Whatever asks
for one of Django's cursors finds everything sent that was to be sent before. All other transactions are Django's own.
"""

from enum import Enum
from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.utils import debug_transaction
from django.db.utils import InternalError


class _Stage(Enum):
    """Where a transaction stands that carries its own BEGIN and COMMIT."""

    NONE = 0
    """There is none, or it is Django's own."""
    DUE = 1
    """Nothing was sent yet."""
    BEGUN = 2


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection; the driver's own transactions stay off while one of ours runs."""

    health_check_done: bool  # Django's own, which its stubs leave out

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Take what Django's own takes."""
        super().__init__(*arguments, **named)
        self.begins_late = False
        self._stage = _Stage.NONE
        self._waiting: list[bytes] = []
        self.planned: set[str] = set()
        """The names of the statements that the connection has planned. No rollback takes them back."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a new connection, which has planned nothing."""
        self.planned = set()
        return super().get_new_connection(conn_params)

    def ensure_connection(self) -> None:
        """Connect unless there is a connection; Django's own looks for an event loop first, each time."""
        if self.connection is None:
            super().ensure_connection()

    def close_if_health_check_failed(self) -> None:
        """Check a connection that was kept, once a request; Django's own looks for a pool first, each time."""
        if not self.health_check_done:
            super().close_if_health_check_failed()

    @property
    def carries(self) -> bool:
        """Say whether statements may wait: the transaction is one that ends with what waits."""
        return self._stage is not _Stage.NONE

    def wait(self, statement: bytes) -> None:
        """Let a statement wait for the next one, or for the end of the transaction."""
        self._waiting.append(statement)

    def due(self) -> list[bytes]:
        """Return what has to go ahead of the next statement, in the same message; it counts as sent."""
        ahead = self._waiting
        if self._stage is _Stage.DUE:
            ahead, self._stage = [b"begin", *ahead], _Stage.BEGUN
        self._waiting = []
        return ahead

    def create_cursor(self, name: str | None = None) -> Any:
        """Return a cursor of the driver, after everything that waits for company."""
        if ahead := self.due():
            self._send(ahead)
        return super().create_cursor(name)

    def _send(self, statements: list[bytes]) -> str:
        with self.connection.cursor() as cursor:
            cursor.execute(b"; ".join(statements))
            return str(cursor.statusmessage)

    def _set_autocommit(self, autocommit: bool) -> None:  # noqa: FBT001 - Django's signature
        self._waiting = []
        if self.begins_late and not autocommit:
            self._stage = _Stage.DUE
            return
        self._stage = _Stage.NONE
        super()._set_autocommit(autocommit)  # type: ignore[misc]  # Django's stubs leave it out

    def _commit(self) -> None:
        if self._stage is _Stage.NONE:
            super()._commit()  # type: ignore[misc]  # Django's stubs leave it out
        elif self._stage is _Stage.BEGUN or self._waiting:
            # PostgreSQL answers the COMMIT of a failed transaction with ROLLBACK, and no error.
            with debug_transaction(self, "COMMIT"), self.wrap_database_errors:
                if self._send([*self.due(), b"commit"]) != "COMMIT":
                    message = "The transaction had failed before its COMMIT."
                    raise InternalError(message)

    def _rollback(self) -> None:
        self._waiting = []
        if self._stage is _Stage.NONE:
            super()._rollback()  # type: ignore[misc]  # Django's stubs leave it out
        elif self._stage is _Stage.BEGUN:
            with debug_transaction(self, "ROLLBACK"), self.wrap_database_errors:
                self._send([b"rollback"])
