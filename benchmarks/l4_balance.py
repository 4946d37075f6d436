"""
L4: the balance of an account with 1,000,000 legs, against the same account with 10,000 legs, both spread over a year.

The journals come through the bulk door and are folded into day totals, as the running product does every few seconds;
then some more are posted, so that a balance is what was folded plus the legs since. It is read through
`ledger.queries`, as of now and as of a day in the middle. For comparison only, the sum over all legs is timed as well.

    python -m benchmarks.l4_balance [--legs N] [--rounds N] [--machine TEXT]
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date, timedelta
from statistics import median

from benchmarks.books import assert_whole, connected, product_database, variables
from benchmarks.common import Answer, Candidate, Sample, Server, measure, save, say

FEWER, MORE = 10_000, 1_000_000
GOAL, MOONSHOT = 2.0, 1.3
READS, SUMS = 1_000, 5
SINCE_FOLDED = 200
FIRST_DAY, DAYS = date(2026, 1, 1), 365
MIDDLE = FIRST_DAY + timedelta(days=DAYS // 2)
_CHUNK = 5_000
# Journals of two legs, number n for 7 * n won on day n of the year.
POST = """
    with head as (select n from generate_series({first}::bigint, {last}::bigint) n),
        leg as (
            select n - {first} + 1 as journal, n, side, case side when 1 then {account} else {revenue} end as account
            from head cross join (values (1), (-1)) s (side)
        )
    select ledger_post_many(1, false, h.events, h.keys, h.days, h.texts, h.texts, h.reverses, h.texts,
        l.journals, l.accounts, l.amounts, l.components, 'system:benchmark', '')
    from (
        select array_agg('load'::text) as events, array_agg('{owner}-' || n order by n) as keys,
            array_agg(date '{day}' + (n % {days})::int order by n) as days, array_agg(''::text) as texts,
            array_agg(null::bigint) as reverses
        from head
    ) h cross join (
        select array_agg(journal::int order by n, side) as journals,
            array_agg(account::bigint order by n, side) as accounts,
            array_agg(7 * n * side order by n, side) as amounts, array_agg(''::text) as components
        from leg
    ) l
"""


def load(at: Server, owner: str, legs: int) -> None:
    """Post journals until an account has so many legs, the last of them after folding."""
    [(account,)] = at.run(f"select (ledger_open(1, false, '{{1020}}', '{{channel}}', '{{{owner}}}', '{{KRW}}'))[1]")
    [(revenue,)] = at.run("""select (ledger_open(1, false, '{4010}', '{""}', '{""}', '{KRW}'))[1]""")
    figures = {"owner": owner, "account": account, "revenue": revenue, "day": FIRST_DAY, "days": DAYS}
    folded = legs - SINCE_FOLDED
    for first in range(1, folded + 1, _CHUNK):
        last = min(first + _CHUNK - 1, folded)
        at.run("set synchronous_commit = off", POST.format(first=first, last=last, **figures))
    at.run("select ledger_fold()", "select ledger_fold()")
    if at.run("select journal_id from ledger_mark") != at.run("select max(id) from ledger_journal"):
        raise AssertionError("the journals were not folded")
    at.run(POST.format(first=folded + 1, last=legs, **figures))


def wanted(legs: int, until: date | None) -> int:
    """Return what the balance must be, computed here."""
    return sum(7 * n for n in range(1, legs + 1) if until is None or FIRST_DAY + timedelta(days=n % DAYS) <= until)


def _repeated(read: Callable[[], int], times: int) -> Answer:
    """Call often, after a first time, and return the answer with the median time of a call in microseconds."""
    answer, took = read(), []
    for _time in range(times):
        begin = time.perf_counter()
        answer = read()
        took.append(time.perf_counter() - begin)
    return {"balance": answer, "microseconds": round(median(took) * 1e6, 1)}


def by_product(owner: str, until: str) -> Answer:
    """Read the balance as pages do."""
    import django

    django.setup()
    from core.scope import Scope
    from ledger import queries
    from ledger.accounts import Address
    from ledger.chart import Code

    scope, address = Scope(1), Address(Code.CLEARING, owner)
    on = date.fromisoformat(until) if until else None
    return _repeated(lambda: queries.balance(scope, address, on), READS)


def by_sum(dsn: str, owner: str) -> Answer:
    """Sum all legs of the account."""
    with closing(connected(dsn)) as connection, connection.cursor() as cursor:

        def read() -> int:
            cursor.execute(
                "select sum(amount) from ledger_entry"
                " where account_id = (select id from ledger_account where code = 1020 and owner = %s)",
                [owner],
            )
            return int(cursor.fetchone()[0])

        return _repeated(read, SUMS)


def _slower(samples: dict[str, list[Sample]], what: str) -> dict[str, float]:
    """Return how many times longer a read takes with more legs: the median over the rounds, and best against best."""

    def times(size: str) -> Sequence[float]:
        return [sample.answer["microseconds"] for sample in samples[f"{size} {what}"]]

    by_round = [more / fewer for more, fewer in zip(times("more"), times("fewer"), strict=True)]
    return {
        "median": round(median(by_round), 2),
        "best": round(min(times("more")) / min(times("fewer")), 2),
    }


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--legs", type=int, default=MORE)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--machine", default="")
    asked = parser.parse_args()
    sizes = {"fewer": FEWER, "more": asked.legs}
    days = {"now": None, "of a day": MIDDLE, "summed": None}
    right = {f"{size} {what}": wanted(legs, until) for size, legs in sizes.items() for what, until in days.items()}

    def check(candidate: Candidate, sample: Sample) -> None:
        if sample.answer["balance"] != right[candidate.name]:
            raise AssertionError(candidate.name, sample.answer, right[candidate.name])

    with product_database() as at:
        for size, legs in sizes.items():
            load(at, size, legs)
            say(f"{legs} legs loaded")
        assert_whole(at, journals=sum(sizes.values()), legs=2 * sum(sizes.values()))
        at.run("vacuum analyze")
        os.environ |= variables(at)
        read, summed = "benchmarks.l4_balance:by_product", "benchmarks.l4_balance:by_sum"
        candidates = [
            Candidate(f"{size} {what}", summed, {"dsn": at.dsn, "owner": size})
            if what == "summed"
            else Candidate(f"{size} {what}", read, {"owner": size, "until": until.isoformat() if until else ""})
            for what, until in days.items()
            for size in sizes
        ]
        samples = measure(candidates, rounds=asked.rounds, check=check, before=at.checkpoint)
    slower = {what: _slower(samples, what) for what in days}
    report = {
        "what": f"balance of an account with {asked.legs} legs, {SINCE_FOLDED} of them after the last fold",
        "against": f"the same account with {FEWER} legs",
        "goal": GOAL,
        "moonshot": MOONSHOT,
        "ratio": slower["now"],
        "ratio_of_a_day": slower["of a day"],
        "ratio_summing_legs": slower["summed"],
        "met": max(slower["now"]["median"], slower["of a day"]["median"]) <= GOAL,
        "microseconds": {name: [sample.answer["microseconds"] for sample in of] for name, of in samples.items()},
        "peak_mb": round(max(sample.peak_mb for of in samples.values() for sample in of)),
    }
    say(f"{slower}\n{save('l4_balance', report, machine=asked.machine)}")


if __name__ == "__main__":
    main()
