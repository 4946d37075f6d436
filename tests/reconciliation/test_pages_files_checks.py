"""Protects what pages work out of stored lines: the same, figure by figure, as the pure rules say of the lines."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from access.roles import Role
from reconciliation import queries
from reconciliation.amounts import plain
from reconciliation.cross_check import CrossCheck
from reconciliation.invoice_figures import Figure, InvoiceFigures
from reconciliation.lines import Kind
from reconciliation.models import Batch, BatchLine, BatchState
from reconciliation.pages.files import reads as file_reads
from tests.access.build import firm
from tests.build import merchant
from tests.reconciliation.desk import Desk
from tests.reconciliation.stored import accepted, read, receive, sheet
from tests.reconciliation.writing import Table, table

pytestmark = pytest.mark.django_db
INVOICE, DAILY = Kind.NCE_INVOICE, Kind.NCE_DAILY
SEEDS = range(12)


@pytest.fixture(autouse=True)
def _quick(settings: Any) -> None:
    """Spare every test the time a good password hash takes."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def desk() -> Desk:
    return Desk(firm("한빛마켓"))


# ---- Invoice figures

LICENSES: list[dict[str, str]] = [
    {"Amount": "80.00", "TotalOtherDiscount": "5.00", "Subtotal": "75.00", "Tax": "7.50", "TotalForCustomer": "82.50"},
    {"ChargeType": "Cancel fee", "Amount": "-10", "Subtotal": "-10", "Tax": "-1", "TotalForCustomer": "-11"},
    {
        "ChargeType": "Offset a line item",
        "Amount": "-3",
        "Subtotal": "-3",
        "Tax": "-0.3",
        "TotalForCustomer": "-3.3",
    },
]


def licences(rows: list[dict[str, str]] = LICENSES) -> Table:
    made = table(Kind.LICENSE, "17", rows=len(rows))
    usual = [row | {"TotalOtherDiscount": "0"} for row in made.rows]
    return replace(made, rows=[row | given for row, given in zip(usual, rows, strict=True)])


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("70.00", ["맞음:0.00", "다른 쪽:-5.00"]),
        ("65", ["다른 쪽:5.00", "맞음:0.00"]),
        ("66.00", ["다름:4.00", "다름:-1.00"]),
    ],
)
def test_both_readings_of_a_licence_invoice_are_shown_and_the_one_that_agrees(
    desk: Desk, typed: str, told: list[str]
) -> None:
    batch = desk.upload(licences(), invoice_number="D1")
    held = desk.get("file-invoice", batch.public_id, recurring=typed).context["held"][0]
    assert [reading.amount for reading in held.readings] == ["70.00", "65.00"]
    said = [
        f"{'맞음' if reading.agrees else '다른 쪽' if held.agrees else '다름'}:{reading.difference}"
        for reading in held.readings
    ]
    assert said == told


def test_what_is_typed_is_held_against_the_file_and_not_kept(desk: Desk) -> None:
    batch = desk.upload(licences(), invoice_number="D1")
    page = desk.see("file-invoice", batch.public_id, recurring="1,070.00", tax="6.47", credits="−3.30")
    assert "반복 청구액 달라요 1,070.00 할인 전 금액(Amount)의 합 70.00 -1,000.00" in page
    assert "세금 맞아요 6.47 Tax의 합 6.50 0.03" in page
    assert "크레딧 맞아요 -3.30 TotalForCustomer의 합 -3.30 0.00" in page
    assert "모두 0.03 EUR까지 달라도" in page
    assert "1,070" not in desk.see("file-invoice", batch.public_id)
    wrong = desk.see("file-invoice", batch.public_id, recurring="많이")
    assert "1,234.5처럼 숫자로 적어 주세요" in wrong


def test_a_viewer_may_hold_an_invoice_against_its_file_but_no_file_without_one(desk: Desk) -> None:
    batch = desk.upload(sheet())
    assert "맞아요" in desk.see("file-invoice", batch.public_id, role=Role.VIEWER, tax="24.12")
    payout = desk.upload(table(Kind.STRIPE_PAYOUT), "payout.csv")
    assert desk.get("file-invoice", payout.public_id).status_code == 302


_TYPES = {
    Kind.LICENSE: ("Cycle fee", "Cancel fee", "Offset a line item", "Cycle discount", "TAX_REFUND", "뭔가 새로운 것"),
    Kind.USAGE: ("Assess usage fee for current cycle", "Cycle discount", "Offset a line item", "CREDIT"),
    Kind.NCE_INVOICE: ("new", "customerCredit", "cancelImmediate", "addQuantity"),
}


@pytest.mark.parametrize("kind", list(_TYPES))
@pytest.mark.parametrize("seed", range(4))
def test_stored_figures_are_those_of_the_lines(kind: Kind, seed: int) -> None:
    choose = Random(seed)
    made = table(kind, "17" if kind is Kind.LICENSE else None, rows=30)
    rows = [row | _random_charge(choose, kind, [name for name in made.columns if name in _MONEY]) for row in made.rows]
    rows[3] |= {"ChargeStartDate": "x"}
    batch = read(receive(merchant(), replace(made, rows=[*rows, rows[0]])))
    of_lines = InvoiceFigures(kind)
    for line in queries.lines(batch):
        of_lines.add(file_reads.as_read(line))
    stored = file_reads.invoice_figures(batch)
    assert stored.currencies == of_lines.currencies == ["EUR", "KRW"]
    for currency in stored.currencies:
        assert stored.tax_slack(currency) == of_lines.tax_slack(currency)
        for figure in Figure:
            assert stored.readings(currency, figure) == of_lines.readings(currency, figure)


_MONEY = frozenset(
    (
        *("Amount", "TotalOtherDiscount", "Subtotal", "Tax", "TotalForCustomer"),
        *("PretaxCharges", "TaxAmount", "PostTaxTotal", "TaxTotal", "Total"),
    )
)


def _random_charge(choose: Random, kind: Kind, money: list[str]) -> dict[str, str]:
    amounts = {name: f"{choose.randint(-9999, 9999)}.{choose.randint(0, 99):02d}" for name in money}
    return amounts | {"ChargeType": choose.choice(_TYPES[kind]), "Currency": choose.choice(("EUR", "KRW"))}


# ---- Daily usage against its invoice


def consumption(rows: list[dict[str, str]]) -> Table:
    made = table(INVOICE, "21b", rows=len(rows))
    usual = {"InvoiceNumber": "G1", "PartnerId": "p", "MeterDescription": "VM", "SubscriptionId": "S", "ProductId": "P"}
    ids = {"CustomerId": "C", "SkuId": "0001", "CustomerName": "가나다", "ProductName": "가상 머신"}
    numbered = [row | usual | ids | {"ReferenceId": f"R{place}"} for place, row in enumerate(made.rows)]
    return replace(made, rows=[row | given for row, given in zip(numbered, rows, strict=True)])


def days(rows: list[dict[str, str]]) -> Table:
    made = table(DAILY, rows=len(rows))
    usual = {"InvoiceNumber": "G1", "PartnerId": "p", "SubscriptionId": "s", "ProductId": "P", "CustomerId": "c"}
    names = {"SkuId": "0001", "CustomerName": "가나다", "ProductName": "가상 머신"}
    numbered = [row | usual | names | {"ResourceURI": f"/r/{place}"} for place, row in enumerate(made.rows)]
    return replace(made, rows=[row | given for row, given in zip(numbered, rows, strict=True)])


def subtotal(amount: str, **more: str) -> dict[str, str]:
    return {"Subtotal": amount, "TaxTotal": "0", "Total": amount, **more}


def day(amount: str, **more: str) -> dict[str, str]:
    return {"BillingPreTaxTotal": amount, **more}


def test_the_invoice_may_only_lose_what_it_cuts(desk: Desk) -> None:
    invoice = desk.accepted(
        consumption(
            [subtotal("10.00"), subtotal("0.00"), subtotal("5.00", SkuId="0002"), subtotal("7.00", SkuId="0003")]
        ),
        "invoice.csv",
    )
    daily = desk.accepted(
        days([day("4.0000000001"), day("6.0199"), day("5.01", SkuId="2"), day("6.99", SkuId="0003")]), "days.csv"
    )
    page = desk.get("file-daily", daily.public_id)
    assert page.context["invoice"] == invoice
    told = [(row["is_ok"], row["days"], plain(row["difference"]), row["invoice_lines"]) for row in page.context["rows"]]
    assert told == [(False, 1, "0.01", 1), (False, 1, "-0.01", 1), (True, 2, "0.0199000001", 2)]
    text = desk.see("file-daily", daily.public_id)
    assert "EUR 3 2 22.0199000001 22.00 0.0199000001" in text
    assert "가나다 가상 머신" in text
    assert len(desk.get("file-daily", daily.public_id, only="outside").context["rows"]) == 2
    # What a group is made of leads to its very lines.
    last = page.context["rows"][-1]
    shown = desk.browser().get(last["days_url"])
    assert [row["record"] for row in shown.context["part"].rows] == [1, 2]
    assert shown.context["sums"][0]["sum_pretax"] == last["sum_daily"]
    shown = desk.browser().get(last["lines_url"])
    assert [row["record"] for row in shown.context["part"].rows] == [1, 2]


def test_without_an_invoice_the_page_says_what_to_do(desk: Desk) -> None:
    daily = desk.accepted(days([day("1.00")]), "days.csv")
    assert "송장 번호 G1의 반영된 송장 파일이 없어요" in desk.see("file-daily", daily.public_id)
    other = desk.accepted(consumption([subtotal("1.00", InvoiceNumber="G2")]), "other.csv")
    assert desk.get("file-daily", daily.public_id).context["invoice"] is None
    chosen = desk.get("file-daily", daily.public_id, invoice=other.public_id).context
    assert [(row["days"], row["is_ok"]) for row in chosen["rows"]] == [(0, False)]


def test_only_accepted_daily_files_are_held_against_an_invoice_of_ones_own(desk: Desk) -> None:
    waiting = desk.upload(days([day("1.00")]), "days.csv")
    assert desk.get("file-daily", waiting.public_id).status_code == 302
    other = Desk(firm("남의 가게"))
    theirs = other.accepted(consumption([subtotal("1.00")]), "invoice.csv")
    desk.post("file-accept", waiting.public_id)
    assert desk.get("file-daily", waiting.public_id, invoice=theirs.public_id).context["invoice"] is None


_IDS: tuple[tuple[str, Callable[[Random], str]], ...] = (
    ("CustomerId", lambda choose: choose.choice(("c-1", "C-1", "", "1.5E+11"))),
    ("SubscriptionId", lambda choose: choose.choice(("s-1", "S-1", "", "2.0E+10"))),
    ("ProductId", lambda choose: choose.choice(("P1", "p1", "P2"))),
    ("SkuId", lambda choose: choose.choice(("0001", "1", "01", "006g", "3E+4", "longer-sku"))),
    ("InvoiceNumber", lambda choose: choose.choice(("G1", "g1", "G2"))),
)


def _random_ids(choose: Random) -> dict[str, str]:
    return {name: pick(choose) for name, pick in _IDS}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_database_and_the_pure_rule_agree(seed: int) -> None:
    choose, scope = Random(seed), merchant()
    billed = [
        subtotal(f"{choose.randint(0, 4)}.{choose.randint(0, 99):02d}", **_random_ids(choose))
        | {"Currency": choose.choice(("EUR", "KRW")), "MeterDescription": choose.choice(("VM", "VM", ""))}
        for _line in range(25)
    ]
    used = [
        day(f"{choose.randint(0, 3)}.{choose.randint(0, 9999):04d}", **_random_ids(choose))
        | {"BillingCurrency": choose.choice(("EUR", "KRW"))}
        for _line in range(40)
    ]
    if seed % 4 == 0:
        used = [row | {"InvoiceNumber": ""} for row in used]
    if seed % 3 == 0:
        used = [row | {"BillingPreTaxTotal": "0"} for row in used]
    invoice = accepted(scope, consumption(billed))
    daily = accepted(scope, days([*used, used[0]]))
    assert _by_database(daily, invoice) == _by_rule(daily, invoice)


def _by_database(daily: Batch, invoice: Batch) -> list[Any]:
    with file_reads.cross_check(daily, invoice) as found:
        rows = found.rows(outside=False, limit=1_000, offset=0)
        outside = found.rows(outside=True, limit=1_000, offset=0)
        assert (found.groups, found.outside) == (len(rows), len(outside))
    assert [row for row in rows if not row["is_ok"]] == outside
    return sorted(
        (plain(row["sum_daily"]), plain(row["invoice_subtotal"]), row["invoice_lines"], row["is_ok"]) for row in rows
    )


def _by_rule(daily: Batch, invoice: Batch) -> list[Any]:
    check = CrossCheck("invoice.csv")
    for line in queries.lines(invoice):
        check.add_invoice(file_reads.as_read(line))
    for line in queries.lines(daily):
        check.add_daily(file_reads.as_read(line))
    groups = check.result()["groups"]
    return sorted(
        (
            plain(Decimal(group["sum_daily"])),
            plain(Decimal(group["invoice_subtotal"])),
            group["invoice_lines"],
            group["result"] == "ok",
        )
        for group in groups
    )


# ---- Two versions


@pytest.mark.parametrize("seed", SEEDS)
def test_every_line_that_differs_is_listed_and_counted_once(seed: int) -> None:
    choose, scope = Random(seed), merchant()
    first = accepted(scope, _shuffled(choose, 30))
    second = read(receive(scope, _shuffled(choose, 30)))
    if second.state != BatchState.UNDERSTOOD:
        assert second.same_as == first
        return
    pairs = file_reads.changes(second, first, wanted="", limit=1_000, offset=0)
    counted = {name: sum(pair.change == name for pair in pairs) for name in ("added", "removed", "changed")}
    assert counted == queries.diff(second, first)
    for name, count in counted.items():
        assert len(file_reads.changes(second, first, wanted=name, limit=1_000, offset=0)) == count
    paged = [file_reads.changes(second, first, wanted="", limit=7, offset=at) for at in range(0, len(pairs), 7)]
    assert [_records(pair) for page in paged for pair in page] == [_records(pair) for pair in pairs]
    for pair in pairs:
        if pair.newer and pair.older:
            assert pair.newer.line_key == pair.older.line_key
            assert pair.newer.line_hash != pair.older.line_hash
    # What the lines listed come to is exactly what the totals differ by.
    moved = sum((_total(pair.newer) - _total(pair.older) for pair in pairs), Decimal(0))
    assert moved == _whole(second) - _whole(first)


def _shuffled(choose: Random, rows: int) -> Table:
    """Return lines of few keys, so that several have one key and some are equal in both versions."""
    made = sheet(rows)
    kept = [
        row
        | {"SubscriptionId": f"S{choose.randint(0, 5)}", "ProductId": "P", "SkuId": "0001", "CustomerId": "C"}
        | {"ReferenceId": "R", "OrderId": "", "AlternateId": f"A{choose.randint(0, 400)}"}
        | {"TaxTotal": (tax := f"{choose.randint(0, 2)}.00"), "Total": plain(Decimal("60.30") + Decimal(tax))}
        for row in made.rows
    ]
    names = [{"CustomerName": f"고객 {choose.randint(0, 1)}", "PartnerId": "partner-1"} for _row in kept]
    return replace(made, rows=[row | name for row, name in zip(kept, names, strict=True)][: choose.randint(20, rows)])


def _records(pair: file_reads.Pair) -> tuple[int | None, int | None]:
    return pair.newer.record if pair.newer else None, pair.older.record if pair.older else None


def _total(line: BatchLine | None) -> Decimal:
    return line.total or Decimal(0) if line else Decimal(0)


def _whole(batch: Batch) -> Decimal:
    return Decimal(batch.answer["totals"]["EUR"]["total"])
