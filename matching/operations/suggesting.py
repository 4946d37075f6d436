"""Matching invoice lines with receipts: taking of a receipt line, and the product's own suggestion."""

from decimal import Decimal
from fractions import Fraction

from core.scope import Scope
from matching import queries, refusals
from matching.engine.terms import ZERO
from matching.engine.words import written
from matching.facts import Conversions
from matching.models import InvoiceLine, ReceiptLine, ReceiptMatch

_SCALE = 10**6


def take(
    line: InvoiceLine, row: ReceiptLine, quantity: Decimal | Fraction, left: dict[int, Fraction], name: str
) -> None:
    """Match so much of a receipt line, and lower what is left of it. Raises RECEIPT_SIGN, RECEIPT_OVERMATCHED."""
    wanted = Fraction(quantity)
    if not wanted:
        return
    came = queries.came(row)
    if wanted * came <= 0 or wanted * Fraction(line.quantity) <= 0:
        raise refusals.receipt_sign(name)
    if abs(wanted) > abs(left[row.pk]) or left[row.pk] * wanted <= 0:
        raise refusals.receipt_overmatched(name, written(left[row.pk]))
    left[row.pk] -= wanted
    stored, divisor = _stored(wanted)
    match, made = ReceiptMatch.objects.get_or_create(
        invoice_line=line, receipt_line=row, defaults={"quantity": stored, "divisor": divisor}
    )
    if not made:
        match.quantity, match.divisor = _stored(wanted + Fraction(match.quantity) / match.divisor)
        match.save()


def _stored(quantity: Fraction) -> tuple[Decimal, int]:
    """Return a quantity as decimal and divisor; the divisor is 1 wherever six places are enough."""
    scaled = quantity * _SCALE
    if scaled.denominator == 1:
        return Decimal(scaled.numerator).scaleb(-6), 1
    return Decimal(scaled.numerator).scaleb(-6), scaled.denominator


def match_line(scope: Scope, line: InvoiceLine) -> bool:
    """
    Match receipts of its order line with an invoice line, the oldest first, until its quantity is covered.

    What is matched already stays. Says whether the line is matched with exactly its quantity now.
    """
    ordered = line.order_line
    if ordered is None:
        return False
    factor = Conversions(scope, [ordered.item_id]).factor(ordered.item_id, line.unit, ordered.unit)
    if factor is None:
        return False
    wanted = Fraction(line.quantity) * factor - _matched(line)
    receipts = queries.open_receipts(ordered.pk)
    left = queries.available(receipts)
    for row in receipts:
        free = left[row.pk]
        if not wanted or free * wanted <= 0 or queries.came(row) * wanted <= 0:
            continue
        part = free if abs(free) < abs(wanted) else wanted
        take(line, row, part, left, str(row))
        wanted -= part
    return not wanted


def _matched(line: InvoiceLine) -> Fraction:
    rows = ReceiptMatch.objects.filter(invoice_line=line, receipt_line__receipt__cancelled_at=None)
    return sum((Fraction(row.quantity) / row.divisor for row in rows), ZERO)
