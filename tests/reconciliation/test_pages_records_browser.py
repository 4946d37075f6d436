"""Promise: the pages of our billing records are accessible and quiet in a real browser, in every width and light."""

from datetime import date

import pytest
from django.urls import reverse
from playwright.sync_api import Browser

from access.roles import Role
from core import clock
from core.scope import Scope
from reconciliation.operations import comparing, own_records
from settlement.models import PropertyTarget
from settlement.operations import properties
from tests.access.build import firm
from tests.build import BY, noon
from tests.console.browser import LOOKS, Page, opened
from tests.reconciliation.stored import accepted, own, save, sheet
from tests.reconciliation.test_pages_records import Office


def furnish(scope: Scope) -> int:
    """Put records, a result, closed days and a property there; returns the lock."""
    save(scope, own("A"), own("B", 1, customer_name="한빛전자 주식회사", quantity=None))
    save(scope, own("A", subtotal="61"))
    own_records.withdraw(scope=scope, refs=["B"], by=BY, now=noon(), source="upload", reason="두 번 적었어요")
    batch = accepted(scope, sheet(2))
    comparing.compare(scope=scope, batch_id=batch.public_id, by=BY, now=noon())
    properties.define(scope=scope, by=BY, now=clock.now(), target=PropertyTarget.RECORD, key="CustomerId", name="고객")
    days = {"first_day": date(2024, 6, 1), "last_day": date(2024, 6, 30)}
    return own_records.lock_period(scope=scope, **days, by=BY, now=noon(), reason="6월 마감").pk


def enter(page: Page, office: Office, role: Role) -> None:
    """Sign in without the form: the session of the test's own client."""
    cookie = office.browser(role).cookies["session"]
    page.tab.context.add_cookies([{"name": "session", "value": cookie.value, "url": page.site}])


@pytest.mark.parametrize(("dark", "narrow"), LOOKS)
def test_every_page_is_accessible_and_quiet(browser: Browser, site: str, *, dark: bool, narrow: bool) -> None:
    office = Office(firm("한빛마켓"))
    lock = furnish(office.scope)
    derive = f"{reverse('reconciliation:derive')}?kind=nce_invoice&first_day=2024-05-01&last_day=2024-05-31"
    paths = [
        f"{reverse('reconciliation:records')}?withdrawn=any",
        reverse("reconciliation:record", args=["A"]),
        reverse("reconciliation:record", args=["B"]),
        reverse("reconciliation:record-withdraw", args=["A"]),
        reverse("reconciliation:periods"),
        derive,
        reverse("console:upload", args=["billing-records"]),
    ]
    with opened(browser, site, dark=dark, narrow=narrow) as page:
        enter(page, office, Role.OPERATOR)
        for path in paths:
            page.open(path)
            page.check()
    with opened(browser, site, dark=dark, narrow=narrow) as page:
        enter(page, office, Role.ADMIN)
        page.open(reverse("reconciliation:period-open", args=[lock]))
        page.check()
