"""
A look at a zip before anything opens it: how much it expands to, and what a workbook must not bring along.

Nothing that the archive says about itself is trusted: every part is read once, so a wrong size or checksum refuses.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from xml.etree import ElementTree as ET

from console.files.errors import refused

MEGABYTE = 1_000_000
_BLOCK = 1 << 20
_END = b"PK\x05\x06"
_END_BYTES = 22
_LONGEST_COMMENT = 65_535
_ZIP64_LOCATOR = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES = 20
_DIRECTORY_BYTES_PER_PART = 1024
_LARGEST_SMALL_PART = 16 * _BLOCK  # the relations of a sheet with as many links as Excel allows are 10 MB
_SMALL_PART = 1_000_000  # below this a high ratio does no harm: a blank sheet compresses well
_ENCRYPTED = 0x1
_IN_ZIP64_RECORD = 0xFFFFFFFF
_XML = (".xml", ".rels")
_NOT_READ_BY_US = ("xl/media/", "docprops/thumbnail")
_MACROS = re.compile(r"vbaproject\.bin$|^xl/(?:macrosheets|dialogsheets|activex)/")
_PROLOG = re.compile(rb"""(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""")
_UTF8_NAMES = (b"utf-8", b"utf8", b"us-ascii")
_OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff", b"\x00<", b"<\x00", b"\x00\x00", b"Lo\xa7\x94")
_DECLARATIONS = (b"<!DOCTYPE", b"<!ENTITY")
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, ValueError)


@dataclass(frozen=True, slots=True)
class ZipLimits:
    """How much a zip may hold: parts, bytes after expansion, and expanded over packed size."""

    parts: int = 200
    expanded_bytes: int = 500 * MEGABYTE
    ratio: int = 100


def open_zip(file: BinaryIO, limits: ZipLimits) -> zipfile.ZipFile:
    """
    Return the archive after a look at its directory alone; the parts themselves are still unread.

    Refused as broken, password, too_many_parts, doubled_part, expanded_too_large or ratio.
    """
    try:
        if _directory_bytes(file) > limits.parts * _DIRECTORY_BYTES_PER_PART:
            raise refused("too_many_parts", limit=limits.parts)
        archive = zipfile.ZipFile(file)
    except _BROKEN_ZIP:
        raise refused("broken") from None
    _check_directory(archive.infolist(), limits)
    return archive


def check_workbook(archive: zipfile.ZipFile) -> None:
    """
    Read every part of an XLSX once and refuse macros, links to other files, DTDs, and parts that are not what they say.

    Refused as macro, external_link, dtd or broken. Links on cells (addresses, e-mail) are harmless and stay.
    """
    for info in archive.infolist():
        name = info.filename.lower()
        if _MACROS.search(name):
            raise refused("macro")
        if name.startswith("xl/externallinks/"):
            raise refused("external_link")
        _check_part(archive, info)
        if name.endswith(".rels"):
            _check_relations(archive, info)
    if b"macroEnabled" in _read_small(archive, "[Content_Types].xml"):
        raise refused("macro")


def blocks(archive: zipfile.ZipFile, name: str | zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield a part in blocks of up to 1 MiB; refused as broken where it is not what the directory says."""
    try:
        with archive.open(name) as part:
            while block := part.read(_BLOCK):
                yield block
    except (*_BROKEN_ZIP, KeyError):
        raise refused("broken") from None


def read_xml(archive: zipfile.ZipFile, name: str) -> ET.Element:
    """Return the root of a small XML part that check_workbook() has passed; refused as broken."""
    try:
        return ET.fromstring(_read_small(archive, name))  # noqa: S314 - without a DTD there are no entities
    except ET.ParseError:
        raise refused("broken") from None


def _directory_bytes(file: BinaryIO) -> int:
    """Return the size of the central directory as its end record states it: it is what zipfile loads into memory."""
    size = file.seek(0, 2)
    start = max(0, size - _END_BYTES - _LONGEST_COMMENT)
    file.seek(start)
    tail = file.read()
    end = tail.rfind(_END)
    if end < 0:
        raise refused("broken")
    stated = int(struct.unpack_from("<L", tail, end + 12)[0])
    locator = end - _ZIP64_LOCATOR_BYTES
    if locator >= 0 and tail[locator : locator + 4] == _ZIP64_LOCATOR:
        file.seek(min(size, struct.unpack_from("<Q", tail, locator + 8)[0]))
        stated = max(stated if stated != _IN_ZIP64_RECORD else 0, struct.unpack_from("<Q", file.read(48), 40)[0])
    file.seek(0)
    return stated


def _check_directory(parts: list[zipfile.ZipInfo], limits: ZipLimits) -> None:
    if len(parts) > limits.parts:
        raise refused("too_many_parts", limit=limits.parts)
    seen: set[str] = set()
    for part in parts:
        name = part.filename.replace("\\", "/").casefold()
        if name in seen:
            raise refused("doubled_part", name=part.filename)
        seen.add(name)
        if part.flag_bits & _ENCRYPTED:
            raise refused("password")
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise refused("broken")
        if part.file_size > max(_SMALL_PART, limits.ratio * part.compress_size):
            raise refused("ratio")
    if sum(part.file_size for part in parts) > limits.expanded_bytes:
        raise refused("expanded_too_large", limit=limits.expanded_bytes // MEGABYTE)


def _check_part(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    """Read a part to its end, which also proves its size and checksum, and look for declarations in it."""
    name = info.filename.lower()
    searched = not name.startswith(_NOT_READ_BY_US)
    tail = b""
    for number, block in enumerate(blocks(archive, info)):
        if number == 0 and name.endswith(_XML):
            _check_encoding(block)
        window = tail + block
        # XML lets these two words stand in capitals only, and the check of the encoding made them plain bytes.
        if searched and any(word in window for word in _DECLARATIONS):
            raise refused("dtd", name=info.filename)
        tail = block[-max(map(len, _DECLARATIONS)) :]


def _check_encoding(start: bytes) -> None:
    """Refuse XML in anything but UTF-8, where a search for plain bytes would miss what a parser sees."""
    prolog = _PROLOG.match(start)
    if start.startswith(_OTHER_ENCODINGS) or (prolog and prolog[1].lower() not in _UTF8_NAMES):
        raise refused("broken")


def _check_relations(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    for relation in read_xml(archive, info.filename):
        kind = relation.get("Type", "").rpartition("/")[2]
        if relation.get("TargetMode", "").lower() == "external" and kind != "hyperlink":
            raise refused("external_link")
        if kind.lower() == "vbaproject":
            raise refused("macro")


def _read_small(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a whole part that is small in any honest workbook."""
    content = bytearray()
    for block in blocks(archive, name):
        content += block
        if len(content) > _LARGEST_SMALL_PART:
            raise refused("broken")
    return bytes(content)
