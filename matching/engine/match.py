"""Matching one invoice: all checks that apply, and what comes of them together."""

from matching.engine.charges import match_charges
from matching.engine.comparison import Verdict, worst
from matching.engine.lines import match_line
from matching.engine.results import Result, Status
from matching.engine.terms import Company, Invoice
from matching.engine.totals import actual_totals, match_totals


def match(invoice: Invoice, company: Company) -> Result:
    """Match an invoice with its orders and receipts by the company's rules."""
    lines = tuple(match_line(line, invoice, company) for line in invoice.lines)
    figures = actual_totals(invoice)
    if not company.validates or all(line.order_line is None for line in invoice.lines):
        return Result(Status.NOT_APPLICABLE, lines, figures)
    totals = match_totals(invoice, company) if company.matches_totals else None
    charges = match_charges(invoice, company) if company.matches_charges else {}
    totals_match = worst([row.verdict for row in totals.values()]) if totals else None
    charges_match = worst([row.verdict for row in charges.values()])
    failed_totals = [f"TOTAL_{name.upper()}" for name, row in (totals or {}).items() if row.verdict is Verdict.FAILED]
    failed_charges = [f"CHARGE_{code}" for code, row in charges.items() if row.verdict is Verdict.FAILED]
    verdicts = [*(line.variance for line in lines), totals_match, charges_match]
    return Result(
        status=Status.FAILED if Verdict.FAILED in verdicts else Status.PASSED,
        lines=lines,
        figures=figures,
        totals=totals,
        totals_match=totals_match,
        charges=charges,
        charges_match=charges_match,
        reasons=(*failed_totals, *failed_charges),
    )
