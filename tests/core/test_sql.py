"""The connection that statements of one round trip are sent on."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from django.db import connection, connections

from core.sql import first, here


def test_a_thread_has_the_connection_that_django_has_for_it() -> None:
    """Everything of a thread is in one transaction, whoever asked for the connection first."""
    assert here() is connections["default"]
    assert here() is here()
    with ThreadPoolExecutor(1) as threads:
        theirs, same = threads.submit(lambda: (here(), here() is connections["default"])).result()
    assert same
    assert theirs is not here()


def test_inside_an_event_loop_it_is_the_connection_that_django_has_there() -> None:
    """A browser's test runs in such a loop, and its rows must not be split between two connections."""

    def thread() -> bool:
        outside = here()

        async def asked() -> bool:
            return here() is connections["default"] and here() is not outside

        return asyncio.run(asked()) and here() is outside is connections["default"]

    # In a thread of its own, for a browser may have left a loop running in this one.
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(thread).result()


def test_a_connection_that_was_closed_is_opened_again(committed_db: str) -> None:  # noqa: ARG001 - the database it asks
    """A worker closes its connection between tasks, and the next question finds an open one."""
    assert first("select 1", []) == (1,)
    connection.close()
    assert here().connection is None
    assert first("select 2", []) == (2,)
