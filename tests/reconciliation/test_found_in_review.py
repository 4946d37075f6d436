"""Promise: what a review of the readers with files of its own found wrong stays right."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from reconciliation.lines import Kind
from reconciliation.reading.dates import Dates
from tests.reconciliation.writing import Writing, answer, table, written


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2024-05-01T08:59:59+09", "2024-04-30"),
        ("2024-05-31 20:00-04", "2024-06-01"),
        ("2024-05-01T09:00+09", "2024-05-01"),
    ],
)
def test_an_offset_may_be_of_hours_only(cell: str, day: str) -> None:
    assert str(Dates().read(cell)) == day


@pytest.mark.parametrize("price", [-1.234, 1.234, 1.234e-7, -1.234e-7])
def test_a_number_of_json_tells_the_mark_whatever_its_sign_and_exponent(price: float, tmp_path: Path) -> None:
    made = table(Kind.NCE_INVOICE, "21b", rows=1).with_cell(0, "Subtotal", "60,3")
    entry = json.loads(written(made, Writing(json=True)).splitlines()[0])
    entry |= dict.fromkeys(("unitPrice", "total", "taxTotal", "effectiveUnitPrice", "pCToBCExchangeRate"), 1)
    entry["billableQuantity"] = price
    result = answer(tmp_path, json.dumps(entry).encode() + b"\n")
    assert (result["error_codes"], result.get("evidence")) == (["mixed_decimal"], {"dot": [1], "comma": [1]})


def test_numbers_of_json_in_texts_and_ids_stay_as_they_are(tmp_path: Path) -> None:
    made = table(Kind.NCE_DAILY, rows=1)
    entry = json.loads(written(made, Writing(json=True)).splitlines()[0])
    entry |= {"tags": {"share": 1.234}, "serviceInfo1": 1.234, "productId": 1.234, "unitPrice": 1.234}
    values = answer(tmp_path, json.dumps(entry).encode() + b"\n")["lines"][0]["values"]
    assert [values[name] for name in ("Tags", "ServiceInfo1", "ProductId")] == ['{"share": 1.234}', "1.234", "1.234"]
    assert Decimal(values["UnitPrice"]) == Decimal("1.234")


@pytest.mark.parametrize(
    ("column", "printed", "difference"),
    [
        ("Amount", "112.50", "0"),
        ("Amount", "113", "0.5"),
        ("TotalOtherDiscount", "-1", "-1"),
        ("Subtotal", "112", "-0.5"),
    ],
)
def test_a_summary_row_may_print_any_amount(column: str, printed: str, difference: str, tmp_path: Path) -> None:
    made = table(Kind.LICENSE, "17")
    cells = dict.fromkeys(made.columns, "") | {"PartnerId": "Total", column: printed}
    result = answer(tmp_path, written(replace(made, rows=[*made.rows, cells]), Writing()))
    (ignored,) = result["ignored_records"]
    assert (result["records"]["data_records"], result["warning_codes"]) == (3, ["summary_line"])
    assert (ignored["reason"], ignored["line"]) == ("summary_line", 5)
    assert (Decimal(ignored["total"]), Decimal(ignored["difference"])) == (Decimal(printed), Decimal(difference))


@pytest.mark.parametrize("word", ["Total (USD)", "TOTAL EUR:", "합계 [KRW]", "전체 합계", "Gesamtbetrag"])
def test_a_summary_row_may_name_its_currency_beside_its_word(word: str, tmp_path: Path) -> None:
    made = table(Kind.USAGE, rows=2)
    cells = dict.fromkeys(made.columns, "") | {"PartnerId": word, "PostTaxTotal": "28.24"}
    result = answer(tmp_path, written(replace(made, rows=[*made.rows, cells]), Writing()))
    assert [(row["reason"], Decimal(row["difference"])) for row in result["ignored_records"]] == [
        ("summary_line", Decimal(0))
    ]


def test_a_customer_called_like_a_sum_is_a_customer(tmp_path: Path) -> None:
    made = table(Kind.USAGE, rows=2).with_cell(1, "PartnerId", "Total")
    result = answer(tmp_path, written(made, Writing()))
    assert (result["records"]["valid"], result["ignored_records"]) == (2, [])
