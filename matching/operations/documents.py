"""What operations are given: documents and changes to them. A field left out has its default, or stays."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypedDict


class PriceFields(TypedDict, total=False):
    """The price of a line."""

    item: str | None
    description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    price_unit: Decimal
    discount: Decimal
    discount_percent: Decimal
    multiline_discount: Decimal
    multiline_discount_percent: Decimal


class OrderLineFields(PriceFields, total=False):
    """A line of an order; a policy given is set by hand."""

    policy: str
    over_delivery_percent: Decimal | None
    under_delivery_percent: Decimal | None
    is_closed: bool
    is_cancelled: bool


class OrderFields(TypedDict, total=False):
    """What holds for a whole order."""

    vendor: str
    currency: str
    exchange_rate: Decimal | None
    date: date
    total_discount_percent: Decimal
    sales_tax_percent: Decimal
    status: str
    memo: str


@dataclass(frozen=True, slots=True)
class OrderChargeDraft:
    """A charge of an order, named within it."""

    name: str
    code: str
    value: Decimal
    category: str = "fixed"


@dataclass(frozen=True, slots=True)
class OrderLineDraft:
    """A line of an order by number; charges that are None stay as they are."""

    number: int
    fields: OrderLineFields
    charges: Sequence[OrderChargeDraft] | None = None


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """An order to be created, or what changes of it; charges that are None stay as they are."""

    public_id: str
    fields: OrderFields
    lines: Sequence[OrderLineDraft] = ()
    charges: Sequence[OrderChargeDraft] | None = None


@dataclass(frozen=True, slots=True)
class ReceiptLineDraft:
    """What came of an order line, named by order and number; no unit means the order line's."""

    number: int
    order_line: tuple[str, int]
    quantity: Decimal
    unit: str | None = None
    closes_line: bool = False


@dataclass(frozen=True, slots=True)
class ReceiptDraft:
    """A product receipt."""

    public_id: str
    date: date
    lines: Sequence[ReceiptLineDraft]
    memo: str = ""


class InvoiceLineFields(PriceFields, total=False):
    """A line of an invoice; the order line is named by order and number, None is none."""

    order_line: tuple[str, int] | None
    is_final: bool


class InvoiceFields(TypedDict, total=False):
    """What holds for a whole invoice."""

    number: str
    vendor: str
    invoice_account: str
    currency: str
    exchange_rate: Decimal | None
    date: date
    due_date: date
    total_discount: Decimal
    sales_tax: Decimal
    round_off: Decimal
    imported_amount: Decimal | None
    imported_tax: Decimal | None
    memo: str
    is_on_hold: bool
    hold_reason: str
    is_automated: bool


@dataclass(frozen=True, slots=True)
class InvoiceChargeDraft:
    """A charge the vendor bills; `connected_to` names an order's charge by order and name."""

    code: str
    value: Decimal
    category: str = "fixed"
    connected_to: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ReceiptMatchDraft:
    """What of a receipt line, named by receipt and number, an invoice line bills, in the order line's unit."""

    receipt_line: tuple[str, int]
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Automatic:
    """The product's own suggestion of receipts."""


AUTOMATIC = Automatic()


@dataclass(frozen=True, slots=True)
class InvoiceLineDraft:
    """A line of an invoice by number; charges and receipts that are None stay as they are."""

    number: int
    fields: InvoiceLineFields = field(default_factory=InvoiceLineFields)
    charges: Sequence[InvoiceChargeDraft] | None = None
    receipts: Sequence[ReceiptMatchDraft] | Automatic | None = None
    is_removed: bool = False


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """An invoice to be entered, or what changes of it; charges that are None stay as they are."""

    public_id: str
    fields: InvoiceFields
    lines: Sequence[InvoiceLineDraft] = ()
    charges: Sequence[InvoiceChargeDraft] | None = None
    copies_order_charges: bool = False
