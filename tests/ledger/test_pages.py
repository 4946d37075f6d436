"""Protects the pages of the ledger: every figure opens down to its entries, and debits equal credits on all of them."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from pytest_django import Settings

from access.models import AuditEvent, User
from access.roles import Role
from core import clock
from core.scope import Scope
from ledger import posting, queries
from ledger.accounts import Address
from ledger.chart import Code
from ledger.models import Account, Journal
from ledger.pages import rows
from ledger.posting import Origin, Posting, credit, debit
from tests.access import build as people
from tests.query_counts import recorded

pytestmark = pytest.mark.django_db
TODAY = clock.today()


@dataclass
class Books:
    """A merchant's books, and a viewer who has signed in."""

    scope: Scope
    browser: Client

    def post(
        self, key: str, amount: int, *, days_ago: int = 0, owner: str = "seller-7", currency: str = "KRW"
    ) -> Journal:
        """Post one journal of a partner's order: clearing against pending."""
        on = TODAY - timedelta(days=days_ago)
        legs = [
            debit(Address(Code.CLEARING, "", currency), amount, "PAYMENT"),
            credit(Address(Code.PARTNER_PENDING, owner, currency), amount, "ORDER"),
        ]
        origin = Origin("settlement_record", f"trs-{key}")
        made = posting.post(
            scope=self.scope, posting=Posting("settlement.recorded", key, on, legs, origin), by=people.SETUP
        )
        assert made is not None
        return Journal.objects.get(pk=made.journal_id)

    def account(self, code: Code, owner: str = "") -> Account:
        """Return an account in won."""
        return Account.objects.within(self.scope).get(chart=code, owner=owner, currency="KRW")

    def text(self, url: str) -> str:
        """Return what a person reads on a page."""
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", self.page(url)))

    def page(self, url: str) -> str:
        """Return a page that has to open."""
        answer = self.browser.get(url)
        assert answer.status_code == 200, url
        return answer.content.decode()


@pytest.fixture
def books(settings: Settings) -> Books:
    """The books of a merchant, read by a viewer."""
    settings.PASSWORD_HASHERS = [f"{MD5PasswordHasher.__module__}.{MD5PasswordHasher.__qualname__}"]
    firm = people.firm()
    return Books(firm.scope, people.signed_in(firm.person("viewer", Role.VIEWER)))


def opened(page: str) -> list[str]:
    """Return where clicks on the rows of a list lead."""
    return [url.replace("&amp;", "&") for url in re.findall(r'<tr data-href="([^"]+)"', page)]


class TestEveryPage:
    PAGES = ("/ledger/accounts/", "/ledger/entries/", "/ledger/journals/", "/ledger/trial-balance/")

    @pytest.mark.parametrize("language", ["ko", "en"])
    def test_opens_with_and_without_rows(self, books: Books, language: str) -> None:
        User.objects.update(language=language)
        for url in self.PAGES:
            books.page(url)
        books.post("one", 1_000)
        for url in self.PAGES:
            books.page(url)

    def test_shows_nobody_elses_books(self, books: Books) -> None:
        theirs = Books(people.firm("Sun Shop").scope, books.browser)
        journal = theirs.post("theirs", 777)
        account = theirs.account(Code.CLEARING)
        for url in self.PAGES:
            assert "777" not in books.text(url)
        for url in (f"/ledger/journals/{journal.pk}/", f"/ledger/entries/?account={account.pk}"):
            assert books.browser.get(url).status_code == 404

    @pytest.mark.parametrize("nonsense", ["abc", "-1", "9" * 30, "１"])
    def test_a_number_that_is_none_is_named(self, books: Books, nonsense: str) -> None:
        assert "숫자가 아니에요" in books.text(f"/ledger/entries/?account={nonsense}")
        assert "숫자가 아니에요" in books.text(f"/ledger/accounts/?code={nonsense}")

    def test_queries_stay_the_same_however_many_rows(self, books: Books) -> None:
        names = {"accounts": "/ledger/accounts/", "entries": "/ledger/entries/", "journals": "/ledger/journals/"}
        books.post("first", 1_000)
        for name, url in names.items():
            with recorded(f"ledger:{name}"):
                books.page(url)
        for place in range(6):
            books.post(f"more-{place}", 1_000, owner=f"seller-{place}")
        for name, url in names.items():
            with recorded(f"ledger:{name}"):
                books.page(url)


class TestAccounts:
    def test_balances_are_those_of_the_entries_and_sum_to_zero(self, books: Books) -> None:
        for place in range(5):
            books.post(f"j{place}", 1_000 + place, owner=f"seller-{place % 2}")
        found: Any = rows.account_rows(books.scope)
        shown = dict(found.values_list("pk", "balance"))
        assert shown == {key: row.balance for key, row in queries.balances(list(shown)).items()}
        assert sum(shown.values()) == 0
        line = re.sub(r"<[^>]+>", "", books.page("/lists/ledger-accounts/total/"))
        assert "차변 잔액 합계 ₩5,010" in re.sub(r"\s+", " ", line)
        assert "대변 잔액 합계 ₩5,010" in re.sub(r"\s+", " ", line)

    def test_are_found_by_code_owner_and_group(self, books: Books) -> None:
        books.post("one", 1_000)
        pending = f"/ledger/entries/?account={books.account(Code.PARTNER_PENDING, 'seller-7').pk}"
        for query in ("code=2010", "kw=owner&q=seller-7", "group=2", "owner=seller-7", "kw=name&q=정산 예정"):
            assert opened(books.page(f"/ledger/accounts/?{query}")) == [pending], query

    def test_an_account_shows_its_entries_newest_first_with_its_balances(self, books: Books) -> None:
        first = books.post("old", 1_000, days_ago=40)
        last = books.post("new", 250)
        account = books.account(Code.PARTNER_PENDING, "seller-7")
        url = f"/ledger/entries/?account={account.pk}"

        assert opened(books.page(url)) == [f"/ledger/journals/{last.pk}/", f"/ledger/journals/{first.pk}/"]
        assert "지금 잔액 ₩1,250" in books.text(url)
        lately = books.text(f"{url}&date_period=week")
        assert "기초 잔액 ₩1,000" in lately
        assert "기말 잔액 ₩1,250" in lately
        assert opened(books.page(f"{url}&date_period=week")) == [f"/ledger/journals/{last.pk}/"]


class TestJournals:
    def test_are_found_by_origin_and_day(self, books: Books) -> None:
        old, new = books.post("old", 1_000, days_ago=40), books.post("new", 250)
        urls = [f"/ledger/journals/{journal.pk}/" for journal in (new, old)]
        assert opened(books.page("/ledger/journals/")) == urls
        assert opened(books.page("/ledger/journals/?kw=origin&q=trs-old")) == urls[1:]
        assert opened(books.page("/ledger/journals/?date_period=week")) == urls[:1]
        assert opened(books.page("/ledger/journals/?event=settlement.recorded")) == urls

    def test_one_shows_both_sides_and_where_it_came_from(self, books: Books) -> None:
        journal = books.post("one", 1_000)
        page = books.page(f"/ledger/journals/{journal.pk}/")
        for code, owner in ((Code.CLEARING, ""), (Code.PARTNER_PENDING, "seller-7")):
            assert f"/ledger/entries/?account={books.account(code, owner).pk}" in page
        text = books.text(f"/ledger/journals/{journal.pk}/")
        assert "차변 합계 ₩1,000" in text
        assert "대변 합계 ₩1,000" in text
        assert "정산건 trs-one" in text
        assert "정산건 등록" in text

    def test_a_reversal_and_its_original_lead_to_each_other(self, books: Books) -> None:
        journal = books.post("one", 1_000)
        made = posting.reverse(scope=books.scope, journal_id=journal.pk, on=TODAY, by=people.SETUP)
        assert made is not None
        assert f"/ledger/journals/{made.journal_id}/" in books.page(f"/ledger/journals/{journal.pk}/")
        reversal = f"/ledger/journals/{made.journal_id}/"
        assert f"/ledger/journals/{journal.pk}/" in books.page(reversal)
        assert "정산건 등록 되돌림" in books.text(reversal)

    def test_search_opens_a_journal_by_its_number(self, books: Books) -> None:
        journal = books.post("one", 1_000)
        assert books.browser.get(f"/search/?q=J{journal.pk}")["Location"] == f"/ledger/journals/{journal.pk}/"


class TestTrialBalance:
    def test_is_that_of_a_day_and_its_figures_lead_to_their_entries(self, books: Books) -> None:
        books.post("old", 1_000, days_ago=40)
        books.post("new", 250)
        books.post("dollars", 333, currency="USD")
        yesterday = (TODAY - timedelta(days=1)).isoformat()

        now, before = books.text("/ledger/trial-balance/"), books.text(f"/ledger/trial-balance/?day={yesterday}")

        assert "₩1,250" in now
        assert "3.33 USD" in now
        assert "₩1,250" not in before
        assert "차변과 대변의 합계가 같아요." in before
        page = books.page(f"/ledger/trial-balance/?day={yesterday}")
        (url,) = set(re.findall(r'href="(/ledger/entries/\?code=2010&amp;currency=KRW[^"]*)"', page))
        assert len(opened(books.page(url.replace("&amp;", "&")))) == 1

    def test_a_day_that_is_none_is_named(self, books: Books) -> None:
        assert "날짜를 2026-11-21처럼" in books.text("/ledger/trial-balance/?day=2026-02-30")

    @pytest.mark.parametrize("extension", ["xlsx", "csv"])
    def test_leaves_as_a_file_that_is_audited(self, books: Books, extension: str) -> None:
        books.post("one", 1_000)
        answer: Any = books.browser.get(f"/ledger/trial-balance/?format={extension}")
        content = b"".join(answer.streaming_content)
        assert content[:2] == {"xlsx": b"PK", "csv": b"\xef\xbb"}[extension]
        assert AuditEvent.objects.filter(action="export.downloaded", object_id="ledger-trial-balance").count() == 1
