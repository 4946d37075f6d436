"""Very many invoices are matched in the database, and every verdict is the engine's, exact ties included."""

from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from core import actor, clock
from core.scope import Scope
from matching import api_reads, queries
from matching.cases.reading import Part
from matching.cases.verbs import VERBS, Stage, open_stage
from matching.engine.results import LineResult, Reason
from matching.models import Invoice, MatchRun, MatchStatus
from matching.operations import bulk, recalculation, running

pytestmark = pytest.mark.django_db
BY = actor.system("test")
_BITS = {
    Reason.PRICE_TOTAL_PERCENT: 8,
    Reason.PRICE_TOTAL_AMOUNT: 16,
}


def code(line: LineResult) -> int:
    """Return a line's results as the number that the database keeps of them."""
    price = {None: 0, "passed": 1, "failed": 2}[line.price_match]
    total = sum(_BITS.get(reason, 0) for reason in line.reasons)
    total = total or (4 if line.price_total_match == "passed" else 0)
    return price + total + {None: 0, "passed": 32, "failed": 64}[line.quantity_match]


def do(stage: Stage, **step: Any) -> None:
    VERBS[step["do"]](stage, Part(step, "step"))


def one_of(random: Random, *values: Any) -> Any:
    return random.choice(values)


def random_company(random: Random) -> dict[str, Any]:
    return {
        "line_matching_policy": one_of(random, "not_required", "two_way", "three_way", "three_way"),
        "allow_matching_policy_override": one_of(random, "higher_than_company_policy", "lower_or_higher"),
        "unit_price_direction": one_of(random, "greater_only", "greater_or_less"),
        "match_price_totals": one_of(random, "none", "percentage", "amount", "percentage_and_amount"),
        "price_total_tolerance_percent": one_of(random, "0", "5", "12.5"),
        "price_total_tolerance_amount": one_of(random, "0", "1", "2.55"),
        "price_total_direction": one_of(random, "greater_only", "greater_or_less"),
        "match_invoice_totals": one_of(random, True, False),
        "invoice_totals_tolerance_percent": one_of(random, "0", "5", "10"),
        "invoice_totals_direction": one_of(random, "greater_only", "greater_or_less"),
        "per_total_settings": one_of(random, {}, {"sales_tax": {"enabled": False}, "balance": {"percent": "7"}}),
    }


def fill(stage: Stage, random: Random) -> None:
    """Let a company buy and be billed: prices at, just below and just beyond the tolerances."""
    groups = ("", "G1", "G2")
    do(
        stage,
        do="set_up",
        company=random_company(random),
        vendors=[
            {"account": f"V{n}", "price_tolerance_group": one_of(random, *groups) or None, "currency": currency}
            for n, currency in enumerate(("USD", "USD", "KRW"))
        ],
        items=[{"number": f"I{n}", "price_tolerance_group": one_of(random, *groups) or None} for n in range(4)],
        exchange_rates=[{"from": "KRW", "to": "USD", "date": "2026-01-01", "rate": "0.00075"}],
        totals_tolerances=[{"vendor": "V1", "percent": "3"}],
    )
    codes = ("all", "group:G1", "group:G2", "table:{}0", "table:{}1")
    rows = {(one_of(random, *codes).format("I"), one_of(random, *codes).format("V")) for _time in range(8)}
    rows.add(("all", "all"))
    percents = [
        {"item": item, "vendor": vendor, "percent": one_of(random, "0", "5", "10", "12.5")}
        for item, vendor in sorted(rows)
    ]
    do(stage, do="set_up", price_tolerances=percents)
    for number in range(8):
        buy(stage, random, f"{number}")


def buy(stage: Stage, random: Random, name: str) -> None:
    vendor = f"V{random.randrange(3)}"
    sign = one_of(random, "", "", "", "-")
    lines = []
    for line in range(1, random.randrange(1, 4) + 1):
        policy = {} if random.random() < 0.8 else {"policy": "three_way"}
        lines.append(
            {
                "line": line,
                "item": one_of(random, *(f"I{n}" for n in range(4)), None),
                "quantity": sign + one_of(random, "1", "3", "10", "7.5"),
                "unit_price": one_of(random, "1", "20", "0", "3.333333"),
                "price_unit": one_of(random, "1", "1", "100", "3"),
                "discount_percent": one_of(random, "0", "0", "2"),
                **policy,
            }
        )
    do(
        stage, do="create_order", id=f"PO{name}", vendor=vendor, lines=lines,
        total_discount_percent=one_of(random, "0", "2"), sales_tax_percent=one_of(random, "0", "10"),
    )  # fmt: skip
    if random.random() < 0.7:
        came = [(line["line"], line["quantity"]) for line in lines]
        parts = [{"line": n, "order_line": f"PO{name}/{n}", "quantity": quantity} for n, quantity in came]
        do(stage, do="receive", id=f"R{name}", lines=parts)
    for part in range(random.randrange(1, 4)):
        bill(stage, random, name, part, vendor, lines)


def bill(stage: Stage, random: Random, name: str, part: int, vendor: str, lines: list[dict[str, Any]]) -> None:
    billed = []
    for line in lines:
        factor = one_of(random, "1", "1.05", "1.1", "1.125", "1.050001", "0.9", "1.2")
        price = (Decimal(line["unit_price"]) * Decimal(factor)).quantize(Decimal("0.000001"))
        quantity = line["quantity"] if random.random() < 0.6 else str(Decimal(line["quantity"]) / 2)
        billed.append(
            {
                "line": line["line"],
                "order_line": f"PO{name}/{line['line']}",
                "quantity": quantity,
                "unit_price": f"{price:f}",
                "price_unit": line["price_unit"],
                "discount_percent": one_of(random, line["discount_percent"], "0"),
                "is_final": random.random() < 0.2,
                "receipt_matches": one_of(random, "automatic", []),
            }
        )
    if random.random() < 0.2:
        billed.append({"line": 9, "quantity": "1", "unit_price": "5"})
    more: dict[str, Any] = {"sales_tax": one_of(random, "0", "1", "2"), "total_discount": one_of(random, "0", "1")}
    do(stage, do="enter_invoice", id=f"INV{name}-{part}", vendor=vendor, lines=billed, **more)


@pytest.fixture
def stage() -> Stage:
    from access.operations import create_merchant

    merchant = create_merchant(name="bulk", by=BY, now=clock.now())
    stage = Stage(Scope(merchant.pk), clock.now())
    open_stage(stage)
    return stage


@pytest.mark.parametrize("seed", range(4))
def test_the_database_judges_as_the_engine(stage: Stage, seed: int) -> None:
    fill(stage, Random(seed))
    parameters, pending = queries.parameters(stage.scope), list(Invoice.objects.within(stage.scope).order_by("pk"))
    ran = running.run(scope=stage.scope, by=BY, now=stage.now, invoices=pending, parameters=parameters)
    expected = {one.invoice.pk: one for one in ran}
    kept = {row.pk: (row.match_status, row.reasons, row.amount, row.last_variance) for row in pending}
    Invoice.objects.filter(pk__in=kept).update(match_status=MatchStatus.NOT_PERFORMED, reasons=["?"])
    left = bulk.match_many(scope=stage.scope, by=BY, now=stage.now, invoices=list(kept), parameters=parameters)
    decided = set(kept) - set(left)
    assert len(decided) > len(kept) / 4
    for row in Invoice.objects.filter(pk__in=decided):
        assert (row.match_status, row.reasons, row.amount, row.last_variance) == kept[row.pk], row.public_id
        codes = MatchRun.objects.filter(invoice=row).order_by("-pk")[0].codes
        lines = expected[row.pk].result.lines
        assert sorted(codes) == [line.number * 1024 + code(line) for line in lines], row.public_id
        assert running.detail(row) == expected[row.pk].detail
        shown = api_reads.whole_invoice(stage.scope, row.public_id)["result"]
        assert [line["line"] for line in shown["lines"]] == [line.number for line in lines]
    assert all(row.reasons == ["?"] for row in Invoice.objects.filter(pk__in=left))


def test_a_changed_tolerance_reaches_every_pending_invoice(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """More invoices than the engine takes in one go: some the database decides, some have charges and come in turn."""
    monkeypatch.setattr(recalculation, "_BATCH", 12)
    monkeypatch.setattr(recalculation, "_FEW", 10)
    lines = [{"line": 1, "item": "A", "quantity": "1000", "unit_price": "10"}]
    do(
        stage, do="set_up", vendors=[{"account": "V"}], items=[{"number": "A"}], charge_codes=[{"code": "C"}],
        company={"automatically_update_header_match_status": False},
    )  # fmt: skip
    do(stage, do="create_order", id="PO", vendor="V", lines=lines)
    for number in range(40):
        line = {"line": 1, "order_line": "PO/1", "quantity": "1", "unit_price": "11"}
        charges = [{"code": "C", "value": "1"}] if number % 2 else []
        do(stage, do="enter_invoice", id=f"I{number}", vendor="V", lines=[line], charges=charges)
    do(stage, do="set_up", company={"automatically_update_header_match_status": True})
    while recalculation.work_off(now=stage.now, scope=stage.scope):
        pass
    rows = Invoice.objects.within(stage.scope)
    assert {status for (status,) in rows.values_list("match_status")} == {MatchStatus.FAILED}
    do(stage, do="set_up", price_tolerances=[{"item": "all", "vendor": "all", "percent": str(Fraction(10))}])
    while recalculation.work_off(now=stage.now, scope=stage.scope):
        pass
    assert {status for (status,) in rows.values_list("match_status")} == {MatchStatus.PASSED}
