"""Promise: what the API stored leaves as a file and comes back as the same values, whatever the text."""

import io
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from console.files.columns import MOST_EXACT, Cell, Kind, SheetColumn
from console.files.csv_write import csv_blocks
from console.files.sheet_limits import Caps
from console.files.sheet_read import Field, open_sheet
from console.files.values import clean_id, clean_text, parse_date, parse_won
from console.files.xlsx_parts import fitting_text
from console.files.xlsx_small import write_small
from console.files.xlsx_stream import write_rows

COLUMNS = [
    SheetColumn("파트너 아이디", Kind.ID),
    SheetColumn("정산 금액", Kind.SIGNED_WON),
    SheetColumn("정산일", Kind.DATE),
    SheetColumn("메모", Kind.TEXT),
]
FIELDS = [Field(name, column.header) for name, column in zip(("id", "won", "day", "memo"), COLUMNS, strict=True)]
CAPS = Caps(characters=100_000)

# All that the API stores: no NUL, no lone surrogates, ids without blanks around them.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
pointed = st.builds(
    lambda start, rest: start + rest, st.sampled_from(["=", "'=", "''", "-", "＝", "\t", "\\", "_x0041_"]), texts
)
ids = (texts | pointed).map(str.strip).filter(bool)
days = st.dates(min_value=date(1900, 3, 1))
records = st.lists(
    st.tuples(ids, st.integers(-MOST_EXACT, MOST_EXACT), days, texts | pointed | st.none()), min_size=1, max_size=10
)
Record = tuple[str, int, date, str | None]


def read_back(file: io.BytesIO) -> list[tuple[str, int, date, str | None]]:
    reader = open_sheet(file, FIELDS, CAPS)
    rows = [
        (
            clean_id(values["id"]),
            parse_won(values["won"]),
            parse_date(values["day"]),
            clean_text(values["memo"]) if "memo" in values else None,
        )
        for _number, values in reader
    ]
    assert reader.errors == []
    return rows


def stored(text: str | None) -> str | None:
    """Return a memo as an upload stores it: composed and trimmed; an empty cell is no memo."""
    return clean_text(text) if text else None


@settings(deadline=None)
@given(records)
def test_from_the_api_to_csv_and_back(rows: list[Record]) -> None:
    file = io.BytesIO(b"".join(csv_blocks(rows, COLUMNS)))

    assert read_back(file) == [(identity, won, day, stored(memo)) for identity, won, day, memo in rows]


def shown(rows: list[Record]) -> list[Record]:
    """Return the rows as a sheet can hold them: without control characters, line breaks as line feeds."""
    return [
        (fitting_text(identity), won, day, fitting_text(memo) if memo else None) for identity, won, day, memo in rows
    ]


def back_from_sheet(rows: list[Record]) -> list[Record]:
    return [(identity.strip(), won, day, stored(memo)) for identity, won, day, memo in shown(rows)]


@settings(deadline=None)
@given(records.filter(lambda rows: all(fitting_text(row[0]).strip() for row in rows)))
def test_from_the_api_to_xlsx_and_back(rows: list[Record]) -> None:
    file = io.BytesIO()
    write_rows(file, rows, COLUMNS, title="정산 내역", conditions=lambda _rows: [])

    assert read_back(file) == back_from_sheet(rows)


@settings(deadline=None, max_examples=50)
@given(records.filter(lambda rows: all(fitting_text(row[0]).strip() for row in rows)))
def test_from_the_api_to_a_small_xlsx_and_back(rows: list[Record]) -> None:
    file = io.BytesIO()
    write_small(file, rows, COLUMNS, title="정산 내역", conditions=lambda _rows: [])

    assert read_back(file) == back_from_sheet(rows)


def test_a_csv_with_errors_noted_comes_back() -> None:
    columns = [*COLUMNS, SheetColumn("오류", Kind.TEXT)]
    rows: list[list[Cell]] = [["=id", -500, date(2026, 11, 21), "가", "금액을 확인해 주세요."]]

    assert read_back(io.BytesIO(b"".join(csv_blocks(rows, columns)))) == [("=id", -500, date(2026, 11, 21), "가")]
