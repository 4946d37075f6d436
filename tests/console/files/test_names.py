"""Promise: a download has the name a person expects, in every browser, and the name can do no harm."""

from datetime import date
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.files.names import content_disposition, export_name, safe_name

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 21)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (export_name("정산 내역", "xlsx", first=FIRST, last=LAST), "정산내역_20261101-20261121.xlsx"),
        (export_name("정산내역", "csv", last=LAST), "정산내역_20261121.csv"),
        (export_name("파트너 양식", "xlsx"), "파트너양식.xlsx"),
        (export_name("../비밀", "xlsx"), "_비밀.xlsx"),
    ],
)
def test_exports_are_named_by_their_days(name: str, shown: str) -> None:
    assert name == shown


def test_the_header_carries_the_name_in_utf8_and_in_ascii() -> None:
    header = content_disposition("정산내역_20261101-20261121.xlsx")

    assert header == (
        'attachment; filename="_____20261101-20261121.xlsx"; '
        "filename*=UTF-8''%EC%A0%95%EC%82%B0%EB%82%B4%EC%97%AD_20261101-20261121.xlsx"
    )


@given(st.text())
def test_no_name_breaks_the_header_or_leaves_its_folder(name: str) -> None:
    header = content_disposition(name)
    encoded = header.partition("filename*=UTF-8''")[2]

    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert unquote(encoded) == safe_name(name)
    assert not set(safe_name(name)) & set('\\/:*?"<>|\r\n\0')
    assert safe_name(name).strip(" .")
