"""Protects the whole way through the pages: made, submitted, approved with a code and sent, in a real browser."""

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, expect

from access.models import User
from core import clock, jobs
from payouts import queries
from payouts.models import BankAccount, BulkPayout, BulkStatus, Payout, PayoutStatus
from payouts.operations import dispatch, running
from tests import build
from tests.access.build import code_now
from tests.console.browser import LOOKS, Page, opened
from tests.payouts.rails.bank import BankProcess
from tests.payouts.test_pages import CLOSED, NO_ANSWER, SUCCEEDED, Shop, shop


def enter(page: Page, here: Shop, who: str) -> None:
    """Sign in without the form: the session of the test's own client."""
    cookie = here.browser(who).cookies["session"]
    page.tab.context.add_cookies([{"name": "session", "value": cookie.value, "url": page.site}])


@pytest.fixture
def here(site: str) -> Shop:  # noqa: ARG001 - rows go to the site's database
    return shop()


@pytest.mark.parametrize(("dark", "narrow"), LOOKS)
def test_every_page_is_accessible_and_quiet(
    browser: Browser, site: str, here: Shop, *, dark: bool, narrow: bool
) -> None:
    bulk = here.sent(here.approved("acme", "beta", "gamma"), {"acme": CLOSED, "beta": NO_ANSWER, "gamma": SUCCEEDED})
    here.partner("debtor")
    here.owe("debtor", -5_000)
    pending = here.submitted("delta", amount=100_000_001)
    edited = here.built("epsilon")
    paths = [reverse(f"payouts:{name}") for name in ("bulk-payouts", "payouts", "approvals", "unknown", "accounts")]
    paths += [reverse("payouts:bulk-payout", args=[row.public_id]) for row in (bulk, pending, edited)]
    paths += [reverse("payouts:payout", args=[here.payout(name).public_id]) for name in ("acme", "beta", "gamma")]
    paths += [
        reverse("payouts:forecast"),
        reverse("payouts:case", args=[here.payout("beta").public_id]),
        reverse("payouts:bulk-changes", args=[pending.public_id]),
        reverse("payouts:dispatch-stop"),
        reverse("payouts:bulk-edit", args=[edited.public_id]),
        reverse("payouts:bulk-submit", args=[edited.public_id]),
    ]
    with opened(browser, site, dark=dark, narrow=narrow) as page:
        enter(page, here, "maker")
        for path in paths:
            page.open(path)
            page.check()
            page.shot(
                f"{path.strip('/').replace('/', '-')[:60]}-{'dark' if dark else 'light'}-{'390' if narrow else '1440'}"
            )
    with opened(browser, site, dark=dark, narrow=narrow) as page:
        enter(page, here, "checker")
        page.open(reverse("payouts:bulk-payout", args=[pending.public_id]))
        page.tab.get_by_role("link", name="승인하기").click()
        expect(page.tab.locator("#dialog[open]")).to_contain_text("₩100,000,001")
        page.check()


def test_settlements_are_chosen_made_submitted_and_approved(browser: Browser, site: str, here: Shop) -> None:
    here.partner("acme", taxpayer=build.WHT_PAYER)
    here.owe("acme", 1_000_000)
    with opened(browser, site) as page:
        enter(page, here, "maker")
        page.open("/settlement/due/")
        page.tab.locator("tbody .pick input").first.check()
        page.tab.get_by_role("button", name="송금대행 일괄지급").click()
        expect(page.tab.locator(".tally")).to_contain_text("₩967,000")
        page.check()
        page.tab.get_by_label("일괄지급 이름").fill("브라우저 지급")
        page.tab.get_by_role("button", name="일괄지급 만들기").click()
        page.tab.wait_for_url("**/payouts/bulk/*")
        jobs.run_due_jobs()

        # The page notices by itself that the payouts have been made.
        page.tab.get_by_role("link", name="승인 요청하기").click()
        page.tab.locator("#dialog[open]").get_by_role("button", name="승인 요청하기").click()
        expect(page.tab.locator(".messages")).to_contain_text("승인을 요청했어요")
        address = page.tab.url
    checker = here.person("checker")
    with opened(browser, site) as page:
        enter(page, here, "checker")
        session = here.browser("checker").session
        session["code_at"] = 0.0
        session.save()
        User.objects.filter(pk=checker.pk).update(totp_counter=0)
        page.open(address.removeprefix(site))
        page.tab.get_by_role("link", name="승인하기").click()
        page.tab.locator("#dialog[open]").get_by_label("인증 코드 6자리").fill(code_now())
        page.tab.locator("#dialog[open]").get_by_role("button", name="승인하기").click()
        expect(page.tab.locator(".messages")).to_contain_text("승인했어요")
        page.check()
    assert BulkPayout.objects.get().status == BulkStatus.APPROVED


def test_what_the_bank_does_shows_by_itself(
    browser: Browser, site: str, here: Shop, tmp_path: Path, settings: Any
) -> None:
    bank = BankProcess(tmp_path / "bank.jsonl")
    try:
        settings.JEONGSAN = {**settings.JEONGSAN, "BANK_URL": f"http://127.0.0.1:{bank.port}"}
        BankAccount.objects.update(rail="simulator")
        bulk = here.approved("acme", "beta")
        for payout in Payout.objects.all():
            number = queries.account_number(payout)
            known = {"bank": payout.bank, "accountNumber": number, "holder": payout.account_holder}
            bank.call("POST", "/v1/accounts", known)
        with opened(browser, site) as page:
            enter(page, here, "maker")
            page.open(reverse("payouts:bulk-payout", args=[bulk.public_id]))
            running.start_due(clock.now())
            expect(page.tab.locator(".headline")).to_contain_text("지급 중")
            while dispatch.send_due(now=clock.now(), limit=1):
                running.advance_all(clock.now())
            expect(page.tab.locator(".headline")).to_contain_text("완료")
            expect(page.tab.locator("#progress")).to_contain_text("2건 가운데 2건이 끝났어요")
            assert page.tab.locator("#progress[hx-trigger]").count() == 0
            page.check()
        assert len(bank.executed()) == 2
        assert set(Payout.objects.values_list("status", flat=True)) == {PayoutStatus.SUCCEEDED}
    finally:
        bank.stop()
