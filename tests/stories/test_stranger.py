"""The main job, as a stranger does it: one command, a file, what is due, a second person, the bank, the Excel files."""

import csv
import io
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
from playwright.sync_api import Browser, expect

from core import clock
from tests.console.browser import Page, opened
from tests.stories.site import PATIENCE_MS, Site, sign_in

ROWS = 1_000
_HEADER = ("정산 유형", "파트너 아이디", "정산일", "정산 금액", "정산 면세액", "메모")


def sheet(partners: list[str], day: datetime, *, wrong: bool) -> bytes:
    """Write 1,000 manual settlements; the wrong file has an unknown partner, half a won, and a month that is none."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_HEADER)
    for row in range(ROWS):
        cells = ["수기 정산", partners[row % len(partners)], f"{day:%Y-%m-%d}", str(1_000 + row), "", f"행사 {row}"]
        if wrong and row == 10:
            cells[1] = "없는-파트너"
        if wrong and row == 20:
            cells[3] = "1.5"
        if wrong and row == 30:
            cells[2] = "2026-13-01"
        writer.writerow(cells)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def upload(page: Page, name: str, content: bytes) -> None:
    page.open("/uploads/manual/")
    page.tab.set_input_files("#file", {"name": name, "mimeType": "text/csv", "buffer": content})
    page.tab.get_by_role("button", name="올리고 확인하기").click()
    page.tab.wait_for_url(re.compile("/uploads/manual/.+"))
    page.settled()


def excel(page: Page, folder: Path, name: str) -> list[dict[str, Any]]:
    """Download the list that is shown as Excel and read its rows by column name."""
    page.tab.locator("summary", has_text="내려받기").click()
    with page.tab.expect_download() as started:
        page.tab.locator("button[name=format][value=xlsx]").click()
    file = folder / f"{name}.xlsx"
    started.value.save_as(file)
    rows = list(openpyxl.load_workbook(file, read_only=True).worksheets[0].iter_rows(values_only=True))
    header = [str(cell) for cell in rows[0]]
    return [dict(zip(header, row, strict=True)) for row in rows[1:]]


def refuse_then_load(page: Page, site: Site, partners: list[str]) -> None:
    """Upload the wrong file, see every refusal by row and column with nothing loaded, then load the corrected one."""
    tab, today = page.tab, datetime.now(clock.SEOUL)
    before = site.records()
    upload(page, "틀린 파일.csv", sheet(partners, today, wrong=True))
    for row, column, reason in (
        ("12", "파트너 아이디", "없는 파트너"),
        ("22", "정산 금액", "원"),
        ("32", "정산일", "날짜"),
    ):
        line = tab.locator("tr", has=tab.get_by_role("cell", name=row, exact=True))
        expect(line).to_contain_text(column)
        expect(line).to_contain_text(reason)
    assert site.records() == before, "nothing was loaded"

    upload(page, "고친 파일.csv", sheet(partners, today, wrong=False))
    tab.get_by_role("button", name="등록하기").click()
    expect(tab.get_by_text("등록 완료")).to_be_visible(timeout=PATIENCE_MS)
    assert site.records() == before + ROWS


def build_and_submit(page: Page) -> str:
    """Choose everything due of today's upload, build a bulk payout and ask for approval; returns its address."""
    tab = page.tab
    page.open("/settlement/due/?type=MANUAL&date_period=today&status=PAYOUT_PREPARED")
    tab.locator("thead input[type=checkbox]").check()
    tab.locator(".bulk input[name=all]").check()
    tab.locator(".bulk").get_by_role("button", name="일괄지급").click()
    tab.get_by_role("button", name="일괄지급 만들기").click()
    submit = tab.get_by_role("link", name="승인 요청하기")
    expect(submit).to_be_visible(timeout=PATIENCE_MS)
    expect(tab.get_by_role("link", name="승인하기")).to_have_count(0)
    submit.click()
    tab.locator("#dialog-body button.primary").click()
    expect(tab.get_by_text("승인을 요청했어요.").first).to_be_visible(timeout=PATIENCE_MS)
    return tab.url.removeprefix(page.site)


def approve_and_watch(page: Page, address: str) -> None:
    """Approve as another person and watch until everything has been sent."""
    page.open(address)
    page.tab.get_by_role("link", name="승인하기").click()
    page.tab.locator("#dialog-body button.primary").click()
    expect(page.tab.locator(".headline .badge").first).to_have_text("완료", timeout=PATIENCE_MS)


def read_totals_back(page: Page, bulk: str, paid: dict[str, int], folder: Path) -> None:
    """Download both lists as Excel and find the same totals in them."""
    page.open(f"/payouts/list/?bulk={bulk}&date_period=all")
    payouts = excel(page, folder, "지급내역")
    assert sum(row["지급 금액"] for row in payouts) == sum(paid.values())
    assert {row["상태"] for row in payouts} == {"지급 성공"}
    assert len(payouts) == len(paid)

    page.open(f"/settlement/records/?bulk_payout={bulk}&type=MANUAL&date_period=today&status=PAID_OUT")
    records = excel(page, folder, "정산내역")
    assert len(records) == ROWS
    assert sum(row["정산 금액"] for row in records) == sum(range(1_000, 1_000 + ROWS))


def test_the_whole_way_from_a_file_to_the_bank(browser: Browser, site: Site, tmp_path: Path) -> None:
    partners = site.payable_partners()
    with opened(browser, site.shown["url"]) as page:
        sign_in(page, site.shown["users"]["operator"])
        refuse_then_load(page, site, partners)
        address = build_and_submit(page)
        assert page.troubles == []

    with opened(browser, site.shown["url"]) as page:
        sign_in(page, site.shown["users"]["approver"])
        approve_and_watch(page, address)
        bulk = address.rpartition("/")[2]
        paid = site.paid(bulk)
        assert len(paid) == len(partners)
        read_totals_back(page, bulk, paid, tmp_path)
        assert page.troubles == []

    succeeded = site.ask("select reference, amount from payouts_attempt where state in ('SUCCEEDED', 'RETURNED')")
    assert site.witness() == dict(succeeded), "the bank's own list is the judge"
    assert site.ask("select sum(amount) from ledger_entry") == [(0,)]
