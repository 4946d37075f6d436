"""
D1: sending approved payouts to a bank that takes 100 ms, against what the configured concurrency allows.

The limit in the same run: as many threads as the product uses call the same bank through the same rail, one call after
another, with no database at all. The product claims, commits, calls and records as its worker does.

    python -m benchmarks.d1_bank [--payouts N] [--rounds N] [--machine TEXT]
"""

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.b1_build import prepare
from benchmarks.books import copy_of, product_database, variables
from benchmarks.common import ROOT, Answer, Candidate, Sample, Server, ratios, run, save, say, seconds

CONCURRENCY = 16
BANK_SECONDS = 0.1
GOAL = 0.9


@contextmanager
def slow_bank() -> Iterator[int]:
    """Run the simulated bank, which answers after 100 ms; gives its port."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "payouts.rails.simulator.server", "--port", "0"]
        process = subprocess.Popen(
            [*command, "--file", str(Path(folder) / "bank.jsonl")], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        try:
            ready = re.search(r":([0-9]+)$", process.stderr.readline().strip()) if process.stderr else None
            if ready is None:
                raise RuntimeError("the bank did not start")
            port = int(ready[1])
            slow = {"match": {"call": "transfer"}, "effect": "slow", "seconds": BANK_SECONDS}
            ask(port, "POST", "/v1/faults", {"seed": 1, "rules": [slow]})
            yield port
        finally:
            process.terminate()
            process.wait(30)


def ask(port: int, method: str, path: str, body: object = None) -> Any:
    """Call the bank's own interface."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, None if body is None else json.dumps(body))
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def _set_up(at: dict[str, str], port: int) -> None:
    import django

    os.environ |= variables(Server(**at)) | {
        "BANK_URL": f"http://127.0.0.1:{port}",
        "BANK_CONCURRENCY": str(CONCURRENCY),
    }
    django.setup()


def approve(at: dict[str, str], port: int) -> Answer:
    """Build, submit and approve a bulk payout of everything that is owed, by three different people."""
    _set_up(at, port)
    from core import clock, jobs
    from core.actor import Actor, ActorKind
    from core.scope import Scope
    from payouts import queries
    from payouts.models import Decision
    from payouts.operations import approval, building, funds, running
    from settlement.models import PartnerSettlement

    scope, now = Scope(1), clock.now()
    maker, checker = (
        Actor(ActorKind.USER, name, user_id=number) for number, name in enumerate(("maker", "checker"), 1)
    )
    account = queries.default_bank_account(scope)
    funds.top_up(account=account, amount=10**12, on=clock.today(), reference="benchmark", by=maker)
    everything = list(PartnerSettlement.objects.values_list("pk", flat=True))
    choice = building.Choice(everything, {})
    made = building.create_bulk_payout(scope=scope, choice=choice, name="D1", by=maker, now=now)
    while jobs.run_due_jobs():
        pass
    bulk = queries.find_bulk(scope, made.public_id)
    approval.submit(scope=scope, bulk_id=bulk.public_id, seen_hash=bulk.content_hash, by=maker, now=now)
    for by in (checker, Actor(ActorKind.USER, "second", user_id=3)):
        bulk = queries.find_bulk(scope, made.public_id)
        if bulk.status == "PENDING_APPROVAL":
            approval.decide(
                scope=scope,
                bulk_id=bulk.public_id,
                seen_hash=bulk.content_hash,
                decision=Decision.APPROVED,
                by=by,
                now=now,
            )
    running.start_due(clock.now())
    return {"payouts": queries.find_bulk(scope, made.public_id).payout_count}


def by_limit(at: dict[str, str], port: int, payouts: int) -> Answer:
    """Call the bank for so many transfers, side by side, and nothing else."""
    _set_up(at, port)
    from concurrent.futures import ThreadPoolExecutor

    from core import clock
    from payouts.rails.base import Instruction
    from payouts.rails_in_use import rail

    bank = rail("simulator")
    calls = [
        Instruction(
            reference=f"limit-{number}",
            reference_date=clock.today(),
            amount=1_000,
            currency="KRW",
            bank="KOOKMIN",
            account_number=f"11{number:09d}7",
            holder="h",
        )
        for number in range(payouts)
    ]
    begin = time.perf_counter()
    with ThreadPoolExecutor(CONCURRENCY) as threads:
        done = sum(outcome.kind == "SUCCEEDED" for outcome in threads.map(bank.send, calls))
    return {"took": time.perf_counter() - begin, "done": done}


def by_product(at: dict[str, str], port: int, payouts: int) -> Answer:
    """Send everything that waits, as a worker does."""
    _set_up(at, port)
    from payouts import background
    from payouts.models import Payout

    begin = time.perf_counter()
    while Payout.objects.filter(status="PREPARED").exists():
        background.sweep_dispatch()
    took = time.perf_counter() - begin
    done = Payout.objects.filter(status="SUCCEEDED").count()
    if done != payouts:
        raise AssertionError(done, payouts)
    return {"took": took, "done": done}


def _candidate(function: str, at: Server, port: int, **arguments: Any) -> Candidate:
    where = {"dsn": at.dsn, "admin_dsn": at.admin_dsn}
    return Candidate(function, f"benchmarks.d1_bank:{function}", {"at": where, "port": port, **arguments})


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payouts", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--machine", default="")
    asked = parser.parse_args()
    samples: dict[str, list[Sample]] = {"limit": [], "product": []}
    with product_database() as at:
        where = {"dsn": at.dsn, "admin_dsn": at.admin_dsn}
        arguments = {"at": where, "rows": asked.payouts, "each": 1}
        run(Candidate("prepare", f"benchmarks.b1_build:{prepare.__name__}", arguments))
        with slow_bank() as port:
            made = run(_candidate("approve", at, port)).answer["payouts"]
        for number in range(1, asked.rounds + 1):
            for way, done in samples.items():
                with copy_of(at) as fresh, slow_bank() as port:
                    told = run(_candidate(f"by_{way}", fresh, port, payouts=made))
                    moved = len(ask(port, "GET", "/v1/transfers?after=0&limit=100000")["transfers"])
                    if moved != made or told.answer["done"] != made:
                        raise AssertionError(moved, made, told.answer)
                done.append(Sample(told.answer["took"], told.peak_mb, told.idle_mb, told.answer))
                say(f"round {number}: {way:8} {made / done[-1].seconds:8.1f}/s")
    slower = ratios(samples["product"], samples["limit"])
    ratio = {name: round(1 / value, 3) for name, value in slower.items()}
    report = {
        "what": f"send {made} approved payouts to a bank that takes {BANK_SECONDS} s, {CONCURRENCY} calls at once",
        "against": f"{CONCURRENCY} threads calling the same bank through the same rail, with no database",
        "goal": GOAL,
        "ratio": ratio,
        "met": ratio["median"] >= GOAL,
        "of_what_the_concurrency_allows": round(
            made / min(one.seconds for one in samples["product"]) / (CONCURRENCY / BANK_SECONDS), 3
        ),
        "seconds": {way: seconds(of) for way, of in samples.items()},
    }
    say(f"{ratio}\n{save('d1_bank', report, machine=asked.machine)}")


if __name__ == "__main__":
    main()
