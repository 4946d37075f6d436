"""
T1: 10,000 approved payouts sent through real Celery workers and Valkey, and stored as paid.

The rival in the same run: one Celery task per transfer, which reads the row, saves it before the bank is asked and
saves it again with the answer (`t1_rival.py`). In both the bank answers at once and inside the process, so that what is
measured is queueing and storing. Beside the goal stands the product with the simulated bank, a process that is called
over HTTP. The product's time runs from the hint to the last payout SUCCEEDED and includes starting the bulk payout,
making the attempts, all checks, events and journals.

    python -m benchmarks.t1_dispatch [--payouts N] [--rounds N] [--machine TEXT]
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.books import INVARIANTS, copy_of, product_database, variables
from benchmarks.common import ROOT, Answer, Candidate, Sample, Server, ratios, run, save, say, seconds
from config.embedded import Valkey, state_folder

GOAL, MOONSHOT = 50, 100
WORKERS = 2
_LONGEST_SECONDS = 600.0
# What is sent through: the rival and the product with a bank inside the process, and the product with one over HTTP.
WAYS = ("rival", "test", "simulator")
TABLE = """
    create table public.transfer (id bigint generated always as identity primary key, reference text not null unique,
        reference_date date not null, amount bigint not null, state text not null, bank_reference text not null)
"""
ROWS = """
    insert into transfer (reference, reference_date, amount, state, bank_reference)
    select 't-' || n, date '2026-11-20', 1000 + n, 'CREATED', '' from generate_series(1, {rows}) n
"""
PAID = "select count(*) from payouts_payout where status = 'SUCCEEDED'"
RIVAL_PAID = "select count(*) from transfer where state = 'SUCCEEDED'"
# What must be there afterwards: paid payouts, attempts that succeeded at once, their events, journals of both steps,
# and what the books are off by.
FOUND = """
    select (select count(*) from payouts_payout where status = 'SUCCEEDED'),
        (select count(distinct payout_id) from payouts_attempt where state = 'SUCCEEDED' and submission_no = 1),
        (select count(*) from payouts_bankevent where outcome = 'SUCCEEDED' and applied),
        (select count(*) from ledger_journal where event_type = 'payout.dispatched'),
        (select count(*) from ledger_journal where event_type = 'payout.succeeded'),
        (select sum(amount) from ledger_entry)
"""


# ---- the steps; each is a process of its own


def _environment(at: Mapping[str, str], **extra: str) -> dict[str, str]:
    return variables(Server(**at)) | {"BANK_URL": "http://127.0.0.1:1"} | extra


def approve(at: dict[str, str], rail: str) -> Answer:
    """Build a bulk payout of everything, and let others approve it; nothing is sent."""
    import django

    os.environ |= _environment(at)
    django.setup()
    from core import actor, clock, jobs
    from core.actor import Actor, ActorKind
    from core.models import Job
    from core.scope import Scope
    from ledger import posting
    from ledger.accounts import Address
    from ledger.chart import Code
    from ledger.posting import Origin, Posting, credit, debit
    from payouts import queries
    from payouts.models import BankAccount, BulkStatus, Decision
    from payouts.operations import approval, building
    from settlement.models import PartnerSettlement

    scope, by, now = Scope(1), actor.system("benchmark"), clock.now()
    BankAccount.objects.update(rail=rail)
    legs = [debit(Address(Code.BANK, "main"), 10**12), credit(Address(Code.OPERATOR_FUNDS, "main"), 10**12)]
    top_up = Posting("funds.topped_up", "top-up", clock.today(), legs, Origin("bank_account", "main"))
    posting.post(scope=scope, posting=top_up, by=by)
    choice = building.Choice(list(PartnerSettlement.objects.values_list("pk", flat=True)), {})
    made = building.create_bulk_payout(scope=scope, choice=choice, name="T1", by=by, now=now)
    jobs.run_job(Job.objects.get(kind="payouts.build").pk)
    seen = queries.find_bulk(scope, made.public_id).content_hash
    submitted = approval.submit(scope=scope, bulk_id=made.public_id, seen_hash=seen, by=by, now=now)
    for number in range(submitted.approvals_needed):
        checker = Actor(ActorKind.USER, f"checker {number}", user_id=number + 1)
        approval.decide(
            scope=scope, bulk_id=made.public_id, seen_hash=seen, decision=Decision.APPROVED, by=checker, now=now
        )
    if queries.find_bulk(scope, made.public_id).status != BulkStatus.APPROVED:
        raise AssertionError("not approved")
    return {}


def send(at: dict[str, str], redis_url: str, way: str, payouts: int) -> Answer:
    """Hand the work to the workers that are there, and wait until all of it is stored as paid."""
    import django

    os.environ |= _environment(at, REDIS_URL=redis_url)
    django.setup()
    from django.db import connection

    from config.celery import app

    paid = RIVAL_PAID if way == "rival" else PAID
    connection.ensure_connection()
    begin = time.perf_counter()
    if way == "rival":
        for key in range(1, payouts + 1):
            app.send_task("benchmarks.send_transfer", kwargs={"key": key}, queue="bank")
    else:
        app.send_task("core.run_sweeper", kwargs={"name": "payouts.dispatch"}, queue="bank")
    with connection.cursor() as cursor:
        while (took := time.perf_counter() - begin) < _LONGEST_SECONDS:
            cursor.execute(paid)
            if cursor.fetchone()[0] == payouts:
                return {"took": took}
            time.sleep(0.02)
    raise AssertionError("not all were paid in time")


# ---- measuring


@contextmanager
def _process(command: list[str], env: Mapping[str, str], log: Path, ready: str) -> Iterator[str]:
    """Run a process until the end of the block; give the line by which it said that it is ready."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT)
    try:
        while not (said := [line for line in log.read_text(errors="replace").splitlines() if ready in line]):
            if process.poll() is not None:
                raise RuntimeError(log.read_text(errors="replace"))
            time.sleep(0.05)
        yield said[0]
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _bank(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "payouts.rails.simulator.server", "--file", str(folder / "bank"), "--port", "0"]
    with _process(command, dict(os.environ), folder / "bank.log", "ready on ") as said:
        yield said.rpartition(" ")[2]


def _measured(at: Server, folder: Path, way: str, payouts: int) -> Sample:
    """Let workers do all of it once, on a copy of the database; check what they left."""
    with copy_of(at) as fresh, TemporaryDirectory(dir=folder) as name:
        here, where = Path(name), {"dsn": fresh.dsn, "admin_dsn": fresh.admin_dsn}
        if way == "rival":
            fresh.run(TABLE, ROWS.format(rows=payouts), "grant select, update on transfer to jeongsan_app")
        else:
            run(Candidate("approve", "benchmarks.t1_dispatch:approve", {"at": where, "rail": way}))
        fresh.run("vacuum analyze", as_admin=True)
        valkey = Valkey(here / "valkey", log=here / "valkey.log")
        valkey.start()
        try:
            with _bank(here) if way == "simulator" else nullcontext("http://127.0.0.1:1") as bank:
                env = _environment(where, REDIS_URL=valkey.url, SEND_HINTS="1", BANK_URL=bank)
                application = "benchmarks.t1_rival" if way == "rival" else "config.celery"
                command = [sys.executable, "-m", "celery", "--app", application, "worker", "--queues", "bank"]
                command += ["--concurrency", str(WORKERS), "--without-mingle", "--without-gossip"]
                arguments = {"at": where, "redis_url": valkey.url, "way": way, "payouts": payouts}
                with _process(command, env, here / "worker.log", " ready"):
                    sample = run(Candidate(way, "benchmarks.t1_dispatch:send", arguments))
        finally:
            valkey.stop()
        _check(fresh, way, payouts)
    return replace(sample, seconds=sample.answer["took"])


def _check(at: Server, way: str, payouts: int) -> None:
    if way == "rival":
        found: tuple[int, ...] = tuple(int(value) for value in at.run(RIVAL_PAID)[0])
        wanted: tuple[int, ...] = (payouts,)
    else:
        found = tuple(int(value) for value in at.run(FOUND)[0])
        wanted = (payouts, payouts, payouts, payouts, payouts, 0)
    broken = at.run(INVARIANTS.read_text())
    if found != wanted or broken:
        raise AssertionError(way, found, wanted, broken)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payouts", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--machine", default="")
    asked = parser.parse_args()
    samples: dict[str, list[Sample]] = {way: [] for way in WAYS}
    with TemporaryDirectory(prefix="t1-", dir=state_folder()) as folder, product_database() as at:
        where = {"dsn": at.dsn, "admin_dsn": at.admin_dsn}
        partners = {"at": where, "rows": asked.payouts, "each": 1}
        run(Candidate("prepare", "benchmarks.b1_build:prepare", partners))
        for number in range(1, asked.rounds + 1):
            for way in WAYS:
                sample = _measured(at, Path(folder), way, asked.payouts)
                samples[way].append(sample)
                say(f"round {number}: {way:10} {sample.seconds:8.2f} s  {asked.payouts / sample.seconds:6.0f}/s")
    report = _report(samples, asked.payouts)
    say(f"{report}\n{save('t1_dispatch', report, machine=asked.machine)}")


def _report(samples: Mapping[str, list[Sample]], payouts: int) -> dict[str, Any]:
    ratio = ratios(samples["rival"], samples["test"])
    return {
        "what": f"send {payouts} approved payouts through Celery and store them as paid, bank inside the process",
        "against": "one Celery task per transfer, two saves with the ORM, the same bank, no journals, events or checks",
        "workers": WORKERS,
        "goal": GOAL,
        "moonshot": MOONSHOT,
        "ratio": ratio,
        "met": ratio["median"] >= GOAL,
        "ratio_with_a_bank_over_http": ratios(samples["rival"], samples["simulator"]),
        "rates": {way: [round(payouts / sample.seconds) for sample in of] for way, of in samples.items()},
        "seconds": {way: seconds(of) for way, of in samples.items()},
    }


if __name__ == "__main__":
    main()
