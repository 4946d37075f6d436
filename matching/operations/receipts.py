"""Product receipts: what came in, and what is waited to be billed for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Final

from django.db import transaction

from access import audit
from core import clock
from core.actor import Actor
from core.scope import Scope
from ledger import posting
from ledger.accounts import Address
from ledger.chart import Code
from ledger.posting import Leg, Origin, Posting
from matching import accruals, amounts, queries, refusals
from matching.engine.terms import HUNDRED, ZERO
from matching.engine.words import written
from matching.facts import Conversions
from matching.models import (
    AutomationStatus,
    Invoice,
    InvoiceStatus,
    OrderLine,
    OrderStatus,
    Parameters,
    Receipt,
    ReceiptLine,
    ReceiptMatch,
)
from matching.operations import company, orders, recalculation
from matching.operations._insert import insert
from matching.operations.documents import ReceiptDraft, ReceiptLineDraft

KIND: Final = "receipt"


@dataclass(frozen=True, slots=True)
class _Part:
    """What one receipt line brings or takes back of an order line, in its unit."""

    order_line: OrderLine
    quantity: Fraction


def receive(*, scope: Scope, by: Actor, now: datetime, draft: ReceiptDraft) -> Receipt:
    """
    Record what came in, and post what is waited to be billed for it.

    Raises NotFound, ORDER_NOT_CONFIRMED, ORDER_LINE_CANCELLED, UNIT, OVER_DELIVERY, UNDER_DELIVERY, ID_ALREADY_USED.
    """
    with transaction.atomic():
        parameters = company.open_company(scope)
        named = queries.order_lines_named(scope, [line.order_line for line in draft.lines])
        locked = queries.lock_order_lines(line.pk for line in named.values())
        receipt = Receipt(
            **scope.filters(), public_id=draft.public_id, date=draft.date, memo=draft.memo, created_by_id=by.user_id
        )
        insert(receipt, "matching_receipt_id")
        conversions = Conversions(scope, [line.item_id for line in named.values()])
        parts, rows = [], []
        for one in draft.lines:
            ordered = named[one.order_line]
            row = _line(receipt, one, ordered, conversions)
            rows.append(row)
            parts.append(_Part(locked[ordered.pk], queries.came(row)))
        _check_limits(named, draft, parts, parameters)
        moved = _accrue(parts)
        for row, amount in zip(rows, moved, strict=True):
            row.accrued = amount
        ReceiptLine.objects.bulk_create(rows)
        _post(scope, by, receipt, parts, moved, now, step="received")
        orders.follow([line.order_id for line in named.values()])
        recalculation.invoices(scope=scope, keys=_candidates(scope, parts, parameters), cause="receipt")
        after = {"lines": len(rows)}
        audit.record(scope=scope, by=by, action="receipt.recorded", kind=KIND, object_id=receipt.public_id, after=after)
    return receipt


def cancel_receipt(*, scope: Scope, by: Actor, now: datetime, receipt_id: str) -> Receipt:
    """
    Cancel a receipt: it counts as if it had never come. Pending invoices matched with it follow.

    Raises NotFound, RECEIPT_CANCELLED, RECEIPT_INVOICED.
    """
    with transaction.atomic():
        receipt = queries.find_receipt(scope, receipt_id, lock=True)
        lines = list(ReceiptLine.objects.filter(receipt=receipt).select_related("order_line").order_by("number"))
        held = queries.lock_invoices(scope, queries.pending_of_receipt(scope, receipt))
        locked = queries.lock_order_lines(line.order_line_id for line in lines)
        if receipt.cancelled_at is not None:
            raise refusals.receipt_cancelled(receipt_id)
        posted = ReceiptMatch.objects.filter(
            receipt_line__receipt=receipt, invoice_line__invoice__status=InvoiceStatus.POSTED
        )
        if posted.exists():
            raise refusals.receipt_invoiced(receipt_id)
        waiting = queries.pending_of_receipt(scope, receipt)
        parts = [_Part(locked[line.order_line_id], -queries.came(line)) for line in lines]
        moved = _accrue(parts)
        receipt.cancelled_at = now
        receipt.save(update_fields=["cancelled_at"])
        _post(scope, by, receipt, parts, moved, now, step="cancelled")
        orders.follow([line.order_line.order_id for line in lines])
        _match_anew(scope, held)
        recalculation.invoices(scope=scope, keys=waiting, cause="receipt")
        audit.record(scope=scope, by=by, action="receipt.cancelled", kind=KIND, object_id=receipt_id)
    return receipt


def _match_anew(scope: Scope, keys: Sequence[int]) -> None:
    """Let matching receipts in the background begin anew for invoices that it had completed with what is gone."""
    rows = Invoice.objects.within(scope).filter(pk__in=keys, status=InvoiceStatus.PENDING, is_automated=True)
    rows.filter(automation_outcome=AutomationStatus.COMPLETED).update(
        automation_outcome="", automation_attempts=0, automation_next_at=None
    )


def _line(receipt: Receipt, draft: ReceiptLineDraft, ordered: OrderLine, conversions: Conversions) -> ReceiptLine:
    name = f"{ordered.order.public_id}/{ordered.number}"
    if ordered.order.status == OrderStatus.DRAFT:
        raise refusals.order_not_confirmed(ordered.order.public_id)
    if ordered.is_cancelled:
        raise refusals.order_line_cancelled(name)
    unit = draft.unit or ordered.unit
    factor = conversions.factor(ordered.item_id, unit, ordered.unit)
    if factor is None:
        raise refusals.no_conversion(unit, ordered.unit)
    return ReceiptLine(
        receipt=receipt,
        number=draft.number,
        order_line=ordered,
        quantity=draft.quantity,
        unit=unit,
        factor_numerator=factor.numerator,
        factor_denominator=factor.denominator,
        closes_line=draft.closes_line,
    )


def _check_limits(
    named: dict[tuple[str, int], OrderLine], draft: ReceiptDraft, parts: Sequence[_Part], parameters: Parameters
) -> None:
    """Refuse what goes beyond the limits of the order lines; exactly at a limit is accepted."""
    came_in, now = queries.received(line.pk for line in named.values()), dict[int, Fraction]()
    for part in parts:
        came_in[part.order_line.pk] = came_in.get(part.order_line.pk, ZERO) + part.quantity
        now[part.order_line.pk] = now.get(part.order_line.pk, ZERO) + part.quantity
    closing = {one.order_line for one in draft.lines if one.closes_line}
    for name, line in named.items():
        ordered, total = Fraction(line.quantity), came_in[line.pk]
        most = ordered * (1 + _limit(line, "over_delivery_percent", parameters) / HUNDRED)
        least = ordered * (1 - _limit(line, "under_delivery_percent", parameters) / HUNDRED)
        told = f"{name[0]}/{name[1]}"
        # What goes back is taken back, however much there was of it.
        if (now[line.pk] > 0 and total > most) if ordered >= 0 else (now[line.pk] < 0 and total < most):
            raise refusals.over_delivery(told, written(most))
        if name in closing and ((total < least) if ordered >= 0 else (total > least)):
            raise refusals.under_delivery(told, written(least))


def _limit(line: OrderLine, name: str, parameters: Parameters) -> Fraction:
    """Return a delivery limit in percent: the line's, else the item's, else the company's."""
    own = getattr(line, name)
    if own is None and line.item is not None:
        own = getattr(line.item, name)
    return Fraction(getattr(parameters, name) if own is None else own)


def _candidates(scope: Scope, parts: Sequence[_Part], parameters: Parameters) -> list[int]:
    """Return pending invoices that matching receipts in the background may look at because of this receipt."""
    if not parameters.automation_match_receipts:
        return []
    lines = [part.order_line.pk for part in parts if part.order_line.policy == "three_way"]
    return queries.automated_of_order_lines(scope, lines)


# ---- Books


def _accrue(parts: Sequence[_Part]) -> list[int]:
    """Move what is waited to be billed for on the locked order lines; returns by how much for each part."""
    keys = [part.order_line.pk for part in parts]
    came_in, billed = queries.received(keys), queries.billed(keys)
    moved = []
    for part in parts:
        line = part.order_line
        ahead = came_in.get(line.pk, ZERO) - billed.get(line.pk, ZERO)
        currency = line.order.currency
        amount = accruals.moved(
            line_sign=-1 if line.quantity < 0 else 1,
            before=ahead,
            change=part.quantity,
            open_amount=line.open_amount,
            unit_value=accruals.unit_value(amounts.pricing(line), amounts.digits(currency)),
        )
        came_in[line.pk] = came_in.get(line.pk, ZERO) + part.quantity
        line.open_amount += amount
        line.save(update_fields=["open_amount"])
        moved.append(amount)
    return moved


def _post(
    scope: Scope, by: Actor, receipt: Receipt, parts: Sequence[_Part], moved: Sequence[int], now: datetime, *, step: str
) -> None:
    legs: list[Leg] = []
    for part, amount in zip(parts, moved, strict=True):
        order = part.order_line.order
        vendor = Address(Code.RECEIVED_NOT_INVOICED, order.vendor.account, order.currency)
        goods = Address(Code.GOODS_RECEIVED, "", order.currency)
        legs += [posting.debit(goods, amount, "GOODS"), posting.credit(vendor, amount, "GOODS")]
    entry = Posting(
        event=f"receipt.{step}",
        key=f"receipt:{receipt.public_id}:{step}",
        on=_day(receipt, now, step),
        legs=_added_up(legs),
        origin=Origin("receipt", receipt.public_id),
    )
    posting.post(scope=scope, posting=entry, by=by)


def _day(receipt: Receipt, now: datetime, step: str) -> date:
    return receipt.date if step == "received" else clock.seoul_day(now)


def _added_up(legs: Sequence[Leg]) -> list[Leg]:
    """Return one leg for each account."""
    sums: dict[tuple[Address, str], int] = {}
    for leg in legs:
        sums[leg.account, leg.component] = sums.get((leg.account, leg.component), 0) + leg.amount
    return [Leg(account, amount, component) for (account, component), amount in sums.items()]
