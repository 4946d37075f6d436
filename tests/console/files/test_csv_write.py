"""Promise: a CSV of ours opens in Korean Excel as it is, runs nothing, and its numbers are plain numbers."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.files.columns import Cell, Kind, SheetColumn
from console.files.csv_write import csv_blocks, guarded, unguarded

COLUMNS = [SheetColumn(f"열{kind}", kind) for kind in Kind]
NOON = datetime(2026, 11, 21, 3, 0, 7, tzinfo=UTC)


def written(rows: Sequence[Sequence[Cell]], columns: Sequence[SheetColumn] = COLUMNS) -> bytes:
    return b"".join(csv_blocks(rows, columns))


def test_a_row_of_every_kind() -> None:
    amounts: list[Cell] = [1_234_567, -500, date(2026, 11, 1), NOON, 3_300, 12, Decimal("-1.250000")]
    file = written([["가", "007", *amounts], [None] * 9])

    assert (
        file
        == (
            "\ufeff열text,열id,열won,열signed_won,열date,열moment,열rate,열count,열decimal\r\n"
            "가,007,1234567,-500,2026-11-01,2026-11-21 12:00:07,3.3%,12,-1.25\r\n"
            ",,,,,,,,\r\n"
        ).encode()
    )


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+82", "'+82"),
        ("-5", "'-5"),
        ("@a", "'@a"),
        ("\ta", "'\ta"),
        ("＝1", "'＝1"),
        ("＠a", "'＠a"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("'=1", "''=1"),
        ("''=1", "'''=1"),
        ("가=1", "가=1"),
        ("'가", "'가"),
        ("", ""),
    ],
)
def test_a_text_that_could_be_a_formula_gets_a_quote(text: str, cell: str) -> None:
    assert guarded(text) == cell
    assert unguarded(cell) == text


@pytest.mark.parametrize("text", ["\r=1", "\n=1", "\0=1"])
def test_line_ends_before_a_formula_do_not_hide_it(text: str) -> None:
    assert guarded(text) == f"'{text}"


def test_headers_are_guarded_as_well() -> None:
    assert written([], [SheetColumn("=1", Kind.TEXT)]) == "\ufeff'=1\r\n".encode()


def test_cells_with_commas_quotes_and_line_ends_are_quoted() -> None:
    file = written([['가,"나"\r\n다']], [SheetColumn("열", Kind.TEXT)])

    assert file == '\ufeff열\r\n"가,""나""\r\n다"\r\n'.encode()


@given(st.text())
def test_the_quote_comes_off_again(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert guarded(text)[:1] not in tuple("=+-@\t\r\n\0＝＋－＠")


def test_a_large_file_comes_in_blocks() -> None:
    sizes = [len(block) for block in csv_blocks(([f"행 {n}"] for n in range(50_000)), [SheetColumn("열", Kind.TEXT)])]

    assert len(sizes) > 5
    assert max(sizes) < 500_000


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.WON, "1"),
        (Kind.DATE, NOON),
        (Kind.DATE, "2026-11-21"),
        (Kind.MOMENT, date(2026, 11, 21)),
        (Kind.RATE, "3"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: Kind, value: Cell) -> None:
    with pytest.raises(TypeError):
        written([[value]], [SheetColumn("열", kind)])
