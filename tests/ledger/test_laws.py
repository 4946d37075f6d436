"""Protects the books: the database itself refuses what a ledger may never contain, whoever asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from config import roles
from core import actor
from core.scope import Scope
from ledger import posting, queries
from ledger.accounts import Address
from ledger.chart import CHART, Code
from ledger.models import Account, Balance, ChartEntry, Entry, Journal
from ledger.posting import Leg, Posting, credit, debit

rolled_back = pytest.mark.django_db

BOOKS = Scope(merchant_id=1)
OTHER_BOOKS = Scope(merchant_id=2)
DAY = date(2026, 11, 20)
BY = actor.system("test")
CLEARING, REVENUE = Address(Code.CLEARING), Address(Code.PLATFORM_FEE_REVENUE)
PENDING = Address(Code.PARTNER_PENDING, "acme")


def order(key: str = "order-1", amount: int = 10_000) -> Posting:
    return Posting(
        "record", key, DAY, [debit(CLEARING, amount), credit(PENDING, amount - 1_000), credit(REVENUE, 1_000)]
    )


def post(posting_: Posting, scope: Scope = BOOKS) -> posting.Posted:
    posted = posting.post(scope=scope, posting=posting_, by=BY)
    assert posted is not None
    return posted


@contextmanager
def refused(constraint: str) -> Iterator[None]:
    """Expect the database to refuse with this named constraint, and carry on in the same test."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        yield
    assert posting.refused_by(caught.value) == constraint


def insert_entry(journal_id: int, leg_no: int, account_id: int, amount: int, currency: str = "KRW") -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into ledger_entry (journal_id, leg_no, account_id, currency, amount, component)"
            " values (%s, %s, %s, %s, %s, '')",
            [journal_id, leg_no, account_id, currency, amount],
        )


@rolled_back
class TestTheDoor:
    def test_posts_a_balanced_journal_and_reads_it_back(self) -> None:
        posted = post(order())

        assert posted.created
        assert queries.balance(BOOKS, PENDING) == 9_000
        assert queries.balance(BOOKS, CLEARING) == 10_000
        assert queries.balance(BOOKS, REVENUE) == 1_000
        assert sum(row.balance for row in queries.trial_balance(BOOKS)) == 0

    def test_the_same_event_again_returns_the_first_journal(self) -> None:
        first = post(order())

        assert post(order()) == posting.Posted(first.journal_id, created=False)
        assert queries.balance(BOOKS, PENDING) == 9_000

    def test_the_same_event_with_other_legs_is_refused(self) -> None:
        post(order())

        with pytest.raises(posting.PostedDifferently), transaction.atomic():
            post(order(amount=10_001))

    def test_the_same_event_on_another_day_is_refused(self) -> None:
        post(order())

        with pytest.raises(posting.PostedDifferently), transaction.atomic():
            post(Posting("record", "order-1", date(2026, 11, 21), order().legs))

    def test_who_and_why_do_not_change_what_was_posted(self) -> None:
        first = post(order())
        again = Posting("record", "order-1", DAY, order().legs, memo="again", attributes={"note": "retry"})

        assert posting.post(scope=BOOKS, posting=again, by=actor.system("other")) == posting.Posted(
            first.journal_id, created=False
        )

    def test_an_unbalanced_journal_is_refused(self) -> None:
        with refused("ledger_journal_balanced"):
            posting.post(
                scope=BOOKS, posting=Posting("record", "x", DAY, [debit(CLEARING, 5), credit(PENDING, 4)]), by=BY
            )

    def test_each_currency_balances_by_itself(self) -> None:
        legs = [debit(CLEARING, 100), credit(Address(Code.CLEARING, "", "USD"), 100)]

        with refused("ledger_journal_balanced"):
            posting.post(scope=BOOKS, posting=Posting("record", "x", DAY, legs), by=BY)

    def test_zero_legs_are_left_out_and_nothing_is_no_journal(self) -> None:
        assert (
            posting.post(
                scope=BOOKS, posting=Posting("record", "x", DAY, [debit(CLEARING, 0), credit(PENDING, 0)]), by=BY
            )
            is None
        )
        posted = post(Posting("record", "y", DAY, [*order().legs, debit(REVENUE, 0)]))

        assert Journal.objects.get(pk=posted.journal_id).leg_count == 3

    def test_a_guarded_account_never_crosses_zero(self) -> None:
        post(order())

        with pytest.raises(posting.InsufficientBalance), transaction.atomic():
            post(
                Posting(
                    "take", "1", DAY, [debit(PENDING, 9_001), credit(Address(Code.PARTNER_AVAILABLE, "acme"), 9_001)]
                )
            )
        post(Posting("take", "2", DAY, [debit(PENDING, 9_000), credit(Address(Code.PARTNER_AVAILABLE, "acme"), 9_000)]))
        assert queries.balance(BOOKS, PENDING) == 0

    def test_the_guard_looks_at_the_whole_journal(self) -> None:
        gross = [debit(CLEARING, 8_000), debit(PENDING, 2_000), credit(PENDING, 10_000)]

        post(Posting("record", "gross", DAY, gross))

        assert queries.balance(BOOKS, PENDING) == 8_000

    def test_books_of_two_merchants_and_of_test_never_mix(self) -> None:
        post(order())
        post(order(amount=70_000), OTHER_BOOKS)
        post(order(amount=500_000), Scope(1, is_test=True))

        assert queries.balance(BOOKS, CLEARING) == 10_000
        assert queries.balance(OTHER_BOOKS, CLEARING) == 70_000
        assert queries.balance(Scope(1, is_test=True), CLEARING) == 500_000

    def test_a_reversal_mirrors_once(self) -> None:
        posted = post(order())

        reversal = posting.reverse(scope=BOOKS, journal_id=posted.journal_id, on=DAY, by=BY)

        assert reversal is not None
        assert queries.balance(BOOKS, PENDING) == 0
        again = Posting(
            "other", "again", DAY, [Leg(leg.account, -leg.amount) for leg in order().legs], reverses=posted.journal_id
        )
        post(order("order-2"))
        with pytest.raises(posting.AlreadyReversed), transaction.atomic():
            post(again)

    def test_a_reversal_names_a_journal_of_the_same_books(self) -> None:
        posted = post(order())

        with refused("ledger_journal_reverses_known"):
            posting.post(
                scope=OTHER_BOOKS, posting=Posting("x", "1", DAY, order().legs, reverses=posted.journal_id), by=BY
            )

    def test_a_closed_period_takes_nothing_more_and_the_next_open_day_does(self) -> None:
        posting.close_period(scope=BOOKS, until=date(2026, 11, 25))

        posted = post(order())

        journal = Journal.objects.get(pk=posted.journal_id)
        assert (journal.business_date, journal.effective_date) == (DAY, date(2026, 11, 26))
        assert post(order()).created is False
        posting.close_period(scope=BOOKS, until=date(2026, 11, 1))
        assert Journal.objects.get(pk=post(order("later")).journal_id).effective_date == date(2026, 11, 26)


@rolled_back
class TestManyAtOnce:
    def test_the_twin_posts_what_the_door_posts(self) -> None:
        postings = [order(f"order-{number}", 10_000 + number) for number in range(2_500)]

        assert posting.post_many(scope=BOOKS, postings=postings, by=BY) == 2_500

        assert post(postings[7]).created is False, "same event, same hash, whichever door it came through"
        assert posting.post_many(scope=BOOKS, postings=postings, by=BY) == 0
        assert queries.balance(BOOKS, REVENUE) == 2_500_000
        assert queries.broken_invariants() == []

    def test_one_changed_journal_refuses_the_whole_set(self) -> None:
        post(order("order-1"))

        with pytest.raises(posting.PostedDifferently), transaction.atomic():
            posting.post_many(scope=BOOKS, postings=[order("order-0"), order("order-1", 9)], by=BY)
        assert Journal.objects.count() == 1

    def test_one_unbalanced_journal_refuses_the_whole_set(self) -> None:
        with refused("ledger_journal_balanced"):
            posting.post_many(
                scope=BOOKS,
                postings=[order("a"), Posting("record", "b", DAY, [debit(CLEARING, 2), credit(PENDING, 3)])],
                by=BY,
            )
        assert Journal.objects.count() == 0


@rolled_back
class TestAttacks:
    """As the application role, whose rights are missing; the owner's turn is in `TestAttacksByTheOwner`."""

    @pytest.mark.parametrize(
        "statement",
        [
            "update ledger_entry set amount = amount + 1",
            "delete from ledger_entry",
            "truncate ledger_entry",
            "update ledger_journal set memo = 'x'",
            "delete from ledger_journal",
            "truncate ledger_journal cascade",
            "update ledger_balance set balance = 0",
            "delete from ledger_account",
            "insert into ledger_journal (merchant_id) values (1)",
            "insert into ledger_entry (journal_id) values (1)",
            "insert into ledger_balance (account_id) values (1)",
            "update ledger_period set closed_until = '2000-01-01'",
            "alter table ledger_entry disable trigger all",
            "drop trigger entry_append_only on ledger_entry",
        ],
    )
    def test_the_application_has_no_right(self, statement: str) -> None:
        post(order())

        with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

        assert caught.value.__cause__ is not None
        assert getattr(caught.value.__cause__, "pgcode", "") == "42501"


class TestAttacksByTheOwner:
    """The owner holds every right; the triggers refuse all the same."""

    @pytest.fixture(autouse=True)
    def as_owner(self, committed_db: str) -> Iterator[None]:  # noqa: ARG002 - the database to be the owner of
        """Connect as the owner of the tables, to a database of this test's own."""
        with roles.as_owner():
            yield

    @pytest.mark.parametrize(
        ("statement", "constraint"),
        [
            ("update ledger_entry set amount = amount + 1", "ledger_entry_append_only"),
            ("delete from ledger_entry", "ledger_entry_append_only"),
            ("truncate ledger_entry", "ledger_entry_append_only"),
            ("update ledger_journal set memo = 'x'", "ledger_journal_append_only"),
            ("delete from ledger_journal", "ledger_journal_append_only"),
            ("truncate ledger_journal cascade", "ledger_journal_append_only"),
            ("update ledger_balance set balance = 0", "ledger_balance_only_by_entries"),
            ("delete from ledger_balance", "ledger_balance_only_by_entries"),
            ("delete from ledger_account", "ledger_account_stays"),
            ("update ledger_account set currency = 'USD'", "ledger_account_keeps_address"),
        ],
    )
    def test_what_is_posted_stays(self, statement: str, constraint: str) -> None:
        post(order())

        with refused(constraint), connection.cursor() as cursor:
            cursor.execute(statement)

    def test_a_leg_cannot_be_added_later(self) -> None:
        journal_id = post(order()).journal_id
        account = Account.objects.get(chart_id=Code.CLEARING).pk

        with refused("ledger_journal_complete"), connection.cursor() as cursor:
            cursor.execute(
                "insert into ledger_entry (journal_id, leg_no, account_id, currency, amount, component)"
                " values (%(j)s, 4, %(a)s, 'KRW', 5, ''), (%(j)s, 5, %(a)s, 'KRW', -5, '')",
                {"j": journal_id, "a": account},
            )

    def test_a_second_full_set_of_legs_is_refused(self) -> None:
        journal_id = post(order()).journal_id

        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "insert into ledger_entry (journal_id, leg_no, account_id, currency, amount, component)"
                " select journal_id, leg_no + 3, account_id, currency, amount, component from ledger_entry"
                " where journal_id = %s",
                [journal_id],
            )

    def test_a_header_without_legs_is_refused(self) -> None:
        with refused("ledger_journal_complete"), connection.cursor() as cursor:
            cursor.execute(
                "insert into ledger_journal (merchant_id, is_test, event_type, event_key, payload_hash, business_date,"
                " effective_date, leg_count, origin_kind, origin_id, actor, request_id, memo, attributes)"
                " values (1, false, 'x', 'x', '', '2026-01-01', '2026-01-01', 2, '', '', '', '', '', '{}')"
            )

    def test_a_leg_has_its_accounts_currency(self) -> None:
        post(order())
        account = Account.objects.get(chart_id=Code.CLEARING).pk

        with refused("ledger_entry_fits_account"), connection.cursor() as cursor:
            cursor.execute(
                "with j as (insert into ledger_journal (merchant_id, is_test, event_type, event_key, payload_hash,"
                " business_date, effective_date, leg_count, origin_kind, origin_id, actor, request_id, memo,"
                " attributes) values (1, false, 'x', 'x', '', '2026-01-01', '2026-01-01', 2, '', '', '', '', '', '{}')"
                " returning id)"
                " insert into ledger_entry (journal_id, leg_no, account_id, currency, amount, component)"
                " select id, n, %s, 'USD', n * 2 - 3, '' from j, generate_series(1, 2) n",
                [account],
            )

    @pytest.mark.parametrize("currencies", ["{USD,USD}", "{KRW,USD}", "{KRW}"])
    def test_the_door_takes_no_other_currency_than_the_accounts(self, currencies: str) -> None:
        post(order())
        ids = [Account.objects.get(chart_id=code).pk for code in (Code.CLEARING, Code.PLATFORM_FEE_REVENUE)]

        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "select ledger_post((1, false, '2026-01-01', %s, '{1,-1}', null, 'x', 'x', '{a,b}', %s,"
                " '', '', '', '', '', '{}')::ledger_posting)",
                [ids, currencies],
            )
        assert not Journal.objects.filter(event_key="x").exists()

    def test_a_closed_account_takes_no_legs(self) -> None:
        post(order())
        with connection.cursor() as cursor:
            cursor.execute("update ledger_account set closed_at = now() where code = 4010")

        with pytest.raises(posting.AccountClosed), transaction.atomic():
            post(order("order-2"))


@rolled_back
class TestTheChart:
    def test_python_and_the_database_say_the_same(self) -> None:
        stored = {
            (row.code, row.name, row.english, row.owner_kind, row.side, row.guarded) for row in ChartEntry.objects.all()
        }

        assert stored == {(int(r.code), r.name, r.english, r.owner_kind, r.side, r.guarded) for r in CHART}

    def test_guarded_accounts_have_a_balance_row_and_others_none(self) -> None:
        post(order())

        guarded = set(Balance.objects.values_list("account__chart_id", flat=True))
        assert guarded == {Code.PARTNER_PENDING}


@rolled_back
class TestDayTotals:
    def test_balances_are_the_same_before_and_after_folding(self) -> None:
        post(order("a"))
        post(Posting("record", "b", date(2026, 10, 1), order(amount=5_000).legs))
        before = queries.trial_balance(BOOKS), queries.trial_balance(BOOKS, date(2026, 10, 31))

        with connection.cursor() as cursor:
            cursor.execute("select ledger_fold()")

        assert (queries.trial_balance(BOOKS), queries.trial_balance(BOOKS, date(2026, 10, 31))) == before
        assert queries.balance(BOOKS, CLEARING, date(2026, 10, 31)) == 5_000

    def test_entries_are_reachable_from_their_journal(self) -> None:
        journal = Journal.objects.get(pk=post(order()).journal_id)

        assert [entry.amount for entry in queries.entries_of(journal)] == [10_000, -9_000, -1_000]
        assert Entry.objects.count() == 3


@rolled_back
def test_the_role_under_test_is_the_application() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select current_user")
        assert cursor.fetchone() == (roles.APPLICATION_ROLE,)
