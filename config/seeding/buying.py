"""
What the demo's first merchant buys: suppliers, orders, receipts and invoices in every state an operator meets.

Invoices that match, cost more than agreed within and beyond their tolerance, wait for receipts, carry charges nobody
ordered, are held, approved or posted. A few suppliers are partners, so their invoices are paid with the next payout.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

from config.seeding.past_payouts import Deciders
from core import clock
from core.actor import Actor
from core.scope import Scope
from matching.operations import company, deciding, invoices, orders, posting, recalculation, receipts
from matching.operations.documents import (
    AUTOMATIC,
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
)
from settlement.models import Partner

_VAT = Decimal(10)
# Number, name, unit, usual price in won, tolerance group, whether it has to be received.
_ITEMS = (
    ("BATTERY-AA", "AA 건전지", "ea", 1_000, "소모품", False),
    ("BOX-S", "택배 상자 소", "ea", 420, "포장재", False),
    ("BOX-L", "택배 상자 대", "ea", 890, "포장재", False),
    ("TAPE-48", "박스 테이프", "roll", 1_350, "포장재", False),
    ("ICE-500", "아이스팩 500g", "ea", 310, "포장재", True),
    ("LABEL-A6", "송장 라벨", "roll", 9_800, "소모품", False),
    ("SCANNER", "바코드 스캐너", "ea", 128_000, "설비", True),
    ("SHELF-4", "4단 선반", "ea", 64_500, "설비", True),
)
_VENDORS = (
    ("supply-paper", "한지포장", "포장", 30),
    ("supply-cold", "겨울물류", "포장", 14),
    ("supply-tech", "바로테크", "설비", 45),
    ("supply-office", "온사무", "", 30),
    ("supply-farm", "들녘유통", "", 7),
)


@dataclass
class Buyer:
    """Who buys, for whom, and when it is now."""

    scope: Scope
    people: Deciders
    now: datetime
    numbers: Iterator[int]

    @property
    def maker(self) -> Actor:
        """Return who orders and enters invoices."""
        return self.people.maker

    @property
    def checker(self) -> Actor:
        """Return who approves discrepancies."""
        return self.people.checkers[0]

    def days_ago(self, days: int) -> datetime:
        """Return the moment so many days ago."""
        return self.now - timedelta(days=days)


@dataclass(frozen=True, slots=True)
class Billed:
    """How a vendor bills an order: what share of the quantity, at which price, and what else."""

    share: Fraction = Fraction(1)
    price: Fraction = Fraction(1)
    freight: int = 0
    received: bool = True
    number: str = ""


def fill(*, scope: Scope, people: Deciders, now: datetime, seed: int, history: int) -> None:
    """Set the company up, let `history` older orders be billed and posted, and leave today's work to be done."""
    buyer = Buyer(scope, people, now, iter(range(1, 10**6)))
    _set_up(buyer)
    _past(buyer, Random(seed), history)  # noqa: S311 - the same demo every time
    _today(buyer)
    while recalculation.work_off(now=now, scope=scope):
        pass


def _set_up(buyer: Buyer) -> None:
    who: dict[str, Any] = {"scope": buyer.scope, "by": buyer.maker, "now": buyer.days_ago(400)}
    company.save_parameters(
        **who,
        fields={
            "line_matching_policy": "two_way",
            "post_invoice_with_discrepancies": "require_approval",
            "match_invoice_totals": True,
            "invoice_totals_tolerance_percent": Decimal(5),
            "match_price_totals": "percentage_and_amount",
            "price_total_tolerance_percent": Decimal(10),
            "price_total_tolerance_amount": Decimal(500_000),
            "match_charges": True,
            "charges_tolerance_percent": Decimal(10),
            "automation_match_receipts": True,
            "automation_attempts": 24,
            "over_delivery_percent": Decimal(5),
        },
    )
    partners = list(Partner.objects.within(buyer.scope).order_by("pk").values_list("public_id", flat=True)[:3])
    for place, (account, name, group, days) in enumerate(_VENDORS):
        fields: dict[str, Any] = {"name": name, "price_tolerance_group": group, "payment_days": days}
        if place < len(partners):
            fields["partner"] = partners[place]
        company.save_vendor(**who, account=account, fields=fields)
    for number, name, unit, _price, group, needed in _ITEMS:
        fields = {"name": name, "unit": unit, "price_tolerance_group": group, "receiving_requirement": needed}
        company.save_item(**who, number=number, fields=fields)
    for code, description in (("FREIGHT", "운송비"), ("RUSH", "급송비"), ("INSTALL", "설치비")):
        company.save_charge_code(**who, code=code, fields={"description": description})
    _set_up_tolerances(buyer)


def _set_up_tolerances(buyer: Buyer) -> None:
    who: dict[str, Any] = {"scope": buyer.scope, "by": buyer.maker, "now": buyer.days_ago(400)}
    for item, vendor, percent in (
        ("all", "all", "2"),
        ("group:포장재", "all", "5"),
        ("group:설비", "group:설비", "1"),
        ("table:BATTERY-AA", "all", "5"),
    ):
        company.save_price_tolerance(**who, item=item, vendor=vendor, percent=Decimal(percent))
    company.save_policy(**who, item="SCANNER", vendor=None, policy="three_way")
    company.save_policy(**who, item="SHELF-4", vendor=None, policy="three_way")
    company.save_policy(**who, item=None, vendor="supply-cold", policy="three_way")
    company.save_conversion(**who, item=None, from_unit="box", to_unit="ea", factor=Fraction(50))
    company.save_conversion(**who, item="TAPE-48", from_unit="box", to_unit="roll", factor=Fraction(40))
    company.save_totals_tolerance(**who, vendor="supply-tech", percent=Decimal(3))
    company.save_charges_tolerance(**who, code="RUSH", percent=Decimal(0))
    on = clock.seoul_day(buyer.days_ago(300))
    company.save_exchange_rate(**who, from_currency="USD", to_currency="KRW", on=on, rate=Decimal("1385.5"))


# ---- One purchase


def _order(buyer: Buyer, vendor: str, lines: list[tuple[str, int]], days_ago: int, *, freight: int = 0) -> str:
    name = f"PO-{next(buyer.numbers):05d}"
    prices = {number: price for number, _name, _unit, price, _group, _needed in _ITEMS}
    then = buyer.days_ago(days_ago)
    drafts = [
        OrderLineDraft(
            place,
            OrderLineFields(item=item, quantity=Decimal(quantity), unit_price=Decimal(prices[item])),
        )
        for place, (item, quantity) in enumerate(lines, start=1)
    ]
    charges = [OrderChargeDraft("F", "FREIGHT", Decimal(freight))] if freight else None
    fields = OrderFields(vendor=vendor, date=clock.seoul_day(then), sales_tax_percent=_VAT)
    draft = OrderDraft(name, fields, drafts, charges)
    orders.create_order(scope=buyer.scope, by=buyer.maker, now=then, draft=draft)
    return name


def _receive(buyer: Buyer, order: str, quantities: list[int], days_ago: int) -> None:
    then = buyer.days_ago(days_ago)
    lines = [
        ReceiptLineDraft(place, (order, place), Decimal(quantity))
        for place, quantity in enumerate(quantities, start=1)
        if quantity
    ]
    draft = ReceiptDraft(f"GR-{next(buyer.numbers):05d}", clock.seoul_day(then), lines)
    receipts.receive(scope=buyer.scope, by=buyer.maker, now=then, draft=draft)


def _bill(buyer: Buyer, vendor: str, order: str, lines: list[tuple[str, int]], days_ago: int, billed: Billed) -> str:
    name = f"INV-{next(buyer.numbers):05d}"
    prices = {number: price for number, _name, _unit, price, _group, _needed in _ITEMS}
    then = buyer.days_ago(days_ago)
    drafts, balance = [], Decimal(0)
    for place, (item, quantity) in enumerate(lines, start=1):
        count = Decimal(int(quantity * billed.share))
        price = Decimal(int(prices[item] * billed.price))
        balance += count * price
        fields = InvoiceLineFields(order_line=(order, place), quantity=count, unit_price=price)
        drafts.append(InvoiceLineDraft(place, fields, receipts=AUTOMATIC if billed.received else None))
    charges = [InvoiceChargeDraft("FREIGHT", Decimal(billed.freight))] if billed.freight else None
    tax = ((balance + billed.freight) * _VAT / 100).quantize(Decimal(1))
    header = InvoiceFields(
        vendor=vendor, number=billed.number or f"{vendor[7:10].upper()}-{name[4:]}", date=clock.seoul_day(then),
        sales_tax=tax,
    )  # fmt: skip
    draft = InvoiceDraft(name, header, drafts, charges, copies_order_charges=not billed.freight)
    invoices.enter_invoice(scope=buyer.scope, by=buyer.maker, now=then, draft=draft)
    return name


def _post(buyer: Buyer, name: str, days_ago: int, *, comment: str = "") -> None:
    then = buyer.days_ago(days_ago)
    if comment:
        deciding.approve(scope=buyer.scope, by=buyer.checker, now=then, invoice_id=name, comment=comment)
    posting.post_invoice(scope=buyer.scope, by=buyer.maker, now=then, invoice_id=name)


def _past(buyer: Buyer, random: Random, count: int) -> None:
    """Let orders of the last year come, be billed at about their price, and be posted."""
    for place in range(count):
        vendor = _VENDORS[random.randrange(len(_VENDORS))][0]
        items = random.sample(_ITEMS[:6], k=random.randrange(1, 4))
        lines = [(item[0], 50 * random.randrange(2, 40)) for item in items]
        days = 360 - place * 330 // max(count, 1)
        order = _order(buyer, vendor, lines, days)
        _receive(buyer, order, [quantity for _item, quantity in lines], days - 5)
        # Some bill a little more than agreed, within what is tolerated: that is what the leakage page is about.
        price = Fraction(100 + random.choice((0, 0, 0, 0, 1, 2)), 100)
        name = _bill(buyer, vendor, order, lines, days - 9, Billed(price=price))
        _post(buyer, name, days - 12)


def _today(buyer: Buyer) -> None:
    """Leave one invoice of every kind for the operator."""
    boxes = [("BOX-S", 2_000), ("BOX-L", 600)]
    fine = _order(buyer, "supply-paper", boxes, 9, freight=30_000)
    _receive(buyer, fine, [2_000, 600], 4)
    _bill(buyer, "supply-paper", fine, boxes, 2, Billed())
    dear = _order(buyer, "supply-office", [("BATTERY-AA", 1_000)], 12)
    _receive(buyer, dear, [1_000], 6)
    _bill(buyer, "supply-office", dear, [("BATTERY-AA", 1_000)], 3, Billed(price=Fraction(110, 100)))
    cold = [("ICE-500", 3_000)]
    part = _order(buyer, "supply-cold", cold, 10)
    _receive(buyer, part, [1_800], 5)
    _bill(buyer, "supply-cold", part, cold, 1, Billed(received=False))
    tech = [("SCANNER", 6)]
    extra = _order(buyer, "supply-tech", tech, 15)
    _receive(buyer, extra, [6], 8)
    _bill(buyer, "supply-tech", extra, tech, 4, Billed(freight=55_000))
    over = _order(buyer, "supply-farm", [("TAPE-48", 400)], 20)
    _bill(buyer, "supply-farm", over, [("TAPE-48", 400)], 7, Billed(share=Fraction(3, 4), received=False))
    _bill(buyer, "supply-farm", over, [("TAPE-48", 400)], 1, Billed(share=Fraction(1, 2), received=False))
    _decided(buyer)


def _decided(buyer: Buyer) -> None:
    """Leave one that is held, one whose discrepancy is approved, and two whose numbers look alike."""
    shelves = [("SHELF-4", 10)]
    order = _order(buyer, "supply-tech", shelves, 30)
    _receive(buyer, order, [10], 20)
    held = _bill(buyer, "supply-tech", order, shelves, 10, Billed(number="TEC-2O26-1"))
    invoices.hold(scope=buyer.scope, by=buyer.maker, now=buyer.days_ago(9), invoice_id=held, reason="단가 확인 중")
    again = _order(buyer, "supply-tech", shelves, 29)
    _receive(buyer, again, [10], 19)
    _bill(buyer, "supply-tech", again, shelves, 8, Billed(number="TEC-2026-I"))
    labels = [("LABEL-A6", 300)]
    dear = _order(buyer, "supply-office", labels, 16)
    _receive(buyer, dear, [300], 10)
    name = _bill(buyer, "supply-office", dear, labels, 6, Billed(price=Fraction(104, 100)))
    deciding.approve(
        scope=buyer.scope, by=buyer.checker, now=buyer.days_ago(5), invoice_id=name, comment="급한 물량이라 인정"
    )
