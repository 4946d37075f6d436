"""
A pass over an old workbook (XLS) before it is loaded: password, macros, formulas, error values, reach of its cells.

An XLS is a compound file: sectors chained by a table (FAT), small streams in sectors of 64 bytes inside another stream.
Its workbook stream is a row of records: two bytes of kind, two of length, then the content.
"""

import struct
from collections.abc import Iterator

from console.files.errors import refused
from console.files.sheet_limits import Caps, CellCount, address

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER_BYTES = 512
_DIFAT_IN_HEADER = 109
_ENTRY_BYTES = 128
_END_OF_CHAIN = 0xFFFFFFFA  # this and all above it name no sector
_ROOT, _STREAM = 5, 2

_BOF, _EOF, _FILEPASS, _BOUNDSHEET = 0x0809, 0x000A, 0x002F, 0x0085
_FORMULA, _BOOLEAN_OR_ERROR, _NUMBERS = 0x0006, 0x0205, 0x00BD
_VALUES = (0x00FD, 0x0203, 0x027E, 0x0204, 0x00D6, _BOOLEAN_OR_ERROR, _NUMBERS)  # text, numbers, text with runs


def scan_workbook(content: bytes, sheet_number: int, caps: Caps) -> None:
    """
    Look through the sheet with this number (from 0, in workbook order) and refuse what must not be loaded.

    Refused as password, macro, formula or error_value with the address, too_many_…, or broken.
    """
    try:
        stream = _workbook_stream(content)
        _scan_sheet(stream, _sheet_offsets(stream)[sheet_number], caps)
    except (struct.error, IndexError):
        raise refused("broken") from None


def check_container(content: bytes) -> None:
    """Refuse a compound file that holds a workbook under a password, macros, or no workbook: before any reader."""
    try:
        names = {name for name, *_rest in _entries(_Container(content))}
    except (struct.error, IndexError):
        raise refused("broken") from None
    if "encryptedpackage" in names:
        raise refused("password")
    if "_vba_project_cur" in names or "vba" in names:
        raise refused("macro")
    if not names & {"workbook", "book"}:
        raise refused("unknown_type")


class _Container:
    """The sectors of a compound file and the chains through them."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        shift, self.mini_shift = struct.unpack_from("<HH", content, 30)
        if shift not in (9, 12) or self.mini_shift > shift:
            raise refused("broken")
        self.sector_bytes = 1 << shift
        self.directory, self.mini_cutoff, self.mini_fat_start = struct.unpack_from("<L4xLL", content, 48)
        self.fat = self._fat()

    def sector(self, number: int) -> bytes:
        start = (number + 1) * self.sector_bytes
        return self.content[start : start + self.sector_bytes]

    def chain(self, start: int) -> bytes:
        return b"".join(self.sector(number) for number in _followed(start, self.fat))

    def _fat(self) -> list[int]:
        numbers = list(struct.unpack_from(f"<{_DIFAT_IN_HEADER}L", self.content, 76))
        extra = struct.unpack_from("<L", self.content, 68)[0]
        seen = 0
        while extra < _END_OF_CHAIN:
            words = _words(self.sector(extra))
            numbers += words[:-1]
            extra = words[-1]
            seen += 1
            if seen > len(self.content) // self.sector_bytes:
                raise refused("broken")
        fat: list[int] = []
        for number in numbers:
            if number < _END_OF_CHAIN:
                fat += _words(self.sector(number))
        return fat


def _words(sector: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(sector) // 4}L", sector[: len(sector) // 4 * 4]))


def _followed(start: int, table: list[int]) -> Iterator[int]:
    """Yield the sectors of a chain; one that runs in a circle is refused."""
    for _step in range(len(table) + 1):
        if start >= _END_OF_CHAIN:
            return
        yield start
        start = table[start]
    raise refused("broken")


def _entries(container: _Container) -> Iterator[tuple[str, int, int, int]]:
    """Yield name (small letters), kind, first sector and size of every entry of the directory."""
    directory = container.chain(container.directory)
    for start in range(0, len(directory) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        length, kind = struct.unpack_from("<HB", directory, start + 64)
        name = directory[start : start + max(0, min(length, 64) - 2)].decode("utf-16-le", "ignore")
        sector, size = struct.unpack_from("<LL", directory, start + 116)
        yield name.lower(), kind, sector, size


def _workbook_stream(content: bytes) -> bytes:
    container = _Container(content)
    entries = list(_entries(container))
    root = next((entry for entry in entries if entry[1] == _ROOT), None)
    book = next((entry for entry in entries if entry[1] == _STREAM and entry[0] in ("workbook", "book")), None)
    if book is None or root is None:
        raise refused("broken")
    _name, _kind, start, size = book
    if size >= container.mini_cutoff:
        return container.chain(start)[:size]
    small = container.chain(root[2])
    table = _words(container.chain(container.mini_fat_start))
    width = 1 << container.mini_shift
    return b"".join(small[number * width : (number + 1) * width] for number in _followed(start, table))[:size]


def _records(stream: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    while start + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, start)
        yield kind, stream[start + 4 : start + 4 + length]
        start += 4 + length


def _sheet_offsets(stream: bytes) -> list[int]:
    """Return where each sheet begins, in workbook order."""
    offsets: list[int] = []
    for kind, content in _records(stream, 0):
        if kind == _FILEPASS:
            raise refused("password")
        if kind == _BOUNDSHEET:
            offset, _visibility, sheet_kind = struct.unpack_from("<LBB", content)
            if sheet_kind in (1, 6):
                raise refused("macro")
            offsets.append(offset)
        if kind == _EOF:
            break
    return offsets


def _scan_sheet(stream: bytes, start: int, caps: Caps) -> None:
    count = CellCount(caps)
    depth = 0  # charts inside a sheet have a beginning and an end of their own
    for kind, content in _records(stream, start):
        if kind == _BOF:
            depth += 1
        elif kind == _EOF:
            depth -= 1
            if depth == 0:
                break
        elif kind == _FORMULA or kind in _VALUES:
            row, column = struct.unpack_from("<HH", content)
            _check_cell(kind, content, address(row + 1, column + 1))
            last = struct.unpack_from("<H", content, len(content) - 2)[0] if kind == _NUMBERS else column
            count.add(row + 1, last + 1)
    count.check_rectangle()


def _check_cell(kind: int, content: bytes, cell: str) -> None:
    if kind == _FORMULA:
        raise refused("formula", cell=cell)
    if kind == _BOOLEAN_OR_ERROR and content[7]:
        raise refused("error_value", cell=cell)
