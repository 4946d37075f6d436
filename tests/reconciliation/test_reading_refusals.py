"""Promise: a file that is not as it should be is refused whole, with the first code that applies and a sentence."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from reconciliation.lines import Kind
from reconciliation.reading import Limits
from tests.reconciliation.writing import Table, Writing, answer, packed, table, written, zipped

_LICENSE = written(table(Kind.LICENSE, "17"), Writing())
_HEAD, *_LINES = _LICENSE.splitlines(keepends=True)


def _code(folder: Path, content: bytes, limits: Limits | None = None) -> str:
    result = answer(folder, content, limits=limits) if limits else answer(folder, content)
    assert result["status"] == "rejected", result
    assert result["warning_codes"] == []
    assert len(result["error_codes"]) == 1
    assert result["message"]
    return str(result["error_codes"][0])


@pytest.mark.parametrize(
    "content", [b"", b"\xef\xbb\xbf", b"\xff\xfe", b" \r\n\t\n", b"\xef\xbb\xbf \n", " \n".encode("utf-16")]
)
def test_nothing_but_white_space(content: bytes, tmp_path: Path) -> None:
    assert _code(tmp_path, content) == "empty_file"
    for packing in ("gzip", "zip"):
        assert _code(tmp_path, packed(content, packing)) == "empty_file"


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01\x02\x03" * 50,
        _LICENSE.replace(b"EUR", b"E\x01R", 1),
        _LICENSE + b"\x00",
        _LICENSE + b"\x1b[0m",
        _LICENSE + b"\x7f",
        _LICENSE + "가\x1b".encode(),
        _LICENSE + "\x85".encode(),
        "﻿PartnerId,Kunde\n".encode("utf-16") + b"\x00\xd8\x00\x00",
        b"\x80\x81\x8d" * 20 + b"\xff\xfe\x90",
    ],
)
def test_no_text(content: bytes, tmp_path: Path) -> None:
    assert _code(tmp_path, content) == "not_text"


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><html><body>Sign in</body></html>",
        b'{"error": {"code": "unauthorized", "message": "x"}}',
        b'[{"ProductId": 1}]',
        b"name,age\nkim,3\n",
        b";;;\n,,,\n",
        "이름,나이\n김,3\n".encode("cp949"),
        b'"PartnerId,never ends',
    ],
)
def test_no_header_that_is_known(content: bytes, tmp_path: Path) -> None:
    assert _code(tmp_path, content) == "unknown_kind"


def test_missing_columns_are_named_with_the_closest_kind(tmp_path: Path) -> None:
    given = table(Kind.LICENSE, "17").without("Tax", "Currency", "TotalForCustomer")
    result = answer(tmp_path, written(given, Writing()))
    assert result["error_codes"] == ["missing_columns"]
    assert result["missing"] == ["Tax", "TotalForCustomer", "Currency"]
    assert result["closest_kind"] == "license"


@pytest.mark.parametrize(
    ("kind", "layout", "gone", "missing", "closest"),
    [
        (Kind.LICENSE, "17", ("DurableOfferId", "OfferName"), ["DurableOfferId"], "license"),
        (Kind.NCE_DAILY, None, ("BillingPreTaxTotal",), ["BillingPreTaxTotal"], "nce_daily"),
        (Kind.NCE_DAILY, None, ("MeterId",), ["MeterId"], "nce_daily"),
        (Kind.NCE_INVOICE, "21b", ("ProductId",), ["ProductId"], "nce_invoice"),
        (Kind.ONETIME_RECURRING, "20", ("ProductId",), ["ProductId"], "onetime_recurring"),
        (Kind.ONETIME_RECURRING, "20", ("InvoiceNumber",), ["InvoiceNumber"], "onetime_recurring"),
        (Kind.USAGE_DAILY_LEGACY, None, ("UsageDate",), ["UsageDate"], "usage_daily_legacy"),
        (Kind.STRIPE_PAYOUT, None, ("fee",), ["fee"], "stripe_payout"),
        (Kind.ADYEN_SETTLEMENT, None, ("Net Debit (NC)",), ["Net Debit (NC)"], "adyen_settlement"),
    ],
)
def test_one_column_short_of_a_kind(
    kind: Kind, layout: str | None, gone: tuple[str, ...], missing: list[str], closest: str, tmp_path: Path
) -> None:
    result = answer(tmp_path, written(table(kind, layout).without(*gone), Writing()))
    assert (result["error_codes"], result["missing"]) == (["missing_columns"], missing)
    assert result["closest_kind"] == closest


def test_two_columns_short_of_a_kind_is_unknown(tmp_path: Path) -> None:
    given = table(Kind.STRIPE_PAYOUT).without("fee", "net")
    assert _code(tmp_path, written(given, Writing())) == "unknown_kind"


@pytest.mark.parametrize(
    ("second", "named"),
    [(b"sub_total", "Subtotal"), ("소계".encode(), "Subtotal"), (b"[Domain Name]", "DomainName")],
)
def test_two_headers_for_one_column(second: bytes, named: str, tmp_path: Path) -> None:
    # A required column is missing as well; what is double is said first.
    head = _HEAD.strip().replace(b"TotalForCustomer", b"Anything")
    result = answer(tmp_path, head + b"," + second + b"\n")
    assert result["error_codes"] == ["duplicate_columns"]
    assert result["duplicate_columns"] == [named]
    assert result["closest_kind"] == "license"


def test_an_unknown_header_twice(tmp_path: Path) -> None:
    assert _code(tmp_path, _HEAD.strip() + b",Note,note \n") == "duplicate_columns"


def _decimals(folder: Path, *cells: str) -> dict[str, object]:
    made = table(Kind.LICENSE, "17", rows=len(cells))
    for row, cell in enumerate(cells):
        for column in ("UnitPrice", "Amount", "TotalOtherDiscount", "Subtotal", "Tax", "TotalForCustomer"):
            made = made.with_cell(row, column, "0")
        made = made.with_cell(row, "Amount", cell)
    return answer(folder, written(made, Writing()))


def test_both_decimal_marks(tmp_path: Path) -> None:
    result = _decimals(tmp_path, "1,234", "5", "12.5", "12,5", "1.5")
    assert result["error_codes"] == ["mixed_decimal"]
    assert result["evidence"] == {"dot": [3], "comma": [4]}


@pytest.mark.parametrize(
    "broken",
    [
        b'"never, closed\r\n' + b"1,2,3\r\n" * 5,
        _LINES[0][:-20],
        _LINES[0].split(b",")[0],
    ],
)
def test_a_file_that_breaks_off(broken: bytes, tmp_path: Path) -> None:
    result = answer(tmp_path, _LICENSE + broken)
    assert result["error_codes"] == ["truncated"]
    assert result["last_complete_record"] == 3


def test_a_file_that_breaks_off_within_a_character(tmp_path: Path) -> None:
    whole = written(table(Kind.LICENSE, "17").with_cell(2, "Currency", "한글"), Writing())
    cut = whole[: whole.rindex("한글".encode()) + 4]
    result = answer(tmp_path, cut)
    assert result["error_codes"] == ["truncated"]
    assert result["last_complete_record"] == 2


def test_the_last_line_may_lack_its_end(tmp_path: Path) -> None:
    assert answer(tmp_path, _LICENSE.rstrip())["records"]["valid"] == 3


def test_json_lines_that_break_off(tmp_path: Path) -> None:
    whole = written(table(Kind.LICENSE, "17"), Writing(json=True))
    for broken in (b'{"partnerId": "7d0c', b'{"partnerId": \n', b"}\n\n"):
        result = answer(tmp_path, whole + broken)
        assert result["error_codes"] == ["truncated"]
        assert result["last_complete_record"] == 3


@pytest.mark.parametrize(("bad", "code"), [(2, None), (3, "too_many_invalid")])
def test_more_than_half_of_the_records_invalid(bad: int, code: str | None, tmp_path: Path) -> None:
    made = table(Kind.LICENSE, "17", rows=4)
    for row in range(bad):
        made = made.with_cell(row, "Amount", "ten")
    result = answer(tmp_path, written(made, Writing()))
    assert result["error_codes"] == ([code] if code else [])


def _workbook(*names: str) -> bytes:
    return zipped(dict.fromkeys(names, b"<xml/>"))


@pytest.mark.parametrize(
    "content",
    [
        _workbook("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"),
        _workbook("mimetype", "content.xml"),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600,
    ],
)
def test_a_workbook(content: bytes, tmp_path: Path) -> None:
    assert _code(tmp_path, content) == "spreadsheet_not_csv"


def _encrypted() -> bytes:
    content = bytearray(zipped({"data.csv": _LICENSE}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def _wrong_checksum(packed_file: bytes) -> bytes:
    content = bytearray(packed_file)
    at = content.index(b"PK\x01\x02") + 16 if content[:2] == b"PK" else len(content) - 8
    content[at] ^= 0xFF
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04" + b"\x00" * 40,
        zipped({"data.csv": _LICENSE})[:-30],
        _wrong_checksum(zipped({"data.csv": _LICENSE})),
        b"\x1f\x8b",
        gzip.compress(_LICENSE)[:-9],
        _wrong_checksum(gzip.compress(_LICENSE)),
        gzip.compress(_LICENSE) + b"rest",
        # Damage is said before what is wrong with the text.
        gzip.compress(b"\x00\x01" * 90_000)[:-9],
    ],
)
def test_a_damaged_archive(content: bytes, tmp_path: Path) -> None:
    assert _code(tmp_path, content) == "archive_broken"


def test_an_archive_with_a_password(tmp_path: Path) -> None:
    assert _code(tmp_path, _encrypted()) == "archive_encrypted"


@pytest.mark.parametrize(
    "name", ["/data.csv", "../data.csv", "a/../../data.csv", "C:\\data.csv", "c:data.csv", "..\\data.csv", "a/.."]
)
def test_a_name_that_leaves_its_folder(name: str, tmp_path: Path) -> None:
    # Comes before there being several files.
    assert _code(tmp_path, zipped({name: _LICENSE, "other.csv": b"", "third.csv": b""})) == "archive_unsafe_name"


def test_two_dots_within_a_name_leave_nothing(tmp_path: Path) -> None:
    assert answer(tmp_path, zipped({"may..2024.csv": _LICENSE}))["archive_member"] == "may..2024.csv"


@pytest.mark.parametrize(
    "content",
    [
        zipped({"inner.zip": zipped({"data.csv": _LICENSE})}),
        zipped({"data.csv": _LICENSE, "more.csv.gz": gzip.compress(_LICENSE)}),
        zipped({"data.csv": zipped({"data.csv": _LICENSE})}),
        gzip.compress(gzip.compress(_LICENSE)),
        gzip.compress(zipped({"data.csv": _LICENSE})),
    ],
)
def test_an_archive_in_an_archive(content: bytes, tmp_path: Path) -> None:
    assert _code(tmp_path, content) == "archive_nested"


def test_several_data_files_or_none(tmp_path: Path) -> None:
    assert _code(tmp_path, zipped({"a.csv": _LICENSE, "b.JSON": b"{}"})) == "archive_many_files"
    assert _code(tmp_path, zipped({"a.pdf": b"x"})) == "archive_no_data"
    assert _code(tmp_path, zipped({})) == "archive_no_data"


def test_what_a_mac_leaves_in_a_zip_is_passed_over(tmp_path: Path) -> None:
    members = {"__MACOSX/._a.csv": b"\x00", ".DS_Store": b"\x00", "sub/": b"", "sub/a.csv": _LICENSE}
    result = answer(tmp_path, zipped(members))
    assert (result["container"], result["archive_member"]) == ("zip", "sub/a.csv")


@pytest.mark.parametrize("packing", ["gzip", "zip"])
def test_an_archive_that_expands_too_much(packing: str, tmp_path: Path) -> None:
    assert _code(tmp_path, packed(_HEAD + b"," * 3_000_000, packing)) == "archive_ratio"
    small = Limits(sent_bytes=None, expanded_bytes=len(_LICENSE) - 1)
    assert _code(tmp_path, packed(_LICENSE, packing), small) == "archive_ratio"
    enough = Limits(sent_bytes=None, expanded_bytes=len(_LICENSE))
    assert answer(tmp_path, packed(_LICENSE, packing), limits=enough)["records"]["valid"] == 3


def test_what_is_too_large(tmp_path: Path) -> None:
    size = len(_LICENSE)
    assert _code(tmp_path, _LICENSE, Limits(sent_bytes=size - 1)) == "too_large"
    assert answer(tmp_path, _LICENSE, limits=Limits(sent_bytes=size))["records"]["valid"] == 3
    assert _code(tmp_path, _LICENSE, Limits(records=2)) == "too_large"
    assert _code(tmp_path, _HEAD.strip() + b"".join(b",c%d" % n for n in range(300)) + b"\n") == "too_large"


def _with_cell_of(characters: int) -> Table:
    return table(Kind.LICENSE, "17").with_cell(1, "OfferName", "x" * characters)


@pytest.mark.parametrize("how", [Writing(), Writing(json=True), Writing(quote_all=True)])
def test_a_cell_of_a_mebibyte_and_one_more(how: Writing, tmp_path: Path) -> None:
    assert answer(tmp_path, written(_with_cell_of(1 << 20), how))["records"]["valid"] == 3
    assert _code(tmp_path, written(_with_cell_of((1 << 20) + 1), how)) == "too_large"


def test_a_record_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    small = Limits(record_characters=1 << 12)
    assert _code(tmp_path, _LICENSE + b"x" * 400_000, small) == "too_large"
    assert _code(tmp_path, _LICENSE + b'"a\n",' * 1_000, small) == "too_large"
    assert answer(tmp_path, _LICENSE + b'"a\n"\n' * 1_000, limits=small)["records"]["duplicate"] == 999


def test_the_sentence_is_in_the_language_of_the_locale(tmp_path: Path) -> None:
    korean = answer(tmp_path, b"", locale="ko")["message"]
    assert "비어" in korean


def test_a_member_packed_in_a_way_we_do_not_know(tmp_path: Path) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("data.csv", _LICENSE)
    content = bytearray(target.getvalue())
    content[8] = content[content.index(b"PK\x01\x02") + 10] = 97
    assert _code(tmp_path, bytes(content)) == "archive_broken"
