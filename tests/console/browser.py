"""
A real browser on a real server with a database of the test's own.

Other applications' tests import the fixtures `site`, `browser` and `browser_page` from here. Without Chromium they are
skipped with the reason; REQUIRE_BROWSER=1 turns that into a failure.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.db import connections
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, expect, sync_playwright
from playwright.sync_api import Page as Tab

from tests.access.build import PASSWORD

# What a test expects of a page may take as long there as anything else a tab does: other tests run beside it.
expect.set_options(timeout=30_000)

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# Dark and narrow or not: both colours and both widths are looked at; all four together where pictures are kept.
LOOKS = [(False, False), (True, True), *([(True, False), (False, True)] if os.environ.get("SHOTS") else [])]


@pytest.fixture
def site(committed_db: str, django_db_blocker: Any) -> Iterator[str]:  # noqa: ARG001 - it works on that database
    """Serve the product from this process, so that pages registered by the test are there too; yields the address."""
    with django_db_blocker.unblock():
        thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
        thread.daemon = True
        thread.start()
        thread.is_ready.wait()
        if thread.error:
            raise thread.error
        try:
            yield f"http://127.0.0.1:{thread.port}"
        finally:
            thread.terminate()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        reason = "no Chromium: install it or set CHROMIUM to its path"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    # Chromium refuses its sandbox to root, and containers give it little shared memory.
    options = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    # Playwright runs an event loop in this thread, and Django keeps other connections inside than outside of one. What
    # is left open on the far side could not be closed any more and would keep the test database from being copied.
    connections.close_all()
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, headless=True, args=options)
        yield found
        found.close()
        connections.close_all()


@dataclass
class Page:
    """A tab on the site that remembers what went wrong in it."""

    tab: Tab
    site: str
    troubles: list[str] = field(default_factory=list)

    def sign_in(self, username: str) -> None:
        """Sign in as a person of the builders."""
        self.open("/login/")
        self.tab.fill("[name=username]", username)
        self.tab.fill("[name=password]", PASSWORD)
        self.tab.click("main button.primary")
        self.tab.wait_for_url(f"{self.site}/")

    def open(self, path: str) -> None:
        """Go to a page and wait until it has what it asks for by itself."""
        self.tab.goto(self.site + path)
        self.settled()

    def settled(self) -> None:
        """Wait until htmx has nothing under way."""
        self.tab.wait_for_load_state("load")
        self.tab.wait_for_function(
            "() => document.readyState === 'complete' && !document.querySelector('.htmx-request, .htmx-swapping')"
            " && !document.querySelector('#result-line[hx-trigger=load] > .soft')"
        )

    def check(self) -> None:
        """Fail on anything inaccessible, on sideways scrolling of the page, on console errors and failed requests."""
        found = Axe().run(self.tab)
        assert found.violations_count == 0, found.generate_report()
        beyond = self.tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert beyond <= 0, f"{self.tab.url} is {beyond} pixels too wide"
        assert self.troubles == []

    def shot(self, name: str) -> None:
        """Keep a picture when SHOTS names a folder."""
        if folder := os.environ.get("SHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.tab.screenshot(path=Path(folder) / f"{name}.png")


@contextmanager
def opened(browser: Browser, site: str, *, dark: bool = False, narrow: bool = False) -> Iterator[Page]:
    """Give a fresh tab in Korean and Seoul's time."""
    context = browser.new_context(
        locale="ko-KR",
        timezone_id="Asia/Seoul",
        viewport=NARROW if narrow else WIDE,  # type: ignore[arg-type] # a dict with exactly these two keys
        color_scheme="dark" if dark else "light",
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site)
    tab = context.new_page()
    page = Page(tab, site)
    tab.on("console", lambda message: page.troubles.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: page.troubles.append(str(error)))
    tab.on(
        "response",
        lambda answer: page.troubles.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
    )
    yield page
    context.close()


Open = Callable[..., Page]


@pytest.fixture
def browser_page(browser: Browser, site: str) -> Iterator[Page]:
    """A wide, light tab; use `opened` for other looks."""
    with opened(browser, site) as page:
        yield page
