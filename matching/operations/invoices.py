"""Vendor invoices before they are posted: entering, changing, deleting, holding."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from access import audit
from core import clock
from core.actor import Actor
from core.scope import Scope
from matching import amounts, facts, queries, refusals
from matching.models import (
    ChargeCode,
    Invoice,
    InvoiceCharge,
    InvoiceLine,
    InvoiceStatus,
    Item,
    OrderCharge,
    OrderLine,
    OrderStatus,
    Parameters,
    PurchaseOrder,
    ReceiptMatch,
)
from matching.operations import company, orders, recalculation, running, suggesting
from matching.operations._insert import insert
from matching.operations.documents import (
    Automatic,
    InvoiceChargeDraft,
    InvoiceDraft,
    InvoiceLineDraft,
    ReceiptMatchDraft,
)

KIND: Final = "invoice"
_PRICES: Final = ("discount", "discount_percent", "multiline_discount", "multiline_discount_percent", "unit_price")
_HEADER: Final = ("total_discount", "sales_tax", "round_off", "imported_amount", "imported_tax", "memo", "hold_reason")


def enter_invoice(*, scope: Scope, by: Actor, now: datetime, draft: InvoiceDraft, matches: bool = True) -> Invoice:
    """
    Save a new invoice as pending, and match it where the company matches by itself.

    Without `matches` it waits in the queue, where very many are matched together.

    Raises NotFound, CURRENCY, ORDER_NOT_CONFIRMED, ORDER_LINE_CANCELLED, RECEIPT_OVERMATCHED, RECEIPT_SIGN,
    RECEIPT_CANCELLED, EXCHANGE_RATE_MISSING, ID_ALREADY_USED, CHARGE_ABOVE_MAXIMUM, InvalidRequest.
    """
    with transaction.atomic():
        parameters = company.open_company(scope)
        invoice = _new(scope, by, now, draft)
        _fill(invoice, draft.fields)
        _check_lines(scope, invoice, draft)
        _set_rate(scope, invoice, draft.fields, parameters, before=None)
        if "due_date" not in draft.fields:
            invoice.due_date = invoice.date + timedelta(days=invoice.vendor.payment_days)
        insert(invoice, "matching_invoice_id")
        _write(scope, invoice, draft)
        if draft.copies_order_charges:
            _copy_charges(invoice)
        _saved(scope, by, now, invoice, parameters, before=set(), matches=matches)
        after = {"number": invoice.number, "vendor": invoice.vendor.account, "amount": str(invoice.amount)}
        audit.record(scope=scope, by=by, action="invoice.entered", kind=KIND, object_id=invoice.public_id, after=after)
    return invoice


def change_invoice(*, scope: Scope, by: Actor, now: datetime, draft: InvoiceDraft) -> Invoice:
    """
    Change a pending invoice, the fields and lines given; an approval falls away when a matched figure changes.

    Raises as `enter_invoice` does, and INVOICE_POSTED.
    """
    with transaction.atomic():
        invoice = queries.find_pending(scope, draft.public_id)
        parameters = company.open_company(scope)
        before, content = _order_lines(invoice), _content(invoice)
        rated_by = _rated_by(invoice)
        _fill(invoice, draft.fields)
        _check_currency(invoice)
        _set_rate(scope, invoice, draft.fields, parameters, before=rated_by)
        _write(scope, invoice, draft)
        if draft.copies_order_charges:
            _copy_charges(invoice)
        invoice.version += 1
        invoice.updated_at = now
        if content == _content(invoice):
            # Nothing that is matched has changed: a hold, a number, a memo.
            invoice.save()
        else:
            if invoice.is_approved:
                running.clear_approval(invoice)
            invoice.status = InvoiceStatus.PENDING
            _saved(scope, by, now, invoice, parameters, before=before)
        after = {"fields": sorted(draft.fields), "lines": [line.number for line in draft.lines]}
        audit.record(scope=scope, by=by, action="invoice.changed", kind=KIND, object_id=invoice.public_id, after=after)
    return invoice


def delete_invoice(*, scope: Scope, by: Actor, now: datetime, invoice_id: str) -> None:
    """Delete a pending invoice; others of its order lines follow. Raises NotFound, INVOICE_POSTED."""
    del now
    with transaction.atomic():
        invoice = queries.find_pending(scope, invoice_id)
        lines = _order_lines(invoice)
        queries.lock_order_lines(lines)
        content = {"number": invoice.number, "vendor": invoice.vendor.account, "amount": str(invoice.amount)}
        others = queries.pending_of_order_lines(scope, lines, but=invoice.pk)
        recalculation.forget(invoice)
        invoice.delete()
        recalculation.invoices(scope=scope, keys=others, cause="invoice")
        audit.record(scope=scope, by=by, action="invoice.deleted", kind=KIND, object_id=invoice_id, before=content)


def hold(*, scope: Scope, by: Actor, now: datetime, invoice_id: str, reason: str) -> Invoice:
    """Put an invoice on hold: it is not posted until released. Raises NotFound, INVOICE_POSTED."""
    return _hold(scope, by, now, invoice_id, reason, held=True)


def release(*, scope: Scope, by: Actor, now: datetime, invoice_id: str) -> Invoice:
    """Release an invoice from hold. Raises NotFound, INVOICE_POSTED."""
    return _hold(scope, by, now, invoice_id, "", held=False)


def _hold(scope: Scope, by: Actor, now: datetime, invoice_id: str, reason: str, *, held: bool) -> Invoice:
    with transaction.atomic():
        invoice = queries.find_pending(scope, invoice_id)
        if invoice.is_on_hold != held or invoice.hold_reason != reason:
            invoice.is_on_hold, invoice.hold_reason, invoice.updated_at = held, reason, now
            invoice.save(update_fields=["is_on_hold", "hold_reason", "updated_at"])
            action = "invoice.held" if held else "invoice.released"
            audit.record(scope=scope, by=by, action=action, kind=KIND, object_id=invoice_id, reason=reason)
    return invoice


# ---- The header


def _new(scope: Scope, by: Actor, now: datetime, draft: InvoiceDraft) -> Invoice:
    vendor = queries.find_vendor(scope, draft.fields["vendor"])
    day = draft.fields.get("date", clock.seoul_day(now))
    return Invoice(
        **scope.filters(),
        public_id=draft.public_id,
        number=draft.public_id,
        vendor=vendor,
        invoice_account=vendor.paid_account,
        currency=vendor.currency,
        date=day,
        due_date=day,
        entered_by_id=by.user_id,
        entered_by=by.name,
    )


def _check_lines(scope: Scope, invoice: Invoice, draft: InvoiceDraft) -> None:
    """See that the order lines named may be billed; an invoice in another currency needs no rate to be refused."""
    named = [name for line in draft.lines if (name := line.fields.get("order_line")) is not None]
    for ordered in queries.order_lines_named(scope, named).values():
        _check_order_line(invoice, ordered)


def _check_currency(invoice: Invoice) -> None:
    """See that the orders an invoice bills are in its currency."""
    orders_of = PurchaseOrder.objects.filter(lines__invoice_lines__invoice=invoice)
    other = orders_of.exclude(currency=invoice.currency).values_list("currency", flat=True).first()
    if other is not None:
        raise refusals.other_currency(invoice.currency, other)


def _fill(invoice: Invoice, fields: Mapping[str, Any]) -> None:
    """Set the fields given."""
    for name in ("number", "invoice_account", "currency", "date", "due_date", *_HEADER):
        if name in fields:
            setattr(invoice, name, fields[name])
    if not invoice.number:
        raise refusals.invalid(_("필수 값이에요."), "number")
    if "is_on_hold" in fields:
        invoice.is_on_hold = bool(fields["is_on_hold"])
    if "is_automated" in fields:
        _include(invoice, included=bool(fields["is_automated"]))


def _rated_by(invoice: Invoice) -> tuple[object, ...]:
    """Return what the exchange rate of an invoice goes by."""
    return (invoice.date, invoice.currency, invoice.is_rate_given)


def _set_rate(
    scope: Scope,
    invoice: Invoice,
    fields: Mapping[str, Any],
    parameters: Parameters,
    *,
    before: tuple[object, ...] | None,
) -> None:
    """Set the exchange rate, which follows the day unless somebody gave one; other changes leave it as it is."""
    given = fields.get("exchange_rate")
    if "exchange_rate" in fields:
        invoice.is_rate_given = given is not None
    if given is not None:
        invoice.exchange_rate = given
    elif not invoice.is_rate_given and _rated_by(invoice) != before:
        invoice.exchange_rate = queries.rate_on(scope, invoice.currency, parameters.accounting_currency, invoice.date)
    if invoice.exchange_rate <= 0:
        raise refusals.invalid(_("0보다 커야 해요."), "exchange_rate")


def _include(invoice: Invoice, *, included: bool) -> None:
    """Take an invoice into matching receipts in the background, which then begins anew, or out of it."""
    if included and not invoice.is_automated:
        invoice.automation_attempts, invoice.automation_outcome, invoice.automation_next_at = 0, "", None
    invoice.is_automated = included


def _order_lines(invoice: Invoice) -> set[int]:
    rows = InvoiceLine.objects.filter(invoice=invoice, order_line__isnull=False)
    return set(rows.values_list("order_line_id", flat=True))


def _content(invoice: Invoice) -> tuple[object, ...]:
    """Return everything of an invoice that is matched."""
    header = (invoice.exchange_rate, invoice.total_discount, invoice.sales_tax, invoice.round_off)
    names = ("number", "item_id", "quantity", "unit", "price_unit", *_PRICES, "order_line_id", "is_final")
    lines = InvoiceLine.objects.filter(invoice=invoice).order_by("number").values_list("pk", *names)
    charges = InvoiceCharge.objects.filter(invoice=invoice).order_by("pk")
    billed = charges.values_list("invoice_line__number", "code_id", "category", "value", "connected_to_id")
    matches = ReceiptMatch.objects.filter(invoice_line__invoice=invoice).order_by("receipt_line_id")
    matched = matches.values_list("invoice_line__number", "receipt_line_id", "quantity", "divisor")
    return (*header, *(row[1:] for row in lines), *sorted(billed, key=str), *matched)


def _saved(
    scope: Scope,
    by: Actor,
    now: datetime,
    invoice: Invoice,
    parameters: Parameters,
    *,
    before: Iterable[int],
    matches: bool = True,
) -> None:
    """Match the invoice, and let others of the order lines that it bills or billed follow."""
    running.refresh(scope=scope, by=by, now=now, invoice=invoice, parameters=parameters, matches=matches)
    if not matches:
        recalculation.invoices(scope=scope, keys=[invoice.pk], cause="upload")
    lines = {*before, *_order_lines(invoice)}
    others = queries.pending_of_order_lines(scope, lines, but=invoice.pk)
    recalculation.invoices(scope=scope, keys=others, cause="invoice")


# ---- Lines


def _write(scope: Scope, invoice: Invoice, draft: InvoiceDraft) -> None:
    """Write the lines, charges and receipt matches given, under locks of all order lines they touch."""
    named = [fields["order_line"] for line in draft.lines if (fields := line.fields).get("order_line")]
    known = queries.order_lines_named(scope, [name for name in named if name is not None])
    queries.lock_order_lines([*(line.pk for line in known.values()), *_order_lines(invoice)])
    codes = _Codes(scope)
    stand = {
        line.number: line for line in InvoiceLine.objects.filter(invoice=invoice).select_related("item", "order_line")
    }
    written: list[tuple[InvoiceLine, InvoiceLineDraft]] = []
    for one in draft.lines:
        line = stand.get(one.number)
        if one.is_removed:
            if line is None:
                raise refusals.not_found("invoice_line", str(one.number))
            line.delete()
            continue
        line = line or _new_line(invoice, one)
        _fill_line(scope, invoice, line, one, known)
        amounts.price(line, [], invoice.currency)
        line.save()
        written.append((line, one))
        if one.charges is not None:
            _put_charges(scope, invoice, line, one.charges, codes)
    if draft.charges is not None:
        _put_charges(scope, invoice, None, draft.charges, codes)
    _price(invoice)
    _check_no_line_twice(draft.lines)
    # What one line lets go of may be what another takes, so all is let go of first.
    for line, one in written:
        if one.receipts is not None:
            ReceiptMatch.objects.filter(invoice_line=line).delete()
    for line, one in written:
        if one.receipts is not None:
            _put_matches(scope, line, one.receipts)


def _check_no_line_twice(lines: Sequence[InvoiceLineDraft]) -> None:
    numbers = [line.number for line in lines]
    if len(set(numbers)) != len(numbers):
        raise refusals.invalid(_("같은 번호의 라인이 두 번 있어요."), "lines")


def _new_line(invoice: Invoice, draft: InvoiceLineDraft) -> InvoiceLine:
    if "quantity" not in draft.fields:
        raise refusals.invalid(_("필수 값이에요."), f"lines.{draft.number}.quantity")
    zero = dict.fromkeys(_PRICES, Decimal(0))
    return InvoiceLine(invoice=invoice, number=draft.number, price_unit=Decimal(1), **zero)


def _fill_line(
    scope: Scope,
    invoice: Invoice,
    line: InvoiceLine,
    draft: InvoiceLineDraft,
    known: Mapping[tuple[str, int], OrderLine],
) -> None:
    fields: Mapping[str, Any] = draft.fields
    if "order_line" in fields:
        ordered = known[fields["order_line"]] if fields["order_line"] else None
        if line.order_line_id != (ordered and ordered.pk):
            if ordered is not None:
                _check_order_line(invoice, ordered)
            if line.pk:
                ReceiptMatch.objects.filter(invoice_line=line).delete()
            # Item and unit are the only things taken over from the order line.
            line.order_line, line.item = ordered, ordered.item if ordered else None
            line.unit = ordered.unit if ordered else ""
    if "item" in fields:
        line.item = queries.find_item(scope, fields["item"]) if fields["item"] else None
    line.unit = fields.get("unit") or line.unit or (line.item.unit if line.item else _default_unit())
    for name in (*_PRICES, "quantity", "price_unit", "description", "is_final"):
        if name in fields:
            setattr(line, name, fields[name])
    if line.price_unit <= 0:
        raise refusals.invalid(_("0보다 커야 해요."), f"lines.{draft.number}.price_unit")


def _default_unit() -> str:
    return str(Item._meta.get_field("unit").default)  # noqa: SLF001 - public in all but name


def _check_order_line(invoice: Invoice, ordered: OrderLine) -> None:
    order = ordered.order
    if order.status == OrderStatus.DRAFT:
        raise refusals.order_not_confirmed(order.public_id)
    if ordered.is_cancelled:
        raise refusals.order_line_cancelled(f"{order.public_id}/{ordered.number}")
    if order.currency != invoice.currency:
        raise refusals.other_currency(invoice.currency, order.currency)
    if order.vendor_id != invoice.vendor_id:
        raise refusals.invalid(_("다른 공급사의 발주예요."), "order_line")


def _price(invoice: Invoice) -> None:
    charges = InvoiceCharge.objects.filter(invoice=invoice, invoice_line__isnull=False).select_related("code")
    by_line: dict[int | None, list[InvoiceCharge]] = {}
    for charge in charges:
        by_line.setdefault(charge.invoice_line_id, []).append(charge)
    for line in InvoiceLine.objects.filter(invoice=invoice):
        amounts.price(line, list(facts.billed_charge_terms(by_line.get(line.pk, []))), invoice.currency)
        line.save(update_fields=["net_amount", "exact_net", "exact_unit"])


# ---- Charges


class _Codes:
    """The charge codes and order charges that drafts name."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._codes: dict[str, ChargeCode] = {}

    def code(self, name: str) -> ChargeCode:
        """Return a charge code. Raises NotFound."""
        if name not in self._codes:
            self._codes[name] = queries.find_charge_code(self._scope, name)
        return self._codes[name]

    def connected(self, name: tuple[str, str] | None) -> OrderCharge | None:
        """Return an order's charge. Raises NotFound."""
        if name is None:
            return None
        order = queries.find_order(self._scope, name[0])
        found = OrderCharge.objects.filter(order=order, name=name[1]).first()
        if found is None:
            raise refusals.not_found("order_charge", f"{name[0]}/{name[1]}")
        return found


def _put_charges(
    scope: Scope, invoice: Invoice, line: InvoiceLine | None, drafts: Sequence[InvoiceChargeDraft], codes: _Codes
) -> None:
    """Make the charges of an invoice or a line those given."""
    del scope
    InvoiceCharge.objects.filter(invoice=invoice, invoice_line=line).delete()
    for draft in drafts:
        code = codes.code(draft.code)
        orders.check_maximum(code.code, code.maximum_amount, draft.value)
        InvoiceCharge.objects.create(
            invoice=invoice,
            invoice_line=line,
            code=code,
            category=draft.category,
            value=draft.value,
            connected_to=codes.connected(draft.connected_to),
        )


def _copy_charges(invoice: Invoice) -> None:
    """
    Take the charges of the invoice's orders over, connected, besides those that are there.

    A fixed charge comes once, and not again when a posted invoice has taken it; one of a line goes to the first
    invoice line of that order line.
    """
    lines = list(InvoiceLine.objects.filter(invoice=invoice).select_related("order_line").order_by("number"))
    by_order_line: dict[int, list[InvoiceLine]] = {}
    for line in lines:
        if line.order_line_id is not None:
            by_order_line.setdefault(line.order_line_id, []).append(line)
    order_ids = {line.order_line.order_id for line in lines if line.order_line}
    for charge in OrderCharge.objects.filter(order__in=order_ids).order_by("pk"):
        if charge.category == "fixed" and charge.taken_by_id is not None:
            continue
        takers: Sequence[InvoiceLine | None] = [None]
        if charge.order_line_id is not None:
            mine = by_order_line.get(charge.order_line_id, [])
            takers = mine[:1] if charge.category == "fixed" else mine
        for taker in takers:
            InvoiceCharge.objects.create(
                invoice=invoice,
                invoice_line=taker,
                code_id=charge.code_id,
                category=charge.category,
                value=charge.value,
                connected_to=charge,
            )
    _price(invoice)


# ---- Receipts


def _put_matches(scope: Scope, line: InvoiceLine, wanted: Sequence[ReceiptMatchDraft] | Automatic) -> None:
    """Match an invoice line with receipts: those given, or the product's own suggestion."""
    if isinstance(wanted, Automatic):
        suggesting.match_line(scope, line)
        return
    named = queries.receipt_lines_named(scope, [one.receipt_line for one in wanted])
    left = queries.available(list(named.values()))
    for one in wanted:
        row = named[one.receipt_line]
        name = f"{one.receipt_line[0]}/{one.receipt_line[1]}"
        if row.order_line_id != line.order_line_id:
            raise refusals.invalid(_("다른 주문 라인의 입고예요: %(name)s") % {"name": name}, "receipt_matches")
        if row.receipt.cancelled_at is not None:
            raise refusals.receipt_cancelled(name)
        suggesting.take(line, row, one.quantity, left, name)
