"""Reading the database as an outsider: with the reader's role, through restarts and cut connections."""

import time
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2 import extensions

_PATIENCE_SECONDS = 90.0
_GOING_DOWN = ("08", "57P")  # connection exceptions, operator intervention


@dataclass
class Books:
    """A connection that is made again when it breaks. One thread each."""

    address: str
    _connection: extensions.connection | None = field(default=None)

    def connection(self) -> extensions.connection:
        """Return the open connection; each statement is a transaction of its own."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg2.connect(self.address)
            self._connection.autocommit = True
        return self._connection

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a reading statement; a server that restarts is waited for."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                with self.connection().cursor() as cursor:
                    cursor.execute(statement, values)
                    return cursor.fetchall()
            except psycopg2.Error as error:
                # A server that goes down in the middle of a statement is told as a bare error without a code.
                lost = error.pgcode is None or error.pgcode.startswith(_GOING_DOWN)
                self.close()
                if not lost or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def statuses(self) -> dict[str, int]:
        """Return how many payouts are in each status."""
        return {
            status: int(count) for status, count in self.ask("select status, count(*) from payouts_payout group by 1")
        }

    def bulks(self) -> list[tuple[int, str, str, int]]:
        """Return key, id, status and count of payouts of every bulk payout, oldest first."""
        rows = self.ask("select id, public_id, status, payout_count from payouts_bulkpayout order by id")
        return [(int(key), str(public_id), str(status), int(count)) for key, public_id, status, count in rows]

    def open_payouts(self) -> list[str]:
        """Return the payouts of approved bulk payouts that have not ended."""
        rows = self.ask(
            "select p.public_id || ' ' || p.status"
            " from payouts_payout p join payouts_bulkpayout b on b.id = p.bulk_payout_id"
            " where b.status in ('APPROVED', 'SCHEDULED', 'ONGOING', 'POST_PROCESS_PENDING')"
            " and p.status not in ('SUCCEEDED', 'FAILED', 'RETURNED', 'STOPPED', 'CANCELLED') order by p.id"
        )
        return [str(row[0]) for row in rows]

    def unfinished_bulks(self) -> list[str]:
        """Return the approved bulk payouts that have not ended."""
        rows = self.ask(
            "select public_id || ' ' || status from payouts_bulkpayout"
            " where status in ('PREPARING', 'APPROVED', 'SCHEDULED', 'ONGOING', 'POST_PROCESS_PENDING') order by id"
        )
        return [str(row[0]) for row in rows]
