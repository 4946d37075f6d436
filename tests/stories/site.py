"""A running demo as the stories see it: its pages, its database read from outside, and the bank's own list."""

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

import psycopg2

from access import totp
from core import clock
from tests.console.browser import Page

PATIENCE_MS = 90_000


@dataclass(frozen=True)
class Site:
    """The running demo and what it says about itself."""

    shown: dict[str, Any]

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Read from the demo's database, as anybody may who runs it."""
        with psycopg2.connect(self.shown["postgres"]) as connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def records(self) -> int:
        """Return how many settlement records there are."""
        return int(self.ask("select count(*) from settlement_settlementrecord")[0][0])

    def payable_partners(self) -> list[str]:
        """Return shops of the first merchant whose account is verified."""
        rows = self.ask(
            "select public_id from settlement_partner where merchant_id = 1 and not is_test and account_confirmed"
            " and account_status = 'VERIFIED' and public_id like %s order by 1",
            "shop-%",
        )
        return [row[0] for row in rows]

    def paid(self, bulk: str) -> dict[str, int]:
        """Return the succeeded payouts of a bulk payout, which must be all of them."""
        paid = dict(
            self.ask(
                "select p.public_id, p.amount from payouts_payout p join payouts_bulkpayout b"
                " on b.id = p.bulk_payout_id where b.public_id = %s and p.status = 'SUCCEEDED'",
                bulk,
            )
        )
        counted = self.ask(
            "select payout_count, total_amount, status from payouts_bulkpayout where public_id = %s", bulk
        )
        assert counted == [(len(paid), sum(paid.values()), "COMPLETED")]
        return paid

    def witness(self) -> dict[str, int]:
        """Return what the bank executed."""
        with urllib.request.urlopen(f"{self.shown['bank']}/v1/transfers?after=0&limit=100000") as answer:
            return {row["reference"]: row["amount"] for row in json.load(answer)["transfers"]}


def sign_in(page: Page, person: dict[str, str]) -> None:
    page.open("/login/")
    page.tab.set_default_timeout(PATIENCE_MS)
    page.tab.fill("[name=username]", person["username"])
    page.tab.fill("[name=password]", person["password"])
    page.tab.click("main button.primary")
    page.tab.wait_for_load_state("load")
    if page.tab.locator("[name=code]").count():
        page.tab.fill("[name=code]", totp.code_at(person["totpSecret"], clock.now()))
        page.tab.click("main button.primary")
    page.tab.wait_for_url(f"{page.site}/")
