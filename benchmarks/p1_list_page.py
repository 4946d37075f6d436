"""
P1: the list of settlement records at 5,000,000 rows, against the same page at 10,000 rows.

The page is the product's own, whole: a browser that has signed in asks the running views, through middleware, filters,
rows and templates. Four pages are timed: the first one as it opens (this month), the first of all time, one of all time
where 98 % of the rows lie before it, and the first of one partner. Both databases hold the same partners and days,
loaded into the real tables with their indexes, constraints and triggers.

    python -m benchmarks.p1_list_page [--rows N] [--rounds N] [--machine TEXT]
"""

import argparse
import os
import re
import time
from contextlib import ExitStack
from datetime import date, timedelta
from statistics import median
from typing import Any

from benchmarks.books import copy_of, product_database, variables
from benchmarks.common import Answer, Candidate, Sample, Server, measure, run, save, say

FEWER, MORE = 10_000, 5_000_000
GOAL, MOONSHOT = 1.2, 1.05
PARTNERS, DAYS, SIZE = 100, 500, 50
WARM_UP, READS = 10, 30
USER, PASSWORD = "benchmark", "a long phrase for a benchmark"
_CHUNK = 250_000

LOAD = (
    """
    insert into settlement_partner (merchant_id, is_test, public_id, name, contact_name, contact_phone, contact_email,
        default_contract_id, status, type, memo, tags, user_defined_properties, is_archived, bank, account_currency,
        account_number_sealed, account_last4, account_fingerprint, account_holder, account_status, account_confirmed,
        company_name, taxation_type, business_status, business_registration_number, representative_name,
        company_address, business_type, business_class)
    select {merchant}, false, 'partner-' || lpad(p::text, 4, '0'), '파트너 ' || p, '담당자', '', 'someone@example.com',
        {contract}, 'APPROVED', 'BUSINESS', '', '{{}}', '{{}}', false, 'KOOKMIN', 'KRW', '', '0000', p::text, '예금주',
        'VERIFIED', true, '', 'NORMAL', 'IN_BUSINESS', '', '', '', '', ''
    from generate_series(0, {partners} - 1) p order by p
    """,
    # Rows as they will be: number n comes in the order of its date; every twentieth is a cancel of the one before.
    """
    create view draft as
    select n, f.type, p.id as partner_id, day, day <= date '{today}' as is_due,
        case f.type when 'MANUAL' then null else day - 2 end as start_date, amount, amount / 10 as fee,
        amount / 100 as vat, amount - amount / 10 - amount / 100 as settlement,
        case f.type when 'ORDER_CANCEL' then -1 else 1 end as sign
    from generate_series(1, {rows}::bigint) n
        cross join lateral (
            select case n % 20 when 3 then 'ORDER_CANCEL' when 10 then 'MANUAL' else 'ORDER' end as type,
                date '{first_day}' + (n * {days} / ({rows} + 1))::int as day, 10000 + n * 37 % 90000 as amount
        ) f
        join settlement_partner p on p.public_id = 'partner-' || lpad((n / 2 % {partners})::text, 4, '0')
    """,
    """
    insert into settlement_partnersettlement (merchant_id, is_test, public_id, partner_id, contract_id, type,
        settlement_date, currency, state, state_claim_no, hold_reason, memo, record_count, start_from, start_until, net,
        net_tax_free, credit_total, debit_total, maturity_no, hold_no, settlement, settlement_tax_free, payment,
        payment_vat, payment_vat_burden, payment_tax_free, payment_supply, order_amount, order_tax_free, platform_fee,
        platform_fee_vat, additional_fee, additional_fee_vat, discount, discount_tax_free, discount_share,
        discount_share_tax_free)
    select {merchant}, false, 'ps-' || min(n), partner_id, case type when 'MANUAL' then null else {contract} end, type,
        day, 'KRW', 'PAYOUT_PREPARED', 0, '', '', count(*), min(start_date), max(start_date), sum(sign * settlement), 0,
        greatest(sum(sign * settlement), 0), greatest(-sum(sign * settlement), 0), 1, 0, sum(settlement), 0,
        sum(amount), 0, 0, 0, 0, sum(amount), 0, sum(fee), sum(vat), 0, 0, 0, 0, 0, 0
    from draft where is_due group by partner_id, type, day order by day, partner_id, type
    """,
    "analyze settlement_partnersettlement",
    """
    insert into settlement_payoutref (merchant_id, is_test, public_id, bulk_public_id, status)
    select {merchant}, false, 'po-' || partner_id || '-' || to_char(settlement_date, 'YYYY-MM'),
        'bp-' || to_char(settlement_date, 'YYYY-MM'), 'SUCCEEDED'
    from settlement_partnersettlement where settlement_date < date '{today}' - 40 group by 3, 4, partner_id
    """,
    """
    insert into settlement_claim (partner_settlement_id, claim_no, payout_ref_id, net, net_tax_free, credit_total,
        debit_total)
    select s.id, 1, r.id, s.net, 0, s.credit_total, s.debit_total
    from settlement_partnersettlement s
        join settlement_payoutref r
            on r.public_id = 'po-' || s.partner_id || '-' || to_char(s.settlement_date, 'YYYY-MM')
    """,
)
RECORDS = """
    insert into settlement_settlementrecord (id, merchant_id, is_test, public_id, type, partner_id, contract_version_id,
        order_id, state, start_date, settlement_date, date_is_given, currency, net, net_tax_free, partner_settlement_id,
        payment_id, order_name, payment_method, cancellation_id, lines, discounts, additional_fees, parameters,
        user_defined_properties, platform_fee_vat_inside, additional_fee_vat_inside, reason, memo, origin_kind,
        origin_id, settlement, settlement_tax_free, payment, payment_vat, payment_vat_burden, payment_tax_free,
        payment_supply, order_amount, order_tax_free, platform_fee, platform_fee_vat, additional_fee,
        additional_fee_vat, discount, discount_tax_free, discount_share, discount_share_tax_free)
    select n, {merchant}, false, 'trs-' || lpad(n::text, 12, '0'), d.type, d.partner_id,
        case d.type when 'MANUAL' then null else {version} end, case d.type when 'ORDER_CANCEL' then n - 1 end,
        case when is_due then 'SETTLED' else 'IN_PROCESS' end, start_date, day, d.type = 'MANUAL', 'KRW',
        sign * d.settlement, 0, s.id, 'order-' || n,
        (array['머그컵 2종 세트', '유기농 딸기 1kg', '핸드드립 원두', '린넨 커튼'])[1 + n % 4], '{{"type": "CARD"}}',
        case d.type when 'ORDER_CANCEL' then 'cancel-' || n else '' end, '[]', '[]', '[]', '{{}}', '[]', 0, 0,
        '', '', '', '', d.settlement, 0, amount, 0, 0, 0, 0, amount, 0, fee, vat, 0, 0, 0, 0, 0, 0
    from (select * from draft where n between {start} and {end}) d
        left join settlement_partnersettlement s
            on s.partner_id = d.partner_id and s.type = d.type and s.settlement_date = d.day and is_due
    order by n
"""

NEWEST_FIRST = "select public_id from settlement_settlementrecord where true order by settlement_date desc, id desc"
PLACE = "select settlement_date, id from settlement_settlementrecord where public_id = '{public_id}'"


def make_house() -> Answer:
    """Make a merchant with one person who may look and one contract, as the product does."""
    import django

    django.setup()
    from django.utils import timezone

    from access import operations
    from access.roles import Role
    from core import actor
    from core.scope import Scope
    from settlement.dates import Cycle, CycleMethod, DatePolicy
    from settlement.operations import contracts
    from settlement.operations.policies import FeeInput

    by, now = actor.system("benchmark"), timezone.now()
    merchant = operations.create_merchant(name="Benchmark", by=by, now=now)
    scope = Scope(merchant.pk)
    operations.add_user(
        scope=scope, username=USER, name="Benchmark", role=Role.VIEWER, password=PASSWORD, by=by, now=now
    )
    contract = contracts.create(
        scope=scope,
        by=by,
        now=now,
        name="10 %",
        fee=FeeInput(rate=10_000),
        vat_payer="PARTNER",
        cycle=Cycle(2, CycleMethod.DAILY, DatePolicy.CALENDAR_DAY),
    )
    return {"merchant": merchant.pk, "contract": contract.pk, "version": contract.current_id}


def load(at: Server, house: Answer, rows: int, today: date) -> None:
    """Fill the tables with so many records over the same partners and days, some of them not yet due."""
    first_day = today + timedelta(days=10 - DAYS)
    figures = house | {"rows": rows, "partners": PARTNERS, "days": DAYS, "today": today, "first_day": first_day}
    for statement in LOAD:
        at.run("set synchronous_commit = off", statement.format(**figures))
    for start in range(1, rows + 1, _CHUNK):
        end = min(start + _CHUNK - 1, rows)
        at.run("set synchronous_commit = off", RECORDS.format(start=start, end=end, **figures))
        say(f"{end} of {rows} records")
    at.run("drop view draft", "vacuum analyze")


def by_page(database_url: str, pages: dict[str, str]) -> Answer:
    """Sign in, ask for each page often, and return what was shown with the median times, SQL apart."""
    os.environ["DATABASE_URL"] = database_url
    import django

    django.setup()
    from django.db import connection
    from django.test import Client

    browser = Client(SERVER_NAME="127.0.0.1")
    browser.post("/login/", {"username": USER, "password": PASSWORD})
    in_sql = [0.0]

    def timed(execute: Any, *given: Any) -> Any:
        begin = time.perf_counter()
        try:
            return execute(*given)
        finally:
            in_sql[0] += time.perf_counter() - begin

    def ask(query: str) -> str:
        answer = browser.get(f"/settlement/records/?{query}")
        if answer.status_code != 200:  # noqa: PLR2004 - HTTP's "here it is"
            raise AssertionError(answer.status_code, answer.headers)
        return answer.content.decode()

    found: Answer = {}
    with connection.execute_wrapper(timed):
        for name, query in pages.items():
            for _time in range(WARM_UP):
                ask(query)
            whole, sql, html = [], [], ""
            for _time in range(READS):
                in_sql[0], begin = 0.0, time.perf_counter()
                html = ask(query)
                whole.append(time.perf_counter() - begin)
                sql.append(in_sql[0])
            shown = list(dict.fromkeys(re.findall(r"trs-\d{12}", html)))
            found[name] = {
                "shown": shown,
                "ms": round(median(whole) * 1e3, 3),
                "sql_ms": round(median(sql) * 1e3, 3),
            }
    return found


def expected(at: Server, today: date) -> dict[str, tuple[str, list[str]]]:
    """Return each page's query string and the records it must show, found here by plain SQL."""
    from console.keyset import Cursor

    def rows(where: str, offset: int = 0) -> list[str]:
        found = at.run(f"{NEWEST_FIRST.replace('true', where)} limit {SIZE} offset {offset}")
        return [public_id for (public_id,) in found]

    [(deep,)] = at.run("select count(*) * 98 / 100 from settlement_settlementrecord")
    [(last_before,)] = at.run(f"{NEWEST_FIRST} limit 1 offset {deep - 1}")
    [(day, key)] = at.run(PLACE.format(public_id=last_before))
    after = Cursor((day, key)).encode()
    [(partner,)] = at.run("select id from settlement_partner where public_id = 'partner-0042'")
    month = f"date_trunc('month', settlement_date) = date '{today.replace(day=1)}'"
    return {
        "this month": ("", rows(month)),
        "first": ("date_period=all", rows("true")),
        "deep": (f"date_period=all&after={after}&n=98", rows("true", deep)),
        "one partner": ("date_period=all&partner=partner-0042", rows(f"partner_id = {partner}")),
    }


def _slower(samples: dict[str, list[Sample]], page: str, what: str) -> dict[str, float]:
    """Return how many times longer a page takes with more rows: the median over the rounds, and best against best."""
    more, fewer = ([sample.answer[page][what] for sample in samples[size]] for size in ("more", "fewer"))
    by_round = [one / other for one, other in zip(more, fewer, strict=True)]
    return {"median": round(median(by_round), 2), "best": round(min(more) / min(fewer), 2)}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=MORE)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--machine", default="")
    asked = parser.parse_args()
    sizes = {"fewer": FEWER, "more": asked.rows}
    with product_database() as empty, ExitStack() as databases:
        os.environ |= variables(empty)
        from core.clock import today as seoul_today

        today = seoul_today()
        house = run(Candidate("house", "benchmarks.p1_list_page:make_house")).answer
        at = {size: databases.enter_context(copy_of(empty, size)) for size in sizes}
        for size, rows in sizes.items():
            load(at[size], house, rows, today)
        pages = {size: expected(at[size], today) for size in sizes}

        def check(candidate: Candidate, sample: Sample) -> None:
            for page, (_query, records) in pages[candidate.name].items():
                if sample.answer[page]["shown"] != records:
                    raise AssertionError(candidate.name, page, sample.answer[page]["shown"], records)

        candidates = [
            Candidate(
                size,
                "benchmarks.p1_list_page:by_page",
                {
                    "database_url": variables(at[size])["DATABASE_URL"],
                    "pages": {page: query for page, (query, _records) in pages[size].items()},
                },
            )
            for size in sizes
        ]
        samples = measure(candidates, rounds=asked.rounds, check=check, before=at["more"].checkpoint)
    slower = {page: _slower(samples, page, "ms") for page in pages["more"]}
    report = {
        "what": f"the list of settlement records with {asked.rows} rows, {SIZE} a page, whole pages",
        "against": f"the same pages with {FEWER} rows",
        "goal": GOAL,
        "moonshot": MOONSHOT,
        "ratio": slower,
        "ratio_of_sql": {page: _slower(samples, page, "sql_ms") for page in pages["more"]},
        "met": all(slower[page]["median"] <= GOAL for page in ("first", "deep")),
        "ms": {
            size: {page: [sample.answer[page]["ms"] for sample in of] for page in pages["more"]}
            for size, of in samples.items()
        },
        "peak_mb": round(max(sample.peak_mb for of in samples.values() for sample in of)),
    }
    say(f"{slower}\n{save('p1_list_page', report, machine=asked.machine)}")


if __name__ == "__main__":
    main()
