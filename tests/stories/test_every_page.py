"""Protects what people see: every page that links lead to, wide and light, narrow and dark, accessible and quiet."""

import os
from collections import deque
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser

from tests.console.browser import NARROW, WIDE, Page, opened
from tests.stories.site import Site, sign_in

# The tests of each package look at their own pages in all four ways.
_LOOKS = (("light", "1440", WIDE), ("dark", "390", NARROW))
_ALL_LOOKS = (*_LOOKS, ("dark", "1440", WIDE), ("light", "390", NARROW))
# Addresses that answer with a file, or end the visit.
_NO_PAGES = {"access:sign-out", "console:upload-template", "console:download", "schema", "api-docs", "console:bell"}
_EXPECTED = {
    "operator": {
        "console:home",
        "console:jobs",
        "console:upload",
        "settlement:records",
        "settlement:record",
        "settlement:settlements",
        "settlement:settlement",
        "settlement:manual",
        "settlement:partners",
        "settlement:partner",
        "settlement:partner-add",
        "settlement:contracts",
        "settlement:contract",
        "settlement:contract-add",
        "payouts:bulk-payouts",
        "payouts:bulk-payout",
        "payouts:payouts",
        "payouts:payout",
        "payouts:approvals",
        "payouts:unknown",
        "payouts:accounts",
        "payouts:forecast",
        "payouts:files",
        "payouts:bank-notices",
        "payouts:limits",
        "matching:invoices",
        "matching:discrepancies",
        "matching:history",
        "matching:invoice",
        "matching:invoice-new",
        "matching:invoice-edit",
        "matching:match-receipts",
        "matching:details",
        "matching:totals",
        "matching:charges",
        "matching:orders",
        "matching:order",
        "matching:order-new",
        "matching:order-edit",
        "matching:receipts",
        "matching:receipt",
        "matching:receipt-new",
        "matching:leakage",
        "matching:parameters",
        "matching:vendors",
        "matching:vendor-edit",
        "matching:items",
        "matching:item-edit",
        "matching:conversions",
        "matching:conversion-edit",
        "matching:charge-codes",
        "matching:charge-code-edit",
        "matching:price-tolerances",
        "matching:price-tolerance-edit",
        "matching:tolerance-groups",
        "matching:policies",
        "matching:policy-edit",
        "matching:totals-tolerances",
        "matching:totals-tolerance-edit",
        "matching:charges-tolerances",
        "matching:charges-tolerance-edit",
        "matching:exchange-rates",
        "matching:exchange-rate-edit",
        "reconciliation:files",
        "reconciliation:file",
        "reconciliation:lines",
        "reconciliation:results",
        "reconciliation:result",
        "reconciliation:records",
        "reconciliation:record",
        "reconciliation:statements",
        "reconciliation:statement",
        "reconciliation:statement-desk",
        "reconciliation:statement-lines",
        "reconciliation:by-partner",
        "reconciliation:month",
        "reconciliation:periods",
        "reconciliation:tolerances",
        "ledger:accounts",
        "ledger:entries",
        "ledger:journals",
        "ledger:journal",
        "ledger:trial-balance",
        "access:account",
    },
    "admin": {"access:users", "access:user", "access:api-secrets", "access:audit", "console:webhooks"},
}


def name_of(path: str) -> str | None:
    """Return the name of the page behind an address, None for what is no page."""
    try:
        name = resolve(path).view_name
    except Resolver404:
        return None
    return None if name in _NO_PAGES or path.startswith(("/static/", "/platform/", "/api/", "/health")) else name


def links(page: Page) -> list[str]:
    """Return the addresses of this site that the page links to."""
    found = page.tab.eval_on_selector_all("a[href]", "all => all.map(one => one.href)")
    own = [urlsplit(address) for address in found if address.startswith(page.site)]
    rows = page.tab.eval_on_selector_all("[data-href]", "all => all.map(one => one.dataset.href)")
    return [part.path for part in own] + [urlsplit(address).path for address in rows]


def look(page: Page, name: str) -> list[str]:
    """Return what is wrong with the page that is shown; pictures are kept of all four looks."""
    wrong = []
    for scheme, width, size in _ALL_LOOKS if os.environ.get("SHOTS") else _LOOKS:
        # Colours that are still fading would be measured half-way.
        page.tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type] # light or dark
        page.tab.set_viewport_size(size)  # type: ignore[arg-type] # a dict with exactly these two keys
        found = Axe().run(page.tab)
        if found.violations_count:
            rules = {f"{rule['id']} {rule['nodes'][0]['html'][:160]}" for rule in found.response["violations"]}
            wrong += [f"{name} {scheme} {width}: {rule}" for rule in sorted(rules)]
        beyond = page.tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if beyond > 0:
            wrong.append(f"{name} {scheme} {width}: {beyond} pixels too wide")
        if folder := os.environ.get("SHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            file = f"{name.replace(':', '-')}-{scheme}-{width}.png"
            page.tab.screenshot(path=Path(folder) / file)
    wrong += [f"{name}: {trouble}" for trouble in page.troubles]
    page.troubles.clear()
    return wrong


@pytest.mark.parametrize("person", sorted(_EXPECTED))
def test_every_page_is_accessible_and_quiet(browser: Browser, site: Site, person: str) -> None:
    wrong: list[str] = []
    with opened(browser, site.shown["url"]) as page:
        sign_in(page, site.shown["users"][person])
        waiting, seen = deque(["/"]), set[str]()
        while waiting:
            path = waiting.popleft()
            name = name_of(path)
            if name is None or name in seen:
                continue
            # What the operator has seen already looks the same to the admin.
            if person != "operator" and not name.startswith(("access:", "console:home", "console:webhook")):
                continue
            seen.add(name)
            page.tab.set_viewport_size(WIDE)  # type: ignore[arg-type] # likewise
            page.open(path)
            waiting.extend(links(page))
            wrong += look(page, name)
    assert wrong == [], "\n".join(wrong)
    assert seen >= _EXPECTED[person], f"nothing leads to {_EXPECTED[person] - seen}"
