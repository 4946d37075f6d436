"""Protects the meaning of the books: the 51 kinds of event, told as one story, leave every account where it belongs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest
from django.db.models import F

from core import actor
from core.scope import Scope
from ledger import posting, queries
from ledger.accounts import Address
from ledger.chart import BY_CODE, Code
from ledger.models import Account, Balance, Entry, Journal
from ledger.posting import Leg, Posting

BOOKS, COPY = Scope(merchant_id=1), Scope(merchant_id=2)
DAY = date(2026, 11, 20)
BY = actor.system("test")

# Number, event, debits, credits. `2010:B 1,000` is account 2010 of partner B with 1,000 won; USD is said.
# B is a business, F and G are individuals, N is billed without VAT, C owes us, R has a rolling reserve, V is a vendor,
# X is paid in dollars.
STORY = """
J01 | the operator tops up | 1010 2,000,000 | 3010 2,000,000
J02 | an order of 10,000 with a shared coupon
    | 1020 8,000; 5010 2,000; 2010:B 1,000; 2010:B 100; 2010:B 240; 2010:B 24; 2010:B 1,000
    | 2010:B 10,000; 4010 1,000; 4020 240; 2210 124; 5011 1,000
J03 | half of it is cancelled before payout
    | 2010:B 5,000; 4010 500; 4020 120; 2210 62; 5011 500
    | 2010:B 500; 2010:B 50; 2010:B 120; 2010:B 12; 2010:B 500; 1020 4,000; 5010 1,000
J04 | a promotion is granted by hand | 5060 50,000 | 2010:B 50,000
J05 | a penalty is taken by hand | 2010:B 2,000 | 4030 2,000
J06 | an individual earns 1,000,000 | 5070 1,000,000 | 2010:F 1,000,000
J07 | the settlement date of B | 2010:B 51,818 | 2020:B 51,818
J08 | the settlement date of F | 2010:F 1,000,000 | 2020:F 1,000,000
J09 | the PG pays, less its fee | 1010 3,900; 5030 100 | 1020 4,000
J10 | the first payout reserves B | 2020:B 51,818 | 2110:B 51,818
J11 | and F, before taxes | 2020:F 1,000,000 | 2110:F 1,000,000
J12 | B's transfer is sent | 2110:B 51,818 | 2120:B 51,818
J13 | F's transfer is sent, net of taxes | 2110:F 967,000 | 2120:F 967,000
J14 | B's transfer succeeds | 2120:B 51,818 | 1010 51,818
J15 | the bank takes a fee for it | 5020 300 | 1010 300
J16 | F's transfer turns out to have succeeded
    | 2120:F 967,000; 2110:F 33,000
    | 1010 967,000; 2220 30,000; 2221 3,000
J17 | the other half is cancelled after payout
    | 1040:B 5,000; 4010 500; 4020 120; 2210 62; 5011 500
    | 1040:B 500; 1040:B 50; 1040:B 120; 1040:B 12; 1040:B 500; 1020 4,000; 5010 1,000
J18 | a new order of 20,000 for B
    | 1020 20,000; 2010:B 2,000; 2010:B 200
    | 2010:B 20,000; 4010 2,000; 2210 200
J19 | its settlement date | 2010:B 17,800 | 2020:B 17,800
J20 | what B owes is taken first | 2020:B 3,818 | 1040:B 3,818
J21 | the second payout reserves B | 2020:B 13,982 | 2110:B 13,982
J22 | it is sent | 2110:B 13,982 | 2120:B 13,982
J23 | the account is closed: failed and held | 2120:B 13,982; 2110:B 13,982 | 2110:B 13,982; 2030:B 13,982
J24 | the account is corrected, the hold released | 2030:B 13,982 | 2020:B 13,982
J25 | the third payout reserves B | 2020:B 13,982 | 2110:B 13,982
J26 | it is sent | 2110:B 13,982 | 2120:B 13,982
J27 | it succeeds | 2120:B 13,982 | 1010 13,982
J28 | the bank sends it back: the money | 1010 13,982 | 2140:B 13,982
J29 | and whose it is | 2140:B 13,982 | 2030:B 13,982
J30 | F's transfer comes back as well: the money | 1010 967,000 | 2140:F 967,000
J31 | and whose it is, the taxes undone | 2140:F 967,000; 2220 30,000; 2221 3,000 | 2030:F 1,000,000
J32 | the statement shows a fee of 500, not 300 | 5020 200 | 1010 200
J33 | ten won are written off | 5050 10 | 1010 10
J34 | somebody pays in 50,000 | 1010 50,000 | 2320 50,000
J35 | it was the operator | 2320 50,000 | 3010 50,000
J36 | the tax invoice of our fee is sent | 2210 200 | 2211 200
J37 | N, who is billed without VAT, matured | 5070 1,000,000 | 2020:N 1,000,000
J38 | N's invoice adds the VAT | 1310 100,000 | 2020:N 100,000
J39 | goods arrive | 5090 1,000,000 | 2410:V 1,000,000
J40 | the vendor's invoice matches within tolerance
    | 2410:V 1,000,000; 5080 5,000; 1310 100,500
    | 2420:V 1,105,500
J41 | C owes 1,500 | 1040:C 1,500 | 1020 1,500
J42 | which is written off | 5040 1,500 | 1040:C 1,500
J43 | X is owed 100.00 dollars | 5070 10,000 USD | 2120:X 10,000 USD
J44 | and paid at 1,400 won, with a fee
    | 2120:X 10,000 USD; 1320 140,000; 5020 1,000
    | 1320 10,000 USD; 1010 141,000
J45 | G earns 200,000, reserved at once | 5070 200,000 | 2110:G 200,000
J46 | G is paid, taxes withheld | 2110:G 200,000 | 1010 193,400; 2220 6,000; 2221 600
J47 | the taxes are remitted | 2220 6,000; 2221 600 | 1010 6,600
J48 | a tenth of R's item is kept back | 1020 100,000; 2010:R 10,000 | 2010:R 100,000; 2040:R 10,000
J49 | and released | 2040:R 10,000 | 2020:R 10,000
J50 | N is paid outside the system | 2020:N 1,100,000; 2110:N 1,100,000 | 2110:N 1,100,000; 3010 1,100,000
J51 | the operator withdraws 100,000 | 3010 100,000 | 1010 100,000
"""

# Balances in the account's own direction, once the named journal stands.
MILESTONES = {
    "J02": {"2010:B": 7_636},
    "J03": {"2010:B": 3_818},
    "J06": {"2010:B": 51_818},
    "J07": {"2010:B": 0, "2020:B": 51_818},
    "J16": {"2120:F": 0, "2110:F": 0, "2220": 30_000, "2221": 3_000},
    "J17": {"1040:B": 3_818, "1020": -4_000},
    "J20": {"1040:B": 0, "2020:B": 13_982},
    "J29": {"2030:B": 13_982, "2140:B": 0},
    "J31": {"2030:F": 1_000_000, "2220": 0, "2221": 0},
    "J35": {"2210": 200, "2320": 0},
    "J36": {"2210": 0, "2211": 200},
    "J40": {"2410:V": 0, "2420:V": 1_105_500},
    "J42": {"1040:C": 0},
    "J44": {"2120:X USD": 0, "1320": 140_000, "1320 USD": -10_000},
    "J47": {"2220": 0, "2221": 0, "2110:G": 0},
    "J49": {"2010:R": 90_000, "2040:R": 0, "2020:R": 10_000},
    "J50": {"2020:N": 0, "2110:N": 0},
    "J51": {"1010": 1_560_572, "3010": 3_050_000},
}


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the story."""

    number: str
    what: str
    legs: tuple[Leg, ...]

    def posting(self) -> Posting:
        return Posting(event="story", key=self.number, on=DAY, legs=self.legs, memo=self.what)


def address(text: str) -> Address:
    """Return the account that `2010:B` or `1320 USD` names."""
    account, _space, currency = text.partition(" ")
    code, _colon, owner = account.partition(":")
    return Address(Code(int(code)), owner, currency or "KRW")


def legs(text: str, sign: int) -> Iterator[Leg]:
    """Return the legs that `2010:B 1,000; 2120:X 10,000 USD` names, debits with sign +1, credits with -1."""
    for part in text.split(";"):
        account, amount, *currency = part.split()
        yield Leg(address(" ".join([account, *currency])), sign * int(amount.replace(",", "")))


def story() -> list[Event]:
    """Return the events in order."""
    told = []
    for line in STORY.replace("\n    |", " |").strip().splitlines():
        number, what, debits, credits_ = (part.strip() for part in line.split("|"))
        told.append(Event(number, what, (*legs(debits, 1), *legs(credits_, -1))))
    return told


def books(scope: Scope) -> dict[Address, int]:
    """Return every balance that is not zero, debit positive."""
    accounts = {account.pk: Address.of(account) for account in Account.objects.within(scope)}
    found = queries.balances(list(accounts))
    return {accounts[pk]: figure.balance for pk, figure in found.items() if figure.balance}


def assert_journal_is_lawful(event: Event, journal_id: int) -> None:
    stored = list(Entry.objects.filter(journal_id=journal_id).select_related("account").order_by("leg_no"))
    assert [(Address.of(e.account), e.amount) for e in stored] == [(leg.account, leg.amount) for leg in event.legs]
    for currency in {entry.currency for entry in stored}:
        assert sum(entry.amount for entry in stored if entry.currency == currency) == 0, event
    trial = Counter[str]()
    for row in queries.trial_balance(BOOKS):
        trial[row.currency] += row.balance
    assert set(trial.values()) == {0}, event
    assert not Balance.objects.annotate(own=F("balance") * F("side")).filter(own__lt=0).exists(), event


pytestmark = pytest.mark.django_db


def test_the_story_is_complete() -> None:
    assert [event.number for event in story()] == [f"J{number:02}" for number in range(1, 52)]


def test_every_journal_stands_and_every_balance_is_the_sum_of_what_was_told() -> None:
    told = Counter[Address]()

    for event in story():
        posted = posting.post(scope=BOOKS, posting=event.posting(), by=BY)

        assert posted is not None
        assert posted.created, event
        assert_journal_is_lawful(event, posted.journal_id)
        for leg in event.legs:
            told[leg.account] += leg.amount
        assert books(BOOKS) == {account: amount for account, amount in told.items() if amount}, event
        for text, amount in MILESTONES.get(event.number, {}).items():
            assert queries.balance(BOOKS, address(text)) == amount, (event.number, text)
    assert queries.broken_invariants() == []


def test_every_journal_names_accounts_that_can_carry_it() -> None:
    guarded = {leg.account.code for event in story() for leg in event.legs if BY_CODE[leg.account.code].guarded}

    assert guarded == {row.code for row in BY_CODE.values() if row.guarded}


def test_telling_it_twice_changes_nothing() -> None:
    first = [posting.post(scope=BOOKS, posting=event.posting(), by=BY) for event in story()]
    before = books(BOOKS)

    again = [posting.post(scope=BOOKS, posting=event.posting(), by=BY) for event in story()]

    assert [p.journal_id for p in again if p] == [p.journal_id for p in first if p]
    assert not any(p.created for p in again if p)
    assert books(BOOKS) == before


def test_told_at_once_the_books_are_the_same() -> None:
    for event in story():
        posting.post(scope=BOOKS, posting=event.posting(), by=BY)

    assert posting.post_many(scope=COPY, postings=[event.posting() for event in story()], by=BY) == 51

    assert books(COPY) == books(BOOKS)
    assert queries.broken_invariants() == []


def test_taken_back_from_the_end_nothing_is_left() -> None:
    posted = [posting.post(scope=BOOKS, posting=event.posting(), by=BY) for event in story()]

    for journal in reversed(posted):
        assert journal is not None
        posting.reverse(scope=BOOKS, journal_id=journal.journal_id, on=DAY, by=BY)

    assert books(BOOKS) == {}
    assert Journal.objects.within(BOOKS).count() == 2 * 51
