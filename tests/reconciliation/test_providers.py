"""Protects payment providers' files: a movement adds up, a batch closes, and a payout is what was really paid."""

from typing import Any

import pytest

from reconciliation.books import Books
from reconciliation.lines import Kind, Line
from tests.reconciliation import given

STRIPE, ADYEN = Kind.STRIPE_PAYOUT, Kind.ADYEN_SETTLEMENT


def adyen(record: int = 1, **values: Any) -> Line:
    """Return an Adyen line; columns are given by the word that tells them apart."""
    names = {
        "type": "Type",
        "batch": "Batch Number",
        "gross_debit": "Gross Debit (GC)",
        "gross_credit": "Gross Credit (GC)",
        "rate": "Exchange Rate",
        "currency": "Net Currency",
        "net_debit": "Net Debit (NC)",
        "net_credit": "Net Credit (NC)",
        "commission": "Commission (NC)",
    }
    return given.line(ADYEN, record, also={names[name]: value for name, value in values.items()})


class TestStripe:
    def test_totals_and_payouts(self) -> None:
        found = given.assessed(
            given.line(STRIPE),
            given.line(STRIPE, 2, gross="-20.00", fee="0", net="-20.00", reporting_category="refund"),
            given.line(STRIPE, 3, automatic_payout_id="po_2", currency="eur", gross="5", fee="1", net="4"),
            given.line(STRIPE, 4, automatic_payout_id=None),
        )
        assert found.totals == {
            "EUR": {"gross": "5", "fee": "1", "net": "4"},
            "USD": {"gross": "180.00", "fee": "6.40", "net": "173.60"},
        }
        assert found.payout == {"po_1": "76.80", "po_2": "4"}
        assert found.batch is None
        assert found.by_reseller == []
        assert found.warnings == {"multiple_currencies"}

    def test_a_payout_in_two_currencies_is_not_added(self) -> None:
        found = given.assessed(given.line(STRIPE), given.line(STRIPE, 2, currency="eur"))
        assert found.payout == {"po_1 USD": "96.80", "po_1 EUR": "96.80"}

    def test_a_net_that_does_not_follow(self) -> None:
        found = given.assessed(given.line(STRIPE, net="96.81"))
        assert found.line_flags == [{"record": 1, "check": "net", "result": "fault", "difference": "0.01"}]
        assert found.warnings == {"arithmetic_faults"}


class TestAdyen:
    def test_a_batch_closes_with_its_payout(self) -> None:
        found = given.assessed(
            adyen(),
            adyen(2, type="Refunded", gross_credit=None, gross_debit="10.00", net_credit=None, net_debit="12.00"),
            adyen(3, type="MerchantPayout", gross_credit=None, rate=None, net_credit=None, net_debit="75.00"),
            adyen(4, batch="8"),
        )
        assert found.batch == {
            "7": {"net_sum": "0.00", "payout": "75.00"},
            "8": {"net_sum": "87.00", "payout": "0"},
        }
        assert found.totals == {"EUR": {"net": "87.00"}}
        assert found.line_flags == []
        assert found.payout is None

    def test_a_payout_that_came_back(self) -> None:
        found = given.assessed(
            adyen(type="merchant payout", gross_credit=None, net_credit="75.00"),
        )
        assert found.batch == {"7": {"net_sum": "75.00", "payout": "-75.00"}}

    def test_the_direction_is_that_of_the_column(self) -> None:
        settled = adyen(gross_credit=None, gross_debit="100.00", net_credit=None, net_debit="93.00")
        found = given.assessed(settled)
        assert found.totals == {"EUR": {"net": "-93.00"}}
        assert found.line_flags == []

    @pytest.mark.parametrize(
        ("net", "flags"),
        [("87.01", 0), ("86.99", 0), ("87.011", 1), ("86.98", 1)],
    )
    def test_the_limit_is_a_minor_unit(self, net: str, flags: int) -> None:
        assert len(given.assessed(adyen(net_credit=net)).line_flags) == flags

    def test_a_yen_is_a_whole_one(self) -> None:
        assert given.assessed(adyen(currency="JPY", net_credit="88")).warnings == set()
        assert given.assessed(adyen(currency="JPY", net_credit="88.5")).warnings == {"arithmetic_faults"}

    @pytest.mark.parametrize(
        "type_", ["Fee", "MerchantPayout", "Balancetransfer", "InvoiceDeduction", "BalanceTransfer"]
    )
    def test_lines_without_a_payment_have_no_gross_to_check(self, type_: str) -> None:
        assert given.assessed(adyen(type=type_, gross_credit="0", net_credit="999")).line_flags == []

    def test_a_line_without_any_gross_cannot_be_checked(self) -> None:
        assert given.assessed(adyen(gross_credit=None, net_credit="999")).line_flags == []

    def test_a_line_of_no_batch_is_in_none(self) -> None:
        found = given.assessed(adyen(batch=None))
        assert (found.batch, found.totals) == ({}, {"EUR": {"net": "87.00"}})

    def test_without_a_rate_both_currencies_are_one(self) -> None:
        assert given.assessed(adyen(rate=None, net_credit="97.00")).line_flags == []


@pytest.mark.parametrize("kind", [STRIPE, ADYEN, Kind.USAGE_DAILY_LEGACY])
def test_these_files_are_not_compared(kind: Kind) -> None:
    made = given.assessment([given.line(kind)])
    found = made.compare(Books((given.own(Kind.LICENSE),)))
    assert (found.outcome_counts, found.outcomes) == ({}, [])
