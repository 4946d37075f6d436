"""입고 매칭: which receipts an invoice's lines bill, chosen by hand or suggested, the oldest first."""

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.files.errors import ValueRefused
from console.files.values import parse_decimal
from console.pages import PageView
from core import clock
from core.errors import DomainError
from matching.engine.terms import ZERO
from matching.engine.words import written
from matching.models import Invoice, InvoiceLine
from matching.operations import invoices
from matching.operations.documents import (
    AUTOMATIC,
    InvoiceDraft,
    InvoiceFields,
    InvoiceLineDraft,
    ReceiptMatchDraft,
)
from matching.pages import decide, figures, links, reads, shown

_PLACES = 6


@dataclass
class Choice:
    """One receipt line beside an invoice line: what came, what is free, and what the form says of it."""

    received: reads.Received
    name: str
    came: str
    free: str
    taken: bool
    quantity: str
    error: str = ""


@dataclass
class Group:
    """An invoice line with the receipts it may be matched with."""

    line: figures.Line
    wanted: str
    matched: str
    choices: list[Choice] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Return the line's number."""
        return self.line.number


class MatchReceiptsPage(PageView):
    """Choose receipts for the lines of one invoice."""

    permission = Permission.EDIT
    title = gettext_lazy("입고 매칭")

    def get(self, request: PageRequest, invoice_id: str) -> HttpResponse:
        """Show the lines with their receipts; `select` ticks all of them or none, of one line with `line`."""
        invoice = reads.find(request.scope, invoice_id)
        select, only = request.GET.get("select", ""), request.GET.get("line", "")
        groups = _groups(invoice)
        for group in groups:
            if select in {"all", "none"} and only in {"", str(group.number)}:
                for choice in group.choices:
                    _tick(choice, taken=select == "all" and bool(choice.received.free))
        return self._show(request, invoice, groups)

    def post(self, request: PageRequest, invoice_id: str) -> HttpResponseBase:
        """Match what was chosen, or what is suggested."""
        invoice = reads.find(request.scope, invoice_id)
        groups = _groups(invoice)
        suggests = "suggest" in request.POST
        drafts = _suggestion(groups) if suggests else _read(groups, request.POST)
        if any(choice.error for group in groups for choice in group.choices):
            return self._show(request, invoice, groups, status=400)
        try:
            with decide.as_seen(request.scope, invoice_id, request.POST.get("version", "")):
                draft = InvoiceDraft(invoice_id, InvoiceFields(), drafts)
                invoices.change_invoice(scope=request.scope, by=request.actor, now=clock.now(), draft=draft)
        except DomainError as refusal:
            return self._show(request, invoice, groups, str(refusal.message) or refusal.code, status=refusal.status)
        messages.success(request, _("입고를 매칭했어요."))
        return redirect(request.path if suggests else links.invoice_url(invoice_id))

    def _show(
        self, request: PageRequest, invoice: Invoice, groups: list[Group], problem: str = "", status: int = 200
    ) -> HttpResponse:
        context = {
            "title": self.title,
            "invoice": invoice,
            "groups": groups,
            "problem": problem,
            "wrong": any(choice.error for group in groups for choice in group.choices),
        }
        return render(request, "matching/invoice_receipts.html", context, status=status)


def _groups(invoice: Invoice) -> list[Group]:
    rows = reads.lines_of(invoice)
    run = reads.run_of(invoice)
    lines = figures.lines(rows, run.detail if run else {}, invoice.currency)
    received = reads.receipts_for(rows)
    return [_group(line, received[line.line.pk]) for line in lines]


def _group(line: figures.Line, received: list[reads.Received]) -> Group:
    matched = sum((one.matched for one in received), ZERO)
    group = Group(line, line.quantity_text, shown.quantity(written(matched)))
    for one in received:
        if one.free or one.matched:
            group.choices.append(
                Choice(
                    received=one,
                    name=f"{one.row.receipt.public_id}/{one.row.number}",
                    came=shown.quantity(written(one.came)),
                    free=shown.quantity(written(one.free)),
                    taken=bool(one.matched),
                    quantity=written(one.matched) if one.matched else "",
                )
            )
    return group


def _tick(choice: Choice, *, taken: bool) -> None:
    choice.taken, choice.quantity = taken, written(choice.received.free) if taken else ""


def _suggestion(groups: list[Group]) -> list[InvoiceLineDraft]:
    return [InvoiceLineDraft(group.number, receipts=AUTOMATIC) for group in groups if _has_order(group.line.line)]


def _has_order(line: InvoiceLine) -> bool:
    return line.order_line_id is not None


def _read(groups: list[Group], posted: QueryDict) -> list[InvoiceLineDraft]:
    """Return what the form says; a line of which it says what stands is left as it is, exact as it was."""
    drafts = []
    for group in groups:
        stands = [(choice.taken, choice.quantity) for choice in group.choices]
        for choice in group.choices:
            _read_choice(group, choice, posted)
        if stands == [(choice.taken, choice.quantity) for choice in group.choices] or not _has_order(group.line.line):
            continue
        taken = [
            ReceiptMatchDraft((choice.received.row.receipt.public_id, choice.received.row.number), _quantity(choice))
            for choice in group.choices
            if choice.taken and not choice.error
        ]
        drafts.append(InvoiceLineDraft(group.number, receipts=taken))
    return drafts


def _read_choice(group: Group, choice: Choice, posted: QueryDict) -> None:
    """Read tick and quantity; a tick alone means everything that is free."""
    key = f"{group.number}-{choice.received.row.pk}"
    choice.taken = f"take-{key}" in posted
    choice.quantity = posted.get(f"quantity-{key}", "").strip() if choice.taken else ""
    if choice.taken and not choice.quantity:
        choice.quantity = written(choice.received.free)
    if not choice.taken:
        return
    try:
        quantity = parse_decimal(choice.quantity)
    except ValueRefused:
        choice.error = _("1,234.5처럼 숫자로 적어 주세요.")
        return
    if not quantity or abs(Fraction(quantity)) > abs(choice.received.free):
        choice.error = _("0보다 크고 %(free)s까지 적을 수 있어요.") % {"free": choice.free}
    elif Fraction(quantity) * 10**_PLACES % 1:
        choice.error = _("소수점 아래 %(places)d자리까지 쓸 수 있어요.") % {"places": _PLACES}


def _quantity(choice: Choice) -> Decimal:
    return parse_decimal(choice.quantity)
