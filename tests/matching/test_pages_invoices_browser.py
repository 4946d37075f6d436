"""Protects the way through the invoice pages in a real browser: accessible, wide and narrow, light and dark."""

from decimal import Decimal

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, expect

from matching.models import Invoice, InvoiceStatus
from matching.operations import company
from tests.access.build import firm
from tests.console.browser import LOOKS, Page, opened
from tests.matching.test_pages_invoices import Desk, play


def enter(page: Page, desk: Desk, who: str) -> None:
    """Sign in without the form: the session of the test's own client."""
    cookie = desk.browser(who).cookies["session"]
    page.tab.context.add_cookies([{"name": "session", "value": cookie.value, "url": page.site}])


@pytest.fixture
def desk(site: str) -> Desk:  # noqa: ARG001 - rows go to the site's database
    return Desk(firm("한빛마켓"))


@pytest.mark.parametrize(("dark", "narrow"), LOOKS)
def test_every_page_is_accessible_and_quiet(
    browser: Browser, site: str, desk: Desk, *, dark: bool, narrow: bool
) -> None:
    play(desk, "v8")
    desk.rules(
        match_charges=True,
        match_invoice_totals=True,
        match_price_totals="percentage_and_amount",
        post_invoice_with_discrepancies="require_approval",
        automation_match_receipts=True,
    )
    desk.receive("GR1", "3")
    desk.act("match")
    plain = ("invoices", "discrepancies", "history", "invoice-new")
    one = ("invoice", "details", "totals", "charges", "match-receipts", "invoice-edit", "invoice-post", "invoice-hold")
    paths = [reverse(f"matching:{name}") for name in plain]
    paths += [f"{reverse('matching:invoice-new')}?vendor=V1"]
    paths += [reverse(f"matching:{name}", args=["INV1"]) for name in one]
    with opened(browser, site, dark=dark, narrow=narrow) as page:
        enter(page, desk, "clerk")
        for path in paths:
            page.open(path)
            page.check()
            look = f"{'dark' if dark else 'light'}-{'390' if narrow else '1440'}"
            page.shot(f"{path.strip('/').replace('/', '-').replace('?', '-')[:60]}-{look}")
    with opened(browser, site, dark=dark, narrow=narrow) as page:
        enter(page, desk, "checker")
        page.open(reverse("matching:details", args=["INV1"]))
        page.tab.get_by_role("link", name="불일치 승인").click()
        expect(page.tab.locator("#dialog[open]")).to_contain_text("불일치 사유")
        page.check()


def test_totals_follow_what_is_typed_and_receipts_are_ticked_by_script(browser: Browser, site: str, desk: Desk) -> None:
    desk.order(quantity="10", price="1000", policy="three_way")
    desk.receive("GR1", "6")
    desk.receive("GR2", "4")
    company.save_charge_code(**desk.told(), code="FREIGHT", fields={})
    with opened(browser, site) as page:
        enter(page, desk, "clerk")
        page.open(f"{reverse('matching:invoice-new')}?vendor=V1")
        page.tab.fill("[name=number]", "B-1")
        page.tab.fill("[name=sales_tax]", "1000")
        page.tab.uncheck("[name=matches_receipts]")
        expect(page.tab.locator("#sums")).to_contain_text("11,000")
        page.check()
        page.tab.get_by_role("button", name="저장하기").click()
        page.tab.wait_for_url("**/matching/invoices/inv-*")
        invoice = Invoice.objects.get(number="B-1")
        assert invoice.amount == Decimal(11_000)

        page.tab.get_by_role("link", name="입고 매칭").first.click()
        page.tab.get_by_role("link", name="모두 고르기", exact=True).click()
        assert page.tab.locator("input[name^=quantity]").evaluate_all("all => all.map(one => one.value)") == [
            "6.00",
            "4.00",
        ]
        page.tab.get_by_role("button", name="매칭하기", exact=True).click()
        page.tab.wait_for_url("**/matching/invoices/inv-*")
        page.tab.get_by_role("link", name="전기", exact=True).click()
        page.tab.locator("#dialog[open]").get_by_role("button", name="전기하기").click()
        expect(page.tab.locator("main")).to_contain_text("송장을 전기했어요")
        page.check()
    assert Invoice.objects.get(number="B-1").status == InvoiceStatus.POSTED
