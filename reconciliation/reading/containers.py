"""
A file as a stream of bytes that can be opened again and again: as it lies there, out of gzip, or out of a zip.

Nothing that an archive says about itself is believed: what it expands to is counted while it is read.
"""

import gzip
import io
import lzma
import re
import struct
import zipfile
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from reconciliation.reading.limits import Limits
from reconciliation.reading.rejection import Rejected

_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_GZIP_START = b"\x1f\x8b"
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ARCHIVE_STARTS = (*_ZIP_STARTS, _GZIP_START, b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257
_HEAD_BYTES = 512
_DATA_NAMES = (".csv", ".txt", ".json", ".jsonl")
_ARCHIVE_NAMES = (".zip", ".gz", ".tgz", ".tar", ".7z", ".rar", ".bz2", ".xz", ".zst")
_LEAVES_ITS_FOLDER = re.compile(r"[/\\]|[A-Za-z]:|(?:.*[/\\])?\.\.(?:[/\\].*)?\Z", re.DOTALL)
_ENCRYPTED = 0x1
_BUFFER_BYTES = 1 << 18
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    struct.error,
    NotImplementedError,  # a way of packing that hardly anything uses
    OverflowError,
    ValueError,
    OSError,  # an offset that is no place in the file; what is no gzip after all
)


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds once it is unpacked. `packing` is zip, gzip or None, `member` the name inside a zip."""

    path: Path
    limits: Limits
    packing: str | None = None
    member: str | None = None
    place: int = 0

    def open(self) -> BinaryIO:
        """
        Return the bytes from the start.

        Reading raises Rejected as archive_broken where they are damaged, as archive_ratio where they become too many.
        """
        if self.packing is None:
            return self.path.open("rb", buffering=_BUFFER_BYTES)
        with ExitStack() as opened:
            packed = opened.enter_context(self.path.open("rb"))
            size = self.path.stat().st_size
            stream: _Readable
            try:
                if self.packing == "gzip":
                    stream = opened.enter_context(gzip.GzipFile(fileobj=packed))
                else:
                    archive = opened.enter_context(zipfile.ZipFile(packed))
                    member = archive.infolist()[self.place]
                    size = min(size, member.compress_size)
                    stream = opened.enter_context(archive.open(member))
            except _DAMAGE:
                raise Rejected("archive_broken") from None
            most = min(self.limits.expanded_bytes, self.limits.ratio * size)
            return io.BufferedReader(_Expanding(stream, most, opened.pop_all()), _BUFFER_BYTES)


def open_container(path: Path, limits: Limits) -> Content:
    """Return the one thing to read in a file; Rejected as too_large, empty_file, spreadsheet_not_csv or archive_…."""
    if limits.sent_bytes is not None and path.stat().st_size > limits.sent_bytes:
        raise Rejected("too_large")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise Rejected("empty_file")
    if head.startswith(_OLD_WORKBOOK):
        raise Rejected("spreadsheet_not_csv")
    if head.startswith(_ZIP_STARTS):
        return _member(path, limits)
    if head.startswith(_GZIP_START):
        content = Content(path, limits, "gzip")
        if _is_archive(content):
            raise Rejected("archive_nested")
        return content
    return Content(path, limits)


def _member(path: Path, limits: Limits) -> Content:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except _DAMAGE:
        raise Rejected("archive_broken") from None
    names = [member.orig_filename for member in members]
    if _is_workbook(names):
        raise Rejected("spreadsheet_not_csv")
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise Rejected("archive_encrypted")
    for name in names:
        if _LEAVES_ITS_FOLDER.match(name):
            raise Rejected("archive_unsafe_name", name=name)
    shown = [place for place, member in enumerate(members) if not member.is_dir() and not _is_litter(names[place])]
    data = [
        Content(path, limits, "zip", names[place], place)
        for place in shown
        if names[place].lower().endswith(_DATA_NAMES)
    ]
    if any(names[place].lower().endswith(_ARCHIVE_NAMES) for place in shown) or any(map(_is_archive, data)):
        raise Rejected("archive_nested")
    if len(data) > 1:
        raise Rejected("archive_many_files", count=len(data))
    if not data:
        raise Rejected("archive_no_data")
    return data[0]


def _is_workbook(names: list[str]) -> bool:
    lower = {name.lower() for name in names}
    return (
        "[content_types].xml" in lower
        or {"mimetype", "content.xml"} <= lower
        or any(name.startswith("xl/") for name in lower)
    )


def _is_litter(name: str) -> bool:
    """Say whether a member is what a Mac leaves in every zip."""
    *folders, last = name.replace("\\", "/").split("/")
    return "__MACOSX" in folders or last == ".DS_Store" or last.startswith("._")


def _is_archive(content: Content) -> bool:
    with content.open() as stream:
        head = stream.read(_HEAD_BYTES)
    return head.startswith(_ARCHIVE_STARTS) or head[_TAR_MARK_AT:].startswith(_TAR_MARK)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Expanding(io.RawIOBase):
    """Bytes out of an archive, counted, with every kind of damage under one name."""

    def __init__(self, stream: _Readable, most: int, opened: ExitStack) -> None:
        self._stream, self._most, self._opened = stream, most, opened
        self._count = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer."""
        try:
            block = self._stream.read(len(buffer))
        except _DAMAGE:
            raise Rejected("archive_broken") from None
        self._count += len(block)
        if self._count > self._most:
            raise Rejected("archive_ratio")
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        """Close what it reads from."""
        self._opened.close()
        super().close()
