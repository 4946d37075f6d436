"""Protects the comparison with our records: one outcome for every group, each limit exact, no difference lost."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from reconciliation.books import OwnRecord, Tolerance
from reconciliation.keys import folded_name
from reconciliation.lines import Kind, Line
from tests.reconciliation import given

LICENSE, USAGE, ONETIME = Kind.LICENSE, Kind.USAGE, Kind.ONETIME_RECURRING
INVOICE, DAILY = Kind.NCE_INVOICE, Kind.NCE_DAILY
BILLED = [LICENSE, USAGE, ONETIME, INVOICE, DAILY]


def short(found: dict[str, Any]) -> tuple[str, list[str], list[str]]:
    return found["outcome"], found["also"], found["notes"]


def against(kind: Kind, ours: dict[str, Any], /, **values: Any) -> tuple[str, list[str], list[str]]:
    """Return the outcome of one line against one record of ours."""
    return short(given.outcome([given.line(kind, **values)], given.own(kind, **ours)))


def outcomes(lines: list[Line], *records: OwnRecord) -> list[tuple[str, list[str | None]]]:
    return [(found["outcome"], found["refs"]) for found in given.compared(lines, *records).outcomes]


class TestOutcomes:
    @pytest.mark.parametrize("kind", BILLED)
    def test_equal_figures_match(self, kind: Kind) -> None:
        found = given.outcome([given.line(kind)], given.own(kind))
        assert short(found) == ("matched", [], [])
        assert Decimal(found["difference"]["subtotal"]) == 0
        assert found["refs"] == ["R-1"]
        assert found["records"] == [1]

    @pytest.mark.parametrize("kind", BILLED)
    def test_what_only_one_side_has(self, kind: Kind) -> None:
        found = given.compared([given.line(kind)], given.own(kind, customer_id=given.OTHER_CUSTOMER))
        assert found.outcome_counts == {"missing_on_our_side": 1, "missing_in_file": 1}
        ours, file = found.outcomes
        assert (ours["difference"], ours["our_subtotal"], ours["file_lines"]) == (None, None, 1)
        assert (file["difference"], file["file_subtotal"], file["file_tax"], file["file_lines"]) == (
            None,
            None,
            None,
            0,
        )
        assert file["key"]["customer_id"] == given.OTHER_CUSTOMER
        assert (file["refs"], file["records"]) == (["R-1"], [])
        assert (ours["refs"], ours["records"]) == ([], [1])

    def test_seats_have_no_tolerance(self) -> None:
        assert against(LICENSE, {"quantity": "10.0000001"}) == ("quantity_mismatch", [], [])
        assert against(INVOICE, {"quantity": "2.9999999"}) == ("quantity_mismatch", [], [])

    @pytest.mark.parametrize("kind", [USAGE, DAILY])
    def test_metered_quantities_have_a_millionth(self, kind: Kind) -> None:
        quantity = Decimal("90.5") if kind is USAGE else Decimal(24)
        for step in (Decimal("1e-6"), Decimal("-1e-6")):
            assert against(kind, {"quantity": quantity + step})[0] == "matched"
            assert against(kind, {"quantity": quantity + step * 2})[0] == "quantity_mismatch"

    def test_consumption_is_metered_and_a_seat_beside_it_is_not(self) -> None:
        metered = given.line(INVOICE, 1, MeterDescription="VM B1s", BillableQuantity="3.0000005")
        assert short(given.outcome([metered], given.own(INVOICE)))[0] == "matched"
        seat = given.line(INVOICE, 2, BillableQuantity="1")
        ours = given.own(INVOICE, quantity="4", subtotal="120", tax="12")
        assert short(given.outcome([metered, seat], ours))[0] == "quantity_mismatch"

    def test_quantity_comes_before_price_amount_and_tax(self) -> None:
        ours = {"quantity": "5", "unit_price": "9.00", "subtotal": "1", "tax": "1"}
        assert against(LICENSE, ours) == ("quantity_mismatch", ["price", "amount", "tax"], [])

    def test_price_needs_an_amount_that_differs(self) -> None:
        assert against(LICENSE, {"unit_price": "7.00", "subtotal": "70"}) == ("price_mismatch", ["amount"], [])
        assert against(LICENSE, {"unit_price": "7.00"}) == ("matched", ["price"], [])
        assert against(LICENSE, {"unit_price": "7.00", "tax": "9"}) == ("tax_mismatch", ["price"], [])

    @pytest.mark.parametrize("kind", [ONETIME, INVOICE, DAILY])
    def test_a_list_price_alone_is_a_note_in_new_commerce(self, kind: Kind) -> None:
        assert against(kind, {"unit_price": "7.00"}) == ("matched", [], ["price_differs"])
        assert against(kind, {"unit_price": "7.00", "quantity": "1"}) == ("quantity_mismatch", [], ["price_differs"])
        assert against(kind, {"unit_price": "7.00", "subtotal": "21"})[:2] == ("price_mismatch", ["amount"])

    def test_price_has_the_line_tolerance(self) -> None:
        assert against(LICENSE, {"unit_price": "7.99", "subtotal": "79"})[0] == "amount_mismatch"
        assert against(LICENSE, {"unit_price": "7.9899", "subtotal": "79"})[0] == "price_mismatch"

    def test_a_price_counts_though_the_quantity_is_not_known(self) -> None:
        ours = {"quantity": None, "unit_price": "7.00", "subtotal": "70"}
        assert against(LICENSE, ours) == ("price_mismatch", ["amount"], ["quantity_not_comparable"])

    def test_amount_and_tax_at_the_limit_of_one_line(self) -> None:
        assert against(LICENSE, {"subtotal": "80.01"}) == ("matched_within_tolerance", [], [])
        assert against(LICENSE, {"subtotal": "80.011"}) == ("amount_mismatch", [], [])
        assert against(LICENSE, {"subtotal": "79.99"}) == ("matched_within_tolerance", [], [])
        assert against(LICENSE, {"tax": "8.01"}) == ("matched_within_tolerance", [], [])
        assert against(LICENSE, {"tax": "8.02"}) == ("tax_mismatch", [], [])
        assert against(LICENSE, {"subtotal": "79.98", "tax": "7.98"}) == ("amount_mismatch", ["tax"], [])

    def test_the_residue_is_always_shown(self) -> None:
        found = given.outcome([given.line(LICENSE)], given.own(LICENSE, subtotal="80.01", tax="7.5"))
        assert found["difference"] == {"subtotal": "-0.01", "tax": "0.50"}

    @pytest.mark.parametrize(("lines", "most"), [(1, "0.01"), (2, "0.02"), (100, "1.00"), (101, "1.00")])
    def test_a_minor_unit_for_each_line_of_at_most_a_hundred(self, lines: int, most: str) -> None:
        file = [given.line(LICENSE, record) for record in range(1, lines + 1)]
        inside = given.own(LICENSE, subtotal=Decimal(80) * lines + Decimal(most), tax=Decimal(8) * lines)
        beyond = given.own(LICENSE, subtotal=inside.subtotal + Decimal("0.001"), tax=Decimal(8) * lines)
        assert given.outcome(file, inside)["outcome"] == "matched_within_tolerance"
        assert given.outcome(file, beyond)["outcome"] == "amount_mismatch"

    def test_a_won_is_a_whole_one(self) -> None:
        assert against(LICENSE, {"currency": "KRW", "subtotal": "81"}, Currency="KRW")[0] == "matched_within_tolerance"
        assert against(LICENSE, {"currency": "KRW", "subtotal": "82"}, Currency="KRW")[0] == "amount_mismatch"

    def test_tolerances_of_the_books_are_absolute(self) -> None:
        file = [given.line(LICENSE, record) for record in range(1, 4)]
        tolerance = Tolerance(line=Decimal(2), group=Decimal("0.005"))
        ours = given.own(LICENSE, subtotal="240.01", tax="24", unit_price="6.00")
        assert short(given.outcome(file, ours, tolerance=tolerance)) == ("amount_mismatch", [], [])
        exact = given.own(LICENSE, subtotal="240.005", tax="24")
        assert given.outcome(file, exact, tolerance=tolerance)["outcome"] == "matched_within_tolerance"

    def test_lines_that_do_not_count_are_not_compared(self) -> None:
        lines = [given.line(LICENSE), given.line(LICENSE, 2, duplicate_of=1), given.line(LICENSE, 3, codes=("x",))]
        assert given.outcome(lines, given.own(LICENSE))["records"] == [1]


class TestTax:
    @pytest.mark.parametrize("kind", [LICENSE, USAGE, INVOICE])
    def test_a_file_without_any_tax_is_not_itemised(self, kind: Kind) -> None:
        column = {LICENSE: "Tax", USAGE: "TaxAmount", INVOICE: "TaxTotal"}[kind]
        lines = [given.line(kind, **{column: "0.00"})]
        assert given.assessed(*lines).notes == ["tax_not_itemised"]
        found = given.outcome(lines, given.own(kind))
        assert (found["outcome"], found["difference"]["tax"]) == ("matched", None)

    def test_one_line_with_tax_is_enough(self) -> None:
        lines = [
            given.line(LICENSE, Tax="0"),
            given.line(LICENSE, 2, SyndicationPartnerSubscriptionNumber="other"),
        ]
        assert given.assessed(*lines).notes == []
        assert [found["outcome"] for found in given.compared(lines, given.own(LICENSE)).outcomes] == [
            "tax_mismatch",
            "missing_on_our_side",
        ]

    def test_daily_usage_has_no_tax_to_compare(self) -> None:
        assert given.assessed(given.line(DAILY)).notes == []
        found = given.outcome([given.line(DAILY)], given.own(DAILY, tax="5"))
        assert (found["outcome"], found["difference"], found["our_tax"]) == (
            "matched",
            {"subtotal": "0.00", "tax": None},
            "5",
        )

    def test_a_tax_that_we_do_not_know(self) -> None:
        found = given.outcome([given.line(LICENSE)], given.own(LICENSE, tax=None))
        assert (found["outcome"], found["our_tax"], found["difference"]["tax"]) == ("matched", None, None)


class TestQuantity:
    def quantity(self, *lines: Line) -> str | None:
        found: str | None = given.outcome(lines)["file_quantity"]
        return found

    def test_license_takes_the_charge_that_ends_last(self) -> None:
        april = {"ChargeStartDate": date(2024, 4, 1), "ChargeEndDate": date(2024, 4, 30)}
        mid_may = {"ChargeStartDate": date(2024, 5, 16)}
        first = given.line(LICENSE, 1, Quantity="10")
        assert self.quantity(first, given.line(LICENSE, 2, Quantity="7", **april)) == "10"
        assert self.quantity(first, given.line(LICENSE, 2, Quantity="7", **mid_may)) == "7"
        assert self.quantity(given.line(LICENSE, 2, Quantity="7"), first) == "10"
        assert self.quantity(first, given.line(LICENSE, 2, Quantity="7", Amount="-1", **mid_may)) == "10"
        assert self.quantity(given.line(LICENSE, Amount="0")) == "0"

    def test_usage_is_summed(self) -> None:
        assert self.quantity(given.line(USAGE), given.line(USAGE, 2, OverageQuantity="0.5")) == "91.0"
        assert self.quantity(given.line(DAILY), given.line(DAILY, 2, Quantity="-4")) == "20"

    def test_seats_bought_minus_seats_given_back(self) -> None:
        """Ten, fifteen, thirty seats: each change refunds the old count and charges the new."""
        steps = [("10", "new", "100"), ("10", "addQuantity", "-90"), ("15", "addQuantity", "135")]
        steps += [("15", "addQuantity", "-60"), ("30", "addQuantity", "120")]
        lines = [
            given.line(INVOICE, i, BillableQuantity=quantity, ChargeType=type_, Subtotal=subtotal, OrderId=f"o{i}")
            for i, (quantity, type_, subtotal) in enumerate(steps, 1)
        ]
        assert self.quantity(*lines) == "30"

    def test_credits_are_left_out(self) -> None:
        credit = {"ChargeType": "customerCredit", "BillableQuantity": "1"}
        assert self.quantity(given.line(INVOICE), given.line(INVOICE, 2, Subtotal="-5", **credit)) == "3"
        assert self.quantity(given.line(INVOICE), given.line(INVOICE, 2, Subtotal="0", **credit)) == "3"

    @pytest.mark.parametrize(
        ("type_", "quantity"),
        [("new", "3"), ("Purchase", "3"), ("extendTerm", "3"), ("renew", None), ("cycleCharge", None), ("odd", None)],
    )
    def test_a_line_without_money(self, type_: str, quantity: str | None) -> None:
        assert self.quantity(given.line(INVOICE, ChargeType=type_, Subtotal="0")) == quantity

    def test_an_unknown_quantity_is_noted(self) -> None:
        free = {"ChargeType": "renew", "Subtotal": "0", "TaxTotal": "1"}
        found = given.outcome([given.line(INVOICE, **free)], given.own(INVOICE, subtotal="0", tax="1"))
        assert short(found) == ("matched", [], ["quantity_not_comparable"])

    def test_price_components_of_one_purchase_count_once(self) -> None:
        halves = [given.line(INVOICE, 1), given.line(INVOICE, 2, UnitPrice="5.00")]
        assert self.quantity(*halves) == "3"
        assert self.quantity(*halves, given.line(INVOICE, 3), given.line(INVOICE, 4, UnitPrice="5.00")) == "6"

    @pytest.mark.parametrize(
        "other",
        [
            {"UnitPrice": "20.00"},
            {"OrderId": "ord0002"},
            {"ChargeType": "renew"},
            {"ChargeEndDate": date(2024, 5, 30)},
            {"MeterDescription": "VM B1s"},
            {"OrderId": None},
        ],
    )
    def test_what_is_another_purchase(self, other: dict[str, Any]) -> None:
        assert self.quantity(given.line(INVOICE, 1), given.line(INVOICE, 2, **({"UnitPrice": "5.00"} | other))) == "6"

    def test_components_of_a_refund(self) -> None:
        refund = {"ChargeType": "cancelImmediate", "Subtotal": "-5"}
        lines = [given.line(INVOICE, 1, **refund), given.line(INVOICE, 2, **refund, UnitPrice="5.00")]
        assert self.quantity(*lines) == "-3"

    def test_older_layouts_only_have_a_quantity(self) -> None:
        assert self.quantity(given.line(ONETIME, BillableQuantity=None, Quantity="4")) == "4"


class TestUnitPrice:
    def price(self, *lines: Line) -> str | None:
        found: str | None = given.outcome(lines)["file_unit_price"]
        return found

    def test_only_full_charges_have_one(self) -> None:
        prorated = given.line(LICENSE, 2, ChargeType="Cycle instance prorate", UnitPrice="4.13")
        assert self.price(given.line(LICENSE), prorated) == "8.00"
        assert self.price(prorated) is None
        assert self.price(given.line(LICENSE, Subtotal="-1")) is None
        assert self.price(given.line(LICENSE, Subtotal="0")) == "8.00"

    def test_two_prices_are_none(self) -> None:
        assert self.price(given.line(LICENSE), given.line(LICENSE, 2, UnitPrice="9")) is None
        assert self.price(given.line(LICENSE), given.line(LICENSE, 2, UnitPrice="8")) == "8.00"

    def test_usage_has_list_prices(self) -> None:
        assert self.price(given.line(USAGE), given.line(USAGE, 2, ChargeType="Cycle discount", ListPrice="1")) == "0.13"

    def test_an_untyped_day_is_a_charge(self) -> None:
        assert self.price(given.line(DAILY, ChargeType=None)) == "0.05"

    def test_ours_is_one_only_if_all_records_say_it(self) -> None:
        def ours(*prices: str | None) -> str | None:
            records = [given.own(LICENSE, str(i), unit_price=price) for i, price in enumerate(prices)]
            found: str | None = given.outcome([given.line(LICENSE)], *records)["our_unit_price"]
            return found

        assert [ours("8", "8.00"), ours("8", "9"), ours("8", None)] == ["8", None, None]


class TestRecordsOfOurs:
    def test_several_with_one_key_are_summed(self) -> None:
        half = {"quantity": "5", "subtotal": "40.00", "tax": "4.00"}
        found = given.outcome([given.line(LICENSE)], given.own(LICENSE, "A", **half), given.own(LICENSE, "B", **half))
        assert (found["outcome"], found["refs"], found["our_quantity"]) == ("matched", ["A", "B"], "10")

    def test_one_unknown_quantity_makes_the_sum_unknown(self) -> None:
        half = {"quantity": "5", "subtotal": "40.00", "tax": "4.00"}
        records = [given.own(LICENSE, "A", **half), given.own(LICENSE, "B", **half | {"quantity": None})]
        assert short(given.outcome([given.line(LICENSE)], *records)) == ("matched", [], ["quantity_not_comparable"])

    def test_ids_have_no_case_and_no_prefix(self) -> None:
        ours = given.own(INVOICE, customer_id=f"org:{given.CUSTOMER.upper()}", sku_id="1", product_id="cfq7ttc0lh16")
        assert outcomes([given.line(INVOICE)], ours) == [("matched", ["R-1"])]

    @pytest.mark.parametrize(
        ("start", "end", "in_scope"),
        [
            (None, None, True),
            (date(2024, 5, 31), date(2024, 6, 30), True),
            (date(2024, 4, 1), date(2024, 5, 1), True),
            (date(2024, 6, 1), date(2024, 6, 30), False),
            (date(2024, 4, 1), date(2024, 4, 30), False),
            (date(2024, 6, 1), None, False),
            (None, date(2024, 4, 30), False),
            (None, date(2024, 5, 1), True),
        ],
    )
    def test_scope_is_the_period_of_the_file(self, start: date | None, end: date | None, *, in_scope: bool) -> None:
        period = {"period_start": start, "period_end": end}
        stranger = given.own(LICENSE, "S", subscription_number="other", **period)
        found = outcomes([given.line(LICENSE)], given.own(LICENSE, **period), stranger)
        assert found == (
            [("matched", ["R-1"]), ("missing_in_file", ["S"])] if in_scope else [("missing_on_our_side", [])]
        )

    def test_a_purchase_without_an_end_is_about_its_first_day(self) -> None:
        line = given.line(INVOICE, ChargeEndDate=None)
        june = given.own(INVOICE, period_start=date(2024, 5, 2))
        assert outcomes([line], june) == [("missing_on_our_side", [])]

    def test_daily_usage_is_about_its_days(self) -> None:
        line = given.line(DAILY, ChargeStartDate=date(2024, 4, 1), ChargeEndDate=date(2024, 6, 1))
        assert outcomes([line], given.own(DAILY, period_end=date(2024, 4, 30))) == [("missing_on_our_side", [])]

    def test_another_kind_is_not_in_scope(self) -> None:
        assert outcomes([given.line(LICENSE)], given.own(USAGE)) == [("missing_on_our_side", [])]
        assert outcomes([given.line(INVOICE)], given.own(DAILY)) == [("missing_on_our_side", [])]

    def test_editions_of_one_kind_are_one_family(self) -> None:
        assert outcomes([given.line(ONETIME)], given.own(INVOICE)) == [("matched", ["R-1"])]

    def test_a_record_without_a_kind_is_of_the_files(self) -> None:
        assert outcomes([given.line(USAGE)], given.own(USAGE, kind=None)) == [("matched", ["R-1"])]

    def test_order_of_the_file_then_ours(self) -> None:
        lines = [given.line(LICENSE, i, SyndicationPartnerSubscriptionNumber=f"S{i}") for i in (1, 2, 3)]
        records = [given.own(LICENSE, f"R{name}", subscription_number=f"s{name}") for name in (9, 3, 8, 1, 9)]
        assert outcomes(lines, *records) == [
            ("matched", ["R1"]),
            ("missing_on_our_side", []),
            ("matched", ["R3"]),
            ("missing_in_file", ["R9", "R9"]),
            ("missing_in_file", ["R8"]),
        ]


class TestCurrencies:
    def test_a_key_in_two_currencies_makes_two_groups(self) -> None:
        lines = [given.line(LICENSE), given.line(LICENSE, 2, Currency="EUR")]
        records = [given.own(LICENSE, "E", currency="EUR"), given.own(LICENSE, "U")]
        assert outcomes(lines, *records) == [("matched", ["U"]), ("matched", ["E"])]

    def test_another_currency_is_the_counterpart_and_not_compared(self) -> None:
        found = given.outcome([given.line(LICENSE)], given.own(LICENSE, currency="EUR", subtotal="1"))
        assert short(found) == ("currency_mismatch", [], [])
        assert (found["difference"], found["our_subtotal"], found["our_quantity"]) == (None, None, None)
        assert (found["file_subtotal"], found["refs"]) == ("80.00", ["R-1"])

    def test_each_currency_of_ours_answers_one_group(self) -> None:
        records = [given.own(LICENSE, name, currency=name) for name in ("EUR", "KRW", "EUR")]
        assert outcomes([given.line(LICENSE)], *records) == [
            ("currency_mismatch", ["EUR", "EUR"]),
            ("missing_in_file", ["KRW"]),
        ]

    def test_a_matched_group_is_no_counterpart_of_another_currency(self) -> None:
        records = [given.own(LICENSE, name, currency=name) for name in ("KRW", "USD")]
        assert outcomes([given.line(LICENSE)], *records) == [("matched", ["USD"]), ("missing_in_file", ["KRW"])]

    def test_a_group_in_a_currency_we_do_not_have_though_all_of_ours_are_taken(self) -> None:
        lines = [given.line(LICENSE, Currency="EUR"), given.line(LICENSE, 2)]
        assert outcomes(lines, given.own(LICENSE)) == [("currency_mismatch", []), ("matched", ["R-1"])]


class TestNames:
    NAMED = {"CustomerId": None, "CustomerName": 'Haru, Byeol & "Dal" Ltd.'}
    OURS = {"customer_name": "HARU  Byeol & Dal", "customer_id": given.OTHER_CUSTOMER}

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("한결무역 주식회사", "한결무역"),
            ("한결무역㈜", "한결무역 (주)"),
            ("한결무역주식회사", "한결무역"),
            ("さくら商会株式会社", "さくら商会"),
            ("Café Été S.A.R.L.", "café  été"),
            ("Haru GmbH & Co. KG", "haru"),
            ("Haru Co.,Ltd.", "Haru"),
            ("Ｈａｒｕ Inc", "haru"),
        ],
    )
    def test_folded_names(self, one: str, other: str) -> None:
        assert folded_name(one) == folded_name(other) != ""

    def test_what_stays_apart(self) -> None:
        assert folded_name("Ltd") == "ltd"
        assert folded_name("주식회사") == "주식회사"
        assert folded_name("Haru Limited Edition") == "haru limited edition"
        assert folded_name("Haru Nord") != folded_name("Haru")
        assert folded_name(" . ") == ""

    @pytest.mark.parametrize("kind", BILLED)
    def test_a_name_suggests_a_record(self, kind: Kind) -> None:
        named = {"CustomerId": None, "CustomerCompanyName" if kind is USAGE else "CustomerName": "Haru GmbH"}
        found = given.outcome([given.line(kind, **named)], given.own(kind, customer_name="HARU"))
        assert short(found) == ("matched", [], ["matched_by_name"])
        assert (found["key"]["customer_id"], found["key"]["customer_name"]) == (None, "Haru GmbH")

    def test_a_record_without_an_id_of_its_own(self) -> None:
        ours = given.own(LICENSE, customer_id=None, customer_name="haru byeol dal")
        found = given.outcome([given.line(LICENSE, **self.NAMED)], ours)
        assert found["notes"] == ["matched_by_name"]

    def test_customers_without_ids_are_told_apart_by_name(self) -> None:
        records = [
            given.own(LICENSE, name, customer_id=None, customer_name=name) for name in ("Haru", "Byeol", "Haru Ltd")
        ]
        line = given.line(LICENSE, CustomerId=None, CustomerName="haru")
        assert outcomes([line], *records) == [
            ("quantity_mismatch", ["Haru", "Haru Ltd"]),
            ("missing_in_file", ["Byeol"]),
        ]

    def test_a_name_is_of_no_use_where_the_file_has_an_id(self) -> None:
        line = given.line(LICENSE, CustomerName="Haru")
        ours = given.own(LICENSE, customer_id=None, customer_name="Haru")
        assert outcomes([line], ours) == [("missing_on_our_side", []), ("missing_in_file", ["R-1"])]

    def test_a_record_answers_the_id_before_the_name(self) -> None:
        ours = given.own(LICENSE, customer_name="Haru")
        lines = [given.line(LICENSE, 1, CustomerId=None, CustomerName="Haru"), given.line(LICENSE, 2)]
        assert outcomes(lines, ours) == [("missing_on_our_side", []), ("matched", ["R-1"])]

    def test_without_id_and_name_nothing_matches(self) -> None:
        line = given.line(INVOICE, CustomerId=None)
        ours = given.own(INVOICE, customer_id=None)
        found = given.compared([line], ours)
        assert list(found.outcome_counts) == ["missing_on_our_side", "missing_in_file"]
        assert "customer_name" not in found.outcomes[0]["key"]

    def test_another_currency_found_by_name(self) -> None:
        found = given.outcome([given.line(LICENSE, **self.NAMED)], given.own(LICENSE, currency="EUR", **self.OURS))
        assert short(found) == ("currency_mismatch", [], ["matched_by_name"])


class TestIds:
    def test_an_order_stands_in_for_a_subscription(self) -> None:
        line = given.line(INVOICE, SubscriptionId=None, OrderId="ORD7, alt7", AlternateId="alt7")
        found = given.outcome([line], given.own(INVOICE, subscription_id="ord7"))
        assert (found["outcome"], found["key"]["subscription_id"]) == ("matched", None)

    def test_then_the_alternate_id(self) -> None:
        line = given.line(INVOICE, SubscriptionId=None, OrderId=None, AlternateId="alt7")
        assert outcomes([line], given.own(INVOICE, subscription_id="ALT7")) == [("matched", ["R-1"])]

    def test_a_purchase_without_any_of_them(self) -> None:
        line = given.line(INVOICE, SubscriptionId=None, OrderId=None)
        assert outcomes([line], given.own(INVOICE, subscription_id=None)) == [("matched", ["R-1"])]

    def test_a_subscription_stands_in_for_an_entitlement(self) -> None:
        line = given.line(DAILY, EntitlementId=None)
        ours = given.own(DAILY, entitlement_id="5e000000-0000-4000-8000-000000000001")
        assert outcomes([line], ours) == [("matched", ["R-1"])]

    def test_a_destroyed_id_joins_nothing(self) -> None:
        ruin = "5.0E+10"
        line = given.line(
            LICENSE, SyndicationPartnerSubscriptionNumber=ruin, damaged=("SyndicationPartnerSubscriptionNumber",)
        )
        found = given.compared([line], given.own(LICENSE, subscription_number=ruin)).outcomes
        assert [one["outcome"] for one in found] == ["missing_on_our_side", "missing_in_file"]
        assert found[0]["key"]["subscription_number"] == ruin

    def test_a_sku_that_only_lost_its_zeros_joins(self) -> None:
        mended = given.line(INVOICE, SkuId="0001", damaged=("SkuId",))
        assert outcomes([mended], given.own(INVOICE)) == [("matched", ["R-1"])]
        lost = given.line(INVOICE, SkuId="1E+3", damaged=("SkuId",))
        assert outcomes([lost], given.own(INVOICE, sku_id="1e+3"))[0] == ("missing_on_our_side", [])

    def test_what_stands_in_also_stands_in_for_a_destroyed_one(self) -> None:
        subscription = given.line(INVOICE, SubscriptionId="5.0E+10", damaged=("SubscriptionId",))
        assert outcomes([subscription], given.own(INVOICE, subscription_id="ord0001")) == [("matched", ["R-1"])]
        customer = given.line(LICENSE, CustomerId="1.0E+10", CustomerName="Haru", damaged=("CustomerId",))
        assert outcomes([customer], given.own(LICENSE, customer_name="haru")) == [("matched", ["R-1"])]
