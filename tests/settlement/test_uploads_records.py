"""Protects uploads of orders and cancels: loading records what the API would, one wrong row loads nothing."""

import io
from typing import Any

import pytest

from console import uploads
from console.uploads import Examination, UploadKind
from core.scope import Scope
from ledger.models import Entry
from settlement.models import PartnerSettlement, SettlementRecord
from settlement.operations import many, settings
from settlement.operations.records import DiscountDraft
from settlement.uploads.cancels import CancelUpload
from settlement.uploads.orders import OrderUpload
from tests import build

pytestmark = pytest.mark.django_db
ORDERS = "파트너 아이디,주문 번호,정산 시작일,주문 금액,할인 분담 정책 아이디,할인 금액,추가 수수료 정책 아이디,메모"
LINES = "파트너 아이디,주문 번호,결제 일시,상품 아이디,상품명,상품 단가,수량,할인 분담 정책 아이디,할인 금액,주문명"
CANCELS = "파트너 아이디,주문 번호,취소 번호,정산 시작일,취소 금액,상품 아이디,취소 수량"
NOW = build.noon()


@pytest.fixture
def shop() -> Scope:
    """Give a merchant with two partners and a policy of each kind."""
    return opened("달빛마켓")


def opened(name: str) -> Scope:
    scope = build.merchant(name)
    for partner in ("seller-7", "seller-8"):
        build.partner(scope, partner)
    build.share(scope)
    build.extra_fee(scope)
    return scope


def file(header: str, *rows: str, encoding: str = "utf-8-sig") -> io.BytesIO:
    return io.BytesIO("\r\n".join([header, *rows]).encode(encoding))


def examined(kind: UploadKind, scope: Scope, header: str, *rows: str) -> Examination:
    return kind.examine(scope, file(header, *rows))


def refusals(kind: UploadKind, scope: Scope, header: str, *rows: str) -> list[tuple[object, object, object]]:
    found = examined(kind, scope, header, *rows)
    for error in found.errors:
        assert kind.sentence(error) != error["code"]
    return [(error["row"], error["column"], error["code"]) for error in found.errors]


def load(kind: UploadKind, scope: Scope, header: str, *rows: str) -> int:
    return kind.perform(scope, file(header, *rows), build.BY, NOW).rows


def told(scope: Scope) -> list[list[Any]]:
    """Return all that recording wrote, without ids and names of rows."""
    keys = {"id", "merchant_id", "public_id", "partner_id", "contract_id", "contract_version_id", "order_id"}
    hidden = keys | {"partner_settlement_id", "discounts", "additional_fees", "lines"}
    rows = []
    for model in (SettlementRecord, PartnerSettlement):
        found = model.objects.within(scope).values()
        rows.append(sorted(str({k: v for k, v in row.items() if k not in hidden}) for row in found))
    entries = Entry.objects.filter(journal__merchant_id=scope.merchant_id)
    facts = "journal__event_type", "journal__business_date", "leg_no", "account__chart_id", "amount", "component"
    return [*rows, sorted(entries.values_list(*facts, "account__owner"))]


# ---- orders


def test_orders_are_those_the_api_would_record(shop: Scope) -> None:
    other = opened("햇살상회")
    rows = (
        "seller-7,order-1,2023-08-11,10000,half,2000,five,봄",
        "seller-8,order-2,2023-08-11,5000,,,,",
        "seller-7,order-3,2023-09-30,7000,,,,",
        "seller-7,order-4,2023-05-01,900,,,,",
    )
    found = examined(OrderUpload(), shop, ORDERS, *rows)
    assert (found.errors, found.counts[uploads.Verdict.NEW]) == ([], 4)
    assert load(OrderUpload(), shop, ORDERS, *rows) == 4

    half = [DiscountDraft("half", 2_000)]
    build.order(other, 10_000, payment_id="order-1", discounts=half, fees=["five"], memo="봄")
    build.order(other, 5_000, "seller-8", payment_id="order-2")
    build.order(other, 7_000, payment_id="order-3", start="2023-09-30")
    build.order(other, 900, payment_id="order-4", start="2023-05-01")
    assert told(shop) == told(other)
    assert found.sums == {
        "주문 금액": 22_900,
        "새 정산 금액": sum(row.net for row in SettlementRecord.objects.within(shop)),
    }
    assert build.off_balance(shop) == 0


def test_products_of_one_order_stand_in_rows_of_their_own(shop: Scope) -> None:
    other = opened("햇살상회")
    rows = (
        "seller-7,order-1,2023-08-11 12:00,shoes,운동화,40000,2,half,5000,운동화 외",
        "seller-8,order-1,2023-08-11 12:00,cap,모자,9000,1,,,모자",
        "seller-7,order-1,,socks,양말,3000,3,,,",
    )
    assert load(OrderUpload(), shop, LINES, *rows) == 2

    products = [
        build.line("shoes", 40_000, 2, discounts=[DiscountDraft("half", 5_000)]),
        build.line("socks", 3_000, 3),
    ]
    build.order(other, lines=products, payment_id="order-1", order_name="운동화 외", paid_at=build.noon())
    build.order(other, partner_id="seller-8", lines=[build.line("cap", 9_000, 1)], payment_id="order-1",
                order_name="모자", paid_at=build.noon())  # fmt: skip
    assert told(shop) == told(other)
    assert examined(OrderUpload(), shop, LINES, *rows).counts[uploads.Verdict.SAME] == 3


def test_orders_that_stand_are_the_same_or_wrong(shop: Scope) -> None:
    row = "seller-7,order-1,2023-08-11,10000,half,2000,five,봄"
    load(OrderUpload(), shop, ORDERS, row)

    found = examined(OrderUpload(), shop, ORDERS, row, "seller-7,order-2,2023-08-11,1,,,,")
    assert (found.errors, found.counts[uploads.Verdict.SAME], found.sums["주문 금액"]) == ([], 1, 10_001)
    assert load(OrderUpload(), shop, ORDERS, row, "seller-7,order-2,2023-08-11,1,,,,") == 1
    for other in (row.replace("10000", "10001"), row.replace("봄", ""), row.replace("2023-08-11", "2023-08-10")):
        assert refusals(OrderUpload(), shop, ORDERS, other) == [(2, "주문 번호", "transfer_already_exists")]


def test_wrong_orders_name_row_column_and_reason(shop: Scope) -> None:
    assert refusals(
        OrderUpload(),
        shop,
        ORDERS,
        "nobody,order-1,2023-08-11,1,,,,",
        "seller-7,order-2,2023-08-11,1000,none,1,,",
        "seller-7,order-3,2023-08-11,1000,,1,,",
        "seller-7,order-4,2023-08-11,1000,half,1001,,",
        "seller-7,order-5,2023-08-11,1000,,,none,",
        "seller-7,order-6,,1000,,,,",
        "seller-7,order-7,2023-08-11,,,,,",
        "seller-7,order-8,2023-08-11,1,,,,",
        "seller-7,order-8,2023-08-11,1,,,,",
    ) == [
        (2, "파트너 아이디", "partner_not_found"),
        (3, "할인 분담 정책 아이디", "discount_share_policies_not_found"),
        (4, "할인 분담 정책 아이디", "required"),
        (5, "할인 금액", "settlement_amount_exceeded"),
        (6, "추가 수수료 정책 아이디", "additional_fee_policies_not_found"),
        (7, "정산 시작일", "required"),
        (8, "주문 금액", "required"),
        (10, "주문 번호", "order_twice"),
    ]
    assert refusals(
        OrderUpload(),
        shop,
        LINES,
        "seller-7,order-1,2023-08-11,a,,10,1,,,이름",
        "seller-7,order-1,2023-08-12,b,,10,0,,,다른 이름",
        "seller-7,order-2,2023-08-11,a,,10,1,,,",
        "seller-7,order-2,2023-08-11,a,,10,1,,,",
        "seller-7,order-3,어제,a,,10,1,,,",
    ) == [
        (3, "수량", "at_least_one"),
        (3, "주문명", "differs_in_order"),
        (3, "결제 일시", "differs_in_order"),
        (4, "상품 아이디", "product_id_duplicated"),
        (6, "결제 일시", "not_a_date"),
    ]
    assert not SettlementRecord.objects.exists()


def test_several_orders_of_a_payment_where_the_merchant_allows_them(shop: Scope) -> None:
    settings.change(scope=shop, by=build.BY, supports_multiple_order_transfers_per_partner=True)
    rows = ("seller-7,order-1,2023-08-11,1000,,,,", "seller-7,order-1,2023-08-11,2000,,,,")

    assert load(OrderUpload(), shop, ORDERS, *rows) == 2


def test_more_orders_than_names_can_be_locked(shop: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("settlement.operations._locks.MOST_NAMES", 1)
    monkeypatch.setattr(many, "_CHUNK", 2)
    seen: list[int] = []
    rows = [f"seller-7,order-{number},2023-05-01,1000,,,," for number in range(5)]
    loaded = OrderUpload().perform(shop, file(ORDERS, *rows), build.BY, NOW, seen.append)

    assert (loaded.rows, seen) == (5, [2, 4, 5])
    assert PartnerSettlement.objects.get().record_count == 5
    assert build.off_balance(shop) == 0


# ---- cancels


def test_cancels_are_those_the_api_would_record(shop: Scope) -> None:
    other = opened("햇살상회")
    for scope in (shop, other):
        build.order(scope, 10_000, payment_id="order-1")
        build.order(scope, payment_id="order-2", lines=[build.line("shoes", 4_000, 2), build.line("cap", 900, 1)])
    rows = (
        "seller-7,order-1,c-1,2023-08-11,3000,,",
        "seller-7,order-2,c-1,2023-08-11,,shoes,1",
        "seller-7,order-1,c-2,2023-08-12,,,",
        "seller-7,order-2,c-1,2023-08-11,,cap,1",
    )
    found = examined(CancelUpload(), shop, CANCELS, *rows)
    assert (found.errors, found.sums["취소 금액"]) == ([], 14_900)
    assert load(CancelUpload(), shop, CANCELS, *rows) == 3

    first, second = SettlementRecord.objects.within(other).order_by("pk")
    build.cancel(other, first, 3_000, number="c-1", cancelled_at=NOW)
    build.cancel(other, first, number="c-2", start="2023-08-12", cancelled_at=NOW)
    build.cancel(other, second, lines=[("shoes", 1), ("cap", 1)], number="c-1", cancelled_at=NOW)
    assert told(shop) == told(other)
    assert build.off_balance(shop) == 0
    again = examined(CancelUpload(), shop, CANCELS, *rows)
    assert (again.errors, again.counts[uploads.Verdict.SAME]) == ([], 4)
    assert load(CancelUpload(), shop, CANCELS, *rows) == 0


def test_wrong_cancels_name_row_column_and_reason(shop: Scope) -> None:
    build.order(shop, 10_000, payment_id="order-1")
    build.order(shop, payment_id="order-2", lines=[build.line("shoes", 4_000, 2)])
    day = "2023-08-11"

    assert refusals(
        CancelUpload(),
        shop,
        CANCELS,
        f"seller-7,order-9,c-1,{day},1,,",
        f"seller-7,order-1,c-1,{day},9000,,",
        f"seller-7,order-1,c-2,{day},1001,,",
        f"seller-7,order-2,c-1,{day},,hat,1",
        f"seller-7,order-2,c-2,{day},,shoes,3",
        f"seller-7,order-2,c-3,{day},100,,",
        f"seller-7,order-2,c-4,{day},,shoes,",
        f"seller-7,,c-5,{day},,,",
        f"seller-7,order-1,c-1,{day},1,,",
    ) == [
        (2, "주문 번호", "transfer_not_found"),
        (4, "취소 금액", "cancellable_amount_exceeded"),
        (5, "상품 아이디", "product_id_not_found"),
        (6, "취소 수량", "cancellable_product_quantity_exceeded"),
        (7, "취소 금액", "order_detail_mismatched"),
        (8, "취소 수량", "required"),
        (9, "주문 번호", "order_needed"),
        (10, "취소 번호", "cancel_twice"),
    ]


def test_a_cancel_of_what_stands_differently_is_wrong(shop: Scope) -> None:
    build.order(shop, 10_000, payment_id="order-1")
    load(CancelUpload(), shop, CANCELS, "seller-7,order-1,c-1,2023-08-11,3000,,")

    assert refusals(CancelUpload(), shop, CANCELS, "seller-7,order-1,c-1,2023-08-11,4000,,") == [
        (2, "주문 번호", "transfer_already_exists")
    ]


@pytest.mark.parametrize("kind", [OrderUpload(), CancelUpload()])
def test_english_headers_and_other_encodings(kind: UploadKind, shop: Scope) -> None:
    fourth = "order_amount" if kind.kind == "orders" else "cancellation_number"
    header = f"partner_id,Order Number,settlement_start_date,{fourth},memo"
    build.order(shop, 10_000, payment_id="order-0")
    row = "seller-7,order-1,2023.8.11,10000,한글" if kind.kind == "orders" else "seller-7,order-0,2023.8.11,7,한글"
    for encoding in ("cp949", "utf-16", "utf-8"):
        assert kind.examine(shop, file(header, row, encoding=encoding)).loadable
