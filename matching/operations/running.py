"""Running the matching of invoices, and keeping what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from django.db import transaction
from django.utils.translation import gettext as _

from core.actor import Actor
from core.scope import Scope
from matching import amounts, facts, queries, refusals, told
from matching.engine import match
from matching.engine.results import Result
from matching.engine.terms import Total
from matching.engine.totals import actual_totals
from matching.models import Invoice, InvoiceLine, MatchRun, MatchStatus, Parameters, Verdict

_SUMMARY = {"passed": Verdict.PASSED, "failed": Verdict.FAILED}


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run gave: the engine's result, and the same as it is kept."""

    invoice: Invoice
    result: Result
    detail: told.Told


def match_invoice(*, scope: Scope, by: Actor, now: datetime, invoice_id: str) -> Invoice:
    """Match a pending invoice now, whether or not the company matches by itself. Raises NotFound, INVOICE_POSTED."""
    with transaction.atomic():
        invoice = queries.find_pending(scope, invoice_id)
        run(scope=scope, by=by, now=now, invoices=[invoice], parameters=queries.parameters(scope))
    return invoice


def run(*, scope: Scope, by: Actor, now: datetime, invoices: Sequence[Invoice], parameters: Parameters) -> list[Ran]:
    """
    Match invoices that are locked by the caller, keep what came of it, and return it.

    A result that says what the last one said adds no row; an approval falls away when what was approved has changed.
    """
    company = facts.company(parameters)
    known = facts.load(scope, invoices, parameters)
    done = []
    for invoice in invoices:
        result = match(known[invoice.pk], company)
        detail = told.whole(result)
        _keep(invoice, result, detail, by, now)
        done.append(Ran(invoice, result, detail))
    return done


def _keep(invoice: Invoice, result: Result, detail: told.Told, by: Actor, now: datetime) -> None:
    content = told.content(detail)
    if invoice.is_approved and invoice.approved_content != content:
        clear_approval(invoice)
    invoice.match_status = status_of(result, is_approved=invoice.is_approved)
    invoice.last_variance = _SUMMARY.get(result.status.value, "")
    invoice.reasons = sorted({*result.reasons, *(reason for line in result.lines for reason in line.reasons)})
    invoice.last_match_at = now
    invoice.amount = amounts.money(result.figures[Total.INVOICE_AMOUNT], invoice.currency)
    invoice.save()
    last = MatchRun.objects.filter(invoice=invoice).order_by("-pk").values_list("content", "detail").first()
    if last is None or last[0] != content or last[1] != detail:
        MatchRun.objects.create(
            invoice=invoice, at=now, by=str(by), status=invoice.match_status, content=content, detail=detail
        )


def status_of(result: Result, *, is_approved: bool) -> MatchStatus:
    """Return the match status a result gives."""
    if is_approved and result.status.value == MatchStatus.FAILED:
        return MatchStatus.FAILED_APPROVED
    return MatchStatus(result.status.value)


def clear_approval(invoice: Invoice) -> None:
    """Take back an approval on the row; the caller saves it."""
    invoice.is_approved = False
    invoice.approved_by_id = None
    invoice.approved_by = invoice.approval_comment = invoice.approved_content = ""
    invoice.approved_at = None


def refresh(
    *, scope: Scope, by: Actor, now: datetime, invoice: Invoice, parameters: Parameters, matches: bool = True
) -> None:
    """Bring a locked pending invoice in line with what was just changed of it: match it, or say that nobody has."""
    if matches and parameters.automatically_update_header_match_status:
        run(scope=scope, by=by, now=now, invoices=[invoice], parameters=parameters)
    else:
        mark(invoice, parameters)
        invoice.amount = amounts.money(figures(invoice)[Total.INVOICE_AMOUNT], invoice.currency)
        invoice.save()
    if amounts.is_too_large(Fraction(invoice.amount), invoice.currency):
        raise refusals.invalid(_("금액이 너무 커요."), "lines")


def mark(invoice: Invoice, parameters: Parameters) -> None:
    """Say on the row that an invoice has not been matched since something changed; the caller saves it."""
    has_orders = InvoiceLine.objects.filter(invoice=invoice, order_line__isnull=False).exists()
    applies = parameters.enable_invoice_matching_validation and has_orders
    invoice.match_status = MatchStatus.NOT_PERFORMED if applies else MatchStatus.NOT_APPLICABLE


def figures(invoice: Invoice) -> Mapping[Total, Fraction]:
    """Return the six totals of an invoice as it is stored."""
    known = facts.load(invoice.scope, [invoice], queries.parameters(invoice.scope))
    return actual_totals(known[invoice.pk])


def quantities(
    scope: Scope, invoice: Invoice, lines: Sequence[InvoiceLine]
) -> dict[int, tuple[Fraction | None, Fraction]]:
    """Return what each line bills and what receipts are matched with it, in the order line's unit; None is unknown."""
    known = {line.number: line for line in facts.load(scope, [invoice], queries.parameters(scope))[invoice.pk].lines}
    found: dict[int, tuple[Fraction | None, Fraction]] = {}
    for line in lines:
        told_of = known[line.number]
        billed = None if told_of.factor is None else told_of.pricing.quantity * told_of.factor
        found[line.pk] = (billed, told_of.received)
    return found


def detail(invoice: Invoice) -> told.Told:
    """
    Return every figure of an invoice's last run, nothing when it was never matched.

    A run over very many invoices kept its verdicts alone; the figures of a pending invoice are the same today, or the
    invoice would have been matched again.
    """
    last = MatchRun.objects.filter(invoice=invoice).order_by("-pk").first()
    if last is None:
        return {}
    if last.detail is not None:
        kept: told.Told = last.detail
        return kept
    parameters = queries.parameters(invoice.scope)
    known = facts.load(invoice.scope, [invoice], parameters)
    return told.whole(match(known[invoice.pk], facts.company(parameters)))
