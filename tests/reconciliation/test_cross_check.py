"""Protects daily usage against its invoice: the invoice may only lose what it cuts, line by line."""

from typing import Any

import pytest

from reconciliation.cross_check import CrossCheck
from reconciliation.lines import Kind, Line
from tests.reconciliation import given


def day(record: int = 1, amount: str = "10.00", **values: Any) -> Line:
    return given.line(Kind.NCE_DAILY, record, BillingPreTaxTotal=amount, **values)


def invoiced(record: int = 1, subtotal: str = "10.00", **values: Any) -> Line:
    usual = {"MeterDescription": "VM B1s", "ProductId": "DZH318Z0BPS6", "Subtotal": subtotal}
    return given.line(Kind.NCE_INVOICE, record, **(usual | values))


def groups(invoice: list[Line], days: list[Line]) -> list[dict[str, Any]]:
    check = CrossCheck("invoice.csv")
    for line in invoice:
        check.add_invoice(line)
    for line in days:
        check.add_daily(line)
    found = check.result()
    assert found["with"] == "invoice.csv"
    return list(found["groups"])


def test_one_group() -> None:
    assert groups([invoiced()], [day(1, "4.0000000001"), day(2, "6.00", SkuId="0001")]) == [
        {
            "customer_id": given.CUSTOMER,
            "subscription_id": "5e000000-0000-4000-8000-000000000001",
            "product_id": "DZH318Z0BPS6",
            "sku_id": "0001",
            "sum_daily": "10.0000000001",
            "invoice_subtotal": "10.00",
            "invoice_lines": 1,
            "result": "ok",
        }
    ]


@pytest.mark.parametrize(
    ("days", "lines", "result"),
    [
        ("10.00", 1, "ok"),
        ("10.0099999999", 1, "ok"),
        ("10.01", 1, "outside"),
        ("10.01", 2, "ok"),
        ("10.02", 2, "outside"),
        ("9.9999999999", 1, "outside"),
    ],
)
def test_the_bound_is_one_sided(days: str, lines: int, result: str) -> None:
    parts = [invoiced(1, "10.00"), invoiced(2, "0.00")][:lines]
    assert [group["result"] for group in groups(parts, [day(1, days)])] == [result]


def test_the_minor_unit_is_that_of_the_currency() -> None:
    (group,) = groups([invoiced(Currency="KRW")], [day(1, "10.9", BillingCurrency="KRW")])
    assert group["result"] == "ok"


def test_only_consumption_that_counts_is_compared() -> None:
    lines = [
        invoiced(1),
        invoiced(2, MeterDescription=None),
        invoiced(3, codes=("bad_number:Total",)),
        invoiced(4, duplicate_of=1),
    ]
    (group,) = groups(lines, [day(), day(2, duplicate_of=1)])
    assert (group["invoice_lines"], group["sum_daily"]) == (1, "10.00")


def test_groups_of_one_side_only() -> None:
    found = groups(
        [invoiced(1, SkuId="0002"), invoiced(2, "0", SkuId="0003")],
        [day(1, "1.00"), day(2, "0.00", SkuId="0004")],
    )
    assert [(group["sku_id"], group["sum_daily"], group["invoice_lines"], group["result"]) for group in found] == [
        ("0001", "1.00", 0, "outside"),
        ("0002", "0", 1, "outside"),
        ("0003", "0", 1, "ok"),
    ]


def test_an_invoice_without_consumption_leaves_every_day_unexplained() -> None:
    (group,) = groups([invoiced(MeterDescription=None)], [day()])
    assert (group["invoice_lines"], group["result"]) == (0, "outside")


def test_days_of_another_invoice_do_not_belong_to_it() -> None:
    (group,) = groups([invoiced()], [day(), day(2, InvoiceNumber="G999"), day(3, InvoiceNumber=None)])
    assert group["sum_daily"] == "10.00"


def test_a_daily_file_without_numbers_is_taken_for_the_invoices() -> None:
    (group,) = groups([invoiced()], [day(InvoiceNumber=None)])
    assert group["result"] == "ok"


def test_ids_are_compared_without_case_and_ruined_ones_not_at_all() -> None:
    assert len(groups([invoiced(CustomerId=given.CUSTOMER.upper())], [day()])) == 1
    ruined = day(SubscriptionId="5.0E+10", damaged=("SubscriptionId",))
    assert len(groups([invoiced(SubscriptionId="5.0E+10")], [ruined])) == 2


def test_a_subscription_that_is_empty_on_both_sides() -> None:
    assert len(groups([invoiced(SubscriptionId=None)], [day(SubscriptionId=None)])) == 1


def test_currencies_are_not_added() -> None:
    assert len(groups([invoiced()], [day(), day(2, BillingCurrency="EUR")])) == 2


def test_every_daily_file_begins_anew() -> None:
    check = CrossCheck("invoice.csv")
    check.add_invoice(invoiced())
    check.add_daily(day())
    assert check.result() == check_again(check)


def check_again(check: CrossCheck) -> dict[str, Any]:
    check.add_daily(day())
    return check.result()
