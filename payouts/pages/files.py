"""Files of tables that are computed as a whole: CSV and XLSX from the same columns as the page."""

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, BinaryIO, cast

from django.http import FileResponse
from django.utils.translation import gettext as _

from access.requests import PageRequest
from console import exports
from console.columns import MONEY, Column, Kind, Label, Row
from console.files import columns as sheets
from console.files.csv_write import csv_blocks
from console.files.names import export_name
from console.files.xlsx_stream import write_rows

FORMATS = ("xlsx", "csv")
_WORDS = frozenset({Kind.TEXT, Kind.BADGE})


def sheet_file(
    request: PageRequest,
    *,
    title: Label,
    slug: str,
    columns: Sequence[Column],
    rows: Iterable[Row],
    extension: str,
    about: Sequence[tuple[str, sheets.Cell]],
    last: date | None = None,
) -> FileResponse:
    """Return the rows as a file and record that it left; `about` are lines of the sheet 조회조건."""
    spec = [sheets.SheetColumn(str(column.label), _kind(column), column.width) for column in columns]
    cells = [[_cell(column, row) for column in columns] for row in rows]
    name, out = export_name(str(title), extension, last=last), io.BytesIO()
    if extension == "csv":
        out.writelines(csv_blocks(cells, spec))
    else:
        conditions = _conditions(request, str(title), about)
        write_rows(cast("BinaryIO", out), cells, spec, title=str(title), conditions=conditions)
    exports.audit(request.scope, request.actor, slug, name, len(cells))
    out.seek(0)
    return exports.download(out, name, exports.format_named(extension).media_type)


def _kind(column: Column) -> sheets.Kind:
    return sheets.Kind.TEXT if column.kind in _WORDS else sheets.Kind(column.kind.value.replace("-", "_"))


def _cell(column: Column, row: Row) -> sheets.Cell:
    value: Any = column.of(row)
    if value is None or value == "":
        return None
    if column.kind is Kind.BADGE:
        return str(column.badge(value).label)
    if column.kind in MONEY or column.kind is Kind.COUNT:
        return int(value)
    return cast("date", value) if column.kind in {Kind.DATE, Kind.MOMENT} else str(value)


def _conditions(request: PageRequest, title: str, about: Sequence[tuple[str, sheets.Cell]]) -> sheets.Conditions:
    def lines(written: int) -> Iterator[tuple[str, sheets.Cell]]:
        yield _("목록"), title
        yield _("만든 사람"), request.actor.name
        yield from about
        yield _("건수"), written

    return lines
