"""`manage.py seed`: fill an empty database with the demo's data. The launcher calls it; the bank simulator must run."""

import argparse
import json
import os
from datetime import datetime
from pathlib import Path
from random import Random

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from access.models import Merchant
from access.queries import actor_for
from config.demo_secrets import Secrets
from config.seeding import bank, billing, buying, cast, history, past_payouts, people, story
from core import clock, jobs
from core.actor import Actor, system
from core.scope import Scope
from payouts.models import BankAccount
from payouts.operations import funds
from payouts.rails_in_use import rail
from settlement.models import Partner
from settlement.operations import environment
from settlement.operations.records import OrderDraft, record_order

_PARTNERS_LEAST, _PARTNERS_MOST, _ROWS_A_PARTNER = 24, 400, 250
_OTHER_PARTNERS, _OTHER_ROWS = 6, 300
_PURCHASES = 60


class Command(BaseCommand):
    """Make two merchants, their people and partners, eighteen months of records and payouts, and what goes on today."""

    help = "Fill an empty database with demo data (needs JEONGSAN_DEMO_SECRETS and the bank simulator)."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--rows", type=int, default=4_000, help="settlement records of the first merchant")
        parser.add_argument("--seed", type=int, default=7, help="what all random figures come from")

    def handle(self, *_arguments: object, rows: int, seed: int, **_options: object) -> None:
        """Make everything, once."""
        if Merchant.objects.exists():
            raise CommandError("There is data already. `demo --fresh` starts over.")
        # Nobody listens yet, and what these hints would say is done before anybody does.
        settings.SEND_HINTS = False
        secrets = _secrets()
        now = clock.now()
        by = system("seed")
        ours = people.make_team(
            name="한빛마켓",
            business_number="1208147521",
            users=secrets["users"],
            api_secret=secrets["apiSecret"],
            by=by,
            now=now,
        )
        theirs = people.make_team(
            name="다른상점", business_number="2208183676", users=secrets["otherMerchant"]["users"],
            api_secret=secrets["otherMerchant"]["apiSecret"], by=by, now=now,
        )  # fmt: skip
        deciders = past_payouts.Deciders(
            actor_for(ours.users["operator"]), (actor_for(ours.users["approver"]), actor_for(ours.users["approver2"]))
        )
        partners = min(_PARTNERS_MOST, max(_PARTNERS_LEAST, rows // _ROWS_A_PARTNER))
        account = self._business(ours.scope, partners, rows, seed, by, now)
        first = history.Period(clock.seoul_day(now)).first
        # The books open with what the bank holds, so that the two agree from the first day on.
        funds.top_up(account=account, amount=rail("simulator").balance(), on=first, reference="opening", by=by)
        bank.open_account_by_file(ours.scope, by, now)
        past_payouts.pay_past_months(
            ours.scope, account, deciders, first=first, today=clock.seoul_day(now), tell=self.stderr.write
        )
        story.tell(story.Stage(ours.scope, account, deciders, now))
        buying.fill(scope=ours.scope, people=deciders, now=now, seed=seed, history=min(_PURCHASES, rows // 20))
        billing.fill(scope=ours.scope, people=deciders, account=account, now=now, seed=seed)
        self._business(theirs.scope, _OTHER_PARTNERS, min(rows, _OTHER_ROWS), seed + 1, by, now)
        _test_side(ours.scope, by, now)
        story.run_all_jobs()
        jobs.run_sweeper("ledger.fold")

    def _business(self, scope: Scope, partners: int, rows: int, seed: int, by: Actor, now: datetime) -> BankAccount:
        """Set up a merchant's terms, partners, bank account and records."""
        today = clock.seoul_day(now)
        environment.open_environment(scope)
        account = _open_account(scope, by, now)
        began = now.replace(year=now.year - 2)
        cast.make_policies(scope, by, began)
        sketches = cast.sketches(partners, Random(seed))  # noqa: S311 - the same demo every time
        bank.register_accounts((one.bank, one.number, one.holder) for one in sketches)
        made: list[Partner] = [cast.make_partner(scope, one, by, began) for one in sketches]
        story.run_all_jobs()
        if rows:
            history.fill(scope, made, rows, seed=seed, today=today, tell=self.stderr.write)
        return account


def _secrets() -> Secrets:
    path = os.environ.get("JEONGSAN_DEMO_SECRETS")
    if not path:
        raise CommandError("JEONGSAN_DEMO_SECRETS names no file.")
    kept: Secrets = json.loads(Path(path).read_text(encoding="utf-8"))
    return kept


def _open_account(scope: Scope, by: Actor, now: datetime) -> BankAccount:
    return funds.open_bank_account(
        scope=scope, name="정산 지급 계좌", bank="SHINHAN", number="140012345678", holder="한빛마켓", rail="simulator",
        by=by, now=now.replace(year=now.year - 2),
    )  # fmt: skip


def _test_side(scope: Scope, by: Actor, now: datetime) -> None:
    """Give the test environment something to look at."""
    test = Scope(scope.merchant_id, is_test=True)
    environment.open_environment(test)
    account = funds.open_bank_account(
        scope=test,
        name="테스트 계좌",
        bank="SHINHAN",
        number="140000000000",
        holder="테스트",
        rail="test",
        by=by,
        now=now,
    )
    funds.top_up(account=account, amount=1_000_000_000, on=clock.seoul_day(now), reference="opening", by=by)
    cast.make_policies(test, by, now)
    for one in cast.sketches(2, Random(1)):  # noqa: S311 - the same demo every time
        cast.make_partner(test, one, by, now)
        draft = OrderDraft(partner_id=one.public_id, payment_id=f"test-{one.public_id}", amount=10_000)
        record_order(scope=test, by=by, now=now, draft=draft)
