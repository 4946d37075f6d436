"""Promise: files of one invoice are versions of each other, others never are, in whatever order their lines come."""

from datetime import date
from typing import Any

import pytest

from reconciliation.lines import Kind, Line
from reconciliation.naming import Naming
from tests.reconciliation import given

JUNE = {"ChargeStartDate": date(2024, 6, 1), "ChargeEndDate": date(2024, 6, 30)}


def naming(*lines: Line, content: str = "content", **said: str) -> tuple[str, Naming]:
    """Return the identity of a file with these lines, and all that is told about it."""
    made = Naming(lines[0].kind, **said)
    made.add(given.chunk(lines[:1]))
    made.add(given.chunk(lines[1:] or lines))
    return made.identity(content), made


def identity(kind: Kind, content: str = "content", /, **values: Any) -> str:
    return naming(given.line(kind, **{"PartnerId": "p1", **values}), content=content)[0]


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        (Kind.NCE_INVOICE, {"Subtotal": "1", **JUNE, "InvoiceNumber": "g031000055", "PartnerId": "P1"}),
        (Kind.NCE_DAILY, {"UsageDate": date(2024, 5, 9)}),
        (Kind.LICENSE, {"Subtotal": "1", "CustomerId": "c"}),
        (Kind.USAGE, {"PretaxCharges": "1"}),
        (Kind.STRIPE_PAYOUT, {"net": "1"}),
        (Kind.ADYEN_SETTLEMENT, {"Type": "Refunded"}),
    ],
)
def test_other_content_is_another_version(kind: Kind, other: dict[str, Any]) -> None:
    assert identity(kind, "one") == identity(kind, "two", **other)


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        (Kind.NCE_INVOICE, {"InvoiceNumber": "G2"}),
        (Kind.NCE_DAILY, {"InvoiceNumber": None}),
        (Kind.LICENSE, JUNE),
        (Kind.USAGE, JUNE),
        (Kind.STRIPE_PAYOUT, {"automatic_payout_id": "po_2"}),
        (Kind.ADYEN_SETTLEMENT, {"also": {"Batch Number": "8"}}),
        (Kind.ADYEN_SETTLEMENT, {"also": {"Merchant Account": "shop"}}),
        (Kind.ADYEN_SETTLEMENT, {"also": {"Company Account": "company"}}),
    ],
)
def test_another_invoice_period_or_batch_is_another_file(kind: Kind, other: dict[str, Any]) -> None:
    assert identity(kind) != identity(kind, **other)


@pytest.mark.parametrize("kind", [Kind.LICENSE, Kind.USAGE, Kind.NCE_INVOICE, Kind.NCE_DAILY])
def test_another_partner_is_another_file(kind: Kind) -> None:
    assert naming(given.line(kind, PartnerId="p1"))[0] != naming(given.line(kind, PartnerId="p2"))[0]


def test_the_order_of_lines_does_not_matter() -> None:
    lines = [given.line(Kind.NCE_INVOICE, n, InvoiceNumber=f"G{n % 250}", PartnerId=f"P{n % 3}") for n in range(1, 600)]
    (first, told), (second, told_again) = naming(*lines), naming(*reversed(lines))
    assert first == second
    assert (told.billing_entity, told.invoice_number) == (told_again.billing_entity, told_again.invoice_number)
    assert told.billing_entity == "p0"
    assert len(told.invoice_number) <= 200


def test_what_the_sender_says_wins() -> None:
    line = given.line(Kind.LICENSE, PartnerId="p1")
    first, told = naming(line, invoice_number="D1", billing_entity="Entity")
    assert (told.billing_entity, told.invoice_number) == ("entity", "D1")
    june = given.line(Kind.LICENSE, PartnerId="p2", **JUNE)
    second, _told = naming(june, invoice_number="d1", billing_entity="ENTITY")
    assert first == second


def test_a_providers_file_without_a_number_stands_alone() -> None:
    line = given.line(Kind.STRIPE_PAYOUT, automatic_payout_id=None)
    assert naming(line, content="one")[0] != naming(line, content="two")[0]


def test_daily_usage_without_an_invoice_is_an_estimate() -> None:
    assert naming(given.line(Kind.NCE_DAILY, InvoiceNumber=None))[1].is_estimate
    assert not naming(given.line(Kind.NCE_DAILY))[1].is_estimate
    assert not naming(given.line(Kind.LICENSE))[1].is_estimate


def test_the_period_is_that_of_all_lines() -> None:
    lines = [given.line(Kind.NCE_DAILY, n, UsageDate=date(2024, 5, n)) for n in (9, 3, 17)]
    _identity, told = naming(*lines)
    assert (told.first_day, told.last_day) == (date(2024, 5, 3), date(2024, 5, 17))
