"""Files of the upload wizard that leave: the template, and an uploaded file with what is wrong beside each row."""

import tempfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import PurePath
from typing import BinaryIO, cast

from django.http import FileResponse
from django.utils import translation

from console.exports import download, format_named
from console.files import columns as sheets
from console.files.csv_write import csv_blocks
from console.files.names import export_name
from console.files.sheet_read import SheetReader, open_sheet
from console.files.values import Raw
from console.files.xlsx_small import write_template
from console.files.xlsx_stream import write_rows
from console.models import Upload
from console.upload_operations import content
from console.uploads import UploadKind

_IN_MEMORY = 8 << 20


def _temporary() -> BinaryIO:
    return cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))


def template(kind: UploadKind, form: str = "xlsx") -> FileResponse:
    """
    Return the sheet to fill in, as xlsx or csv, in Korean whatever the reader's language.

    It begins with two sample rows, which are passed over when they are read back unchanged.
    """
    file, chosen = _temporary(), format_named(form)
    with translation.override("ko"):
        title = str(kind.title)
        if chosen.extension == "csv":
            fields = kind.sheet_fields()
            spec = [sheets.SheetColumn(field.header, sheets.Kind.TEXT) for field in fields]
            for block in csv_blocks(zip(*(field.samples for field in fields), strict=True), spec):
                file.write(block)
        else:
            write_template(file, kind.sheet_fields(), title=title, guide=[str(line) for line in kind.guide])
    file.seek(0)
    return download(file, export_name(f"{title}_양식", chosen.extension), chosen.media_type)


def wrong_rows(kind: UploadKind, upload: Upload) -> FileResponse:
    """Return the uploaded file again, in its own format, with a last column that says what is wrong with each row."""
    out = _temporary()
    with content(upload) as file:
        reader = open_sheet(file, kind.sheet_fields(), kind.caps)
        names = [
            name for name in (field.name for field in kind.sheet_fields()) if reader.header_of(name) in reader.headers
        ]
        spec = [sheets.SheetColumn(reader.header_of(name), sheets.Kind.TEXT) for name in names]
        spec.append(sheets.SheetColumn(sheets.ERRORS_HEADER, sheets.Kind.TEXT, 60))
        found = format_named("csv" if reader.form == "csv" else "xlsx")
        rows = _marked(kind, upload, reader, names)
        if found.extension == "csv":
            for block in csv_blocks(rows, spec):
                out.write(block)
        else:
            write_rows(out, rows, spec, title=PurePath(upload.name).stem, conditions=lambda _count: ())
    out.seek(0)
    stem = PurePath(upload.name).stem
    return download(out, export_name(f"{stem}_오류", found.extension), found.media_type)


def _marked(kind: UploadKind, upload: Upload, reader: SheetReader, names: list[str]) -> Iterator[list[sheets.Cell]]:
    sentences: dict[int, list[str]] = {}
    for error in upload.errors:
        column = f"{error['column']}: " if error["column"] else ""
        sentences.setdefault(error["row"], []).append(column + kind.sentence(error))
    for number, cells in reader:
        yield [*(_written(cells.get(name)) for name in names), " ".join(sentences.get(number, [])) or None]


def _written(raw: Raw | None) -> str | None:
    if raw is None:
        return None
    if isinstance(raw, Decimal):
        return f"{raw:f}"
    return raw.isoformat() if isinstance(raw, date) else raw
