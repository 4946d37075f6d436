"""Promise: a whole transaction costs no messages of its own, and is none the less a transaction."""

from collections.abc import Callable

import psycopg2.extensions
import pytest
from django.db import IntegrityError, InternalError, OperationalError, connection, transaction

from core.models import Job
from core.sql import first, later, run
from core.transactions import whole
from tests.build import TODAY, noon
from tests.messages import commands, messages

pytestmark = pytest.mark.usefixtures("committed_db")

ADD = "insert into access_attempts (kind, subject, failures, last_at, blocked_until) values ('t', %s, 1, now(), now())"
COUNT = "select count(*) from access_attempts"


def added() -> int:
    row = first([COUNT], [])
    assert row is not None
    return int(row[0])


def each(*steps: Callable[[], object]) -> None:
    for step in steps:
        step()


def now(subject: str) -> Callable[[], None]:
    return lambda: run([ADD], [subject])


def soon(subject: str) -> Callable[[], None]:
    return lambda: later(ADD, [subject])


def fail() -> None:
    raise ZeroDivisionError


def job(kind: str) -> None:
    Job.objects.create(merchant_id=1, is_test=False, public_id=kind, kind=kind, queue="default", due_at=noon(TODAY))


def in_transaction() -> bool:
    status: int = connection.connection.info.transaction_status
    return status != psycopg2.extensions.TRANSACTION_STATUS_IDLE


class TestMessages:
    def test_begin_goes_with_the_first_statement_and_commit_with_the_last(self) -> None:
        assert added() == 0
        with messages() as sent, whole():
            assert first([COUNT], []) == (0,)
            run([ADD], ["a"])
            later(ADD, ["b"])
        assert commands(sent) == [["begin", "execute"], ["execute"], ["execute", "commit"]]
        assert not in_transaction()
        assert added() == 2

    def test_what_waits_goes_ahead_of_what_is_asked_next(self) -> None:
        assert added() == 0
        with messages() as sent, whole():
            later(ADD, ["a"])
            later(ADD, ["b"])
            assert first([COUNT], []) == (2,)
        assert commands(sent) == [["begin", "execute", "execute", "execute"], ["commit"]]

    def test_all_of_it_may_be_one_message(self) -> None:
        assert added() == 0
        with messages() as sent, whole():
            later(ADD, ["a"])
        assert commands(sent) == [["begin", "execute", "commit"]]
        assert added() == 1

    def test_nothing_said_is_nothing_sent(self) -> None:
        assert added() == 0
        with messages() as sent, whole():
            pass
        assert sent == []

    def test_elsewhere_nothing_waits(self) -> None:
        assert added() == 0
        with messages() as sent:
            later(ADD, ["a"])
            assert commands(sent) == [["execute"]]
        with transaction.atomic(), messages() as sent:
            later(ADD, ["b"])
            assert commands(sent) == [["execute"]]
        assert added() == 2


class TestTransaction:
    def test_the_orm_finds_what_waited(self) -> None:
        with whole():
            later(ADD, ["a"])
            job("first")
            with connection.cursor() as cursor:
                cursor.execute(COUNT)
                assert cursor.fetchone() == (1,)
            assert in_transaction()
        assert (added(), Job.objects.count()) == (1, 1)

    def test_an_error_undoes_all_that_was_said_and_forgets_what_waits(self) -> None:
        with pytest.raises(ZeroDivisionError), whole():
            each(lambda: job("first"), now("a"), soon("b"), fail)
        assert not in_transaction()
        assert (added(), Job.objects.count()) == (0, 0)

    def test_an_error_before_anything_was_said_sends_nothing(self) -> None:
        assert added() == 0
        with messages() as sent, pytest.raises(ZeroDivisionError), whole():
            each(soon("a"), fail)
        assert sent == []
        assert added() == 0

    def test_a_value_that_cannot_be_sent_takes_neither_begin_nor_what_waits_along(self) -> None:
        def say_what_cannot_be_sent() -> None:
            with pytest.raises(ValueError, match="NUL"):
                first(["select %s::text"], ["\0"])

        with pytest.raises(ZeroDivisionError), whole():
            each(say_what_cannot_be_sent, now("a"), fail)
        assert added() == 0
        with whole():
            each(soon("b"), say_what_cannot_be_sent, now("c"))
        assert added() == 2

    def test_what_waited_is_refused_with_the_commit_and_undoes_everything(self) -> None:
        run([ADD], ["a"])
        with pytest.raises(IntegrityError), whole():
            each(lambda: job("first"), soon("a"))
        assert not in_transaction()
        assert (added(), Job.objects.count()) == (1, 0)

    def test_what_waited_is_refused_with_the_next_statement(self) -> None:
        def ask() -> None:
            with pytest.raises(IntegrityError):
                first([COUNT], [])

        run([ADD], ["a"])
        with pytest.raises(InternalError), whole():
            each(soon("a"), ask)
        assert added() == 1

    def test_a_failed_transaction_cannot_seem_to_be_committed(self) -> None:
        def fail_unseen() -> None:
            with pytest.raises(psycopg2.Error), connection.connection.cursor() as cursor:
                cursor.execute("select 1 / 0")

        with pytest.raises(InternalError), whole():
            each(now("a"), fail_unseen)
        assert not in_transaction()
        assert added() == 0

    def test_a_savepoint_inside_is_gone_back_to(self) -> None:
        with whole():
            later(ADD, ["a"])
            with pytest.raises(IntegrityError), transaction.atomic():
                each(now("b"), now("b"))
            later(ADD, ["c"])
        assert added() == 2

    def test_a_part_that_lets_others_wait_is_undone_by_its_savepoint(self) -> None:
        with whole():
            later(ADD, ["a"])
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                each(soon("b"), fail)
        assert added() == 1

    def test_a_connection_lost_on_the_way_undoes_everything(self) -> None:
        def lose() -> None:
            with connection.copy().cursor() as other:
                other.execute("select pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
                other.connection.close()

        with pytest.raises(OperationalError), whole():
            each(now("a"), lose, soon("b"))
        connection.close()
        with whole():
            run([ADD], ["c"])
        assert added() == 1

    def test_the_next_transaction_is_djangos_own_again(self) -> None:
        with whole():
            run([ADD], ["a"])
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            each(lambda: job("first"), fail)
        job("second")
        assert list(Job.objects.values_list("kind", flat=True)) == ["second"]

    def test_hooks_wait_for_the_commit(self) -> None:
        seen: list[int] = []
        with whole():
            later(ADD, ["a"])
            transaction.on_commit(lambda: seen.append(added()))
            assert seen == []
        assert seen == [1]
