"""
L2: posting many orders of four legs at once, balanced, guarded and idempotent, with one client.

Two ways: journals that Python has (`ledger.posting.post_many`, 1,000 a transaction), and journals that a query makes of
rows already in the database (`ledger.posting.post_selected`). The limit in the same run is that of L1: pgbench writes
the same rows, one durable commit an order, without any check.

    python -m benchmarks.l2_bulk [--seconds N] [--rounds N] [--machine TEXT]
"""

import argparse
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count

from benchmarks.books import Run, Step, assert_whole, copy_of, product_database, rate_ratios, rates, together
from benchmarks.common import Server, save, say
from benchmarks.l1_posting import DAY, PARTNERS, by_limit, prepare

GOAL, MOONSHOT = 3.5, 5
BATCH = {"post_many": 1_000, "post_selected": 20_000}
ROWS = (
    "create table public.sold (number bigint primary key, partner int not null, amount bigint not null)",
    "insert into sold select n, (n * 7919) % {partners}, 10000 + n * 37 % 90000 from generate_series(1, {rows}) n",
    "grant select on sold to jeongsan_app",
    "analyze sold",
)
QUERY = """
    select 'record.created', %(run)s || '-' || s.number, %(day)s::date,
        array[%(clearing)s, p.account, %(revenue)s, %(vat)s]::bigint[],
        array[s.amount, -(s.amount - s.amount / 10 - s.amount / 100), -(s.amount / 10), -(s.amount / 100)],
        array['payment', 'order', 'platform_fee', 'platform_fee_vat'], 'record', %(run)s || '-' || s.number
    from sold s join unnest(%(payable)s::bigint[]) with ordinality p(account, place) on p.place = s.partner + 1
"""


def post_many() -> Step:
    """Return the step that posts orders of random partners that Python has, after one to warm up."""
    from core import actor
    from core.scope import Scope
    from ledger import accounts, posting
    from ledger.accounts import Address
    from ledger.chart import Code
    from ledger.posting import Origin, Posting, credit, debit

    scope, by = Scope(1), actor.system("benchmark")
    clearing, revenue, vat = (Address(code) for code in (Code.CLEARING, Code.PLATFORM_FEE_REVENUE, Code.OUTPUT_VAT))
    payable = [Address(Code.PARTNER_PENDING, f"partner-{number:05d}") for number in range(PARTNERS)]
    accounts.resolve(scope, [clearing, revenue, vat, *payable])
    dice, numbers = random.Random(1), count()  # noqa: S311 - amounts of a benchmark are no secrets

    def order() -> Posting:
        amount, key = dice.randint(10_000, 99_999), f"order-{next(numbers)}"
        fee, fee_vat = amount // 10, amount // 100
        legs = [
            debit(clearing, amount, "payment"),
            credit(dice.choice(payable), amount - fee - fee_vat, "order"),
            credit(revenue, fee, "platform_fee"),
            credit(vat, fee_vat, "platform_fee_vat"),
        ]
        return Posting("record.created", key, DAY, legs, origin=Origin("record", key))

    def step() -> None:
        posting.post_many(scope=scope, postings=[order() for _number in range(BATCH["post_many"])], by=by)

    step()
    return step


def post_selected() -> Step:
    """Return the step that posts orders that stand in a table, after one to warm up."""
    from core import actor
    from core.scope import Scope
    from ledger import accounts, posting
    from ledger.accounts import Address
    from ledger.chart import Code

    scope, by, numbers = Scope(1), actor.system("benchmark"), count()
    payable = [Address(Code.PARTNER_PENDING, f"partner-{number:05d}") for number in range(PARTNERS)]
    codes = {"clearing": Code.CLEARING, "revenue": Code.PLATFORM_FEE_REVENUE, "vat": Code.OUTPUT_VAT}
    values: dict[str, object] = {name: accounts.resolve(scope, [Address(code)])[0] for name, code in codes.items()}
    values |= {"day": DAY, "payable": accounts.resolve(scope, payable)}

    def step() -> None:
        posting.post_selected(scope=scope, query=QUERY, parameters=values | {"run": f"run-{next(numbers)}"}, by=by)

    step()
    return step


def by_product(way: str, at: Server, seconds: float) -> Run:
    """Post one way, and check the books; the rate is that of orders."""
    run = together(at, [(f"benchmarks.l2_bulk:{way}", {})], seconds=seconds)
    posted = (run.done + 1) * BATCH[way]
    assert_whole(at, journals=posted, legs=4 * posted)
    return replace(run, done=run.done * BATCH[way])


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--machine", default="")
    asked = parser.parse_args()
    ways: dict[str, Callable[[Server, float], Run]] = {
        "limit": lambda at, seconds: by_limit(at, 1, seconds),
        **{way: partial(by_product, way) for way in BATCH},
    }
    runs: dict[str, list[Run]] = {way: [] for way in ways}
    with product_database() as at:
        prepare(at)
        at.run(*(line.format(rows=BATCH["post_selected"], partners=PARTNERS) for line in ROWS))
        for number in range(1, asked.rounds + 1):
            for way, measured in ways.items():
                with copy_of(at) as fresh:
                    run = measured(fresh, asked.seconds)
                runs[way].append(run)
                say(f"round {number}: {way:14} {run.rate:8.0f}/s")
    ratios = {way: rate_ratios(runs[way], runs["limit"]) for way in BATCH}
    report = {
        "what": "post orders of four legs, many a transaction, with all checks, 1 client",
        "against": "pgbench, the same rows in one prepared statement without checks, one commit an order, 1 client",
        "goal": GOAL,
        "moonshot": MOONSHOT,
        "orders_a_transaction": BATCH,
        "ratio": ratios,
        "met": ratios["post_selected"]["median"] >= GOAL,
        "rates": {name: rates(of) for name, of in runs.items()},
        "client_peak_mb": round(max(run.peak_mb for of in runs.values() for run in of)),
    }
    say(f"{ratios}\n{save('l2_bulk', report, machine=asked.machine)}")


if __name__ == "__main__":
    main()
