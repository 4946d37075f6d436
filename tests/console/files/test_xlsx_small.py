"""Promise: a template explains itself, keeps what people type as they typed it, and comes back readable."""

import io

import openpyxl
import pytest
from python_calamine import CalamineWorkbook, SheetVisibleEnum

from console.files.columns import Kind, SheetColumn
from console.files.sheet_read import Field, open_sheet
from console.files.xlsx_small import MOST_ROWS, write_small, write_template

BANKS = tuple(f"{n:03d} 은행 이름이 조금 긴 은행 {n}" for n in range(60))
FIELDS = [
    Field(
        "partner",
        "파트너 아이디",
        required=True,
        kind=Kind.ID,
        samples=("예시-1", "예시-2"),
        note="직접 정한 아이디예요.",
    ),
    Field("bank", "은행", choices=BANKS, samples=(BANKS[0], "")),
    Field("account", "계좌번호", kind=Kind.ID, samples=("001234567", "001234568")),
    Field("amount", "정산 금액", required=True, kind=Kind.SIGNED_WON, samples=("10000", "-500")),
    Field("settled_on", "정산일", kind=Kind.DATE, samples=("2026-11-21", "2026-11-22")),
    Field("kind", "구분", choices=("개인", "법인")),
]


@pytest.fixture
def template() -> io.BytesIO:
    file = io.BytesIO()
    write_template(
        file, FIELDS, title="파트너 등록", guide=["첫 시트에 파트너를 적어 주세요.", "제목 줄은 바꾸지 마세요."]
    )
    return file


def test_the_header_marks_what_is_required(template: io.BytesIO) -> None:
    book = openpyxl.load_workbook(template)

    assert book.sheetnames == ["파트너 등록", "안내", "목록"]
    assert [cell.value for cell in book.worksheets[0][1]] == [
        "파트너 아이디 (필수)",
        "은행",
        "계좌번호",
        "정산 금액 (필수)",
        "정산일",
        "구분",
    ]
    assert book.worksheets[0].freeze_panes == "A2"


def test_text_columns_stay_text_for_5000_rows(template: io.BytesIO) -> None:
    sheet = openpyxl.load_workbook(template).worksheets[0]

    assert {sheet.cell(row, column).number_format for row in (2, 3, 4, 5_001) for column in (1, 2, 3, 6)} == {"@"}
    assert sheet["D5001"].number_format == "#,##0;[Red]-#,##0"
    assert sheet["E5001"].number_format == "yyyy-mm-dd"


def test_lists_of_any_length_are_offered(template: io.BytesIO) -> None:
    book = openpyxl.load_workbook(template)

    rules = {str(rule.sqref): rule.formula1 for rule in book.worksheets[0].data_validations.dataValidation}
    assert rules == {"B2:B5001": "목록!$A$1:$A$60", "F2:F5001": "목록!$B$1:$B$2"}
    assert [cell.value for cell in book["목록"]["A"]] == list(BANKS)
    template.seek(0)
    assert CalamineWorkbook.from_filelike(template).sheets_metadata[2].visible == SheetVisibleEnum.Hidden


def test_the_guide_describes_every_column(template: io.BytesIO) -> None:
    rows = [tuple(row) for row in openpyxl.load_workbook(template)["안내"].iter_rows(values_only=True)]

    assert rows[0][0] == "첫 시트에 파트너를 적어 주세요."
    assert rows[4] == ("파트너 아이디", "필수", "직접 정한 아이디예요.", "예시-1")
    assert len(rows) == 4 + len(FIELDS)


def test_the_reader_takes_what_was_filled_in_and_no_samples(template: io.BytesIO) -> None:
    book = openpyxl.load_workbook(template)
    for column, value in enumerate(["seller-1", BANKS[3], "0011", 5_000, None, "법인"], start=1):
        book.worksheets[0].cell(4, column, value)
    filled = io.BytesIO()
    book.save(filled)

    reader = open_sheet(filled, FIELDS)

    assert [(n, v["partner"], v["account"], v["kind"]) for n, v in reader] == [(4, "seller-1", "0011", "법인")]
    assert reader.errors == []


def test_an_untouched_template_has_no_rows(template: io.BytesIO) -> None:
    assert list(open_sheet(template, FIELDS)) == []


def test_more_rows_than_small_are_refused() -> None:
    rows = ([str(n)] for n in range(MOST_ROWS + 1))

    with pytest.raises(ValueError, match=str(MOST_ROWS + 1)):
        write_small(io.BytesIO(), rows, [SheetColumn("열", Kind.TEXT)], title="a", conditions=lambda _rows: [])
