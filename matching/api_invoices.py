"""Our own API: vendor invoices, their matching, what people decide about them, and posting."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpResponse

from access import wire as access_wire
from access.api import Answer, ApiRequest
from access.cursors import CursorPage
from access.roles import ApiScope
from core.errors import DomainError
from matching import api_bodies, api_reads, queries, wire
from matching.api_base import MatchingView, check_version, days, done, memo, named, worded
from matching.models import InvoiceStatus, MatchStatus
from matching.operations import deciding, invoices, posting, running

Shape = dict[str, Any]


class Invoices(MatchingView):
    """GET and POST /invoices."""

    def get(self, request: ApiRequest) -> Shape:
        """Return invoices, newest first, without lines and results."""
        query = request.query
        rows = api_reads.invoices(request.scope).filter(
            named(query, "vendor", "vendor__account")
            & named(query, "number", "number")
            & worded(query, "status", "status", InvoiceStatus)
            & worded(query, "matchStatus", "match_status", MatchStatus)
            & days(query, "date", "date")
            & days(query, "dueDate", "due_date")
            & api_reads.with_reasons(query.texts("reason", most=100, longest=120))
        )
        held = query.maybe_boolean("onHold")
        if held is not None:
            rows = rows.filter(is_on_hold=held)
        found, more = CursorPage.of(query).take(rows)
        return {"items": [wire.invoice(row) for row in found], **more}

    def post(self, request: ApiRequest) -> Answer:
        """Save an invoice as pending, matched where the company matches by itself."""
        row = done(request, invoices.enter_invoice, draft=api_bodies.new_invoice(request.fields))
        return Answer(api_reads.whole_invoice(request.scope, row.public_id), 201)


class InvoiceView(MatchingView):
    """GET, PATCH and DELETE /invoices/{id}."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return an invoice with every figure its last run compared."""
        return api_reads.whole_invoice(request.scope, public_id)

    def patch(self, request: ApiRequest, public_id: str) -> Shape:
        """Change a pending invoice; an approval falls away when a matched figure changes."""
        draft = api_bodies.invoice_changes(public_id, request.fields)
        check_version(request.fields, queries.find_invoice(request.scope, public_id, lock=True))
        done(request, invoices.change_invoice, draft=draft)
        return api_reads.whole_invoice(request.scope, public_id)

    def delete(self, request: ApiRequest, public_id: str) -> None:
        """Delete a pending invoice."""
        done(request, invoices.delete_invoice, invoice_id=public_id)


class InvoiceAct(MatchingView):
    """POST /invoices/{id}/…: one step of an invoice, which is answered as it is then."""

    act: ClassVar[Callable[..., Any]]

    def given(self, request: ApiRequest) -> Shape:  # noqa: ARG002 - steps that take something read it here
        """Return what the step takes beside the invoice."""
        return {}

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Take the step."""
        # Through the class: a function kept on it would take the view for its first argument.
        done(request, type(self).act, invoice_id=public_id, **self.given(request))
        return api_reads.whole_invoice(request.scope, public_id)


class InvoiceMatch(InvoiceAct):
    """Update the match status."""

    act = staticmethod(running.match_invoice)


class InvoiceApprove(InvoiceAct):
    """Approve posting with the discrepancies there are."""

    writes = ApiScope.MATCHING_APPROVE
    act = staticmethod(deciding.approve)

    def given(self, request: ApiRequest) -> Shape:
        """Return the comment."""
        return {"comment": memo(request.fields, "comment")}


class InvoiceWithdrawApproval(InvoiceAct):
    """Take an approval back."""

    writes = ApiScope.MATCHING_APPROVE
    act = staticmethod(deciding.withdraw_approval)


class InvoiceSubmit(InvoiceAct):
    """Send to review."""

    act = staticmethod(deciding.submit)


class InvoiceRecall(InvoiceAct):
    """Take back from review."""

    act = staticmethod(deciding.recall)


class InvoiceReview(InvoiceAct):
    """Match, and say that it may be posted."""

    writes = ApiScope.MATCHING_APPROVE
    act = staticmethod(deciding.review)


class InvoiceReject(InvoiceAct):
    """Send back to who entered it."""

    writes = ApiScope.MATCHING_APPROVE
    act = staticmethod(deciding.reject)

    def given(self, request: ApiRequest) -> Shape:
        """Return the reason."""
        return {"reason": memo(request.fields, "reason")}


class InvoiceHold(InvoiceAct):
    """Keep from being posted."""

    act = staticmethod(invoices.hold)

    def given(self, request: ApiRequest) -> Shape:
        """Return the reason."""
        return {"reason": memo(request.fields, "reason")}


class InvoiceRelease(InvoiceAct):
    """Release from hold."""

    act = staticmethod(invoices.release)


class InvoicePost(MatchingView):
    """POST /invoices/{id}/post."""

    writes = ApiScope.MATCHING_POST

    def post(self, request: ApiRequest, public_id: str) -> Shape | HttpResponse:
        """Post an invoice; `warnings` says what was let through."""
        try:
            posted = done(request, posting.post_invoice, invoice_id=public_id)
        except DomainError as refusal:
            # Answered here, not raised on: the run that found the discrepancies is kept.
            return access_wire.refuse(refusal)
        return api_reads.whole_invoice(request.scope, public_id) | {"warnings": list(posted.warnings)}


class InvoiceReceiptMatches(MatchingView):
    """PUT /invoices/{id}/receipt-matches."""

    def put(self, request: ApiRequest, public_id: str) -> Shape:
        """Match the lines named with receipts, in place of what they were matched with."""
        draft = api_bodies.matches_of_lines(public_id, request.fields)
        check_version(request.fields, queries.find_invoice(request.scope, public_id, lock=True))
        done(request, invoices.change_invoice, draft=draft)
        return api_reads.whole_invoice(request.scope, public_id)


class InvoiceRuns(MatchingView):
    """GET /invoices/{id}/runs."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return the runs that gave another result than the one before, newest first, with every figure."""
        found, more = CursorPage.of(request.query).take(api_reads.runs(request.scope, public_id))
        return {"items": [wire.run(row, row.detail or {}) for row in found], **more}
