"""Protects the books when many come at once: money is spent once, an event stands once, nobody waits for ever."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from functools import partial
from itertools import count
from typing import Any, TypeVar

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg2 import errors

from config import roles
from core import actor
from core.scope import Scope
from ledger import accounts, posting, queries
from ledger.accounts import Address
from ledger.chart import Code
from ledger.models import Account, Balance, Entry, Journal, Mark
from ledger.posting import Posted, Posting, credit, debit

T = TypeVar("T")
BOOKS = Scope(merchant_id=1)
DAY = date(2026, 11, 20)
BY = actor.system("test")
CLEARING, REVENUE = Address(Code.CLEARING), Address(Code.PLATFORM_FEE_REVENUE)
ACME, GLOBEX = Address(Code.PARTNER_AVAILABLE, "acme"), Address(Code.PARTNER_AVAILABLE, "globex")
CLIENTS = 8

pytestmark = pytest.mark.usefixtures("committed_db")


def move(key: str, source: Address, target: Address, amount: int, on: date = DAY) -> Posting:
    return Posting("move", key, on, [debit(source, amount), credit(target, amount)])


def post(posting_: Posting) -> Posted:
    posted = posting.post(scope=BOOKS, posting=posting_, by=BY)
    assert posted is not None
    return posted


def at_once(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Run every task on a connection of its own, all starting together; what one raises, this raises."""
    start = threading.Barrier(len(tasks))

    def run(task: Callable[[], T]) -> T:
        try:
            connection.ensure_connection()
            start.wait()
            return task()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return [answer.result() for answer in [pool.submit(run, task) for task in tasks]]


def assert_books_are_whole() -> None:
    assert sum(row.balance for row in queries.trial_balance(BOOKS)) == 0
    assert queries.broken_invariants() == []


class TestOverdraft:
    def test_as_many_succeed_as_the_money_allows(self) -> None:
        post(move("fund", CLEARING, ACME, 3_750))

        def spend(client: int) -> int:
            spent = 0
            for attempt in range(10):
                try:
                    post(move(f"spend-{client}-{attempt}", ACME, CLEARING, 100))
                except posting.InsufficientBalance:
                    continue
                spent += 1
            return spent

        succeeded = at_once([partial(spend, client) for client in range(CLIENTS)])

        assert sum(succeeded) == 37
        assert queries.balance(BOOKS, ACME) == 50
        assert Journal.objects.count() == 1 + 37
        assert_books_are_whole()

    def test_sets_stand_whole_or_not_at_all(self) -> None:
        post(move("fund", CLEARING, ACME, 1_000))

        def spend(client: int) -> int:
            wanted = [move(f"{client}-{number}", ACME, CLEARING, 100) for number in range(3)]
            try:
                return posting.post_many(scope=BOOKS, postings=wanted, by=BY)
            except posting.InsufficientBalance:
                return 0

        assert Counter(at_once([partial(spend, client) for client in range(CLIENTS)])) == {3: 3, 0: 5}
        assert queries.balance(BOOKS, ACME) == 100
        assert_books_are_whole()


class TestOneEvent:
    def test_fifty_times_at_once_is_one_journal(self) -> None:
        event = move("order-1", CLEARING, ACME, 9_000)

        posted = at_once([lambda: post(event)] * 50)

        assert len({stands.journal_id for stands in posted}) == 1
        assert sum(stands.created for stands in posted) == 1
        assert Journal.objects.count() == 1
        assert queries.balance(BOOKS, ACME) == 9_000

    def test_alone_and_in_sets_at_once_every_event_is_one_journal(self) -> None:
        events = [move(f"order-{number}", CLEARING, ACME, 100 + number) for number in range(20)]

        def alone(turn: int) -> int:
            return sum(post(events[(turn + number) % 20]).created for number in range(20))

        def together(_turn: int) -> int:
            return posting.post_many(scope=BOOKS, postings=events, by=BY)

        created = at_once([partial((alone, together)[turn % 2], turn) for turn in range(CLIENTS)])

        assert sum(created) == 20
        assert queries.balance(BOOKS, ACME) == sum(100 + number for number in range(20))
        assert_books_are_whole()


class TestOppositeDirections:
    def test_two_partners_pay_each_other_without_a_deadlock(self) -> None:
        post(move("fund-acme", CLEARING, ACME, 100_000))
        post(move("fund-globex", CLEARING, GLOBEX, 100_000))

        def pay(client: int) -> None:
            source, target = (ACME, GLOBEX) if client % 2 else (GLOBEX, ACME)
            for number in range(25):
                post(move(f"{client}-{number}", source, target, 10 + client))

        at_once([partial(pay, client) for client in range(CLIENTS)])

        assert Journal.objects.count() == 2 + CLIENTS * 25
        assert queries.balance(BOOKS, ACME) == 100_000 + 25 * (10 + 12 + 14 + 16 - 11 - 13 - 15 - 17)
        assert_books_are_whole()

    def test_sets_in_opposite_order_do_not_deadlock_either(self) -> None:
        partners = [Address(Code.PARTNER_AVAILABLE, f"partner-{number}") for number in range(40)]

        def fund(client: int) -> int:
            order = partners if client % 2 else partners[::-1]
            return posting.post_many(
                scope=BOOKS, postings=[move(f"{client}-{p.owner}", CLEARING, p, 1_000) for p in order], by=BY
            )

        assert at_once([partial(fund, client) for client in range(CLIENTS)]) == [40] * CLIENTS
        assert queries.balance(BOOKS, CLEARING) == CLIENTS * 40 * 1_000
        assert_books_are_whole()

    def test_a_deadlock_between_two_transactions_is_called_one_and_can_be_tried_again(self) -> None:
        accounts.resolve(BOOKS, [CLEARING, ACME, GLOBEX])
        both_hold_one = threading.Barrier(2)

        def pay_two(first: Address, second: Address) -> int:
            for attempt in range(1, 6):
                try:
                    with transaction.atomic():
                        post(move(f"{first.owner}-1", CLEARING, first, 500))
                        if attempt == 1:
                            both_hold_one.wait()
                        post(move(f"{first.owner}-2", CLEARING, second, 70))
                except OperationalError as error:
                    if not isinstance(error.__cause__, errors.DeadlockDetected):
                        raise
                else:
                    return attempt
            pytest.fail("five attempts were not enough")

        attempts = at_once([lambda: pay_two(ACME, GLOBEX), lambda: pay_two(GLOBEX, ACME)])

        assert max(attempts) > 1
        assert (queries.balance(BOOKS, ACME), queries.balance(BOOKS, GLOBEX)) == (570, 570)
        assert Journal.objects.count() == 4
        assert_books_are_whole()


class TestClosing:
    def test_no_journal_slips_into_a_day_once_it_is_closed(self) -> None:
        posted = threading.Semaphore(0)
        closed = threading.Event()

        def work(client: int) -> int:
            """Post until the day has been closed for a while; return how many posts began after that."""
            late = 0
            for number in count():
                knew = closed.is_set()
                journal = Journal.objects.get(pk=post(move(f"{client}-{number}", CLEARING, ACME, 1)).journal_id)
                posted.release()
                if knew:
                    assert journal.effective_date == DAY + timedelta(days=1)
                    assert journal.business_date == DAY
                    late += 1
                if late == 5:
                    return late
            raise AssertionError

        def close() -> int:
            for _journal in range(30):
                assert posted.acquire(timeout=60)
            posting.close_period(scope=BOOKS, until=DAY)
            inside = Journal.objects.filter(effective_date__lte=DAY).count()
            closed.set()
            return inside

        tasks: list[Callable[[], int]] = [*(partial(work, client) for client in range(6)), close]
        *late, inside = at_once(tasks)

        assert late == [5] * 6
        assert 30 <= inside == Journal.objects.filter(effective_date__lte=DAY).count()
        assert_books_are_whole()

    def test_closing_waits_for_those_who_are_at_it(self) -> None:
        with other_connection() as poster:
            poster.cursor().execute("begin")
            late = post_by_hand(poster, "in flight")
            with connection.cursor() as cursor:
                cursor.execute("set lock_timeout = '50ms'")
            with pytest.raises(OperationalError) as caught:
                posting.close_period(scope=BOOKS, until=DAY)
            assert isinstance(caught.value.__cause__, errors.LockNotAvailable)
            poster.cursor().execute("commit")

        posting.close_period(scope=BOOKS, until=DAY)

        assert Journal.objects.get(pk=late).effective_date == DAY
        assert Journal.objects.get(pk=post(move("late", CLEARING, ACME, 1)).journal_id).effective_date > DAY

    def test_not_even_the_owner_writes_into_a_closed_day(self) -> None:
        ids = accounts.resolve(BOOKS, [CLEARING, REVENUE])
        posting.close_period(scope=BOOKS, until=DAY)

        with roles.as_owner(), pytest.raises(IntegrityError) as caught, connection.cursor() as cursor:
            cursor.execute(
                "with j as (insert into ledger_journal (merchant_id, is_test, event_type, event_key, payload_hash,"
                " business_date, effective_date, leg_count, origin_kind, origin_id, actor, request_id, memo,"
                " attributes) values (1, false, 'x', 'x', '', %s, %s, 2, '', '', '', '', '', '{}') returning id)"
                " insert into ledger_entry (journal_id, leg_no, account_id, currency, amount, component)"
                " select j.id, n, (%s::bigint[])[n], 'KRW', n * 2 - 3, '' from j, generate_series(1, 2) n",
                [DAY, DAY, ids],
            )

        assert posting.refused_by(caught.value) == "ledger_period_open"


def other_connection() -> "closing[Any]":
    """Return a second connection of this thread, to be closed by a `with`."""
    return closing(connection.copy())


def post_by_hand(wrapper: Any, key: str) -> int:
    """Post 1,000 from clearing to revenue on a given connection and return the journal's id."""
    ids = accounts.resolve(BOOKS, [CLEARING, REVENUE])
    with wrapper.cursor() as cursor:
        cursor.execute(
            "select ledger_post((%s, %s, %s, %s, '{1000,-1000}', null, 'hand', %s, '{a,b}', '{KRW,KRW}',"
            " '', '', '', '', '', '{}')::ledger_posting)",
            [BOOKS.merchant_id, BOOKS.is_test, DAY, ids, key],
        )
        (journal_id,) = cursor.fetchone()
    return int(journal_id)


def plain_sums_and_balances() -> tuple[dict[int, int], dict[int, int]]:
    """Return every account's balance twice, summed from its legs and as kept, both of one moment."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read")
        pks = list(Account.objects.values_list("pk", flat=True))
        summed = Counter[int]()
        for pk, amount in Entry.objects.values_list("account", "amount"):
            summed[pk] += amount
        kept = {pk: figure.balance for pk, figure in queries.balances(pks).items()}
    return {pk: summed[pk] for pk in pks}, kept


class TestFolding:
    def test_balances_are_right_at_every_moment_while_others_post_and_fold(self) -> None:
        done = threading.Event()
        left = threading.Semaphore(0)

        def work(client: int) -> int:
            for number in range(30):
                post(move(f"{client}-{number}", CLEARING, (ACME, REVENUE)[number % 2], 1 + client))
            left.release()
            return 30

        def wait() -> int:
            for _client in range(6):
                assert left.acquire(timeout=60)
            done.set()
            return 0

        def fold() -> int:
            while not done.is_set():
                queries.fold()
            return 0

        def look() -> int:
            looks = 0
            while not done.is_set():
                summed, kept = plain_sums_and_balances()
                assert kept == summed
                looks += 1
            return looks

        tasks: list[Callable[[], int]] = [*(partial(work, client) for client in range(6)), wait, fold, fold, look]
        *_posted, _wait, _fold, _second_fold, looks = at_once(tasks)

        assert looks > 0
        newest = Journal.objects.latest("pk").pk
        deadline = time.monotonic() + 60
        while Mark.objects.get().journal_id < newest:
            queries.fold()
            assert time.monotonic() < deadline
        summed, kept = plain_sums_and_balances()
        assert kept == summed
        assert Balance.objects.get().balance == -queries.balance(BOOKS, ACME)
        assert_books_are_whole()

    def test_a_journal_that_commits_after_a_younger_one_is_not_passed_over(self) -> None:
        accounts.resolve(BOOKS, [CLEARING, REVENUE])
        with other_connection() as early, other_connection() as late:
            # The older transaction number brings the younger journal, so that numbers alone do not tell.
            early.cursor().execute("begin; select pg_current_xact_id()")
            late.cursor().execute("begin")
            older = post_by_hand(late, "older")
            younger = post_by_hand(early, "younger")
            early.cursor().execute("commit")
            assert older < younger
            for _call in range(4):
                queries.fold()
            mark = Mark.objects.get().journal_id
            late.cursor().execute("commit")

        assert mark < older
        for _call in range(4):
            queries.fold()
        assert queries.balance(BOOKS, REVENUE) == 2_000
        assert_books_are_whole()

    def test_inside_a_transaction_that_has_written_nothing_is_folded(self) -> None:
        post(move("before", CLEARING, REVENUE, 1))
        for _call in range(2):
            queries.fold()
        before = Mark.objects.get().journal_id

        with transaction.atomic():
            post(move("inside", CLEARING, REVENUE, 1))
            for _call in range(3):
                assert queries.fold() == before

        assert Mark.objects.get().journal_id == before
        assert_books_are_whole()
