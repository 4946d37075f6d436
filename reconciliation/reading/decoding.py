"""
Bytes into characters: which encoding a file is in, found by reading the whole of it once.

The whole, because the first byte that is not UTF-8 may stand in the last line, and because an archive shows its damage
only at its end.
"""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from reconciliation.reading.containers import Content
from reconciliation.reading.rejection import Rejected

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Control characters; tab and line ends are none."""

CELLS_APART = "\x1f"
"""Stands between cells that are joined to one text: a control character, which no cell contains."""

_CONTROL_BYTES = bytes(byte for byte in range(0x80) if CONTROL.match(chr(byte)))

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HEAD_BYTES = 4096
_BLOCK_BYTES = 1 << 18
_CODE_PAGES = {"ko": "cp949", "ja": "cp932"}
_OTHER_CODE_PAGE = "cp1252"
_NUL_SHARE = 4  # one in so many characters at least is ASCII, in every header we know
_NUL_CONTRAST = 10  # and so many times rarer are characters whose other byte is zero, such as 가


@dataclass(frozen=True, slots=True)
class Encoding:
    """
    How to read a file as text: codec, how many bytes of mark to skip, whether we had to guess.

    `cut` says that the file ends within a character, `ends_line` that its last line has a line end.
    """

    codec: str
    bom: int = 0
    guessed: bool = False
    cut: bool = False
    ends_line: bool = True

    def open(self, content: Content) -> TextIO:
        """Return the text from the start, line ends as they are."""
        stream = content.open()
        stream.read(self.bom)
        # Everything but a cut off end has been decoded before; that end is told by `cut` and has no character.
        return io.TextIOWrapper(stream, self.codec, errors="ignore" if self.cut else "strict", newline="")


@dataclass(slots=True)
class _Look:
    """What reading the whole text in one encoding showed."""

    decodes: bool = True
    cut: bool = False
    control: bool = False
    blank: bool = True
    plain: bool = True
    last: str = ""
    longest_line: int = 0


def find_encodings(content: Content, locale: str) -> list[Encoding]:
    """
    Return the encodings in which the file is text, the likeliest first; more than one only where it is a guess.

    Rejected as empty_file, not_text, too_large, or for what is wrong with the archive.
    """
    with content.open() as stream:
        head = stream.read(_HEAD_BYTES)
    found: list[Encoding] = []
    longest = 0
    for codec, bom, guessed in _candidates(head, locale):
        look = _look(content, codec, bom)
        longest = max(longest, look.longest_line)
        if not look.decodes or (look.control and guessed):
            continue
        if look.blank and not look.control:
            raise Rejected("empty_file")
        if not look.control:
            ends_line = look.last in ("\n", "\r")
            found.append(Encoding(codec, bom, guessed, look.cut, ends_line))
        if not guessed or codec.startswith("utf-16"):
            break
    if longest > content.limits.record_characters:
        raise Rejected("too_large")
    if not found:
        raise Rejected("not_text")
    return found


def _candidates(head: bytes, locale: str) -> Iterator[tuple[str, int, bool]]:
    """Yield codec, bytes of its mark, and whether it is a guess."""
    for mark, codec in _BOMS:
        if head.startswith(mark):
            yield codec, len(mark), False
            return
    wide = _wide_codec(head)
    if wide is not None:
        yield wide, 0, True
        return
    yield "utf-8", 0, False
    language = locale.replace("_", "-").split("-")[0].lower()
    own = _CODE_PAGES.get(language, _OTHER_CODE_PAGE)
    for codec in dict.fromkeys((own, "cp949", _OTHER_CODE_PAGE)):
        yield codec, 0, True


def _wide_codec(head: bytes) -> str | None:
    """Return the UTF-16 that the zeros in every second byte show, None if there are none."""
    first, second = head[0::2].count(0), head[1::2].count(0)
    for codec, zeros, others in (("utf-16-le", second, first), ("utf-16-be", first, second)):
        if zeros * 2 * _NUL_SHARE >= len(head) and zeros > others * _NUL_CONTRAST:
            return codec
    return None


def _look(content: Content, codec: str, bom: int) -> _Look:
    look = _Look()
    decoder = codecs.getincrementaldecoder(codec)()
    line = 0
    with content.open() as stream:
        stream.read(bom)
        while block := stream.read(_BLOCK_BYTES):
            if not look.decodes:
                continue  # only to find damage of the archive further on
            try:
                text = decoder.decode(block)
            except UnicodeDecodeError:
                look.decodes = False
                continue
            _look_at(look, text)
            line = _longest_line(look, text, line)
    if look.decodes and decoder.getstate()[0]:
        # An unfinished character at the very end: a file that breaks off if there were whole ones before, otherwise
        # a letter of a code page with one byte a letter.
        look.cut = not look.plain or bom > 0 or codec.startswith("utf-16")
        look.decodes = look.cut
    return look


def _look_at(look: _Look, text: str) -> None:
    if not text:
        return
    look.control = look.control or _has_control(text)
    look.blank = look.blank and text.isspace()
    look.plain = look.plain and text.isascii()
    look.last = text[-1]


def _has_control(text: str) -> bool:
    if not text.isascii():
        return CONTROL.search(text) is not None
    plain = text.encode()
    return len(plain.translate(None, _CONTROL_BYTES)) < len(plain)


def _longest_line(look: _Look, text: str, before: int) -> int:
    """Note a line that goes on over whole blocks; returns the characters of the line that the text ends in."""
    end = max(text.rfind("\n"), text.rfind("\r"))
    line = before + len(text) if end < 0 else len(text) - 1 - end
    look.longest_line = max(look.longest_line, line)
    return line
