"""
What a run starts with, made by the product's own operations; a program of its own, beside the lab.

`make` makes a merchant, its people, partners, bank accounts and settlements and begins the bulk payouts. `again` frees
what came back and begins bulk payouts of it.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random

import django
from django.conf import settings

PLAN, ACCOUNTS = "plan.json", "accounts.json"
_FUNDS = 100_000_000_000_000
_LEAST, _MOST = 1_000, 600_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How much there is to be."""

    payouts: int
    partners: int
    bulks: int
    seed: int
    build: bool
    prepared: bool
    bank_accounts: int


def write_plan(folder: Path, plan: Plan) -> None:
    """Say what the program shall make."""
    fields = {name: getattr(plan, name) for name in Plan.__slots__}
    (folder / PLAN).write_text(json.dumps(fields))


def read_plan(folder: Path) -> Plan:
    """Return what the lab asked for."""
    return Plan(**json.loads((folder / PLAN).read_text()))


def make(folder: Path) -> None:
    """Make everything, once."""
    from config.seeding import bank, cast, people
    from core import clock, jobs
    from core.actor import system
    from payouts.operations import funds
    from settlement.models import PartnerType
    from settlement.operations import environment, partners
    from settlement.operations import settings as settlement_settings

    plan, now, by = read_plan(folder), clock.now(), system("chaos")
    secrets = json.loads((folder / "secrets.json").read_text())
    team = people.make_team(
        name="혼돈마켓",
        business_number="1208147521",
        users=secrets["users"],
        api_secret=secrets["apiSecret"],
        by=by,
        now=now,
    )
    scope = team.scope
    environment.open_environment(scope)
    settlement_settings.change(scope=scope, by=by, manual_settlement_per_transfer=True)
    cast.make_policies(scope, by, now.replace(year=now.year - 2))
    for number in range(plan.bank_accounts):
        account = funds.open_bank_account(
            scope=scope, name=f"지급 계좌 {number + 1}", bank="SHINHAN", number=f"1400123456{number:02d}",
            holder="혼돈마켓", rail="simulator", by=by, now=now,
        )  # fmt: skip
        funds.top_up(account=account, amount=_FUNDS, on=clock.today(), reference="opening", by=by)
    sketches = cast.sketches(plan.partners, Random(plan.seed))  # noqa: S311 - the same world every time
    bank.register_accounts((one.bank, one.number, one.holder) for one in sketches)
    # Businesses would be looked up one by one before anything else is done, which is not what is looked at here.
    nobody = partners.Taxpayer(type=PartnerType.NON_WHT_PAYER)
    drafts = [
        partners.PartnerDraft(
            name=one.name,
            contact=partners.Contact(name=one.holder, email=f"{one.public_id}@example.com"),
            account=partners.Account(one.bank, "KRW", one.number, one.holder, is_verified=True),
            default_contract_id=one.contract,
            taxpayer=one.taxpayer if one.taxpayer.type == PartnerType.WHT_PAYER else nobody,
            public_id=one.public_id,
        )
        for one in sketches
    ]
    partners.create_many(scope=scope, by=by, now=now, drafts=drafts)
    known = {one.public_id: (one.bank, one.number, one.holder) for one in sketches}
    (folder / ACCOUNTS).write_text(json.dumps(known, ensure_ascii=False))
    _owe(plan, [one.public_id for one in sketches])
    if plan.build:
        begin_bulks(plan)
    while plan.prepared and jobs.run_due_jobs():
        pass  # one round of jobs may make the next


def _owe(plan: Plan, partner_ids: Sequence[str]) -> None:
    """Record what is due: one manual settlement per payout, on as many days as a partner has payouts."""
    from access.models import Merchant
    from core import clock
    from core.actor import system
    from core.scope import Scope
    from settlement.operations import records

    random = Random(plan.seed)  # noqa: S311 - the same world every time
    today = clock.today()
    rows = [
        records.ManualRow(
            partner_id=partner_ids[place % len(partner_ids)],
            amount=random.randrange(_LEAST, _MOST),
            settlement_date=today - timedelta(days=place // len(partner_ids)),
        )
        for place in range(plan.payouts)
    ]
    scope = Scope(Merchant.objects.get().pk)
    records.record_many_manual(scope=scope, by=system("chaos"), now=clock.now(), rows=rows)


def begin_bulks(plan: Plan) -> None:
    """Begin bulk payouts of everything payable, spread over the bank accounts; jobs build them."""
    from access.models import Merchant, User
    from access.queries import actor_for
    from core import clock
    from core.scope import Scope
    from payouts.models import BankAccount
    from payouts.operations import building
    from settlement import claims

    scope = Scope(Merchant.objects.get().pk)
    operator = actor_for(User.objects.get(username="operator"))
    accounts = list(BankAccount.objects.within(scope).order_by("pk"))
    free = list(claims.claimable(scope).order_by("settlement_date", "pk").values_list("pk", flat=True))
    size = -(-len(free) // plan.bulks)
    for number, start in enumerate(range(0, len(free), size)):
        building.create_bulk_payout(
            scope=scope,
            choice=building.Choice(free[start : start + size], {}),
            name=f"혼돈 {number + 1}",
            by=operator,
            now=clock.now(),
            bank_account=accounts[number % len(accounts)],
        )


def again(folder: Path) -> None:
    """Free every settlement whose money came back, as an operator does, and begin paying it again."""
    from access.models import Merchant, User
    from access.queries import actor_for
    from core import clock
    from core.scope import Scope
    from settlement.models import PartnerSettlement
    from settlement.operations import holding

    scope = Scope(Merchant.objects.get().pk)
    operator = actor_for(User.objects.get(username="operator"))
    held = PartnerSettlement.objects.within(scope).filter(claims__payout_ref__status="RETURNED").order_by("pk")
    ids = list(held.values_list("public_id", flat=True).distinct())
    holding.prepare(scope=scope, by=operator, now=clock.now(), public_ids=ids)
    plan = read_plan(folder)
    begin_bulks(replace(plan, payouts=len(ids)))


def main() -> None:
    """Run one step: `python -m config.chaos.world make|again FOLDER`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    # What these hints would say, the sweep finds by itself.
    settings.SEND_HINTS = False
    {"make": make, "again": again}[sys.argv[1]](Path(sys.argv[2]))


if __name__ == "__main__":
    main()
