"""Promise: results are worked through in a real browser, also by keyboard: accessible, at any width, light and dark."""

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, expect

from core import jobs
from reconciliation import queries
from reconciliation.lines import Kind
from reconciliation.models import Batch, Decision, Resolution
from reconciliation.operations import comparing, resolving
from tests.access.build import firm
from tests.build import BY, noon
from tests.console.browser import LOOKS, Page, opened
from tests.reconciliation.results_desk import Desk
from tests.reconciliation.stored import accepted, own, save, sheet
from tests.reconciliation.writing import Table

GROUPS = 40


def enter(page: Page, desk: Desk) -> None:
    """Sign in without the form: the session of the test's own client."""
    cookie = desk.browser().cookies["session"]
    page.tab.context.add_cookies([{"name": "session", "value": cookie.value, "url": page.site}])


@pytest.fixture
def desk(site: str) -> Desk:  # noqa: ARG001 - rows go to the site's database
    return Desk(firm("한빛마켓"))


def story(desk: Desk) -> Batch:
    """Return a batch with every outcome that a day brings, one group decided and one copy that was restored."""
    made = sheet(GROUPS)
    lines = [row | {"CustomerName": f"한빛 고객 {at} 주식회사"} for at, row in enumerate(made.rows)]
    lines[5] |= {"CustomerId": ""}
    lines[9] |= {"Subtotal": "60.301234"}
    save(
        desk.scope,
        *(own(f"REC-{at}", at) for at in range(8, GROUPS)),
        own("REC-1", 1, quantity="5"),
        own("REC-2", 2, unit_price="19.10", subtotal="57.30"),
        own("REC-3", 3, subtotal="59.30"),
        own("REC-4", 4, currency="USD"),
        own("REC-5", 5, customer_id=None, customer_name="한빛 고객 5 (주)"),
        own("REC-6", 6, tax="1.03"),
        own("REC-else", 0, customer_id="else", customer_name="가나다라마바사 아자차카타파하 물류 주식회사 서울 지점"),
    )
    batch = accepted(desk.scope, Table(made.kind, made.columns, [*lines, lines[3]]))
    comparing.set_tolerance(
        scope=desk.scope, kind=Kind.NCE_INVOICE, currency="EUR", line=None, group=None, by=BY, now=noon()
    )
    assert jobs.run_due_jobs() == 1
    told: dict[str, Any] = {"scope": desk.scope, "batch_id": batch.public_id, "by": BY, "now": noon()}
    resolving.resolve(place=3, decision=Decision.ACCEPT, reason="계약서의 단가가 맞아요.", **told)
    resolving.restore(record=GROUPS + 1, reason="실제로 두 번 샀어요.", **told)
    return batch


@pytest.mark.parametrize(("dark", "narrow"), LOOKS)
def test_every_page_is_accessible_and_quiet(
    browser: Browser, site: str, desk: Desk, *, dark: bool, narrow: bool
) -> None:
    batch = story(desk)
    one = batch.public_id
    paths = {
        "results": reverse("reconciliation:results"),
        "result": reverse("reconciliation:result", args=[one]),
        "open": reverse("reconciliation:result", args=[one]) + "?standing=open&standing=stale",
        "duplicates": reverse("reconciliation:duplicates", args=[one]),
        "tolerances": reverse("reconciliation:tolerances"),
        "tolerance": reverse("reconciliation:tolerance", args=["nce_invoice", "EUR"]),
        "link": reverse("reconciliation:decide", args=[one, 6, "link"]),
        "accept": reverse("reconciliation:decide", args=[one, 4, "accept"]),
        **{f"group-{place}": reverse("reconciliation:group", args=[one, place]) for place in (2, 3, 4, 5, 6, 41)},
    }
    with opened(browser, site, dark=dark, narrow=narrow) as page:
        enter(page, desk)
        look = f"{'dark' if dark else 'light'}-{'390' if narrow else '1440'}"
        for name, path in paths.items():
            page.open(path)
            page.check()
            page.shot(f"{name}-{look}")


def test_differences_are_worked_through_by_keyboard(browser: Browser, site: str, desk: Desk) -> None:
    batch = story(desk)
    comparison = queries.comparison(batch)
    assert comparison is not None
    with opened(browser, site) as page:
        enter(page, desk)
        page.open(reverse("reconciliation:group", args=[batch.public_id, 2]))
        page.tab.keyboard.press("n")
        page.tab.wait_for_url("**/4")
        page.settled()
        page.tab.keyboard.press("a")
        dialog = page.tab.locator("#dialog[open]")
        expect(dialog).to_contain_text("이 차이를 그대로 받아들여요")
        page.check()
        dialog.get_by_label("이유").fill("반올림 차이")
        dialog.get_by_role("button", name="다음으로").click()
        page.tab.wait_for_url("**/5")
        expect(page.tab.locator("main")).to_contain_text("차이를 인정했어요")
        page.settled()
        page.tab.keyboard.press("p")
        page.tab.wait_for_url("**/2")
    last = Resolution.objects.order_by("-pk").first()
    assert last is not None
    assert (last.decision, last.reason, last.outcome) == (Decision.ACCEPT, "반올림 차이", "amount_mismatch")


def test_several_are_chosen_and_disputed_together(browser: Browser, site: str, desk: Desk) -> None:
    made = sheet(6)
    batch = accepted(desk.scope, made)
    assert jobs.run_due_jobs() == 1
    with opened(browser, site) as page:
        enter(page, desk)
        page.open(reverse("reconciliation:result", args=[batch.public_id]))
        page.tab.get_by_label("이 쪽 모두 고르기").check()
        page.tab.get_by_role("button", name="이의 제기").click()
        page.settled()
        page.check()
        expect(page.tab.locator("main")).to_contain_text("361.80 EUR")
        page.tab.get_by_label("이유").fill("주문하지 않았어요")
        page.tab.get_by_role("button", name="이의 제기하기").click()
        expect(page.tab.locator("main")).to_contain_text("6건을 결정했어요")
    assert Resolution.objects.filter(decision=Decision.DISPUTE).count() == 6
