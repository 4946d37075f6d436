"""Protects the checks of a line's arithmetic: each at its exact limit, with the difference that is really there."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from reconciliation.amounts import cut, half_up, minor_unit
from reconciliation.arithmetic import checks, shown_checks
from reconciliation.checks import Check
from reconciliation.lines import Kind
from tests.reconciliation import given

LICENSE, USAGE, INVOICE, DAILY = Kind.LICENSE, Kind.USAGE, Kind.NCE_INVOICE, Kind.NCE_DAILY


def check(name: str, kind: Kind, **values: Any) -> Check:
    (found,) = [one for one in checks(given.line(kind, **values)) if one.name == name]
    return found


def said(name: str, kind: Kind, **values: Any) -> tuple[str, str]:
    found = check(name, kind, **values)
    return str(found.result), str(found.difference.normalize())


class TestMinorUnits:
    @pytest.mark.parametrize(
        ("currencies", "unit"),
        [("KRW JPY VND ISK", "1"), ("USD EUR TWD XXX", "0.01"), ("KWD BHD TND", "0.001"), ("CLF UYW", "0.0001")],
    )
    def test_unit(self, currencies: str, unit: str) -> None:
        assert {str(minor_unit(currency)) for currency in currencies.split()} == {unit}

    def test_cut_goes_toward_zero_and_a_half_goes_away_from_it(self) -> None:
        cent = minor_unit("EUR")
        assert [str(cut(Decimal(value), cent)) for value in ("1.239", "-1.239")] == ["1.23", "-1.23"]
        assert [str(half_up(Decimal(value), cent)) for value in ("63.325", "-63.325")] == ["63.33", "-63.33"]


class TestLicense:
    def test_amount_of_an_exact_product(self) -> None:
        assert said("amount", LICENSE) == ("ok", "0")

    def test_published_example_of_a_rounded_unit_price(self) -> None:
        values = {"UnitPrice": "15.62", "Quantity": "2", "Amount": "31.25"}
        assert said("amount", LICENSE, **values) == ("within_rounding", "0.01")

    def test_half_a_minor_unit_for_every_seat(self) -> None:
        values = {"UnitPrice": "3.33", "Quantity": "6"}
        assert said("amount", LICENSE, **values, Amount="20.01") == ("within_rounding", "0.03")
        assert said("amount", LICENSE, **values, Amount="20.02") == ("fault", "0.04")
        assert said("amount", LICENSE, **values, Amount="19.95") == ("within_rounding", "-0.03")

    def test_one_minor_unit_at_least(self) -> None:
        values = {"UnitPrice": "5.00", "Quantity": "1"}
        assert said("amount", LICENSE, **values, Amount="5.01") == ("within_rounding", "0.01")
        assert said("amount", LICENSE, **values, Amount="5.02") == ("fault", "0.02")

    def test_seats_given_back_have_the_same_slack(self) -> None:
        values = {"UnitPrice": "3.33", "Quantity": "-6"}
        assert said("amount", LICENSE, **values, Amount="-20.01") == ("within_rounding", "-0.03")

    def test_won_have_no_hundredths(self) -> None:
        values = {"UnitPrice": "1000.5", "Quantity": "3", "Currency": "KRW"}
        assert said("amount", LICENSE, **values, Amount="3002") == ("ok", "0")
        assert said("amount", LICENSE, **values, Amount="3003") == ("within_rounding", "1")
        assert said("amount", LICENSE, **values, Amount="3004") == ("fault", "2")

    def test_subtotal_and_total_are_exact(self) -> None:
        assert said("subtotal", LICENSE, TotalOtherDiscount="5.00", Subtotal="75.00") == ("ok", "0")
        assert said("subtotal", LICENSE, TotalOtherDiscount="5.00", Subtotal="75.01") == ("fault", "0.01")
        assert said("total", LICENSE, TotalForCustomer="88.01") == ("fault", "0.01")


class TestUsage:
    def test_quantity_is_exact(self) -> None:
        values = {"ConsumedQuantity": "10.0000000001", "IncludedQuantity": "10", "ListPrice": "0"}
        assert said("quantity", USAGE, **values, OverageQuantity="0.0000000001") == ("ok", "0")
        assert said("quantity", USAGE, **values, OverageQuantity="0") == ("fault", "-1E-10")

    def test_published_line_proves_half_up(self) -> None:
        values = {"ListPrice": "0.085", "OverageQuantity": "745"}
        assert said("pretax", USAGE, **values, PretaxCharges="63.33") == ("ok", "0")
        assert said("pretax", USAGE, **values, PretaxCharges="63.32") == ("within_rounding", "-0.01")
        assert said("pretax", USAGE, **values, PretaxCharges="63.31") == ("fault", "-0.02")

    @pytest.mark.parametrize("type_", ["Cycle discount", "Cancel discount", "주기 할인"])
    def test_a_discount_has_no_quantity(self, type_: str) -> None:
        line = given.line(USAGE, ChargeType=type_, OverageQuantity="0", PretaxCharges="-1.77")
        assert [one.name for one in checks(line)] == ["quantity", "total"]

    def test_an_offset_is_checked(self) -> None:
        values = {"ChargeType": "Offset a line item", "OverageQuantity": "0"}
        assert said("pretax", USAGE, **values, PretaxCharges="-1.77") == ("fault", "-1.77")

    def test_total_is_exact(self) -> None:
        assert said("total", USAGE, PostTaxTotal="14.13") == ("fault", "0.01")


class TestNewCommerce:
    """The published prorated lines, and where the three formulas part."""

    def test_a_seat_addition_cuts_the_product(self) -> None:
        values = {"EffectiveUnitPrice": "9.408", "BillableQuantity": "12", "Subtotal": "112.89"}
        found = check("subtotal", INVOICE, **values)
        assert (found.result, found.formula) == ("ok", "product_truncated")
        assert not found.shown

    def test_a_cancellation_cuts_the_price_of_a_unit(self) -> None:
        values = {"EffectiveUnitPrice": "-7.728", "BillableQuantity": "300", "Subtotal": "-2316.00"}
        found = check("subtotal", INVOICE, **values)
        assert (found.result, found.formula) == ("ok", "per_unit_truncated")
        assert found.shown

    def test_a_line_that_fits_both_is_not_shown(self) -> None:
        assert check("subtotal", INVOICE).formula == "product_truncated"

    def test_the_gap_between_the_formulas_is_no_tolerance(self) -> None:
        values = {"EffectiveUnitPrice": "7.728", "BillableQuantity": "300"}
        assert said("subtotal", INVOICE, **values, Subtotal="2317.10") == ("fault", "1.1")
        # Halfway between the two, the first formula gives the difference.
        assert said("subtotal", INVOICE, **values, Subtotal="2317.20") == ("fault", "-1.2")

    def test_the_pricing_currency_is_cut_first(self) -> None:
        yen = {"Currency": "JPY", "PricingCurrency": "USD", "PCToBCExchangeRate": "150.25"}
        values = {"EffectiveUnitPrice": "0.05", "BillableQuantity": "123.456"}
        assert said("subtotal", INVOICE, **yen, **values, Subtotal="927") == ("ok", "0")
        assert said("subtotal", INVOICE, **yen, **values, Subtotal="928") == ("within_rounding", "1")
        assert said("subtotal", INVOICE, **yen, **values, Subtotal="929") == ("fault", "2")

    def test_only_the_first_formula_fits(self) -> None:
        yen = {"Currency": "JPY", "PricingCurrency": "USD", "PCToBCExchangeRate": "150"}
        # cut(0.999, cents) × 150 = 148.5; uncut it is 149.85; one unit is 49.
        values = {"EffectiveUnitPrice": "0.333", "BillableQuantity": "3", "Subtotal": "148"}
        assert check("subtotal", INVOICE, **yen, **values).formula == "product_truncated"

    def test_the_nearest_formula_gives_the_difference(self) -> None:
        values = {"EffectiveUnitPrice": "7.728", "BillableQuantity": "300"}
        assert said("subtotal", INVOICE, **values, Subtotal="2316.02") == ("fault", "0.02")
        assert said("subtotal", INVOICE, **values, Subtotal="2318.38") == ("fault", "-0.02")
        assert said("subtotal", INVOICE, **values, Subtotal="2318.39") == ("within_rounding", "-0.01")

    def test_what_older_layouts_lack(self) -> None:
        older = {"BillableQuantity": None, "PCToBCExchangeRate": None, "PricingCurrency": None}
        assert said("subtotal", Kind.ONETIME_RECURRING, **older) == ("ok", "0")

    def test_total(self) -> None:
        assert said("total", INVOICE, Total="66.01") == ("fault", "0.01")
        assert said("total", INVOICE, Total="0") == ("fault", "-66")
        assert said("total", INVOICE, Total="0", TaxTotal="-60.00") == ("fault", "0")
        assert said("total", INVOICE, Total="0", Subtotal="0", TaxTotal="0") == ("ok", "0")


class TestDaily:
    def test_the_limit_is_a_minor_unit(self) -> None:
        assert said("pretax", DAILY, BillingPreTaxTotal="1.21") == ("ok", "0.01")
        assert said("pretax", DAILY, BillingPreTaxTotal="1.2100000001") == ("fault", "0.0100000001")
        assert said("pretax", DAILY, BillingPreTaxTotal="1.19") == ("ok", "-0.01")

    def test_or_a_minor_unit_from_the_cut_product(self) -> None:
        values = {"EffectiveUnitPrice": "0.0499999999"}  # 1.1999999976, cut 1.19
        assert said("pretax", DAILY, **values, BillingPreTaxTotal="1.18")[0] == "ok"
        assert said("pretax", DAILY, **values, BillingPreTaxTotal="1.1799999999")[0] == "fault"

    def test_a_rate(self) -> None:
        values = {"PCToBCExchangeRate": "1300", "BillingCurrency": "KRW"}
        assert said("pretax", DAILY, **values, BillingPreTaxTotal="1561") == ("ok", "1")
        assert said("pretax", DAILY, **values, BillingPreTaxTotal="1562") == ("fault", "2")

    @pytest.mark.parametrize("values", [{"RateOfCredit": "1"}, {"EffectiveUnitPrice": None}])
    def test_a_line_with_a_credit_or_without_a_price_cannot_be_checked(self, values: dict[str, str | None]) -> None:
        assert checks(given.line(DAILY, **values, BillingPreTaxTotal="999")) == []

    def test_a_credit_of_nothing_is_checked(self) -> None:
        assert said("pretax", DAILY, RateOfCredit="0", BillingPreTaxTotal="999")[0] == "fault"


def test_a_block_without_prices_has_nothing_to_check() -> None:
    assert checks(given.line(Kind.USAGE_DAILY_LEGACY)) == []


_CENTS = st.integers(-(10**8), 10**8).map(lambda cents: Decimal(cents) / 100)


@examples(charged=_CENTS, discount=_CENTS, subtotal=_CENTS, tax=_CENTS, total=_CENTS)
def test_every_difference_is_delivered_minus_computed(
    charged: Decimal,
    discount: Decimal,
    subtotal: Decimal,
    tax: Decimal,
    total: Decimal,
) -> None:
    money = {"TotalOtherDiscount": discount, "Subtotal": subtotal, "Tax": tax, "TotalForCustomer": total}
    found = {one.name: one for one in checks(given.line(LICENSE, Amount=charged, **money))}
    assert found["amount"].difference == charged - 80
    assert found["subtotal"].difference == subtotal - (charged - discount)
    assert found["total"].difference == total - (subtotal + tax)
    assert all((one.result == "ok") == (one.difference == 0) for one in found.values())


def test_figures_of_any_length_are_exact() -> None:
    long = "0." + "1" * 200
    values = {"ConsumedQuantity": long, "OverageQuantity": long, "ListPrice": "0", "PretaxCharges": "0"}
    line = given.line(USAGE, **values, TaxAmount="0", PostTaxTotal="1e-250")
    found = {one.name: one for one in checks(line)}
    assert found["quantity"].result == "ok"
    assert found["total"].difference == Decimal("1e-250")


_FIGURES = st.sampled_from(["0", "-0.00", "0.005", "1", "1.00", "-1", "2", "2.01", "3", "3.003", "150", "1E+2", None])
_CURRENCIES = st.sampled_from(["USD", "KRW", "KWD", None])
_COMMERCE = (
    "EffectiveUnitPrice",
    "BillableQuantity",
    "PCToBCExchangeRate",
    "Quantity",
    "Subtotal",
    "TaxTotal",
    "Total",
)


@examples(
    st.lists(
        st.fixed_dictionaries(
            dict.fromkeys(_COMMERCE, _FIGURES) | dict.fromkeys(("Currency", "PricingCurrency"), _CURRENCIES)
        ),
        min_size=1,
        max_size=6,
    )
)
def test_looking_at_many_lines_finds_what_looking_at_each_finds(rows: list[dict[str, str | None]]) -> None:
    lines = [given.line(INVOICE, number, **row) for number, row in enumerate(rows)]
    one_by_one = [(number, found) for number, line in enumerate(lines) for found in checks(line) if found.shown]
    assert sorted(shown_checks(given.chunk(lines))) == sorted(one_by_one)


@examples(st.lists(st.sampled_from(["88.00", "88", "88.01", "0"]), min_size=1, max_size=6))
def test_so_it_does_for_kinds_without_a_quick_look(totals: list[str]) -> None:
    lines = [given.line(LICENSE, number, TotalForCustomer=total) for number, total in enumerate(totals)]
    one_by_one = [(number, found) for number, line in enumerate(lines) for found in checks(line) if found.shown]
    assert sorted(shown_checks(given.chunk(lines))) == sorted(one_by_one)
