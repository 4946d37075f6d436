"""Protects files of matching: loading keeps what the API would, one wrong row loads nothing, again changes nothing."""

import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from console import uploads
from console.uploads import Examination, Rejected, UploadKind, Verdict
from core.scope import Scope
from matching.models import (
    ExchangeRate,
    Invoice,
    InvoiceCharge,
    InvoiceLine,
    Item,
    MatchStatus,
    OrderCharge,
    Parameters,
    PolicyEntry,
    PriceTolerance,
    PurchaseOrder,
    Receipt,
    ReceiptMatch,
    UnitConversion,
    Vendor,
)
from matching.operations import company, recalculation
from matching.uploads.invoices import InvoiceUpload
from matching.uploads.orders import OrderUpload
from matching.uploads.receipts import ReceiptUpload
from matching.uploads.setup import (
    ConversionUpload,
    ItemUpload,
    PolicyUpload,
    PriceToleranceUpload,
    RateUpload,
    VendorUpload,
)
from tests import build

pytestmark = pytest.mark.django_db
NOW = build.noon()
ORDERS = "발주 아이디,공급사 계정,발주일,라인 번호,품목 번호,수량,단가,비용 아이디,비용 코드,비용 값"
RECEIPTS = "입고 아이디,입고일,라인 번호,발주 아이디,발주 라인 번호,수량"
INVOICES = (
    "송장 아이디,공급사 계정,송장일,세액,라인 번호,발주 아이디,발주 라인 번호,수량,단가,"
    "비용 코드,비용 값,연결할 발주 비용"
)


@pytest.fixture
def shop() -> Scope:
    """Give a company with two vendors, an item and a charge code."""
    return opened("달빛마켓")


def opened(name: str) -> Scope:
    scope = build.merchant(name)
    told: dict[str, Any] = {"scope": scope, "by": build.BY, "now": NOW}
    for account in ("V1", "V2"):
        company.save_vendor(**told, account=account, fields={})
    company.save_item(**told, number="A", fields={})
    company.save_charge_code(**told, code="FREIGHT", fields={})
    return scope


def file(header: str, *rows: str) -> io.BytesIO:
    return io.BytesIO("\r\n".join([header, *rows]).encode("utf-8-sig"))


def examined(kind: UploadKind, scope: Scope, header: str, *rows: str) -> Examination:
    return kind.examine(scope, file(header, *rows))


def refusals(kind: UploadKind, scope: Scope, header: str, *rows: str) -> list[tuple[object, object, object]]:
    found = examined(kind, scope, header, *rows)
    for error in found.errors:
        assert kind.sentence(error) != error["code"]
    return [(error["row"], error["column"], error["code"]) for error in found.errors]


def load(kind: UploadKind, scope: Scope, header: str, *rows: str) -> int:
    return kind.perform(scope, file(header, *rows), build.BY, NOW).rows


def ordered(scope: Scope) -> int:
    return load(
        OrderUpload(),
        scope,
        ORDERS,
        "PO1,V1,2026-01-02,1,A,10,1000,,,",
        "PO1,,,2,A,4,2500.5,F,FREIGHT,300",
        "PO1,,,,,,,H,FREIGHT,50",
        "PO2,V2,2026-01-02,1,A,7,10,,,",
    )


# ---- documents


def test_orders_are_kept_with_their_lines_and_charges(shop: Scope) -> None:
    assert ordered(shop) == 2
    order = PurchaseOrder.objects.within(shop).get(public_id="PO1")
    assert (order.vendor.account, order.date, order.line_count) == ("V1", date(2026, 1, 2), 2)
    assert [line.unit_price for line in order.lines.order_by("number")] == [Decimal(1000), Decimal("2500.5")]
    charges = OrderCharge.objects.filter(order=order).order_by("name")
    assert [(one.name, one.order_line and one.order_line.number) for one in charges] == [("F", 2), ("H", None)]


def test_receipts_and_invoices_follow_and_are_matched(shop: Scope) -> None:
    ordered(shop)
    assert load(ReceiptUpload(), shop, RECEIPTS, "R1,2026-01-03,1,PO1,1,10", "R1,,2,PO1,2,4") == 1
    header = INVOICES + ",입고 자동 매칭"
    rows = (
        "I1,V1,2026-01-05,100,1,PO1,1,10,1000,FREIGHT,300,PO1/F,예",
        "I1,,,,2,,,1,99,,,,",
        "I1,,,,,,,,,FREIGHT,50,PO1/H,",
    )
    assert load(InvoiceUpload(), shop, header, *rows) == 1
    invoice = Invoice.objects.within(shop).get()
    assert (invoice.number, invoice.amount, invoice.sales_tax) == ("I1", Decimal(10_549), Decimal(100))
    # Those of a file are matched together, soon after.
    assert invoice.match_status == MatchStatus.NOT_PERFORMED
    recalculation.work_off(now=NOW)
    invoice.refresh_from_db()
    assert invoice.match_status in {MatchStatus.FAILED, MatchStatus.PASSED}
    assert InvoiceLine.objects.filter(invoice=invoice, order_line=None).count() == 1
    connected = (
        InvoiceCharge.objects.filter(invoice=invoice).order_by("pk").values_list("connected_to__name", flat=True)
    )
    assert list(connected) == ["F", "H"]
    assert ReceiptMatch.objects.get().quantity == Decimal(10)


def test_a_file_is_matched_as_its_invoices_one_by_one(shop: Scope) -> None:
    other = opened("햇살상회")
    prices = ["1000", "1000.01", "2500.5", "7"]
    rows = [f"I{at},V1,2026-01-05,,1,PO1,{1 + at % 2},2,{price},,," for at, price in enumerate(prices)]
    rows += ["I9,V1,2026-01-05,10,1,PO1,1,1,1000,FREIGHT,5,", "I10,V1,2026-01-05,,1,,,1,5,,,"]
    for scope in (shop, other):
        ordered(scope)
    assert load(InvoiceUpload(), shop, INVOICES, *rows) == 6
    for row in rows:
        load(InvoiceUpload(), other, INVOICES, row)
    for scope in (shop, other):
        while recalculation.work_off(now=NOW, scope=scope):
            pass
    assert seen(shop) == seen(other)
    assert {status for _id, status, *_rest in seen(shop)} == {"passed", "failed", "not_applicable"}
    assert Parameters.objects.filter(automatically_update_header_match_status=False).count() == 0


def seen(scope: Scope) -> list[tuple[object, ...]]:
    rows = Invoice.objects.within(scope).order_by("public_id")
    return [(row.public_id, row.match_status, row.amount, row.reasons) for row in rows]


def test_the_same_file_again_changes_nothing(shop: Scope) -> None:
    ordered(shop)
    receipt = ("R1,2026-01-03,1,PO1,1,10",)
    invoice = ("I1,V1,2026-01-05,100,1,PO1,1,10,1000,FREIGHT,300,PO1/F",)
    load(ReceiptUpload(), shop, RECEIPTS, *receipt)
    load(InvoiceUpload(), shop, INVOICES, *invoice)
    assert ordered(shop) == 0
    for kind, header, rows in ((ReceiptUpload(), RECEIPTS, receipt), (InvoiceUpload(), INVOICES, invoice)):
        found = examined(kind, shop, header, *rows)
        assert (found.errors, found.counts[Verdict.SAME]) == ([], 1)
        assert load(kind, shop, header, *rows) == 0
    assert (PurchaseOrder.objects.count(), Receipt.objects.count(), Invoice.objects.count()) == (2, 1, 1)

    other = [
        ("R1,2026-01-03,1,PO1,1,9", RECEIPTS, ReceiptUpload()),
        (invoice[0].replace("300", "301"), INVOICES, InvoiceUpload()),
    ]
    for row, header, changed in other:
        assert [code for _row, _column, code in refusals(changed, shop, header, row)] == ["id_already_used"]


def test_one_wrong_row_loads_nothing_and_every_refusal_has_its_place(shop: Scope) -> None:
    ordered(shop)
    rows = (
        "I1,V1,2026-01-05,,1,PO1,1,10,1000,,,",
        "I2,V9,2026-01-05,,1,PO1,1,10,1000,,,",
        "I3,V1,2026-01-05,,1,PO1,9,10,1000,,,",
        "I4,V1,2026-01-05,,1,PO1,,10,1000,,,",
        "I5,V1,2026-01-05,,1,PO1,1,10,1.1234567,,,",
        "I6,V1,,,1,PO1,1,ten,1000,,,",
        "I7,V1,2026-01-05,,1,PO1,1,10,1000,,,",
        "I7,V2,,,1,PO1,1,10,1000,,,",
        "I8,V1,2026-01-05,,1,PO1,1,10,1000,TOLL,5,",
        "I9,V1,2026-01-05,,1,PO1,1,10,1000,FREIGHT,,",
        "I10,V1,2026-01-05,,1,PO1,1,10,1000,,,",
        "I10,,,,7,,,,,FREIGHT,5,",
        ",V1,2026-01-05,,1,PO1,1,10,1000,,,",
    )
    assert refusals(InvoiceUpload(), shop, INVOICES, *rows) == [
        (3, "공급사 계정", "vendor_not_found"),
        (4, "발주 라인 번호", "order_line_not_found"),
        (5, "발주 라인 번호", "order_and_line"),
        (6, "단가", "too_many_decimals"),
        (7, "수량", "not_a_number"),
        (9, "공급사 계정", "differs_in_document"),
        (9, "라인 번호", "line_twice"),
        (10, "비용 코드", "charge_code_not_found"),
        (11, "비용 값", "required"),
        (13, "라인 번호", "unknown_line"),
        (14, "송장 아이디", "required"),
    ]
    with pytest.raises(Rejected):
        load(InvoiceUpload(), shop, INVOICES, *rows)
    assert not Invoice.objects.exists()


def test_what_only_the_operation_sees_is_told_before_and_at_loading(
    shop: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered(shop)
    rows = ("R1,2026-01-03,1,PO1,1,6", "R2,2026-01-03,1,PO1,1,5")
    assert refusals(ReceiptUpload(), shop, RECEIPTS, *rows) == [(3, "수량", "over_delivery")]
    assert not Receipt.objects.exists()
    monkeypatch.setattr("matching.uploads.documents._TRIED", 1)
    assert refusals(ReceiptUpload(), shop, RECEIPTS, *rows) == []
    with pytest.raises(Rejected) as refusal:
        load(ReceiptUpload(), shop, RECEIPTS, *rows)
    error = refusal.value.examination.errors[0]
    assert (error["row"], error["column"], error["code"]) == (3, "수량", "over_delivery")
    other_vendor = "I1,V2,2026-01-05,,1,PO1,1,1,1000,,,"
    assert refusals(InvoiceUpload(), shop, INVOICES, other_vendor) == [(2, "발주 라인 번호", "invalid_request")]
    huge = f"I1,V1,2026-01-05,,1,PO1,1,{'9' * 15},{'9' * 15},,,"
    assert refusals(InvoiceUpload(), shop, INVOICES, huge) == [(2, None, "figure_too_large")]
    late = "I1,V1,9999-12-31,,1,PO1,1,1,1000,,,"
    assert refusals(InvoiceUpload(), shop, INVOICES, late) == [(2, "송장일", "day_too_late")]


def test_a_charge_of_an_order_is_named_once(shop: Scope) -> None:
    rows = ("PO1,V1,2026-01-02,1,A,10,1000,F,FREIGHT,1", "PO1,,,2,A,10,1000,F,FREIGHT,1")
    assert refusals(OrderUpload(), shop, ORDERS, *rows) == [(3, "비용 아이디", "charge_twice")]


# ---- set-up

TABLES: list[tuple[UploadKind, str, str, str, Callable[[], object]]] = [
    (
        VendorUpload(),
        "공급사 계정,이름,통화,가격 허용 오차 그룹,지급 조건(일)",
        "V9,한빛상사,USD,LOW,10",
        "V9,한빛상사,USD,LOW,20",
        lambda: Vendor.objects.get(account="V9").payment_days,
    ),
    (
        ItemUpload(),
        "품목 번호,이름,단위,입고 필요,초과 입고 한도",
        "B,볼트,box,예,10",
        "B,볼트,box,예,20%",
        lambda: Item.objects.get(number="B").over_delivery_percent,
    ),
    (
        ConversionUpload(),
        "품목 번호,단위,바꿀 단위,환산 비율",
        "A,box,ea,10",
        "A,box,ea,20",
        lambda: UnitConversion.objects.get().numerator,
    ),
    (
        RateUpload(),
        "통화,바꿀 통화,적용일,환율",
        "usd,krw,2026-01-01,10.0000000000000001",
        "USD,KRW,2026-01-01,20",
        lambda: ExchangeRate.objects.get().rate,
    ),
    (
        PriceToleranceUpload(),
        "품목,공급사,허용 오차(%)",
        "table:A,group:LOW,10",
        "table:A,group:LOW,20",
        lambda: PriceTolerance.objects.get(vendor_group="LOW").percent,
    ),
]


@pytest.mark.parametrize(
    ("kind", "header", "row", "changed", "value"), TABLES, ids=lambda one: getattr(one, "kind", "")
)
def test_a_table_is_added_to_changed_and_left_alone(
    shop: Scope, kind: UploadKind, header: str, row: str, changed: str, value: Callable[[], object]
) -> None:
    for text, verdict, rows in ((row, Verdict.NEW, 1), (row, Verdict.SAME, 0), (changed, Verdict.CHANGED, 1)):
        found = examined(kind, shop, header, text)
        assert (found.errors, found.counts[verdict]) == ([], 1)
        assert load(kind, shop, header, text) == rows
    assert value() == 20
    assert [code for *_place, code in refusals(kind, shop, header, row, row)] == ["twice_in_file"]


def test_policies_are_set_but_not_below_the_companys(shop: Scope) -> None:
    header = "품목 번호,공급사 계정,매칭 정책"
    assert load(PolicyUpload(), shop, header, "A,,3방향", ",V1,양방향", "A,V1,회사 정책") == 3
    assert load(PolicyUpload(), shop, header, "A,,3방향", ",V1,three_way") == 1
    assert set(PolicyEntry.objects.values_list("policy", flat=True)) == {"three_way", "company_policy"}
    assert refusals(PolicyUpload(), shop, header, "A,V2,필요 없음", ",,양방향", "B,,양방향", "A,V1,없음") == [
        (2, "매칭 정책", "policy_too_weak"),
        (3, "품목 번호", "item_or_vendor"),
        (4, "품목 번호", "item_not_found"),
        (5, "매칭 정책", "unknown_choice"),
    ]


def test_figures_of_the_set_up_are_refused_where_they_stand(shop: Scope) -> None:
    assert refusals(
        PriceToleranceUpload(), shop, "품목,공급사,허용 오차(%)", "all,all,-1", "table:Z,all,1", "A,all,1"
    ) == [
        (2, "허용 오차(%)", "below_zero"),
        (3, "품목", "item_not_found"),
        (4, "품목", "not_a_code"),
    ]
    assert refusals(ConversionUpload(), shop, "단위,바꿀 단위,환산 비율", "box,ea,1/0", "kg,g,-2") == [
        (2, "환산 비율", "not_a_factor"),
        (3, "환산 비율", "above_zero"),
    ]
    assert refusals(RateUpload(), shop, "통화,바꿀 통화,적용일,환율", "달러,KRW,2026-01-01,1") == [
        (2, "통화", "not_a_currency")
    ]
    assert refusals(VendorUpload(), shop, "공급사 계정,파트너 아이디,지급 조건(일)", "V9,nobody,9999") == [
        (2, "파트너 아이디", "partner_not_found"),
        (2, "지급 조건(일)", "too_many_days"),
    ]


# ---- all of them


@pytest.mark.parametrize("name", ["purchase-orders", "receipts", "invoices", *(kind.kind for kind, *_rest in TABLES)])
def test_the_template_of_a_kind_can_be_read_back(shop: Scope, name: str) -> None:
    kind = uploads.kind_named(name)
    header = ",".join(field.header for field in kind.sheet_fields())
    assert [code for *_place, code in refusals(kind, shop, header)] == ["empty"]


def test_another_company_does_not_see_what_a_file_names(shop: Scope) -> None:
    ordered(shop)
    other = build.merchant("햇살상회")
    row = "I1,V1,2026-01-05,,1,PO1,1,10,1000,,,"
    codes = [code for *_place, code in refusals(InvoiceUpload(), other, INVOICES, row)]
    assert codes == ["vendor_not_found", "order_line_not_found"]
