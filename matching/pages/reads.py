"""Reads of the invoice pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.db.models import (
    Case,
    CharField,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Upper

from core.scope import Scope
from matching import facts, near_duplicates, queries
from matching.engine import terms
from matching.engine.charges import billed_charges, expected_charge, taking_part
from matching.engine.policies import in_force
from matching.engine.terms import ZERO
from matching.models import (
    AutomationStatus,
    Invoice,
    InvoiceCharge,
    InvoiceLine,
    InvoiceStatus,
    MatchRun,
    MatchStatus,
    OrderCharge,
    OrderLine,
    OrderStatus,
    Parameters,
    Policy,
    ReceiptLine,
    ReceiptMatch,
    Vendor,
)
from matching.near_duplicates import Bill, Near
from matching.operations import running
from matching.pages.shown import minor_units
from matching.told import Told

SHOWN_RUNS = 50
MOST_NEAR = 50
MOST_OPEN_LINES = 200
_LONGEST_KEY = 18


# ---- Lists


def invoice_rows(scope: Scope) -> QuerySet[Invoice]:
    """Return the invoices of a scope with what the lists show of them."""
    return Invoice.objects.within(scope).annotate(
        amount_minor=minor_units("amount"),
        reason_text=Func(F("reasons"), Value(" "), function="array_to_string", output_field=TextField()),
    )


def pending_rows(scope: Scope) -> QuerySet[Invoice]:
    """Return the invoices that are not posted, with what became of matching receipts with them."""
    rows = invoice_rows(scope).exclude(status=InvoiceStatus.POSTED)
    return rows.annotate(automation=_automation(queries.parameters(scope)))


def discrepancy_rows(scope: Scope) -> QuerySet[Invoice]:
    """Return the invoices that are not posted and do not match."""
    failed = (MatchStatus.FAILED, MatchStatus.FAILED_APPROVED)
    return pending_rows(scope).filter(match_status__in=failed)


def posted_rows(scope: Scope) -> QuerySet[Invoice]:
    """Return the posted invoices."""
    return invoice_rows(scope).filter(status=InvoiceStatus.POSTED)


def _automation(parameters: Parameters) -> Case:
    """Return what became of matching receipts in the background, as the operations tell it of one invoice."""
    company = facts.company(parameters)
    three_way = [value for value in Policy.values if in_force(terms.Policy(value), company) is terms.Policy.THREE_WAY]
    lines = InvoiceLine.objects.filter(
        invoice=OuterRef("pk"), order_line__is_cancelled=False, order_line__policy__in=three_way
    )
    waits = Exists(lines) if parameters.automation_match_receipts else Q(pk__isnull=True)
    return Case(
        When(~Q(automation_outcome=""), then=F("automation_outcome")),
        When(waits, then=Value(AutomationStatus.NOT_YET_RUN.value)),
        default=Value(AutomationStatus.NOT_APPLICABLE.value),
        output_field=CharField(),
    )


def failing(scope: Scope) -> int:
    """Count the invoices that do not match and that nobody approved."""
    return discrepancy_rows(scope).filter(match_status=MatchStatus.FAILED).count()


def of_partner(scope: Scope, partner: str) -> QuerySet[Invoice]:
    """Return the invoices whose vendor is a partner, the newest first."""
    return invoice_rows(scope).filter(vendor__partner__public_id=partner).order_by("-date", "-pk")


# ---- One invoice


def find(scope: Scope, invoice_id: str) -> Invoice:
    """Return an invoice with its vendor. Raises NotFound."""
    return queries.find_invoice(scope, invoice_id)


def lines_of(invoice: Invoice) -> list[InvoiceLine]:
    """Return the lines of an invoice with item and order."""
    rows = InvoiceLine.objects.filter(invoice=invoice).order_by("number")
    return list(rows.select_related("item", "order_line__order"))


def charges_of(invoice: Invoice) -> list[InvoiceCharge]:
    """Return the charges of an invoice with code and connection, those of the header last."""
    rows = InvoiceCharge.objects.filter(invoice=invoice).select_related(
        "code", "invoice_line", "connected_to__order", "connected_to__order_line"
    )
    return list(rows.order_by(F("invoice_line__number").asc(nulls_last=True), "pk"))


def runs_of(invoice: Invoice) -> list[MatchRun]:
    """Return the last runs of matching an invoice without their figures, the newest first."""
    return list(MatchRun.objects.filter(invoice=invoice).defer("detail").order_by("-pk")[:SHOWN_RUNS])


@dataclass(frozen=True, slots=True)
class Run:
    """A run of matching with every figure it compared; `is_last` says whether it is the one that counts."""

    row: MatchRun
    detail: Told
    is_last: bool


def run_of(invoice: Invoice, wanted: str = "") -> Run | None:
    """Return the run that counts, or an earlier one by its key; None when the invoice was never matched."""
    runs = MatchRun.objects.filter(invoice=invoice).order_by("-pk")
    last = runs.first()
    if last is None:
        return None
    earlier = runs.filter(pk=int(wanted)).first() if is_key(wanted) else None
    if earlier is None or earlier.pk == last.pk:
        return Run(last, running.detail(invoice) if last.detail is None else last.detail, is_last=True)
    return Run(earlier, earlier.detail or {}, is_last=False)


def is_key(text: str) -> bool:
    """Say whether a text from outside can be the key of a row."""
    return text.isascii() and text.isdecimal() and len(text) <= _LONGEST_KEY


def matched_of(lines: Sequence[InvoiceLine]) -> dict[int, list[ReceiptMatch]]:
    """Return what receipts are matched with invoice lines, by line."""
    found: dict[int, list[ReceiptMatch]] = {}
    rows = ReceiptMatch.objects.filter(invoice_line__in=[line.pk for line in lines])
    for match in rows.select_related("receipt_line__receipt").order_by("receipt_line__receipt__date", "receipt_line"):
        found.setdefault(match.invoice_line_id, []).append(match)
    return found


@dataclass(frozen=True, slots=True)
class Received:
    """A receipt line that an invoice line may be matched with: what came, what is free, what is matched already."""

    row: ReceiptLine
    came: Fraction
    free: Fraction
    matched: Fraction


def receipts_for(lines: Sequence[InvoiceLine]) -> dict[int, list[Received]]:
    """Return the receipts of each line's order line, the oldest first; what the lines take themselves is free."""
    order_lines = {line.order_line_id for line in lines if line.order_line_id is not None}
    rows = list(
        ReceiptLine.objects.filter(order_line__in=order_lines, receipt__cancelled_at=None)
        .select_related("receipt")
        .order_by("receipt__date", "receipt_id", "number")
    )
    free = queries.available(rows)
    matches = matched_of(lines)
    for match in (match for of_line in matches.values() for match in of_line):
        if match.receipt_line_id in free:
            free[match.receipt_line_id] += Fraction(match.quantity) / match.divisor
    found: dict[int, list[Received]] = {}
    for line in lines:
        mine = {match.receipt_line_id: Fraction(match.quantity) / match.divisor for match in matches.get(line.pk, [])}
        found[line.pk] = [
            Received(row, queries.came(row), free[row.pk], mine.get(row.pk, ZERO))
            for row in rows
            if row.order_line_id == line.order_line_id
        ]
    return found


# ---- Charges of both sides


@dataclass(frozen=True, slots=True)
class BilledCharge:
    """A charge of the invoice with what it comes to."""

    charge: InvoiceCharge
    amount: Fraction


@dataclass(frozen=True, slots=True)
class AgreedCharge:
    """A charge of one of the invoice's orders with what is expected of it here, and whether the invoice names it."""

    charge: OrderCharge
    expected: Fraction
    is_connected: bool


def charge_transactions(scope: Scope, invoice: Invoice) -> tuple[list[BilledCharge], list[AgreedCharge]]:
    """Return the single charges of an invoice and of its orders, as they are now."""
    mine = charges_of(invoice)
    told = facts.load(scope, [invoice], queries.parameters(scope))[invoice.pk]
    # The engine yields charges line by line and the header's last, each in the order they were written.
    billed = [BilledCharge(row, amount) for row, (_charge, amount) in zip(mine, billed_charges(told), strict=True)]
    lines_of_order: dict[str, list[terms.InvoiceLine]] = {}
    for line in told.lines:
        if line.order is not None and taking_part(line):
            lines_of_order.setdefault(line.order.key, []).append(line)
    named = {row.connected_to_id for row in mine if row.connected_to_id is not None}
    orders = [int(key) for key in lines_of_order]
    rows = OrderCharge.objects.filter(Q(order__in=orders) | Q(pk__in=named)).select_related(
        "order", "order_line", "code", "taken_by"
    )
    return billed, [
        AgreedCharge(row, _expected(row, lines_of_order.get(str(row.order_id), []), invoice), row.pk in named)
        for row in rows.order_by("order_id", "pk")
    ]


def _expected(row: OrderCharge, lines: Sequence[terms.InvoiceLine], invoice: Invoice) -> Fraction:
    (agreed,) = facts.charge_terms([row], but_taken_by=invoice.pk)
    order = lines[0].order if lines and lines[0].order is not None else terms.Order("")
    return expected_charge(agreed, order, lines)


# ---- Near duplicates


def near_duplicates_of(invoice: Invoice) -> list[Near]:
    """Return other invoices of the vendor that may be the same bill."""
    mine = Bill(invoice.public_id, invoice.number, invoice.amount, invoice.currency, invoice.date)
    return near_duplicates_like(invoice.scope, invoice.vendor, mine)


def near_duplicates_like(scope: Scope, vendor: Vendor, mine: Bill) -> list[Near]:
    """Return the vendor's invoices that may be the same bill as one that may not be saved yet."""
    # The same folding as in `near_duplicates`, which decides; this narrows what it is given.
    plain = Func("number", template="normalize(%(expressions)s, NFKC)", output_field=TextField())
    alike = Func(Upper(plain), Value("OIL"), Value("011"), function="translate", output_field=TextField())
    bare = Func(
        alike, Value("[^[:alnum:]]"), Value(""), Value("g"), function="regexp_replace", output_field=TextField()
    )
    first, last = mine.on - near_duplicates.WITHIN, mine.on + near_duplicates.WITHIN
    same_amount = Q(amount=mine.amount, currency=mine.currency, date__range=(first, last))
    rows = Invoice.objects.within(scope).filter(vendor=vendor).annotate(bare=bare)
    rows = rows.filter(same_amount | Q(bare=near_duplicates.folded(mine.number))).exclude(public_id=mine.key)
    values = rows.order_by("-date", "-pk").values_list("public_id", "number", "amount", "currency", "date")
    return near_duplicates.near(mine, [Bill(*row) for row in values[:MOST_NEAR]])


# ---- What a new invoice may bill


@dataclass(frozen=True, slots=True)
class OpenLine:
    """An order line with what came of it and what pending and posted invoices bill, in its unit."""

    line: OrderLine
    received: Fraction
    billed: Fraction

    @property
    def suggested(self) -> Fraction:
        """Return what has come and is not billed yet."""
        rest = self.received - self.billed
        return rest if rest * (1 if self.line.quantity >= 0 else -1) > 0 else ZERO


def open_lines(scope: Scope, vendor: Vendor, order_id: str = "") -> list[OpenLine]:
    """Return the order lines of a vendor that can still be billed, those with something received and unbilled first."""
    rows = OrderLine.objects.filter(
        order__merchant_id=scope.merchant_id, order__is_test=scope.is_test, order__vendor=vendor, is_cancelled=False
    ).exclude(order__status__in=(OrderStatus.DRAFT, OrderStatus.CANCELLED))
    if order_id:
        rows = rows.filter(order__public_id=order_id)
    else:
        rows = rows.filter(is_closed=False).exclude(order__status=OrderStatus.INVOICED)
    lines = list(rows.select_related("order", "item").order_by("-order__date", "-order_id", "number")[:MOST_OPEN_LINES])
    came = queries.received(line.pk for line in lines)
    conversions = facts.Conversions(scope, [line.item_id for line in lines])
    billed = facts.billed_of(lines, conversions)
    found = [OpenLine(line, came.get(line.pk, ZERO), billed[line.pk].quantity) for line in lines]
    return sorted(found, key=lambda one: not one.suggested)


def order_charges(scope: Scope, vendor: Vendor) -> list[OrderCharge]:
    """Return the charges of a vendor's orders that an invoice's charges may be connected to."""
    rows = OrderCharge.objects.filter(
        order__merchant_id=scope.merchant_id, order__is_test=scope.is_test, order__vendor=vendor
    ).exclude(order__status__in=(OrderStatus.DRAFT, OrderStatus.CANCELLED))
    return list(
        rows.select_related("order", "order_line", "code").order_by("-order__date", "order_id", "pk")[:MOST_OPEN_LINES]
    )
