"""The life of invoices in cases: what recalculates when, what is refused by which code, what posting does."""

from typing import Any

import pytest

from core import clock
from matching.cases import run_case

Step = dict[str, Any]
SET_UP: Step = {"do": "set_up", "vendors": [{"account": "V"}], "items": [{"number": "A"}]}


def order(name: str = "PO", quantity: str = "10", price: str = "10", **more: Any) -> Step:
    line = {"line": 1, "item": "A", "quantity": quantity, "unit_price": price, **more.pop("with_line", {})}
    return {"do": "create_order", "id": name, "vendor": "V", "lines": [line]} | more


def invoice(name: str = "INV", quantity: str = "10", price: str = "10", of: str = "PO/1", **more: Any) -> Step:
    line = {"line": 1, "order_line": of, "quantity": quantity, "unit_price": price, **more.pop("with_line", {})}
    return {"do": "enter_invoice", "id": name, "vendor": "V", "lines": [line]} | more


def receipt(name: str = "R", quantity: str = "10", **more: Any) -> Step:
    line = {"line": 1, "order_line": "PO/1", "quantity": quantity, **more.pop("with_line", {})}
    return {"do": "receive", "id": name, "lines": [line], **more}


def company(**fields: Any) -> Step:
    return {"do": "set_up", "company": fields}


def seen(name: str = "INV", **fields: Any) -> Step:
    return {"invoices": {name: fields}}


def matched(*parts: tuple[str, str]) -> Step:
    return {"receipt_matches": [{"receipt_line": line, "quantity": quantity} for line, quantity in parts]}


def change(name: str = "INV", **fields: Any) -> Step:
    return {"do": "change_invoice", "invoice": name, **fields}


def play(*steps: Step) -> None:
    outcome = run_case({"case": "story", "steps": list(steps)}, name="story", now=clock.now())
    assert outcome.differences == []


pytestmark = pytest.mark.django_db


def test_without_automatic_update_edits_say_that_nothing_was_performed() -> None:
    play(
        SET_UP,
        company(automatically_update_header_match_status=False),
        order(),
        {**invoice(price="11"), "expect": seen(match_status="not_performed")},
        {"do": "match", "invoice": "INV", "expect": seen(match_status="failed", lines={"1": {"reasons": ["PRICE"]}})},
        {**change(on_hold=True), "expect": seen(match_status="failed")},
        {**change(on_hold=False), "expect": seen(match_status="failed")},
        {**change(lines=[{"line": 1, "unit_price": "10"}]), "expect": seen(match_status="not_performed")},
        {"do": "match", "invoice": "INV", "expect": seen(match_status="passed")},
        {**invoice("TWO", quantity="1"), "expect": seen(match_status="not_performed")},
        {"do": "match", "invoice": "INV"},
        {"do": "post", "invoice": "TWO", "expect": seen(match_status="not_performed")},
        {"do": "post", "invoice": "INV", "expect": seen(status="posted", match_status="passed")},
        {**company(price_total_tolerance_percent="1"), "expect": seen(match_status="passed")},
    )


def test_set_up_is_followed_by_pending_invoices_and_never_by_posted_ones() -> None:
    tolerance = {"item": "all", "vendor": "all", "percent": "10"}
    play(
        SET_UP,
        order(quantity="100"),
        invoice("ONE", price="11"),
        invoice("TWO", price="11", expect=seen("TWO", match_status="failed")),
        {"do": "post", "invoice": "ONE", "expect": {"warnings": ["MATCHING_DISCREPANCIES"]}},
        {
            "do": "set_up",
            "price_tolerances": [tolerance],
            "expect": {"invoices": {"ONE": {"match_status": "failed"}, "TWO": {"match_status": "passed"}}},
        },
        {**company(enable_invoice_matching_validation=False), "expect": seen("TWO", match_status="not_applicable")},
    )


def test_what_other_invoices_bill_counts_for_the_price_totals() -> None:
    play(
        SET_UP,
        company(match_price_totals="percentage"),
        order(),
        invoice("ONE", quantity="6", expect=seen("ONE", match_status="passed")),
        invoice("TWO", quantity="6", expect={"invoices": {n: {"match_status": "failed"} for n in ("ONE", "TWO")}}),
        {
            "do": "delete_invoice",
            "invoice": "TWO",
            "expect": {"invoices": {"TWO": None, "ONE": {"match_status": "passed"}}},
        },
        {
            "do": "change_order",
            "order": "PO",
            "lines": [{"line": 1, "quantity": "5"}],
            "expect": seen(
                "ONE", match_status="failed", lines={"1": {"price_total": {"variance": "10", "percent": "20"}}}
            ),
        },
    )


def test_only_the_last_invoice_is_judged_for_billing_too_little() -> None:
    last = {"price_total_match": "failed", "reasons": ["PRICE_TOTAL_PERCENT"]}
    play(
        SET_UP,
        company(match_price_totals="percentage", price_total_direction="greater_or_less"),
        order(),
        invoice("ONE", quantity="5", price="8", expect=seen("ONE", match_status="passed")),
        change("ONE", lines=[{"line": 1, "is_final": True}], expect=seen("ONE", lines={"1": last})),
        change("ONE", lines=[{"line": 1, "is_final": False}], expect=seen("ONE", match_status="passed")),
        {
            "do": "change_order",
            "order": "PO",
            "lines": [{"line": 1, "closed_for_invoicing": True}],
            "expect": seen("ONE", lines={"1": last}),
        },
    )


def test_receipts_three_way() -> None:
    line = {"1": {"quantity_match": "failed", "quantity": {"actual": "10", "expected": "4"}}}
    whole = {"1": {"quantity_match": "passed", "policy": "three_way"}}
    left = {"receipts": {"R1": {"lines": {"1": {"available": "0"}}}, "R2": {"lines": {"1": {"available": "2"}}}}}
    play(
        SET_UP,
        company(line_matching_policy="three_way", over_delivery_percent="20"),
        order(),
        receipt("R1", "4"),
        {**receipt("R9", "9"), "refused": "OVER_DELIVERY"},
        receipt("R2", "8"),
        invoice(with_line=matched(("R1/1", "4")), expect=seen(match_status="failed", lines=line)),
        {**change(lines=[{"line": 1, **matched(("R1/1", "5"))}]), "refused": "RECEIPT_OVERMATCHED"},
        {**change(lines=[{"line": 1, **matched(("R1/1", "-4"))}]), "refused": "RECEIPT_SIGN"},
        change(lines=[{"line": 1, "receipt_matches": "automatic"}], expect={**seen(lines=whole), **left}),
        {
            "do": "cancel_receipt",
            "receipt": "R1",
            "expect": {**seen(lines=line | {"1": {"quantity": {"expected": "6"}}})},
        },
        {**change(lines=[{"line": 1, **matched(("R1/1", "4"))}]), "refused": "RECEIPT_CANCELLED"},
        {
            **receipt("R3", "4"),
            "expect": {"orders": {"PO": {"status": "received", "lines": {"1": {"deliver_remainder": "-2"}}}}},
        },
        change(lines=[{"line": 1, "receipt_matches": "automatic"}], expect=seen(lines=whole)),
        {"do": "post", "invoice": "INV", "expect": {"orders": {"PO": {"status": "invoiced"}}, "warnings": []}},
        {"do": "match", "invoice": "INV", "refused": "INVOICE_POSTED"},
        {"do": "delete_invoice", "invoice": "INV", "refused": "INVOICE_POSTED"},
        {**change(sales_tax="1"), "refused": "INVOICE_POSTED"},
        {"do": "approve", "invoice": "INV", "refused": "INVOICE_POSTED"},
        {"do": "post", "invoice": "INV", "refused": "INVOICE_POSTED"},
    )


def test_closing_a_line_with_a_receipt() -> None:
    open_line = {"orders": {"PO": {"status": "confirmed", "lines": {"1": {"deliver_remainder": "3"}}}}}
    closed = {"orders": {"PO": {"status": "received", "lines": {"1": {"deliver_remainder": "0"}}}}}
    play(
        SET_UP,
        company(under_delivery_percent="10"),
        order(),
        {**receipt("R1", "7"), "expect": open_line},
        {**receipt("R2", "1", with_line={"close_line": True}), "refused": "UNDER_DELIVERY"},
        {**receipt("R3", "2", with_line={"close_line": True}), "expect": closed},
        {"do": "cancel_receipt", "receipt": "R3", "expect": open_line},
    )


def test_units_are_compared_exactly_or_not_at_all() -> None:
    dozen = {"line": 1, "unit": "dozen", "unit_price": "120.000001"}
    play(
        SET_UP,
        order(quantity="24"),
        {
            **invoice(quantity="2", price="120", with_line={"unit": "dozen"}),
            "expect": seen(lines={"1": {"reasons": ["UNIT"]}}),
        },
        {**receipt("R", "1", with_line={"unit": "dozen"}), "refused": "UNIT"},
        {
            "do": "set_up",
            "unit_conversions": [{"item": None, "from": "ea", "to": "dozen", "factor": "1/12"}],
            "expect": seen(match_status="passed", lines={"1": {"price": {"actual": "10", "percent": "0"}}}),
        },
        change(lines=[dozen], expect=seen(match_status="failed")),
        {
            "do": "set_up",
            "unit_conversions": [{"item": "A", "from": "dozen", "to": "ea", "factor": "13"}],
            "expect": seen(match_status="passed"),
        },
    )


def test_a_third_of_a_unit_is_matched_exactly() -> None:
    play(
        {**SET_UP, "unit_conversions": [{"item": None, "from": "ea", "to": "box", "factor": "1/7"}]},
        company(line_matching_policy="three_way"),
        order(with_line={"unit": "box"}),
        receipt("R", "5", with_line={"unit": "ea"}),
        invoice(
            quantity="5",
            price="1",
            with_line={"unit": "ea", "receipt_matches": "automatic"},
            expect={
                **seen(lines={"1": {"quantity_match": "passed", "quantity": {"actual": "0.714286"}}}),
                "receipts": {"R": {"lines": {"1": {"available": "0"}}}},
            },
        ),
    )


def test_policies_go_from_the_most_specific_to_the_company() -> None:
    lines = [
        {"line": n, "item": item, "quantity": "1", "unit_price": "1"} for n, item in ((1, "A"), (2, "B"), (3, None))
    ]
    stored = {
        "1": {"policy": "two_way", "policy_from": "item_and_vendor"},
        "2": {"policy": "three_way", "policy_from": "vendor"},
        "3": {"policy": "three_way", "policy_from": "vendor"},
    }
    used = seen(lines={"1": {"policy": "three_way"}})
    play(
        SET_UP,
        {"do": "set_up", "company": {"line_matching_policy": "two_way"}, "items": [{"number": "B"}]},
        {
            "do": "set_up",
            "matching_policies": [{"item": "A", "vendor": "V", "policy": "not_required"}],
            "refused": "POLICY_TOO_WEAK",
        },
        {
            "do": "set_up",
            "matching_policies": [
                {"item": "A", "vendor": "V", "policy": "two_way"},
                {"item": "A", "policy": "three_way"},
                {"item": "B", "policy": "company_policy"},
                {"vendor": "V", "policy": "three_way"},
            ],
        },
        {
            "do": "create_order",
            "id": "PO",
            "vendor": "V",
            "lines": lines,
            "expect": {"orders": {"PO": {"lines": stored}}},
        },
        {**invoice(quantity="1", price="1"), "expect": seen(lines={"1": {"policy": "two_way"}})},
        {**company(line_matching_policy="three_way"), "expect": {**used, "orders": {"PO": {"lines": stored}}}},
        {
            "do": "create_order",
            "id": "P2",
            "vendor": "V",
            "lines": lines[:1],
            "expect": {"orders": {"P2": {"lines": {"1": {"policy": "three_way", "policy_from": "item"}}}}},
        },
        {
            "do": "change_order",
            "order": "P2",
            "lines": [{"line": 1, "policy": "two_way"}],
            "refused": "POLICY_TOO_WEAK",
        },
        company(allow_matching_policy_override="lower_or_higher"),
        {
            "do": "change_order",
            "order": "P2",
            "lines": [{"line": 1, "policy": "not_required"}],
            "expect": {"orders": {"P2": {"lines": {"1": {"policy_from": "order_line"}}}}},
        },
    )


def test_fixed_charges_go_to_the_first_invoice_and_the_others_to_every_one() -> None:
    charges = [
        {"id": "F", "code": "FREIGHT", "value": "30"},
        {"id": "P", "code": "PALLET", "category": "per_piece", "value": "2"},
        {"id": "I", "code": "INSURANCE", "category": "percent", "value": "5"},
    ]
    codes = [{"code": code} for code in ("FREIGHT", "PALLET", "INSURANCE")] + [{"code": "OWN", "credit_type": "ledger"}]
    first = {
        code: {"actual": figure, "expected": figure, "verdict": "passed"}
        for code, figure in (("FREIGHT", "30"), ("PALLET", "8"), ("INSURANCE", "2"))
    }
    play(
        SET_UP,
        {"do": "set_up", "company": {"match_charges": True, "match_invoice_totals": True}, "charge_codes": codes},
        order(charges=charges),
        invoice(
            "ONE",
            quantity="4",
            copy_order_charges=True,
            charges=[{"code": "OWN", "value": "0"}],
            expect=seen("ONE", match_status="passed", charges={**first, "OWN": None}),
        ),
        {"do": "post", "invoice": "ONE"},
        invoice(
            "TWO",
            quantity="6",
            copy_order_charges=True,
            expect=seen("TWO", match_status="passed", charges={"FREIGHT": None, "PALLET": {"actual": "12"}}),
        ),
        change(
            "TWO",
            charges=[{"code": "FREIGHT", "value": "30", "connected_to": "PO/F"}],
            expect=seen(
                "TWO",
                charges={
                    "FREIGHT": {"expected": "0", "percent": "99999999999.99", "verdict": "failed"},
                    "PALLET": None,
                },
                reasons=["CHARGE_FREIGHT", "TOTAL_CHARGES", "TOTAL_INVOICE_AMOUNT"],
            ),
        ),
    )


def test_discrepancies_that_need_approval() -> None:
    play(
        SET_UP,
        order(),
        invoice(price="11"),
        {"do": "approve", "invoice": "INV", "refused": "APPROVAL_NOT_AVAILABLE"},
        company(post_invoice_with_discrepancies="require_approval"),
        {"do": "post", "invoice": "INV", "refused": "MATCHING_DISCREPANCIES", "expect": seen(status="pending")},
        {"do": "approve", "invoice": "INV", "expect": seen(match_status="failed_approved", approved=True)},
        change(number="2026-1", expect=seen(match_status="failed_approved", approved=True)),
        change(lines=[{"line": 1, "unit_price": "12"}], expect=seen(match_status="failed", approved=False)),
        {"do": "approve", "invoice": "INV"},
        {
            "do": "change_order",
            "order": "PO",
            "lines": [{"line": 1, "unit_price": "9"}],
            "expect": seen(match_status="failed", approved=False),
        },
        {"do": "approve", "invoice": "INV"},
        {
            "do": "post",
            "invoice": "INV",
            "expect": {**seen(status="posted", match_status="failed_approved"), "warnings": []},
        },
    )


def test_the_gates_of_posting_in_order() -> None:
    bad: Step = {"on_hold": True, "number": "N1", "imported_amount": "99", "sales_tax": "1", "imported_tax": "2"}
    play(
        {**SET_UP, "items": [{"number": "A", "receiving_requirement": True}]},
        company(
            block_when_invoice_quantity_below_matched_receipts=True,
            line_matching_policy="not_required",
            match_invoice_totals=True,
        ),
        company(
            post_invoice_with_discrepancies="require_approval", duplicate_invoice_number="reject_within_fiscal_year"
        ),
        order(quantity="100"),
        receipt("R", "100"),
        invoice("ONE", with_line=matched(("R/1", "10")), number="N1"),
        {"do": "post", "invoice": "ONE"},
        invoice("OLD", number="N1", date="2025-12-31", with_line=matched(("R/1", "10"))),
        {"do": "post", "invoice": "OLD", "expect": {"warnings": []}},
        invoice("INV", **bad),
        {"do": "post", "invoice": "INV", "refused": "ON_HOLD"},
        change(on_hold=False),
        {"do": "post", "invoice": "INV", "refused": "DUPLICATE_INVOICE_NUMBER"},
        company(duplicate_invoice_number="warn"),
        {"do": "post", "invoice": "INV", "refused": "IMPORTED_TOTALS"},
        change(imported_tax="1"),
        {"do": "post", "invoice": "INV", "refused": "IMPORTED_TOTALS"},
        change(imported_amount="101"),
        {"do": "post", "invoice": "INV", "refused": "RECEIVING_REQUIREMENT"},
        change(lines=[{"line": 1, **matched(("R/1", "11"))}]),
        {"do": "post", "invoice": "INV", "refused": "QUANTITY_BELOW_RECEIPTS"},
        change(lines=[{"line": 1, **matched(("R/1", "10"))}]),
        {"do": "post", "invoice": "INV", "refused": "MATCHING_DISCREPANCIES"},
        {"do": "approve", "invoice": "INV"},
        {"do": "post", "invoice": "INV", "expect": {"warnings": ["DUPLICATE_INVOICE_NUMBER"]}},
    )


def test_what_an_invoice_may_not_be_entered_for() -> None:
    play(
        {**SET_UP, "vendors": [{"account": "V"}, {"account": "E", "currency": "EUR"}]},
        order("DRAFT", status="draft"),
        {**invoice(of="DRAFT/1"), "refused": "ORDER_NOT_CONFIRMED", "expect": {"invoices": {"INV": None}}},
        order(),
        {"do": "change_order", "order": "PO", "lines": [{"line": 1, "cancelled": True}]},
        {**invoice(), "refused": "ORDER_LINE_CANCELLED"},
        {"do": "create_order", "id": "EUR", "vendor": "E", "lines": [], "refused": "EXCHANGE_RATE_MISSING"},
        order("GOOD"),
        {**invoice(of="GOOD/1", currency="EUR"), "refused": "CURRENCY"},
        order("DEAR", vendor="E", exchange_rate="1.1"),
        {**invoice(of="DEAR/1", vendor="E"), "refused": "EXCHANGE_RATE_MISSING"},
        {"do": "set_up", "exchange_rates": [{"from": "EUR", "to": "USD", "date": "2026-01-02", "rate": "1.1"}]},
        {**invoice(of="DEAR/1", vendor="E", date="2026-01-01"), "refused": "EXCHANGE_RATE_MISSING"},
        invoice("FOREIGN", of="DEAR/1", vendor="E", expect=seen("FOREIGN", match_status="passed")),
        invoice(of="GOOD/1"),
        {
            "do": "change_order",
            "order": "GOOD",
            "lines": [{"line": 1, "cancelled": True}],
            "expect": seen(match_status="failed", lines={"1": {"reasons": ["PO_LINE"]}}),
        },
    )


def test_set_up_that_is_refused() -> None:
    row = {"item": "all", "vendor": "all"}
    play(
        SET_UP,
        {"do": "set_up", "price_tolerances": [{**row, "percent": "-1"}], "refused": "NEGATIVE_TOLERANCE"},
        {**company(charges_tolerance_percent="-0.000001"), "refused": "NEGATIVE_TOLERANCE"},
        {**company(over_delivery_percent="-1"), "refused": "NEGATIVE_TOLERANCE"},
        {"do": "remove", "price_tolerances": [row], "refused": "DEFAULT_TOLERANCE_REQUIRED"},
        {"do": "set_up", "price_tolerances": [{"item": "group:HIGH", "vendor": "table:V", "percent": "3"}]},
        {"do": "set_up", "items": [{"number": "A", "price_tolerance_group": "HIGH"}]},
        order(),
        invoice(
            price="10.3",
            expect=seen(match_status="passed", lines={"1": {"price": {"tolerance_from": "group:HIGH / table:V"}}}),
        ),
        {
            "do": "remove",
            "price_tolerances": [{"item": "group:HIGH", "vendor": "table:V"}],
            "expect": seen(match_status="failed"),
        },
    )


def test_receipts_are_matched_in_the_background_until_the_attempts_are_used_up() -> None:
    play(
        SET_UP,
        company(line_matching_policy="three_way"),
        order(),
        invoice(expect=seen(automation_status="not_applicable")),
        {
            **company(automation_match_receipts=True, automation_attempts=2),
            "expect": seen(automation_status="not_yet_run"),
        },
        receipt("R1", "4"),
        {
            "do": "run_automation",
            "expect": seen(automation_status="not_yet_run", lines={"1": {"quantity": {"expected": "4"}}}),
        },
        {"do": "run_automation", "expect": seen(automation_status="failed", automation_included=False)},
        receipt("R2", "6"),
        {"do": "run_automation", "expect": seen(match_status="failed", lines={"1": {"quantity": {"expected": "4"}}})},
        change(automation_included=True, expect=seen(automation_status="not_yet_run")),
        {"do": "run_automation", "expect": seen(match_status="passed", automation_status="completed")},
    )


def test_accounting_currency_decides_about_amounts() -> None:
    figures = {
        "variance": "10",
        "variance_accounting": "13000",
        "exchange_variance": "11000",
        "tolerance_percent": None,
        "tolerance_amount": "12999",
    }
    play(
        {
            **SET_UP,
            "company": {
                "accounting_currency": "KRW",
                "match_price_totals": "amount",
                "price_total_tolerance_amount": "12999",
            },
        },
        order(exchange_rate="1200"),
        invoice(
            price="11",
            exchange_rate="1300",
            expect=seen(lines={"1": {"price_total": figures, "reasons": ["PRICE", "PRICE_TOTAL_AMOUNT"]}}),
        ),
        {**company(price_total_tolerance_amount="13000"), "expect": seen(lines={"1": {"reasons": ["PRICE"]}})},
    )


def test_a_case_that_cannot_be_run_is_told_as_one_difference() -> None:
    no_vendor = {key: value for key, value in order().items() if key != "vendor"}
    for wrong in (
        {"do": "dance"},
        {"do": "check", "what": 1},
        {"do": "match"},
        {"do": "check", "expect": {"invoices": []}},
        {"do": "check", "expect": {"totals": {}}},
        no_vendor,
        company(per_total_settings=[]),
        order(quantity="1e3"),
        order(quantity="9" * 24),
        order("N" * 400),
    ):
        outcome = run_case({"case": "bad", "steps": [SET_UP, wrong]}, name="bad", now=clock.now())
        assert [one["path"] for one in outcome.differences] == ["error"]
    assert run_case([], name="list", now=clock.now()).differences[0]["path"] == "error"


def test_a_case_leaves_nothing_behind() -> None:
    from access.models import Merchant
    from matching.models import Invoice

    before = Merchant.objects.count()
    play(SET_UP, order(), invoice())
    assert (Merchant.objects.count(), Invoice.objects.count()) == (before, 0)
