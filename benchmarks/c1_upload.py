"""
C1: checking and loading a CSV of 1,000,000 manual adjustments, as the product's upload does.

The limit in the same run: COPY of the finished records into the same table, with its indexes, keys and triggers. Beside
it stand the whole way, with all journals posted, and a file with wrong lines, of which nothing may be loaded.

    python -m benchmarks.c1_upload [--rows N] [--rounds N] [--machine TEXT]
"""

import argparse
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.books import connected, copy_of, product_database, variables
from benchmarks.common import Answer, Candidate, Sample, Server, memory_mb, ratios, run, save, say, seconds
from config.embedded import state_folder

PARTNERS = 5_000
SMALLER = 10
GOAL, MOONSHOT, GOAL_GROWTH, GOAL_PEAK_MB, GOAL_MORE_MB = 1.7, 1.4, 12, 100, 20
HEADER = "정산 유형,파트너 아이디,정산일,정산 금액,정산 면세액,메모\r\n"
# Of these many lines one is wrong, in turn in one of these ways.
WRONG_EVERY = 1_000
WRONG = (
    ",nobody,{day},{amount},,",
    ",seller-00001,2026-02-30,{amount},,",
    ",seller-00001,{day},1.5,,",
    ",seller-00001,{day},{amount},9999999,",
)
MERCHANT = f"""
    with contract as (
        insert into settlement_contract (merchant_id, is_test, public_id, is_archived) values (1, false, 'ten', false)
        returning id
    )
    insert into settlement_partner (merchant_id, is_test, public_id, name, contact_name, contact_phone, contact_email,
        default_contract_id, status, type, memo, tags, user_defined_properties, is_archived, bank, account_currency,
        account_number_sealed, account_last4, account_fingerprint, account_holder, account_status, account_confirmed,
        company_name, taxation_type, business_status, business_registration_number, representative_name,
        company_address, business_type, business_class)
    select 1, false, 'seller-' || lpad(n::text, 5, '0'), 'p', 'c', '', 'c@example.com', c.id, 'APPROVED', 'WHT_PAYER',
        '', '{{}}', '{{}}', false, 'KOOKMIN', 'KRW', '', '0000', '', 'p', 'VERIFIED', true, '', '', 'NOT_VERIFIED', '',
        '', '', '', ''
    from generate_series(0, {PARTNERS - 1}) n, contract c
"""  # noqa: S608 - a number of our own


# ---- the files


def lines(rows: int, *, wrong: bool) -> Iterator[str]:
    """Yield a file line by line, the same each time; every day lies ahead."""
    dice, today = random.Random(7), date.today()  # noqa: S311, DTZ011 - no secrets; any day ahead will do
    days = [(today + timedelta(days=ahead)).isoformat() for ahead in range(2, 92)]
    yield HEADER
    for number in range(rows):
        day, amount = days[number % len(days)], dice.randint(1_000, 900_000) * (-1 if number % 20 == 0 else 1)
        if wrong and number % WRONG_EVERY == 0:
            yield WRONG[number // WRONG_EVERY % len(WRONG)].format(day=day, amount=amount) + "\r\n"
            continue
        tax_free = str(amount // 10) if number % 4 == 0 and amount > 0 else ""
        memo = f"봄 행사 지원금 {number}" if number % 10 == 0 else ""
        yield f"수기 정산,seller-{dice.randrange(PARTNERS):05d},{day},{amount},{tax_free},{memo}\r\n"


def write_file(path: str, rows: int, *, wrong: bool) -> None:
    """Write a file as a program would: UTF-8 with a byte-order mark."""
    with Path(path).open("w", encoding="utf-8-sig", newline="") as out:
        out.writelines(lines(rows, wrong=wrong))


# ---- the candidates; each is a process of its own


@contextmanager
def _ready(at: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Set the product up with the merchant's settings, which is not measured; then tell seconds and idle memory."""
    import os
    import time

    import django

    os.environ |= variables(Server(**at))
    django.setup()
    from django.test.utils import override_settings

    import settlement.uploads.manual  # noqa: F401 - a worker has it, and so its memory, before any file comes
    from core.scope import Scope
    from settlement.operations import settings

    settings.current(Scope(1))
    told: dict[str, Any] = {"idle": memory_mb("VmRSS")}
    begin = time.perf_counter()
    with override_settings(UPLOAD_MOST_ROWS=10**7, UPLOAD_MOST_BYTES=10**9):
        yield told
    told["took"] = time.perf_counter() - begin


def by_limit(at: dict[str, str], path: str, columns: str) -> Answer:
    """Copy finished records into the table."""
    with _ready(at) as told:
        from django.db import connection

        with connection.cursor() as cursor, Path(path).open("rb") as file:
            cursor.copy_expert(f"copy settlement_settlementrecord ({columns}) from stdin", file, 1 << 20)
    return told


def by_product(at: dict[str, str], path: str, *, whole: bool) -> Answer:
    """Check a file and record its rows, with `whole` also their journals."""
    with _ready(at) as told:
        from django.db import transaction

        from core import actor, clock
        from core.scope import Scope
        from settlement.uploads.manual import ManualUpload, checked

        scope, by, now = Scope(1), actor.system("benchmark"), clock.now()
        with Path(path).open("rb") as file, transaction.atomic():
            if whole:
                told["rows"] = ManualUpload().perform(scope, file, by, now).rows
            else:
                told["rows"] = checked(ManualUpload(), scope, file, now).record()
    return told


def by_wrong_file(at: dict[str, str], path: str) -> Answer:
    """Check a file with wrong lines, which is refused with the list of them."""
    with _ready(at) as told:
        from django.db import transaction

        from console.uploads import Rejected
        from core import actor, clock
        from core.scope import Scope
        from settlement.uploads.manual import ManualUpload

        try:
            with Path(path).open("rb") as file, transaction.atomic():
                ManualUpload().perform(Scope(1), file, actor.system("benchmark"), clock.now())
        except Rejected as rejected:
            found = rejected.examination
            told |= {"wrong": found.wrong_rows, "listed": len(found.errors), "first": found.errors[0]}
    return told


# ---- measuring


def _measured(candidate: Candidate) -> Sample:
    """Run a candidate; the time and idle memory are those it tells, without starting Django."""
    sample = run(candidate)
    return replace(sample, seconds=sample.answer["took"], idle_mb=sample.answer["idle"])


COLUMNS = (
    "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute"
    " where attrelid = 'settlement_settlementrecord'::regclass and attnum > 0 and not attisdropped and attname <> 'id'"
)
COUNTS = (
    "select (select count(*) from settlement_settlementrecord), (select coalesce(sum(net), 0) from"
    " settlement_settlementrecord), (select count(*) from ledger_journal), (select count(*) from ledger_entry)"
)


class _Size:
    """One size of file: what is measured with it, and what each run must leave behind."""

    def __init__(self, at: Server, folder: Path, rows: int) -> None:
        self.at, self.rows = at, rows
        self.good, self.bad, self.finished = (str(folder / f"{name}-{rows}") for name in ("good", "bad", "finished"))
        write_file(self.good, rows, wrong=False)
        write_file(self.bad, rows, wrong=True)
        self.samples: dict[str, list[Sample]] = {name: [] for name in ("limit", "product", "whole", "wrong")}
        [(self.columns,)] = at.run(COLUMNS)
        self.total = 0
        self._finish()

    def _finish(self) -> None:
        """Make the limit's file: the records that the product makes of the good one."""
        with copy_of(self.at) as fresh:
            _measured(self._candidate("product", fresh))
            connection = connected(fresh.dsn)
            with Path(self.finished).open("wb") as out, connection.cursor() as cursor:
                cursor.execute("select sum(net) from settlement_settlementrecord")
                self.total = int(cursor.fetchone()[0])
                cursor.copy_expert(f"copy settlement_settlementrecord ({self.columns}) to stdout", out, 1 << 20)
            connection.close()

    def _candidate(self, name: str, at: Server) -> Candidate:
        where = {"dsn": at.dsn, "admin_dsn": at.admin_dsn}
        targets: dict[str, tuple[str, dict[str, Any]]] = {
            "limit": ("by_limit", {"path": self.finished, "columns": self.columns}),
            "product": ("by_product", {"path": self.good, "whole": False}),
            "whole": ("by_product", {"path": self.good, "whole": True}),
            "wrong": ("by_wrong_file", {"path": self.bad}),
        }
        function, arguments = targets[name]
        return Candidate(name, f"benchmarks.c1_upload:{function}", {"at": where, **arguments})

    def round(self, number: int, names: tuple[str, ...]) -> None:
        """Measure each candidate once, on a fresh copy of the database, and check what it left."""
        for name in names:
            with copy_of(self.at) as fresh:
                sample = _measured(self._candidate(name, fresh))
                self._check(name, sample, fresh)
            self.samples[name].append(sample)
            say(f"round {number}: {self.rows:8} {name:8} {sample.seconds:8.2f} s  {sample.peak_mb:6.0f} MB")

    def _check(self, name: str, sample: Sample, at: Server) -> None:
        journals = self.rows if name == "whole" else 0
        wanted = (0, 0, 0, 0) if name == "wrong" else (self.rows, self.total, journals, 2 * journals)
        found = tuple(int(value) for value in at.run(COUNTS)[0])
        if found != wanted:
            raise AssertionError(name, found, wanted)
        bad = -(-self.rows // WRONG_EVERY)
        if name == "wrong" and (sample.answer["wrong"], sample.answer["listed"]) != (bad, min(bad, 1_000)):
            raise AssertionError(sample.answer, bad)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--machine", default="")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="c1-", dir=state_folder()) as name, product_database() as at:
        at.run(MERCHANT, "analyze")
        small, large = (_Size(at, Path(name), rows) for rows in (asked.rows // SMALLER, asked.rows))
        for number in range(1, asked.rounds + 1):
            small.round(number, ("limit", "product", "whole", "wrong"))
            large.round(number, ("limit", "product"))
        # The two that stand beside the goal are the longest: once is enough.
        large.round(asked.rounds, ("wrong", "whole"))
    report = _report(small, large)
    say(f"{report}\n{save('c1_upload', report, machine=asked.machine)}")


def _report(small: _Size, large: _Size) -> dict[str, Any]:
    limit, product = large.samples["limit"], large.samples["product"]
    ratio, growth = ratios(product, limit), ratios(product, small.samples["product"])
    peaks = {size.rows: round(max(one.peak_mb for one in size.samples["product"])) for size in (small, large)}
    return {
        "what": f"check and load a CSV of {large.rows} manual adjustments",
        "against": "COPY of the finished records into the same table",
        "goal": GOAL,
        "moonshot": MOONSHOT,
        "ratio": ratio,
        "ratio_small": ratios(small.samples["product"], small.samples["limit"]),
        "met": ratio["median"] <= GOAL,
        "growth": growth,
        "peak_mb": peaks,
        "idle_mb": round(max(one.idle_mb for one in product)),
        "with_journals": {
            "ratio": {size.rows: _best(size, "whole") for size in (small, large)},
            "peak_mb": round(max(one.peak_mb for one in large.samples["whole"])),
        },
        "wrong_lines": {"ratio": {size.rows: _best(size, "wrong") for size in (small, large)}, "loaded": 0},
        "seconds": {f"{size.rows} {way}": seconds(of) for size in (small, large) for way, of in size.samples.items()},
    }


def _best(size: _Size, name: str) -> float:
    """Return how many times the limit's best time a candidate's best one is."""
    best = {way: min(sample.seconds for sample in size.samples[way]) for way in (name, "limit")}
    return round(best[name] / best["limit"], 2)


if __name__ == "__main__":
    main()
