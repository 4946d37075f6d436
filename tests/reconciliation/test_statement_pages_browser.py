"""Protects the way of a bank statement through a real browser: accessible, wide and narrow, light and dark."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, expect

from reconciliation.models import Statement, StatementMapping, StatementState
from tests.console.browser import LOOKS, Page, opened
from tests.payouts.world import world
from tests.reconciliation.test_statement_pages import Desk, from_bank, moves, paid, sheet, work


def enter(page: Page, desk: Desk) -> None:
    """Sign in without the form: the session of the test's own client."""
    cookie = desk.browser().cookies["session"]
    page.tab.context.add_cookies([{"name": "session", "value": cookie.value, "url": page.site}])


@pytest.fixture
def desk(site: str, tmp_path: Path) -> Iterator[Desk]:  # noqa: ARG001 - rows go to the site's database
    with world(tmp_path) as made:
        yield Desk(made)


@pytest.mark.parametrize(("dark", "narrow"), LOOKS)
def test_every_page_is_accessible_and_quiet(
    browser: Browser, site: str, desk: Desk, *, dark: bool, narrow: bool
) -> None:
    paid(desk, 5_000, 7_000)
    desk.confirmed(sheet(*moves(50_000, -500)))
    desk.upload(from_bank(desk))
    waiting = Statement.objects.get(state=StatementState.UNDERSTOOD)
    deposit, fee = desk.line(amount=50_000), desk.line(amount=-500)
    pages = [
        *((name, ()) for name in ("statements", "statement-upload", "statement-desk", "statement-lines")),
        *(("statement", (one.public_id,)) for one in Statement.objects.all()),
        *(("statement-line", (one.pk,)) for one in (deposit, fee)),
        *((f"statement-{name}", (fee.pk,)) for name in ("fee", "write-off")),
        ("statement-top-up", (deposit.pk,)),
    ]
    look = f"{'dark' if dark else 'light'}-{'390' if narrow else '1440'}"
    with opened(browser, site, dark=dark, narrow=narrow) as page:
        enter(page, desk)
        for place, (name, args) in enumerate(pages):
            page.open(reverse(f"reconciliation:{name}", args=args))
            page.check()
            page.shot(f"{place}-{name}-{look}")
        page.open(reverse("reconciliation:statement-line", args=[fee.pk]))
        page.tab.get_by_role("link", name="은행 수수료로 처리").click()
        expect(page.tab.locator("#dialog[open]")).to_contain_text("500")
        page.check()
    assert waiting.line_count == 2


@pytest.mark.parametrize("narrow", [False, True])
def test_columns_are_chosen_while_the_file_stays_where_it_is(
    browser: Browser, site: str, desk: Desk, tmp_path: Path, *, narrow: bool
) -> None:
    file = tmp_path / "bank.csv"
    file.write_bytes(sheet(*moves(5_000, -300)))
    with opened(browser, site, narrow=narrow) as page:
        enter(page, desk)
        page.open(reverse("reconciliation:statement-upload"))
        page.tab.set_input_files("#file", str(file))
        expect(page.tab.locator("#columns")).to_contain_text("모든 줄의 잔액이 앞줄과 이어져요")
        page.check()
        page.shot(f"columns-{'390' if narrow else '1440'}")
        page.tab.get_by_label("거래 후 잔액", exact=False).first.select_option("")
        expect(page.tab.locator("#columns")).to_contain_text("잔액이 없는 파일")
        page.tab.get_by_label("입금액", exact=False).first.select_option("")
        expect(page.tab.locator("#columns")).to_contain_text("이대로는 읽을 수 없어요")
        page.tab.get_by_label("입금액", exact=False).first.select_option("맡기신금액")
        expect(page.tab.locator("#columns")).to_contain_text("잔액이 없는 파일")
        page.tab.get_by_role("button", name="올리고 확인하기").click()
        page.tab.wait_for_url("**/statements/files/**")
        page.check()
        page.tab.get_by_role("button", name="반영하기").click()
        expect(page.tab.locator("#st-live")).to_contain_text("맞추고 있어요")
        work()
        expect(page.tab.locator("#st-live")).not_to_contain_text("맞추고 있어요")
        page.check()
    assert StatementMapping.objects.get().mapping["balance"] == ""
