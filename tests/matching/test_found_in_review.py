"""What a review of matching found: rare stories whose every figure, status and refusal has to be right all the same."""

from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from access.operations import create_merchant
from core import actor, clock
from core.scope import Scope
from matching import queries
from matching.cases.differences import differences
from matching.cases.verbs import Stage, open_stage
from matching.engine import match
from matching.engine.terms import (
    Category,
    Company,
    Invoice,
    InvoiceCharge,
    InvoiceLine,
    Order,
    OrderLine,
    PerTotal,
    Policy,
    Pricing,
    Total,
)
from matching.models import Invoice as InvoiceRow
from matching.models import MatchRun
from matching.operations import bulk, running
from matching.rejudging import Limits, rejudge
from matching.told import whole
from tests.matching.test_bulk import buy, code, do, one_of, random_company
from tests.matching.test_case_stories import SET_UP, Step, change, company, invoice, matched, order, play, receipt, seen

pytestmark = pytest.mark.django_db
BY = actor.system("test")
CODES: Step = {"do": "set_up", "charge_codes": [{"code": "F"}, {"code": "P"}]}
FREIGHT: Step = {"charges": [{"id": "F", "code": "F", "value": "30"}]}


# ---- Totals


def test_what_is_set_for_one_total_wins_over_what_is_set_for_the_vendor() -> None:
    balance = {"tolerance": "10", "tolerance_from": "company", "verdict": "passed"}
    amount = {"tolerance": "3", "tolerance_from": "vendor:V", "verdict": "failed"}
    play(
        {**SET_UP, "totals_tolerances": [{"vendor": "V", "percent": "3"}]},
        {"do": "set_up", "price_tolerances": [{"item": "all", "vendor": "all", "percent": "100"}]},
        company(match_invoice_totals=True, per_total_settings={"balance": {"percent": "10"}}),
        order(),
        invoice(price="10.5", expect=seen(totals={"balance": balance, "invoice_amount": amount})),
    )


def test_the_laboratory_judges_totals_by_the_same_order() -> None:
    rules = Company(matches_totals=True, per_total={})
    mine = Pricing(Fraction(10), Fraction(11))
    ordered = OrderLine("PO/1", 1, Pricing(Fraction(10), Fraction(10)), Policy.NOT_REQUIRED)
    told = whole(match(Invoice([InvoiceLine(1, mine, order=Order("PO"), order_line=ordered)]), rules))

    def again(**own: Any) -> list[str]:
        settings = {Total(name): PerTotal(percent=Fraction(percent)) for name, percent in own.items()}
        limits = Limits(Company(matches_totals=True, per_total=settings), lambda _item: Fraction(99), Fraction(3))
        return rejudge(told, {}, limits).reasons

    assert again() == ["TOTAL_BALANCE", "TOTAL_INVOICE_AMOUNT"]
    assert again(balance=10) == ["TOTAL_INVOICE_AMOUNT"]


# ---- What follows what


def test_a_fixed_charge_that_is_taken_is_missing_on_every_other_invoice_of_the_order() -> None:
    lines = [{"line": n, "item": "A", "quantity": "10", "unit_price": "10"} for n in (1, 2)]
    gone = {"F": {"expected": "0", "percent": "99999999999.99", "verdict": "failed"}}
    play(
        {**SET_UP, **CODES},
        company(match_charges=True, match_invoice_totals=True),
        order(lines=lines, **FREIGHT),
        invoice("ONE", of="PO/1", copy_order_charges=True, expect=seen("ONE", match_status="passed")),
        invoice("TWO", of="PO/2", copy_order_charges=True, expect=seen("TWO", match_status="passed")),
        invoice("BARE", of="PO/2", expect=seen("BARE", totals={"charges": {"expected": "30"}})),
        {
            "do": "post",
            "invoice": "ONE",
            "expect": {
                "invoices": {
                    "TWO": {"match_status": "failed", "charges": gone},
                    "BARE": {"totals": {"charges": {"expected": "0", "percent": "0"}}},
                }
            },
        },
    )


def test_an_invoice_follows_the_charges_it_names_though_it_bills_no_line_of_their_order() -> None:
    billed = [{"code": "F", "value": "30", "connected_to": "P2/F"}]
    dearer = {"F": {"expected": "20", "percent": "50", "verdict": "failed"}}
    play(
        {**SET_UP, **CODES},
        company(match_charges=True),
        order(),
        order("P2", **FREIGHT),
        invoice(charges=billed, expect=seen(match_status="passed", charges={"F": {"expected": "30"}})),
        {
            "do": "change_order",
            "order": "P2",
            "charges": [{"id": "F", "code": "F", "value": "20"}],
            "expect": seen(match_status="failed", charges=dearer),
        },
        {"do": "change_order", "order": "P2", "charges": [], "expect": seen(charges={"F": {"expected": "0"}})},
    )


def test_documents_that_stand_keep_their_rate_while_their_day_stays() -> None:
    def rate(day: str, value: str = "0") -> Step:
        return {"from": "EUR", "to": "USD", "date": day} | ({"rate": value} if value != "0" else {})

    def variance(amount: str) -> Step:
        return {"1": {"price_total": {"variance_accounting": amount}}}

    play(
        {**SET_UP, "vendors": [{"account": "V", "currency": "EUR"}]},
        company(match_price_totals="amount", post_invoice_with_discrepancies="require_approval"),
        {"do": "set_up", "exchange_rates": [rate("2026-01-01", "1.1")]},
        order(),
        invoice(price="11", expect=seen(lines=variance("11"))),
        {"do": "approve", "invoice": "INV"},
        {"do": "set_up", "exchange_rates": [rate("2026-01-02", "1.2")]},
        change(on_hold=True, expect=seen(match_status="failed_approved", lines=variance("11"))),
        change(date="2026-01-03", expect=seen(match_status="failed", lines=variance("12"))),
        change(exchange_rate="1.5", expect=seen(lines=variance("15"))),
        {"do": "remove", "exchange_rates": [rate("2026-01-01"), rate("2026-01-02")]},
        change(on_hold=False, expect=seen(lines=variance("15"))),
        {
            "do": "change_order",
            "order": "PO",
            "lines": [{"line": 1, "quantity": "11"}],
            "expect": seen(lines=variance("0")),
        },
        {"do": "change_order", "order": "PO", "date": "2026-01-05", "refused": "EXCHANGE_RATE_MISSING"},
    )


def test_removing_what_no_invoice_is_matched_with_changes_no_status() -> None:
    rate = {"from": "EUR", "to": "USD", "date": "2026-01-02"}
    play(
        {**SET_UP, "items": [{"number": "A"}, {"number": "Z"}], "exchange_rates": [{**rate, "rate": "1.2"}]},
        {"do": "set_up", "vendors": [{"account": "W"}], "matching_policies": [{"item": "A", "policy": "two_way"}]},
        company(automatically_update_header_match_status=False),
        order(),
        invoice(),
        {"do": "match", "invoice": "INV"},
        {
            "do": "remove",
            "vendors": [{"account": "W"}],
            "items": [{"number": "Z"}],
            "exchange_rates": [rate],
            "expect": seen(match_status="passed"),
        },
        {"do": "remove", "matching_policies": [{"item": "A"}], "expect": seen(match_status="not_performed")},
    )


def test_receipts_are_matched_anew_when_those_that_covered_an_invoice_are_cancelled() -> None:
    play(
        SET_UP,
        company(line_matching_policy="three_way", automation_match_receipts=True),
        order(),
        receipt("R1"),
        invoice(),
        {"do": "run_automation", "expect": seen(match_status="passed", automation_status="completed")},
        {
            "do": "cancel_receipt",
            "receipt": "R1",
            "expect": seen(match_status="failed", automation_status="not_yet_run", automation_included=True),
        },
        receipt("R2"),
        {"do": "run_automation", "expect": seen(match_status="passed", automation_status="completed")},
    )


# ---- Lines and receipts


def test_naming_the_same_order_line_again_leaves_item_and_unit_alone() -> None:
    same = {"line": 1, "order_line": "PO/1", "quantity": "1"}
    amount = {"actual": "120", "expected": "120"}
    play(
        {**SET_UP, "unit_conversions": [{"item": None, "from": "dozen", "to": "ea", "factor": "12"}]},
        order(quantity="24"),
        invoice(quantity="2", price="120", with_line={"unit": "dozen"}),
        change(lines=[same], expect=seen(match_status="passed", lines={"1": {"rows": {"net_amount": amount}}})),
        order("P2", quantity="12"),
        change(
            lines=[{**same, "order_line": "P2/1"}],
            expect=seen(lines={"1": {"quantity": None, "price": {"actual": "120"}}}),
        ),
    )


def test_what_goes_back_is_taken_back_above_the_limit_too() -> None:
    play(
        SET_UP,
        company(over_delivery_percent="20"),
        order(),
        receipt("R1", "12"),
        company(over_delivery_percent="0"),
        {**receipt("R2", "-1"), "expect": {"orders": {"PO": {"lines": {"1": {"deliver_remainder": "-1"}}}}}},
        {**receipt("R3", "0.000001"), "refused": "OVER_DELIVERY"},
    )


def test_an_approval_goes_no_further_than_receipts_that_have_to_be_there() -> None:
    play(
        {**SET_UP, "items": [{"number": "A", "receiving_requirement": True}]},
        company(post_invoice_with_discrepancies="require_approval"),
        order(),
        receipt("R", "4"),
        invoice(price="11", with_line=matched(("R/1", "4"))),
        {"do": "approve", "invoice": "INV"},
        {
            "do": "post",
            "invoice": "INV",
            "refused": "RECEIVING_REQUIREMENT",
            "expect": seen(match_status="failed_approved"),
        },
    )


# ---- Figures


def test_the_price_that_would_pass_counts_what_charges_in_percent_add() -> None:
    charges = (InvoiceCharge("I", Category.PERCENT, Fraction(10)), InvoiceCharge("F", Category.FIXED, Fraction(5)))
    ordered = OrderLine("PO/1", 1, Pricing(Fraction(10), Fraction(12)), Policy.TWO_WAY)

    def judged(price: Fraction) -> Any:
        mine = Pricing(Fraction(10), price, discount=Fraction(1), discount_percent=Fraction(20))
        line = InvoiceLine(1, mine, order=Order("PO"), order_line=ordered, charges=charges)
        return match(Invoice([line]), Company()).lines[0]

    limit = judged(Fraction(20)).unit_price_limit
    # 10 × (price − 1) × 80 % × 110 % + 5 = 10 × 12
    assert limit == 1 + Fraction(115, 10) / Fraction(88, 100)
    assert judged(limit).price_match == "passed"
    assert judged(limit + Fraction(1, 10**9)).price_match == "failed"


def test_a_percentage_of_next_to_nothing_is_compared_to_its_last_digit() -> None:
    expected = "123456789012345678901234567890.123456"
    assert list(differences({"percent": expected}, {"percent": f"{expected}000"})) == []
    assert len(list(differences({"percent": expected}, {"percent": f"{expected[:-1]}7"}))) == 1


# ---- Very many at once


def stage_of(scope: Scope) -> Stage:
    stage = Stage(scope, clock.now())
    open_stage(stage)
    return stage


def fill_everything(stage: Stage, random: Random, *, percent: str | None = None) -> None:
    """Let a company buy and be billed under a table with any of the nine levels; `percent` is that of every row."""
    groups = ("", "G1", "G2")
    do(
        stage,
        do="set_up",
        company={**random_company(random), "per_total_settings": one_of(random, {}, {"balance": {"percent": "7"}})},
        vendors=[
            {"account": f"V{n}", "price_tolerance_group": one_of(random, *groups) or None, "currency": currency}
            for n, currency in enumerate(("USD", "USD", "KRW"))
        ],
        items=[{"number": f"I{n}", "price_tolerance_group": one_of(random, *groups) or None} for n in range(4)],
        exchange_rates=[{"from": "KRW", "to": "USD", "date": "2026-01-01", "rate": "0.00075"}],
        totals_tolerances=[{"vendor": "V1", "percent": "3"}],
        charge_codes=[{"code": "F"}],
    )
    items = ("all", "group:G1", "group:G2", *(f"table:I{n}" for n in range(4)))
    vendors = ("all", "group:G1", "group:G2", *(f"table:V{n}" for n in range(3)))
    density = one_of(random, 0.1, 0.3, 0.8)
    percents = [
        {"item": item, "vendor": vendor, "percent": percent or one_of(random, "0", "5", "10", "12.5", "20")}
        for item in items
        for vendor in vendors
        if random.random() < density or item == vendor == "all"
    ]
    do(stage, do="set_up", price_tolerances=percents)
    for number in range(8):
        buy(stage, random, f"{number}")
    lines = [{"line": 1, "quantity": "2", "unit_price": "5"}]
    do(stage, do="enter_invoice", id="BARE", vendor="V0", lines=lines, charges=[{"code": "F", "value": "7"}])


@pytest.mark.parametrize("seed", range(3))
def test_many_are_judged_by_their_own_company_alone_whatever_level_decides(seed: int) -> None:
    """Beside them a company of another merchant and the test environment have the same names and other tolerances."""
    random = Random(1000 + seed)
    mine, other = (create_merchant(name=name, by=BY, now=clock.now()) for name in ("mine", "other"))
    fill_everything(stage_of(Scope(other.pk)), random, percent="900")
    stage = stage_of(Scope(mine.pk))
    fill_everything(stage, random)
    fill_everything(stage_of(Scope(mine.pk, is_test=True)), random, percent="0")

    parameters, pending = queries.parameters(stage.scope), list(InvoiceRow.objects.within(stage.scope).order_by("pk"))
    ran = running.run(scope=stage.scope, by=BY, now=stage.now, invoices=pending, parameters=parameters)
    expected = {one.invoice.pk: one for one in ran}
    kept = {row.pk: (row.match_status, row.reasons, row.amount, row.last_variance) for row in pending}
    everybody = list(InvoiceRow.objects.values_list("pk", flat=True))
    InvoiceRow.objects.all().update(match_status="not_performed", reasons=["?"], amount=Decimal(-1))
    left = bulk.match_many(scope=stage.scope, by=BY, now=stage.now, invoices=everybody, parameters=parameters)
    decided = set(kept).difference(left)
    assert set(left) <= set(kept)
    assert len(decided) > len(kept) / 4
    for row in InvoiceRow.objects.filter(pk__in=decided):
        assert (row.match_status, row.reasons, row.amount, row.last_variance) == kept[row.pk], row.public_id
        codes = MatchRun.objects.filter(invoice=row).order_by("-pk")[0].codes
        assert sorted(codes) == [line.number * 1024 + code(line) for line in expected[row.pk].result.lines]
    assert all(row.reasons == ["?"] for row in InvoiceRow.objects.exclude(pk__in=decided))
