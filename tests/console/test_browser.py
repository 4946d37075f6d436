"""Protects what people see: accessible in light and dark, at 1440 and 390 px, no console errors, keys that work."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from playwright.sync_api import Browser, expect

from access.roles import Role
from console import upload_operations, uploads
from core import clock
from core.models import Job, JobState
from tests.access import build as people
from tests.access.build import Firm
from tests.console import build
from tests.console.browser import LOOKS, Page, opened
from tests.console.build import NoteUpload, note_csv
from tests.console.test_uploads import BY


@pytest.fixture
def firm(site: str) -> Firm:  # noqa: ARG001 - rows go to the site's database
    """A merchant with 120 jobs, one of them running, and two uploads."""
    firm = people.firm("아주 긴 이름을 가진 종합 온라인 유통 플랫폼 주식회사 (구 달빛상점)")
    operator = firm.person("operator", Role.OPERATOR)
    build.jobs(firm.scope, 120, error="조건에 맞는 내역이 없어서 파일을 만들지 않았어요.", created_by_id=operator.pk)
    later = clock.now() + timedelta(hours=1)
    build.jobs(
        firm.scope,
        1,
        public_id="job-running",
        state=JobState.RUNNING,
        total=90,
        done=30,
        created_by_id=operator.pk,
        lease_until=later,
        created_at=later,
    )
    return firm


@pytest.fixture
def upload_urls(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A checked upload and a rejected one."""
    monkeypatch.setattr(uploads, "_kinds", {NoteUpload.kind: NoteUpload()})
    found = []
    for content in (note_csv([("가", "1000"), ("나", "-500")]), note_csv([("가", "1.5"), ("", "x")])):
        file = SimpleUploadedFile("메모.csv", content)
        upload = upload_operations.store(kind=NoteUpload(), scope=firm.scope, file=file, by=BY, now=clock.now())
        upload_operations.check(upload=upload, by=BY, now=clock.now())
        found.append(f"/uploads/test-notes/{upload.public_id}/")
    return found


@pytest.mark.parametrize(("dark", "narrow"), LOOKS)
def test_every_page_is_accessible_and_quiet(
    browser: Browser,
    site: str,
    upload_urls: list[str],
    dark: bool,  # noqa: FBT001 - a parameter of the test
    narrow: bool,  # noqa: FBT001 - likewise
) -> None:
    pages = {
        "home": "/",
        "jobs": "/jobs/",
        "jobs-filtered": "/jobs/?state=FAILED&date_period=this-month&kw=id&q=a%0Ab",
        "jobs-invalid": "/jobs/?state=NOPE&date_from=2026-11-30&date_to=2026-11-01",
        "jobs-empty": "/jobs/?kw=id&q=nothing",
        "job": "/jobs/job-running/",
        "search": "/search/?q=nothing",
        "upload": "/uploads/test-notes/",
        "upload-checked": upload_urls[0],
        "upload-rejected": upload_urls[1],
    }
    with opened(browser, site, dark=dark, narrow=narrow) as page:
        page.open("/login/")
        page.check()
        page.sign_in("operator")
        for name, path in pages.items():
            page.open(path)
            page.shot(f"{name}-{'dark' if dark else 'light'}-{'390' if narrow else '1440'}")
            page.check()


def test_filters_pages_and_back_keep_their_state(browser_page: Page, firm: Firm) -> None:  # noqa: ARG001
    page, tab = browser_page, browser_page.tab
    page.sign_in("operator")
    page.open("/jobs/")
    expect(tab.locator(".result-line")).to_contain_text("121")
    tab.locator("#f-state-FAILED").check()
    tab.get_by_role("button", name="조회", exact=True).click()
    tab.wait_for_url("**state=FAILED**")
    page.settled()
    expect(tab.locator(".result-line")).to_contain_text("40")
    expect(tab.locator(".chips li")).to_have_count(1)
    tab.select_option("#size", "20")
    tab.wait_for_url("**size=20**")
    page.settled()
    first = tab.locator("tbody tr").first.get_attribute("data-href")
    tab.locator(".pager [rel=next]").click()
    tab.wait_for_url("**after=**")
    page.settled()
    assert tab.locator("tbody tr").first.get_attribute("data-href") != first
    tab.go_back()
    page.settled()
    assert tab.locator("tbody tr").first.get_attribute("data-href") == first
    tab.locator(".chips a").click()
    tab.wait_for_function("() => !location.search.includes('state=FAILED')")
    assert page.troubles == []


def test_rows_are_chosen_and_acted_on_by_mouse_and_keyboard(browser_page: Page, firm: Firm) -> None:
    page, tab = browser_page, browser_page.tab
    page.sign_in("operator")
    page.open("/jobs/?state=RUNNING")
    expect(tab.locator(".bulk")).to_be_hidden()
    tab.keyboard.press("j")
    tab.keyboard.press("x")
    expect(tab.locator("[data-picked]")).to_have_text("1")
    tab.locator("[data-opens-dialog]").click()
    expect(tab.locator("#dialog")).to_be_visible()
    page.check()
    tab.keyboard.press("Escape")
    expect(tab.locator("#dialog")).to_be_hidden()
    tab.locator("[data-opens-dialog]").click()
    tab.locator("#dialog button.danger").click()
    expect(tab.locator(".note.success")).to_contain_text("1개")
    assert Job.objects.within(firm.scope).get(public_id="job-running").cancel_requested
    page.open("/jobs/?state=FAILED")
    tab.locator("[data-all]").check()
    expect(tab.locator("[data-picked]")).to_have_text("40")
    tab.locator("tbody tr").nth(2).locator("td.k-moment").first.click()
    tab.wait_for_url("**/jobs/job-*/")
    assert page.troubles == []


def test_a_running_job_shows_its_end_by_itself(browser_page: Page, firm: Firm) -> None:  # noqa: ARG001
    page, tab = browser_page, browser_page.tab
    page.sign_in("operator")
    page.open("/jobs/job-running/")
    expect(tab.locator("progress")).to_be_visible()
    Job.objects.filter(public_id="job-running").update(state=JobState.SUCCEEDED, finished_at=clock.now(), done=90)
    expect(tab.locator(".job .badge.success")).to_be_visible()
    expect(tab.locator("progress")).to_have_count(0)
    page.check()


def test_menus_columns_and_copying_work(browser_page: Page, firm: Firm) -> None:  # noqa: ARG001
    page, tab = browser_page, browser_page.tab
    page.sign_in("operator")
    page.open("/jobs/")
    tab.locator("tbody tr").first.hover()
    tab.locator("tbody .copy").first.click()
    expect(tab.locator(".toast")).to_be_visible()
    assert tab.evaluate("navigator.clipboard.readText()") == "job-running"
    tab.get_by_text("열", exact=True).click()
    page.check()
    tab.locator("[data-columns] label", has_text="사유").click()
    tab.locator("[data-columns] button").click()
    expect(tab.get_by_role("columnheader", name="사유")).to_have_count(0)
    tab.get_by_label("내 메뉴").click()
    page.check()
    tab.get_by_role("button", name="어둡게").click()
    expect(tab.locator("html[data-theme=dark]")).to_have_count(1)
    tab.get_by_label("내 메뉴").click()
    tab.get_by_role("button", name="English").click()
    expect(tab.locator("html[lang=en]")).to_have_count(1)
    tab.keyboard.press("[")
    expect(tab.locator("html.folded")).to_have_count(1)
    tab.reload()
    expect(tab.locator("html.folded")).to_have_count(1)
    page.check()


def test_the_navigation_opens_on_a_phone(browser: Browser, site: str, firm: Firm) -> None:  # noqa: ARG001
    with opened(browser, site, narrow=True) as page:
        page.sign_in("operator")
        expect(page.tab.locator("#sidebar")).to_be_hidden()
        page.tab.get_by_label("메뉴 열기").click()
        expect(page.tab.locator("#sidebar")).to_be_visible()
        page.check()
        page.tab.get_by_label("메뉴 닫기").click()
        expect(page.tab.locator("#sidebar")).to_be_hidden()
