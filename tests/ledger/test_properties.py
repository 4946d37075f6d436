"""Protects the books under any sequence of events: what stands is what was let in, however and how often it came."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import IntegrityError
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import actor
from core.money import MAX_AMOUNT
from core.scope import Scope
from ledger import posting, queries
from ledger.accounts import Address
from ledger.chart import BY_CODE, Code
from ledger.models import Account, Entry, Journal
from ledger.posting import Leg, Posting

BY = actor.system("test")
FIRST_DAY = date(2026, 11, 1)
ACCOUNTS = [
    Address(code, owner, currency)
    for currency in ("KRW", "USD")
    for code, owner in (
        (Code.PARTNER_PENDING, "acme"),
        (Code.PARTNER_PENDING, "globex"),
        (Code.PARTNER_AVAILABLE, "acme"),
        (Code.PARTNER_RECEIVABLE, "acme"),
        (Code.PLATFORM_FEE_REVENUE, ""),
    )
]
# One database serves all examples of a test; each example keeps books of its own in it.
merchants = count(1)
on_one_database = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

amounts = st.integers(-1_000, 1_000) | st.sampled_from([MAX_AMOUNT, -MAX_AMOUNT])
days = st.integers(0, 4).map(lambda n: FIRST_DAY + timedelta(days=n))
some_legs = st.lists(st.builds(Leg, st.sampled_from(ACCOUNTS), amounts, st.just("")), max_size=4)


def balanced(legs: Sequence[Leg]) -> list[Leg]:
    """Return the legs with one more per currency, on an account without a floor, that makes them sum to zero."""
    sums = Counter[str]()
    for leg in legs:
        sums[leg.account.currency] += leg.amount
    return [*legs, *(Leg(Address(Code.CLEARING, "", currency), -amount) for currency, amount in sums.items())]


@dataclass(slots=True)
class Model:
    """What the books must say, kept in plain Python."""

    scope: Scope = field(default_factory=lambda: Scope(next(merchants)))
    balances: Counter[Address] = field(default_factory=Counter)
    posted: list[tuple[Posting, int]] = field(default_factory=list)
    reversed: set[int] = field(default_factory=set)

    def allows(self, legs: Sequence[Leg]) -> bool:
        """Say whether no account with a floor would cross zero."""
        after = self.moved_by(legs)
        return all(
            after[account] * BY_CODE[account.code].side >= 0 for account in after if BY_CODE[account.code].guarded
        )

    def moved_by(self, legs: Sequence[Leg]) -> Counter[Address]:
        """Return the balances after these legs."""
        after = Counter(self.balances)
        for leg in legs:
            after[leg.account] += leg.amount
        return after

    def posting(self, legs: Sequence[Leg], on: date) -> Posting:
        """Return a posting under a key of its own."""
        return Posting("event", f"{len(self.posted)}", on, balanced(legs))

    # What may happen. Each step does one thing through the door and says what must have come of it.

    def post(self, legs: Sequence[Leg], on: date, _pick: int) -> None:
        """Post, and expect exactly the overdrafts to be refused."""
        wanted = self.posting(legs, on)
        if not self.allows(wanted.legs):
            with pytest.raises(posting.InsufficientBalance):
                posting.post(scope=self.scope, posting=wanted, by=BY)
            return
        stands = posting.post(scope=self.scope, posting=wanted, by=BY)
        assert (stands is None) == (len(wanted.real_legs()) < 2)
        if stands is not None:
            assert stands.created
            self.balances = self.moved_by(wanted.legs)
            self.posted.append((wanted, stands.journal_id))

    def post_unbalanced(self, legs: Sequence[Leg], on: date, pick: int) -> None:
        """Post something that is off by a little, which nothing may let through."""
        # With the minus sign it sums to zero, but not in each currency.
        off = [*balanced(legs), Leg(ACCOUNTS[0], pick % 2 * 2 - 1), Leg(ACCOUNTS[-1], 1)]
        with pytest.raises(IntegrityError) as caught:
            posting.post(scope=self.scope, posting=Posting("unbalanced", "x", on, off), by=BY)
        assert posting.refused_by(caught.value) == "ledger_journal_balanced"

    def post_again(self, _legs: Sequence[Leg], _on: date, pick: int) -> None:
        """Post an earlier event once more, alone and in a set."""
        if self.posted:
            earlier, journal_id = self.posted[pick % len(self.posted)]
            again = posting.post(scope=self.scope, posting=earlier, by=BY)
            assert again == posting.Posted(journal_id, created=False)
            assert posting.post_many(scope=self.scope, postings=[earlier, earlier], by=BY) == 0

    def post_differently(self, legs: Sequence[Leg], on: date, pick: int) -> None:
        """Post other legs under an earlier event's key."""
        if self.posted:
            earlier, _journal_id = self.posted[pick % len(self.posted)]
            other = Posting(earlier.event, earlier.key, on, [*earlier.legs, *balanced([*legs, Leg(ACCOUNTS[-1], 7)])])
            with pytest.raises(posting.PostedDifferently):
                posting.post(scope=self.scope, posting=other, by=BY)
            with pytest.raises(posting.PostedDifferently):
                posting.post_many(scope=self.scope, postings=[other], by=BY)

    def reverse(self, _legs: Sequence[Leg], _on: date, pick: int) -> None:
        """Take an earlier journal back, once."""
        if not self.posted:
            return
        earlier, journal_id = self.posted[pick % len(self.posted)]
        mirrored = [Leg(leg.account, -leg.amount) for leg in earlier.legs]
        first = journal_id not in self.reversed
        if first and not self.allows(mirrored):
            with pytest.raises(posting.InsufficientBalance):
                posting.reverse(scope=self.scope, journal_id=journal_id, on=FIRST_DAY, by=BY)
        elif first:
            posting.reverse(scope=self.scope, journal_id=journal_id, on=FIRST_DAY, by=BY)
            self.balances = self.moved_by(mirrored)
            self.reversed.add(journal_id)
        else:
            again = posting.reverse(scope=self.scope, journal_id=journal_id, on=FIRST_DAY, by=BY)
            assert again is not None
            assert not again.created

    def post_many(self, legs: Sequence[Leg], on: date, pick: int) -> None:
        """Post each leg as a journal of its own, all in one set: either all stand or none."""
        wanted = [
            Posting("set", f"{len(self.posted)}-{pick}-{number}", on, balanced([leg]))
            for number, leg in enumerate(legs)
            if leg.amount
        ]
        together = [leg for one in wanted for leg in one.legs]
        before = set(Journal.objects.within(self.scope).values_list("pk", flat=True))
        if not self.allows(together):
            with pytest.raises(posting.InsufficientBalance):
                posting.post_many(scope=self.scope, postings=wanted, by=BY)
            assert set(Journal.objects.within(self.scope).values_list("pk", flat=True)) == before
        else:
            assert posting.post_many(scope=self.scope, postings=wanted, by=BY) == len(wanted)
            self.balances = self.moved_by(together)
            ids = dict(Journal.objects.within(self.scope).filter(event_type="set").values_list("event_key", "pk"))
            self.posted += [(one, ids[one.key]) for one in wanted]

    def fold(self, _legs: Sequence[Leg], _on: date, _pick: int) -> None:
        """Move the mark of the day totals, which no balance may notice."""
        queries.fold()
        queries.fold()

    def check(self) -> None:
        """Compare the stored books, read in three ways, with what must be there."""
        accounts = {account.pk: Address.of(account) for account in Account.objects.within(self.scope)}
        wanted = {account: amount for account, amount in self.balances.items() if amount}
        read = queries.balances(list(accounts))
        assert {accounts[pk]: figure.balance for pk, figure in read.items() if figure.balance} == wanted
        summed = Entry.objects.filter(account__in=accounts).values_list("account").annotate(Sum("amount"))
        assert {accounts[pk]: amount for pk, amount in summed if amount} == wanted
        trial = Counter[str]()
        for row in queries.trial_balance(self.scope):
            trial[row.currency] += row.balance
        assert not any(trial.values())

    def check_day(self, on: date) -> None:
        """Compare the balances of a day with plain sums of the legs up to it."""
        until = defaultdict[int, int](int)
        for pk, amount in Entry.objects.filter(
            journal__in=Journal.objects.within(self.scope).filter(effective_date__lte=on)
        ).values_list("account", "amount"):
            until[pk] += amount
        pks = list(Account.objects.within(self.scope).values_list("pk", flat=True))
        assert {pk: figure.balance for pk, figure in queries.balances(pks, on).items()} == {pk: until[pk] for pk in pks}


STEPS = [
    Model.post,
    Model.post,
    Model.post,
    Model.post_many,
    Model.post_unbalanced,
    Model.post_again,
    Model.post_differently,
    Model.reverse,
    Model.fold,
]
steps = st.lists(st.tuples(st.sampled_from(STEPS), some_legs, days, st.integers(0, 99)), max_size=12)


@on_one_database
@given(sequence=steps, day=days)
def test_any_sequence_of_events_leaves_exactly_what_it_let_in(committed_db: str, sequence: Any, day: date) -> None:  # noqa: ARG001 - the database it commits to
    model = Model()

    for step, legs, on, pick in sequence:
        step(model, legs, on, pick)
        model.check()

    model.check_day(day)
    assert queries.broken_invariants() == []


# Texts that mean something to whoever writes or reads an array or a row.
odd_texts = ["fee", "", 'a "quoted" fee', "a\\b", "{a,b}", "(a,b)", 'a","b', "\\", '"', "NULL", "%s", "수수료"]
components = st.sampled_from(odd_texts)
# Only credits to accounts with a credit floor: such postings are welcome in every order.
welcome = st.lists(
    st.tuples(st.sampled_from(ACCOUNTS[:3]), st.integers(1, 10**9), components, days), min_size=1, max_size=20
).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(range(len(rows)))))


texts = components | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@on_one_database
@given(said=st.tuples(*[texts] * 8), reverses=st.none() | st.just("the first"))
def test_the_books_say_what_was_said(committed_db: str, said: tuple[str, ...], reverses: str | None) -> None:  # noqa: ARG001 - the database it commits to
    scope = Scope(next(merchants))
    event, key, component, kind, public_id, name, request_id, memo = said
    legs = [Leg(account, amount, component) for account, amount in ((ACCOUNTS[4], -5), (Address(Code.CLEARING), 5))]
    first = posting.post(scope=scope, posting=Posting("first", "", FIRST_DAY, legs), by=BY) if reverses else None
    wanted = Posting(
        *(f"{event} ", key, FIRST_DAY, legs),
        origin=posting.Origin(kind, public_id),
        memo=memo,
        reverses=first.journal_id if first else None,
        attributes={memo: [name, None, 1]} if memo else {},
    )

    stands = posting.post(scope=scope, posting=wanted, by=replace(BY, name=name, request_id=request_id))

    assert stands is not None
    journal = Journal.objects.get(pk=stands.journal_id)
    assert (journal.event_type, journal.event_key, journal.business_date) == (f"{event} ", key, FIRST_DAY)
    assert (journal.origin_kind, journal.origin_id, journal.memo) == (kind, public_id, memo)
    assert (journal.actor, journal.request_id) == (f"system:{name}", request_id)
    assert (journal.reverses_id, journal.attributes) == (wanted.reverses, wanted.attributes)
    assert [entry.component for entry in queries.entries_of(journal)] == [component, component]


@on_one_database
@given(drawn=welcome)
def test_one_by_one_or_in_a_set_and_in_any_order_the_books_are_equal(committed_db: str, drawn: Any) -> None:  # noqa: ARG001 - the database it commits to
    rows, order = drawn
    postings = [
        Posting("event", f"{number}{component}", on, balanced([Leg(account, -amount, component)]))
        for number, (account, amount, component, on) in enumerate(rows)
    ]
    alone, together = Scope(next(merchants)), Scope(next(merchants))

    for one in postings:
        posting.post(scope=alone, posting=one, by=BY)
    assert posting.post_many(scope=together, postings=[postings[n] for n in order + order[:3]], by=BY) == len(postings)

    def told(scope: Scope) -> list[Any]:
        return sorted(
            (
                j.event_key,
                j.business_date,
                j.leg_count,
                *((Address.of(e.account), e.amount, e.component) for e in queries.entries_of(j)),
            )
            for j in Journal.objects.within(scope)
        )

    assert told(alone) == told(together)
    assert [(r.code, r.currency, r.debit, r.credit) for r in queries.trial_balance(alone)] == [
        (r.code, r.currency, r.debit, r.credit) for r in queries.trial_balance(together)
    ]
    # What was posted one by one is known to the set as well, and the other way round.
    assert posting.post_many(scope=alone, postings=postings, by=BY) == 0
    assert not any(
        stands.created for stands in (posting.post(scope=together, posting=p, by=BY) for p in postings) if stands
    )
    # Two different payloads under one key are refused even when they come in the same set.
    other = replace(postings[0], key="new", on=FIRST_DAY + timedelta(days=9))
    with pytest.raises(posting.PostedDifferently):
        posting.post_many(scope=alone, postings=[replace(postings[0], key="new"), other], by=BY)
    assert len(told(alone)) == len(postings)
    assert queries.broken_invariants() == []
