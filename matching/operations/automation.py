"""
Matching receipts in the background.

Takes pending invoices that are included and have three-way lines, and matches posted receipts with them, the oldest
first, until every such line is matched with its quantity or the attempts are used up; then the invoice is matched.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from core import actor
from core.scope import Scope
from matching import facts, queries
from matching.engine.policies import in_force
from matching.engine.terms import Policy
from matching.models import AutomationStatus, Invoice, InvoiceLine, InvoiceStatus, Parameters
from matching.operations import deciding, running, suggesting

SWEEPER: Final = "matching.automation"


def run_company(*, scope: Scope, now: datetime, everything: bool = False) -> int:
    """Try the invoices of a company that are due, all of them with `everything`; returns how many were tried."""
    parameters = queries.parameters(scope)
    if not parameters.automation_match_receipts:
        return 0
    rows = Invoice.objects.within(scope).filter(status=InvoiceStatus.PENDING, is_automated=True, automation_outcome="")
    if not everything:
        rows = rows.filter(Q(automation_next_at=None) | Q(automation_next_at__lte=now))
    tried = 0
    for key in list(rows.order_by("pk").values_list("pk", flat=True)):
        tried += _try(scope, key, parameters, now)
    return tried


def _try(scope: Scope, key: int, parameters: Parameters, now: datetime) -> int:
    with transaction.atomic():
        rows = Invoice.objects.within(scope).select_for_update(no_key=True)
        invoice = rows.filter(pk=key, status=InvoiceStatus.PENDING, is_automated=True, automation_outcome="").first()
        if invoice is None:
            return 0
        lines = three_way_lines(invoice, parameters)
        if not lines:
            return 0
        queries.lock_order_lines(line.order_line_id for line in lines if line.order_line_id is not None)
        short = [line for line in lines if not suggesting.match_line(scope, line)]
        done = not short
        _count(invoice, parameters, now, done=done)
        by = actor.system(SWEEPER)
        running.run(scope=scope, by=by, now=now, invoices=[invoice], parameters=parameters)
        if parameters.automation_submits and (done or not parameters.automation_needs_all_receipts):
            deciding.submit(scope=scope, by=by, now=now, invoice_id=invoice.public_id)
    return 1


def _count(invoice: Invoice, parameters: Parameters, now: datetime, *, done: bool) -> None:
    invoice.automation_attempts += 1
    pause = timedelta(hours=parameters.automation_hours) * settings.TIME_SCALE
    invoice.automation_next_at = now + pause
    if done:
        invoice.automation_outcome = AutomationStatus.COMPLETED
    elif invoice.automation_attempts >= parameters.automation_attempts:
        invoice.automation_outcome, invoice.is_automated = AutomationStatus.FAILED, False


def three_way_lines(invoice: Invoice, parameters: Parameters) -> Sequence[InvoiceLine]:
    """Return the lines of an invoice that have to be matched with receipts."""
    company = facts.company(parameters)
    lines = InvoiceLine.objects.filter(invoice=invoice, order_line__is_cancelled=False)
    return [
        line
        for line in lines.select_related("order_line", "item").order_by("number")
        if line.order_line is not None and in_force(Policy(line.order_line.policy), company) is Policy.THREE_WAY
    ]


def status(invoice: Invoice, parameters: Parameters) -> AutomationStatus:
    """Return what became of matching receipts with an invoice in the background."""
    if invoice.automation_outcome:
        return AutomationStatus(invoice.automation_outcome)
    if not parameters.automation_match_receipts or not three_way_lines(invoice, parameters):
        return AutomationStatus.NOT_APPLICABLE
    return AutomationStatus.NOT_YET_RUN


def run_due(*, now: datetime) -> int:
    """Try what is due of every company that has receipts matched by itself; returns how many invoices were tried."""
    companies = Parameters.objects.filter(automation_match_receipts=True).order_by("pk")
    return sum(run_company(scope=row.scope, now=now) for row in companies)
