"""Posting an invoice: the gates it passes in order, the books, and the settlement record it becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from django.db import transaction
from django.db.models import Exists, OuterRef

from access import audit
from core import clock
from core.actor import Actor, system
from core.errors import DomainError
from core.money import MINOR_DIGITS
from core.scope import Scope
from ledger import posting
from ledger.accounts import Address
from ledger.chart import Code
from ledger.posting import Origin, Posting
from matching import accruals, amounts, queries, refusals, told
from matching.engine.results import LineResult, Row
from matching.engine.terms import ZERO, Total
from matching.engine.words import written
from matching.facts import Conversions
from matching.models import (
    DuplicateNumber,
    Invoice,
    InvoiceCharge,
    InvoiceLine,
    InvoiceStatus,
    Leak,
    MatchRun,
    MatchStatus,
    OrderCharge,
    OrderLine,
    Parameters,
    Vendor,
    WithDiscrepancies,
)
from matching.operations import orders, recalculation, running
from matching.operations.invoices import KIND
from matching.operations.running import Ran
from settlement import legs
from settlement.operations import records

ORIGIN = "invoice"


@dataclass(frozen=True, slots=True)
class Posted:
    """A posted invoice, and what was warned of."""

    invoice: Invoice
    warnings: tuple[str, ...]


def post_invoice(*, scope: Scope, by: Actor, now: datetime, invoice_id: str) -> Posted:
    """
    Post an invoice; submission and review are gone through as far as needed.

    The matching run of the fourth gate is kept even when a later gate refuses.
    Raises NotFound, INVOICE_POSTED, ON_HOLD, DUPLICATE_INVOICE_NUMBER, IMPORTED_TOTALS, RECEIVING_REQUIREMENT,
    QUANTITY_BELOW_RECEIPTS, MATCHING_DISCREPANCIES.
    """
    with transaction.atomic():
        invoice = queries.find_pending(scope, invoice_id)
        parameters = queries.parameters(scope)
        lines = list(
            InvoiceLine.objects.filter(invoice=invoice).select_related("item", "order_line__item", "order_line__order")
        )
        locked = queries.lock_order_lines(line.order_line_id for line in lines if line.order_line_id is not None)
        warnings = _check_before(invoice, parameters)
        (ran,) = running.run(scope=scope, by=by, now=now, invoices=[invoice], parameters=parameters)
        refused = _check_after(ran, lines, parameters, scope, warnings)
        if refused is None:
            _post(scope, by, now, ran, lines, locked)
    if refused is not None:
        raise refused
    return Posted(invoice, tuple(warnings))


# ---- Gates


def _check_before(invoice: Invoice, parameters: Parameters) -> list[str]:
    """Pass gates 1 to 3; returns what is only warned of."""
    if invoice.is_on_hold:
        raise refusals.on_hold(invoice.public_id)
    warnings = []
    rule = parameters.duplicate_invoice_number
    if rule != DuplicateNumber.ACCEPT:
        year = invoice.date.year if rule == DuplicateNumber.REJECT_IN_YEAR else None
        other = queries.posted_with_number(invoice, year=year)
        if other is not None and rule != DuplicateNumber.WARN:
            raise refusals.duplicate_number(invoice.number, other.public_id)
        warnings += ["DUPLICATE_INVOICE_NUMBER"] if other is not None else []
    _check_imported(invoice)
    return warnings


def _check_imported(invoice: Invoice) -> None:
    if invoice.imported_tax is not None and invoice.imported_tax != invoice.sales_tax:
        raise refusals.imported_totals("imported_tax", _shown(invoice.imported_tax), _shown(invoice.sales_tax))
    if invoice.imported_amount is None:
        return
    calculated = amounts.money(_amount(invoice), invoice.currency)
    if invoice.imported_amount != calculated:
        raise refusals.imported_totals("imported_amount", _shown(invoice.imported_amount), _shown(calculated))


def _shown(value: object) -> str:
    return written(Fraction(str(value)))


def _amount(invoice: Invoice) -> Fraction:
    """Return what the invoice comes to as it is stored now, matched or not."""
    return running.figures(invoice)[Total.INVOICE_AMOUNT]


def _check_after(
    ran: Ran, lines: Sequence[InvoiceLine], parameters: Parameters, scope: Scope, warnings: list[str]
) -> DomainError | None:
    """Pass gates 5 to 7; returns the first refusal, so that the run before it can be kept."""
    quantities = running.quantities(scope, ran.invoice, lines)
    for line in lines:
        billed, matched = quantities[line.pk]
        if line.item is not None and line.item.receiving_requirement and (billed is None or abs(matched) < abs(billed)):
            return refusals.receiving_requirement(line.number)
    if parameters.block_when_invoice_quantity_below_matched_receipts:
        for line in lines:
            billed, matched = quantities[line.pk]
            if billed is not None and abs(billed) < abs(matched):
                return refusals.quantity_below_receipts(line.number)
    if ran.invoice.match_status == MatchStatus.FAILED:
        if parameters.post_invoice_with_discrepancies == WithDiscrepancies.APPROVE:
            return refusals.discrepancies(ran.invoice.reasons)
        warnings.append("MATCHING_DISCREPANCIES")
    return None


# ---- What posting does


def _post(
    scope: Scope, by: Actor, now: datetime, ran: Ran, lines: Sequence[InvoiceLine], locked: dict[int, OrderLine]
) -> None:
    invoice = ran.invoice
    _freeze_factors(scope, lines)
    entry = _Entry(scope, invoice, ran, lines, locked)
    posting.post(scope=scope, posting=entry.posting(clock.seoul_day(now)), by=by)
    taken = _take_charges(invoice)
    invoice.status, invoice.posted_at, invoice.posted_by = InvoiceStatus.POSTED, now, str(by)
    invoice.updated_at = now
    _become_payable(scope, by, now, invoice, entry.total)
    invoice.save()
    MatchRun.objects.create(
        invoice=invoice,
        at=now,
        by=str(by),
        status=invoice.match_status,
        content=told.content(ran.detail),
        is_final=True,
        detail=ran.detail,
    )
    entry.tell_leaks()
    orders.follow([line.order_line.order_id for line in lines if line.order_line])
    # A fixed charge that is gone is missing from what is expected of every other invoice of its order.
    shorter = OrderLine.objects.filter(order__charges__in=taken).values_list("pk", flat=True)
    others = {
        *queries.pending_of_order_lines(scope, {*locked, *shorter}, but=invoice.pk),
        *queries.pending_connected_to(scope, taken, but=invoice.pk),
    }
    recalculation.invoices(scope=scope, keys=others, cause="invoice")
    after = {"amount": str(invoice.amount), "match": invoice.match_status, "record": invoice.settlement_record_id}
    audit.record(scope=scope, by=by, action="invoice.posted", kind=KIND, object_id=invoice.public_id, after=after)


def _freeze_factors(scope: Scope, lines: Sequence[InvoiceLine]) -> None:
    """Keep on the lines how their units turned into the order lines', for what is counted from now on."""
    conversions = Conversions(scope, [line.order_line.item_id for line in lines if line.order_line])
    for line in lines:
        ordered = line.order_line
        factor = conversions.factor(ordered.item_id, line.unit, ordered.unit) if ordered else None
        if factor is not None:
            line.factor_numerator, line.factor_denominator = factor.numerator, factor.denominator
            line.save(update_fields=["factor_numerator", "factor_denominator"])


def _take_charges(invoice: Invoice) -> list[int]:
    """Let the fixed order charges that the invoice took over give nothing to later ones; returns their keys."""
    named = InvoiceCharge.objects.filter(invoice=invoice, connected_to__isnull=False)
    rows = OrderCharge.objects.filter(pk__in=named.values("connected_to_id"), category="fixed", taken_by__isnull=True)
    taken = list(rows.values_list("pk", flat=True))
    OrderCharge.objects.filter(pk__in=taken).update(taken_by=invoice)
    return taken


class _Entry:
    """The journal of an invoice, amounts in minor units of its currency."""

    def __init__(
        self, scope: Scope, invoice: Invoice, ran: Ran, lines: Sequence[InvoiceLine], locked: dict[int, OrderLine]
    ) -> None:
        self._scope, self._invoice, self._lines, self._locked = scope, invoice, lines, locked
        self._results = {one.number: one for one in ran.result.lines}
        self.total = amounts.minor(ran.result.figures[Total.INVOICE_AMOUNT], invoice.currency)
        self._tax = amounts.minor(ran.result.figures[Total.SALES_TAX], invoice.currency)

    def posting(self, today: date) -> Posting:
        """
        Return the journal: the accrual is cleared, what the price differs by stands apart, the vendor is owed all.

        What was never waited for (no receipt, no order line, charges of the header) is cost as it comes.
        """
        invoice, currency = self._invoice, self._invoice.currency
        cleared, variance = self._clear()
        direct = self.total - self._tax - cleared - variance
        waited = Address(Code.RECEIVED_NOT_INVOICED, invoice.vendor.account, currency)
        entries = [
            posting.debit(waited, cleared, "CLEARED"),
            posting.debit(Address(Code.PRICE_VARIANCE, "", currency), variance, "PRICE_VARIANCE"),
            posting.debit(Address(Code.GOODS_RECEIVED, "", currency), direct, "DIRECT"),
            posting.debit(Address(Code.INPUT_VAT, "", currency), self._tax, "TAX"),
            posting.credit(payable(invoice), self.total, "INVOICE"),
        ]
        return Posting(
            event="invoice.posted",
            key=f"invoice:{invoice.public_id}",
            on=today,
            legs=entries,
            origin=Origin(ORIGIN, invoice.public_id),
            attributes={"invoiceDate": invoice.date.isoformat(), "number": invoice.number},
        )

    def _clear(self) -> tuple[int, int]:
        """Return what is cleared of the accruals, and by how much the price of that part differs."""
        keys = list(self._locked)
        came_in, billed = queries.received(keys), queries.billed(keys)
        cleared = variance = 0
        for line in self._lines:
            if line.order_line_id is None or not line.factor_numerator:
                continue
            ordered = self._locked[line.order_line_id]
            quantity = Fraction(line.quantity) * line.factor_numerator / (line.factor_denominator or 1)
            ahead = came_in.get(ordered.pk, ZERO) - billed.get(ordered.pk, ZERO)
            sign = -1 if ordered.quantity < 0 else 1
            part = accruals.cleared(line_sign=sign, before=ahead, billed=quantity)
            amount = accruals.moved(
                line_sign=sign, before=ahead, change=-quantity, open_amount=ordered.open_amount, unit_value=ZERO
            )
            ordered.open_amount += amount
            ordered.save(update_fields=["open_amount"])
            billed[ordered.pk] = billed.get(ordered.pk, ZERO) + quantity
            cleared -= amount
            if quantity and part:
                net = self._results[line.number].net * part / quantity
                variance += amounts.minor(net, self._invoice.currency) + amount
        return cleared, variance

    def tell_leaks(self) -> None:
        """Keep what each line cost more than agreed although it lay within its tolerance."""
        rows = [row for line in self._lines if (row := self._leak(line, self._results[line.number])) is not None]
        Leak.objects.bulk_create(rows)

    def _leak(self, line: InvoiceLine, result: LineResult) -> Leak | None:
        if result.price is None or result.price_match != "passed" or result.rows is None:
            return None
        currency, row = self._invoice.currency, result.rows[Row.NET_AMOUNT]
        over = amounts.minor(row.variance, currency)
        if over <= 0:
            return None
        return Leak(
            **self._scope.filters(),
            invoice_line=line,
            vendor=self._invoice.vendor,
            item=line.item,
            on=self._invoice.date,
            currency=currency,
            amount=over,
            expected=amounts.minor(row.expected, currency),
        )


def payable(invoice: Invoice) -> Address:
    """Return the account on which the vendor of an invoice is owed."""
    return Address(Code.VENDOR_PAYABLE, invoice.invoice_account, invoice.currency)


# ---- Paying


def _become_payable(scope: Scope, by: Actor, now: datetime, invoice: Invoice, total: int) -> None:
    """
    Make the invoice a settlement record of the vendor's partner, due on its due date.

    Without a partner, or where the record is refused, the money stays with the vendor and the invoice says why.
    """
    partner, reason = _partner(scope, invoice)
    if partner is None or not total:
        invoice.unpaid_reason = reason if total else "ZERO"
        return
    row = records.ManualRow(
        partner_id=partner,
        amount=total,
        settlement_date=invoice.due_date,
        currency=invoice.currency,
        memo=invoice.number,
        origin_kind=ORIGIN,
        origin_id=invoice.public_id,
        counter=legs.Counter(Code.VENDOR_PAYABLE, invoice.invoice_account),
        paid_as_is=True,
    )
    try:
        with transaction.atomic():
            record = records.record_manual(scope=scope, by=by, now=now, row=row)
    except DomainError as error:
        invoice.unpaid_reason = error.code
    else:
        invoice.settlement_record_id, invoice.unpaid_reason = record.public_id, ""


def _partner(scope: Scope, invoice: Invoice) -> tuple[str | None, str]:
    """Return the partner who is paid for an invoice, or why there is none."""
    vendor = Vendor.objects.within(scope).filter(account=invoice.invoice_account).select_related("partner").first()
    if vendor is None or vendor.partner is None:
        return None, "NO_PARTNER"
    if invoice.currency not in MINOR_DIGITS:
        return None, "CURRENCY"
    return vendor.partner.public_id, ""


def pay_waiting(*, scope: Scope, by: Actor, now: datetime, account: str) -> int:
    """Make settlement records of posted invoices that waited for their vendor to be a partner; returns how many."""
    paid = 0
    with transaction.atomic():
        rows = Invoice.objects.within(scope).select_for_update(no_key=True, of=("self",))
        waiting = rows.filter(
            invoice_account=account, status=InvoiceStatus.POSTED, settlement_record_id="", unpaid_reason="NO_PARTNER"
        )
        for invoice in waiting.order_by("pk"):
            _become_payable(scope, by, now, invoice, amounts.minor(Fraction(invoice.amount), invoice.currency))
            invoice.save(update_fields=["settlement_record_id", "unpaid_reason"])
            paid += bool(invoice.settlement_record_id)
    return paid


def pay_due_waiting(*, now: datetime) -> int:
    """Make settlement records of all posted invoices whose vendors have become partners; returns how many."""
    waiting = Invoice.objects.filter(status=InvoiceStatus.POSTED, settlement_record_id="", unpaid_reason="NO_PARTNER")
    partners = Vendor.objects.filter(
        merchant_id=OuterRef("merchant_id"),
        is_test=OuterRef("is_test"),
        account=OuterRef("invoice_account"),
        partner__isnull=False,
    )
    accounts = waiting.filter(Exists(partners)).values_list("merchant_id", "is_test", "invoice_account").distinct()
    by = system("matching.pay_waiting")
    return sum(
        pay_waiting(scope=Scope(merchant, is_test), by=by, now=now, account=account)
        for merchant, is_test, account in accounts.order_by("merchant_id", "is_test", "invoice_account")
    )
