"""Questions of one round trip, past Django's cursor."""

from django.db import connection

from core.sql import first


def test_a_connection_that_was_closed_is_opened_again(committed_db: str) -> None:  # noqa: ARG001 - the database it asks
    """A worker closes its connection between tasks, and the next question finds an open one."""
    assert first("select 1", []) == (1,)
    connection.close()
    assert first("select 2", []) == (2,)
