"""
Text into rows of cells, each with the physical line it begins on: separated values, or JSON lines.

A row that cannot be taken apart is None. Both kinds can be gone through any number of times.
"""

import csv
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from reconciliation.formats.columns import NUMERIC, header_key
from reconciliation.formats.recognise import known_names, recognise
from reconciliation.reading.containers import Content
from reconciliation.reading.decoding import CONTROL, Encoding
from reconciliation.reading.limits import Limits
from reconciliation.reading.numbers import unambiguous
from reconciliation.reading.rejection import Rejected

Row = tuple[int, list[str] | None]
"""The physical line on which a row begins, counted from 1, and its cells."""

_DELIMITERS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(r'\s*"?sep=(?P<mark>.)"?[ \t]*(?:\r\n|\r|\n)?', re.IGNORECASE | re.DOTALL)
# A control character, which no file that has been decoded contains.
_END = "\x1e"
_SURROGATE = re.compile("[\ud800-\udfff]")
# The module has one limit for the whole process. It only ever grows here; other readers have their own, smaller ones.
csv.field_size_limit(max(csv.field_size_limit(), Limits().cell_characters))


class Rows(Protocol):
    """The rows of a file. `cut` is known once all of them have been read: the last row breaks off and is left out."""

    delimiter: str | None
    cut: bool

    def chunks(self, most: int | None = None) -> Iterator[list[Row]]:
        """Yield all rows, blank ones too, so many at a time at most, or else as many as the limits say."""
        ...


@dataclass(slots=True)
class SeparatedValues:
    """A file of separated values. `skip` lines at its start say only what separates the values."""

    content: Content
    encoding: Encoding
    delimiter: str | None
    skip: int = 0
    cut: bool = False
    _characters: int = field(default=0, init=False)

    def chunks(self, most: int | None = None) -> Iterator[list[Row]]:
        """Yield lines and cells; Rejected as too_large, after the rows before it, for a cell beyond the limit."""
        self.cut = False
        limits = self.content.limits
        most = most or limits.rows_at_once
        chunk: list[Row] = []
        characters = 0
        refusal: Rejected | None = None
        with self.encoding.open(self.content) as stream:
            for _ in range(self.skip):
                stream.readline()
            # A mark after the last line: it is a row of its own unless the file ends inside quotes.
            lines = itertools.chain(self._counted(stream), [_END])
            reader = csv.reader(lines, delimiter=self.delimiter or ",")
            line = 1 + self.skip
            try:
                for row in reader:
                    if row and row[-1].endswith(_END):
                        self.cut = row != [_END]
                        break
                    chunk.append((line, row))
                    line = 1 + self.skip + reader.line_num
                    characters += self._characters
                    self._characters = 0
                    if len(chunk) >= most or characters >= limits.characters_at_once:
                        yield chunk
                        chunk, characters = [], 0
            except csv.Error:
                refusal = Rejected("too_large")
            except Rejected as found:
                refusal = found
        if chunk:
            yield chunk
        if refusal is not None:
            raise refusal

    def _counted(self, lines: Iterable[str]) -> Iterator[str]:
        """Pass lines on until a record has too many of them."""
        most = self.content.limits.record_characters
        self._characters = 0
        for line in lines:
            self._characters += len(line)
            if self._characters > most:
                raise Rejected("too_large")
            yield line


@dataclass(slots=True)
class JsonLines:
    """
    A file with one JSON object a line. `keys` are the names that occur in it, in the order they first do.

    `places` gives the place of a name in any of its spellings, `numeric` the places of numbers by the kind of the file.
    `broken_end` is the line that ends the file without being an object, 0 if none does.
    """

    content: Content
    encoding: Encoding
    keys: list[str] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    numeric: frozenset[int] = frozenset()
    broken_end: int = 0
    delimiter: str | None = None
    cut: bool = False
    _spellings: dict[str, int] = field(default_factory=dict, init=False)

    def chunks(self, most: int | None = None) -> Iterator[list[Row]]:
        """Yield lines and one cell for each key."""
        self.cut = False
        limits = self.content.limits
        most = most or limits.rows_at_once
        chunk: list[Row] = []
        characters = 0
        with self.encoding.open(self.content) as stream:
            for line, text in enumerate(stream, 1):
                if line == self.broken_end:
                    self.cut = True
                    break
                entry = {} if text.isspace() else _object(text)
                chunk.append((line, None if entry is None else self._cells(entry)))
                characters += len(text)
                if len(chunk) >= most or characters >= limits.characters_at_once:
                    yield chunk
                    chunk, characters = [], 0
        if chunk:
            yield chunk

    def _cells(self, entry: dict[str, object]) -> list[str]:
        cells = [""] * len(self.keys)
        for key, value in entry.items():
            place = self.places[key]
            if isinstance(value, _Number) and place in self.numeric:
                cells[place] = unambiguous(str(value))
            else:
                cells[place] = _cell(value)
        return cells

    def add_keys(self, entry: dict[str, object]) -> None:
        """Take in the names of an object. One that it has twice, in whatever spelling, is twice among the keys."""
        for key in entry:
            if key not in self.places:
                spelling = header_key(key) or key
                self.places[key] = self._spellings.setdefault(spelling, len(self.keys))
                if self.places[key] == len(self.keys):
                    self.keys.append(key)
        doubled = isinstance(entry, _Object) and entry.doubled
        if not doubled and len(self.places) > len(self.keys):
            seen = Counter(self.places[key] for key in entry)
            doubled = next((self.keys[place] for place, count in seen.items() if count > 1), "")
        if doubled and len(self._spellings) == len(self.keys):
            self.keys.append(doubled)


def json_lines(content: Content, encoding: Encoding) -> JsonLines | None:
    """
    Return the file as JSON lines; None if its first line is no JSON object.

    Rejected as too_large or not_text.
    """
    with encoding.open(content) as stream:
        first = next((text for text in stream if not text.isspace()), "")
    if not first.lstrip().startswith("{") or _object(first) is None:
        return None
    found = JsonLines(content, encoding)
    with encoding.open(content) as stream:
        for line, text in enumerate(stream, 1):
            if text.isspace():
                continue
            entry = _object(text, _Object)
            found.broken_end = line if entry is None else 0
            if entry is not None:
                _check_cells(text, entry, content.limits)
                found.add_keys(entry)
            if len(found.keys) > content.limits.columns:
                raise Rejected("too_large")
    header = recognise(found.keys)
    if header is not None:
        numeric = (place for place, column in enumerate(header.places) if column and column.holds in NUMERIC)
        found.numeric = frozenset(numeric)
    return found


def separated_values(content: Content, encoding: Encoding) -> SeparatedValues:
    """Return the file as separated values, the separator being the one under which its header says the most."""
    with encoding.open(content) as stream:
        said = _SEPARATOR_LINE.fullmatch(stream.readline())
    if said is not None and said["mark"] in _DELIMITERS:
        return SeparatedValues(content, encoding, said["mark"], skip=1)
    tries = [SeparatedValues(content, encoding, delimiter) for delimiter in _DELIMITERS]
    return max(tries, key=_told_by_header)


def first_rows(rows: Rows) -> list[list[str]]:
    """Return the first two rows that hold anything, from the lines that follow each other; fewer if there are not."""
    found: list[list[str]] = []
    for ((_line, row),) in rows.chunks(1):
        if row and any(map(str.strip, row)):
            found.append(row)
        elif found:
            break
        if len(found) > 1:
            break
    return found


def _told_by_header(rows: SeparatedValues) -> tuple[bool, int, int]:
    """Return how much of a header one separator shows: a known kind, known names, cells."""
    try:
        candidates = first_rows(rows)
    except Rejected:  # a quoted cell without end, under a separator that is not the file's
        return False, 0, 0
    return max(((recognise(row) is not None, known_names(row), len(row)) for row in candidates), default=(False, 0, 0))


class _Number(str):
    """A number as it is written in JSON."""

    __slots__ = ()


class _Object(dict[str, object]):
    """A JSON object that remembers a name it has twice."""

    doubled = ""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        if len(self) != len(pairs):
            seen = Counter(name for name, _ in pairs)
            self.doubled = next(name for name, count in seen.items() if count > 1)


_QUICK = json.JSONDecoder(parse_int=_Number, parse_float=_Number, parse_constant=_Number)
_CAREFUL = json.JSONDecoder(parse_int=_Number, parse_float=_Number, parse_constant=_Number, object_pairs_hook=_Object)


def _object(text: str, kind: type[dict[str, object]] = dict) -> dict[str, object] | None:
    """Return the JSON object that a line holds, None if it holds none."""
    try:
        entry = (_CAREFUL if kind is _Object else _QUICK).decode(text.strip())
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _cell(value: object) -> str:
    """Return a value as a cell of a file of separated values would have it."""
    if isinstance(value, str):
        return str(value)  # a plain text, even of what remembers that it was a number
    return "" if value is None else _as_json(value)


def _as_json(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(name)}: {_as_json(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_as_json, value)) + "]"
    return value if isinstance(value, _Number) else _quoted(value)


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _check_cells(text: str, entry: dict[str, object], limits: Limits) -> None:
    """Refuse what separated values are refused for: cells that are too long, characters that are no text."""
    if "\\" not in text and len(text) <= limits.cell_characters:
        return
    for cell in map(_cell, entry.values()):
        if len(cell) > limits.cell_characters:
            raise Rejected("too_large")
        if CONTROL.search(cell) or _SURROGATE.search(cell):
            raise Rejected("not_text")
