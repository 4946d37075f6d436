"""Workbooks through calamine: the sheet to read, and its cells as text, numbers and days, each at its own place."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import BinaryIO

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from console.files.columns import GUIDE_SHEET
from console.files.errors import refused
from console.files.values import Raw

_CalamineCell = int | float | str | bool | time | date | datetime | timedelta


def open_workbook(file: BinaryIO) -> CalamineWorkbook:
    """Return the workbook; refused as password or broken."""
    file.seek(0)
    try:
        return CalamineWorkbook.from_filelike(file)
    except PasswordError:
        raise refused("password") from None
    except CalamineError:
        raise refused("broken") from None


def chosen_sheet(workbook: CalamineWorkbook) -> tuple[str, int]:
    """Return name and number (from 0) of the first visible sheet, passing over the guide of our own templates."""
    visible = [
        (sheet.name, number)
        for number, sheet in enumerate(workbook.sheets_metadata)
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    ]
    data = [sheet for sheet in visible if sheet[0] != GUIDE_SHEET]
    if not visible:
        raise refused("no_sheet")
    return (data or visible)[0]


def workbook_rows(workbook: CalamineWorkbook, name: str) -> Iterator[tuple[int, list[Raw]]]:
    """Yield the rows of a sheet with their numbers; an empty cell is an empty text."""
    try:
        sheet = workbook.get_sheet_by_name(name)
    except CalamineError:
        raise refused("broken") from None
    workbook.close()
    if sheet.start is None:
        return
    margin: list[Raw] = [""] * sheet.start[1]
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        yield number, margin + [_raw(cell) for cell in cells]


def _raw(cell: _CalamineCell) -> Raw:
    """Return a cell of calamine as text, number or day; a float by its shortest digits, never as a float."""
    if isinstance(cell, str | datetime):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return Decimal(repr(cell))
    if isinstance(cell, int):
        return Decimal(cell)
    return cell if isinstance(cell, date) else str(cell)
