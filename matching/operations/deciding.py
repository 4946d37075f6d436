"""What people decide about an invoice: approving its discrepancies, sending it to review, clearing or rejecting it."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from access import audit
from core.actor import Actor
from core.errors import Conflict
from core.scope import Scope
from matching import queries, refusals, told
from matching.models import Invoice, InvoiceStatus, MatchStatus, WithDiscrepancies
from matching.operations import running
from matching.operations.invoices import KIND


def approve(*, scope: Scope, by: Actor, now: datetime, invoice_id: str, comment: str = "") -> Invoice:
    """
    Approve that an invoice is posted with the discrepancies it has now; any later change of a figure voids it.

    Raises NotFound, INVOICE_POSTED, APPROVAL_NOT_AVAILABLE, APPROVER_MUST_DIFFER.
    """
    with transaction.atomic():
        invoice = queries.find_pending(scope, invoice_id)
        parameters = queries.parameters(scope)
        if parameters.post_invoice_with_discrepancies != WithDiscrepancies.APPROVE:
            raise refusals.approval_not_available()
        if parameters.approver_must_differ and by.user_id == invoice.entered_by_id:
            raise refusals.approver_entered()
        # What is approved is what is there now, not what somebody saw before a receipt came.
        (ran,) = running.run(scope=scope, by=by, now=now, invoices=[invoice], parameters=parameters)
        invoice.is_approved, invoice.approved_at = True, now
        invoice.approved_by_id, invoice.approved_by = by.user_id, by.name
        invoice.approval_comment, invoice.approved_content = comment, told.content(ran.detail)
        invoice.match_status = running.status_of(ran.result, is_approved=True)
        invoice.save()
        after = {"reasons": invoice.reasons, "content": invoice.approved_content}
        audit.record(
            scope=scope, by=by, action="invoice.approved", kind=KIND, object_id=invoice_id, after=after, reason=comment
        )
    return invoice


def withdraw_approval(*, scope: Scope, by: Actor, now: datetime, invoice_id: str) -> Invoice:
    """Take an approval back. Raises NotFound, INVOICE_POSTED."""
    with transaction.atomic():
        invoice = queries.find_pending(scope, invoice_id)
        if invoice.is_approved:
            running.clear_approval(invoice)
            if invoice.match_status == MatchStatus.FAILED_APPROVED:
                invoice.match_status = MatchStatus.FAILED
            invoice.updated_at = now
            invoice.save()
            audit.record(scope=scope, by=by, action="invoice.approval_withdrawn", kind=KIND, object_id=invoice_id)
    return invoice


_STEPS = {
    "submitted": (InvoiceStatus.PENDING, InvoiceStatus.IN_REVIEW),
    "recalled": (InvoiceStatus.IN_REVIEW, InvoiceStatus.PENDING),
    "rejected": (InvoiceStatus.IN_REVIEW, InvoiceStatus.PENDING),
    "reviewed": (InvoiceStatus.IN_REVIEW, InvoiceStatus.READY),
}


def submit(*, scope: Scope, by: Actor, now: datetime, invoice_id: str) -> Invoice:
    """Send a pending invoice to review. Raises NotFound, INVOICE_POSTED, CONFLICT."""
    return _step(scope, by, now, invoice_id, "submitted")


def recall(*, scope: Scope, by: Actor, now: datetime, invoice_id: str) -> Invoice:
    """Take an invoice back from review. Raises NotFound, INVOICE_POSTED, CONFLICT."""
    return _step(scope, by, now, invoice_id, "recalled")


def reject(*, scope: Scope, by: Actor, now: datetime, invoice_id: str, reason: str) -> Invoice:
    """Send an invoice back to who entered it. Raises NotFound, INVOICE_POSTED, CONFLICT."""
    return _step(scope, by, now, invoice_id, "rejected", reason)


def review(*, scope: Scope, by: Actor, now: datetime, invoice_id: str) -> Invoice:
    """Match an invoice in review and say that it may be posted. Raises NotFound, INVOICE_POSTED, CONFLICT."""
    return _step(scope, by, now, invoice_id, "reviewed")


def _step(scope: Scope, by: Actor, now: datetime, invoice_id: str, name: str, reason: str = "") -> Invoice:
    before, after = _STEPS[name]
    with transaction.atomic():
        invoice = queries.find_pending(scope, invoice_id)
        if invoice.status == after and name in {"submitted", "reviewed"}:
            return invoice
        if invoice.status != before:
            raise Conflict(_("지금 상태에서는 할 수 없어요."), status=invoice.status)
        if name == "reviewed":
            running.run(scope=scope, by=by, now=now, invoices=[invoice], parameters=queries.parameters(scope))
        invoice.status, invoice.updated_at = after, now
        invoice.save()
        audit.record(scope=scope, by=by, action=f"invoice.{name}", kind=KIND, object_id=invoice_id, reason=reason)
    return invoice
