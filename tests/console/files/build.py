"""
Files as people, programs and attackers make them, built byte by byte; and a strict reader.

The reader knows the standard and nothing else, and asserts what Excel would want to repair.
"""

# ruff: noqa: S314 - the XML read here is what the writers under test have just made

import io
import re
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
Parts = Mapping[str, str] | Mapping[str, bytes] | Mapping[str, str | bytes]
_ORDER = ["sheetViews", "cols", "sheetData", "autoFilter"]  # of a sheet's parts, as the schema demands


# A third reader: nothing but the standard.


@dataclass
class StrictSheet:
    """What the XML of a sheet says: cells by row number, the style of each, and what surrounds them."""

    title: str
    rows: dict[int, list[str | None]] = field(default_factory=dict)
    styles: dict[int, list[int]] = field(default_factory=dict)
    filtered: str = ""


def read_strictly(file: io.BytesIO) -> tuple[list[StrictSheet], list[str]]:
    """Return the sheets and the number formats by style; assert what Excel would repair or refuse."""
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == "[Content_Types].xml"
        styles = ET.fromstring(archive.read("xl/styles.xml"))
        names = {f.get("numFmtId"): f.get("formatCode", "") for f in styles.iter(f"{MAIN}numFmt")}
        xfs = styles.find(f"{MAIN}cellXfs")
        assert xfs is not None
        assert int(xfs.get("count", "0")) == len(xfs)
        formats = [names.get(xf.get("numFmtId"), "General") for xf in xfs]
        relations = {
            r.get("Id"): r.get("Target", "") for r in ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        }
        sheets = [
            _strict_sheet(
                sheet.get("name", ""), archive.read("xl/" + relations[sheet.get(f"{{{RELATION}}}id")]), formats
            )
            for sheet in ET.fromstring(archive.read("xl/workbook.xml")).iter(f"{MAIN}sheet")
        ]
    return sheets, formats


def _strict_sheet(title: str, xml: bytes, formats: list[str]) -> StrictSheet:
    assert 0 < len(title) <= 31
    root = ET.fromstring(xml)
    tags = [child.tag.removeprefix(MAIN) for child in root]
    assert tags == [tag for tag in _ORDER if tag in tags]
    sheet = StrictSheet(title)
    last = 0
    for row in root.iter(f"{MAIN}row"):
        number = int(row.get("r", str(last + 1)))
        assert number > last
        last = number
        sheet.rows[number] = [_strict_value(cell) for cell in row]
        sheet.styles[number] = [int(cell.get("s", "0")) for cell in row]
        assert all(style < len(formats) for style in sheet.styles[number])
    reach = root.find(f"{MAIN}autoFilter")
    sheet.filtered = reach.get("ref", "") if reach is not None else ""
    return sheet


def _strict_value(cell: ET.Element) -> str | None:
    assert cell.find(f"{MAIN}f") is None
    if cell.get("t") == "inlineStr":
        text = cell.find(f"{MAIN}is/{MAIN}t")
        assert text is not None
        shown = text.text or ""
        if shown != shown.strip(" \t\n"):
            assert text.get("{http://www.w3.org/XML/1998/namespace}space") == "preserve"
        return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), shown)
    value = cell.find(f"{MAIN}v")
    return value.text if value is not None else None


# Workbooks with anything in them.


def sheet_xml(rows: str) -> str:
    return f'<worksheet xmlns="{MAIN[1:-1]}"><sheetData>{rows}</sheetData></worksheet>'


def text_cells(*texts: str) -> str:
    return "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)


def xlsx(rows: str = "", *, parts: Parts | None = None, state: str = "visible") -> io.BytesIO:
    """Return a workbook with these rows on its one sheet, and with other parts put in or replaced."""
    content: dict[str, str | bytes] = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": _relations(("officeDocument", "xl/workbook.xml", "")),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN[1:-1]}" xmlns:r="{RELATION}"><sheets>'
        f'<sheet name="Sheet1" sheetId="1" state="{state}" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relations(("worksheet", "worksheets/sheet1.xml", "")),
        "xl/worksheets/sheet1.xml": sheet_xml(rows),
    }
    return zipped(content | dict(parts or {}))


def _relations(*targets: tuple[str, str, str]) -> str:
    entries = "".join(
        f'<Relationship Id="rId{n}" Type="{RELATION}/{kind}" Target="{target}"{mode}/>'
        for n, (kind, target, mode) in enumerate(targets, start=1)
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{entries}</Relationships>'
    )


def external(kind: str, target: str) -> str:
    return _relations((kind, target, ' TargetMode="External"'))


def zipped(content: Parts) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in content.items():
            archive.writestr(name, part)
    file.seek(0)
    return file


# Old workbooks: BIFF8 records in a compound file.


def record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def label(row: int, column: int, text: str) -> bytes:
    return record(0x0204, struct.pack("<HHHHB", row, column, 0, len(text), 1) + text.encode("utf-16-le"))


def number(row: int, column: int, value: float) -> bytes:
    return record(0x0203, struct.pack("<HHHd", row, column, 0, value))


def formula(row: int, column: int) -> bytes:
    return record(0x0006, struct.pack("<HHHdHLH", row, column, 0, 2.0, 0, 0, 3) + b"\x1e\x01\x00")


def error_value(row: int, column: int) -> bytes:
    return record(0x0205, struct.pack("<HHHBB", row, column, 0, 0x2A, 1))


def xls(
    cells: bytes, *, before: bytes = b"", entries: Sequence[str] = (), sheet_kind: int = 0, last_row: int = 100
) -> io.BytesIO:
    """Return an XLS with these cell records on its one sheet; `before` goes into the workbook's own records."""
    bof = struct.pack("<HHHHLL", 0x0600, 0x0005, 0, 0, 0, 0)
    name = b"\x06\x00Sheet1"
    start = len(record(0x0809, bof)) + len(before) + len(record(0x0085, b"\0" * 6 + name)) + len(record(0x000A))
    book = (
        record(0x0809, bof) + before + record(0x0085, struct.pack("<LBB", start, 0, sheet_kind) + name) + record(0x000A)
    )
    dimensions = record(0x0200, struct.pack("<LLHHH", 0, last_row, 0, 10, 0))
    sheet = record(0x0809, struct.pack("<HHHHLL", 0x0600, 0x0010, 0, 0, 0, 0)) + dimensions + cells + record(0x000A)
    return io.BytesIO(compound({"Workbook": (book + sheet).ljust(4096, b"\0")}, entries))


def compound(streams: Mapping[str, bytes], empty_entries: Sequence[str] = ()) -> bytes:
    """Return a compound file with these streams, each of at least 4,096 bytes, and entries without content."""
    free, end, fat_mark = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    sectors: list[bytes] = []
    fat: list[int] = []

    def add(content: bytes) -> int:
        first = len(sectors)
        pieces = [content[at : at + 512].ljust(512, b"\0") for at in range(0, len(content), 512)]
        sectors.extend(pieces)
        fat.extend([*range(first + 1, first + len(pieces)), end])
        return first

    def entry(name: str, kind: int, first: int, size: int) -> bytes:
        title = (name + "\0").encode("utf-16-le")
        head = title.ljust(64, b"\0") + struct.pack("<HBB", len(title), kind, 1)
        return (
            head
            + struct.pack("<LLL", free, free, 1 if kind == 5 else free)
            + b"\0" * 36
            + struct.pack("<LQ", first, size)
        )

    directory = entry("Root Entry", 5, end, 0)
    for name, content in streams.items():
        directory += entry(name, 2, add(content), len(content))
    for name in empty_entries:
        directory += entry(name, 1, 0, 0)
    start = add(directory.ljust((len(directory) + 511) // 512 * 512, b"\0"))
    fat_count = (len(fat) + 1) // 128 + 1
    fat_places = range(len(sectors), len(sectors) + fat_count)
    fat += [fat_mark] * fat_count
    table = struct.pack(f"<{len(fat)}L", *fat).ljust(fat_count * 512, b"\xff")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<LLLLLLLLL", 0, fat_count, start, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109L", *[*fat_places, *[free] * (109 - fat_count)])
    return header + b"".join(sectors) + table


def circle() -> bytes:
    """Return a compound file whose directory comes after itself."""
    content = bytearray(compound({"Workbook": b"\0" * 4096}))
    start, table = int.from_bytes(content[48:52], "little"), int.from_bytes(content[76:80], "little")
    at = (table + 1) * 512 + start * 4
    content[at : at + 4] = start.to_bytes(4, "little")
    return bytes(content)
