"""What every XLSX of ours is made of besides its rows: styles, cells, and the workbook around the sheets."""

import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import TracebackType
from typing import IO, BinaryIO, Self
from xml.sax.saxutils import escape, quoteattr

from console.files.columns import (
    CONDITIONS_SHEET,
    NUMBER_FORMATS,
    TEXT_KINDS,
    Cell,
    Kind,
    SheetColumn,
    column_letters,
    in_seoul,
    kind_of,
    plain_number,
)

LONGEST_TEXT = 32_767  # UTF-16 units in one cell
SHORTEST_CUT = (LONGEST_TEXT - 1) // 2  # as many characters fit whatever they are
LONGEST_TITLE = 31
DAY_SECONDS = 86_400
EPOCH = date(1899, 12, 30)  # day 0 of a sheet, so that 1900-03-01 is day 61 as in Excel
RATE_EXPONENT = -5

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

# Styles. Every cell holds the number of its format, so the numbers are fixed: 0 plain, 1 bold, then one for each kind.

_BOLD = 1
STYLES: dict[Kind, int] = {kind: number for number, kind in enumerate(Kind, start=2)}
_FIRST_OWN_FORMAT = 164  # numbers below belong to Excel


def _styles() -> str:
    formats = "".join(
        f'<numFmt numFmtId="{_FIRST_OWN_FORMAT + number}" formatCode={quoteattr(NUMBER_FORMATS[kind])}/>'
        for kind, number in STYLES.items()
    )
    plain = '<xf numFmtId="0" fontId="0" fillId="0" borderId="0"'
    cells = "".join(
        plain.replace('"0"', f'"{_FIRST_OWN_FORMAT + number}"', 1) + ' xfId="0" applyNumberFormat="1"/>'
        for number in STYLES.values()
    )
    return (
        f'<styleSheet xmlns="{_MAIN}"><numFmts count="{len(STYLES)}">{formats}</numFmts>'
        '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        f'<cellStyleXfs count="1">{plain}/></cellStyleXfs>'
        f'<cellXfs count="{len(STYLES) + 2}">{plain} xfId="0"/>'
        f'<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>{cells}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


# Cells.

_NEEDS_CARE = re.compile(r"[&<>\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|_x|^\s|\s\Z")
_DROPPED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# Excel reads _x0041_ in a text as A; an escaped underscore in front keeps it as it was written.
LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_IN_TEXT = {"\t": "&#9;", "\n": "&#10;"}


def fitting_text(text: str) -> str:
    """
    Return the text as a cell can show it.

    Control characters go, except tabs and line breaks (all as line feeds). What is longer than a cell ends in ….
    """
    text = _DROPPED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    # Characters beyond the first plane count twice in Excel. Taking off all that the first 32,767 hold may cut a text
    # of emoji shorter than needed, and never leaves it too long; PostgreSQL can do the same.
    beyond = sum(c > "\uffff" for c in text[:LONGEST_TEXT])
    if len(text) + beyond <= LONGEST_TEXT:
        return text
    return text[: max(LONGEST_TEXT - 1 - beyond, SHORTEST_CUT)] + "…"


def _text_cell(text: str, style: int) -> str:
    start = f'<c t="inlineStr" s="{style}"><is><t'
    if len(text) <= LONGEST_TEXT // 2 and not _NEEDS_CARE.search(text):
        return f"{start}>{text}</t></is></c>"
    shown = LOOKS_ESCAPED.sub("_x005F_", escape(fitting_text(text), _IN_TEXT))
    return f'{start} xml:space="preserve">{shown}</t></is></c>'


def sheet_number(value: Cell, kind: Kind) -> str:
    """Return the number that a sheet holds for a value of any kind but text; another type is a TypeError."""
    if kind is Kind.MOMENT and isinstance(value, datetime):
        since = in_seoul(value) - datetime.combine(EPOCH, datetime.min.time())
        return repr(since.days + since.seconds / DAY_SECONDS)
    if kind is Kind.DATE and isinstance(value, date) and not isinstance(value, datetime):
        return str((value - EPOCH).days)
    if kind is Kind.RATE and isinstance(value, int):
        return plain_number(Decimal(value).scaleb(RATE_EXPONENT))
    if kind is Kind.DECIMAL and isinstance(value, Decimal):
        return plain_number(value)
    if kind not in (Kind.MOMENT, Kind.DATE, Kind.RATE) and isinstance(value, int):
        return str(value)
    raise TypeError(value)


def cell_xml(value: Cell, kind: Kind) -> str:
    """Return one cell without an address; None is an empty cell."""
    if value is None:
        return "<c/>"
    if kind in TEXT_KINDS:
        return _text_cell(str(value), STYLES[kind])
    return f'<c s="{STYLES[kind]}"><v>{sheet_number(value, kind)}</v></c>'


# Sheets and the workbook.


def sheet_start(columns: Sequence[SheetColumn]) -> str:
    """Return the sheet's XML up to its first data row: frozen bold header, widths."""
    widths = "".join(
        f'<col min="{number}" max="{number}" width="{column.shown_width}" customWidth="1"/>'
        for number, column in enumerate(columns, start=1)
    )
    headers = "".join(_text_cell(column.header, _BOLD) for column in columns)
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/><selection pane="bottomLeft"/>'
        f'</sheetView></sheetViews><cols>{widths}</cols><sheetData>\n<row r="1">{headers}</row>\n'
    )


def sheet_end(reach: str) -> str:
    """Return the end of a sheet's XML; `reach` is the range that the filter covers."""
    return f'</sheetData><autoFilter ref="{reach}"/></worksheet>'


def filter_reach(columns: Sequence[SheetColumn], rows: int, *, fixed: bool = False) -> str:
    """Return the range of header and rows, as A1:C8 or, fixed, as $A$1:$C$8."""
    mark = "$" if fixed else ""
    return f"{mark}A{mark}1:{mark}{column_letters(len(columns))}{mark}{rows + 1}"


def sheet_title(title: str, number: int = 1) -> str:
    r"""Return a title that Excel allows: up to 31 characters, none of []:*?/\, no ' at its ends; (2) on sheet 2."""
    clean = re.sub(r"[\[\]:*?/\\\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", " ", title).strip(" '") or "Sheet"
    mark = f" ({number})" if number > 1 else ""
    # Excel counts UTF-16 units here too, and a title cut in the middle of a pair would not be a title.
    room = (LONGEST_TITLE - len(mark)) * 2
    return clean.encode("utf-16-le")[:room].decode("utf-16-le", "ignore").strip(" '") + mark


class Workbook:
    """An XLSX file in the making. Leaving it without an exception writes what names the sheets."""

    def __init__(self, out: BinaryIO) -> None:
        """Begin the file with the parts that do not depend on the sheets."""
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._sheets: list[tuple[str, str]] = []
        # First, so that what sniffs a file by its beginning sees a workbook. How many sheets follow is not known yet,
        # therefore a sheet is what an XML part is unless it is named here.
        self._write(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="{_TYPE}.worksheet+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>',
        )
        self._write("_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")]))
        self._write("xl/styles.xml", _styles())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._write_names()
        self._zip.close()

    def open_sheet(self) -> IO[bytes]:
        """Return the part of the next sheet, to be written and closed before anything else is."""
        return self._zip.open(f"xl/worksheets/sheet{len(self._sheets) + 1}.xml", "w", force_zip64=True)

    def name_sheet(self, title: str, reach: str = "") -> None:
        """Give the sheet just written its title and, with its filter, the fixed range of it."""
        self._sheets.append((title, reach))

    def add_conditions(self, lines: Iterable[tuple[str, Cell]]) -> None:
        """Write the 조회조건 sheet: a label and a value a line."""
        rows = "".join(
            f'<row r="{number}">{_text_cell(label, _BOLD)}{cell_xml(value, kind_of(value))}</row>'
            for number, (label, value) in enumerate(lines, start=1)
        )
        with self.open_sheet() as part:
            part.write(
                f'{_XML}<worksheet xmlns="{_MAIN}"><cols><col min="1" max="1" width="20" customWidth="1"/>'
                '<col min="2" max="2" width="60" customWidth="1"/></cols>'
                f"<sheetData>{rows}</sheetData></worksheet>".encode()
            )
        self.name_sheet(CONDITIONS_SHEET)

    def _write_names(self) -> None:
        entries = "".join(
            f'<sheet name={quoteattr(title)} sheetId="{number}" r:id="rId{number}"/>'
            for number, (title, _reach) in enumerate(self._sheets, start=1)
        )
        filters = "".join(
            f'<definedName name="_xlnm._FilterDatabase" localSheetId="{number}" hidden="1">'
            f"{escape(_quoted(title))}!{reach}</definedName>"
            for number, (title, reach) in enumerate(self._sheets)
            if reach
        )
        self._write(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATION}"><bookViews><workbookView/></bookViews>'
            f"<sheets>{entries}</sheets><definedNames>{filters}</definedNames></workbook>",
        )
        targets = [("worksheet", f"worksheets/sheet{number}.xml") for number in range(1, len(self._sheets) + 1)]
        self._write("xl/_rels/workbook.xml.rels", _relations([*targets, ("styles", "styles.xml")]))

    def _write(self, name: str, content: str) -> None:
        with self._zip.open(name, "w") as part:
            part.write((_XML + content).encode())


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    entries = "".join(
        f'<Relationship Id="rId{number}" Type="{_RELATION}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{entries}</Relationships>'


def _quoted(title: str) -> str:
    return "'" + title.replace("'", "''") + "'"
