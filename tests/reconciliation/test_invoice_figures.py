"""Protects the check of an invoice against its file: every reading is shown, with the one that agrees."""

from decimal import Decimal
from typing import Any

import pytest

from reconciliation.invoice_figures import Agreement, Figure, InvoiceFigures
from reconciliation.lines import Kind, Line
from tests.reconciliation import given


def against(lines: list[Line], currency: str, **printed: str) -> dict[str, Agreement]:
    figures = InvoiceFigures(lines[0].kind)
    for line in lines:
        figures.add(line)
    invoice = {Figure(name): Decimal(value) for name, value in printed.items()}
    return {str(found.figure): found for found in figures.against(currency, invoice)}


def license_(record: int, **values: Any) -> Line:
    return given.line(Kind.LICENSE, record, **values)


LICENSES = [
    license_(1, Amount="80.00", TotalOtherDiscount="5.00", Subtotal="75.00", Tax="7.50", TotalForCustomer="82.50"),
    license_(2, ChargeType="Cancel fee", Amount="-10", Subtotal="-10", Tax="-1", TotalForCustomer="-11"),
    license_(3, ChargeType="Offset a line item", Amount="-3", Subtotal="-3", Tax="-0.3", TotalForCustomer="-3.3"),
    license_(4, duplicate_of=1),
    license_(5, codes=("bad_number:Amount",)),
    license_(6, Currency="EUR"),
]


@pytest.mark.parametrize(("printed", "agrees"), [("70.00", "Amount"), ("65.00", "Subtotal"), ("66.00", None)])
def test_two_readings_of_recurring_charges(printed: str, agrees: str | None) -> None:
    found = against(LICENSES, "USD", recurring=printed)["recurring"]
    assert found.file == {"Amount": 70, "Subtotal": 65}
    assert found.agrees == agrees
    assert found.differences["Amount"] == 70 - Decimal(printed)


def test_the_other_figures_of_a_license_invoice() -> None:
    found = against(LICENSES, "USD", discounts="5.00", credits="-3.30", tax="6.50")
    assert [one.agrees for one in found.values()] == ["TotalOtherDiscount", "TotalForCustomer", "Tax"]
    assert found["tax"].file == {"Tax": Decimal("6.50")}


@pytest.mark.parametrize(("printed", "agrees"), [("6.53", "Tax"), ("6.47", "Tax"), ("6.54", None), ("6.46", None)])
def test_tax_may_be_off_by_a_minor_unit_for_each_line(printed: str, agrees: str | None) -> None:
    assert against(LICENSES, "USD", tax=printed)["tax"].agrees == agrees


def test_usage() -> None:
    lines = [
        given.line(Kind.USAGE, 1),
        given.line(Kind.USAGE, 2, ChargeType="Cycle discount", PretaxCharges="-1.77", TaxAmount="-0.35"),
        given.line(Kind.USAGE, 3, ChargeType="TAX_REFUND", PretaxCharges="0", TaxAmount="-1", PostTaxTotal="-1"),
    ]
    found = against(lines, "EUR", recurring="11.77", discounts="-1.77", credits="-1", tax="2.00")
    assert [one.agrees for one in found.values()] == ["PretaxCharges", "PretaxCharges", "PostTaxTotal", "TaxAmount"]


def test_new_commerce() -> None:
    credit = {"ChargeType": "customerCredit", "Subtotal": "-6", "TaxTotal": "0", "Total": "-6"}
    lines = [given.line(Kind.NCE_INVOICE, 1), given.line(Kind.NCE_INVOICE, 2, **credit)]
    found = against(lines, "USD", recurring="66.00", credits="-6", tax="6.00")
    assert [one.agrees for one in found.values()] == ["Total without credits", "Total", "TaxTotal"]
    assert against(lines, "USD", recurring="60.00")["recurring"].agrees == "Total"


def test_a_currency_that_the_file_does_not_have() -> None:
    found = against(LICENSES, "KRW", tax="0")["tax"]
    assert (found.file, found.agrees) == ({}, None)
