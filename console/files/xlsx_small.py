"""Sheets of up to some ten thousand rows, and upload templates, through XlsxWriter. They look as the large ones do."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter

from console.files.columns import (
    CONDITIONS_SHEET,
    GUIDE_SHEET,
    NUMBER_FORMATS,
    TEXT_KINDS,
    Cell,
    Conditions,
    Kind,
    SheetColumn,
    column_letters,
    in_seoul,
    kind_of,
)
from console.files.sheet_read import Field
from console.files.values import parse_date, parse_decimal, parse_won
from console.files.xlsx_parts import RATE_EXPONENT, fitting_text, sheet_title

MOST_ROWS = 10_000
TEMPLATE_ROWS = 5_000
REQUIRED_MARK = " (필수)"
_LISTS_SHEET = "목록"
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def write_small(
    out: BinaryIO, rows: Iterable[Sequence[Cell]], columns: Sequence[SheetColumn], *, title: str, conditions: Conditions
) -> int:
    """
    Write rows of Python values as an XLSX file and return how many there were; more than MOST_ROWS is a ValueError.

    A row must have one value per column, of the type that the column's kind names, or None: ValueError or TypeError.
    """
    count = 0
    with xlsxwriter.Workbook(out, _OPTIONS) as book:
        sheet = _Sheet(book, title)
        sheet.head(columns)
        for count, row in enumerate(rows, start=1):
            if count > MOST_ROWS:
                raise ValueError(count)
            for place, (value, column) in enumerate(zip(row, columns, strict=True)):
                sheet.write(count, place, value, column.kind)
        sheet.page.autofilter(0, 0, count, len(columns) - 1)
        _conditions(_Sheet(book, CONDITIONS_SHEET), conditions(count))
    return count


def write_template(out: BinaryIO, fields: Sequence[Field], *, title: str, guide: Sequence[str]) -> None:
    """
    Write an empty sheet to fill in: marked header, two sample rows, formats and lists down 5,000 rows, and a guide.

    The sample rows are the fields' samples; the reader passes over them as long as nobody changes them.
    """
    with xlsxwriter.Workbook(out, _OPTIONS) as book:
        # The sheet to fill in comes first, since the first visible sheet is what any program reads.
        sheet = _Sheet(book, title)
        sheet.head([SheetColumn(field.header + REQUIRED_MARK * field.required, field.kind) for field in fields])
        for place, field in enumerate(fields):
            _fill_column(sheet, place, field)
        _guide(_Sheet(book, GUIDE_SHEET), fields, guide)
        _lists(book, sheet, fields)


# What numbers of a kind come as; whole ones where nothing is said.
_NUMBERS: dict[Kind, tuple[type, ...]] = {Kind.DECIMAL: (int, Decimal)}


class _Sheet:
    """A page of a workbook with the formats of our kinds."""

    def __init__(self, book: Any, title: str) -> None:
        self.page = book.add_worksheet(sheet_title(title))
        self.bold = book.add_format({"bold": True})
        self.formats = {kind: book.add_format({"num_format": shown}) for kind, shown in NUMBER_FORMATS.items()}

    def head(self, columns: Sequence[SheetColumn]) -> None:
        for place, column in enumerate(columns):
            self.page.set_column(place, place, column.shown_width, self.formats[column.kind])
            self.label(0, place, column.header)
        self.page.freeze_panes(1, 0)

    def label(self, row: int, place: int, text: str, *, bold: bool = True) -> None:
        self._text(row, place, text, self.bold if bold else None)

    def write(self, row: int, place: int, value: Cell, kind: Kind) -> None:
        shown = self.formats[kind]
        if value is None:
            return
        if kind in TEXT_KINDS:
            self._text(row, place, str(value), shown)
        elif kind is Kind.MOMENT and isinstance(value, datetime):
            self.page.write_datetime(row, place, in_seoul(value), shown)
        elif kind is Kind.DATE and isinstance(value, date) and not isinstance(value, datetime):
            self.page.write_datetime(row, place, value, shown)
        elif kind is Kind.RATE and isinstance(value, int):
            self.page.write_number(row, place, Decimal(value).scaleb(RATE_EXPONENT), shown)
        elif isinstance(value, _NUMBERS.get(kind, int)) and kind not in (Kind.MOMENT, Kind.DATE, Kind.RATE):
            self.page.write_number(row, place, value, shown)
        else:
            raise TypeError(value)

    def _text(self, row: int, place: int, text: str, shown: Any) -> None:
        self.page.write_string(row, place, fitting_text(text), shown)


def _conditions(sheet: _Sheet, lines: Iterable[tuple[str, Cell]]) -> None:
    sheet.page.set_column(0, 0, 20)
    sheet.page.set_column(1, 1, 60)
    for row, (label, value) in enumerate(lines):
        sheet.label(row, 0, label)
        sheet.write(row, 1, value, kind_of(value))


def _fill_column(sheet: _Sheet, place: int, field: Field) -> None:
    for row in range(1, TEMPLATE_ROWS + 1):
        sample = field.samples[row - 1] if row <= len(field.samples) else ""
        if sample:
            sheet.write(row, place, _typed(sample, field.kind), field.kind)
        else:
            sheet.page.write_blank(row, place, None, sheet.formats[field.kind])


def _typed(sample: str, kind: Kind) -> Cell:
    if kind in (Kind.WON, Kind.SIGNED_WON, Kind.COUNT):
        return parse_won(sample)
    if kind is Kind.DECIMAL:
        return parse_decimal(sample)
    return parse_date(sample) if kind is Kind.DATE else sample


def _guide(sheet: _Sheet, fields: Sequence[Field], lines: Sequence[str]) -> None:
    for place, width in enumerate((28, 10, 60, 28)):
        sheet.page.set_column(place, place, width)
    for row, line in enumerate(lines):
        sheet.label(row, 0, line, bold=False)
    head = len(lines) + 1
    for place, header in enumerate(("열 이름", "필수", "설명", "예시")):
        sheet.label(head, place, header)
    for row, field in enumerate(fields, start=head + 1):
        for place, text in enumerate((field.header, "필수" if field.required else "", field.note, field.samples[0])):
            sheet.label(row, place, text, bold=False)


def _lists(book: Any, sheet: _Sheet, fields: Sequence[Field]) -> None:
    """Offer each field's choices as a list, kept on a hidden sheet: one kept in the cell ends at 255 characters."""
    chosen = [(place, field) for place, field in enumerate(fields) if field.choices]
    if not chosen:
        return
    lists = _Sheet(book, _LISTS_SHEET)
    lists.page.hide()
    for number, (place, field) in enumerate(chosen):
        for row, choice in enumerate(field.choices):
            lists.label(row, number, choice, bold=False)
        letters = column_letters(number + 1)
        source = f"={_LISTS_SHEET}!${letters}$1:${letters}${len(field.choices)}"
        sheet.page.data_validation(1, place, TEMPLATE_ROWS, place, {"validate": "list", "source": source})
