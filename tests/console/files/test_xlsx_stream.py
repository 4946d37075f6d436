"""Promise: an export of any size opens in any program with every value as it was stored, in constant memory."""

import io
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape
from python_calamine import CalamineWorkbook

from console.files.columns import Cell, Kind, SheetColumn
from console.files.xlsx_parts import LONGEST_TEXT, fitting_text, sheet_title
from console.files.xlsx_small import write_small
from console.files.xlsx_stream import write_query, write_rows
from tests.console.files.build import StrictSheet, read_strictly

Cursor = psycopg2.extensions.cursor
Rows = Sequence[Sequence[Cell]]
Write = Callable[[Cursor, Rows], io.BytesIO]

COLUMNS = [
    SheetColumn("파트너 아이디", Kind.ID),
    SheetColumn("파트너", Kind.TEXT, 30),
    SheetColumn("주문 금액", Kind.WON),
    SheetColumn("정산 금액", Kind.SIGNED_WON),
    SheetColumn("정산일", Kind.DATE),
    SheetColumn("등록일시", Kind.MOMENT),
    SheetColumn("수수료율", Kind.RATE),
    SheetColumn("건수", Kind.COUNT),
    SheetColumn("수량", Kind.DECIMAL),
]
TYPES = ["text", "text", "bigint", "bigint", "date", "timestamptz", "int", "bigint", "numeric"]
NOON = datetime(2026, 11, 21, 3, 0, 7, 999_999, tzinfo=UTC)
NASTY = [
    "=1+1",
    "+82-10-1234-5678",
    "@SUM(A1)",
    "'따옴표",
    "탭\t줄\n바꿈\r\n끝\r.",
    "\x01\x08\x0b\x1f제어\x7f\x9f\ufffe\uffff",
    "_x0041_ _x005F_ _X0041_ _x00zz_",
    "_x0041_x0042_",
    "000123",
    "12345678901234567890",
    "C:\\partner\\n\\\\",
    "\\.",
    "<b>&amp;&lt;]]>\"'",
    "정산 😀 👨‍👩‍👧 파트너",
    " 앞뒤 빈칸 ",
    "\u00a0\u3000",
    " ",
    "가|나 | 다",
    "1.10E+11",
    "TRUE",
    "#REF!",
    "가" * 20_000,
    "가" * 40_000,
    "😀" * 20_000,
    "😀" * 40_000,
    "😀가나" * 9_000,
]


def conditions(rows: int) -> list[tuple[str, Cell]]:
    return [
        ("조회한 사람", "운영자"),
        ("조회 시각", NOON),
        ("정산일", date(2026, 11, 1)),
        ("건수", rows),
        ("합계", -1_234),
    ]


def by_query(cursor: Cursor, rows: Rows, *, rows_per_sheet: int = 1_048_574) -> io.BytesIO:
    arrays = [list(values) for values in zip(*rows, strict=True)] or [[] for _column in TYPES]
    casts = ", ".join(f"%s::{kind}[]" for kind in TYPES)
    names = ", ".join(f"v{number}" for number in range(len(TYPES)))
    query = f"select {names} from unnest({casts}) with ordinality as t({names}, place) order by place"  # noqa: S608 - ours
    out = io.BytesIO()
    count = write_query(
        out, cursor, query, arrays, COLUMNS, title="정산 내역", conditions=conditions, rows_per_sheet=rows_per_sheet
    )
    assert count == len(rows)
    return out


def by_rows(_cursor: Cursor, rows: Rows, *, rows_per_sheet: int = 1_048_574) -> io.BytesIO:
    out = io.BytesIO()
    count = write_rows(
        out, iter(rows), COLUMNS, title="정산 내역", conditions=conditions, rows_per_sheet=rows_per_sheet
    )
    assert count == len(rows)
    return out


def by_library(_cursor: Cursor, rows: Rows) -> io.BytesIO:
    out = io.BytesIO()
    assert write_small(out, iter(rows), COLUMNS, title="정산 내역", conditions=conditions) == len(rows)
    return out


every_writer = pytest.mark.parametrize("write", [by_query, by_rows, by_library])
both_streams = pytest.mark.parametrize("write", [by_query, by_rows])


def row_of(text: str | None, **other: Cell) -> list[Cell]:
    values: dict[str, Cell] = {"won": 1_000, "signed": -1_000, "day": date(2026, 11, 21), "at": NOON, "rate": 3_300}
    values |= {"count": 7, "quantity": Decimal("-1234.500000")}
    values |= other
    return [text, text, *values.values()]


def texts_by_openpyxl(file: io.BytesIO) -> list[list[str]]:
    rows = load_workbook(file).worksheets[0].iter_rows(min_row=2, max_col=2, values_only=True)
    return [[unescape(str(text or "")) for text in row] for row in rows]


def texts_by_calamine(file: io.BytesIO) -> list[list[str]]:
    file.seek(0)
    sheet = CalamineWorkbook.from_filelike(file).get_sheet_by_index(0)
    return [[str(cell) for cell in row[:2]] for row in list(sheet.iter_rows())[1:]]


def texts_by_standard(file: io.BytesIO) -> list[list[str]]:
    sheets, _formats = read_strictly(file)
    return [[text or "" for text in row[:2]] for number, row in sheets[0].rows.items() if number > 1]


class TestTexts:
    @both_streams
    def test_nasty_texts_come_back_in_three_readers(self, cursor: Cursor, write: Write) -> None:
        rows = [row_of(text) for text in NASTY]
        wanted = [[fitting_text(text)] * 2 for text in NASTY]

        file = write(cursor, rows)

        assert texts_by_standard(file) == wanted
        assert texts_by_openpyxl(file) == wanted
        assert texts_by_calamine(file) == wanted

    def test_nasty_texts_come_back_from_small_sheets(self, cursor: Cursor) -> None:
        texts = [text for text in NASTY if "_x0041_x0042_" not in text]  # XlsxWriter escapes only the first of the two

        file = by_library(cursor, [row_of(text) for text in texts])

        assert texts_by_calamine(file) == [[fitting_text(text)] * 2 for text in texts]

    @pytest.mark.parametrize("text", ["=1+1", "000123", " a ", "탭\t\\n", "_x0041_"])
    def test_ordinary_texts_are_not_changed_at_all(self, text: str) -> None:
        assert fitting_text(text) == text

    @pytest.mark.parametrize("letter", ["a", "가", "😀"])
    def test_a_text_longer_than_a_cell_is_cut_at_whole_characters(self, letter: str) -> None:
        cut = fitting_text(letter * 40_000)

        units = len(cut.encode("utf-16-le")) // 2
        assert units == LONGEST_TEXT
        assert cut == letter * (len(cut) - 1) + "…"

    @settings(max_examples=150, deadline=None)
    @given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=8))
    def test_both_ways_write_any_text_alike(self, texts: list[str]) -> None:
        rows = [row_of(text) for text in texts]
        wanted = [[fitting_text(text)] * 2 for text in texts]
        with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as connection:
            for write in (by_query, by_rows):
                assert texts_by_standard(write(connection.cursor(), rows)) == wanted


class TestValues:
    @every_writer
    def test_numbers_days_and_moments_keep_type_and_format(self, cursor: Cursor, write: Write) -> None:
        most = 999_999_999_999_999
        file = write(cursor, [row_of("a", won=most, signed=-most, count=0), [None] * 9, row_of("b")])

        sheet = load_workbook(file).worksheets[0]
        values = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
        assert values[0][2:] == [
            most,
            -most,
            datetime.fromisoformat("2026-11-21 00:00:00"),
            datetime.fromisoformat("2026-11-21 12:00:07"),
            pytest.approx(0.033),
            0,
            -1_234.5,
        ]
        assert values[1] == [None] * 9
        assert [cell.number_format for cell in sheet[2]] == [
            "@",
            "@",
            "#,##0",
            "#,##0;[Red]-#,##0",
            "yyyy-mm-dd",
            "yyyy-mm-dd hh:mm:ss",
            "0.0##%",
            "#,##0",
            "General",
        ]
        file.seek(0)
        read = list(CalamineWorkbook.from_filelike(file).get_sheet_by_index(0).iter_rows())
        assert read[1][2:6] == [
            float(most),
            float(-most),
            date(2026, 11, 21),
            datetime.fromisoformat("2026-11-21 12:00:07"),
        ]
        assert read[2] == [""] * 9
        assert read[3][0] == "b"

    @every_writer
    def test_header_is_bold_frozen_and_filtered_and_widths_are_set(self, cursor: Cursor, write: Write) -> None:
        sheet = load_workbook(write(cursor, [row_of("a"), row_of("b")])).worksheets[0]

        assert [cell.value for cell in sheet[1]] == [column.header for column in COLUMNS]
        assert all(cell.font.b for cell in sheet[1])
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == "A1:I3"
        assert round(sheet.column_dimensions["B"].width) in (30, 31)  # XlsxWriter adds the padding of a cell

    @every_writer
    def test_the_second_sheet_tells_who_asked_for_what(self, cursor: Cursor, write: Write) -> None:
        book = load_workbook(write(cursor, [row_of("a")] * 3))

        assert book.sheetnames == ["정산 내역", "조회조건"]
        assert [tuple(row) for row in book["조회조건"].iter_rows(values_only=True)] == [
            ("조회한 사람", "운영자"),
            ("조회 시각", datetime.fromisoformat("2026-11-21 12:00:07")),
            ("정산일", datetime.fromisoformat("2026-11-01 00:00:00")),
            ("건수", 3),
            ("합계", -1_234),
        ]

    @pytest.mark.parametrize("write", [by_rows, by_library])
    def test_a_value_of_another_type_is_refused(self, cursor: Cursor, write: Write) -> None:
        for wrong in (
            {"won": "1000"},
            {"day": "2026-11-21"},
            {"day": NOON},
            {"at": date(2026, 11, 21)},
            {"rate": "3"},
            {"quantity": "1"},
        ):
            with pytest.raises(TypeError):
                write(cursor, [row_of("a", **wrong)])
        with pytest.raises(ValueError, match="time zone"):
            write(cursor, [row_of("a", at=datetime.fromisoformat("2026-11-21 00:00:00"))])
        with pytest.raises(ValueError, match="argument"):
            write(cursor, [row_of("a")[:-1]])


class TestSheets:
    @both_streams
    def test_a_full_sheet_is_followed_by_another(self, cursor: Cursor, write: Any) -> None:
        file = write(cursor, [row_of(f"번호 {number}") for number in range(1, 9)], rows_per_sheet=3)

        sheets, _formats = read_strictly(file)
        assert [sheet.title for sheet in sheets] == ["정산 내역", "정산 내역 (2)", "정산 내역 (3)", "조회조건"]
        assert [sheet.filtered for sheet in sheets] == ["A1:I4", "A1:I4", "A1:I3", ""]
        assert _first_texts(sheets[1]) == {1: "파트너 아이디", 2: "번호 4", 3: "번호 5", 4: "번호 6"}
        assert _first_texts(sheets[2]) == {1: "파트너 아이디", 2: "번호 7", 3: "번호 8"}
        assert load_workbook(file).sheetnames == [sheet.title for sheet in sheets]

    @both_streams
    def test_rows_that_just_fill_a_sheet_make_no_other(self, cursor: Cursor, write: Any) -> None:
        sheets, _formats = read_strictly(write(cursor, [row_of("a")] * 6, rows_per_sheet=3))

        assert [len(sheet.rows) for sheet in sheets] == [4, 4, 5]

    @every_writer
    def test_no_rows_leave_a_header(self, cursor: Cursor, write: Write) -> None:
        sheet = load_workbook(write(cursor, [])).worksheets[0]

        assert sheet.max_row == 1
        assert sheet.auto_filter.ref == "A1:I1"

    def test_more_columns_than_a_function_of_postgres_has_arguments(self, cursor: Cursor) -> None:
        columns = [SheetColumn(f"열 {n}", Kind.WON if n % 2 else Kind.TEXT) for n in range(100)]
        query = "select " + ", ".join(str(n) if n % 2 else f"'가 & {n}'" for n in range(100))
        out = io.BytesIO()

        write_query(out, cursor, query, None, columns, title="넓은 표", conditions=lambda _rows: [])

        assert read_strictly(out)[0][0].rows[2] == [str(n) if n % 2 else f"가 & {n}" for n in range(100)]

    @pytest.mark.parametrize(
        ("title", "number", "shown"),
        [
            ("정산[내역]:*?/\\", 1, "정산 내역"),
            ("'정산'", 2, "정산 (2)"),
            ("가" * 40, 1, "가" * 31),
            ("가" * 40, 12, "가" * 26 + " (12)"),
            ("😀" * 20, 1, "😀" * 15),
            ("", 1, "Sheet"),
        ],
    )
    def test_titles_are_made_to_fit(self, title: str, number: int, shown: str) -> None:
        assert sheet_title(title, number) == shown


@pytest.mark.filterwarnings("error")
class TestFailing:
    def test_what_watches_the_rows_can_end_the_export(self, cursor: Cursor) -> None:
        seen: list[int] = []

        def enough(rows: int) -> None:
            seen.append(rows)
            raise InterruptedError

        query = (
            "select 'x' || n, n, n, -n, date '2026-11-21', now(), 1, n, n::numeric from generate_series(1, 200000) n"
        )
        with pytest.raises(InterruptedError):
            write_query(io.BytesIO(), cursor, query, None, COLUMNS, title="a", conditions=conditions, on_rows=enough)

        assert 0 < seen[0] < 200_000
        assert len(seen) == 1
        cursor.connection.rollback()
        cursor.execute("select 1")
        assert cursor.fetchone() == (1,)

    def test_rows_are_reported_on_the_way(self, cursor: Cursor) -> None:
        seen: list[int] = []
        query = "select 'x' || n, n, n, -n, date '2026-11-21', now(), 1, n, n::numeric from generate_series(1, 20000) n"

        write_query(io.BytesIO(), cursor, query, None, COLUMNS, title="a", conditions=conditions, on_rows=seen.append)

        assert seen[-1] == 20_000
        assert seen == sorted(seen)
        assert len(seen) > 1

    def test_an_error_of_the_database_arrives(self, cursor: Cursor) -> None:
        query = (
            "select 'x', 'y', 1 / (n - 15000), 1, date '2026-11-21', now(), 1, n, n::numeric"
            " from generate_series(1, 20000) n"
        )

        with pytest.raises(psycopg2.errors.DivisionByZero):
            write_query(io.BytesIO(), cursor, query, None, COLUMNS, title="a", conditions=conditions)

    def test_a_full_disk_ends_the_export(self, cursor: Cursor) -> None:
        class Full(io.BytesIO):
            def write(self, data: Any) -> int:
                if self.tell() > 100_000:
                    raise OSError("No space left on device")
                return super().write(data)

        query = (
            "select md5(n::text), md5(n::text), n, n, date '2026-11-21', now(), 1, n, n::numeric"
            " from generate_series(1, 99999) n"
        )
        with pytest.raises(OSError, match="No space"):
            write_query(Full(), cursor, query, None, COLUMNS, title="a", conditions=conditions)

        cursor.connection.rollback()
        cursor.execute("select 1")
        assert cursor.fetchone() == (1,)


def _first_texts(sheet: StrictSheet) -> dict[int, str | None]:
    return {number: cells[0] for number, cells in sheet.rows.items()}
