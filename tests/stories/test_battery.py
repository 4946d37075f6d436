"""The batteries: ordered, received, billed too dear, seen why, approved by another, posted, paid, opened up."""

import re

from playwright.sync_api import Browser, expect

from core import clock
from tests.console.browser import Page, opened
from tests.stories.site import PATIENCE_MS, Site, sign_in
from tests.stories.test_stranger import approve_and_watch

VENDOR, ORDER, RECEIPT, NUMBER = "supply-paper", "PO-BATTERY", "GR-BATTERY", "BAT-2026-1"


def order_and_receive(page: Page) -> None:
    """Order 1,000 batteries at 1,000 won, and receive them all."""
    tab = page.tab
    page.open("/matching/order-new/")
    tab.fill("[name=public_id]", ORDER)
    tab.fill("[name=vendor]", VENDOR)
    tab.fill("[name=sales_tax_percent]", "10")
    tab.fill("[name=lines-0-item]", "BATTERY-AA")
    tab.fill("[name=lines-0-quantity]", "1000")
    tab.fill("[name=lines-0-unit_price]", "1000")
    tab.locator("[name=lines-0-policy]").select_option("three_way", force=True)
    tab.locator(".form-actions button.primary").click()
    tab.wait_for_url(f"**/matching/orders/{ORDER}")
    page.open(f"/matching/receipt-new/?order={ORDER}")
    tab.fill("[name=public_id]", RECEIPT)
    expect(tab.locator("[name=line-1-quantity]")).to_have_value("1000")
    tab.locator(".form-actions button.primary").click()
    tab.wait_for_url(f"**/matching/receipts/{RECEIPT}")


def bill(page: Page) -> str:
    """Enter the invoice at 1,100 won, due today, and see that it is a discrepancy; returns its address."""
    tab = page.tab
    page.open(f"/matching/invoice-new/?vendor={VENDOR}&order={ORDER}")
    tab.fill("[name=number]", NUMBER)
    tab.fill("[name=due_date]", clock.today().isoformat())
    tab.fill("[name=sales_tax]", "110000")
    tab.fill("[name=lines-0-unit_price]", "1100")
    expect(tab.locator("#sums")).to_contain_text("1,210,000")
    tab.get_by_role("button", name="저장하기").click()
    tab.wait_for_url(re.compile("/matching/invoices/.+"))
    expect(tab.locator("main")).to_contain_text("불일치")
    return tab.url.removeprefix(page.site)


def see_why(page: Page, address: str) -> None:
    """Open the details: the percentage, the tolerance with its row, and what would make it pass."""
    page.open(address.replace("/invoices/", "/invoice-details/"))
    page.check()
    for told in ("10.00%", "5.00%", "BATTERY-AA / 모든 공급사", "1,100.0000", "1,000.0000", "1,050"):
        expect(page.tab.locator("main")).to_contain_text(told)


def approve_the_discrepancy(page: Page, address: str) -> None:
    """Approve as another person, with a comment."""
    page.open(address.replace("/invoices/", "/invoice-details/"))
    page.tab.get_by_role("link", name="불일치 승인").click()
    dialog = page.tab.locator("#dialog[open]")
    dialog.locator("[name=comment]").fill("납기가 급해서 인정")
    dialog.locator("button.primary").click()
    expect(page.tab.locator("main")).to_contain_text("납기가 급해서 인정")


def post(page: Page, address: str) -> None:
    """Post the invoice."""
    page.open(address)
    page.tab.get_by_role("link", name="전기", exact=False).first.click()
    page.tab.locator("#dialog[open]").locator("button.primary").click()
    expect(page.tab.locator("main")).to_contain_text("전기됨")


def build(page: Page, settlement: str) -> str:
    """Put the settlement of the invoice into a bulk payout, and ask for approval; returns the address."""
    tab = page.tab
    page.open(f"/settlement/due/?kw=number&q={settlement}&date_period=all&status=PAYOUT_PREPARED")
    tab.locator("tbody .pick input").first.check()
    tab.locator(".bulk").get_by_role("button", name="일괄지급").click()
    tab.get_by_role("button", name="일괄지급 만들기").click()
    submit = tab.get_by_role("link", name="승인 요청하기")
    expect(submit).to_be_visible(timeout=PATIENCE_MS)
    submit.click()
    tab.locator("#dialog-body button.primary").click()
    expect(tab.get_by_text("승인을 요청했어요.").first).to_be_visible(timeout=PATIENCE_MS)
    return tab.url.removeprefix(page.site)


def open_every_number(page: Page, site: Site, address: str) -> None:
    """Follow the links from the invoice to its journals, its record, the settlement, the payout and back."""
    tab = page.tab
    page.open(address)
    for amount in ("1,210,000", "1,100,000", "110,000"):
        expect(tab.locator("main")).to_contain_text(amount)
    # The journal: what was waited for, what the price differs by, the VAT, and what the vendor is owed.
    tab.locator("main a[href*='/ledger/journals/']").first.click()
    for amount in ("1,000,000", "100,000", "110,000", "1,210,000"):
        expect(tab.locator("main")).to_contain_text(amount)
    expect(tab.locator("main a[href*='/matching/invoices/']").first).to_be_visible()
    page.open(address)
    tab.locator("main a[href*='/settlement/records/']").first.click()
    expect(tab.locator("main")).to_contain_text("1,210,000")
    expect(tab.locator("main a[href*='/matching/invoices/']").first).to_be_visible()
    payout = site.ask(
        "select p.public_id from payouts_payout p join settlement_partner r on r.id = p.partner_id"
        " join matching_vendor v on v.partner_id = r.id where v.account = %s order by p.id desc limit 1",
        VENDOR,
    )[0][0]
    page.open(f"/payouts/list/?kw=id&q={payout}&date_period=all")
    expect(tab.locator("tbody")).to_contain_text("1,210,000")


def test_the_batteries_from_the_order_to_the_bank(browser: Browser, site: Site) -> None:
    before, people = site.witness(), site.shown["users"]
    with opened(browser, site.shown["url"]) as page:
        sign_in(page, people["operator"])
        order_and_receive(page)
        address = bill(page)
        see_why(page, address)
        with opened(browser, site.shown["url"]) as other:
            sign_in(other, people["approver"])
            approve_the_discrepancy(other, address)
            assert other.troubles == []
        post(page, address)
        bulk = build(page, settlement_of_invoice(site))
        with opened(browser, site.shown["url"]) as other:
            sign_in(other, people["approver2"])
            approve_and_watch(other, bulk)
            assert other.troubles == []
        open_every_number(page, site, address)
        assert page.troubles == []
    paid = {reference: amount for reference, amount in site.witness().items() if reference not in before}
    assert list(paid.values()) == [1_210_000], "what is billed is paid as it is: no VAT on top, no tax withheld"
    assert site.ask("select sum(amount) from ledger_entry") == [(0,)]


def settlement_of_invoice(site: Site) -> str:
    """Return the partner settlement that the posted invoice's record has joined."""
    found = site.ask(
        "select s.public_id from matching_invoice i"
        " join settlement_settlementrecord r on r.public_id = i.settlement_record_id"
        " join settlement_partnersettlement s on s.id = r.partner_settlement_id where i.number = %s",
        NUMBER,
    )
    return str(found[0][0])
