"""매칭 상세, 송장 합계 상세, 비용 비교: every figure of a run, why it is what it is, and what would make it pass."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.pages import PageView
from core.scope import Scope
from matching import queries
from matching.engine.words import written
from matching.models import Category, Invoice, MatchStatus, Parameters, WithDiscrepancies
from matching.pages import figures, reads, shown


class OfInvoice(PageView):
    """Base of the pages about the matching of one invoice; `run` in the address names an earlier run."""

    permission = Permission.VIEW
    template = ""

    def get(self, request: PageRequest, invoice_id: str) -> HttpResponse:
        """Show the run that counts, or an earlier one."""
        invoice = reads.find(request.scope, invoice_id)
        run = reads.run_of(invoice, request.GET.get("run", ""))
        context = {
            "title": self.title,
            "invoice": invoice,
            "run": run,
            "status": shown.MATCH_BADGES[invoice.match_status if run is None or run.is_last else run.row.status],
            "amount": shown.money(invoice.amount, invoice.currency),
            "keep": f"run={run.row.pk}&" if run is not None and not run.is_last else "",
            "by": shown.person(run.row.by) if run else "",
        }
        return render(request, self.template, context | self.context(request, invoice, run))

    def context(self, request: PageRequest, invoice: Invoice, run: reads.Run | None) -> dict[str, Any]:
        """Return what the page shows of the run."""
        raise NotImplementedError


class DetailsPage(OfInvoice):
    """매칭 상세: the lines with what was compared of each, and one line in full."""

    title = gettext_lazy("매칭 상세")
    template = "matching/invoice_details.html"

    def context(self, request: PageRequest, invoice: Invoice, run: reads.Run | None) -> dict[str, Any]:
        """Return the lines, the chosen one's figures and who approved what."""
        detail = run.detail if run else {}
        parameters = queries.parameters(request.scope)
        lines = figures.lines(reads.lines_of(invoice), detail, invoice.currency)
        only = request.GET.get("only") == "discrepancies"
        listed = [line for line in lines if line.failed] if only else lines
        chosen = _chosen(listed, request.GET.get("line", ""))
        return {
            "lines": listed,
            "only": only,
            "failed_count": sum(line.failed for line in lines),
            "line_count": len(lines),
            "chosen": chosen,
            "totals_badge": shown.verdict(detail.get("totals_match")),
            "charges_badge": shown.verdict(detail.get("charges_match")),
            "reasons": shown.reasons(detail.get("reasons")),
            "asks_approval": parameters.post_invoice_with_discrepancies == WithDiscrepancies.APPROVE,
            "may_approve": may_approve(request, invoice, parameters),
            "may_withdraw": invoice.is_approved
            and not invoice.is_posted
            and allowed(request.role, Permission.PAYOUTS_APPROVE),
            **(_in_full(chosen, invoice, parameters.accounting_currency) if chosen else {}),
        }


def is_own(request: PageRequest, invoice: Invoice, parameters: Parameters) -> bool:
    """Say whether the person entered an invoice whose discrepancies somebody else has to approve."""
    asks = parameters.post_invoice_with_discrepancies == WithDiscrepancies.APPROVE
    return asks and parameters.approver_must_differ and request.user.pk == invoice.entered_by_id


def may_approve(request: PageRequest, invoice: Invoice, parameters: Parameters) -> bool:
    """Say whether the person may approve an invoice's discrepancies now."""
    asks = parameters.post_invoice_with_discrepancies == WithDiscrepancies.APPROVE
    failed = invoice.match_status == MatchStatus.FAILED and not invoice.is_posted
    own = is_own(request, invoice, parameters)
    return asks and failed and not own and allowed(request.role, Permission.PAYOUTS_APPROVE)


def _chosen(lines: list[figures.Line], wanted: str) -> figures.Line | None:
    """Return the line somebody chose, else the first that fails, else the first."""
    named = next((line for line in lines if str(line.number) == wanted), None)
    return named or next((line for line in lines if line.failed), lines[0] if lines else None)


def _in_full(chosen: figures.Line, invoice: Invoice, accounting: str) -> dict[str, Any]:
    told, currency = chosen.told, invoice.currency
    quantity, limit = told.get("quantity"), told.get("unit_price_limit")
    return {
        "rows": figures.nine_rows(told, currency),
        "price": figures.deciding(told, currency),
        "limit": shown.price(limit, currency) if limit is not None else "",
        "price_total": figures.price_total(told, currency, accounting),
        "billed": shown.quantity(quantity["actual"]) if quantity else "",
        "received": shown.quantity(quantity["expected"]) if quantity else "",
        "missing": _missing(quantity),
    }


def _missing(quantity: dict[str, str] | None) -> str:
    """Return what would make a receipt quantity pass, in words."""
    if quantity is None or quantity["actual"] == quantity["expected"]:
        return ""
    asked = {"billed": quantity["actual"], "received": quantity["expected"]}
    return _("입고를 %(billed)s만큼 매칭하거나 송장 수량이 %(received)s이면 통과해요.") % asked


class TotalsPage(OfInvoice):
    """송장 합계 상세: the six totals."""

    title = gettext_lazy("송장 합계 상세")
    template = "matching/invoice_totals.html"

    def context(self, request: PageRequest, invoice: Invoice, run: reads.Run | None) -> dict[str, Any]:  # noqa: ARG002 - the signature of the three pages
        """Return the totals as compared, or as entered where they are not compared."""
        detail = run.detail if run else {}
        return {
            "rows": figures.totals(detail, invoice.currency),
            "entered": figures.entered_totals(detail, invoice.currency),
            "badge": shown.verdict(detail.get("totals_match")),
        }


class ChargesPage(OfInvoice):
    """비용 값 비교: charges by code, and the single charges of both sides."""

    title = gettext_lazy("비용 값 비교")
    template = "matching/invoice_charges.html"

    def context(self, request: PageRequest, invoice: Invoice, run: reads.Run | None) -> dict[str, Any]:
        """Return the comparison, and the charges as they are now."""
        detail = run.detail if run else {}
        billed, agreed = _transactions(request.scope, invoice)
        return {
            "title": _("비용 값 비교 - 송장: %(number)s") % {"number": invoice.number},
            "rows": figures.charges(detail, invoice.currency),
            "badge": shown.verdict(detail.get("charges_match")),
            "billed": billed,
            "agreed": agreed,
        }


def _place(line: Any) -> str:
    return _("송장 전체") if line is None else _("%(number)s번 라인") % {"number": line.number}


def _transactions(scope: Scope, invoice: Invoice) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    billed, agreed = reads.charge_transactions(scope, invoice)
    mine = [
        {
            "place": _place(one.charge.invoice_line),
            "code": one.charge.code.code,
            "category": Category(one.charge.category).label,
            "value": shown.price(one.charge.value, invoice.currency),
            "amount": shown.money(written(one.amount), invoice.currency),
            "connected": one.charge.connected_to,
        }
        for one in billed
    ]
    theirs = [
        {
            "charge": one.charge,
            "place": _("발주 전체") if one.charge.order_line is None else _place(one.charge.order_line),
            "code": one.charge.code.code,
            "category": Category(one.charge.category).label,
            "value": shown.price(one.charge.value, invoice.currency),
            "expected": shown.money(written(one.expected), invoice.currency),
            "is_connected": one.is_connected,
        }
        for one in agreed
    ]
    return mine, theirs
