"""Our own API: files of vendors and payment providers, what was understood of them, and letting them count."""

from typing import Any

from access.api import Answer, ApiRequest
from access.cursors import CursorPage
from access.roles import ApiScope
from core import clock
from core.models import OPEN_STATES, Job
from reconciliation import api_base as base
from reconciliation import api_reads, queries, wire
from reconciliation.api_base import ReconciliationView, done, named, refusals_of_the_wire, worded
from reconciliation.lines import Kind
from reconciliation.models import Batch, BatchState
from reconciliation.models.lengths import NAME_LENGTH
from reconciliation.operations import deciding, resolving, storing

Shape = dict[str, Any]
LOCALES = ("ko", "en")
_LARGEST_FILE = 101 * 1_048_576


def whole(row: Batch) -> Shape:
    """Tell of a file with what was understood of it, what accepting it would replace, and the job that reads it."""
    shape = wire.file(row)
    if row.answer:
        shape["understood"] = row.answer
    if row.state == BatchState.UNDERSTOOD:
        standing = deciding.standing(row)
        if standing.replaces is not None:
            shape["wouldReplace"] = {"id": standing.replaces.public_id, "diff": standing.diff}
    reading = Job.objects.filter(pk=row.job_id or 0, state__in=OPEN_STATES).first()
    if reading is not None:
        shape["job"] = wire.job(reading)
    return shape


class Files(ReconciliationView):
    """GET and POST /reconciliation/files."""

    takes_files = True
    largest_body = _LARGEST_FILE

    def get(self, request: ApiRequest) -> Shape:
        """Return files, newest first, rejected attempts included."""
        query = request.query
        rows = queries.batches(request.scope).select_related("replaces", "same_as")
        rows = rows.filter(
            worded(query, "state", "state", BatchState.values)
            & worded(query, "kind", "kind", Kind)
            & named(query, "invoiceNumber", "invoice_number")
            & named(query, "billingEntity", "billing_entity")
            & base.days(query, "period", "first_day", "last_day")
        )
        found, more = CursorPage.of(query).take(rows)
        return {"items": [wire.file(row) for row in found], **more}

    def post(self, request: ApiRequest) -> Answer:
        """Keep a file and let a job read it; the same bytes again are answered with the file they already are."""
        query, file = request.query, request.upload("file")
        told: Shape = {
            "locale": query.maybe_text("locale", longest=2) or LOCALES[0],
            "billing_entity": query.maybe_text("billingEntity", longest=NAME_LENGTH) or "",
            "invoice_number": query.maybe_text("invoiceNumber", longest=NAME_LENGTH) or "",
            "issued_on": query.maybe_date("issuedOn"),
        }
        if told["locale"] not in LOCALES:
            raise query.wrong("locale", ", ".join(LOCALES))
        received = done(request, storing.receive, file=file, name=str(file.name or ""), **told)
        if not received.is_new:
            return Answer({**whole(received.batch), "alreadyLoaded": True})
        with refusals_of_the_wire():
            started = storing.start(batch=received.batch, by=request.actor, now=clock.now())
        return Answer(whole(started), 202)


class FileView(ReconciliationView):
    """GET /reconciliation/files/{id}."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return a file with what was understood of it."""
        return whole(base.batch(request, public_id))


class FileAccept(ReconciliationView):
    """POST /reconciliation/files/{id}/accept."""

    writes = ApiScope.RECONCILIATION_DECIDE

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Let a file count; one that follows another version needs `confirm`."""
        confirm = bool(request.fields.maybe_boolean("confirm"))
        return whole(done(request, deciding.accept, batch_id=public_id, confirm=confirm))


class FileDiscard(ReconciliationView):
    """POST /reconciliation/files/{id}/discard."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Throw a file away that does not count."""
        return whole(done(request, deciding.discard, batch_id=public_id))


class FileLines(ReconciliationView):
    """GET /reconciliation/files/{id}/lines."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return lines in the order of the file, all or some."""
        query, row = request.query, base.batch(request, public_id)
        rows = api_reads.lines(row, base.word(query, "only", api_reads.ONLY) if query.has("only") else "")
        rows = rows.filter(named(query, "resellerMpnId", "reseller_mpn") & named(query, "currency", "currency"))
        found, more = base.in_order(query, rows, "record")
        restored = queries.restored_records(row)
        return {"items": [wire.line(one, restored=one.record in restored) for one in found], **more}


class LineRestore(ReconciliationView):
    """POST /reconciliation/files/{id}/lines/{record}/restore."""

    writes = ApiScope.RECONCILIATION_DECIDE

    def post(self, request: ApiRequest, public_id: str, number: str) -> Shape:
        """Say that a line that looks like a copy is none."""
        record, reason = base.number(number), base.reason(request.fields)
        made = done(request, resolving.restore, batch_id=public_id, record=record, reason=reason)
        return wire.resolution(made)


class ByPartner(ReconciliationView):
    """GET /reconciliation/by-partner."""

    def get(self, request: ApiRequest) -> Shape:
        """Return what the lines of accepted files come to by reseller, with the partner that is linked."""
        query = request.query
        rows = queries.stored(request.scope).filter(
            named(query, "file", "public_id")
            & worded(query, "kind", "kind", Kind)
            & named(query, "invoiceNumber", "invoice_number")
            & base.days(query, "period", "first_day", "last_day")
        )
        return {"items": api_reads.by_partner(request.scope, rows)}
