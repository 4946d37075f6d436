"""
How the API tells what matching knows: names in camel case, figures as text with an exact decimal, words in capitals.

A line of a document is named by the document's id and its number, such as `PO1/2`.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db.models import DecimalField

from access.wire import without_absent
from matching import amounts
from matching.engine.words import plain, written
from matching.models import (
    ChargeCode,
    ChargesTolerance,
    ExchangeRate,
    Invoice,
    InvoiceCharge,
    InvoiceLine,
    Item,
    Leak,
    MatchRun,
    OrderCharge,
    OrderLine,
    Parameters,
    PolicyEntry,
    PricedLine,
    PriceTolerance,
    PurchaseOrder,
    Receipt,
    ReceiptLine,
    ReceiptMatch,
    TotalsTolerance,
    UnitConversion,
    Vendor,
)
from matching.operations import automation

Shape = dict[str, Any]
# What of a kept result is one of a list of words; everything else is a figure, a formula or a name.
_WORDS = frozenset(
    {
        "verdict",
        "policy",
        "policy_from",
        "match_variance",
        "price_match",
        "price_total_match",
        "quantity_match",
        "totals_match",
        "charges_match",
        "status",
    }
)
_NOT_TOLD_OF_PARAMETERS = frozenset({"id", "merchant_id", "is_test", "updated_at"})
PARAMETERS = tuple(
    field.name
    for field in Parameters._meta.concrete_fields  # noqa: SLF001 - public in all but name
    if field.name not in _NOT_TOLD_OF_PARAMETERS
)
PARAMETER_WORDS = frozenset(
    field.name
    for field in Parameters._meta.concrete_fields  # noqa: SLF001 - public in all but name
    if field.choices
)
PARAMETER_FIGURES = frozenset(
    field.name
    for field in Parameters._meta.concrete_fields  # noqa: SLF001 - public in all but name
    if isinstance(field, DecimalField)
)
PRICES = (
    "quantity",
    "unit_price",
    "price_unit",
    "discount",
    "discount_percent",
    "multiline_discount",
    "multiline_discount_percent",
)


def camel(name: str) -> str:
    """Return a name in camel case: `price_unit` is `priceUnit`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def figure(value: Decimal | None) -> str | None:
    """Write a figure without needless zeros."""
    return None if value is None else plain(Decimal(value))


def _word(value: str | None) -> str | None:
    return value.upper() if value else None


# ---- Set-up


def parameters(row: Parameters) -> Shape:
    """Tell how a company matches."""
    shape: Shape = {}
    for name in PARAMETERS:
        value = getattr(row, name)
        if name in PARAMETER_WORDS:
            value = _word(value)
        elif isinstance(value, Mapping):
            value = {camel(total): _per_total(setting) for total, setting in value.items()}
        elif name in PARAMETER_FIGURES:
            value = figure(value)
        shape[camel(name)] = value
    return shape


def _per_total(setting: Mapping[str, Any]) -> Shape:
    percent = setting.get("percent")
    return without_absent({**setting, "percent": figure(Decimal(percent)) if percent is not None else None})


def vendor(row: Vendor) -> Shape:
    """Tell of a vendor."""
    return without_absent(
        {
            "account": row.account,
            "name": row.name,
            "currency": row.currency,
            "priceToleranceGroup": row.price_tolerance_group or None,
            "invoiceAccount": row.paid_account,
            "partnerId": row.partner.public_id if row.partner else None,
            "paymentDays": row.payment_days,
            "createdAt": row.created_at,
            "updatedAt": row.updated_at,
        }
    )


def item(row: Item) -> Shape:
    """Tell of an item."""
    return without_absent(
        {
            "number": row.number,
            "name": row.name,
            "unit": row.unit,
            "priceToleranceGroup": row.price_tolerance_group or None,
            "receivingRequirement": row.receiving_requirement,
            "overDeliveryPercent": figure(row.over_delivery_percent),
            "underDeliveryPercent": figure(row.under_delivery_percent),
            "createdAt": row.created_at,
            "updatedAt": row.updated_at,
        }
    )


def conversion(row: UnitConversion) -> Shape:
    """Tell what one unit is of another; the factor is a decimal where one says it, else a fraction."""
    return without_absent(
        {
            "item": row.item.number if row.item else None,
            "from": row.from_unit,
            "to": row.to_unit,
            "factor": factor(Fraction(row.numerator, row.denominator)),
        }
    )


def factor(value: Fraction) -> str:
    """Write a conversion factor exactly: `0.5` or `1/12`."""
    decimal = written(value)
    return decimal if Fraction(decimal) == value else f"{value.numerator}/{value.denominator}"


def charge_code(row: ChargeCode) -> Shape:
    """Tell of a charge code."""
    return without_absent(
        {
            "code": row.code,
            "description": row.description,
            "debitType": _word(row.debit_type),
            "creditType": _word(row.credit_type),
            "comparePoAndInvoice": row.compare_po_and_invoice,
            "maximumAmount": figure(row.maximum_amount),
        }
    )


def policy(row: PolicyEntry) -> Shape:
    """Tell of a matching policy."""
    return without_absent(
        {
            "level": _word(row.level),
            "item": row.item.number if row.item else None,
            "vendor": row.vendor.account if row.vendor else None,
            "policy": _word(row.policy),
        }
    )


def price_tolerance(row: PriceTolerance) -> Shape:
    """Tell of a tolerance of net unit prices."""
    return {"item": row.item_code, "vendor": row.account_code, "percent": figure(row.percent)}


def totals_tolerance(row: TotalsTolerance) -> Shape:
    """Tell of a tolerance of invoice totals."""
    return {"vendor": row.vendor.account, "percent": figure(row.percent)}


def charges_tolerance(row: ChargesTolerance) -> Shape:
    """Tell of a tolerance of a charge code."""
    return {"code": row.charge_code.code, "percent": figure(row.percent)}


def exchange_rate(row: ExchangeRate) -> Shape:
    """Tell of an exchange rate."""
    return {"from": row.from_currency, "to": row.to_currency, "date": row.date, "rate": figure(row.rate)}


# ---- Orders and receipts


def _priced(line: PricedLine) -> Shape:
    return {
        "line": line.number,
        "item": line.item.number if line.item else None,
        "description": line.description or None,
        "unit": line.unit,
        **{camel(name): figure(getattr(line, name)) for name in PRICES},
        "netAmount": figure(line.net_amount),
    }


def order(row: PurchaseOrder) -> Shape:
    """Tell of a purchase order, without its lines."""
    return without_absent(
        {
            "id": row.public_id,
            "vendor": row.vendor.account,
            "currency": row.currency,
            "exchangeRate": figure(row.exchange_rate),
            "date": row.date,
            "totalDiscountPercent": figure(row.total_discount_percent),
            "salesTaxPercent": figure(row.sales_tax_percent),
            "status": _word(row.status),
            "memo": row.memo or None,
            "netAmount": figure(row.net_amount),
            "lineCount": row.line_count,
            "version": row.version,
            "createdAt": row.created_at,
            "updatedAt": row.updated_at,
        }
    )


def order_charge(charge: OrderCharge) -> Shape:
    """Tell of a charge of an order."""
    return without_absent(
        {
            "id": charge.name,
            "code": charge.code.code,
            "category": _word(charge.category),
            "value": figure(charge.value),
            "takenBy": charge.taken_by.public_id if charge.taken_by else None,
        }
    )


def order_line(line: OrderLine, charges: Iterable[OrderCharge], left: tuple[Fraction, Fraction]) -> Shape:
    """Tell of a line of an order; `left` is what is still to be invoiced and to be delivered."""
    return without_absent(
        {
            **_priced(line),
            "policy": _word(line.policy),
            "policyFrom": _word(line.policy_from),
            "overDeliveryPercent": figure(line.over_delivery_percent),
            "underDeliveryPercent": figure(line.under_delivery_percent),
            "closedForInvoicing": line.is_closed,
            "cancelled": line.is_cancelled,
            "charges": [order_charge(charge) for charge in charges],
            "invoiceRemainder": written(left[0]),
            "deliverRemainder": written(left[1]),
        }
    )


def receipt(row: Receipt, line_count: int) -> Shape:
    """Tell of a product receipt, without its lines."""
    return without_absent(
        {
            "id": row.public_id,
            "date": row.date,
            "memo": row.memo or None,
            "lineCount": line_count,
            "cancelledAt": row.cancelled_at,
            "createdAt": row.created_at,
        }
    )


def receipt_line(line: ReceiptLine, available: Fraction) -> Shape:
    """Tell of a line of a receipt; `available` is in the order line's unit."""
    ordered = line.order_line
    return {
        "line": line.number,
        "orderLine": f"{ordered.order.public_id}/{ordered.number}",
        "quantity": figure(line.quantity),
        "unit": line.unit,
        "closesLine": line.closes_line,
        "available": written(available),
    }


# ---- Invoices


def invoice(row: Invoice) -> Shape:
    """Tell of a vendor invoice, without its lines and its result."""
    return without_absent(
        {
            "id": row.public_id,
            "number": row.number,
            "vendor": row.vendor.account,
            "invoiceAccount": row.invoice_account,
            "currency": row.currency,
            "exchangeRate": figure(row.exchange_rate),
            "date": row.date,
            "dueDate": row.due_date,
            "totalDiscount": figure(row.total_discount),
            "salesTax": figure(row.sales_tax),
            "roundOff": figure(row.round_off),
            "importedAmount": figure(row.imported_amount),
            "importedTax": figure(row.imported_tax),
            "memo": row.memo or None,
            "status": _word(row.status),
            "onHold": row.is_on_hold,
            "holdReason": row.hold_reason or None,
            "amount": figure(row.amount),
            "matchStatus": _word(row.match_status),
            "lastVariance": _word(row.last_variance),
            "reasons": list(row.reasons),
            "lastMatchedAt": row.last_match_at,
            "approved": row.is_approved,
            "approvedBy": row.approved_by or None,
            "approvedAt": row.approved_at,
            "approvalComment": row.approval_comment or None,
            "automationIncluded": row.is_automated,
            "automationAttempts": row.automation_attempts,
            "enteredBy": row.entered_by,
            "postedAt": row.posted_at,
            "postedBy": row.posted_by or None,
            "settlementRecordId": row.settlement_record_id or None,
            "unpaidReason": row.unpaid_reason or None,
            "version": row.version,
            "createdAt": row.created_at,
            "updatedAt": row.updated_at,
        }
    )


def automation_status(row: Invoice, rules: Parameters) -> str:
    """Tell what became of matching receipts with an invoice in the background."""
    return automation.status(row, rules).value.upper()


def invoice_charge(charge: InvoiceCharge) -> Shape:
    """Tell of a charge that a vendor bills."""
    agreed = charge.connected_to
    return without_absent(
        {
            "code": charge.code.code,
            "category": _word(charge.category),
            "value": figure(charge.value),
            "connectedTo": f"{agreed.order.public_id}/{agreed.name}" if agreed else None,
        }
    )


def invoice_line(line: InvoiceLine, charges: Iterable[InvoiceCharge], matches: Iterable[ReceiptMatch]) -> Shape:
    """Tell of a line of an invoice with the receipts it is matched with."""
    ordered = line.order_line
    return without_absent(
        {
            **_priced(line),
            "orderLine": f"{ordered.order.public_id}/{ordered.number}" if ordered else None,
            "isFinal": line.is_final,
            "charges": [invoice_charge(charge) for charge in charges],
            "receiptMatches": [
                {
                    "receiptLine": f"{one.receipt_line.receipt.public_id}/{one.receipt_line.number}",
                    "quantity": written(Fraction(one.quantity) / one.divisor),
                }
                for one in matches
            ],
        }
    )


# ---- Results


def run(row: MatchRun, detail: Mapping[str, Any]) -> Shape:
    """Tell of a run with the figures it compared; an earlier run over very many invoices kept its verdicts alone."""
    charges = detail.get("charges") or {}
    lines = detail.get("lines") or {}
    return without_absent(
        {
            "at": row.at,
            "by": row.by,
            "isFinal": row.is_final,
            "status": _word(row.status),
            "totalsMatch": _word(detail.get("totals_match")),
            "totals": _told(detail.get("totals")),
            "chargesMatch": _word(detail.get("charges_match")),
            "charges": [{"code": code, **_told(figures)} for code, figures in charges.items()],
            "reasons": detail.get("reasons", []),
            "figures": _told(detail.get("figures")),
            "lines": [{"line": int(number), **_told(result)} for number, result in lines.items()],
        }
    )


def _told(value: Any) -> Any:
    """Return a part of a kept result, all of whose names are ours, as the wire names it."""
    if not isinstance(value, Mapping):
        return value
    return {
        camel(name): _word(inner) if name in _WORDS and isinstance(inner, str) else _told(inner)
        for name, inner in value.items()
        if inner is not None
    }


def leak(row: Leak) -> Shape:
    """Tell what a posted line cost more than agreed, within its tolerance."""
    return without_absent(
        {
            "invoice": row.invoice_line.invoice.public_id,
            "line": row.invoice_line.number,
            "vendor": row.vendor.account,
            "item": row.item.number if row.item else None,
            "date": row.on,
            "currency": row.currency,
            "amount": money(row.amount, row.currency),
            "expected": money(row.expected, row.currency),
        }
    )


def money(units: int, currency: str) -> str:
    """Write minor units of the books as an amount of a document."""
    return written(amounts.from_minor(units, currency))
