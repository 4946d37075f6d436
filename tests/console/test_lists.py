"""Protects list pages: only one's own rows, state in the URL, totals of the whole filter, steady query counts."""

import re
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client

from access.roles import Role
from console import lists, totals
from console.lists import page_named
from console.models import SavedView
from core import jobs as background
from core.errors import NotFound
from core.models import Job
from core.scope import Scope
from tests.access import build as people
from tests.console import build
from tests.console.build import CurrencyList, MoneyList
from tests.console.conftest import House
from tests.query_counts import recorded


def ids(response: Any) -> list[str]:
    return re.findall(r'<tr data-href="/jobs/([^/]+)/"', response.content.decode())


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", response.content.decode()))


class TestRows:
    def test_are_those_of_one_merchant_and_environment(self, house: House, stranger: House) -> None:
        mine = build.jobs(house.scope, 3)
        build.jobs(stranger.scope, 3)
        build.jobs(Scope(house.scope.merchant_id, is_test=True), 3)

        assert set(ids(house.browser.get("/jobs/"))) == {job.public_id for job in mine}

    def test_somebody_elses_row_is_as_absent_as_none(self, house: House, stranger: House) -> None:
        (theirs,) = build.jobs(stranger.scope, 1)
        for url in (f"/jobs/{theirs.public_id}/", "/jobs/job-nothing/", f"/jobs/{theirs.public_id}/status/"):
            assert house.browser.get(url).status_code == 404
        assert house.browser.post(f"/jobs/{theirs.public_id}/stop/").status_code == 404
        assert ids(house.browser.get(f"/jobs/?q={theirs.public_id}")) == []

    def test_are_escaped(self, house: House) -> None:
        build.jobs(house.scope, 1, error='<script>alert(1)</script>"')
        assert "<script>alert" not in house.browser.get("/jobs/").content.decode()

    def test_page_through_by_the_links_on_the_page(self, house: House) -> None:
        everything = [job.public_id for job in reversed(build.jobs(house.scope, 50))]
        seen: list[str] = []
        url: str | None = "/jobs/?size=20"
        while url:
            page = house.browser.get(url)
            seen += ids(page)
            found = re.search(r'rel="next" href="([^"]+)"', page.content.decode())
            url = found[1].replace("&amp;", "&") if found else None
        assert seen == everything

    def test_a_cursor_past_the_end_shows_the_first_page(self, house: House) -> None:
        from console.keyset import Cursor

        build.jobs(house.scope, 3)
        beyond = Cursor((build.START, -1)).encode()
        assert len(ids(house.browser.get(f"/jobs/?after={beyond}"))) == 3

    def test_an_empty_list_says_what_to_do(self, house: House) -> None:
        assert "아직 작업이 없어요" in text(house.browser.get("/jobs/"))
        assert "조건 모두 빼기" in text(house.browser.get("/jobs/?state=FAILED"))


class TestUrl:
    def test_a_filter_that_is_not_understood_is_named_and_lists_nothing(self, house: House) -> None:
        build.jobs(house.scope, 3)
        page = house.browser.get("/jobs/?state=NOPE")
        assert ids(page) == []
        assert "고를 수 없는 값이에요: NOPE" in text(page)

    def test_sorting_and_filters_are_carried_by_every_link(self, house: House) -> None:
        build.jobs(house.scope, 60)
        page = house.browser.get("/jobs/?state=FAILED&state=SUCCEEDED&sort=created_at&size=20").content.decode()
        (following,) = re.findall(r'rel="next" href="([^"]+)"', page)
        query = QueryDict(following.replace("&amp;", "&").partition("?")[2])
        assert (query.getlist("state"), query["sort"]) == (["FAILED", "SUCCEEDED"], "created_at")

    def test_columns_and_size_are_remembered_in_the_browser(self, house: House) -> None:
        build.jobs(house.scope, 30)
        house.browser.get("/jobs/?cols=state,note&size=20")
        page = house.browser.get("/jobs/")
        heads = re.findall(r'<th scope="col" class="[^"]*"[^>]*>(?:<a[^>]*>)?([^<]+)', page.content.decode())
        assert heads == ["작업 번호", "상태", "내용"]
        assert len(ids(page)) == 20
        house.browser.get("/jobs/?cols=nothing")
        assert len(re.findall(r'<th scope="col" class="(?!pick)', house.browser.get("/jobs/").content.decode())) == 9


class TestQueries:
    @pytest.mark.parametrize("rows", [1, 120])
    def test_do_not_grow_with_the_rows(self, house: House, rows: int) -> None:
        build.jobs(house.scope, rows)
        house.browser.get("/jobs/")
        with recorded("console:jobs"):
            house.browser.get("/jobs/?size=200")
        with recorded("console:jobs total"):
            house.browser.get("/lists/jobs/total/")


class TestTotals:
    def test_are_those_of_plain_python_for_the_whole_filter(self, house: House) -> None:
        rows = build.jobs(house.scope, 130)
        filters = MoneyList.bind(QueryDict("state=FAILED&stopping=yes"))
        found = totals.quick(MoneyList().queryset(house.scope), filters, MoneyList.columns)
        kept = [job for job in rows if job.state == "FAILED" and job.cancel_requested]
        assert found.exact
        assert found.count == len(kept)
        assert found.sums == {"KRW": {"done": sum(j.done for j in kept), "total": sum(j.total for j in kept)}}

    def test_choice_counts_ignore_their_own_filter_only(self, house: House) -> None:
        rows = build.jobs(house.scope, 60)
        filters = MoneyList.bind(QueryDict("state=FAILED&stopping=no"))
        counts = totals.choice_counts(MoneyList().queryset(house.scope), filters)["state"]
        for state in build.ENDED:
            assert counts[state] == sum(job.state == state and not job.cancel_requested for job in rows)

    def test_currencies_are_never_added_together(self, house: House) -> None:
        rows = build.jobs(house.scope, 40)
        page = CurrencyList()
        found = totals.sums(page.queryset(house.scope), page.columns, page.currency)
        assert found.sums["USD"]["done"] == sum(job.done for job in rows if job.cancel_requested)
        assert found.sums["KRW"]["done"] == sum(job.done for job in rows if not job.cancel_requested)
        assert [figure.endswith("USD") for _, figure, _ in found.written(page.columns)] == [False, False, True, False]

    def test_the_result_line_shows_count_and_sums(self, house: House) -> None:
        rows = build.jobs(house.scope, 45)
        line = text(house.browser.get("/lists/test-money/total/"))
        total = sum(job.done for job in rows)
        assert "총 45건" in line
        assert f"{'-' if total < 0 else ''}₩{abs(total):,}" in line

    def test_what_takes_too_long_is_bounded_and_counted_exactly_by_a_job(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        build.jobs(house.scope, 30)
        slow = "select pg_sleep(5)"

        def sums(*_given: Any) -> Any:
            with connection.cursor() as cursor:
                cursor.execute(slow)

        monkeypatch.setattr(totals, "CAP", 20)
        monkeypatch.setattr(totals, "BUDGET", totals.BUDGET / 20)
        with monkeypatch.context() as patched:
            patched.setattr(totals, "sums", sums)
            line = text(house.browser.get("/lists/test-money/total/"))
        assert "20건 이상" in line
        assert "정확히 세기" in line

        started = house.browser.post("/lists/test-money/total/", {"filters": ""}).content.decode()
        (address,) = re.findall(r'hx-get="(/lists/test-money/total/[^"]+)"', started)
        assert background.run_due_jobs() == 1
        # The job that counts is a row of this list itself.
        assert "총 31건" in text(house.browser.get(address))

    def test_a_slow_count_leaves_the_transaction_usable(self, house: House) -> None:
        with pytest.raises(totals.TooSlow), totals.within(totals.BUDGET / 100), connection.cursor() as cursor:
            cursor.execute("select pg_sleep(5)")
        assert Job.objects.within(house.scope).count() == 0
        with connection.cursor() as cursor:
            cursor.execute("show statement_timeout")
            assert cursor.fetchone() != ("20ms",)

    def test_kept_sums_are_used_where_a_page_has_them(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        kept = totals.Totals(5_000_000, {"KRW": {"done": -7}})
        monkeypatch.setattr(MoneyList, "fast_totals", lambda *_: kept)
        line = text(house.browser.get("/lists/test-money/total/"))
        assert "총 5,000,000건" in line
        assert "-₩7" in line


class TestSavedViews:
    def test_belong_to_one_person_and_list(self, house: House) -> None:
        house.browser.post("/lists/jobs/views/", {"name": "실패만", "query": "state=FAILED"})
        colleague = people.signed_in(house.firm.person("second", Role.OPERATOR))

        assert "실패만" in text(house.browser.get("/jobs/"))
        assert "실패만" not in text(colleague.get("/jobs/"))

    def test_the_same_name_again_replaces_and_remove_removes(self, house: House) -> None:
        for query in ("state=FAILED", "state=SUCCEEDED"):
            house.browser.post("/lists/jobs/views/", {"name": "내 조건", "query": query})
        assert SavedView.objects.get().query == "state=SUCCEEDED"
        house.browser.post("/lists/jobs/views/", {"remove": "내 조건"})
        assert not SavedView.objects.exists()

    def test_need_a_name(self, house: House) -> None:
        assert house.browser.post("/lists/jobs/views/", {"name": "  ", "query": ""}).status_code == 400


class TestRegistry:
    def test_pages_are_found_by_slug(self) -> None:
        assert page_named("jobs").url_name == "console:jobs"
        assert "jobs" in lists.all_pages()
        with pytest.raises(NotFound):
            page_named("nothing")

    def test_an_unknown_list_is_404(self, house: House) -> None:
        assert house.browser.get("/lists/nothing/total/").status_code == 404


def test_strangers_to_the_product_are_sent_to_sign_in(db: None) -> None:  # noqa: ARG001 - needs tables
    for url in ("/", "/jobs/", "/lists/jobs/total/", "/search/?q=x"):
        response = Client().get(url)
        assert response.status_code == 302
        assert response["Location"].startswith("/login/")


def test_the_clock_of_a_selection_is_fixed_by_its_page() -> None:
    monday = MoneyList.bind(QueryDict("date_period=today"), "2026-11-02")
    assert monday.named("date").state["first"].isoformat() == "2026-11-02"
    assert MoneyList.bind(QueryDict(""), "no day").today == MoneyList.bind(QueryDict("")).today
