"""Bodies of the API as the drafts that operations take. A field left out has its default, or stays."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from access.parse import Fields
from matching import api_base as base
from matching.models import Category, Policy
from matching.operations.documents import (
    AUTOMATIC,
    Automatic,
    InvoiceChargeDraft,
    InvoiceDraft,
    InvoiceFields,
    InvoiceLineDraft,
    InvoiceLineFields,
    OrderChargeDraft,
    OrderDraft,
    OrderFields,
    OrderLineDraft,
    OrderLineFields,
    ReceiptDraft,
    ReceiptLineDraft,
    ReceiptMatchDraft,
)

Readers = Mapping[str, Callable[[Fields, str], Any]]
MOST_CHARGES: Final = 200
MOST_RECEIPTS: Final = 500


def _day(fields: Fields, name: str) -> Any:
    return fields.date(name)


def _flag(fields: Fields, name: str) -> bool:
    return fields.boolean(name)


def _policy(fields: Fields, name: str) -> str:
    return base.word(fields, name, Policy)


def _status(fields: Fields, name: str) -> str:
    return base.one_of(fields, name, fields.text(name, longest=60), ("CONFIRMED", "DRAFT")).lower()


_PRICES: Final[Readers] = {
    "item": base.maybe_identifier,
    "description": base.name_text,
    "quantity": base.figure,
    "unit": base.unit,
    "unit_price": base.figure,
    "price_unit": base.figure,
    "discount": base.figure,
    "discount_percent": base.figure,
    "multiline_discount": base.figure,
    "multiline_discount_percent": base.figure,
}


def _lines(fields: Fields, *, fewest: int = 0) -> list[Fields]:
    parts = fields.items("lines", fewest=fewest, most=base.MOST_LINES) if fewest or fields.has("lines") else []
    base.once(parts, "line", [base.line_number(part) for part in parts])
    return parts


# ---- Purchase orders

_ORDER: Final[Readers] = {
    "vendor": base.identifier,
    "currency": base.currency,
    "exchange_rate": base.maybe_rate,
    "date": _day,
    "total_discount_percent": base.figure,
    "sales_tax_percent": base.figure,
    "status": _status,
    "memo": base.memo,
}
_ORDER_LINE: Final[Readers] = {
    **_PRICES,
    "policy": _policy,
    "over_delivery_percent": base.maybe_figure,
    "under_delivery_percent": base.maybe_figure,
}


def new_order(fields: Fields) -> OrderDraft:
    """Return an order to be created: id, vendor and at least one line with a quantity."""
    base.identifier(fields, "vendor")
    return _order(base.identifier(fields, "id"), fields, fewest=1)


def order_changes(public_id: str, fields: Fields) -> OrderDraft:
    """Return what changes of an order; lines with a number that is not there are added."""
    return _order(public_id, fields)


def _order(public_id: str, fields: Fields, *, fewest: int = 0) -> OrderDraft:
    given = OrderFields(**base.given(fields, _ORDER))  # type: ignore[typeddict-item] # names and kinds are those of the readers
    parts = _lines(fields, fewest=fewest)
    lines = [_order_line(part) for part in parts]
    charges = _order_charges(fields)
    named = [(part, charge.name) for part in (fields, *parts) for charge in _order_charges(part) or ()]
    base.once([part for part, _name in named], "charges", [name for _part, name in named])
    return OrderDraft(public_id, given, lines, charges)


def _order_line(part: Fields) -> OrderLineDraft:
    given = OrderLineFields(**base.given(part, _ORDER_LINE))  # type: ignore[typeddict-item] # names and kinds are those of the readers
    if part.has("closedForInvoicing"):
        given["is_closed"] = part.boolean("closedForInvoicing")
    if part.has("cancelled"):
        given["is_cancelled"] = part.boolean("cancelled")
    return OrderLineDraft(base.line_number(part), given, _order_charges(part))


def _order_charges(fields: Fields) -> list[OrderChargeDraft] | None:
    parts = fields.maybe_items("charges", most=MOST_CHARGES)
    if parts is None:
        return None
    return [
        OrderChargeDraft(base.identifier(one, "id"), base.code(one, "code"), base.figure(one, "value"), _category(one))
        for one in parts
    ]


def _category(part: Fields) -> str:
    return base.word(part, "category", Category) if part.has("category") else Category.FIXED


# ---- Receipts


def new_receipt(fields: Fields) -> ReceiptDraft:
    """Return a product receipt with at least one line."""
    lines = [
        ReceiptLineDraft(
            number=base.line_number(part),
            order_line=base.line_name(part, "orderLine"),
            quantity=base.figure(part, "quantity"),
            unit=base.unit(part, "unit") if part.has("unit") else None,
            closes_line=bool(part.maybe_boolean("closesLine")),
        )
        for part in _lines(fields, fewest=1)
    ]
    return ReceiptDraft(base.identifier(fields, "id"), fields.date("date"), lines, base.memo(fields, "memo"))


# ---- Invoices

_INVOICE: Final[Readers] = {
    "number": base.identifier,
    "invoice_account": base.identifier,
    "exchange_rate": base.maybe_rate,
    "date": _day,
    "due_date": _day,
    "total_discount": base.figure,
    "sales_tax": base.figure,
    "round_off": base.figure,
    "imported_amount": base.maybe_figure,
    "imported_tax": base.maybe_figure,
    "memo": base.memo,
}
_NEW_INVOICE: Final[Readers] = {**_INVOICE, "vendor": base.identifier, "currency": base.currency}


def new_invoice(fields: Fields) -> InvoiceDraft:
    """Return an invoice to be entered: id, vendor and at least one line with a quantity."""
    base.identifier(fields, "vendor")
    return _invoice(base.identifier(fields, "id"), fields, _NEW_INVOICE, fewest=1)


def invoice_changes(public_id: str, fields: Fields) -> InvoiceDraft:
    """Return what changes of an invoice; vendor and currency stay as they were entered."""
    return _invoice(public_id, fields, _INVOICE)


def _invoice(public_id: str, fields: Fields, readers: Readers, *, fewest: int = 0) -> InvoiceDraft:
    given = InvoiceFields(**base.given(fields, readers))  # type: ignore[typeddict-item] # names and kinds are those of the readers
    if fields.has("automationIncluded"):
        given["is_automated"] = fields.boolean("automationIncluded")
    lines = [_invoice_line(part) for part in _lines(fields, fewest=fewest)]
    copies = bool(fields.maybe_boolean("copyOrderCharges"))
    return InvoiceDraft(public_id, given, lines, _invoice_charges(fields), copies)


def _invoice_line(part: Fields) -> InvoiceLineDraft:
    given = InvoiceLineFields(**base.given(part, _PRICES))  # type: ignore[typeddict-item] # names and kinds are those of the readers
    if part.given("orderLine"):
        given["order_line"] = base.line_name(part, "orderLine") if part.has("orderLine") else None
    if part.has("isFinal"):
        given["is_final"] = part.boolean("isFinal")
    removed = bool(part.maybe_boolean("remove"))
    return InvoiceLineDraft(base.line_number(part), given, _invoice_charges(part), receipt_matches(part), removed)


def _invoice_charges(fields: Fields) -> list[InvoiceChargeDraft] | None:
    parts = fields.maybe_items("charges", most=MOST_CHARGES)
    if parts is None:
        return None
    return [
        InvoiceChargeDraft(
            code=base.code(one, "code"),
            value=base.figure(one, "value"),
            category=_category(one),
            connected_to=base.charge_name(one, "connectedTo") if one.has("connectedTo") else None,
        )
        for one in parts
    ]


def receipt_matches(part: Fields) -> list[ReceiptMatchDraft] | Automatic | None:
    """Return what receipts a line is matched with: those given, or what `automatic` suggests."""
    if part.maybe_boolean("automatic"):
        if part.has("receiptMatches"):
            raise part.wrong("receiptMatches", _("automatic과 함께 쓸 수 없어요."))
        return AUTOMATIC
    parts = part.maybe_items("receiptMatches", most=MOST_RECEIPTS)
    if parts is None:
        return None
    return [ReceiptMatchDraft(base.line_name(one, "receiptLine"), base.figure(one, "quantity")) for one in parts]


def matches_of_lines(public_id: str, fields: Fields) -> InvoiceDraft:
    """Return the receipts with which the lines named are matched from now on."""
    lines = []
    for part in _lines(fields, fewest=1):
        matches = receipt_matches(part)
        if matches is None:
            part.items("receiptMatches")
        lines.append(InvoiceLineDraft(base.line_number(part), InvoiceLineFields(), receipts=matches))
    return InvoiceDraft(public_id, InvoiceFields(), lines)
