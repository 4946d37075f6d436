"""People who enter, edit and post at the same moment never share a receipt, never post twice, never wait for ever."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from matching.models import Invoice, PriceTolerance, ReceiptMatch
from matching.operations import company, invoices
from matching.operations.documents import (
    AUTOMATIC,
    InvoiceDraft,
    InvoiceFields,
    InvoiceLineDraft,
    InvoiceLineFields,
)
from tests.build import together
from tests.matching.test_laws import company_of
from tests.matching.world import Buying


@pytest.fixture
def committed(committed_db: str) -> Buying:  # noqa: ARG001 - a database of its own
    return company_of()


def test_two_invoices_at_once_never_share_a_receipt(committed: Buying) -> None:
    """Eight invoices of 3 want what came: 10. Three get all they ask for, nobody gets what another has."""
    committed.order()
    committed.receive("R", "10")

    def bill(name: str) -> Callable[[], object]:
        return lambda: committed.bill(name, quantity="3")

    answers = together(bill(f"I{place}") for place in range(8))
    assert all(isinstance(answer, Invoice) for answer in answers)
    matched = sorted(row.quantity for row in ReceiptMatch.objects.all())
    assert matched == [1, 3, 3, 3]
    assert committed.waiting() == 100_000


def test_the_same_invoice_is_posted_once(committed: Buying) -> None:
    committed.order()
    committed.receive()
    committed.bill()
    answers = together([committed.post] * 6)
    codes = [getattr(answer, "code", "posted") for answer in answers]
    assert sorted(codes) == ["INVOICE_POSTED"] * 5 + ["posted"]
    assert committed.waiting() == 0


def test_editing_and_posting_many_of_one_order_line_ends(committed: Buying) -> None:
    """Everybody locks an invoice, then order lines: nobody waits for ever, and the books agree afterwards."""
    committed.order(quantity="1000")
    committed.receive("R", "40")
    for place in range(6):
        committed.bill(f"I{place}", quantity="5")

    def edit(name: str) -> Callable[[], object]:
        fields = InvoiceLineFields(quantity=Decimal(6))
        draft = InvoiceDraft(name, InvoiceFields(), [InvoiceLineDraft(1, fields, receipts=AUTOMATIC)])
        return lambda: invoices.change_invoice(**committed.who, draft=draft)

    def post(name: str) -> Callable[[], object]:
        return lambda: committed.post(name)

    answers = together([one(f"I{place}") for place in range(6) for one in (edit, post)])
    refusals = {getattr(answer, "code", "") for answer in answers} - {""}
    assert refusals <= {"INVOICE_POSTED", "MATCHING_DISCREPANCIES"}
    committed.waiting()


def test_set_up_at_once_leaves_one_row(committed: Buying) -> None:
    def save(percent: int) -> Callable[[], object]:
        return lambda: company.save_price_tolerance(
            **committed.who, item="table:BOX", vendor="all", percent=Decimal(percent)
        )

    answers = together(save(percent) for percent in range(5))
    assert all(isinstance(answer, PriceTolerance) for answer in answers)
    assert PriceTolerance.objects.within(committed.scope).count() == 2


def test_an_id_names_one_document(committed: Buying) -> None:
    answers: list[object] = [*together([committed.order] * 5)]
    assert sorted(getattr(answer, "code", "") for answer in answers) == ["", *["ID_ALREADY_USED"] * 4]
    answers = [*together([committed.receive] * 5)]
    assert sorted(getattr(answer, "code", "") for answer in answers) == ["", *["ID_ALREADY_USED"] * 4]
    assert committed.waiting() == 1_000_000
    answers = [*together([committed.bill] * 5)]
    assert [getattr(answer, "code", "") for answer in answers].count("ID_ALREADY_USED") == 4
