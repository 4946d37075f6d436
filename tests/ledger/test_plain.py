"""Protects the short way into the books: it writes what the long way writes, and nothing that is wrong."""

from datetime import date, datetime
from itertools import count
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import actor
from core.scope import Scope
from ledger import accounts, posting, queries
from ledger.accounts import Address
from ledger.chart import Code
from ledger.models import Account, Balance, Entry, Journal
from ledger.posting import Leg, Origin, Posting, credit, debit

pytestmark = pytest.mark.django_db

BOOKS, OTHERS = Scope(merchant_id=1), Scope(merchant_id=2)
DAY = date(2026, 11, 20)
BY = actor.system("test", request_id='an "odd" \\ name')
CLEARING, REVENUE = Address(Code.CLEARING), Address(Code.PLATFORM_FEE_REVENUE)
ACME = Address(Code.PARTNER_PENDING, "acme")
ADDRESSES = [
    Address(code, owner)
    for code, owner in [
        (Code.CLEARING, ""),
        (Code.PLATFORM_FEE_REVENUE, ""),
        (Code.PARTNER_PENDING, "acme"),
        (Code.PARTNER_PENDING, "globex"),
        (Code.PARTNER_AVAILABLE, "acme"),
    ]
]
merchants = count(100)


def plainly(literal: str) -> int | None:
    """Try the short way, as the application, with values of any shape; return the journal's id or None."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("insert into ledger_plain_journal (posting) values (%s) returning id", [literal])
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def ids(*addresses: Address, scope: Scope = BOOKS) -> list[int]:
    return accounts.resolve(scope, addresses)


def literal(
    accounts_: str,
    amounts: str,
    *,
    reverses: str = "",
    components: str = "{a,b}",
    currencies: str = "{KRW,KRW}",
    merchant: str = "1",
) -> str:
    return (
        f'({merchant},false,2026-11-20,"{accounts_}","{amounts}",{reverses},event,key,"{components}","{currencies}"'
        ',"","","","","",{})'
    )


def test_a_plain_journal_goes_the_short_way_and_a_known_one_the_long_way_too() -> None:
    wanted = Posting("record", "order-1", DAY, [debit(CLEARING, 5), credit(ACME, 5)])

    with CaptureQueriesContext(connection) as seen:
        posted = posting.post(scope=BOOKS, posting=wanted, by=BY)
    assert posted is not None
    assert posted.created
    assert [way for way in ("plain_journal", "ledger_post(") if way in str(seen.captured_queries)] == ["plain_journal"]

    with CaptureQueriesContext(connection) as seen:
        assert posting.post(scope=BOOKS, posting=wanted, by=BY) == posting.Posted(posted.journal_id, created=False)
    assert "ledger_post(" in seen.captured_queries[-1]["sql"]


class TestWhatIsNotPlainIsNotWritten:
    """Asked of the view itself, as somebody would who has the application's password."""

    @pytest.mark.parametrize(
        ("amounts", "more"),
        [
            ("{5,-4}", {}),
            ("{5,null}", {}),
            ("{5,-5}", {"reverses": "1"}),
            ("{5,-5}", {"currencies": "{KRW,USD}"}),
            ("{5,-5}", {"currencies": "{USD,USD}"}),
            ("{5,-5}", {"currencies": "{KRW,null}"}),
            ("{5,-5}", {"currencies": "{}"}),
        ],
    )
    def test_amounts_reversals_and_currencies(self, amounts: str, more: dict[str, str]) -> None:
        first, second = ids(CLEARING, ACME)

        assert plainly(literal(f"{{{first},{second}}}", amounts, **more)) is None

        assert not Journal.objects.exists()
        assert Balance.objects.get().version == 0

    @pytest.mark.parametrize("shape", ["[0:1]={%d,%d}", "[2:3]={%d,%d}", "{%d,null}", "{%d,%d,0}"])
    def test_accounts_of_another_shape(self, shape: str) -> None:
        known = ids(CLEARING, ACME)

        assert plainly(literal(shape % tuple(known[: shape.count("%d")]), "{5,-5}")) is None

        assert not Journal.objects.exists()

    @pytest.mark.parametrize(
        ("accounts_", "amounts", "more"),
        [
            ("{%d,%d}", "{2,-1,-1}", {}),
            ("{%d,%d}", "{0}", {}),
            ("{%d,%d}", "{}", {}),
            ("{%d,%d}", "{5,-5}", {"currencies": "{KRW}"}),
            ("{%d,%d}", "{5,-5}", {"components": "{a}"}),
            ("{{%d,%d}}", "{5,-5}", {}),
            ("{%d,%d}", "{0,0}", {}),
        ],
    )
    def test_lists_that_do_not_go_together(self, accounts_: str, amounts: str, more: dict[str, str]) -> None:
        shape = literal(accounts_ % tuple(ids(CLEARING, ACME)), amounts, **more)

        with pytest.raises(DatabaseError), transaction.atomic():
            plainly(shape)

        assert not Journal.objects.exists()
        assert Balance.objects.get().version == 0

    def test_one_leg_is_no_journal(self) -> None:
        (account,) = ids(REVENUE)

        with pytest.raises(DatabaseError), transaction.atomic():
            plainly(literal(f"{{{account}}}", "{0}", components="{a}", currencies="{KRW}"))

        assert not Journal.objects.exists()

    def test_accounts_of_others_of_nobody_and_closed_ones(self) -> None:
        own, theirs = ids(CLEARING, REVENUE), ids(CLEARING, scope=OTHERS)
        trial = ids(CLEARING, scope=Scope(1, is_test=True))

        for second in (*theirs, *trial, 0):
            assert plainly(literal(f"{{{own[0]},{second}}}", "{5,-5}")) is None
        assert plainly(literal(f"{{{own[0]},{own[1]}}}", "{5,-5}", merchant="2")) is None

        assert not Journal.objects.exists()

    def test_an_overdraft_is_refused_by_the_balance_itself(self) -> None:
        first, second = ids(CLEARING, ACME)

        with pytest.raises(DatabaseError) as caught, transaction.atomic():
            plainly(literal(f"{{{first},{second}}}", "{-5,5}"))

        assert "ledger_balance_never_below_zero" in str(caught.value)
        assert not Journal.objects.exists()

    @pytest.mark.parametrize(
        "statement", ["update ledger_plain_journal set id = 1", "delete from ledger_plain_journal"]
    )
    def test_nothing_else_can_be_done_with_it(self, statement: str) -> None:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    def test_there_is_nothing_to_read(self) -> None:
        posting.post(scope=BOOKS, posting=Posting("e", "k", DAY, [debit(CLEARING, 5), credit(ACME, 5)]), by=BY)

        with connection.cursor() as cursor:
            cursor.execute("select * from ledger_plain_journal")
            assert cursor.fetchall() == []


def test_only_the_accounts_of_the_journal_are_looked_at() -> None:
    partners = [Address(Code.PARTNER_PENDING, f"partner-{number}") for number in range(300)]
    account, other, *_rest = accounts.resolve(BOOKS, [CLEARING, *partners])
    before = accounts_read()

    assert plainly(literal(f"{{{account},{other}}}", "{5,-5}")) is not None

    assert accounts_read() - before == 2


def accounts_read() -> int:
    """Return how many rows of accounts this transaction has read."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables"
            " where relname = 'ledger_account'"
        )
        return int(cursor.fetchone()[0])


def test_no_other_trigger_writes_journals() -> None:
    """What a trigger writes is not looked at again, so there is one trigger that may."""
    with connection.cursor() as cursor:
        cursor.execute(
            r"select p.proname from pg_proc p where p.prorettype = 'trigger'::regtype"
            r" and p.prosrc ~* '(into\s+(public\.)?ledger_(journal|entry|plain)|ledger_post)'"
        )
        assert cursor.fetchall() == [("ledger_post_plain",)]


POSTING = "(%s, false, %s, %s::bigint[], %s::bigint[], null, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)::ledger_posting"
SHORT = f"insert into ledger_plain_journal (posting) select {POSTING} returning id"
LONG = f"select ledger_post({POSTING})"

amounts = st.integers(-1_000, 1_000)
some_legs = st.lists(st.builds(Leg, st.sampled_from(ADDRESSES), amounts, st.sampled_from(["", "order", 'a "b", \\c'])))


def written(scope: Scope) -> list[Any]:
    """Return all that stands in the books of a scope, without ids and moments."""
    found: list[Any] = []
    for journal in Journal.objects.within(scope).order_by("pk"):
        told = {name: value for name, value in vars(journal).items() if not isinstance(value, datetime)}
        for apart in ("_state", "id", "merchant_id"):
            told.pop(apart)
        # What is hashed names accounts by their ids, which are not the same in other books.
        assert len(bytes(told.pop("payload_hash"))) == 32
        legs = Entry.objects.filter(journal=journal).order_by("leg_no").select_related("account")
        found.append((told, [(leg.leg_no, Address.of(leg.account), leg.amount, leg.component) for leg in legs]))
    kept = Balance.objects.filter(account__in=Account.objects.within(scope)).select_related("account")
    found.append(sorted((Address.of(row.account), row.balance, row.version) for row in kept))
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(some_legs, min_size=1, max_size=3), st.integers(0, 2))
def test_both_ways_write_the_same(sets: list[list[Leg]], closed: int) -> None:
    short, long = Scope(next(merchants)), Scope(next(merchants))
    for scope in (short, long):
        if closed:
            posting.close_period(scope=scope, until=date(2026, 11, 18 + closed))
    for number, legs in enumerate(sets):
        wanted = Posting(
            "event",
            f"key {number}",
            DAY,
            [*legs, Leg(CLEARING, -sum(leg.amount for leg in legs))],
            origin=Origin("order", f"o-{number}"),
            memo='said "so"',
            attributes={"note": '\\ and "'},
        )
        assert answered(short, wanted, SHORT) == answered(long, wanted, LONG)

    assert written(short) == written(long)
    assert queries.broken_invariants() == []


def answered(scope: Scope, wanted: Posting, way: str) -> str:
    """Post by one of the two ways; say how it ended."""
    legs = wanted.real_legs()
    if len(legs) < 2:
        return "nothing"
    columns = list(zip(*[(leg.amount, leg.component, leg.account.currency) for leg in legs], strict=True))
    figures, components, currencies = map(list, columns)
    first_half: list[Any] = [scope.merchant_id, DAY, ids(*[leg.account for leg in legs], scope=scope), figures]
    told = [wanted.origin.kind, wanted.origin.public_id, str(BY), BY.request_id, wanted.memo, '{"note": "a"}']
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(way, [*first_half, wanted.event, wanted.key, components, currencies, *told])
            (journal_id,) = cursor.fetchone()
    except DatabaseError as error:
        return str(error).splitlines()[0]
    assert journal_id > 0
    return "posted"
