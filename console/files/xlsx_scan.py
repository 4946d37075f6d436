"""A pass over the XML of one sheet before it is loaded: formulas, error values, and how far its cells reach."""

import zipfile
from collections.abc import Mapping
from posixpath import join, normpath
from xml.parsers import expat

from console.files.columns import column_number
from console.files.errors import refused
from console.files.sheet_limits import Caps, CellCount, address
from console.files.zip_guard import blocks, read_xml

_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_VALUES = ("v", "is", "f")
_DIGITS = "0123456789"


def sheet_part(archive: zipfile.ZipFile, sheet_name: str) -> str:
    """Return the name of the part that holds the sheet; refused as broken where the workbook names none."""
    parts = set(archive.namelist())
    if _WORKBOOK not in parts or _RELATIONS not in parts:
        raise refused("broken")
    ids = {
        element.get("name"): next((value for key, value in element.attrib.items() if key.endswith("}id")), None)
        for element in read_xml(archive, _WORKBOOK).iter()
        if element.tag.rpartition("}")[2] == "sheet"
    }
    targets = {relation.get("Id"): relation.get("Target", "") for relation in read_xml(archive, _RELATIONS)}
    target = targets.get(ids.get(sheet_name), "")
    part = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
    if part not in parts:
        raise refused("broken")
    return part


def scan_sheet(archive: zipfile.ZipFile, part: str, caps: Caps) -> None:
    """
    Parse the sheet once, keeping nothing.

    Refused as formula or error_value with the cell's address, as too_many_rows, _columns or _cells, or as broken.
    """
    scan = _Scan(caps)
    parser = expat.ParserCreate()
    parser.StartElementHandler = scan.start
    try:
        for block in blocks(archive, part):
            parser.Parse(block)
        parser.Parse(b"", True)
    except expat.ExpatError:
        raise refused("broken") from None
    scan.count.check_rectangle()


class _Scan:
    """Follows row and cell elements as the reader will: an address where there is one, else the next place."""

    def __init__(self, caps: Caps) -> None:
        self.count = CellCount(caps)
        self._row = self._column = 0
        self._type = ""
        self._extension = False
        self._numbers: dict[str, int] = {}

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        tag = name.rpartition(":")[2] if ":" in name else name
        if tag == "c":
            self._cell(attributes)
        elif tag in _VALUES:
            self._value(tag)
        elif tag == "row":
            self._row = _whole(attributes["r"]) if "r" in attributes else self._row + 1
            self._column = 0
        elif tag == "extLst":
            self._extension = True  # conditional formats and sparklines name cells in an <f> of their own

    def _cell(self, attributes: Mapping[str, str]) -> None:
        self._type = attributes.get("t", "")
        self._extension = False
        place = attributes.get("r")
        if place is None:
            self._column += 1
            return
        letters = place.rstrip(_DIGITS)
        if letters not in self._numbers:
            self._numbers[letters] = _number_of(letters)
        self._column = self._numbers[letters]
        self._row = _whole(place[len(letters) :])

    def _value(self, tag: str) -> None:
        if tag == "f":
            if self._extension:
                return
            raise refused("formula", cell=address(self._row, self._column))
        if self._type == "e":
            raise refused("error_value", cell=address(self._row, self._column))
        self.count.add(self._row, self._column)


def _number_of(letters: str) -> int:
    if not (letters.isascii() and letters.isalpha() and len(letters) <= 3):  # noqa: PLR2004 - XFD is the last column
        raise refused("broken")
    return column_number(letters)


def _whole(digits: str) -> int:
    if not (digits.isascii() and digits.isdecimal() and 0 < len(digits) <= 7):  # noqa: PLR2004 - 1048576 is the last row
        raise refused("broken")
    return int(digits)
