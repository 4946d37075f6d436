"""What the driver sends to PostgreSQL, message by message: each is a round trip."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import psycopg2.extensions
from django.db import connection


class _Heard(psycopg2.extensions.cursor):
    """A cursor that notes what it sends."""

    sent: ClassVar[list[str]] = []

    def execute(self, query: Any, variables: Any = None) -> None:
        """Send a message."""
        text = bytes(query).decode() if isinstance(query, bytes) else str(query)
        if not text.startswith("prepare "):
            self.sent.append(text)
        super().execute(query, variables)


@contextmanager
def messages() -> Iterator[list[str]]:
    """Give the messages that the driver sends, but for BEGIN and COMMIT of its own and plans of statements."""
    driver: Any = connection.connection
    _Heard.sent.clear()
    driver.cursor_factory = _Heard
    try:
        yield _Heard.sent
    finally:
        driver.cursor_factory = None


def commands(sent: list[str]) -> list[list[str]]:
    """Return the first word of each statement, by message."""
    return [[statement.split()[0] for statement in message.split("; ")] for message in sent]
