"""Our own API: comparing files with our records, and what people decide about the differences."""

from typing import Any

from django.utils.translation import gettext as _

from access.api import Answer, ApiRequest
from access.cursors import CursorPage
from access.roles import ApiScope
from core import clock
from core.errors import Conflict
from core.models import OPEN_STATES, Job
from reconciliation import api_base as base
from reconciliation import api_reads, queries, wire
from reconciliation.api_base import ReconciliationView, done, named, refusals_of_the_wire, worded
from reconciliation.figures import COLUMNS
from reconciliation.judging import MATCHED
from reconciliation.judging import Outcome as Judged
from reconciliation.lines import Kind
from reconciliation.models import Batch, BatchState, Decision, Outcome, ToleranceRule
from reconciliation.operations import comparing, resolving
from settlement.models import PUBLIC_ID_LENGTH

Shape = dict[str, Any]
DECISIONS = tuple(value for value in Decision.values if value != Decision.RESTORE)
_MOST_REFS = 1_000


class FileCompare(ReconciliationView):
    """POST /reconciliation/files/{id}/compare."""

    def post(self, request: ApiRequest, public_id: str) -> Answer:
        """Let a job compare an accepted file with our records as they are now; one under way is answered with 200."""
        row = base.batch(request, public_id)
        _check_comparable(row)
        working = _working(row)
        if working is not None:
            return Answer({"job": wire.job(working)})
        with refusals_of_the_wire():
            job = comparing.start(batch=row, by=request.actor, now=clock.now())
        return Answer({"job": wire.job(job)}, 202)


class FileComparison(ReconciliationView):
    """GET /reconciliation/files/{id}/comparison."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return the newest comparison: counts by outcome, and from our total to the file's."""
        row = base.batch(request, public_id)
        shape = wire.comparison(api_reads.compared(row))
        working = _working(row)
        return shape if working is None else {**shape, "job": wire.job(working)}


class FileOutcomes(ReconciliationView):
    """GET /reconciliation/files/{id}/outcomes."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return the groups of the newest comparison in the order of the file, then what only we have."""
        query, row = request.query, base.batch(request, public_id)
        rows = queries.outcomes(api_reads.compared(row)).select_related("comparison")
        rows = rows.filter(worded(query, "outcome", "outcome", Judged) & named(query, "currency", "currency"))
        differing = query.maybe_boolean("differing")
        if differing is not None:
            rows = rows.exclude(outcome__in=MATCHED) if differing else rows.filter(outcome__in=MATCHED)
        found, more = base.in_order(query, rows, "place")
        return {"items": api_reads.told(row, found), **more}


class OutcomeView(ReconciliationView):
    """GET /reconciliation/files/{id}/outcomes/{number}."""

    def get(self, request: ApiRequest, public_id: str, number: str) -> Shape:
        """Return a group with the lines and our records that produced it."""
        row = base.batch(request, public_id)
        return api_reads.whole(row, _outcome(request, public_id, number))


class OutcomeResolve(ReconciliationView):
    """POST /reconciliation/files/{id}/outcomes/{number}/resolve."""

    writes = ApiScope.RECONCILIATION_DECIDE

    def post(self, request: ApiRequest, public_id: str, number: str) -> Shape:
        """Accept a difference, link it with records of ours, dispute it, or open it again."""
        fields = request.fields
        made = done(
            request,
            resolving.resolve,
            batch_id=public_id,
            place=base.number(number),
            decision=Decision(base.word(fields, "decision", DECISIONS)),
            reason=base.reason(fields),
            refs=fields.texts("refs", most=_MOST_REFS, longest=PUBLIC_ID_LENGTH),
            as_seen=fields.maybe_text("seen", longest=64) or "",
        )
        return wire.resolution(made)


class FileResolutions(ReconciliationView):
    """GET /reconciliation/files/{id}/resolutions."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return all that was decided about a file and its other versions, newest first."""
        found, more = CursorPage.of(request.query).take(queries.resolutions(base.batch(request, public_id)))
        return {"items": [wire.resolution(row) for row in found], **more}


class Tolerances(ReconciliationView):
    """GET and PUT /reconciliation/tolerances."""

    writes = ApiScope.RECONCILIATION_DECIDE

    def get(self, request: ApiRequest) -> Shape:
        """Return the tolerances that somebody has set."""
        rows = ToleranceRule.objects.within(request.scope).filter(worded(request.query, "kind", "kind", COLUMNS))
        found, more = CursorPage.of(request.query).take(rows)
        return {"items": [wire.tolerance(row) for row in found], **more}

    def put(self, request: ApiRequest) -> Shape:
        """Say how far figures of a kind and currency may differ; without a figure as is usual."""
        fields = request.fields
        rule = done(
            request,
            comparing.set_tolerance,
            kind=Kind(base.word(fields, "kind", COLUMNS)),
            currency=base.currency(fields, "currency"),
            line=base.maybe_slack(fields, "line"),
            group=base.maybe_slack(fields, "group"),
        )
        return wire.tolerance(rule)


def _check_comparable(row: Batch) -> None:
    """Tell now what the job would only find out later. Raises Conflict."""
    if row.state != BatchState.ACCEPTED:
        raise Conflict(_("반영한 파일만 비교할 수 있어요."), state=row.state)
    if row.kind not in COLUMNS:
        raise Conflict(_("금액이 없는 파일은 비교하지 않아요."))


def _working(row: Batch) -> Job | None:
    """Return the job that is comparing a file."""
    mine = Job.objects.within(row.scope).filter(kind=comparing.COMPARE_JOB, dedupe=row.public_id)
    return mine.filter(state__in=OPEN_STATES).first()


def _outcome(request: ApiRequest, public_id: str, number: str) -> Outcome:
    row = base.batch(request, public_id)
    return api_reads.outcome_at(api_reads.compared(row), base.number(number))
