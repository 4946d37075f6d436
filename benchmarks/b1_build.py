"""
B1: building a bulk payout of 1,000,000 partner settlements for 50,000 partners, as the product's job does.

The limit in the same run: the bare GROUP BY by partner and currency over the same settlements. The job claims every
settlement under its lock, computes, seals and stores every payout, and reserves its money in the ledger.

    python -m benchmarks.b1_build [--rows N] [--rounds N] [--machine TEXT]
"""

import argparse
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

from benchmarks.books import INVARIANTS, copy_of, product_database, variables
from benchmarks.common import Answer, Candidate, Sample, Server, memory_mb, ratios, run, save, say, seconds

SMALLER = 10
GOAL, MOONSHOT, GOAL_GROWTH = 7, 5, 12
# Settlements a partner.
EACH = 20
MERCHANT = """
    insert into settlement_contract (merchant_id, is_test, public_id, is_archived) values (1, false, 'ten', false)
"""
PARTNERS = """
    insert into settlement_partner (merchant_id, is_test, public_id, name, contact_name, contact_phone, contact_email,
        default_contract_id, status, type, memo, tags, user_defined_properties, is_archived, bank, account_currency,
        account_number_sealed, account_last4, account_fingerprint, account_holder, account_status, account_confirmed,
        company_name, taxation_type, business_status, business_registration_number, representative_name,
        company_address, business_type, business_class)
    select 1, false, w.public_id, w.public_id, 'c', '', 'c@example.com', c.id, 'APPROVED',
        case w.place %% 3 when 0 then 'BUSINESS' when 1 then 'WHT_PAYER' else 'NON_WHT_PAYER' end,
        '', '{}', '{}', false, 'KOOKMIN', 'KRW', w.sealed, '0000', w.fingerprint, w.public_id, 'VERIFIED', true, '',
        case w.place %% 3 when 0 then 'NORMAL' else '' end, 'NOT_VERIFIED', '', '', '', '', ''
    from unnest(%s::text[], %s::bytea[], %s::text[]) with ordinality w(public_id, sealed, fingerprint, place),
        settlement_contract c
"""
# One of twenty is a cancel and takes money back, one is recorded by hand, eighteen are orders. A partner's lie apart.
SETTLEMENTS = """
    insert into settlement_partnersettlement (merchant_id, is_test, public_id, created_at, partner_id, contract_id,
        type, settlement_date, currency, state, state_changed_at, state_claim_no, hold_reason, memo, record_count, net,
        net_tax_free, credit_total, debit_total, settlement, settlement_tax_free, maturity_no, hold_no, payment,
        payment_vat, payment_vat_burden, payment_tax_free, payment_supply, order_amount, order_tax_free, platform_fee,
        platform_fee_vat, additional_fee, additional_fee_vat, discount, discount_tax_free, discount_share,
        discount_share_tax_free)
    select 1, false, 'ps-' || lpad(n::text, 26, '0'), now(), p.first + n %% %(partners)s,
        case when s.type <> 'MANUAL' then c.id end, s.type, %(day)s::date - (n %% 28)::int, 'KRW', 'PAYOUT_PREPARED',
        now(), 0, '', '', 5, s.net, 0, greatest(s.net, 0),
        greatest(-s.net, 0), abs(s.net), 0, 1, 0, s.net, 0, 0, 0, 0, abs(s.net), 0, 0, 0, 0, 0, 0, 0, 0, 0
    from (select n, (10000 + n::bigint * 7919 %% 90000) * case n / %(partners)s when 3 then -1 else 1 end as net,
            case n / %(partners)s when 3 then 'ORDER_CANCEL' when 4 then 'MANUAL' else 'ORDER' end as type
        from generate_series(0, %(rows)s - 1) n) s
        cross join (select min(id) as first from settlement_partner) p cross join settlement_contract c
"""
FUNDS = """
    select 'settlement.matured', 'seed:' || p.public_id, %(day)s::date,
        array[%(cost)s, a.id] || case when x.debit = 0 then '{}' else array[r.id] end,
        array_remove(array[x.credit - x.debit, -x.credit, x.debit], 0),
        array['', ''] || case when x.debit = 0 then '{}' else array[''] end, 'seed', p.public_id
    from (select partner_id, sum(credit_total)::bigint as credit, sum(debit_total)::bigint as debit
            from settlement_partnersettlement group by partner_id) x
        join settlement_partner p on p.id = x.partner_id
        join ledger_account a on a.merchant_id = 1 and not a.is_test and a.code = 2020 and a.owner = p.public_id
        join ledger_account r on r.merchant_id = 1 and not r.is_test and r.code = 1040 and r.owner = p.public_id
"""
LIMIT = """
    select count(*), sum(settlements), sum(net) from (
        select partner_id, currency, count(*) as settlements, sum(net) as net
        from settlement_partnersettlement group by partner_id, currency) g
"""
# What must be there afterwards: payouts, claims, reserves, payouts that are not what was claimed for them, the sums of
# what was claimed and of what there was to claim, and what the books are off by.
FOUND = """
    select (select count(*) from payouts_payout), (select count(*) from settlement_claim),
        (select count(*) from ledger_journal where event_type = 'payout.reserved'),
        (select count(*) from payouts_payout p left join (select payout_ref_id, sum(net) as net, count(*) as settlements
            from settlement_claim group by payout_ref_id) c on c.payout_ref_id = p.id
            where (p.settlement_amount, p.settlement_count) is distinct from (c.net, c.settlements)),
        (select sum(net) from settlement_claim), (select sum(net) from settlement_partnersettlement),
        (select sum(amount) from ledger_entry)
"""


# ---- the candidates; each is a process of its own


@contextmanager
def _ready(at: Mapping[str, str]) -> Iterator[Answer]:
    """Set the product up, which is not measured; then tell seconds and idle memory."""
    import django

    os.environ |= variables(Server(**at))
    django.setup()
    from django.db import connection

    import payouts.operations.building  # noqa: F401 - a worker has it, and so its memory, before any job comes

    connection.ensure_connection()
    told: Answer = {"idle": memory_mb("VmRSS")}
    begin = time.perf_counter()
    yield told
    told.setdefault("took", time.perf_counter() - begin)


def prepare(at: dict[str, str], rows: int, each: int = EACH) -> Answer:
    """Make partners with accounts, what they are owed (`each` settlements), and the books that say so."""
    with _ready(at) as told:
        from django.db import connection

        from access import sealed
        from core import actor
        from core.scope import Scope
        from ledger import accounts, posting
        from ledger.accounts import Address
        from ledger.chart import Code
        from payouts.models import BankAccount
        from settlement.operations import partners, settings

        scope, by, day = Scope(1), actor.system("benchmark"), date(2026, 11, 20)
        settings.current(scope)
        names = [f"seller-{number:06d}" for number in range(rows // each)]
        # None ends as the accounts do that the simulated bank refuses.
        numbers = [f"11{number:09d}7" for number in range(len(names))]
        kept = [
            sealed.seal(number, table=partners.TABLE, column=partners.COLUMN, row=f"1/live/{name}")
            for name, number in zip(names, numbers, strict=True)
        ]
        with connection.cursor() as cursor:
            cursor.execute(MERCHANT)
            cursor.execute(PARTNERS, [names, kept, [sealed.fingerprint("KOOKMIN", number) for number in numbers]])
            cursor.execute(SETTLEMENTS, {"rows": rows, "partners": len(names), "day": day})
        # Partners who were paid before have these accounts already.
        for code in (Code.PARTNER_AVAILABLE, Code.PARTNER_RECEIVABLE, Code.PARTNER_RESERVED):
            accounts.resolve(scope, [Address(code, name) for name in names])
        (cost,) = accounts.resolve(scope, [Address(Code.MANUAL_EXPENSE, "GENERAL")])
        posting.post_selected(scope=scope, query=FUNDS, parameters={"day": day, "cost": cost}, by=by)
        account: Mapping[str, Any] = {"name": "main", "bank": "SHINHAN", "last4": "0001", "holder": "h"}
        BankAccount.objects.create(**scope.filters(), public_id="main", number_sealed=b"", rail="simulator", **account)
    return told


def by_limit(at: dict[str, str]) -> Answer:
    """Add up by partner and currency."""
    with _ready(at) as told:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(LIMIT)
            told["found"] = [int(value) for value in cursor.fetchone()]
    return told


def by_product(at: dict[str, str]) -> Answer:
    """Choose everything for a bulk payout, which is told apart, then run the job that builds it."""
    with _ready(at) as told:
        from django.db import connection

        from core import actor, clock, jobs
        from core.models import Job
        from core.scope import Scope
        from payouts.operations import building
        from settlement.models import PartnerSettlement

        everything = list(PartnerSettlement.objects.values_list("pk", flat=True))
        begin = time.perf_counter()
        choice = building.Choice(everything, {})
        by = actor.system("benchmark")
        building.create_bulk_payout(scope=Scope(1), choice=choice, name="B1", by=by, now=clock.now())
        del everything, choice
        told["choosing"] = time.perf_counter() - begin
        ledger = 0.0

        def watch(execute: Any, sql: Any, *arguments: Any) -> Any:
            nonlocal ledger
            start = time.perf_counter()
            answer = execute(sql, *arguments)
            ledger += time.perf_counter() - start if "ledger_" in sql else 0
            return answer

        job = Job.objects.values_list("pk", flat=True).get(kind="payouts.build")
        begin = time.perf_counter()
        with connection.execute_wrapper(watch):
            jobs.run_job(job)
        told["took"] = time.perf_counter() - begin
        told["ledger"] = ledger
    return told


# ---- measuring


class _Size:
    """One size: its database, what is measured on copies of it, and what each run must leave behind."""

    def __init__(self, at: Server, rows: int) -> None:
        self.at, self.rows = at, rows
        self.samples: dict[str, list[Sample]] = {name: [] for name in ("limit", "product")}
        self.choosing: list[float] = []
        self.ledger: list[float] = []
        run(self._candidate("prepare", at, rows=rows))
        at.run("vacuum analyze", as_admin=True)
        self.total = int(at.run("select sum(net) from settlement_partnersettlement")[0][0])

    def _candidate(self, function: str, at: Server, **arguments: Any) -> Candidate:
        where = {"dsn": at.dsn, "admin_dsn": at.admin_dsn}
        return Candidate(function, f"benchmarks.b1_build:{function}", {"at": where, **arguments})

    def round(self, number: int) -> None:
        """Measure both once, each on a fresh copy of the database, and check what it found or left."""
        for name in self.samples:
            with copy_of(self.at) as fresh:
                told = run(self._candidate(f"by_{name}", fresh))
                self._check(name, told, fresh)
            sample = replace(told, seconds=told.answer["took"], idle_mb=told.answer["idle"])
            self.samples[name].append(sample)
            say(f"round {number}: {self.rows:8} {name:8} {sample.seconds:8.2f} s  {sample.peak_mb:6.0f} MB")
            if name == "product":
                self.choosing.append(sample.answer["choosing"])
                self.ledger.append(sample.answer["ledger"])

    def _check(self, name: str, sample: Sample, at: Server) -> None:
        partners = self.rows // EACH
        if name == "limit":
            if sample.answer["found"] != [partners, self.rows, self.total]:
                raise AssertionError(sample.answer)
            return
        found = tuple(int(value) for value in at.run(FOUND)[0])
        broken = at.run(INVARIANTS.read_text())
        if found != (partners, self.rows, partners, 0, self.total, self.total, 0) or broken:
            raise AssertionError(found, broken)

    def without_journals(self) -> list[Sample]:
        """Return the product's runs without the time spent in the ledger."""
        pairs = zip(self.samples["product"], self.ledger, strict=True)
        return [replace(sample, seconds=sample.seconds - ledger) for sample, ledger in pairs]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--machine", default="")
    asked = parser.parse_args()
    with product_database() as at, ExitStack() as kept:
        small, large = (
            _Size(kept.enter_context(copy_of(at, f"rows-{rows}")), rows) for rows in (asked.rows // SMALLER, asked.rows)
        )
        for number in range(1, asked.rounds + 1):
            small.round(number)
            large.round(number)
    report = _report(small, large)
    say(f"{report}\n{save('b1_build', report, machine=asked.machine)}")


def _report(small: _Size, large: _Size) -> dict[str, Any]:
    limit, product = large.samples["limit"], large.samples["product"]
    ratio, growth = ratios(product, limit), ratios(product, small.samples["product"])
    return {
        "what": f"build a bulk payout of {large.rows} settlements, {EACH} a partner: claims, payouts, reserves",
        "against": "the bare GROUP BY by partner and currency",
        "goal": GOAL,
        "moonshot": MOONSHOT,
        "ratio": ratio,
        "ratio_without_journals": ratios(large.without_journals(), limit),
        "ratio_small": ratios(small.samples["product"], small.samples["limit"]),
        "met": ratio["median"] <= GOAL,
        "growth": growth,
        "growth_met": growth["median"] <= GOAL_GROWTH,
        "peak_mb": {size.rows: round(max(one.peak_mb for one in size.samples["product"])) for size in (small, large)},
        "idle_mb": round(max(one.idle_mb for one in product)),
        "choosing_seconds": [round(value, 2) for value in large.choosing],
        "journal_seconds": [round(value, 2) for value in large.ledger],
        "seconds": {f"{size.rows} {way}": seconds(of) for size in (small, large) for way, of in size.samples.items()},
    }


if __name__ == "__main__":
    main()
