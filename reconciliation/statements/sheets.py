"""
The sheet in a bank's file as rows of raw cells, wherever its header stands: CSV in any encoding, XLSX and XLS.

Guarded as every upload is: size, zip, formulas and error values, before a reader loads anything.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from console.files.columns import GUIDE_SHEET
from console.files.errors import refused
from console.files.sheet_limits import Caps
from console.files.values import Raw
from console.files.workbook_read import chosen_sheet, open_workbook, workbook_rows
from console.files.xls_read import xls_rows
from console.files.xls_scan import MAGIC as XLS_MAGIC
from console.files.xlsx_scan import scan_sheet, sheet_part
from console.files.zip_guard import MEGABYTE, check_workbook, open_zip

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_WEB_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|table|meta|style)", re.IGNORECASE)
_BINARY = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DELIMITERS = (",", "\t", ";", "|")
_SAMPLE_CHARACTERS = 1 << 16
_SAMPLE_ROWS = 60
_SEPARATOR = re.compile(r"sep=(.)\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. `form` is csv, xlsx or xls; `names` the visible sheets of a workbook to choose from. Iterate once."""

    form: str
    rows: Iterator[tuple[int, list[Raw]]]
    encoding: str = ""
    delimiter: str = ""
    names: tuple[str, ...] = ()
    name: str = ""


def open_sheet(body: bytes, *, name: str = "", caps: Caps | None = None) -> Sheet:
    """
    Return the sheet with this name, the first visible one without it. Raises SheetRefused, also while iterating.

    Of an old workbook (XLS) only the first visible sheet can be read.
    """
    caps = caps or Caps()
    if not body.strip():
        raise refused("empty")
    if len(body) > caps.file_bytes:
        raise refused("too_large", limit=caps.file_bytes // MEGABYTE)
    if body.startswith(_ZIP):
        return _xlsx(body, name, caps)
    if body.startswith(XLS_MAGIC):
        return Sheet("xls", xls_rows(body, caps))
    if _WEB_PAGE.match(body):
        raise refused("web_page")
    if body.startswith(_BINARY):
        raise refused("unknown_type")
    return _csv(body, caps)


def is_workbook(body: bytes) -> bool:
    """Say whether a file is a workbook rather than text."""
    return body.startswith((*_ZIP, XLS_MAGIC))


def _xlsx(body: bytes, wanted: str, caps: Caps) -> Sheet:
    file = io.BytesIO(body)
    with open_zip(file, caps.zip) as archive:
        parts = archive.namelist()
        if "xl/workbook.bin" in parts or "xl/workbook.xml" not in parts:
            raise refused("unknown_type")
        check_workbook(archive)
        workbook = open_workbook(file)
        names = _visible(workbook)
        name = wanted if wanted in names else chosen_sheet(workbook)[0]
        scan_sheet(archive, sheet_part(archive, name), caps)
    return Sheet("xlsx", workbook_rows(workbook, name), names=names, name=name)


def _visible(workbook: CalamineWorkbook) -> tuple[str, ...]:
    return tuple(
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible
        and sheet.typ == SheetTypeEnum.WorkSheet
        and sheet.name != GUIDE_SHEET
    )


def _csv(body: bytes, caps: Caps) -> Sheet:
    encoding, text = _decoded(body)
    delimiter = _delimiter(text[:_SAMPLE_CHARACTERS])
    return Sheet("csv", _records(text, delimiter, caps), encoding=encoding, delimiter=delimiter)


def _decoded(body: bytes) -> tuple[str, str]:
    """Return encoding and text, decoded whole and without a single replacement, else refuse."""
    for encoding in _encodings(body):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return encoding, text
    raise refused("encoding")


def _encodings(body: bytes) -> tuple[str, ...]:
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return (encoding,)
    head = body[:4096]
    if b"\0" in head:
        # Of two bytes, the zero comes after a digit or comma in little endian, before it in big endian.
        return ("utf-16-le",) if head[1::2].count(0) >= head[0::2].count(0) else ("utf-16-be",)
    return ("utf-8", "cp949")


def _delimiter(sample: str) -> str:
    """Return what parts the most rows into equally many cells, or what a first line `sep=;` says."""
    named = _SEPARATOR.match(sample.partition("\n")[0])
    if named and named[1] in _DELIMITERS:
        return named[1]

    def worth(delimiter: str) -> tuple[int, int]:
        widths = Counter(len(cells) for cells in _sampled(sample, delimiter) if len(cells) > 1)
        width, count = max(widths.items(), key=lambda found: (found[1], found[0]), default=(0, 0))
        return count, width

    return max(_DELIMITERS, key=worth)


def _sampled(sample: str, delimiter: str) -> list[list[str]]:
    try:
        return list(islice(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter), _SAMPLE_ROWS))
    except csv.Error:
        return []


def _records(text: str, delimiter: str, caps: Caps) -> Iterator[tuple[int, list[Raw]]]:
    """Yield the records with the numbers that Excel shows. Quoting that does not add up refuses the file by its row."""
    records = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = filled = 0
    while True:
        number += 1
        try:
            record = next(records)
        except StopIteration:
            return
        except csv.Error:
            raise refused("quoting", row=number) from None
        if number == 1 and _SEPARATOR.match(delimiter.join(record)):
            continue
        filled += any(record)
        if filled > caps.rows + _SAMPLE_ROWS:
            raise refused("too_many_rows", limit=caps.rows)
        if len(record) > caps.columns and any(record[caps.columns :]):
            raise refused("too_many_columns", limit=caps.columns)
        if any(len(cell) > caps.characters for cell in record):
            raise refused("cell_too_long", row=number, limit=caps.characters)
        yield number, list(record)
