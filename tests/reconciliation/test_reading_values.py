"""Promise: a cell means what its column says or is called wrong by name; nothing is guessed and no digit is lost."""

from pathlib import Path
from typing import Any

import pytest

from reconciliation.formats.columns import Holds
from reconciliation.lines import Kind
from reconciliation.reading.dates import Dates
from reconciliation.reading.numbers import Form, decimal_of, form_of
from tests.reconciliation.writing import Writing, answer, table, written

_NUMBER, _QUANTITY, _WHOLE = Holds.NUMBER, Holds.QUANTITY, Holds.WHOLE


@pytest.mark.parametrize(
    ("cell", "form"),
    [
        ("12", Form.INTEGER),
        ("0", Form.INTEGER),
        ("1234567", Form.INTEGER),
        ("12.5", Form.DOT),
        (".5", Form.DOT),
        ("0.085", Form.DOT),
        ("1234.567", Form.DOT),
        ("1.2345", Form.DOT),
        ("1,234.50", Form.DOT),
        ("1,234,567", Form.DOT),
        ("-$1,234,567", Form.DOT),
        ("12,5", Form.COMMA),
        ("0,085", Form.COMMA),
        ("1.234,50", Form.COMMA),
        ("1.234.567", Form.COMMA),
        ("1,234", Form.AMBIGUOUS),
        ("123.456", Form.AMBIGUOUS),
        ("(1.234)", Form.AMBIGUOUS),
        ("1,23,456", Form.NONE),
        ("12.34.567", Form.NONE),
        ("1,234.567.890", Form.NONE),
        ("ten", Form.NONE),
        ("", Form.NONE),
        (".", Form.NONE),
        ("1E5", Form.NONE),
    ],
)
def test_what_a_number_tells_about_the_decimal_mark(cell: str, form: Form) -> None:
    assert form_of(cell, _NUMBER) is form


@pytest.mark.parametrize(
    ("cell", "mark", "value"),
    [
        ("1,234", ".", "1234"),
        ("1,234", ",", "1.234"),
        ("1.234", ",", "1234"),
        ("1.234", ".", "1.234"),
        ("1.234.567,25", ",", "1234567.25"),
        ("$0.0808", ".", "0.0808"),
        ("0.5 EUR", ".", "0.5"),
        ("EUR -0.5", ".", "-0.5"),
        ("-€ 0.5", ".", "-0.5"),
        ("₩1,000,000", ".", "1000000"),
        ("(12.50)", ".", "-12.50"),
        ("$(12.50)", ".", "-12.50"),
        ("(12.50 usd)", ".", "-12.50"),
        ("+3", ".", "3"),
        ("\u22123", ".", "-3"),
        ("１２３", ".", "123"),
        ("0.1234567890123456789012", ".", "0.1234567890123456789012"),
        ("-0.00", ".", "-0.00"),
        ("007", ".", "7"),
        ("12.5", ",", None),
        ("12,5", ".", None),
        ("--1", ".", None),
        ("-(1)", ".", None),
        ("$1 EUR", ".", None),
        ("12.5-", ".", None),
        ("1 234", ".", None),
        ("=1+1", ".", None),
        ("1²", ".", None),
        ("½", ".", None),
        ("0x10", ".", None),
        ("NaN", ".", None),
        ("9" * 101, ".", None),
    ],
)
def test_numbers(cell: str, mark: str, value: str | None) -> None:
    found = decimal_of(cell, _NUMBER, mark)
    assert (None if found is None else format(found, "f")) == value


@pytest.mark.parametrize(
    ("cell", "holds", "value"),
    [
        ("8E-05", _QUANTITY, "0.00008"),
        ("1.5e+2", _QUANTITY, "150"),
        ("8E-05", _NUMBER, None),
        ("3.00", _WHOLE, "3.00"),
        ("2.5", _WHOLE, None),
    ],
)
def test_exponents_and_fractions_where_they_may_be(cell: str, holds: Holds, value: str | None) -> None:
    found = decimal_of(cell, holds, ".")
    assert (None if found is None else format(found, "f")) == value


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("5/1/2024", "2024-05-01"),
        ("05/31/2024 23:59", "2024-05-31"),
        ("5/1/2024 12:00:00 AM", "2024-05-01"),
        ("2024-05-01", "2024-05-01"),
        ("2024-05-01 10:11:12", "2024-05-01"),
        ("2024-05-01T00:00:00Z", "2024-05-01"),
        ("2024-05-01T00:00:00.1234567Z", "2024-05-01"),
        ("2024-05-01T00:30:00+09:00", "2024-04-30"),
        ("2024-05-31T23:30:00-0800", "2024-06-01"),
        ("31.05.2024", "2024-05-31"),
        ("1.5.2024 0:00", "2024-05-01"),
        ("２０２４-05-01", "2024-05-01"),
        ("2/29/2024", "2024-02-29"),
        ("1/1/0001 12:00:00 AM", None),
        ("0001-01-01T00:00:00Z", None),
    ],
)
def test_dates(cell: str, day: str | None) -> None:
    found = Dates().read(cell)
    assert (found.isoformat() if found else None) == day


@pytest.mark.parametrize(
    "cell",
    [
        "31/5/2024",
        "13/1/2024",
        "2/30/2024",
        "5/1/24",
        "2024/05/01",
        "2024-5-1",
        "2024-13-01",
        "20240501",
        "45413",
        "May 1, 2024",
        "5/1/2024 24:00",
        "5/1/2024 13:00 PM",
        "2024-05-01T00:00:00.12345678Z",
        "05.31.2024",
        "9999-12-31T23:59:59-08:00",
        "2024-05-01T00:00:00+25:00",
    ],
)
def test_what_is_no_date(cell: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Dates().read(cell)


def _license(folder: Path, **cells: str) -> dict[str, Any]:
    made = table(Kind.LICENSE, "17")
    for column, cell in cells.items():
        made = made.with_cell(0, column, cell)
    return answer(folder, written(made, Writing()))


@pytest.mark.parametrize(
    ("cells", "codes"),
    [
        ({"ChargeType": " "}, ["missing_value:ChargeType"]),
        ({"Amount": "ten"}, ["bad_number:Amount"]),
        ({"Amount": "=1+1"}, ["bad_number:Amount"]),
        ({"Amount": "1E2"}, ["bad_number:Amount"]),
        ({"Quantity": "2.5"}, ["bad_number:Quantity"]),
        ({"ChargeStartDate": "31/5/2024"}, ["bad_date:ChargeStartDate"]),
        ({"SubscriptionEndDate": "soon"}, ["bad_date:SubscriptionEndDate"]),
        ({"ChargeStartDate": "1/1/0001 0:00"}, ["missing_value:ChargeStartDate"]),
        ({"Currency": "EURO"}, ["bad_currency:Currency"]),
        ({"ChargeEndDate": "4/30/2024 23:59"}, ["period_reversed"]),
        (
            {"Currency": "", "Tax": "x", "ChargeEndDate": "4/30/2024", "SyndicationPartnerSubscriptionNumber": ""},
            [
                "missing_value:SyndicationPartnerSubscriptionNumber",
                "bad_number:Tax",
                "missing_value:Currency",
                "period_reversed",
            ],
        ),
    ],
)
def test_all_that_is_wrong_with_a_record_in_the_order_of_the_columns(
    cells: dict[str, str], codes: list[str], tmp_path: Path
) -> None:
    result = _license(tmp_path, **cells)
    assert result["invalid_records"] == [{"record": 1, "line": 2, "codes": codes}]
    assert "invalid_lines" in result["warning_codes"]
    assert result["totals"]["EUR"]["total"] == "82.50"


@pytest.mark.parametrize(
    ("cells", "warnings"),
    [
        ({"CustomerName": "=cmd()"}, ["formula_like_text"]),
        ({"CustomerName": "  @home"}, ["formula_like_text"]),
        ({"CustomerName": "\tTab"}, ["formula_like_text"]),
        ({"OfferName": "-"}, ["formula_like_text"]),
        ({"DomainName": "+82-10"}, ["formula_like_text"]),
        ({"ResellerMpnId": "-1"}, []),
        ({"DomainName": "+82"}, []),
        ({"CustomerName": "a=b"}, []),
        ({"CustomerId": ""}, ["missing_customer"]),
        ({"OrderId": "7.70012E+11"}, ["excel_damaged_ids"]),
        ({"OrderId": "7,7e+11"}, ["excel_damaged_ids"]),
        ({"OrderId": "7.7E11"}, []),
    ],
)
def test_warnings_about_values(cells: dict[str, str], warnings: list[str], tmp_path: Path) -> None:
    result = _license(tmp_path, **cells)
    assert result["warning_codes"] == warnings
    assert result["records"]["valid"] == 3


def test_text_is_kept_as_delivered_but_for_spaces_around_it(tmp_path: Path) -> None:
    values = _license(tmp_path, CustomerName=" \u00a0=1+1 ", CustomerId="ORG:abc")["lines"][0]["values"]
    assert (values["CustomerName"], values["CustomerId"]) == ("=1+1", "abc")


@pytest.mark.parametrize(
    ("sku", "stored", "flagged"), [("1", "0001", True), ("06G", "006G", True), ("006G", "006G", False)]
)
def test_a_short_sku_gets_its_zeros_back(sku: str, stored: str, flagged: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    made = table(Kind.NCE_INVOICE, "21b").with_cell(0, "SkuId", sku)
    result = answer(tmp_path, written(made, Writing()))
    assert result["lines"][0]["values"]["SkuId"] == stored
    assert ("excel_damaged_ids" in result["warning_codes"]) is flagged
    assert [flag["check"] for flag in result["line_flags"]] == (["id:SkuId"] if flagged else [])


@pytest.mark.parametrize(
    ("header", "cell", "rate"),
    [
        ("PartnerEarnedCreditPercentage", "15", "0.15"),
        ("Partner Earned Credit Percentage", "7.5", "0.075"),
        ("RateOfPartnerEarnedCredit", "0.15", "0.15"),
    ],
)
def test_credit_shares_become_rates(header: str, cell: str, rate: str, tmp_path: Path) -> None:
    made = table(Kind.NCE_DAILY).with_cell(0, "PartnerEarnedCreditPercentage", cell)
    content = written(made, Writing()).replace(b"PartnerEarnedCreditPercentage", header.encode())
    values = answer(tmp_path, content)["lines"][0]["values"]
    assert values["RateOfPartnerEarnedCredit"] == rate
    assert "PartnerEarnedCreditPercentage" not in values


def test_an_absent_column_is_null_like_an_empty_cell(tmp_path: Path) -> None:
    given = table(Kind.LICENSE, "17").without("DomainName", "OrderId").with_cell(0, "OfferName", "")
    values = answer(tmp_path, written(given, Writing()))["lines"][0]["values"]
    assert [values[name] for name in ("DomainName", "OrderId", "OfferName")] == [None, None, None]


@pytest.mark.parametrize(("delimiter", "mark", "total"), [(";", ",", "1.234"), (",", ".", "1234"), ("\t", ".", "1234")])
def test_without_evidence_the_delimiter_tells_the_mark(delimiter: str, mark: str, total: str, tmp_path: Path) -> None:
    made = table(Kind.LICENSE, "17", rows=1)
    for column in ("UnitPrice", "Amount", "TotalOtherDiscount", "Subtotal", "Tax"):
        made = made.with_cell(0, column, "0")
    made = made.with_cell(0, "TotalForCustomer", "1,234")
    result = answer(tmp_path, written(made, Writing(delimiter=delimiter)))
    assert result["detected"]["decimal_mark"] == mark
    assert result["lines"][0]["values"]["TotalForCustomer"] == total


@pytest.mark.parametrize(
    ("cells", "order", "ambiguous"),
    [
        (("5/1/2024", "5/31/2024"), "MDY", False),
        (("5/1/2024", "5/12/2024"), "MDY", True),
        (("01.05.2024", "31.05.2024"), "DMY", False),
        (("01.05.2024", "5/12/2024"), "MDY", True),
        (("2024-05-01", "31.05.2024"), "DMY", False),
        (("2024-05-01", "2024-05-31"), "ISO", False),
    ],
)
def test_the_order_of_dates(cells: tuple[str, str], order: str, ambiguous: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    made = table(Kind.LICENSE, "17", rows=1).without("SubscriptionStartDate", "SubscriptionEndDate")
    made = made.with_cell(0, "ChargeStartDate", cells[0]).with_cell(0, "ChargeEndDate", cells[1])
    result = answer(tmp_path, written(made, Writing()))
    assert result["detected"]["date_order"] == order
    assert ("ambiguous_date_order" in result["warning_codes"]) is ambiguous


@pytest.mark.parametrize(
    ("locale", "encoding", "name"),
    [
        ("ko", "cp949", "한결무역 주식회사"),
        ("ja", "cp932", "さくら商会"),
        ("ja-JP", "cp932", "さくら商会"),
        ("en", "cp1252", "Café Été SARL"),
        ("ko", "cp1252", "Café, Été"),
        ("de", "cp1252", "Müller GmbH"),
    ],
)
def test_code_pages(locale: str, encoding: str, name: str, tmp_path: Path) -> None:
    made = table(Kind.LICENSE, "17")
    for row in range(3):
        made = made.with_cell(row, "CustomerName", name)
        for column in ("OfferName", "DomainName", "SubscriptionName", "SubscriptionDescription", "BillingCycleType"):
            made = made.with_cell(row, column, "x")
    result = answer(tmp_path, written(made, Writing(encoding=encoding)), locale=locale)
    assert result["detected"]["encoding"] == encoding
    assert result["warning_codes"] == ["encoding_guessed"]
    assert result["lines"][0]["values"]["CustomerName"] == name


def test_a_guess_under_which_the_header_is_known_wins(tmp_path: Path) -> None:
    made = table(Kind.LICENSE, "17").without(
        "CustomerName", "OfferName", "DomainName", "SubscriptionName", "SubscriptionDescription", "BillingCycleType"
    )
    content = written(made, Writing(encoding="cp949", korean=True))
    assert answer(tmp_path, content, locale="ja")["detected"]["encoding"] == "cp949"


def test_an_exact_copy_counts_once_and_one_digit_makes_it_another(tmp_path: Path) -> None:
    first, second, third = written(table(Kind.LICENSE, "17"), Writing()).splitlines(keepends=True)[1:]
    head = written(table(Kind.LICENSE, "17"), Writing()).splitlines(keepends=True)[0]
    other = second.replace(b"37.50", b"37.5")
    result = answer(tmp_path, head + first + second + other + third + second + first + second)
    assert result["duplicate_records"] == [
        {"record": 5, "of": 2},
        {"record": 6, "of": 1},
        {"record": 7, "of": 2},
    ]
    assert result["records"] == {"data_records": 7, "valid": 4, "invalid": 0, "duplicate": 3}


def test_a_copy_of_an_invalid_record_is_a_copy(tmp_path: Path) -> None:
    made = table(Kind.LICENSE, "17").with_cell(0, "Amount", "x")
    head, bad, *good = written(made, Writing()).splitlines(keepends=True)
    short = b"x,y\r\n"
    result = answer(tmp_path, head + bad + bad + b"".join(good) + short + short)
    assert result["records"] == {"data_records": 6, "valid": 2, "invalid": 2, "duplicate": 2}
    assert result["duplicate_records"] == [{"record": 2, "of": 1}, {"record": 6, "of": 5}]
    assert [entry["record"] for entry in result["invalid_records"]] == [1, 5]
