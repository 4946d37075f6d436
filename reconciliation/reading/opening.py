"""A path into a reading: what is in the file, in which encoding, and under which header."""

from dataclasses import dataclass
from pathlib import Path

from reconciliation.formats.recognise import Header, recognise
from reconciliation.reading.containers import Content, open_container
from reconciliation.reading.decoding import Encoding, find_encodings
from reconciliation.reading.limits import UPLOADED, Limits
from reconciliation.reading.reading import Reading
from reconciliation.reading.rejection import Rejected
from reconciliation.reading.rows import JsonLines, SeparatedValues, first_rows, json_lines, separated_values
from reconciliation.reading.survey import Surveyor, check_header


@dataclass(frozen=True, slots=True)
class _Opened:
    """The file under one encoding: its rows, and the header they begin with if they begin with one."""

    encoding: Encoding
    rows: JsonLines | SeparatedValues
    header: Header | None
    width: int

    @property
    def told(self) -> int:
        """How well the header is understood."""
        return 0 if self.header is None else 1 + self.header.complete


def open_file(path: Path, *, locale: str, limits: Limits = UPLOADED) -> Reading:
    """
    Return the reading of a file, which has been gone through once; its lines are read when they are asked for.

    `locale` tells which code page is tried first where a file is not Unicode. Rejected with the first thing, in this
    order, that is wrong: size, emptiness, container, decoding, header, truncation, decimal mark. Too large a share of
    invalid records shows only when the lines are read.
    """
    content = open_container(path, limits)
    # Where the encoding is a guess, the first in which all columns are there is taken for right.
    best = max((_opened(content, encoding) for encoding in find_encodings(content, locale)), key=lambda one: one.told)
    if best.width > limits.columns:
        raise Rejected("too_large")
    if best.header is None:
        raise Rejected("unknown_kind")
    check_header(best.header, limits)
    surveyor = Surveyor(best.rows, best.encoding, limits)
    survey = surveyor.survey(best.header if isinstance(best.rows, JsonLines) else None)
    return Reading(content, best.encoding, best.rows, survey)


def _opened(content: Content, encoding: Encoding) -> _Opened:
    rows = json_lines(content, encoding) or separated_values(content, encoding)
    if isinstance(rows, JsonLines):
        return _Opened(encoding, rows, recognise(rows.keys), len(rows.keys))
    # The header is the first row, or the second under a title.
    first = first_rows(rows)
    if len(first) > 1 and sum(map(bool, map(str.strip, first[0]))) == 1 and recognise(first[0]) is None:
        first = first[1:]
    return _Opened(encoding, rows, recognise(first[0]) if first else None, len(first[0]) if first else 0)
