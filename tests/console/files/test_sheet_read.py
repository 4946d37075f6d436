"""Promise: an upload is read cell by cell as it was meant, or refused with a sentence that says what to do."""

import io
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import openpyxl
import pytest
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from console.files.columns import Kind
from console.files.errors import REASONS, SheetError, SheetRefused, ValueRefused
from console.files.sheet_limits import Caps
from console.files.sheet_read import MOST_ERRORS, Field, SheetReader, open_sheet
from console.files.values import Raw, parse_won
from console.files.zip_guard import ZipLimits
from tests.console.files import build
from tests.console.files.build import external, sheet_xml, text_cells, xls, xlsx, zipped

FIELDS = [
    Field(
        "partner", "파트너 아이디", aliases=("Partner ID",), required=True, kind=Kind.ID, samples=("예시-1", "예시-2")
    ),
    Field("amount", "정산 금액", aliases=("Amount",), required=True, kind=Kind.WON, samples=("10000", "25000")),
    Field("settled_on", "정산일", aliases=("Settlement date",), kind=Kind.DATE, samples=("2026-11-21", "2026-11-22")),
    Field("memo", "메모"),
]
HEADER = "파트너 아이디,정산 금액,정산일,메모\n"
GOOD = HEADER + "seller-1,1000,2026-11-21,가\n"
HEADER_ROW = f'<row r="1">{text_cells("파트너 아이디", "정산 금액")}</row>'


def read(content: str | bytes | io.BytesIO, caps: Caps | None = None) -> SheetReader:
    if isinstance(content, str):
        content = content.encode()
    return open_sheet(io.BytesIO(content) if isinstance(content, bytes) else content, FIELDS, caps)


def rows(content: str | bytes | io.BytesIO, caps: Caps | None = None) -> list[tuple[int, dict[str, Raw]]]:
    reader = read(content, caps)
    found = list(reader)
    assert reader.errors == []
    return found


def errors(content: str | bytes | io.BytesIO, caps: Caps | None = None) -> list[SheetError]:
    reader = read(content, caps)
    list(reader)
    return reader.errors


def refusals(content: str | bytes | io.BytesIO, caps: Caps | None = None) -> list[SheetError]:
    with pytest.raises(SheetRefused) as caught:
        list(read(content, caps))
    assert all(error.text() and "%" not in error.text() for error in caught.value.errors)
    return list(caught.value.errors)


def codes(content: str | bytes | io.BytesIO, caps: Caps | None = None) -> list[str]:
    return [error.code for error in refusals(content, caps)]


class TestText:
    @pytest.mark.parametrize(
        ("encoding", "bom"),
        [
            ("utf-8", b""),
            ("utf-8", b"\xef\xbb\xbf"),
            ("cp949", b""),
            ("utf-16-le", b""),
            ("utf-16-be", b""),
            ("utf-16-le", b"\xff\xfe"),
            ("utf-16-be", b"\xfe\xff"),
        ],
    )
    def test_encodings_that_korean_programs_write(self, encoding: str, bom: bytes) -> None:
        content = (HEADER + "똠방각하,1000,2026-11-21,펲시콜라 뷁\n").encode(encoding)

        assert rows(bom + content) == [
            (2, {"partner": "똠방각하", "amount": "1000", "settled_on": "2026-11-21", "memo": "펲시콜라 뷁"})
        ]

    @pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
    def test_the_header_line_tells_the_delimiter(self, delimiter: str) -> None:
        reader = read(GOOD.replace(",", delimiter).replace("가\n", '"가,나;다|라\t마"\n'))

        assert reader.delimiter == delimiter
        assert [values["memo"] for _number, values in reader] == ["가,나;다|라\t마"]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_line_ends_of_every_system(self, end: str) -> None:
        assert len(rows((GOOD + "seller-2,2,,\n").replace("\n", end))) == 2

    def test_rows_have_the_numbers_that_excel_shows(self) -> None:
        content = "\n\n" + HEADER + '\nseller-1,1,,"두\n줄"\n, ,,\u3000\nseller-2,2,,\n'

        assert [number for number, _values in rows(content)] == [5, 7]

    def test_every_cell_is_text_and_an_empty_one_is_missing(self) -> None:
        assert rows(HEADER + "007,NA,,1.10E+11\n") == [(2, {"partner": "007", "amount": "NA", "memo": "1.10E+11"})]

    def test_one_quote_before_a_formula_comes_off(self) -> None:
        found = rows(HEADER + "'=1+1,1,,''=1\n'007,1,,'가\n")

        assert [values["partner"] for _number, values in found] == ["=1+1", "'007"]
        assert [values["memo"] for _number, values in found] == ["'=1", "'가"]

    def test_the_file_stays_open_for_its_owner(self) -> None:
        file = io.BytesIO(GOOD.encode())

        for _pass in (1, 2):
            assert len(list(open_sheet(file, FIELDS))) == 1
        assert not file.closed


class TestHeader:
    @pytest.mark.parametrize(
        "header",
        [
            "파트너아이디,정산금액",
            "partner id,AMOUNT",
            "Partner_ID,Amount",
            "파트너 아이디*,정산 금액 (필수)",
            "\u200b파트너\u00a0아이디, 정산  금액 ",
            "ＰＡＲＴＮＥＲ ＩＤ,amount",
            "정산 금액,파트너 아이디",
            '"파트너\n아이디",정산 금액',
        ],
    )
    def test_spaces_case_marks_and_order_do_not_matter(self, header: str) -> None:
        [(_number, values)] = rows(header + "\n1,1\n")

        assert set(values) == {"partner", "amount"}

    def test_decomposed_hangul_of_a_mac_matches(self) -> None:
        assert len(rows(unicodedata.normalize("NFD", "파트너 아이디,정산 금액") + "\n1,1\n")) == 1

    def test_every_wrong_header_is_named(self) -> None:
        found = refusals("파트너 아이디,Partner ID,비고,정산일\n1,1,1,1\n")

        assert [(error.code, error.params["header"]) for error in found] == [
            ("header_doubled", "Partner ID"),
            ("header_unknown", "비고"),
            ("header_missing", "정산 금액"),
        ]

    def test_our_own_error_column_is_passed_over(self) -> None:
        assert rows("파트너 아이디,정산 금액,오류\n1,2,금액을 확인해 주세요.\n") == [
            (2, {"partner": "1", "amount": "2"})
        ]

    def test_blank_columns_at_the_end_are_no_columns(self) -> None:
        assert len(rows("파트너 아이디,정산 금액,,\n1,2,,\n")) == 1

    def test_names_are_shown_as_they_stand_in_the_file(self) -> None:
        reader = read("Partner ID,amount\n1,x\n")
        for number, values in reader:
            try:
                parse_won(values["amount"])
            except ValueRefused as problem:
                reader.refuse_value(number, "amount", problem)

        [error] = reader.errors
        assert (error.row, error.column, error.code) == (2, "amount", "not_an_amount")
        assert reader.header_of("memo") == "메모"


class TestWrongRows:
    def test_rows_with_too_many_or_too_few_cells(self) -> None:
        found = errors(HEADER + "a,1,,,5\nb,1\nc,1,,,\nd,1,,\n")

        assert [(error.row, error.code, error.params["found"]) for error in found] == [
            (2, "row_length", 5),
            (3, "row_length", 2),
        ]

    def test_a_value_without_a_header(self) -> None:
        [error] = errors("파트너 아이디,,정산 금액\na,x,1\n")

        assert (error.row, error.text()) == (2, "B2 칸 위에 열 이름이 없어요.")

    def test_a_cell_that_is_too_long(self) -> None:
        [error] = errors(HEADER + f"a,1,,{'가' * 2_001}\nb,1,,{'가' * 2_000}\n")

        assert (error.row, error.column, error.text()) == (2, "메모", "값이 너무 길어요. 2000자까지 쓸 수 있어요.")

    def test_errors_are_counted_on_when_the_list_is_full(self) -> None:
        reader = read(HEADER + "a,1\n" * (MOST_ERRORS + 5))
        list(reader)

        assert len(reader.errors) == MOST_ERRORS
        assert reader.error_count == MOST_ERRORS + 5


SAMPLES = HEADER + "예시-1,10000,2026-11-21,\n예시-2,25000,2026-11-22,\n"


class TestSamples:
    def test_untouched_sample_rows_are_passed_over(self) -> None:
        assert rows(SAMPLES + "seller-1,1,,\n") == [(4, {"partner": "seller-1", "amount": "1"})]

    def test_a_sample_that_someone_changed_is_a_row(self) -> None:
        assert [number for number, _values in rows(SAMPLES.replace("25000", "25001"))] == [3]


def book(fill: Callable[[Worksheet], object]) -> io.BytesIO:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert isinstance(sheet, Worksheet)
    fill(sheet)
    file = io.BytesIO()
    workbook.save(file)
    return file


class TestWorkbooks:
    def test_cells_arrive_as_text_numbers_and_days(self) -> None:
        def fill(sheet: Worksheet) -> None:
            sheet.append(["파트너 아이디", "정산 금액", "정산일", "메모"])
            sheet.append(["007", 1_234, date(2026, 11, 21), datetime.fromisoformat("2026-11-21 09:05:00")])
            sheet.append([110_123_456_789, 0.1, "2026.11.21", True])

        assert rows(book(fill)) == [
            (
                2,
                {
                    "partner": "007",
                    "amount": Decimal(1_234),
                    "settled_on": date(2026, 11, 21),
                    "memo": datetime.fromisoformat("2026-11-21 09:05:00"),
                },
            ),
            (
                3,
                {
                    "partner": Decimal(110_123_456_789),
                    "amount": Decimal("0.1"),
                    "settled_on": "2026.11.21",
                    "memo": "TRUE",
                },
            ),
        ]

    def test_cells_stand_where_the_sheet_puts_them(self) -> None:
        def fill(sheet: Worksheet) -> None:
            sheet["C4"], sheet["E4"] = "정산 금액", "파트너 아이디"
            sheet["E5"], sheet["C5"] = "a", 1
            sheet["E7"], sheet["C7"] = "seller-1", 5

        reader = read(book(fill))
        assert reader.header_row == 4
        assert [(n, v["partner"]) for n, v in reader] == [(5, "a"), (7, "seller-1")]

    def test_texts_are_not_unquoted(self) -> None:
        row = f'<row r="2">{text_cells("&apos;=1", "1")}</row>'

        assert rows(xlsx(HEADER_ROW + row)) == [(2, {"partner": "'=1", "amount": "1"})]

    def test_the_first_visible_sheet_is_read_and_a_guide_is_passed_over(self) -> None:
        workbook = openpyxl.Workbook()
        for title, state in (("숨김", "hidden"), ("안내", "visible"), ("자료", "visible"), ("다음", "visible")):
            sheet = workbook.create_sheet(title)
            sheet.sheet_state = state
            sheet.append(["파트너 아이디", "정산 금액"])
            sheet.append([title, 1])
        workbook.remove(workbook.worksheets[0])
        workbook.active = 1
        file = io.BytesIO()
        workbook.save(file)

        assert [values["partner"] for _number, values in rows(file)] == ["자료"]

    def test_formulas_elsewhere_and_in_rules_do_no_harm(self) -> None:
        workbook = openpyxl.Workbook()
        first = workbook.worksheets[0]
        first.append(["파트너 아이디", "정산 금액"])
        first.append(["a", 1])
        first.add_data_validation(DataValidation(type="list", formula1='"가,나"', sqref="A2"))
        workbook.create_sheet("계산")["A1"] = "=1+1"
        file = io.BytesIO()
        workbook.save(file)

        assert len(rows(file)) == 1

    def test_rules_in_an_extension_are_no_formulas_of_cells(self) -> None:
        extension = '<extLst><ext><x:f xmlns:x="x">Sheet2!A1</x:f></ext></extLst>'
        body = sheet_xml(HEADER_ROW + f'<row r="2">{text_cells("a", "1")}</row>').replace(
            "</worksheet>", extension + "</worksheet>"
        )

        assert len(rows(xlsx(parts={"xl/worksheets/sheet1.xml": body}))) == 1

    def test_links_on_cells_are_harmless(self) -> None:
        links = external("hyperlink", "mailto:a@example.com")

        assert (
            len(
                rows(
                    xlsx(
                        HEADER_ROW + f"<row>{text_cells('a', '1')}</row>",
                        parts={"xl/worksheets/_rels/sheet1.xml.rels": links},
                    )
                )
            )
            == 1
        )

    def test_formatted_but_empty_rows_are_no_rows(self) -> None:
        styled = "".join(f'<row r="{n}"><c r="A{n}" s="0"/><c r="XFD{n}" s="0"/></row>' for n in range(3, 1_000))

        assert len(rows(xlsx(HEADER_ROW + f'<row r="2">{text_cells("a", "1")}</row>' + styled), Caps(rows=1))) == 1

    def test_old_workbooks_are_read_alike(self) -> None:
        cells = build.label(0, 0, "파트너 아이디") + build.label(0, 1, "정산 금액")
        cells += build.label(2, 0, "seller-1") + build.number(2, 1, 1_234)

        reader = read(xls(cells))
        assert reader.form == "xls"
        assert list(reader) == [(3, {"partner": "seller-1", "amount": Decimal(1_234)})]


BOMB = xlsx(HEADER_ROW, parts={"xl/media/zeros.bin": b"\0" * 3_000_000})
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
FORMULA = '<row r="2"><c r="A2" t="str"><f>1+1</f><v>2</v></c></row>'
DTD = '<!DOCTYPE w [<!ENTITY a "b">]>' + sheet_xml(HEADER_ROW)
PREFIXED = (
    f'<x:worksheet xmlns:x="{build.MAIN[1:-1]}"><x:sheetData><x:row><x:c r="C9"><x:f>1</x:f></x:c></x:row>'
    "</x:sheetData></x:worksheet>"
)
FAR = '<row r="1048576"><c r="A1048576"><v>1</v></c></row>'


def doubled() -> io.BytesIO:
    return zipped({"xl/workbook.xml": "", "a.xml": "1", "A.XML": "2"})


def damaged() -> bytes:
    content = bytearray(xlsx(HEADER_ROW + f"<row>{text_cells('a' * 500, '1')}</row>").getvalue())
    at = content.index(b"xl/worksheets/sheet1.xml") + 60
    content[at : at + 8] = b"\xff" * 8
    return bytes(content)


def lying() -> bytes:
    """Return a workbook whose directory states a tenth of the true size of its sheet."""
    content = bytearray(xlsx(HEADER_ROW + f"<row>{text_cells('가' * 5_000, '1')}</row>").getvalue())
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(b"xl/worksheets/sheet1.xml"))
    content[entry + 24 : entry + 28] = (1_500).to_bytes(4, "little")
    return bytes(content)


CORPUS: dict[str, tuple[str | bytes | io.BytesIO, str, str]] = {
    "nothing": (b"", "empty", "파일이 비어 있어요."),
    "blank": ("\n \n", "no_header", "제목 줄을 찾을 수 없어요. 첫 줄에 열 이름을 넣어 주세요."),
    "picture": (PNG, "unknown_type", "CSV, TXT, XLSX, XLS 파일만 올릴 수 있어요."),
    "pdf": (b"%PDF-1.7\n%", "unknown_type", REASONS["unknown_type"]),
    "web page": (
        b"\xef\xbb\xbf\r\n<html><table><tr><td>1",
        "web_page",
        "웹 페이지를 엑셀 이름으로 저장한 파일이에요. 엑셀에서 연 뒤 XLSX로 다시 저장해 주세요.",
    ),
    "old xml": (b'<?xml version="1.0"?><Workbook>', "web_page", REASONS["web_page"]),
    "neither utf-8 nor cp949": (
        HEADER.encode() + b"a,1,,\xc7\xff\n",
        "encoding",
        "글자 인코딩을 알 수 없어요. CSV UTF-8 형식으로 다시 저장해 주세요.",
    ),
    "utf-8 cut in a letter": (GOOD.encode()[:-2] + b"\xff", "encoding", REASONS["encoding"]),
    "bom of utf-16, odd length": (b"\xff\xfe" + GOOD.encode("utf-16-le")[:-1], "encoding", REASONS["encoding"]),
    "utf-32": (b"\xff\xfe\0\0" + GOOD.encode("utf-32-le"), "encoding", REASONS["encoding"]),
    "nul in text": (GOOD.encode() + b"b,1,,\0\n", "encoding", REASONS["encoding"]),
    "quote that never closes": (
        GOOD + 'b,1,,"가\n' + "c,1,,\n" * 9,
        "quoting",
        "따옴표가 맞지 않아요. 이 줄의 큰따옴표를 확인해 주세요.",
    ),
    "quote within a word": (GOOD + 'b,1,,"가"나\n', "quoting", REASONS["quoting"]),
    "endless cell": (HEADER + 'b,1,,"' + "가" * 200_000, "quoting", REASONS["quoting"]),
    "header of other things": (
        "날짜,출금\n1,2\n",
        "header_unknown",
        "‘날짜’ 열은 쓰이지 않아요. 지우고 다시 올려 주세요.",
    ),
    "too wide": (
        ",".join(f"열{n}" for n in range(101)) + "\n",
        "too_many_columns",
        "열이 너무 많아요. 100열까지 올릴 수 있어요.",
    ),
    "zip that is none": (
        b"PK\x03\x04" + b"x" * 100,
        "broken",
        "파일이 손상되어 열 수 없어요. 엑셀에서 다시 저장해 주세요.",
    ),
    "zip of something else": (zipped({"word/document.xml": "<a/>"}), "unknown_type", REASONS["unknown_type"]),
    "binary workbook": (
        zipped({"xl/workbook.bin": b"1", "xl/workbook.xml": b"<a/>"}),
        "unknown_type",
        REASONS["unknown_type"],
    ),
    "bomb": (BOMB, "ratio", "지나치게 압축된 파일이라 읽을 수 없어요. 엑셀에서 다시 저장해 주세요."),
    "too many parts": (
        zipped({f"{n}.xml": "1" for n in range(201)}),
        "too_many_parts",
        "압축된 파일 안의 파일이 너무 많아요. 200개까지 읽을 수 있어요.",
    ),
    "doubled part": (
        doubled(),
        "doubled_part",
        "압축된 파일 안에 이름이 같은 파일이 있어요(A.XML). 엑셀에서 다시 저장해 주세요.",
    ),
    "damaged part": (damaged(), "broken", REASONS["broken"]),
    "size that is a lie": (lying(), "broken", REASONS["broken"]),
    "dtd": (
        xlsx(parts={"xl/worksheets/sheet1.xml": DTD}),
        "dtd",
        "파일 안에 DTD 선언이 있어 읽을 수 없어요(xl/worksheets/sheet1.xml). 엑셀에서 다시 저장해 주세요.",
    ),
    "dtd behind a long comment": (
        xlsx(parts={"xl/worksheets/sheet1.xml": "<!--" + "".join(map(str, range(300_000))) + "-->" + DTD}),
        "dtd",
        "파일 안에 DTD 선언이 있어 읽을 수 없어요(xl/worksheets/sheet1.xml). 엑셀에서 다시 저장해 주세요.",
    ),
    "dtd in utf-16": (xlsx(parts={"xl/worksheets/sheet1.xml": DTD.encode("utf-16")}), "broken", REASONS["broken"]),
    "declared as utf-7": (
        xlsx(parts={"xl/worksheets/sheet1.xml": '<?xml version="1.0" encoding="UTF-7"?>' + sheet_xml(HEADER_ROW)}),
        "broken",
        REASONS["broken"],
    ),
    "macro": (
        xlsx(HEADER_ROW, parts={"xl/vbaProject.bin": b"1"}),
        "macro",
        "매크로가 든 파일은 읽을 수 없어요. XLSX로 다시 저장해 주세요.",
    ),
    "macro by its type": (
        xlsx(HEADER_ROW, parts={"[Content_Types].xml": "<Types a='sheet.macroEnabled.main+xml'/>"}),
        "macro",
        REASONS["macro"],
    ),
    "other workbook": (
        xlsx(HEADER_ROW, parts={"xl/externalLinks/externalLink1.xml": "<a/>"}),
        "external_link",
        "다른 파일을 참조하는 연결이 있어요. 연결을 끊고 값만 남겨 주세요.",
    ),
    "query to elsewhere": (
        xlsx(HEADER_ROW, parts={"xl/worksheets/_rels/sheet1.xml.rels": external("queryTable", "http://example.com")}),
        "external_link",
        REASONS["external_link"],
    ),
    "formula": (xlsx(HEADER_ROW + FORMULA), "formula", "A2 칸에 수식이 있어요. 값만 붙여 넣어 주세요."),
    "formula without an address": (
        xlsx(HEADER_ROW + '<row><c/><c t="str"><f>NOW()</f><v>1</v></c></row>'),
        "formula",
        "B2 칸에 수식이 있어요. 값만 붙여 넣어 주세요.",
    ),
    "formula under a prefix": (
        xlsx(parts={"xl/worksheets/sheet1.xml": PREFIXED}),
        "formula",
        "C9 칸에 수식이 있어요. 값만 붙여 넣어 주세요.",
    ),
    "error value": (
        xlsx(HEADER_ROW + '<row r="5"><c r="B5" t="e"><v>#REF!</v></c></row>'),
        "error_value",
        "B5 칸의 값이 엑셀 오류예요. 값을 고쳐 주세요.",
    ),
    "a value in the last row": (
        xlsx(HEADER_ROW + FAR.replace("A1048576", "CV1048576")),
        "too_many_cells",
        "시트가 너무 넓어요. 빈 행과 빈 열을 지우고 다시 올려 주세요.",
    ),
    "a value in the last column": (
        xlsx(HEADER_ROW + '<row><c r="xfd2"><v>1</v></c></row>'),
        "too_many_columns",
        "열이 너무 많아요. 100열까지 올릴 수 있어요.",
    ),
    "an address beyond the sheet": (
        xlsx(HEADER_ROW + '<row><c r="A99999999"><v>1</v></c></row>'),
        "broken",
        REASONS["broken"],
    ),
    "all sheets hidden": (xlsx(HEADER_ROW, state="veryHidden"), "no_sheet", "보이는 시트가 없어요."),
    "sheet cut off": (
        xlsx(parts={"xl/worksheets/sheet1.xml": "<worksheet><sheetData><row>"}),
        "broken",
        REASONS["broken"],
    ),
    "workbook that names no sheet part": (
        xlsx(parts={"xl/_rels/workbook.xml.rels": "<Relationships/>"}),
        "broken",
        REASONS["broken"],
    ),
    "shared text that is not there": (
        xlsx(HEADER_ROW + '<row><c t="s"><v>9</v></c></row>'),
        "broken",
        REASONS["broken"],
    ),
    "xlsx under a password": (
        build.compound({"EncryptedPackage": b"\0" * 4096}),
        "password",
        "암호가 걸린 파일이에요. 암호를 풀고 다시 올려 주세요.",
    ),
    "other compound file": (build.compound({"WordDocument": b"\0" * 4096}), "unknown_type", REASONS["unknown_type"]),
    "compound file cut off": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "broken", REASONS["broken"]),
    "xls under a password": (xls(b"", before=build.record(0x002F, b"\0" * 6)), "password", REASONS["password"]),
    "xls with macros": (xls(b"", entries=["_VBA_PROJECT_CUR"]), "macro", REASONS["macro"]),
    "xls with a formula": (
        xls(build.label(0, 0, "a") + build.formula(6, 2)),
        "formula",
        "C7 칸에 수식이 있어요. 값만 붙여 넣어 주세요.",
    ),
    "xls with an error": (xls(build.error_value(3, 1)), "error_value", "B4 칸의 값이 엑셀 오류예요. 값을 고쳐 주세요."),
    "xls with a macro sheet": (xls(b"", sheet_kind=1), "no_sheet", REASONS["no_sheet"]),
    "xls that kills its reader": (xls(build.label(0, 0, "a"), last_row=0xFFFFFF00), "broken", REASONS["broken"]),
    "xls with a circle of sectors": (build.circle(), "broken", REASONS["broken"]),
    "xls that is too wide": (
        xls(build.number(0, 100, 1)),
        "too_many_columns",
        REASONS["too_many_columns"] % {"limit": 100},
    ),
}


class TestBrokenFiles:
    @pytest.mark.parametrize("name", CORPUS)
    def test_each_is_refused_with_its_sentence(self, name: str) -> None:
        content, code, sentence = CORPUS[name]

        first = refusals(content)[0]

        assert (first.code, first.text()) == (code, sentence)

    def test_an_unclosed_quote_names_its_row(self) -> None:
        assert refusals(GOOD + 'b,1,,"가"나\n')[0].row == 3

    def test_caps(self) -> None:
        assert codes(GOOD, Caps(file_bytes=10)) == ["too_large"]
        assert codes(HEADER + "a,1,,\n" * 6, Caps(rows=5)) == ["too_many_rows"]
        assert codes(xlsx(HEADER_ROW + f"<row>{text_cells('a', '1')}</row>" * 6), Caps(rows=5)) == ["too_many_rows"]
        assert codes(xlsx(HEADER_ROW * 1), Caps(zip=ZipLimits(expanded_bytes=500))) == ["expanded_too_large"]
        assert len(rows(HEADER + "a,1,,\n" * 5, Caps(rows=5))) == 5
        assert len(rows(xlsx(HEADER_ROW + f"<row>{text_cells('a', '1')}</row>" * 5), Caps(rows=5))) == 5

    def test_every_reason_can_be_filled_in_from_korean_and_no_two_are_alike(self) -> None:
        assert len(set(REASONS.values())) == len(REASONS)
        assert all(sentence.endswith(".") for sentence in REASONS.values())
