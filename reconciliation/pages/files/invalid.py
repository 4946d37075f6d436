"""읽을 수 없는 줄: a file of the lines that could not be read, with the reasons beside their cells as delivered."""

from collections.abc import Iterator
from pathlib import PurePath

from django.http import FileResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access import audit
from access.requests import PageRequest
from access.roles import Permission
from console import exports
from console.files.columns import Cell, Kind, SheetColumn
from console.files.names import export_name
from console.pages import PageView
from core.errors import InvalidRequest
from reconciliation.models import Batch, BatchLine
from reconciliation.operations.storing import KIND
from reconciliation.pages.files import reads, shown

_AT_A_TIME = 2_000
_REASON_WIDTH = 60


class InvalidView(PageView):
    """The lines of a file that could not be read, as CSV or XLSX."""

    permission = Permission.EXPORT
    title = gettext_lazy("읽을 수 없는 줄")

    def get(self, request: PageRequest, batch_id: str) -> HttpResponseBase:
        """Send the file."""
        batch = reads.find_kept(request.scope, batch_id)
        form = exports.format_named("xlsx" if request.GET.get("form") == "xlsx" else "csv")
        if form.extension == "xlsx" and batch.answer["records"]["invalid"] > exports.AT_ONCE:
            raise InvalidRequest(_("줄이 많아서 엑셀로는 만들 수 없어요. CSV로 내려받아 주세요."), field="form")
        audit.record(
            scope=request.scope,
            by=request.actor,
            action="reconciliation.lines_downloaded",
            kind=KIND,
            object_id=batch.public_id,
        )
        return written(batch, form)


def written(batch: Batch, form: exports.Format) -> FileResponse:
    """Return the file: record, line, reasons, and every cell under its own header."""
    columns = _columns(batch)
    spec = [
        SheetColumn(_("내역 번호"), Kind.COUNT),
        SheetColumn(_("파일의 줄"), Kind.COUNT),
        SheetColumn(_("읽을 수 없는 이유"), Kind.TEXT, _REASON_WIDTH),
        *(SheetColumn(name, Kind.TEXT) for name in columns),
    ]
    stem = PurePath(batch.name).stem
    rows = _rows(batch, list(columns))
    out = exports.written(form, rows, spec, title=stem, conditions=lambda _count: ())
    return exports.download(out, export_name(f"{stem}_{_('오류')}", form.extension), form.media_type)


def _columns(batch: Batch) -> dict[str, None]:
    """Return the headers of all blocks of the file's kind, in order, and names for cells beyond them."""
    names: dict[str, None] = {}
    widest = reads.widest(reads.invalid_lines(batch))
    for header in batch.headers:
        if header["kind"] == batch.kind:
            names |= dict.fromkeys(_heads(header["cells"], widest))
    return names


def _heads(cells: list[str], width: int) -> list[str]:
    heads = [name or _cell_name(place) for place, name in enumerate(cells)]
    return [*heads, *(_cell_name(place) for place in range(len(cells), width))]


def _cell_name(place: int) -> str:
    return _("%(number)d번째 칸") % {"number": place + 1}


def _rows(batch: Batch, columns: list[str]) -> Iterator[list[Cell]]:
    for line in reads.invalid_lines(batch).iterator(_AT_A_TIME):
        delivered = dict(zip(_heads(batch.headers[line.block]["cells"], len(_cells(line))), _cells(line), strict=False))
        given = [delivered.get(name) or None for name in columns]
        yield [line.record, line.line, shown.reasons(line.codes), *given]


def _cells(line: BatchLine) -> list[str]:
    return line.delivered or []
