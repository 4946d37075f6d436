"""송장 상세: one invoice with its lines and their results, what can be done with it, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from access import queries as access_queries
from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Label
from console.pages import PageView
from matching import amounts, queries
from matching.models import Category, Invoice, InvoiceStatus, Parameters
from matching.near_duplicates import Near, Why
from matching.operations import automation
from matching.pages import details, figures, reads, shown

_SHOWN_EVENTS = 50


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done with the invoice now: the address, and how the button looks."""

    label: Label
    url_name: str
    icon: str = ""
    style: str = ""
    asks: bool = True


def actions(request: PageRequest, invoice: Invoice, parameters: Parameters) -> list[Action]:
    """Return what the person may do with an invoice now, by its state and their role."""
    if invoice.is_posted:
        return []
    found: list[Action] = []
    if allowed(request.role, Permission.EDIT):
        found += _of_editor(invoice)
    if allowed(request.role, Permission.PAYOUTS_APPROVE):
        found += _of_approver(request, invoice, parameters)
    return found


def _of_editor(invoice: Invoice) -> list[Action]:
    held, pending = invoice.is_on_hold, invoice.status == InvoiceStatus.PENDING
    reviewing = invoice.status == InvoiceStatus.IN_REVIEW
    possible = (
        (not held, Action(gettext_lazy("전기"), "matching:invoice-post", "book-open", "primary")),
        (pending, Action(gettext_lazy("제출"), "matching:invoice-submit", "paper-airplane")),
        (
            reviewing,
            Action(gettext_lazy("회수"), "matching:invoice-recall", "arrow-uturn-left"),
        ),
        (True, Action(gettext_lazy("수정"), "matching:invoice-edit", "pencil-square", asks=False)),
        (True, Action(gettext_lazy("입고 매칭"), "matching:match-receipts", "truck", asks=False)),
        (True, Action(gettext_lazy("매칭 상태 갱신"), "matching:invoice-match", "arrow-path")),
        (not held, Action(pgettext_lazy("action", "보류"), "matching:invoice-hold", "pause-circle")),
        (held, Action(pgettext_lazy("action", "보류 해제"), "matching:invoice-release", "play-circle")),
        (True, Action(pgettext_lazy("action", "삭제"), "matching:invoice-delete", "trash", "danger")),
    )
    return [action for is_possible, action in possible if is_possible]


def _of_approver(request: PageRequest, invoice: Invoice, parameters: Parameters) -> list[Action]:
    reviewing = invoice.status == InvoiceStatus.IN_REVIEW
    approvable = details.may_approve(request, invoice, parameters)
    possible = (
        (approvable, Action(gettext_lazy("불일치 승인"), "matching:invoice-approve", "check-circle", "primary")),
        (invoice.is_approved, Action(gettext_lazy("승인 취소"), "matching:invoice-withdraw", "x-circle", "danger")),
        (reviewing, Action(gettext_lazy("검토 완료"), "matching:invoice-review", "check", "primary")),
        (reviewing, Action(gettext_lazy("반려"), "matching:invoice-reject", "arrow-uturn-left", "danger")),
    )
    return [action for is_possible, action in possible if is_possible]


class InvoicePage(PageView):
    """One invoice."""

    permission = Permission.VIEW
    title = gettext_lazy("송장")

    def get(self, request: PageRequest, invoice_id: str) -> HttpResponse:
        """Show the invoice."""
        invoice = reads.find(request.scope, invoice_id)
        parameters = queries.parameters(request.scope)
        run = reads.run_of(invoice)
        detail = run.detail if run else {}
        lines = reads.lines_of(invoice)
        context = {
            "title": _("송장 %(number)s") % {"number": invoice.number},
            "invoice": invoice,
            "amount_minor": amounts.minor(Fraction(invoice.amount), invoice.currency),
            "status": shown.INVOICE_BADGES[invoice.status],
            "match": shown.MATCH_BADGES[invoice.match_status],
            "last": shown.LAST_BADGES.get(invoice.last_variance),
            "reasons": shown.reasons(invoice.reasons),
            "actions": actions(request, invoice, parameters),
            "own": details.is_own(request, invoice, parameters),
            "lines": figures.lines(lines, detail, invoice.currency),
            "charges": _charges(invoice),
            "totals": figures.entered_totals(detail, invoice.currency),
            "paid_apart": invoice.invoice_account != invoice.vendor.account,
            "imported": _imported(invoice),
            "unpaid": _unpaid(invoice),
            "near": near_duplicates(reads.near_duplicates_of(invoice)),
            "runs": [(row, shown.MATCH_BADGES[row.status], shown.person(row.by)) for row in reads.runs_of(invoice)],
            "events": _events(request, invoice),
            **_automation(request, invoice, parameters),
        }
        return render(request, "matching/invoice.html", context)


def _charges(invoice: Invoice) -> list[dict[str, object]]:
    return [
        {
            "line": row.invoice_line,
            "code": row.code.code,
            "category": Category(row.category).label,
            "value": shown.price(row.value, invoice.currency),
            "connected": row.connected_to,
        }
        for row in reads.charges_of(invoice)
    ]


def _imported(invoice: Invoice) -> list[tuple[str, str]]:
    given = ((_("가져온 송장 금액"), invoice.imported_amount), (_("가져온 세액"), invoice.imported_tax))
    return [(label, shown.money(value, invoice.currency)) for label, value in given if value is not None]


def _unpaid(invoice: Invoice) -> str:
    """Return why a posted invoice became no settlement record."""
    if not invoice.is_posted or invoice.settlement_record_id:
        return ""
    return str(shown.UNPAID.get(invoice.unpaid_reason, invoice.unpaid_reason))


_WHY: dict[Why, Label] = {
    Why.NUMBER: gettext_lazy("송장 번호가 비슷해요"),
    Why.AMOUNT: gettext_lazy("7일 안에 금액이 같아요"),
}


def near_duplicates(found: Sequence[Near]) -> list[dict[str, object]]:
    """Return invoices that may be the same bill, as a warning shows them."""
    return [
        {
            "bill": one.bill,
            "amount": f"{shown.money(one.bill.amount, one.bill.currency)} {one.bill.currency}",
            "why": ", ".join(str(_WHY[why]) for why in one.why),
        }
        for one in found
    ]


def _events(request: PageRequest, invoice: Invoice) -> list[dict[str, object]]:
    events = access_queries.history(request.scope, "invoice", invoice.public_id, limit=_SHOWN_EVENTS)
    return [
        {
            "at": event.at,
            "who": shown.person(f"{event.actor_kind}:{event.actor_name}"),
            "text": str(shown.HAPPENINGS.get(event.action, event.action)),
            "note": event.reason,
        }
        for event in events
    ]


def _automation(request: PageRequest, invoice: Invoice, parameters: Parameters) -> dict[str, object]:
    """Return what the panel of matching receipts in the background shows."""
    return {
        "automation": shown.AUTOMATION_BADGES[automation.status(invoice, parameters)],
        "automates": parameters.automation_match_receipts,
        "attempts": _("%(done)s / %(most)s회")
        % {"done": invoice.automation_attempts, "most": parameters.automation_attempts},
        "may_automate": not invoice.is_posted and allowed(request.role, Permission.EDIT),
    }
