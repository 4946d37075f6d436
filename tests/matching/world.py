"""A small company that buys in won: a vendor who is a partner, one who is not, people who enter and approve."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core import clock
from core.actor import Actor, ActorKind
from core.scope import Scope
from ledger import queries as books
from ledger.accounts import Address
from ledger.chart import Code
from matching.models import Invoice, OrderLine
from matching.operations import company, invoices, orders, posting, receipts
from matching.operations.documents import (
    AUTOMATIC,
    InvoiceDraft,
    InvoiceFields,
    InvoiceLineDraft,
    InvoiceLineFields,
    OrderDraft,
    OrderFields,
    OrderLineDraft,
    OrderLineFields,
    ReceiptDraft,
    ReceiptLineDraft,
)

OPERATOR = Actor(ActorKind.USER, "operator", user_id=101)
APPROVER = Actor(ActorKind.USER, "approver", user_id=102)


@dataclass
class Buying:
    """One company and what it buys."""

    scope: Scope
    now: datetime = field(default_factory=clock.now)

    @property
    def who(self) -> dict[str, Any]:
        """Return who does something, where and when."""
        return {"scope": self.scope, "by": OPERATOR, "now": self.now}

    def open(self, **fields: Any) -> None:
        """Set the company up with two vendors and an item."""
        company.save_parameters(**self.who, fields=fields)
        for account in ("paper", "cold"):
            company.save_vendor(**self.who, account=account, fields={"name": account})
        company.save_item(**self.who, number="BOX", fields={})

    def order(self, name: str = "PO", quantity: str = "100", price: str = "10000", vendor: str = "paper") -> None:
        """Order boxes."""
        fields = OrderLineFields(item="BOX", quantity=Decimal(quantity), unit_price=Decimal(price))
        draft = OrderDraft(name, OrderFields(vendor=vendor), [OrderLineDraft(1, fields)])
        orders.create_order(**self.who, draft=draft)

    def receive(self, name: str = "R", quantity: str = "100", order: str = "PO") -> None:
        """Receive boxes."""
        lines = [ReceiptLineDraft(1, (order, 1), Decimal(quantity))]
        receipts.receive(**self.who, draft=ReceiptDraft(name, clock.seoul_day(self.now), lines))

    def bill(
        self,
        name: str = "INV",
        quantity: str = "100",
        price: str = "10000",
        tax: str = "0",
        order: str = "PO",
        vendor: str = "paper",
        due: date | None = None,
    ) -> Invoice:
        """Enter an invoice, matched with what came."""
        fields = InvoiceLineFields(order_line=(order, 1), quantity=Decimal(quantity), unit_price=Decimal(price))
        header = InvoiceFields(vendor=vendor, number=name, sales_tax=Decimal(tax))
        if due is not None:
            header["due_date"] = due
        draft = InvoiceDraft(name, header, [InvoiceLineDraft(1, fields, receipts=AUTOMATIC)])
        return invoices.enter_invoice(**self.who, draft=draft)

    def post(self, name: str = "INV") -> posting.Posted:
        """Post an invoice."""
        return posting.post_invoice(**self.who, invoice_id=name)

    def balance(self, code: Code, owner: str = "") -> int:
        """Return a balance in won, in the account's normal direction."""
        return books.balance(self.scope, Address(code, owner))

    def waiting(self, vendor: str = "paper") -> int:
        """Return what is waited to be billed for, which order lines and books agree on."""
        lines = OrderLine.objects.filter(order__merchant_id=self.scope.merchant_id, order__vendor__account=vendor)
        total = sum(line.open_amount for line in lines)
        assert total == self.balance(Code.RECEIVED_NOT_INVOICED, vendor)
        return total
