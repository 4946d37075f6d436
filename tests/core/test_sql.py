"""Questions of one round trip, past Django's cursor: planned once by a connection, and asked of one that works."""

from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core.sql import first, look, run


def planned(like: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_prepared_statements where statement like %s", [f"%{like}%"])
        (found,) = cursor.fetchone()
    return int(found)


def keep_connection() -> None:
    """Do what the server does when a request begins on a connection that was kept."""
    ours: Any = connection
    ours.health_check_enabled, ours.health_check_done = True, False


def end_backend() -> None:
    """End the connection's backend, as a restart of the server does."""
    pid = connection.connection.info.backend_pid
    with connection.copy().cursor() as other:
        other.execute("select pg_terminate_backend(%s)", [pid])
        other.connection.close()


def test_a_connection_that_was_closed_is_opened_again(committed_db: str) -> None:  # noqa: ARG001 - the database it asks
    """A worker closes its connection between tasks, and the next question finds an open one."""
    assert first(["select 1"], []) == (1,)
    connection.close()
    assert first(["select 2"], []) == (2,)


@pytest.mark.django_db
class TestPlanned:
    def test_a_connection_plans_a_statement_once(self) -> None:
        for number in range(3):
            assert first(["select %s::int + 41"], [number]) == (number + 41,)
        assert planned("+ 41") == 1

    def test_names_may_come_twice_and_per_cent_signs_stay(self) -> None:
        asked = "select %(b)s::text || %(a)s::text || %(b)s::text, 7 %% 4"
        assert first([asked], {"a": "1", "b": "2%", "c": None}) == ("2%12%", 3)

    def test_each_of_several_takes_its_own(self) -> None:
        insert = "insert into access_attempts (kind, subject, failures, last_at, blocked_until)"
        insert += " values ('test', %s, 1, now(), now())"
        count = "select count(*), %s::text from access_attempts"
        assert first([insert, insert, count], ["a", "b", "x"]) == (2, "x")
        run([insert], ["c"])
        assert first([count], ["y"]) == (3, "y")

    def test_no_rollback_takes_a_plan_back(self) -> None:
        with transaction.atomic():
            assert first(["select %s::int + 42"], [1]) == (43,)
            transaction.set_rollback(True)
        assert first(["select %s::int + 42"], [2]) == (44,)
        assert planned("+ 42") == 1

    def test_a_statement_that_cannot_be_planned_is_djangos_error(self) -> None:
        with pytest.raises(ProgrammingError), transaction.atomic():
            first(["select no_such_thing(%s)"], [1])
        assert first(["select 1"], []) == (1,)

    def test_whoever_watches_queries_sees_the_statements(self) -> None:
        with CaptureQueriesContext(connection) as seen:
            assert first(["select 1", "select %s::int"], [2]) == (2,)
        assert [query["sql"] for query in seen.captured_queries] == ["select 1; select 2::int"]


class TestLook:
    def test_a_connection_that_broke_since_is_opened_and_asked_again(self, committed_db: str) -> None:  # noqa: ARG002 - to break
        assert first(["select 1"], []) == (1,)
        end_backend()
        keep_connection()
        assert look("select %s::int", [2]) == (2,)
        assert look("select %s::int", [3]) == (3,)

    def test_no_statement_is_spent_on_a_connection_that_works(self, committed_db: str) -> None:  # noqa: ARG002 - to ask
        assert first(["select 1"], []) == (1,)
        keep_connection()
        with CaptureQueriesContext(connection) as seen:
            assert look("select 2", []) == (2,)
            assert first(["select 3"], []) == (3,)
        assert [query["sql"] for query in seen.captured_queries] == ["select 2", "select 3"]

    def test_an_error_that_is_no_broken_connection_is_not_asked_again(self, committed_db: str) -> None:  # noqa: ARG002 - to ask
        with connection.cursor() as cursor:
            cursor.execute("create temp sequence asked")
        keep_connection()
        with pytest.raises(ProgrammingError):
            look("select nextval('asked') + no_such_thing()", [])
        assert first(["select nextval('asked')"], []) == (1,)
