"""A vendor's bill: uploaded, understood, compared, every difference decided, the reseller charged and paid the rest."""

import csv
import io
import json
import re
import urllib.request

from playwright.sync_api import Browser, expect

from core import clock
from tests.console.browser import Page, opened
from tests.stories.site import PATIENCE_MS, Site, sign_in
from tests.stories.test_stranger import approve_and_watch

INVOICE, MPN, EARNED = "G999900001", "6299999", 1_000_000
CUSTOMER, PRODUCT = "c0ffee00-0000-4000-8000-{:012d}", "DZH318Z0{:04d}"
# Quantity and price that the vendor bills for each subscription, and what we have: the same, fewer, and nothing.
BILLED, OURS = ((10, 1_000), (20, 2_000), (5, 3_000)), ((10, 1_000), (19, 2_000))
CHARGED = sum(quantity * price for quantity, price in BILLED) * 11 // 10


def vendors_file() -> bytes:
    """Write the vendor's invoice as its portal exports it, all of it through one reseller."""
    head = (
        "CustomerId,CustomerName,InvoiceNumber,MpnId,ResellerMpnId,OrderId,OrderDate,ProductId,SkuId,SkuName,ProductName,"
        "ChargeType,UnitPrice,Quantity,Subtotal,TaxTotal,Total,Currency,SubscriptionId,ChargeStartDate,ChargeEndDate,"
        "EffectiveUnitPrice,BillableQuantity,ReferenceId"
    )
    rows = []
    for place, (quantity, price) in enumerate(BILLED):
        subtotal = quantity * price
        who = f"{CUSTOMER.format(place)},배터리 고객,{INVOICE},6200000,{MPN},order-{place},05/01/2024"
        what = f"{PRODUCT.format(place)},0001,좌석,좌석,cycleCharge,{price},{quantity}"
        money = f"{subtotal},{subtotal // 10},{subtotal * 11 // 10},KRW"
        rows.append(f"{who},{what},{money},sub-{place},05/01/2024,05/31/2024,{price},{quantity},")
    return "\r\n".join([head, *rows, ""]).encode()


def our_records() -> bytes:
    """Write what we billed ourselves."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ("ref", "kind", "customer_id", "subscription_id", "product_id", "sku_id", "currency", "quantity", "unit_price",
         "subtotal", "tax", "period_start", "period_end")
    )  # fmt: skip
    for place, (quantity, price) in enumerate(OURS):
        ids = (CUSTOMER.format(place), f"sub-{place}", PRODUCT.format(place), "0001")
        money = (quantity, price, quantity * price, quantity * price // 10)
        writer.writerow((f"BAT-{place}", "nce_invoice", *ids, "KRW", *money, "2024-05-01", "2024-05-31"))
    return out.getvalue().encode()


def keep_our_side(page: Page) -> None:
    """Upload our billing records."""
    page.open("/uploads/billing-records/")
    page.tab.set_input_files("#file", {"name": "ours.csv", "mimeType": "text/csv", "buffer": our_records()})
    page.tab.get_by_role("button", name="올리고 확인하기").click()
    page.tab.wait_for_url(re.compile("/uploads/billing-records/.+"))
    page.settled()
    page.tab.locator("button[name=action][value=confirm]").click()
    expect(page.tab.get_by_text("등록 완료")).to_be_visible(timeout=PATIENCE_MS)


def send_the_file(page: Page) -> str:
    """Upload the vendor's file, read what was understood, and accept it; returns the file's id."""
    tab = page.tab
    page.open("/reconciliation/file-new/")
    tab.set_input_files("#files", {"name": "bill.csv", "mimeType": "text/csv", "buffer": vendors_file()})
    tab.get_by_role("button", name="올리고 확인하기").click()
    tab.wait_for_url(re.compile("/reconciliation/files/rb-.+"))
    accept = tab.get_by_role("link", name="반영하기")
    expect(accept).to_be_visible(timeout=PATIENCE_MS)
    for told in ("UTF-8", f"{CHARGED:,}", "KRW"):
        expect(tab.locator("main")).to_contain_text(told)
    accept.click()
    tab.locator("#dialog-body button.primary").click()
    expect(tab.locator(".headline .badge").first).to_have_text("반영됨")
    return tab.url.rstrip("/").rsplit("/", 1)[1]


def decide_every_difference(page: Page, batch: str) -> None:
    """Work through the differences one after the other until none is open."""
    tab = page.tab
    page.open(f"/reconciliation/results/{batch}")
    expect(tab.locator("main")).to_contain_text("열린 차이가 2건 있어요", timeout=PATIENCE_MS)
    page.check()
    tab.get_by_role("link", name="열린 차이만 보기").click()
    tab.locator("tbody td a").first.click()
    tab.get_by_role("link", name="차이 인정하기").click()
    tab.locator("#dialog-body [name=reason]").fill("공급사와 확인")
    tab.locator("#dialog-body button[name=next]").click()
    expect(tab.locator(".headline")).to_contain_text("미결정")
    tab.get_by_role("link", name="차이 인정하기").click()
    tab.locator("#dialog-body [name=reason]").fill("우리가 빠뜨림")
    tab.locator("#dialog-body button.primary").click()
    page.open(f"/reconciliation/results/{batch}")
    expect(tab.locator("main")).not_to_contain_text("열린 차이가")


def charge_the_reseller(page: Page, batch: str, partner: str) -> None:
    """Link the reseller's id with a partner, preview, and make the settlement record."""
    tab = page.tab
    page.open(f"/reconciliation/files/{batch}/partners/")
    expect(tab.locator("main")).to_contain_text("모두 더하면 파일의 합계와 같아요")
    tab.get_by_role("link", name="파트너 연결하기").click()
    tab.fill("[name=partner]", partner)
    tab.get_by_role("button", name="연결하기").click()
    tab.get_by_role("button", name="고른 재판매사 정산 미리 보기").click()
    expect(tab.locator("main")).to_contain_text(f"-{CHARGED:,}")
    tab.get_by_role("button", name="정산 만들기").click()
    expect(tab.locator("main")).to_contain_text("정산함")


def earn(site: Site, partner: str) -> None:
    """Let the partner have earned something, as a merchant's backend says it."""
    body = {
        "partnerId": partner,
        "settlementAmount": EARNED,
        "settlementDate": clock.today().isoformat(),
    }
    request = urllib.request.Request(
        f"{site.shown['url']}/platform/transfers/manual",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"PortOne {site.shown['apiSecret']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def build(page: Page, partner: str) -> str:
    """Put what the partner earned and owes into one bulk payout, and ask for approval; returns the address."""
    tab = page.tab
    page.open(f"/settlement/due/?partner={partner}&type=MANUAL&date_period=today&status=PAYOUT_PREPARED")
    expect(tab.locator("tbody tr")).to_have_count(2)
    tab.locator("thead input[type=checkbox]").check()
    tab.locator(".bulk").get_by_role("button", name="일괄지급").click()
    tab.get_by_role("button", name="일괄지급 만들기").click()
    submit = tab.get_by_role("link", name="승인 요청하기")
    expect(submit).to_be_visible(timeout=PATIENCE_MS)
    submit.click()
    tab.locator("#dialog-body button.primary").click()
    expect(tab.get_by_text("승인을 요청했어요.").first).to_be_visible(timeout=PATIENCE_MS)
    return tab.url.removeprefix(page.site)


def test_from_the_vendors_file_to_the_resellers_payout(browser: Browser, site: Site) -> None:
    before, people = site.witness(), site.shown["users"]
    partner = site.payable_partners()[-1]
    with opened(browser, site.shown["url"]) as page:
        sign_in(page, people["operator"])
        keep_our_side(page)
        batch = send_the_file(page)
        decide_every_difference(page, batch)
        earn(site, partner)
        charge_the_reseller(page, batch, partner)
        address = build(page, partner)
        with opened(browser, site.shown["url"]) as other:
            sign_in(other, people["approver"])
            approve_and_watch(other, address)
            assert other.troubles == []
        assert page.troubles == []
    ((payout, settled, amount),) = site.ask(
        "select p.public_id, p.settlement_amount, p.amount from payouts_payout p"
        " join payouts_bulkpayout b on b.id = p.bulk_payout_id where b.public_id = %s",
        address.rstrip("/").rsplit("/", 1)[1],
    )
    assert settled == EARNED - CHARGED, payout
    paid = {reference: sent for reference, sent in site.witness().items() if reference not in before}
    assert list(paid.values()) == [amount]
    assert site.ask("select sum(amount) from ledger_entry") == [(0,)]
