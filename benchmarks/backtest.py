"""
Backtest: a changed contract tried on 1,000,000 recorded orders and cancels.

70 % are orders of an amount, 20 % orders of lines with discounts and additional fees, 10 % cancels, of which a third
take the rest of their order. They were computed by the product's own formulas: one small house of such records is made
through the operations and then copied in SQL until there are enough. The trial is `settlement.operations.backtest.run`,
the way the job runs it. Before it counts, the unchanged contract is tried and must give zero everywhere, and what a
change gives must be what one house gives, times the houses.

    python -m benchmarks.backtest [--rows N] [--rounds N] [--machine TEXT]
"""

import argparse
import os
from datetime import date, timedelta
from typing import Any

from benchmarks.books import copy_of, product_database, variables
from benchmarks.common import Answer, Candidate, Sample, Server, measure, run, save, say, seconds

ROWS, FEWER = 1_000_000, 100_000
GOAL_SECONDS, GOAL_GROWTH = 120.0, 12.0
HOUSE, PARTNERS = 1_000, 50
_OTHER = 2
FIRST = date(2026, 1, 5)
DAYS = 90
# What is tried: another rate, VAT taken out, and a settlement date on the next day.
CHANGE = {"rate": 12_345, "subtract": True}

COPY = """
    insert into settlement_settlementrecord ({columns})
    select {values}
    from settlement_settlementrecord r cross join generate_series({first}, {last}) house
    where r.id <= {house}
    order by house, r.id
"""


def make_house(database_url: str) -> Answer:
    """Make a merchant with a contract, partners, and so many orders and cancels as the product records them."""
    os.environ["DATABASE_URL"] = database_url
    import django

    django.setup()
    from django.db import connection

    scope = _made_terms()
    _record(scope)
    with connection.cursor() as cursor:
        cursor.execute("select min(id), max(id), count(*) from settlement_settlementrecord")
        low, high, count = cursor.fetchone()
        cursor.execute(
            "select column_name from information_schema.columns where table_name = 'settlement_settlementrecord'"
            " and column_name <> 'id' order by ordinal_position"
        )
        columns = [name for (name,) in cursor.fetchall()]
    if (low, high, count) != (1, HOUSE, HOUSE):
        raise AssertionError(low, high, count)
    return {"merchant": scope.merchant_id, "columns": columns}


def _made_terms() -> Any:
    """Add a merchant with a contract, a policy of each kind and partners; return its scope."""
    from datetime import datetime

    from access import operations
    from core import actor
    from core.clock import SEOUL
    from core.scope import Scope
    from settlement.dates import Cycle, CycleMethod, DatePolicy
    from settlement.models import PartnerType
    from settlement.operations import contracts, partners, policies
    from settlement.operations.partners import Account, Contact, PartnerDraft, Taxpayer
    from settlement.operations.policies import FeeInput

    by, early = actor.system("benchmark"), datetime(2025, 1, 1, tzinfo=SEOUL)
    told: dict[str, Any] = {"by": by, "now": early}
    told["scope"] = scope = Scope(operations.create_merchant(name="Benchmark", by=by, now=early).pk)
    cycle = Cycle(2, CycleMethod.MONTHLY, DatePolicy.HOLIDAY_BEFORE, days_of_month=(15, 31))
    contracts.create(**told, public_id="c", name="c", fee=FeeInput(rate=10_000), vat_payer="PARTNER", cycle=cycle)
    policies.create_discount_share(**told, public_id="half", name="half", partner_share_rate=50_000)
    policies.create_additional_fee(**told, public_id="five", name="5", fee=FeeInput(rate=5_000), vat_payer="PARTNER")
    for number in range(PARTNERS):
        draft = PartnerDraft(
            public_id=f"p-{number}",
            name=f"파트너 {number}",
            contact=Contact("담당자", "someone@example.com"),
            account=Account("KOOKMIN", "KRW", "123-456-789012", "예금주"),
            default_contract_id="c",
            taxpayer=Taxpayer(PartnerType.NON_WHT_PAYER),
        )
        partners.create(**told, draft=draft)
    return scope


def _record(scope: Any) -> None:
    """Record orders of amounts and of lines, and cancels of some."""
    from datetime import datetime, time

    from core import actor
    from core.clock import SEOUL
    from settlement.cancels import Cancel, CancelLine
    from settlement.operations import records
    from settlement.operations.records import CancelDraft, DiscountDraft, LineDraft, OrderDraft

    by = actor.system("benchmark")

    def noon(day: date) -> datetime:
        return datetime.combine(day, time(12), tzinfo=SEOUL)

    def line(number: int, at: int) -> LineDraft:
        discounts = [DiscountDraft("half", 1_000 + number)] if at == 0 else []
        return LineDraft(f"g-{at}", "상품", 3_350 + number * 7, 1 + at, discounts=discounts, fee_policy_ids=["five"])

    orders = []
    for number in range(HOUSE * 9 // 10):
        lines = [line(number, at) for at in range(3)] if number % 9 in (0, 1) else []
        draft = OrderDraft(
            partner_id=f"p-{number % PARTNERS}",
            payment_id=f"order-{number}",
            start_date=FIRST + timedelta(days=number % DAYS),
            lines=lines,
            amount=None if lines else 10_000 + number * 37,
        )
        now = noon(FIRST + timedelta(days=number % DAYS))
        orders.append(records.record_order(scope=scope, by=by, now=now, draft=draft).public_id)
    last = FIRST + timedelta(days=DAYS)
    for number in range(HOUSE // 10):
        # Of one order a part and then the rest, of another a part, now and then of its lines.
        group, place = divmod(number, 3)
        pieces = (CancelLine("g-1", 1),) if group % 3 == 0 and place == _OTHER else None
        cancel = Cancel() if place == 1 else Cancel(lines=pieces, amount=None if pieces else 3_333)
        of = orders[group * 9 + (0 if pieces else 5 + (place == _OTHER))]
        asked = CancelDraft(cancellation_id=f"cancel-{number}", transfer_id=of, cancel=cancel, start_date=last)
        records.record_cancel(scope=scope, by=by, now=noon(last), draft=asked)


def fill(at: Server, house: Answer, rows: int) -> None:
    """Copy the house until there are so many records; each copy has ids, payments and orders of its own."""
    own = {
        "public_id": "r.public_id || '-' || house",
        "payment_id": "r.payment_id || '-' || house",
        "order_id": f"r.order_id + house * {HOUSE}",
    }
    columns = ["id", *house["columns"]]
    values = [f"r.id + house * {HOUSE}", *(own.get(name, f"r.{name}") for name in house["columns"])]
    figures = {"columns": ", ".join(columns), "values": ", ".join(values), "house": HOUSE}
    houses, step = rows // HOUSE, 100
    for first in range(1, houses, step):
        statement = COPY.format(first=first, last=min(first + step, houses) - 1, **figures)
        at.run("set synchronous_commit = off", statement)
    at.run("vacuum analyze")


def try_contract(database_url: str, merchant: int, *, changed: bool) -> Answer:
    """Try the contract on everything, as the job does; return what was found."""
    os.environ["DATABASE_URL"] = database_url
    import django

    django.setup()
    from core import actor, clock
    from core.scope import Scope
    from settlement.dates import Cycle, CycleMethod, DatePolicy
    from settlement.models import BacktestPartner, BacktestRecord
    from settlement.operations import backtest
    from settlement.operations.policies import FeeInput

    terms: dict[str, Any] = {}
    if changed:
        terms = {"fee": FeeInput(rate=CHANGE["rate"]), "subtract_payment_vat": CHANGE["subtract"]}
        terms["cycle"] = Cycle(1, CycleMethod.DAILY, DatePolicy.CALENDAR_DAY)
    row = backtest.create(
        scope=Scope(merchant),
        by=actor.system("benchmark"),
        now=clock.now(),
        contract_id="c",
        start_from=FIRST,
        start_until=FIRST + timedelta(days=DAYS),
        **terms,
    )
    row = backtest.run(
        scope=row.scope, public_id=row.public_id, fence=1, now=clock.now(), tell=lambda _done, _total: None
    )
    sums = BacktestPartner.objects.filter(backtest=row)
    return {
        "records": row.record_count,
        "changed": row.changed_count,
        "moved": row.moved_count,
        "unfit": row.unfit_count,
        "kept": BacktestRecord.objects.filter(backtest=row).count(),
        "difference": int(sum(one.difference for one in sums)),
        "recorded": int(sum(one.recorded for one in sums)),
    }


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--fewer", type=int, default=FEWER)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--machine", default="")
    asked = parser.parse_args()
    sizes = {"fewer": asked.fewer, "more": asked.rows}
    with product_database() as empty:
        os.environ |= variables(empty)
        url = variables(empty)["DATABASE_URL"]
        house = run(Candidate("house", "benchmarks.backtest:make_house", {"database_url": url})).answer
        one = _tried(empty, house, changed=True).answer
        with copy_of(empty, "fewer") as fewer, copy_of(empty, "more") as more:
            at = {"fewer": fewer, "more": more}
            for size, rows in sizes.items():
                fill(at[size], house, rows)
                nothing = _tried(at[size], house, changed=False)
                say(f"{rows} records, unchanged: {nothing.seconds:.2f} s")
                _expect(nothing.answer, {"changed": 0, "moved": 0, "unfit": 0, "kept": 0, "difference": 0})

            def check(candidate: Candidate, sample: Sample) -> None:
                houses = sizes[candidate.name] // HOUSE
                _expect(sample.answer, {name: figure * houses for name, figure in one.items()})

            candidates = [
                Candidate(
                    size,
                    "benchmarks.backtest:try_contract",
                    {
                        "database_url": variables(at[size])["DATABASE_URL"],
                        "merchant": house["merchant"],
                        "changed": True,
                    },
                )
                for size in sizes
            ]
            samples = measure(candidates, rounds=asked.rounds, check=check, before=more.checkpoint)
    least = {size: min(seconds(samples[size])) for size in sizes}
    growth = round(least["more"] / least["fewer"], 2)
    worst = max(seconds(samples["more"]))
    report = {
        "what": f"a changed contract tried on {asked.rows} records, every record changed and kept",
        "against": f"the same on {asked.fewer} records, and two minutes",
        "goal": {"seconds": GOAL_SECONDS, "growth": GOAL_GROWTH},
        "met": worst <= GOAL_SECONDS and growth <= GOAL_GROWTH,
        "growth": growth,
        "seconds": {size: seconds(samples[size]) for size in sizes},
        "peak_mb": {size: round(max(sample.peak_mb for sample in samples[size])) for size in sizes},
        "idle_mb": round(samples["more"][0].idle_mb),
        "found": samples["more"][0].answer,
    }
    say(f"{report['seconds']} growth {growth}\n{save('backtest', report, machine=asked.machine)}")


def _tried(at: Server, house: Answer, *, changed: bool) -> Sample:
    arguments = {"database_url": variables(at)["DATABASE_URL"], "merchant": house["merchant"], "changed": changed}
    return run(Candidate("try", "benchmarks.backtest:try_contract", arguments))


def _expect(found: Answer, wanted: Answer) -> None:
    if {name: found[name] for name in wanted} != wanted:
        raise AssertionError(found, wanted)


if __name__ == "__main__":
    main()
