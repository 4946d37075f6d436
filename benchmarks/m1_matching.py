"""
M1: 1,000,000 invoice lines matched three-way with orders and receipts, as a changed tolerance makes the product do.

The limit in the same run: the same joins with a count. Every seventh price lies exactly on its tolerance. Verdicts and
reasons of every line are kept, and each invoice says what came of it.

    python -m benchmarks.m1_matching [--rows N] [--rounds N] [--machine TEXT]
"""

import argparse
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.books import copy_of, product_database, variables
from benchmarks.common import Answer, Candidate, Sample, Server, memory_mb, ratios, run, save, say, seconds

GOAL, MOONSHOT = 1.25, 1.15
LINES, ITEMS, VENDORS = 20, 5_000, 500
# All of what is joined is looked at, or the planner would leave the joins out.
LIMIT = """
    with {lines}
    select count(*), count(agreed_unit), count(billed_net), count(received), count(tolerance), count(is_plain)
    from lines
"""
FOUND = """
    select count(*), sum(cardinality(codes)), sum((select count(*) from unnest(codes) c where c & 2 > 0)),
        sum((select count(*) from unnest(codes) c where c & 64 > 0)),
        (select count(*) from matching_invoice where match_status = 'failed' and reasons <> '{}'),
        (select count(*) from matching_invoice where match_status not in ('failed', 'passed'))
    from matching_matchrun
"""


# ---- the candidates; each is a process of its own


@contextmanager
def _ready(at: Mapping[str, str]) -> Iterator[Answer]:
    """Set the product up, which is not measured; then tell seconds and idle memory."""
    import django

    os.environ |= variables(Server(**at))
    django.setup()
    from django.db import connection

    connection.ensure_connection()
    told: Answer = {"idle": memory_mb("VmRSS")}
    begin = time.perf_counter()
    yield told
    told.setdefault("took", time.perf_counter() - begin)


def by_limit(at: dict[str, str]) -> Answer:
    """Join everything, and count."""
    with _ready(at) as told:
        from django.db import connection, transaction

        from core.sql import load
        from matching.models import Invoice
        from matching.operations import bulk

        keys = list(Invoice.objects.values_list("pk", flat=True))
        values = {"merchant": 1, "is_test": False, "invoices": keys, "only_higher": True, "policy": "three_way"}
        statement = LIMIT.format(lines=load("matching", "lines_to_match"))
        begin = time.perf_counter()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(bulk.MEMORY)
            cursor.execute(statement, values)
            told["found"] = list(cursor.fetchone())
        told["took"] = time.perf_counter() - begin
    return told


def by_product(at: dict[str, str]) -> Answer:
    """Match every pending invoice, as the job after a changed tolerance does."""
    with _ready(at) as told:
        from django.db import transaction

        from core import actor, clock
        from core.scope import Scope
        from matching import queries
        from matching.models import Invoice
        from matching.operations import bulk

        scope, by = Scope(1), actor.system("benchmark")
        keys = list(Invoice.objects.values_list("pk", flat=True))
        begin = time.perf_counter()
        with transaction.atomic():
            parameters = queries.parameters(scope)
            left = bulk.match_many(scope=scope, by=by, now=clock.now(), invoices=keys, parameters=parameters)
        told["took"] = time.perf_counter() - begin
        told["left"] = len(left)
    return told


# ---- measuring


def _candidate(function: str, at: Server) -> Candidate:
    where = {"dsn": at.dsn, "admin_dsn": at.admin_dsn}
    return Candidate(function, f"benchmarks.m1_matching:{function}", {"at": where})


def _check(name: str, told: Sample, at: Server, rows: int) -> None:
    """See that every line has its verdict: those beyond the limit failed, those exactly on it did not."""
    if name == "limit":
        if told.answer["found"] != [rows] * 6:
            raise AssertionError(told.answer)
        return
    invoices = rows // LINES
    beyond, short = sum(n % 7 == 1 for n in range(1, rows + 1)), sum(n % 11 == 0 for n in range(1, rows + 1))
    found = tuple(int(value) for value in at.run(FOUND)[0])
    if told.answer["left"] or (*found[:4], found[5]) != (invoices, rows, beyond, short, 0) or found[4] > invoices:
        raise AssertionError(told.answer, found)


def _seed(sizes: Mapping[str, int]) -> str:
    text = Path(__file__).with_name("m1_seed.sql").read_text()
    for name, size in sizes.items():
        text = text.replace(f":{name}:", str(size))
    return text


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--machine", default="")
    asked = parser.parse_args()
    samples: dict[str, list[Sample]] = {"limit": [], "product": []}
    sizes = {"vendors": VENDORS, "items": ITEMS, "lines": LINES, "orders": asked.rows // LINES}
    with product_database() as at, ExitStack() as kept:
        full = kept.enter_context(copy_of(at, "full"))
        full.run(_seed(sizes), as_admin=True)
        full.run("vacuum analyze", as_admin=True)
        for number in range(1, asked.rounds + 1):
            for name, kept_samples in samples.items():
                with copy_of(full) as fresh:
                    told = run(_candidate(f"by_{name}", fresh))
                    _check(name, told, fresh, asked.rows)
                sample = replace(told, seconds=told.answer["took"], idle_mb=told.answer["idle"])
                kept_samples.append(sample)
                say(f"round {number}: {name:8} {sample.seconds:8.2f} s  {sample.peak_mb:6.0f} MB")
    report = _report(samples, asked.rows)
    say(f"{report}\n{save('m1_matching', report, machine=asked.machine)}")


def _report(samples: Mapping[str, list[Sample]], rows: int) -> dict[str, Any]:
    ratio = ratios(samples["product"], samples["limit"])
    return {
        "what": f"match {rows} invoice lines three-way, {LINES} an invoice, and keep every verdict and reason",
        "against": "the same joins with a count",
        "goal": GOAL,
        "moonshot": MOONSHOT,
        "ratio": ratio,
        "met": ratio["median"] <= GOAL,
        "peak_mb": round(max(one.peak_mb for one in samples["product"])),
        "seconds": {way: seconds(of) for way, of in samples.items()},
    }


if __name__ == "__main__":
    main()
