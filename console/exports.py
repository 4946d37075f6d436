"""
Files of lists: CSV and XLSX from the same columns, filters and order as the page.

Up to 10,000 rows are sent at once; more become a job whose file only the person who asked may fetch, for seven days.
Rows, count and sums come from one read-only snapshot. Where every column exists in SQL, PostgreSQL writes the sheet's
rows itself; otherwise they pass through Python one by one. Both keep memory constant.
"""

import secrets
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.core.files import File
from django.core.files.storage import FileSystemStorage
from django.db import connection, transaction
from django.http import FileResponse, QueryDict
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access import audit as trail
from console import columns as shown
from console.columns import BUT_LAST_FOUR, MONEY, Column, Kind
from console.files import columns as sheets
from console.files.csv_write import csv_blocks
from console.files.names import content_disposition, export_name
from console.files.xlsx_stream import write_query, write_rows
from console.filters import BoundFilters
from console.models import ExportFile
from core import clock, ids, jobs
from core.actor import Actor
from core.errors import Conflict, InvalidRequest
from core.models import OPEN_STATES, Job
from core.scope import Scope

if TYPE_CHECKING:
    from console.lists import ListPage

EXPORT_JOB: Final = "console.export"
AT_ONCE: Final = 10_000
KEPT_FOR: Final = timedelta(days=7)
MAX_OPEN: Final = 2
_FETCHED_AT_ONCE = 5_000
_PROGRESS_SECONDS = 0.5
_IN_MEMORY = 8 << 20


@dataclass(frozen=True, slots=True)
class Format:
    """A file format by its extension."""

    extension: str
    media_type: str


_FORMATS: Mapping[str, Format] = {
    "xlsx": Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": Format("csv", "text/csv; charset=utf-8"),
}


def format_named(name: str) -> Format:
    """Return a format. Raises InvalidRequest."""
    try:
        return _FORMATS[name]
    except KeyError:
        raise InvalidRequest(_("CSV나 XLSX로 내려받을 수 있어요."), field="format") from None


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asked to have in a file."""

    page: "ListPage"
    scope: Scope
    filters: BoundFilters
    columns: tuple[Column, ...]
    format: Format
    picked: tuple[str, ...] = ()
    who: str = ""

    @property
    def exported(self) -> tuple[Column, ...]:
        """Return the columns that go into the file."""
        return tuple(column for column in self.columns if column.export)

    @property
    def keys(self) -> list[str]:
        """Return what is selected, in order."""
        return self.page.keys(self.exported)

    @property
    def name(self) -> str:
        """Return the file's name with the days it covers."""
        ends = next((b.state for b in self.filters.items if b.chip and "first" in b.state), {})
        title = str(self.page.file_title or self.page.title)
        return export_name(title, self.format.extension, first=ends.get("first"), last=ends.get("last"))

    def sql(self, *, ordered: bool = True) -> tuple[str, Sequence[Any]] | None:
        """Return the query for exactly the keys, in the page's order if asked; None when nothing can match."""
        rows = self.page.queryset(self.scope)
        chosen = rows.filter(**{f"{self.page.id_key}__in": self.picked}) if self.picked else self.filters.apply(rows)
        try:
            rows = chosen.order_by(*(self.page.order if ordered else ()))
            return rows.values_list(*self.keys).query.sql_with_params()
        except EmptyResultSet:
            return None

    def as_arguments(self) -> dict[str, object]:
        """Return what a job needs to build the same file."""
        return {
            "page": self.page.slug,
            "query": self.filters.query(),
            "day": self.filters.today.isoformat(),
            "columns": ",".join(column.key for column in self.columns),
            "format": self.format.extension,
            "picked": list(self.picked),
            "who": self.who,
            "language": translation.get_language() or settings.LANGUAGE_CODE,
        }


@dataclass(frozen=True, slots=True)
class Built:
    """A finished file."""

    name: str
    format: Format
    rows: int
    file: BinaryIO

    def response(self) -> FileResponse:
        """Return the file as a download."""
        return download(self.file, self.name, self.format.media_type)


def download(file: "BinaryIO | File[bytes]", name: str, media_type: str) -> FileResponse:
    """Return a response that saves a file under its name."""
    response = FileResponse(file, content_type=media_type)
    response["Content-Disposition"] = content_disposition(name)
    return response


def small_file(
    scope: Scope,
    by: Actor,
    *,
    slug: str,
    title: str,
    name: str,
    form: Format,
    spec: Sequence[sheets.SheetColumn],
    cells: Sequence[Sequence[sheets.Cell]],
    conditions: sheets.Conditions,
) -> FileResponse:
    """Return a table that is in memory as a file, and record that it left; `conditions` describe it in a workbook."""
    out = written(form, cells, spec, title=title, conditions=conditions)
    audit(scope, by, slug, name, len(cells))
    return download(out, name, form.media_type)


def written(
    form: Format,
    cells: Iterable[Sequence[sheets.Cell]],
    spec: Sequence[sheets.SheetColumn],
    *,
    title: str,
    conditions: sheets.Conditions,
) -> BinaryIO:
    """Return a table as an open file at its beginning, for a response that closes it."""
    out = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - the response closes it
    if form.extension == "csv":
        for block in csv_blocks(cells, spec):
            out.write(block)
    else:
        write_rows(out, cells, spec, title=title, conditions=conditions)
    out.seek(0)
    return out


@contextmanager
def snapshot() -> Iterator[Any]:
    """
    Give a connection whose every query sees one moment.

    It is a connection of its own, so that progress can be written meanwhile. Inside an open transaction there is none
    to be had that would see its rows; then that transaction is joined.
    """
    if connection.in_atomic_block:
        yield connection
        return
    reader = connection.copy()
    try:
        reader.set_autocommit(False)
        with reader.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read read only")
        yield reader
    finally:
        if reader.connection is not None:
            reader.rollback()
        reader.close()


@dataclass(frozen=True, slots=True)
class _Summary:
    """Count and sums of what goes into the file, seen in its snapshot."""

    count: int
    sums: list[tuple[str, str, int]]


def _quoted(key: str) -> str:
    return '"' + key.replace('"', '""') + '"'


def _from(order: Order, sql: str) -> str:
    return f"({sql}) as q({', '.join(_quoted(key) for key in order.keys)})"


def _summary(reader: Any, order: Order) -> _Summary:
    compiled = order.sql(ordered=False)
    if compiled is None:
        return _Summary(0, [])
    sql, params = compiled
    summed = [column for column in order.exported if column.total and column.value is None]
    currency = f"q.{_quoted(order.page.currency)}::text" if order.page.currency else "'KRW'"
    sums = "".join(f", coalesce(sum(q.{_quoted(column.key)}), 0)" for column in summed)
    with reader.cursor() as cursor:
        counted = f"select {currency}, count(*){sums} from {_from(order, sql)}"  # noqa: S608 - compiled, names quoted
        cursor.execute(f"{counted} group by 1 order by 1", params)
        rows = cursor.fetchall()
    lines = [
        (str(column.label), code, int(value))
        for code, _count, *values in rows
        for column, value in zip(summed, values, strict=True)
    ]
    return _Summary(sum(row[1] for row in rows), lines)


# How our columns look in a sheet.

_SHEET_KINDS: Mapping[Kind, sheets.Kind] = {
    Kind.TEXT: sheets.Kind.TEXT,
    Kind.BADGE: sheets.Kind.TEXT,
    Kind.MASKED: sheets.Kind.ID,
    Kind.ID: sheets.Kind.ID,
    Kind.WON: sheets.Kind.WON,
    Kind.SIGNED_WON: sheets.Kind.SIGNED_WON,
    Kind.DATE: sheets.Kind.DATE,
    Kind.MOMENT: sheets.Kind.MOMENT,
    Kind.RATE: sheets.Kind.RATE,
    Kind.COUNT: sheets.Kind.COUNT,
    Kind.DECIMAL: sheets.Kind.DECIMAL,
}


def sheet_columns(order: Order) -> list[sheets.SheetColumn]:
    """Return the columns as the writers know them; with currencies, amounts are minor units beside the code."""
    written = [
        sheets.SheetColumn(str(column.label), _SHEET_KINDS[column.kind], column.width) for column in order.exported
    ]
    return [*written, sheets.SheetColumn(_("통화"), sheets.Kind.TEXT)] if order.page.currency else written


def _cell(column: Column, row: Mapping[str, Any]) -> sheets.Cell:
    value = column.of(row)
    if value is None or value == "":
        return None
    if column.kind is Kind.BADGE:
        return str(column.badge(value).label)
    if column.kind in MONEY | {Kind.COUNT, Kind.RATE}:
        return int(cast("int", value))
    if column.kind is Kind.DECIMAL:
        return Decimal(str(value))
    if column.kind in {Kind.DATE, Kind.MOMENT}:
        return cast("date", value)
    return str(value)


def _python_rows(reader: Any, order: Order) -> Iterator[list[sheets.Cell]]:
    compiled = order.sql()
    if compiled is None:
        return
    keys, written, currency = order.keys, order.exported, order.page.currency
    with reader.connection.cursor(name=f"export_{secrets.token_hex(6)}") as cursor:
        cursor.itersize = _FETCHED_AT_ONCE
        cursor.execute(*compiled)
        for record in cursor:
            row = dict(zip(keys, record, strict=True))
            cells = [_cell(column, row) for column in written]
            yield [*cells, str(row[currency])] if currency else cells


def _literal(text: str) -> str:
    # The query carries parameters, so a percent sign of ours has to be doubled for the driver.
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def _sql_cell(column: Column) -> str:
    source = column.sql or f"q.{_quoted(column.key)}"
    if column.kind is Kind.BADGE:
        cases = " ".join(
            f"when {_literal(key)} then {_literal(str(badge.label))}" for key, badge in (column.badges or {}).items()
        )
        return f"case {source}::text {cases} else {source}::text end" if cases else f"{source}::text"
    if column.kind is Kind.MASKED:
        return f"regexp_replace({source}::text, '{BUT_LAST_FOUR}', '*', 'g')"
    if column.kind in {Kind.TEXT, Kind.ID}:
        return f"nullif({source}::text, '')"
    return source


def _sql_rows(order: Order) -> tuple[str, Sequence[Any]] | None:
    """Return the query that gives the cells of the file, or None where a column is computed in Python."""
    compiled = order.sql()
    if compiled is None or any(column.value and not column.sql for column in order.exported):
        return None
    sql, params = compiled
    cells = [_sql_cell(column) for column in order.exported]
    if order.page.currency:
        cells.append(f"q.{_quoted(order.page.currency)}::text")
    return f"select {', '.join(cells)} from {_from(order, sql)}", params  # noqa: S608 - compiled, names quoted


def _conditions(order: Order, summary: _Summary, now: datetime) -> sheets.Conditions:
    def lines(written: int) -> Iterable[tuple[str, sheets.Cell]]:
        yield _("목록"), str(order.page.title)
        yield _("만든 사람"), order.who
        yield _("만든 때"), shown.moment(now)
        yield _("환경"), _("테스트") if order.scope.is_test else _("실제")
        if order.picked:
            count = len(order.picked)
            yield _("고른 행"), ngettext("%(count)d건", "%(count)d건", count) % {"count": count}
        else:
            yield from order.filters.lines
        yield _("건수"), written
        for label, currency, value in summary.sums:
            yield _("%(label)s 합계") % {"label": label} + ("" if currency == "KRW" else f" ({currency})"), value

    return lines


def write(reader: Any, order: Order, out: BinaryIO, now: datetime, on_rows: Callable[[int], None] | None = None) -> int:
    """Write the file and return how many rows it holds."""
    spec, summary = sheet_columns(order), _summary(reader, order)
    if order.format.extension == "csv":
        return _write_csv(_python_rows(reader, order), spec, out, on_rows)
    conditions, title = _conditions(order, summary, now), str(order.page.title)
    fast = _sql_rows(order) if summary.count > AT_ONCE else None
    if fast is None:
        rows = _python_rows(reader, order)
        return write_rows(out, rows, spec, title=title, conditions=conditions, on_rows=on_rows)
    with reader.cursor() as cursor:
        return write_query(cast("Any", out), cursor, *fast, spec, title=title, conditions=conditions, on_rows=on_rows)


def _write_csv(
    rows: Iterable[list[sheets.Cell]],
    spec: Sequence[sheets.SheetColumn],
    out: BinaryIO,
    on_rows: Callable[[int], None] | None,
) -> int:
    written = 0

    def counted() -> Iterator[list[sheets.Cell]]:
        nonlocal written
        for row in rows:
            written += 1
            yield row

    for block in csv_blocks(counted(), spec):
        out.write(block)
        if on_rows:
            on_rows(written)
    return written


def at_once(order: Order, now: datetime) -> Built | None:
    """Build a small file; None when there are more than 10,000 rows."""
    with snapshot() as reader:
        if _more_than(reader, order, AT_ONCE):
            return None
        file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - the response closes it
        rows = write(reader, order, cast("BinaryIO", file), now)
    file.seek(0)
    return Built(order.name, order.format, rows, cast("BinaryIO", file))


def _more_than(reader: Any, order: Order, limit: int) -> bool:
    compiled = order.sql(ordered=False)
    if compiled is None:
        return False
    sql, params = compiled
    with reader.cursor() as cursor:
        some = f"select 1 from ({sql}) as q limit {limit + 1}"  # noqa: S608 - compiled by the ORM
        cursor.execute(f"select count(*) from ({some}) as counted", params)  # noqa: S608 - likewise
        (found,) = cursor.fetchone()
    return bool(found > limit)


def start(order: Order, by: Actor, now: datetime) -> Job:
    """Start the job that builds a large file. Raises Conflict while too many are being built."""
    running = Job.objects.within(order.scope).filter(kind=EXPORT_JOB, state__in=OPEN_STATES).count()
    if running >= MAX_OPEN:
        raise Conflict(_("파일을 이미 %(count)d개 만들고 있어요. 끝난 뒤에 다시 요청해 주세요.") % {"count": running})
    return jobs.enqueue(scope=order.scope, kind=EXPORT_JOB, arguments=order.as_arguments(), by=by, now=now)


def storage() -> FileSystemStorage:
    """Return where finished files wait."""
    return FileSystemStorage(location=settings.JEONGSAN["EXPORT_DIR"], file_permissions_mode=0o600)


def _order_of(job: jobs.RunningJob) -> Order:
    from console.lists import page_named

    told = cast("Mapping[str, Any]", job.arguments)
    page = page_named(told["page"])()
    return Order(
        page=page,
        scope=job.scope,
        filters=page.bind(QueryDict(told["query"]), told["day"]),
        columns=page.chosen(told["columns"]),
        format=format_named(told["format"]),
        picked=tuple(told["picked"]),
        who=told["who"],
    )


def _reporter(job: jobs.RunningJob, total: int) -> Callable[[int], None]:
    last = 0.0

    def report(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _PROGRESS_SECONDS:
            last = time.monotonic()
            job.progress(done, total)

    return report


@jobs.handler(EXPORT_JOB, queue=jobs.Queue.EXPORTS)
def build(job: jobs.RunningJob) -> dict[str, object]:
    """Build a large file and keep it for the person who asked."""
    with translation.override(str(job.arguments["language"])):
        order, now = _order_of(job), clock.now()
        with tempfile.TemporaryFile() as file, snapshot() as reader:
            total = _summary(reader, order).count
            job.progress(0, total)
            rows = write(reader, order, cast("BinaryIO", file), now, _reporter(job, total))
            job.progress(rows, total)
            kept = _keep(job, order, cast("BinaryIO", file), rows, now)
    return {"file": kept.public_id, "rows": rows}


def _keep(job: jobs.RunningJob, order: Order, file: BinaryIO, rows: int, now: datetime) -> ExportFile:
    file.seek(0)
    path = storage().save(f"{secrets.token_urlsafe(24)}.{order.format.extension}", File(file))
    # A job that ran again after a crash replaces what its first run left.
    for earlier in ExportFile.objects.filter(job_id=job.row.pk):
        remove(earlier, now)
        earlier.delete()
    return ExportFile.objects.create(
        **order.scope.filters(),
        public_id=f"exp-{ids.ulid(now)}",
        job_id=job.row.pk,
        user_id=job.row.created_by_id or 0,
        page=order.page.slug,
        name=order.name,
        media_type=order.format.media_type,
        path=path,
        rows=rows,
        bytes=storage().size(path),
        expires_at=now + KEPT_FOR,
    )


def remove(kept: ExportFile, now: datetime) -> None:
    """Delete a file; its row stays as the record."""
    storage().delete(kept.path)
    ExportFile.objects.filter(pk=kept.pk).update(removed_at=now)


@jobs.sweeper("console.expire_exports", queue=jobs.Queue.EXPORTS)
def expire() -> int:
    """Delete the files nobody may download any more."""
    now = clock.now()
    due = list(ExportFile.objects.filter(removed_at=None, expires_at__lte=now).order_by("expires_at")[:200])
    for kept in due:
        remove(kept, now)
    return len(due)


def audit(scope: Scope, by: Actor, slug: str, name: str, rows: int) -> None:
    """Record that a file left."""
    trail.record(
        scope=scope, by=by, action="export.downloaded", kind="list", object_id=slug, after={"file": name, "rows": rows}
    )


def fetch(kept: ExportFile, by: Actor) -> FileResponse:
    """Hand out a kept file and record it."""
    with transaction.atomic():
        audit(kept.scope, by, kept.page, kept.name, kept.rows)
    return download(storage().open(kept.path), kept.name, kept.media_type)
