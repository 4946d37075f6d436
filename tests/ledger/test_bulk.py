"""Protects the set-based way into the books: the same journals as the other ways, and none of their laws weakened."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from core import actor
from core.scope import Scope
from ledger import accounts, posting, queries
from ledger.accounts import Address
from ledger.chart import Code
from ledger.models import Account, Balance, Entry, Journal
from ledger.posting import Origin, Posting, credit, debit

pytestmark = pytest.mark.django_db

BOOKS, OTHERS = Scope(merchant_id=1), Scope(merchant_id=2)
DAY = date(2026, 11, 20)
BY = actor.system("test")
CLEARING, REVENUE = Address(Code.CLEARING), Address(Code.PLATFORM_FEE_REVENUE)
PENDING, RECEIVABLE = Address(Code.PARTNER_PENDING, "acme"), Address(Code.PARTNER_RECEIVABLE, "acme")
LEGS = "array['payment', 'order', 'fee'], 'record', key"
AMOUNTS = "array[amount, 1000 - amount, -1000]"
QUERY = f"""
    select 'record', key, %(day)s::date, %(accounts)s::bigint[], {AMOUNTS}, {LEGS}
    from unnest(%(keys)s::text[], %(amounts)s::bigint[]) o(key, amount)
"""  # noqa: S608 - no outside text in it


FOUND = f"""
    select f.*, 'KRW' as currency from ({QUERY}) f(event, key, day, accounts, amounts, components, origin, origin_id)
"""  # noqa: S608 - no outside text in it
NOTHING: dict[str, Any] = {"day": DAY, "accounts": [], "keys": [], "amounts": []}
Select = Callable[..., int]


@pytest.fixture(params=["selected", "found"])
def door(request: pytest.FixtureRequest) -> Select:
    """Return each of the two ways in."""
    ways: dict[str, tuple[Select, str]] = {
        "selected": (posting.post_selected, QUERY),
        "found": (posting.post_found, FOUND),
    }
    post, query = ways[request.param]

    def through(*, parameters: dict[str, Any], scope: Scope = BOOKS, amounts: str = AMOUNTS) -> int:
        return post(scope=scope, query=query.replace(AMOUNTS, amounts), parameters=parameters, by=BY)

    return through


@pytest.fixture
def select(door: Select) -> Select:
    """Return what posts one journal of three legs for each key through a query."""

    def select(scope: Scope = BOOKS, *, keys: list[str], amounts: list[int], **more: Any) -> int:
        ids = accounts.resolve(scope, [CLEARING, PENDING, REVENUE])
        return door(scope=scope, parameters={"day": DAY, "accounts": ids, "keys": keys, "amounts": amounts} | more)

    return select


def same_posting(key: str, amount: int) -> Posting:
    """Return what the query makes of a key, as the one-journal door takes it."""
    legs = [debit(CLEARING, amount, "payment"), credit(PENDING, amount - 1000, "order"), credit(REVENUE, 1000, "fee")]
    return Posting("record", key, DAY, legs, Origin("record", key))


def test_the_journals_are_those_of_the_other_door(select: Select) -> None:
    assert select(keys=["o-1", "o-2"], amounts=[10_000, 3_000]) == 2

    assert posting.post(scope=BOOKS, posting=same_posting("o-1", 10_000), by=BY) == posting.Posted(
        Journal.objects.get(event_key="o-1").pk, created=False
    )
    assert queries.balance(BOOKS, PENDING) == 11_000
    assert queries.broken_invariants() == []
    header = Journal.objects.get(event_key="o-2")
    assert (header.leg_count, header.effective_date, header.origin_id, header.actor) == (3, DAY, "o-2", str(BY))
    assert list(header.entries.order_by("leg_no").values_list("amount", "component")) == [
        (3_000, "payment"),
        (-2_000, "order"),
        (-1_000, "fee"),
    ]


def test_what_stands_is_passed_over_and_what_differs_refused(select: Select) -> None:
    select(keys=["o-1"], amounts=[10_000])

    assert select(keys=["o-1", "o-2", "o-2"], amounts=[10_000, 5_000, 5_000]) == 1
    with pytest.raises(posting.PostedDifferently), transaction.atomic():
        select(keys=["o-3", "o-1"], amounts=[1_500, 9_000])
    with pytest.raises(posting.PostedDifferently), transaction.atomic():
        select(keys=["o-4", "o-4"], amounts=[1_500, 9_000])
    assert set(Journal.objects.values_list("event_key", flat=True)) == {"o-1", "o-2"}


@pytest.mark.parametrize(
    ("amounts", "law"),
    [
        ("array[amount, 1 - amount, -1000]", "ledger_journal_balanced"),
        ("array[amount, -amount, 0]", "ledger_entry_not_zero"),
        ("array[amount, -amount]", ""),  # no amount for the third account: refused as null
    ],
)
def test_no_law_is_weaker(door: Select, amounts: str, law: str) -> None:
    ids = accounts.resolve(BOOKS, [CLEARING, PENDING, REVENUE])
    values = {"day": DAY, "accounts": ids, "keys": ["o-1"], "amounts": [5_000]}

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        door(parameters=values, amounts=amounts)
    assert posting.refused_by(refused.value) == law
    assert not Entry.objects.exists()


def test_a_partner_never_goes_below_zero(select: Select) -> None:
    with pytest.raises(posting.InsufficientBalance), transaction.atomic():
        select(keys=["o-1"], amounts=[500])
    assert not Journal.objects.exists()


def test_accounts_of_other_books_are_refused(select: Select) -> None:
    theirs = accounts.resolve(OTHERS, [CLEARING, PENDING, REVENUE])

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        select(keys=["o-1"], amounts=[5_000], accounts=theirs)
    assert posting.refused_by(refused.value) == "ledger_entry_fits_account"


def test_a_closed_day_moves_to_the_next_open_one(select: Select) -> None:
    posting.close_period(scope=BOOKS, until=DAY)
    select(keys=["o-1"], amounts=[5_000])

    header = Journal.objects.get()
    assert (header.business_date, header.effective_date) == (DAY, date(2026, 11, 21))


def test_drafts_are_taken_only_from_the_table_that_the_books_opened() -> None:
    post, own = "select ledger_post_drafts(1, false, '', '')", "create temp table ledger_draft (event_type text)"
    for tried in (
        post,
        f"{own}; {post}",
        f"{own}; select ledger_draft_open()",
        "select ledger_draft_open(); update pg_temp.ledger_draft set event_key = ''",
        "select ledger_draft_open(); select count(*) from pg_temp.ledger_draft",
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            _run(tried)


def _run(statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statements)


def test_the_application_finds_journals_only_through_the_door() -> None:
    assert posting.post_found(scope=BOOKS, query=FOUND, parameters=NOTHING, by=BY) == 0
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        _run("insert into ledger_journal (merchant_id) values (1)")


def test_opening_gives_back_what_is_there_and_opens_what_is_missing() -> None:
    known = accounts.resolve(BOOKS, [CLEARING, PENDING])
    accounts.forget()
    wanted = [RECEIVABLE, PENDING, REVENUE, CLEARING, RECEIVABLE]
    found = accounts.resolve(BOOKS, wanted)
    assert [found[3], found[1]] == known
    assert found[0] == found[4]
    assert [Address.of(Account.objects.get(pk=pk)) for pk in found] == wanted
    # Those of partners may not cross zero, so they have a stored balance; the others have none.
    assert set(Balance.objects.filter(pk__in=found).values_list("pk", flat=True)) == {found[0], found[1]}
