"""
Uploads into rows: CSV, TXT, XLSX and XLS, told apart by content, read as a stream of (row number, {field: raw cell}).

What is wrong with the file as a whole refuses it on opening. What is wrong with single rows is collected while reading,
so that a person gets the whole list at once; a file with any error must not be loaded.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from console.files.columns import ERRORS_HEADER, Kind
from console.files.csv_write import unguarded
from console.files.errors import SheetError, SheetRefused, ValueRefused, refused, sheet_error
from console.files.sheet_limits import Caps, address
from console.files.values import Raw, clean_text
from console.files.workbook_read import chosen_sheet, open_workbook, workbook_rows
from console.files.xls_read import xls_rows
from console.files.xls_scan import MAGIC as XLS_MAGIC
from console.files.xlsx_scan import scan_sheet, sheet_part
from console.files.zip_guard import MEGABYTE, check_workbook, open_zip

MOST_ERRORS = 1_000
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_WEB_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|table|meta|\?xml|style)", re.IGNORECASE)
_BINARY = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")
_BLOCK = 1 << 20
_DELIMITERS = (",", "\t", ";", "|")
_SAMPLE_CHARACTERS = 1 << 16
_REQUIRED_MARKS = re.compile(r"\*+$|\((?:필수|선택|required|optional)\)$")
_INVISIBLE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff\u00ad]")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class Field:
    """
    A column an upload may have.

    `header` is the Korean label, `aliases` other spellings (English too), `samples` what the two sample rows of our
    template hold here, `choices` the values its drop-down list offers, `kind` how the template formats the cells.
    """

    name: str
    header: str
    aliases: tuple[str, ...] = ()
    required: bool = False
    kind: Kind = Kind.TEXT
    samples: tuple[str, str] = ("", "")
    choices: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Source:
    """A sheet as rows of raw cells, whatever file it came from."""

    form: str
    rows: Iterator[tuple[int, list[Raw]]]
    encoding: str = ""
    delimiter: str = ""
    even: bool = False  # every row must have as many cells as the header


class SheetReader:
    """
    One sheet of an uploaded file, its header matched to fields. Iterate once.

    `form` is csv, xlsx or xls; `encoding` and `delimiter` are empty except for csv; `headers` are as they stand in the
    file. After iterating, `errors` holds up to 1,000 wrong cells and `error_count` how many there were.
    `last_wrong_row` is the row of the newest error.
    """

    def __init__(self, source: _Source, fields: Sequence[Field], caps: Caps) -> None:
        """Read and match the header; SheetRefused if it does not fit."""
        self.form, self.encoding, self.delimiter = source.form, source.encoding, source.delimiter
        self.errors: list[SheetError] = []
        self.error_count = 0
        self.last_wrong_row: int | None = None
        self._source, self._caps, self._fields = source, caps, tuple(fields)
        self.header_row, self.headers = _header(source.rows, caps)
        self._places = _match(self.headers, self._fields)
        self._by_name = {field.name: field for field in self._fields}
        self._samples = [
            {field.name: field.samples[which] for field in self._fields if field.samples[which]} for which in (0, 1)
        ]

    def header_of(self, name: str) -> str:
        """Return the header under which a field stands in this file; its own label if the file lacks it."""
        return next((self.headers[i] for i, found in self._places.items() if found == name), self._by_name[name].header)

    @property
    def fields_in_order(self) -> list[str | None]:
        """Return the name of the field of each column of the file; None for a column that is passed over."""
        return [self._places.get(place) for place in range(len(self.headers))]

    def refuse_value(self, row: int, name: str, problem: ValueRefused) -> None:
        """Add what a caller found wrong with the cell of a field to the errors."""
        self._add(problem.at(row, self.header_of(name)))

    def __iter__(self) -> Iterator[tuple[int, dict[str, Raw]]]:
        """
        Yield every row that is neither blank nor a sample; the field of an empty cell is missing from the dict.

        SheetRefused where the rest cannot be read: too_many_rows, or quoting with its row.
        """
        count = 0
        for number, cells in self._source.rows:
            if all(isinstance(cell, str) and not cell.strip() for cell in cells):
                continue
            count += 1
            if count > self._caps.rows:
                raise refused("too_many_rows", limit=self._caps.rows)
            values = self.cells_of(number, cells)
            if values is not None:
                yield number, values

    def cells_of(self, number: int, cells: Sequence[Raw]) -> dict[str, Raw] | None:
        """Return the cells of a row by field, None for a sample; what is wrong with its shape joins the errors."""
        self._check(number, cells)
        values = {name: cells[at] for at, name in self._places.items() if at < len(cells) and cells[at] != ""}
        return None if self._is_sample(values) else values

    def _is_sample(self, values: dict[str, Raw]) -> bool:
        return any(
            sample
            and sample.keys() == values.keys()
            and all(_as_written(values[name]) == sample[name] for name in sample)
            for sample in self._samples
        )

    def _check(self, number: int, cells: Sequence[Raw]) -> None:
        width = len(self.headers)
        if self._source.even and len(cells) != width and (len(cells) < width or any(cells[width:])):
            self._add(sheet_error("row_length", row=number, expected=width, found=len(cells)))
            return
        for place, cell in enumerate(cells):
            if cell == "":
                continue
            if place >= width or not self.headers[place]:
                self._add(sheet_error("no_header_above", row=number, cell=address(number, place + 1)))
            elif isinstance(cell, str):
                self._check_text(number, self.headers[place], cell)

    def _check_text(self, number: int, header: str, cell: str) -> None:
        if len(cell) > self._caps.characters:
            self._add(sheet_error("cell_too_long", row=number, column=header, limit=self._caps.characters))
        elif "\0" in cell:
            self._add(sheet_error("bad_character", row=number, column=header))

    def _add(self, error: SheetError) -> None:
        self.error_count += 1
        self.last_wrong_row = error.row
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(error)


def open_sheet(file: BinaryIO, fields: Sequence[Field], caps: Caps | None = None) -> SheetReader:
    """Return a reader over an upload (seekable, binary); SheetRefused with the reasons if it cannot be read."""
    caps = caps or Caps()
    size = file.seek(0, io.SEEK_END)
    if size == 0:
        raise refused("empty")
    if size > caps.file_bytes:
        raise refused("too_large", limit=caps.file_bytes // MEGABYTE)
    file.seek(0)
    start = file.read(1024)
    file.seek(0)
    if start.startswith((_ZIP, _EMPTY_ZIP)):
        source = _xlsx(file, caps)
    elif start.startswith(XLS_MAGIC):
        source = _Source("xls", xls_rows(file.read(), caps))
    elif _WEB_PAGE.match(start):
        raise refused("web_page")
    elif start.startswith(_BINARY):
        raise refused("unknown_type")
    else:
        source = _text(file, fields)
    return SheetReader(source, fields, caps)


# The header.


def _header(rows: Iterator[tuple[int, list[Raw]]], caps: Caps) -> tuple[int, tuple[str, ...]]:
    """Return the number and the cells of the first row that is not blank, without blank cells at its end."""
    for number, cells in rows:
        headers = [unicodedata.normalize("NFC", str(cell)).strip() for cell in cells]
        while headers and not headers[-1]:
            headers.pop()
        if not headers:
            continue
        if len(headers) > caps.columns:
            raise refused("too_many_columns", limit=caps.columns)
        if any(len(header) > caps.characters for header in headers):
            raise refused("no_header")
        return number, tuple(headers)
    raise refused("no_header")


def header_key(header: str) -> str:
    """Return a header as it is compared: without spaces, case, compatibility forms and our own 필수 marks."""
    folded = _INVISIBLE.sub("", unicodedata.normalize("NFKC", header)).casefold()
    return _REQUIRED_MARKS.sub("", folded).replace("_", "")


def _match(headers: Sequence[str], fields: Iterable[Field]) -> dict[int, str]:
    """Return which field stands at which place; SheetRefused naming every doubled, unknown and missing header."""
    known = {header_key(spelling): field for field in fields for spelling in (field.name, field.header, *field.aliases)}
    ignored = {header_key(ERRORS_HEADER), "error", "errors", ""}
    places: dict[int, str] = {}
    wrong: list[SheetError] = []
    for place, header in enumerate(headers):
        field = known.get(header_key(header))
        if field is None:
            if header_key(header) not in ignored:
                wrong.append(sheet_error("header_unknown", header=header))
        elif field.name in places.values():
            wrong.append(sheet_error("header_doubled", header=header))
        else:
            places[place] = field.name
    missing = [field for field in known.values() if field.required and field.name not in places.values()]
    wrong += [sheet_error("header_missing", header=field.header) for field in dict.fromkeys(missing)]
    if wrong:
        raise SheetRefused(*wrong)
    return places


def _as_written(value: Raw) -> str:
    return value.strip() if isinstance(value, str) else clean_text(value)


# Text files.


def _text(file: BinaryIO, fields: Sequence[Field]) -> _Source:
    encoding = _encoding(file)
    with _decoded(file, encoding) as lines:
        sample = lines.read(_SAMPLE_CHARACTERS)
    delimiter = _delimiter(sample, fields)
    return _Source("csv", _csv_rows(file, encoding, delimiter), encoding, delimiter, even=True)


@contextmanager
def _decoded(file: BinaryIO, encoding: str) -> Iterator[io.TextIOWrapper]:
    """Give the file's text from its beginning, and leave the file open: it belongs to the caller."""
    file.seek(0)
    lines = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        yield lines
    finally:
        if not file.closed:
            lines.detach()


def _encoding(file: BinaryIO) -> str:
    """Return the encoding in which the whole file decodes without a single replacement, else refuse."""
    file.seek(0)
    start = file.read(4096)
    for bom, encoding in _BOMS:
        if start.startswith(bom):
            return _checked(file, encoding)
    if b"\0" in start:
        # Nearly every second byte of UTF-16 is NUL where a sheet has commas, digits and line ends: after the letter
        # in little endian, before it in big endian.
        little = start[1::2].count(0) >= start[0::2].count(0)
        return _checked(file, "utf-16-le" if little else "utf-16-be")
    try:
        return _checked(file, "utf-8")
    except SheetRefused:
        return _checked(file, "cp949")


def _checked(file: BinaryIO, encoding: str) -> str:
    """Return the encoding if the whole file is text in it, without NUL."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        while block := file.read(_BLOCK):
            if "\0" in decoder.decode(block):
                raise refused("encoding")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise refused("encoding") from None
    return encoding


def _delimiter(sample: str, fields: Sequence[Field]) -> str:
    """Return what parts the header line into most of our headers, and into most cells where none is ours."""
    known = {header_key(spelling) for field in fields for spelling in (field.name, field.header, *field.aliases)}

    def worth(delimiter: str) -> tuple[int, int]:
        cells = _first_line(sample, delimiter)
        return sum(header_key(cell) in known for cell in cells), len(cells)

    return max(_DELIMITERS, key=worth)


def _first_line(sample: str, delimiter: str) -> list[str]:
    try:
        records = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        return next((cells for cells in records if any(cells)), [])
    except csv.Error:
        return []


def _csv_rows(file: BinaryIO, encoding: str, delimiter: str) -> Iterator[tuple[int, list[Raw]]]:
    """Yield the records with the numbers that Excel shows. Quoting that does not add up refuses the file by its row."""
    number = 0
    with _decoded(file, encoding) as lines:
        records = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            number += 1
            try:
                record = next(records)
            except StopIteration:
                return
            except csv.Error:
                # A cell over csv's own limit of 131,072 characters ends here as well: a quote that never closes.
                raise refused("quoting", row=number) from None
            yield number, [unguarded(cell) for cell in record]


# Workbooks.


def _xlsx(file: BinaryIO, caps: Caps) -> _Source:
    with open_zip(file, caps.zip) as archive:
        names = archive.namelist()
        if "xl/workbook.bin" in names or "xl/workbook.xml" not in names:
            raise refused("unknown_type")
        check_workbook(archive)
        workbook = open_workbook(file)
        name, _number = chosen_sheet(workbook)
        scan_sheet(archive, sheet_part(archive, name), caps)
    return _Source("xlsx", workbook_rows(workbook, name))
