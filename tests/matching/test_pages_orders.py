"""Promise: people enter orders and receipts as they are, see what is still to come, and never overwrite one another."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, cast

import pytest
from django.urls import reverse
from playwright.sync_api import Browser

from access.roles import Role
from core import clock
from ledger.models import Journal
from matching.models import Invoice, Leak, OrderCharge, OrderLine, PurchaseOrder, Receipt, ReceiptLine
from matching.operations import company, invoices, orders, posting, receipts
from matching.operations.documents import (
    InvoiceDraft,
    InvoiceLineDraft,
    OrderChargeDraft,
    OrderDraft,
    OrderFields,
    OrderLineDraft,
    OrderLineFields,
    ReceiptDraft,
    ReceiptLineDraft,
    ReceiptMatchDraft,
)
from settlement.models import SettlementRecord
from tests import build
from tests.access.build import firm
from tests.console.browser import LOOKS, Page, opened
from tests.matching.buyer import BY, Buyer

DAY = date(2026, 11, 2)
LINE: OrderLineFields = {"item": "I-1", "quantity": Decimal(10), "unit_price": Decimal(100)}


@pytest.fixture
def buyer(db: None, settings: Any) -> Buyer:  # noqa: ARG001 - needs tables
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    found = Buyer(firm())
    found.set_up()
    return found


def an_order(buyer: Buyer, public_id: str = "PO-1", lines: int = 1, **header: Any) -> PurchaseOrder:
    drafts = [OrderLineDraft(number, LINE) for number in range(1, lines + 1)]
    fields = cast("OrderFields", {"vendor": "V-1", "date": DAY, **header})
    draft = OrderDraft(public_id, fields, drafts)
    return orders.create_order(scope=buyer.scope, by=BY, now=clock.now(), draft=draft)


def a_receipt(buyer: Buyer, public_id: str, quantity: int, order: str = "PO-1", line: int = 1) -> Receipt:
    draft = ReceiptDraft(public_id, DAY, [ReceiptLineDraft(1, (order, line), Decimal(quantity))])
    return receipts.receive(scope=buyer.scope, by=BY, now=clock.now(), draft=draft)


def an_invoice(buyer: Buyer, public_id: str, price: str, receipt: str, *, post: bool = True) -> None:
    """Bill three of the first line of PO-1, matched with three of a receipt."""
    line = InvoiceLineDraft(
        1,
        {"order_line": ("PO-1", 1), "quantity": Decimal(3), "unit_price": Decimal(price)},
        receipts=[ReceiptMatchDraft((receipt, 1), Decimal(3))],
    )
    draft = InvoiceDraft(public_id, {"number": f"N-{public_id}", "vendor": "V-1", "date": DAY}, [line])
    invoices.enter_invoice(scope=buyer.scope, by=BY, now=clock.now(), draft=draft)
    if post:
        posting.post_invoice(scope=buyer.scope, by=BY, now=clock.now(), invoice_id=public_id)


def form(lines: Iterable[dict[str, Any]] = (), charges: Iterable[dict[str, Any]] = (), **header: Any) -> dict[str, Any]:
    """Return what the browser sends of the form of an order."""
    sent: dict[str, Any] = {"vendor": "V-1", "date": "2026-11-02", "sales_tax_percent": "10"}
    sent |= {"public_id": "PO-7", **header}
    for prefix, rows in (("lines", list(lines)), ("charges", list(charges))):
        sent |= {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": 0}
        for number, row in enumerate(rows):
            sent |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return sent


class TestOrders:
    def test_an_order_is_entered_with_its_lines_and_charges(self, buyer: Buyer) -> None:
        lines = [
            {"item": "I-1", "quantity": "1,000", "unit_price": "10.5", "discount_percent": "5"},
            {},
            {"description": "포장재", "quantity": "2", "unit_price": "30", "policy": "three_way"},
        ]
        charges = [
            {"code": "FREIGHT", "value": "3000", "category": "fixed"},
            {"code": "FREIGHT", "value": "2", "category": "per_piece", "line": "3"},
            {},
        ]
        answer = buyer.send("order-new", role=Role.OPERATOR, **form(lines, charges, public_id="PO-9"))
        assert answer.status_code == 302, answer.content.decode()
        found = {line.number: line for line in OrderLine.objects.filter(order__public_id="PO-9")}
        assert {number: line.net_amount for number, line in found.items()} == {1: Decimal(9_975), 3: Decimal(64)}
        assert (found[1].policy, found[1].policy_from) == ("three_way", "item")
        assert (found[3].policy, found[3].policy_from) == ("three_way", "order_line")
        on = OrderCharge.objects.order_by("pk").values_list("order_line__number", "category", "value")
        assert list(on) == [(None, "fixed", Decimal(3_000)), (3, "per_piece", Decimal(2))]
        again = buyer.send("order-new", role=Role.OPERATOR, **form(lines, charges, public_id="PO-9"))
        assert "이미 쓰인 아이디예요" in again.content.decode()
        assert PurchaseOrder.objects.count() == 1

    def test_more_rows_keep_what_was_typed_and_store_nothing(self, buyer: Buyer) -> None:
        sent = form([{"item": "I-1", "quantity": "칠", "unit_price": "10"}, {}], public_id="PO-9", more="lines")
        page = buyer.send("order-new", role=Role.OPERATOR, **sent).content.decode()
        assert 'value="칠"' in page
        assert 'name="lines-3-item"' in page
        assert "field-error" not in page
        assert not PurchaseOrder.objects.exists()

    def test_what_cannot_be_understood_is_told_at_its_field(self, buyer: Buyer) -> None:
        sent = form(
            [{"item": "I-1", "quantity": "칠"}, {"item": "I-1"}],
            [{"code": "FREIGHT", "value": "1", "line": "7"}, {"code": "FREIGHT"}],
            vendor="V-9",
        )
        page = buyer.send("order-new", role=Role.OPERATOR, **sent).content.decode()
        assert "1,234.5처럼" in page
        assert "수량을 적어 주세요." in page
        assert "값을 적어 주세요." in page
        good = form([{"item": "I-1", "quantity": "7"}], [{"code": "FREIGHT", "value": "1", "line": "7"}])
        assert "이 번호의 라인이 없어요." in buyer.send("order-new", role=Role.OPERATOR, **good).content.decode()
        unknown = form([{"item": "I-1", "quantity": "7"}], vendor="V-9")
        assert "찾을 수 없어요: V-9" in buyer.send("order-new", role=Role.OPERATOR, **unknown).content.decode()
        assert not PurchaseOrder.objects.exists()

    def test_a_draft_is_confirmed_from_its_form(self, buyer: Buyer) -> None:
        buyer.send(
            "order-new",
            role=Role.OPERATOR,
            **form([{"item": "I-1", "quantity": "7"}], public_id="PO-9", status="draft"),
        )
        order = PurchaseOrder.objects.get()
        assert order.status == "draft"
        sent = form([{"number": "1", "item": "I-1", "quantity": "7"}], version="1", status="confirmed")
        assert buyer.send("order-edit", "PO-9", role=Role.OPERATOR, **sent).status_code == 302
        order.refresh_from_db()
        assert (order.status, order.version) == ("confirmed", 2)

    def test_only_what_changed_is_changed(self, buyer: Buyer) -> None:
        an_order(buyer, lines=2)
        sent = form(
            [
                {"number": "1", "item": "I-1", "quantity": "10", "unit": "ea", "unit_price": "100"},
                {"number": "2", "item": "I-1", "quantity": "12", "unit": "ea", "unit_price": "100", "is_closed": "on"},
                {"item": "I-1", "quantity": "1", "unit_price": "5"},
            ],
            version="1",
        )
        assert buyer.send("order-edit", "PO-1", role=Role.OPERATOR, **sent).status_code == 302
        lines = OrderLine.objects.order_by("number").values_list("number", "quantity", "is_closed", "policy_from")
        assert list(lines) == [
            (1, Decimal(10), False, "item"),
            (2, Decimal(12), True, "item"),
            (3, Decimal(1), False, "item"),
        ]
        page = buyer.see("order", "PO-1", role=Role.OPERATOR)
        assert "2, 3" in page  # the history names the lines that changed

    def test_a_long_order_is_edited_in_parts(self, buyer: Buyer) -> None:
        an_order(buyer, lines=45)
        first = buyer.see("order-edit", "PO-1", role=Role.OPERATOR)
        assert "40번 라인" in first
        assert "41번 라인" not in first
        url = f"{reverse('matching:order-edit', args=['PO-1'])}?from=41"
        assert "45번 라인" in buyer.browser(Role.OPERATOR).get(url).content.decode()
        line = {"number": "45", "item": "I-1", "quantity": "7", "unit": "ea", "unit_price": "100"}
        sent = form([line], [{"code": "FREIGHT", "value": "1", "line": "2"}], version="1")
        assert buyer.browser(Role.OPERATOR).post(url, sent).status_code == 302
        assert OrderLine.objects.filter(quantity=7).get().number == 45
        assert OrderLine.objects.count() == 45
        charge = OrderCharge.objects.select_related("order_line").get()
        assert charge.order_line is not None
        assert charge.order_line.number == 2

    def test_an_order_somebody_else_changed_is_not_overwritten(self, buyer: Buyer) -> None:
        an_order(buyer)
        sent = form([{"number": "1", "item": "I-1", "quantity": "99"}], version="1")
        orders.change_order(scope=buyer.scope, by=BY, now=clock.now(), draft=OrderDraft("PO-1", {"memo": "새 메모"}))
        answer = buyer.send("order-edit", "PO-1", role=Role.OPERATOR, **sent)
        assert answer.status_code == 409
        assert OrderLine.objects.get().quantity == 10

    def test_charges_that_an_invoice_took_over_stay(self, buyer: Buyer) -> None:
        order = an_order(buyer)
        change = OrderDraft("PO-1", {}, charges=[OrderChargeDraft("a", "FREIGHT", Decimal(5))])
        orders.change_order(scope=buyer.scope, by=BY, now=clock.now(), draft=change)
        a_receipt(buyer, "R-1", 10)
        an_invoice(buyer, "INV-1", "100", "R-1", post=False)
        OrderCharge.objects.update(taken_by=order.lines.get().invoice_lines.get().invoice)
        sent = form(
            [{"number": "1", "item": "I-1", "quantity": "10", "unit": "ea", "unit_price": "100"}],
            [{"code": "FREIGHT", "value": "7"}],
            version="2",
        )
        assert 'value="a"' not in buyer.see("order-edit", "PO-1", role=Role.OPERATOR)
        assert buyer.send("order-edit", "PO-1", role=Role.OPERATOR, **sent).status_code == 302
        kept = OrderCharge.objects.order_by("pk").values_list("name", "value")
        assert list(kept) == [("a", Decimal(5)), ("1", Decimal(7))]

    def test_the_page_shows_remainders_policy_receipts_and_invoices(self, buyer: Buyer) -> None:
        an_order(buyer)
        a_receipt(buyer, "R-1", 7)
        an_invoice(buyer, "INV-1", "100", "R-1")
        page = buyer.counted("order", "PO-1")
        for text in ("3방향 (품목)", "R-1", "N-INV-1", '남은 입고">3<', '남은 송장">7<', '입고 수량">7<'):
            assert text in page, text
        assert "수정하기" not in page

    def test_orders_are_found_by_vendor_item_and_state_and_exported(self, buyer: Buyer) -> None:
        an_order(buyer)
        an_order(buyer, "PO-2", status="draft")
        buyer.counted("orders")
        assert "PO-2" not in buyer.see("orders", role=Role.VIEWER, status="confirmed")
        assert "PO-1" in buyer.see("orders", role=Role.VIEWER, kw="item", q="I-1")
        assert "PO-1" not in buyer.see("orders", role=Role.VIEWER, kw="item", q="I-2")
        file = exported(buyer, "purchase-orders")
        assert "PO-1" in file
        assert "1000" in file
        other = Buyer(firm("Sun Shop"))
        assert "PO-1" not in other.see("orders", role=Role.VIEWER)
        assert other.browser(Role.VIEWER).get(reverse("matching:order", args=["PO-1"])).status_code == 404

    def test_a_viewer_enters_nothing(self, buyer: Buyer) -> None:
        for page in ("order-new", "receipt-new"):
            assert buyer.browser(Role.VIEWER).get(reverse(f"matching:{page}")).status_code == 403
            assert buyer.send(page, role=Role.VIEWER).status_code == 403


def exported(buyer: Buyer, slug: str) -> str:
    """Return a list as a CSV file."""
    answer = buyer.browser(Role.OPERATOR).post(reverse("console:list-export", args=[slug]), {"format": "csv"})
    assert answer.status_code == 200, answer.status_code
    return answer.getvalue().decode("utf-8-sig")


class TestReceipts:
    def test_the_open_lines_of_an_order_come_filled_in(self, buyer: Buyer) -> None:
        an_order(buyer, lines=2)
        a_receipt(buyer, "R-1", 4)
        assert "PO-1" in buyer.see("receipt-new", role=Role.OPERATOR)
        page = buyer.see("receipt-new", role=Role.OPERATOR, order="PO-1")
        assert 'name="line-1-quantity" value="6"' in page
        assert 'name="line-2-quantity" value="10"' in page

    def test_what_came_is_recorded_once(self, buyer: Buyer) -> None:
        an_order(buyer, lines=2)
        url = f"{reverse('matching:receipt-new')}?order=PO-1"
        sent = {"public_id": "R-1", "date": "2026-11-02", "line-1-quantity": "4", "line-2-quantity": ""}
        browser = buyer.browser(Role.OPERATOR)
        assert browser.post(url, sent).status_code == 302
        again = browser.post(url, sent)
        assert again.status_code == 422
        assert "이미 쓰인 아이디예요" in again.content.decode()
        assert list(ReceiptLine.objects.values_list("order_line__number", "quantity")) == [(1, Decimal(4))]
        assert Journal.objects.filter(event_type="receipt.received").count() == 1

    def test_too_much_and_nothing_are_refused(self, buyer: Buyer) -> None:
        an_order(buyer)
        url = f"{reverse('matching:receipt-new')}?order=PO-1"
        browser = buyer.browser(Role.OPERATOR)
        more = browser.post(url, {"public_id": "R-1", "date": "2026-11-02", "line-1-quantity": "11"})
        assert "10까지만" in more.content.decode()
        none = browser.post(url, {"public_id": "R-1", "date": "2026-11-02", "line-1-quantity": ""})
        assert "들어온 수량을" in none.content.decode()
        assert not Receipt.objects.exists()

    def test_a_receipt_shows_what_is_left_and_who_uses_it(self, buyer: Buyer) -> None:
        an_order(buyer)
        a_receipt(buyer, "R-1", 7)
        an_invoice(buyer, "INV-1", "100", "R-1", post=False)
        page = buyer.counted("receipt", "R-1")
        for text in ('남은 수량">4<', "N-INV-1", '매칭 수량">3<'):
            assert text in page, text
        listed = buyer.counted("receipts")
        assert "R-1" in listed
        assert "R-1" in buyer.see("receipts", role=Role.VIEWER, kw="order", q="PO-1")
        assert "R-1" not in buyer.see("receipts", role=Role.VIEWER, vendor="V-2")
        assert "PO-1" in exported(buyer, "product-receipts")

    def test_cancelling_says_what_follows_and_is_done_once(self, buyer: Buyer) -> None:
        an_order(buyer)
        a_receipt(buyer, "R-1", 7)
        an_invoice(buyer, "INV-1", "100", "R-1", post=False)
        assert "N-INV-1" in buyer.see("receipt-cancel", "R-1", role=Role.OPERATOR)
        assert buyer.send("receipt-cancel", "R-1", role=Role.OPERATOR).status_code == 302
        assert buyer.send("receipt-cancel", "R-1", role=Role.OPERATOR).status_code == 409
        assert Receipt.objects.get().cancelled_at is not None
        assert "없던 것으로 쳐요" in buyer.see("receipt", "R-1", role=Role.VIEWER)

    def test_what_a_posted_invoice_uses_cannot_be_cancelled(self, buyer: Buyer) -> None:
        an_order(buyer)
        a_receipt(buyer, "R-1", 7)
        an_invoice(buyer, "INV-1", "100", "R-1")
        assert "입고 취소하기" not in buyer.see("receipt", "R-1", role=Role.OPERATOR)
        assert buyer.send("receipt-cancel", "R-1", role=Role.OPERATOR).status_code == 409
        assert Receipt.objects.get().cancelled_at is None


class TestLeakage:
    def test_what_leaked_is_added_up_by_vendor_and_item(self, buyer: Buyer) -> None:
        company.save_price_tolerance(
            scope=buyer.scope, by=BY, now=clock.now(), item="all", vendor="all", percent=Decimal(5)
        )
        an_order(buyer)
        a_receipt(buyer, "R-1", 10)
        an_invoice(buyer, "INV-1", "102", "R-1")
        an_invoice(buyer, "INV-2", "103", "R-1")
        an_invoice(buyer, "INV-3", "99", "R-1")
        assert sorted(Leak.objects.values_list("amount", flat=True)) == [6, 9]
        page = buyer.counted("leakage")
        assert "₩15" in page
        assert page.count("<rect ") == 12
        assert "N-INV-3" not in page
        assert "N-INV-1" in exported(buyer, "matching-leakage")
        assert "₩15" not in buyer.see("leakage", role=Role.VIEWER, vendor="V-2")
        assert "N-INV-1" not in Buyer(firm("Sun Shop")).see("leakage", role=Role.VIEWER)


def test_linking_a_vendor_with_a_partner_pays_what_waited(buyer: Buyer) -> None:
    an_order(buyer)
    a_receipt(buyer, "R-1", 7)
    an_invoice(buyer, "INV-1", "100", "R-1")
    assert Invoice.objects.get().unpaid_reason == "NO_PARTNER"
    build.partner(buyer.scope, "ptn-1")
    sent: dict[str, Any] = {"partner": "ptn-1", "currency": "KRW", "payment_days": "30"}
    assert buyer.send("vendor-edit", "V-1", **sent).status_code == 302
    invoice = Invoice.objects.get()
    assert invoice.unpaid_reason == ""
    assert SettlementRecord.objects.filter(public_id=invoice.settlement_record_id).count() == 1


def enter(page: Page, buyer: Buyer, role: Role) -> None:
    """Sign in without the form: the session of the test's own client."""
    cookie = buyer.browser(role).cookies["session"]
    page.tab.context.add_cookies([{"name": "session", "value": cookie.value, "url": page.site}])


@pytest.mark.parametrize(("dark", "narrow"), LOOKS)
def test_every_page_is_accessible_and_quiet(browser: Browser, site: str, *, dark: bool, narrow: bool) -> None:
    buyer = Buyer(firm())
    buyer.set_up()
    told: dict[str, Any] = {"scope": buyer.scope, "by": BY, "now": clock.now()}
    tolerance = company.save_price_tolerance(**told, item="all", vendor="all", percent=Decimal(5))
    an_order(buyer, total_discount_percent=Decimal(2))
    change = OrderDraft("PO-1", {}, charges=[OrderChargeDraft("a", "FREIGHT", Decimal(5))])
    orders.change_order(**told, draft=change)
    a_receipt(buyer, "R-1", 7)
    an_invoice(buyer, "INV-1", "102", "R-1")
    an_invoice(buyer, "INV-2", "130", "R-1", post=False)
    lists = ("orders", "receipts", "leakage", "vendors", "items", "conversions", "charge-codes", "price-tolerances")
    more = ("tolerance-groups", "policies", "totals-tolerances", "charges-tolerances", "exchange-rates", "parameters")
    paths = [(name, reverse(f"matching:{name}")) for name in (*lists, *more, "order-new", "receipt-new")]
    paths += [("tried", f"{reverse('matching:price-tolerances')}?try_item=I-1&try_vendor=V-1")]
    paths += [("receipt-of", f"{reverse('matching:receipt-new')}?order=PO-1")]
    paths += [(name, reverse(f"matching:{name}", args=["PO-1"])) for name in ("order", "order-edit")]
    paths += [(name, reverse(f"matching:{name}", args=["R-1"])) for name in ("receipt", "receipt-cancel")]
    set_up = [("parameters", []), ("vendor-edit", ["V-1"]), ("item-new", []), ("price-tolerance-new", [])]
    set_up += [("price-tolerance-edit", [str(tolerance.pk)]), ("policy-new", [])]
    with opened(browser, site, dark=dark, narrow=narrow) as page:
        for role, pages in (
            (Role.OPERATOR, paths),
            (Role.ADMIN, [(f"{name}-admin", reverse(f"matching:{name}", args=args)) for name, args in set_up]),
        ):
            enter(page, buyer, role)
            for name, path in pages:
                page.open(path)
                page.check()
                page.shot(f"{name}-{'dark' if dark else 'light'}-{'390' if narrow else '1440'}")
