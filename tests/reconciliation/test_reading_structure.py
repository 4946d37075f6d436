"""Promise: blocks, titles, repeated headers, sums and odd rows are told from records; every row is accounted for."""

from pathlib import Path
from typing import Any

import pytest

from reconciliation.lines import Kind
from tests.reconciliation.writing import Writing, answer, table, written

_LICENSE = written(table(Kind.LICENSE, "17"), Writing()).decode()
_HEAD, *_LINES = _LICENSE.splitlines(keepends=True)
_USAGE = written(table(Kind.USAGE), Writing()).decode()
_DAILY = written(table(Kind.USAGE_DAILY_LEGACY, rows=2), Writing()).decode()
_COLUMNS = table(Kind.LICENSE, "17").columns


def _answer(folder: Path, text: str) -> dict[str, Any]:
    return answer(folder, text.encode())


def _sum_row(word: str = "Total", **cells: str) -> str:
    return ",".join([word, *(cells.get(name, "") for name in _COLUMNS[1:])]) + "\r\n"


def test_a_second_block_begins_with_its_header(tmp_path: Path) -> None:
    result = _answer(tmp_path, _USAGE + "\r\nDaily Usage\r\n" + _DAILY)
    assert result["detected"]["kind"] == "usage"
    assert result["blocks"] == [
        {"kind": "usage", "records": 3},
        {"kind": "usage_daily_legacy", "records": 2},
    ]
    assert result["records"]["data_records"] == 3
    assert result["ignored_records"] == [{"reason": "blank", "count": 1}, {"reason": "block_title", "line": 6}]
    assert [(line["record"], line["line"], line["kind"]) for line in result["lines"]][2:] == [
        (3, 4, "usage"),
        (4, 8, "usage_daily_legacy"),
        (5, 9, "usage_daily_legacy"),
    ]
    assert result["totals"]["EUR"]["pretax"] == "35.31"


def test_a_title_above_the_first_header(tmp_path: Path) -> None:
    result = _answer(tmp_path, "Billing,,\r\n" + _LICENSE)
    assert result["ignored_records"] == [{"reason": "block_title", "line": 1}]
    assert result["records"]["valid"] == 3


def test_a_single_cell_that_stands_above_no_header_is_a_record(tmp_path: Path) -> None:
    result = _answer(tmp_path, _HEAD + _LINES[0] + "Daily Usage\r\n" + _LINES[1] + _LINES[2])
    assert result["invalid_records"] == [{"record": 2, "line": 3, "codes": ["field_count"]}]


def test_the_same_header_again_is_passed_over(tmp_path: Path) -> None:
    result = _answer(tmp_path, _LICENSE + _HEAD.upper() + _LINES[0])
    assert result["ignored_records"] == [{"reason": "repeated_header", "line": 5}]
    assert result["warning_codes"] == ["duplicate_lines", "repeated_header"]
    assert result["duplicate_records"] == [{"record": 4, "of": 1}]
    assert result["blocks"] == [{"kind": "license", "records": 4}]


def test_a_copy_under_another_order_of_columns_is_a_copy(tmp_path: Path) -> None:
    order = [1, 0, *range(2, len(_COLUMNS))]
    again = written(table(Kind.LICENSE, "17", rows=1), Writing(order=order)).decode()
    result = _answer(tmp_path, _LICENSE + again)
    assert result["blocks"] == [{"kind": "license", "records": 3}, {"kind": "license", "records": 1}]
    assert result["duplicate_records"] == [{"record": 4, "of": 1}]


def test_a_later_header_short_of_a_column_refuses_the_file(tmp_path: Path) -> None:
    daily = written(table(Kind.USAGE_DAILY_LEGACY).without("SubscriptionId"), Writing()).decode()
    result = _answer(tmp_path, _USAGE + daily)
    assert (result["error_codes"], result["missing"]) == (["missing_columns"], ["SubscriptionId"])


@pytest.mark.parametrize("word", ["Total", "GRAND TOTAL:", "합계", "합 계"])
def test_a_printed_sum_is_compared_with_ours(word: str, tmp_path: Path) -> None:
    result = _answer(tmp_path, _LICENSE + _sum_row(word, TotalForCustomer="123.80", Subtotal="1"))
    assert result["warning_codes"] == ["summary_line"]
    assert result["ignored_records"] == [{"reason": "summary_line", "line": 5, "total": "123.80", "difference": "0.05"}]
    assert result["records"]["data_records"] == 3


def test_several_printed_sums_of_several_currencies_have_no_difference(tmp_path: Path) -> None:
    dollars = _LINES[0].replace("EUR", "USD")
    result = _answer(tmp_path, _LICENSE + dollars + _sum_row(Subtotal="112.50") + _sum_row("합계", Tax="3.75") + "\n")
    assert [row["difference"] for row in result["ignored_records"] if row["reason"] == "summary_line"] == [None, None]


def test_a_sum_that_is_not_at_the_end_is_a_record(tmp_path: Path) -> None:
    result = _answer(tmp_path, _HEAD + _LINES[0] + _sum_row(TotalForCustomer="41.25") + _LINES[1] + _LINES[2])
    assert result["records"] == {"data_records": 4, "valid": 3, "invalid": 1, "duplicate": 0}
    assert result["invalid_records"][0]["record"] == 2
    assert "summary_line" not in result["warning_codes"]


def test_a_word_beside_an_identifier_is_a_record(tmp_path: Path) -> None:
    result = _answer(tmp_path, _LICENSE + _sum_row(TotalForCustomer="123.75", OrderId="1"))
    assert result["records"]["invalid"] == 1


def test_blank_rows_are_counted(tmp_path: Path) -> None:
    result = _answer(tmp_path, "\r\n" + _HEAD + ",,,\r\n" + _LINES[0] + "   \r\n" + _LINES[1] + '" ",""\r\n')
    assert result["ignored_records"] == [{"reason": "blank", "count": 4}]
    assert [line["line"] for line in result["lines"]] == [4, 6]


def test_a_line_that_names_the_delimiter(tmp_path: Path) -> None:
    semicolons = written(table(Kind.LICENSE, "17"), Writing(delimiter=";")).decode()
    result = _answer(tmp_path, "\ufeffsep=;\r\n" + semicolons)
    assert (result["detected"]["delimiter"], result["lines"][0]["line"]) == (";", 3)
    assert _answer(tmp_path, "sep=|\r\n" + semicolons)["error_codes"] == ["unknown_kind"]


def test_a_quoted_line_end_belongs_to_its_cell(tmp_path: Path) -> None:
    made = table(Kind.LICENSE, "17").with_cell(0, "OfferName", 'one\r\ntwo\nthree "quoted", end')
    result = answer(tmp_path, written(made, Writing()))
    assert [line["line"] for line in result["lines"]] == [2, 5, 6]
    assert result["lines"][0]["values"]["OfferName"] == 'one\r\ntwo\nthree "quoted", end'


def test_wrong_numbers_of_cells_are_invalid_alone(tmp_path: Path) -> None:
    long, short = _LINES[0].strip() + ",x\r\n", "a,b,=c\r\n"
    result = _answer(tmp_path, _HEAD + long + "".join(_LINES) + short)
    assert result["invalid_records"] == [
        {"record": 1, "line": 2, "codes": ["field_count"]},
        {"record": 5, "line": 6, "codes": ["field_count"]},
    ]
    assert result["warning_codes"] == ["invalid_lines"]
    assert set(result["lines"][0]["values"].values()) == {None}


def test_a_header_without_records(tmp_path: Path) -> None:
    result = _answer(tmp_path, _HEAD.strip())
    assert (result["status"], result["warning_codes"]) == ("accepted_with_warnings", ["no_records"])
    assert result["detected"]["date_order"] == "MDY"
    assert result["totals"] == {}


def test_unknown_columns_are_named_in_file_order(tmp_path: Path) -> None:
    rows = "".join(f"y,{line.strip()},x\r\n" for line in _LINES)
    result = _answer(tmp_path, f"Zeta , {_HEAD.strip()}, Alpha \r\n{rows}")
    assert result["unknown_columns"] == ["Zeta", "Alpha"]
    assert result["warning_codes"] == ["unknown_columns"]


def test_columns_without_a_header_are_unknown_only_if_they_hold_something(tmp_path: Path) -> None:
    rows = [f"{line.strip()},,\r\n" for line in _LINES]
    assert _answer(tmp_path, f"{_HEAD.strip()},,\r\n{''.join(rows)}")["warning_codes"] == []
    rows[1] = rows[1].replace(",,\r", ",,x\r")
    assert _answer(tmp_path, f"{_HEAD.strip()},,\r\n{''.join(rows)}")["unknown_columns"] == [""]


def test_columns_that_are_double_in_spelling_only(tmp_path: Path) -> None:
    head = _HEAD.replace("SyndicationPartnerSubscriptionNumber", "`[Syndication_Partner Subscription-Number]`")
    head = head.replace("DomainName", "ＤｏｍａｉｎＮａｍｅ").replace("Amount", "합계").replace("Subtotal", "sub total")
    assert _answer(tmp_path, head + "".join(_LINES))["records"]["valid"] == 3


def test_metadata_of_a_provider_is_known(tmp_path: Path) -> None:
    text = written(table(Kind.STRIPE_PAYOUT, rows=1), Writing()).decode()
    head, line = text.splitlines()
    both = "payment_metadata[order_id],payment_metadata[order-id]"
    result = _answer(tmp_path, f"{head},{both},other\r\n{line},A-1,A-2,x\r\n")
    assert result["unknown_columns"] == ["other"]
    assert result["lines"][0]["values"]["payment_metadata[order-id]"] == "A-2"


def test_json_lines_with_numbers_nulls_and_nested_values(tmp_path: Path) -> None:
    made = table(Kind.NCE_DAILY, rows=1)
    text = written(made, Writing(json=True)).decode()
    text = text.replace('"1.25"', "1.25", 1).replace('"tags": "Tags 0, „é“"', '"tags": {"a": [1, 2.50, null, true]}')
    bare = '{"usageDate": "2024-05-01", "meterId": null}\n'
    result = _answer(tmp_path, text + text.replace("2.5", "1.250") + "\n" + bare)
    values = result["lines"][0]["values"]
    assert values["BillingPreTaxTotal"] == "1.25"
    assert values["Tags"] == '{"a": [1, 2.50, null, true]}'
    assert result["container"] == "jsonlines"
    assert result["detected"]["delimiter"] is None
    assert result["invalid_records"][0]["line"] == 4
    assert "missing_value:MeterId" in result["invalid_records"][0]["codes"]


def test_a_line_of_json_that_is_no_object(tmp_path: Path) -> None:
    text = written(table(Kind.LICENSE, "17"), Writing(json=True)).decode()
    first, *rest = text.splitlines(keepends=True)
    result = _answer(tmp_path, first + "[1, 2]\n" + "".join(rest))
    assert result["invalid_records"] == [{"record": 2, "line": 2, "codes": ["field_count"]}]


def test_a_name_twice_in_a_json_object(tmp_path: Path) -> None:
    text = written(table(Kind.LICENSE, "17"), Writing(json=True)).decode()
    result = _answer(tmp_path, text.replace('"subtotal"', '"tax": "0", "subtotal"', 1))
    assert result["error_codes"] == ["duplicate_columns"]


def test_a_name_spelled_in_two_ways_is_one_column(tmp_path: Path) -> None:
    text = written(table(Kind.LICENSE, "17"), Writing(json=True)).decode()
    first, *rest = text.splitlines(keepends=True)
    assert _answer(tmp_path, first.replace('"tax"', '"Tax"') + "".join(rest))["records"]["valid"] == 3
    both = first.replace('"tax"', '"Tax": "0", "tax"')
    assert _answer(tmp_path, both + "".join(rest))["duplicate_columns"] == ["Tax"]


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800", "\\b"])
def test_json_that_escapes_what_is_no_text(escape: str, tmp_path: Path) -> None:
    text = written(table(Kind.LICENSE, "17"), Writing(json=True)).decode()
    assert _answer(tmp_path, text.replace("OfferName 1", escape))["error_codes"] == ["not_text"]
