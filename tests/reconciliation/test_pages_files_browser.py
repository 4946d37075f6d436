"""Protects the way of a vendor's file through a real browser: accessible, wide and narrow, light and dark."""

from dataclasses import replace
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, expect

from access.roles import Role
from core import jobs
from reconciliation.lines import Kind
from reconciliation.models import Batch, BatchState
from tests.access.build import firm
from tests.console.browser import LOOKS, Page, opened
from tests.reconciliation.desk import Desk
from tests.reconciliation.stored import sheet
from tests.reconciliation.writing import Writing, table, written


def enter(page: Page, desk: Desk) -> None:
    """Sign in without the form: the session of the test's own client."""
    cookie = desk.browser(Role.OPERATOR).cookies["session"]
    page.tab.context.add_cookies([{"name": "session", "value": cookie.value, "url": page.site}])


@pytest.fixture
def desk(site: str) -> Desk:  # noqa: ARG001 - rows go to the site's database
    return Desk(firm("한빛마켓"))


def addresses(desk: Desk) -> list[str]:
    """Make files in every state and return the pages about them."""
    made = sheet(6).with_cell(1, "Subtotal", "x").with_cell(2, "Total", "66.34")
    first = desk.accepted(replace(made, rows=[*made.rows, made.rows[0]]), "may.csv")
    second = desk.upload(sheet(5).with_cell(0, "TaxTotal", "7.00"), "may-2.csv")
    refused = desk.upload(sheet().without("Total"), "broken.csv")
    days = table(Kind.NCE_DAILY)
    daily = desk.accepted(replace(days, rows=[row | {"InvoiceNumber": "G1"} for row in days.rows]), "days.csv")
    desk.send(("next.csv", written(sheet(2, "G2"), Writing())))
    loading = Batch.objects.get(state=BatchState.LOADING)
    plain = [reverse(f"reconciliation:{name}") for name in ("files", "files-refused", "file-new")]
    whole = [reverse("reconciliation:file", args=[one.public_id]) for one in (first, second, refused, daily, loading)]
    parts = [("lines", first), ("file-invoice", first), ("file-changes", second), ("file-accept", second)]
    pages = [reverse(f"reconciliation:{name}", args=[one.public_id]) for name, one in (*parts, ("file-daily", daily))]
    lines = [reverse("reconciliation:line", args=[first.public_id, record]) for record in (2, 3, 7)]
    return [*plain, *whole, *pages, *lines]


@pytest.mark.parametrize(("dark", "narrow"), LOOKS)
def test_every_page_is_accessible_and_quiet(
    browser: Browser, site: str, desk: Desk, *, dark: bool, narrow: bool
) -> None:
    paths = addresses(desk)
    with opened(browser, site, dark=dark, narrow=narrow) as page:
        enter(page, desk)
        for path in paths:
            page.open(path)
            page.check()


def test_a_file_is_sent_read_and_accepted(browser: Browser, site: str, desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "may.csv"
    path.write_bytes(written(sheet(), Writing()))
    with opened(browser, site) as page:
        enter(page, desk)
        page.open(reverse("reconciliation:file-new"))
        page.tab.set_input_files("#files", path)
        page.tab.get_by_role("button", name="올리고 확인하기").click()
        expect(page.tab.locator("main")).to_contain_text("파일을 살펴보고 있어요")
        jobs.run_due_jobs()
        # The page asks by itself and becomes that of a file that waits.
        expect(page.tab.locator("main")).to_contain_text("아직 반영하지 않았어요", timeout=15_000)
        page.tab.get_by_role("link", name="반영하기", exact=True).click()
        page.tab.locator("#dialog[open]").get_by_role("button", name="반영하기").click()
        expect(page.tab.locator("main")).to_contain_text("파일을 반영했어요")
        page.check()
    assert Batch.objects.get().state == BatchState.ACCEPTED
