"""Protects reading our own records: both formats say the same, and nothing unreadable is passed over."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reconciliation.books import BooksUnreadable, OwnRecord, Tolerance, read_books
from reconciliation.lines import Kind

RECORD = {
    "ref": "L-1",
    "customer_id": "A1",
    "subscription_number": "5b",
    "customer_name": "한결무역 주식회사",
    "currency": "usd",
    "quantity": "3",
    "unit_price": None,
    "subtotal": "92.39",
    "tax": "9.24",
    "period_start": "2024-05-01",
    "period_end": "2024-05-31",
}
READ = OwnRecord(
    ref="L-1",
    kind=Kind.LICENSE,
    ids={"customer_id": "A1", "subscription_number": "5b"},
    customer_name="한결무역 주식회사",
    currency="USD",
    quantity=Decimal(3),
    unit_price=None,
    subtotal=Decimal("92.39"),
    tax=Decimal("9.24"),
    period_start=date(2024, 5, 1),
    period_end=date(2024, 5, 31),
)


def write(folder: Path, content: object) -> Path:
    path = folder / "books"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def books(folder: Path, *records: dict[str, Any], **top: Any) -> Path:
    return write(folder, {"kind": "license", "records": list(records), **top})


def test_json(tmp_path: Path) -> None:
    found = read_books(books(tmp_path, RECORD, tolerance={"line": "0.02", "group": "0.05"}))
    assert found.records == (READ,)
    assert found.tolerance == Tolerance(Decimal("0.02"), Decimal("0.05"))


def test_a_record_may_be_of_another_kind(tmp_path: Path) -> None:
    (record,) = read_books(books(tmp_path, RECORD | {"kind": "usage"})).records
    assert record.kind is Kind.USAGE


def test_numbers_may_be_written_as_numbers(tmp_path: Path) -> None:
    (record,) = read_books(books(tmp_path, RECORD | {"subtotal": 92.39, "quantity": 3})).records
    assert (record.subtotal, record.quantity) == (Decimal("92.39"), Decimal(3))


def test_csv(tmp_path: Path) -> None:
    rows = f"{','.join([*RECORD, 'kind'])}\n{','.join((value or '') for value in RECORD.values())},license\n"
    (record,) = read_books(write(tmp_path, b"\xef\xbb\xbf" + rows.encode())).records
    assert record == READ


def test_csv_without_a_kind_belongs_to_any_file(tmp_path: Path) -> None:
    rows = b'ref,customer_name,currency,subtotal,tax\r\nR,"Haru, Byeol\nLtd",KRW,-100,\r\n'
    (record,) = read_books(write(tmp_path, rows)).records
    assert (record.kind, record.customer_name, record.tax, record.quantity) == (None, "Haru, Byeol\nLtd", None, None)


def test_no_tolerance_is_the_default(tmp_path: Path) -> None:
    assert read_books(books(tmp_path, tolerance={"line": "0"})).tolerance == Tolerance(Decimal(0), None)
    assert read_books(books(tmp_path)).tolerance == Tolerance()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"currency": "US"}, "currency"),
        ({"currency": None}, "currency"),
        ({"subtotal": None}, "subtotal"),
        ({"subtotal": "1e3"}, "subtotal"),
        ({"subtotal": "1,000"}, "subtotal"),
        ({"quantity": "three"}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"period_start": "5/1/2024"}, "period_start"),
        ({"period_end": "2024-02-30"}, "period_end"),
        ({"period_end": "2024-04-30"}, "period_end"),
        ({"kind": "licence"}, "kind"),
        ({"ref": ["a"]}, "ref"),
    ],
)
def test_a_refusal_names_the_record_and_the_field(tmp_path: Path, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(BooksUnreadable, match=f"record 2: {field}: ") as refusal:
        read_books(books(tmp_path, RECORD, RECORD | wrong))
    assert (refusal.value.record, refusal.value.field) == (2, field)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"{",
        b"[" * 100_000,
        b"[]",
        b'{"records": 1}',
        b'{"records": [1]}',
        b'{"kind": "x", "records": []}',
        b'{"records": [], "tolerance": 1}',
        b'{"records": [], "tolerance": {"line": "-1"}}',
        b"",
        b"ref,tax\n1,2\n",
        b"currency,subtotal\nUSD\n",
        b"currency,subtotal\nUSD,1,2\n",
        b'currency,subtotal\n"USD,1\n',
    ],
)
def test_what_are_no_records(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BooksUnreadable):
        read_books(write(tmp_path, content))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_books(tmp_path / "none")
