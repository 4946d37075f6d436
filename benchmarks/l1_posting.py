"""
L1: posting one order of four legs, durable, balanced, guarded and idempotent, through `ledger.posting.post`.

The limit in the same run: pgbench writes the same rows (journal, four entries, the partner's balance) to tables of the
same shape and indexes, without triggers, in one prepared statement.

    python -m benchmarks.l1_posting [--seconds N] [--rounds N] [--machine TEXT]
"""

import argparse
import random
from collections.abc import Callable
from datetime import date
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.books import Run, Step, assert_whole, copy_of, pgbench, product_database, rate_ratios, rates, together
from benchmarks.common import Server, save, say

PARTNERS = 5_000
CLIENTS = (1, 4)
WARM_UP = 2
GOAL, MOONSHOT = 0.6, 0.75
DAY = date(2026, 11, 20)

BARE = (
    "create schema bare",
    "create table bare.ledger_journal (like public.ledger_journal including all)",
    "create table bare.ledger_entry (like public.ledger_entry including all)",
    "create table bare.ledger_balance (like public.ledger_balance including all)",
    "insert into bare.ledger_balance select * from public.ledger_balance",
)
# pgbench takes a colon for a variable, so the actor stands without one.
LIMIT = r"""
\set partner random(0, {partners} - 1)
\set amount random(10000, 99999)
\set number :number + 1
with journal as (
    insert into ledger_journal (merchant_id, is_test, event_type, event_key, payload_hash, business_date,
        effective_date, leg_count, reverses_id, origin_kind, origin_id, actor, request_id, memo, attributes)
    values (1, false, 'record.created', 'order-' || :client_id::bigint || '-' || :number::bigint,
        '\x8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92', '{day}', '{day}', 4, null, 'record',
        'order-' || :client_id::bigint || '-' || :number::bigint, 'system benchmark', '', '', '{{}}')
    returning id
), legs as (
    insert into ledger_entry (journal_id, leg_no, account_id, currency, amount, component)
    select j.id, l.leg_no, l.account_id, 'KRW', l.amount, l.component
    from journal j cross join (values
        (1, {clearing}::bigint, :amount::bigint, 'payment'),
        (2, {first}::bigint + :partner::bigint,
            -(:amount::bigint - :amount::bigint / 10 - :amount::bigint / 100), 'order'),
        (3, {revenue}::bigint, -(:amount::bigint / 10), 'platform_fee'),
        (4, {vat}::bigint, -(:amount::bigint / 100), 'platform_fee_vat')) l (leg_no, account_id, amount, component)
)
update ledger_balance
set balance = balance - (:amount::bigint - :amount::bigint / 10 - :amount::bigint / 100), version = version + 1
where account_id = {first}::bigint + :partner::bigint;
"""


def orders(client: int, partners: tuple[int, int] = (0, PARTNERS), owner: str = "") -> Step:
    """
    Return the step of one client: post one order of a random partner in a range, after posting one to warm up.

    With an owner, the accounts without a floor are that owner's own, and nobody else's.
    """
    from core import actor
    from core.scope import Scope
    from ledger import accounts, posting
    from ledger.accounts import Address
    from ledger.chart import Code
    from ledger.posting import Origin, Posting, credit, debit

    scope, by = Scope(1), actor.system("benchmark")
    codes = (Code.CLEARING, Code.PLATFORM_FEE_REVENUE, Code.OUTPUT_VAT)
    owned = (Code.CLEARING, Code.PASS_THROUGH_FEE, Code.MANUAL_RECOVERY)
    clearing, revenue, vat = (Address(code, owner) for code in (owned if owner else codes))
    payable = [Address(Code.PARTNER_PENDING, f"partner-{number:05d}") for number in range(*partners)]
    accounts.resolve(scope, [clearing, revenue, vat, *payable])
    dice = random.Random(client)  # noqa: S311 - amounts of a benchmark are no secrets
    numbers = count()

    def step() -> None:
        amount, key = dice.randint(10_000, 99_999), f"order-{client}-{next(numbers)}"
        fee, fee_vat = amount // 10, amount // 100
        legs = [
            debit(clearing, amount, "payment"),
            credit(dice.choice(payable), amount - fee - fee_vat, "order"),
            credit(revenue, fee, "platform_fee"),
            credit(vat, fee_vat, "platform_fee_vat"),
        ]
        posting.post(
            scope=scope, posting=Posting("record.created", key, DAY, legs, origin=Origin("record", key)), by=by
        )

    step()
    return step


def prepare(at: Server) -> None:
    """Open the accounts and make the limit's tables."""
    of_each = f"from generate_series(0, {PARTNERS - 1}) n)"
    at.run(
        """select ledger_open(1, false, '{1020,4010,2210}', '{"","",""}', '{"","",""}', '{KRW,KRW,KRW}')""",
        f"select ledger_open(1, false, (select array_agg(2010) {of_each}, (select array_agg('partner'::text) {of_each},"
        f" (select array_agg('partner-' || lpad(n::text, 5, '0')) {of_each}, (select array_agg('KRW'::text) {of_each})",
        *BARE,
        "analyze",
    )


def limit_script(at: Server) -> str:
    """Return pgbench's script with the numbers of the accounts in this database."""
    ids = dict(at.run("select code, min(id) from ledger_account group by code"))
    [(count, span)] = at.run("select count(*), max(id) - min(id) + 1 from ledger_account where code = 2010")
    if count != PARTNERS or span != PARTNERS:
        raise AssertionError("the partners' accounts are not numbered in a row", count, span)
    return LIMIT.format(
        partners=PARTNERS, day=DAY, clearing=ids[1020], first=ids[2010], revenue=ids[4010], vat=ids[2210]
    )


def by_limit(at: Server, clients: int, seconds: float) -> Run:
    """Write bare rows, and count them."""
    with TemporaryDirectory() as folder:
        script = Path(folder, "limit.sql")
        script.write_text(limit_script(at))
        warm = pgbench(at, script, clients=clients, seconds=WARM_UP, first=0, search_path="bare")
        run = pgbench(at, script, clients=clients, seconds=seconds, first=1_000_000, search_path="bare")
    found = at.run(
        "select (select count(*) from bare.ledger_journal), (select count(*) from bare.ledger_entry),"
        " (select sum(version) from bare.ledger_balance)"
    )
    done = warm.done + run.done
    if found != [(done, 4 * done, done)]:
        raise AssertionError(found, done)
    return run


def by_product(at: Server, clients: int, seconds: float) -> Run:
    """Post, and check the books."""
    arguments = [{"client": number} for number in range(clients)]
    run = together(at, [("benchmarks.l1_posting:orders", one) for one in arguments], seconds=seconds)
    posted = run.done + clients  # each has posted one to warm up
    assert_whole(at, journals=posted, legs=4 * posted)
    return run


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--machine", default="")
    asked = parser.parse_args()
    ways: dict[str, Callable[[Server, int, float], Run]] = {"limit": by_limit, "product": by_product}
    runs: dict[str, list[Run]] = {f"{way} {clients}": [] for clients in CLIENTS for way in ways}
    with product_database() as at:
        prepare(at)
        for number in range(1, asked.rounds + 1):
            for clients in CLIENTS:
                for way, measured in ways.items():
                    with copy_of(at) as fresh:
                        run = measured(fresh, clients, asked.seconds)
                    runs[f"{way} {clients}"].append(run)
                    say(f"round {number}: {way:8} {clients} clients {run.rate:8.0f}/s")
    ratios = {str(clients): rate_ratios(runs[f"product {clients}"], runs[f"limit {clients}"]) for clients in CLIENTS}
    report = {
        "what": "post one order of four legs, each its own durable commit",
        "against": "pgbench, the same rows in one prepared statement without checks",
        "goal": GOAL,
        "moonshot": MOONSHOT,
        "ratio_by_clients": ratios,
        "met": all(ratio["median"] >= GOAL for ratio in ratios.values()),
        "rates": {name: rates(of) for name, of in runs.items()},
        "client_peak_mb": round(max(run.peak_mb for of in runs.values() for run in of)),
    }
    say(f"{ratios}\n{save('l1_posting', report, machine=asked.machine)}")


if __name__ == "__main__":
    main()
