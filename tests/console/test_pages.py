"""Protects the frame around every page: headers, navigation by role, home, search, health, refusals."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from access.roles import Permission, Role
from console import health, registry, totals
from console.columns import Tone
from console.middleware import ContentSecurityPolicyMiddleware
from console.models import Heartbeat
from console.pages import refused
from core import clock
from core import jobs as background
from core.errors import Conflict
from core.models import JobState
from core.scope import Scope
from tests.access import build as people
from tests.console import build
from tests.console.conftest import House


@pytest.fixture
def clean_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start with the console's own entries alone."""
    for name in ("_entries", "_tiles", "_panels", "_origins", "_related", "_searches"):
        monkeypatch.setattr(registry, name, dict(getattr(registry, name)))


class TestHeaders:
    def test_let_a_page_run_and_load_only_what_is_ours(self, house: House) -> None:
        response = house.browser.get("/jobs/")
        policy = response["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response["Cache-Control"] == "no-store"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Cross-Origin-Opener-Policy"] == "same-origin"

    def test_loosen_styles_on_named_paths_only(self, settings: Any) -> None:
        settings.CSP_INLINE_STYLE_PATHS = ("/docs/",)
        middleware = ContentSecurityPolicyMiddleware(lambda _request: HttpResponse())
        policies = {
            path: middleware(RequestFactory().get(path))["Content-Security-Policy"] for path in ("/docs/", "/x/")
        }
        assert "'unsafe-inline'" in policies["/docs/"].split("style-src")[1]
        assert "'unsafe-inline'" not in policies["/docs/"].split("style-src")[0]
        assert "unsafe-inline" not in policies["/x/"]

    def test_pages_hold_no_inline_style_or_script(self, house: House) -> None:
        build.jobs(house.scope, 3)
        for url in ("/", "/jobs/", "/lists/jobs/total/", "/search/?q=x"):
            page = house.browser.get(url).content.decode()
            assert " style=" not in page
            assert "<style" not in page
            assert "<script>" not in page
            assert " onclick" not in page


class TestNavigation:
    def test_shows_what_a_role_may_open(self, house: House, clean_registry: None) -> None:  # noqa: ARG002
        registry.nav("settings", "비밀 설정", "console:search", Permission.MANAGE)
        assert "비밀 설정" not in house.browser.get("/jobs/").content.decode()
        admin = people.signed_in(house.firm.person("boss", Role.ADMIN, code=True))
        assert "비밀 설정" in admin.get("/jobs/").content.decode()

    def test_leaves_out_pages_that_are_not_there(self, house: House, clean_registry: None) -> None:  # noqa: ARG002
        registry.nav("payouts", "아직 없는 화면", "nowhere:yet", Permission.VIEW)
        assert "아직 없는 화면" not in house.browser.get("/").content.decode()

    def test_marks_the_page_one_is_on_also_on_its_details(self, house: House) -> None:
        (job,) = build.jobs(house.scope, 1)
        for url in ("/jobs/", f"/jobs/{job.public_id}/"):
            assert 'href="/jobs/" aria-current="page"' in house.browser.get(url).content.decode()

    @pytest.mark.parametrize("url", ["matching:order-new", "matching:experiment-new", "matching:receipt-new"])
    def test_marks_the_list_of_what_is_being_made(self, house: House, url: str) -> None:
        there = reverse(f"{url.removesuffix('-new')}s")
        assert f'href="{there}" aria-current="page"' in house.browser.get(reverse(url)).content.decode()

    def test_refuses_a_section_nobody_knows(self) -> None:
        with pytest.raises(LookupError):
            registry.nav("nothing", "x", "console:jobs", Permission.VIEW)


class TestHome:
    def test_counts_what_waits_in_ones_own_scope(self, house: House, clean_registry: None) -> None:  # noqa: ARG002
        asked: list[Scope] = []

        def count(scope: Scope) -> int:
            asked.append(scope)
            return 1_234

        registry.tile("승인 대기", count, "/jobs/?state=QUEUED", tone=Tone.WARNING, permission=Permission.VIEW)
        registry.tile("비밀", count, "/", permission=Permission.MANAGE)
        page = house.browser.get("/").content.decode()
        assert "1,234" in page
        assert 'href="/jobs/?state=QUEUED"' in page
        assert "비밀" not in page
        assert asked == [house.scope]

    def test_does_not_wait_for_a_slow_count(
        self,
        house: House,
        clean_registry: None,  # noqa: ARG002
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def slow(_scope: Scope) -> int:
            with connection.cursor() as cursor:
                cursor.execute("select pg_sleep(20)")
            return 1

        monkeypatch.setattr(totals, "BUDGET", timedelta(milliseconds=40))
        registry.tile("느린 일", slow, "/", permission=Permission.VIEW)
        assert "많음" in house.browser.get("/").content.decode()


class TestLinksBetweenModules:
    def test_origins_lead_to_where_a_row_came_from(self, clean_registry: None) -> None:  # noqa: ARG002
        assert registry.origin_link("voucher", "inv-1") is None
        registry.origin("voucher", "송장", lambda public_id: f"/invoices/{public_id}/")
        link = registry.origin_link("voucher", "inv-1")
        assert link == registry.Link("송장 inv-1", "/invoices/inv-1/")
        assert registry.origin_link("voucher", "") is None

    def test_related_panels_may_stay_away(self, clean_registry: None) -> None:  # noqa: ARG002
        request: Any = RequestFactory().get("/")
        registry.related("payout", "a", "첫째", "a.html", lambda _request, key: {"key": key}, order=2)
        registry.related("payout", "b", "둘째", "b.html", lambda _request, _key: None, order=1)
        assert [(p.title, c) for p, c in registry.related_panels("payout", request, "po-1")] == [
            ("첫째", {"key": "po-1"})
        ]


class TestSearch:
    def test_opens_the_one_thing_with_this_id(self, house: House, stranger: House) -> None:
        (job,) = build.jobs(house.scope, 1)
        assert house.browser.get(f"/search/?q= {job.public_id} ")["Location"] == f"/jobs/{job.public_id}/"
        assert "내역이 없어요" in stranger.browser.get(f"/search/?q={job.public_id}").content.decode()
        assert house.browser.get("/search/?q=%00").status_code == 200

    def test_lists_several(self, house: House, clean_registry: None) -> None:  # noqa: ARG002
        (job,) = build.jobs(house.scope, 1)
        registry.search("payout", lambda _scope, word: f"/payouts/{word}/", label="지급")
        page = house.browser.get(f"/search/?q={job.public_id}").content.decode()
        assert f"지급 {job.public_id}" in page
        assert f"작업 {job.public_id}" in page


class TestJobs:
    def test_a_running_job_asks_again_and_an_ended_one_does_not(self, house: House) -> None:
        running, ended = build.jobs(house.scope, 2)
        type(running).objects.filter(pk=running.pk).update(state=JobState.RUNNING, done=30, total=60)
        type(running).objects.filter(pk=ended.pk).update(state=JobState.SUCCEEDED)
        page = house.browser.get(f"/jobs/{running.public_id}/status/").content.decode()
        assert 'hx-trigger="every 1s"' in page
        assert 'value="50"' in page
        assert "hx-trigger" not in house.browser.get(f"/jobs/{ended.public_id}/status/").content.decode()

    def test_ones_own_job_can_be_stopped(self, house: House) -> None:
        (job,) = build.jobs(house.scope, 1, state=JobState.QUEUED, created_by_id=house.operator.pk)
        assert house.browser.post(f"/jobs/{job.public_id}/stop/").status_code == 302
        job.refresh_from_db()
        assert job.state == JobState.CANCELLED

    def test_the_bell_counts_open_jobs(self, house: House) -> None:
        assert "hx-get" not in house.browser.get("/jobs/bell/").content.decode()
        build.jobs(house.scope, 3, state=JobState.QUEUED)
        assert "<b>3</b>" in house.browser.get("/jobs/bell/").content.decode()


class TestRefusal:
    def test_shows_the_sentence_and_never_leads_elsewhere(self, house: House) -> None:
        request: Any = house.browser.get("/jobs/").wsgi_request
        request.META["HTTP_REFERER"] = "https://evil.example/"
        response = refused(request, Conflict("이미 승인했어요."))
        assert response.status_code == 409
        assert "이미 승인했어요." in response.content.decode()
        assert "evil" not in response.content.decode()

    def test_error_pages_are_ours(self, house: House) -> None:
        missing = house.browser.get("/nothing/")
        assert missing.status_code == 404
        assert "찾는 화면이 없어요" in missing.content.decode()


@pytest.mark.django_db
class TestHealth:
    def test_live_asks_nothing(self) -> None:
        assert health.live(RequestFactory().get("/")).status_code == 200
        assert Client().get("/health/live").status_code == 200

    def test_ready_tells_the_age_of_the_last_sweep(self) -> None:
        assert b'"lastSweepAgeSeconds": null' in health.ready(RequestFactory().get("/")).content
        assert background.run_sweeper("console.heartbeat") == 0
        Heartbeat.objects.update(at=clock.now() - timedelta(seconds=90))
        answer = health.ready(RequestFactory().get("/")).content
        assert b'"lastSweepAgeSeconds": 9' in answer
        background.run_sweeper("console.heartbeat")
        assert health.sweep_age(clock.now()) == 0
