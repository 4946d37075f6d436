"""
D2: how long it takes from the approval of one payout to its final state, in a running demo.

A whole demo (web, worker, broker, bank) runs; bulk payouts of one payout each are approved one after another through
the product's own operation, as the web server does, and the worker hears of them through the broker. Seconds, of which
the 95th percentile has a limit.

    python -m benchmarks.d2_latency [--payouts N] [--machine TEXT]
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.common import ROOT, Answer, Candidate, run, save, say

GOAL_SECONDS = 3.0
LOOK_SECONDS = 0.01
LONGEST_SECONDS = 60.0
START_SECONDS = 240.0


def approve_each(env: dict[str, str], payouts: int) -> Answer:
    """Approve so many bulk payouts of one payout each in a merchant of its own; tell how long each took to end."""
    import django

    os.environ |= env
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    from core.actor import Actor, ActorKind

    maker, checker = Actor(ActorKind.USER, "maker", user_id=1), Actor(ActorKind.USER, "checker", user_id=2)
    scope = _open_house(maker)
    return {"took": [_time_one(scope, f"partner-{number:03d}", maker, checker) for number in range(payouts)]}


def _open_house(by: Any) -> Any:
    """Make a merchant with a contract and a bank account that holds enough."""
    from access.operations import create_merchant
    from core import clock
    from core.scope import Scope
    from payouts.operations import funds
    from settlement.dates import Cycle, CycleMethod, DatePolicy
    from settlement.operations import contracts, environment
    from settlement.operations.policies import FeeInput

    now = clock.now()
    scope = Scope(create_merchant(name="Benchmark", by=by, now=now).pk)
    environment.open_environment(scope)
    cycle, fee = Cycle(2, CycleMethod.DAILY, DatePolicy.CALENDAR_DAY), FeeInput(rate=10_000)
    contracts.create(
        scope=scope, by=by, now=now, public_id="standard", name="10 %", fee=fee, vat_payer="PARTNER", cycle=cycle
    )
    account = funds.open_bank_account(
        scope=scope, name="main", bank="SHINHAN", number="140012345678", holder="h", rail="simulator", by=by, now=now
    )
    funds.top_up(account=account, amount=10**9, on=clock.today(), reference="opening", by=by)
    return scope


def _owe(scope: Any, name: str, by: Any) -> list[int]:
    """Owe a new partner something, whose account counts as verified."""
    from core import clock
    from settlement.models import AccountStatus, Partner, PartnerSettlement, PartnerType
    from settlement.operations import partners, records

    draft = partners.PartnerDraft(
        name=name,
        contact=partners.Contact(name="담당자", email="someone@example.com"),
        account=partners.Account(bank="KOOKMIN", currency="KRW", number=f"11{name[-3:]:0>9}7", holder="예금주"),
        default_contract_id="standard",
        taxpayer=partners.Taxpayer(type=PartnerType.NON_WHT_PAYER),
        public_id=name,
    )
    made = partners.create(scope=scope, by=by, now=clock.now(), draft=draft)
    row = records.ManualRow(partner_id=name, amount=10_000, settlement_date=clock.today())
    records.record_manual(scope=scope, by=by, now=clock.now(), row=row)
    # The holder is looked up in the background; what the demo's bank says of a made-up one is not measured here.
    looked_up = Partner.objects.filter(pk=made.pk).exclude(account_status=AccountStatus.NOT_VERIFIED)
    _until(lambda: bool(looked_up.update(account_status=AccountStatus.VERIFIED)))
    return list(PartnerSettlement.objects.filter(partner=made).values_list("pk", flat=True))


def _time_one(scope: Any, name: str, maker: Any, checker: Any) -> float:
    from core import clock
    from payouts import queries
    from payouts.models import Decision, Payout
    from payouts.operations import approval, building

    choice = building.Choice(_owe(scope, name, maker), {})
    made = building.create_bulk_payout(scope=scope, choice=choice, name="D2", by=maker, now=clock.now())
    _until(lambda: queries.find_bulk(scope, made.public_id).status == "PREPARED")
    seen = queries.find_bulk(scope, made.public_id).content_hash
    what: dict[str, Any] = {"scope": scope, "bulk_id": made.public_id, "seen_hash": seen}
    approval.submit(**what, by=maker, now=clock.now())
    begin = time.perf_counter()
    approval.decide(**what, decision=Decision.APPROVED, by=checker, now=clock.now())
    _until(Payout.objects.filter(bulk_payout=made, status="SUCCEEDED").exists)
    return round(time.perf_counter() - begin, 3)


def _until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + LONGEST_SECONDS
    while not condition():
        if time.monotonic() > ends:
            raise AssertionError("waited in vain")
        time.sleep(LOOK_SECONDS)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payouts", type=int, default=60)
    parser.add_argument("--machine", default="")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "manage.py",
            "demo",
            "--data",
            folder,
            "--port",
            "8397",
            "--no-faults",
            "--rows",
            "100",
        ]
        demo = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            ready, deadline = Path(folder) / "demo.json", time.monotonic() + START_SECONDS
            while not ready.exists():
                if demo.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the demo did not start; its message is above")
                time.sleep(0.2)
            env = json.loads(ready.read_text())["env"]
            told = run(Candidate("d2", "benchmarks.d2_latency:approve_each", {"env": env, "payouts": asked.payouts}))
        finally:
            demo.send_signal(signal.SIGTERM)
            demo.wait(60)
    took = sorted(told.answer["took"])
    p95 = took[max(0, -(-len(took) * 95 // 100) - 1)]
    report = {
        "what": "from the approval of one payout to its success, in a running demo",
        "goal_seconds": GOAL_SECONDS,
        "p50": took[len(took) // 2],
        "p95": p95,
        "longest": took[-1],
        "payouts": len(took),
        "met": p95 <= GOAL_SECONDS,
    }
    say(f"{report}\n{save('d2_latency', report, machine=asked.machine)}")


if __name__ == "__main__":
    main()
