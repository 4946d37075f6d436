"""Protects uploads among others at work: an order comes in once, whichever way, and due rows join one settlement."""

import io
from collections.abc import Callable

import pytest

from core.errors import DomainError
from core.scope import Scope
from settlement.models import PartnerSettlement, SettlementRecord
from settlement.operations import many, settings
from settlement.operations.records import OrderDraft
from settlement.uploads import manual
from settlement.uploads.manual import ManualUpload
from settlement.uploads.orders import is_same
from tests import build

NOW = build.noon()


@pytest.fixture
def shop(committed_db: str) -> Scope:  # noqa: ARG001 - a database that may be committed to
    """Give a merchant with two partners."""
    scope = build.merchant()
    for partner in ("seller-7", "seller-8"):
        build.partner(scope, partner)
    settings.current(scope)
    return scope


@pytest.mark.parametrize("names", [0, 1_000])
def test_an_order_comes_in_once_by_upload_and_api(shop: Scope, monkeypatch: pytest.MonkeyPatch, names: int) -> None:
    monkeypatch.setattr("settlement.operations._locks.MOST_NAMES", names)
    drafts = [
        OrderDraft("seller-7", f"order-{number}", amount=1_000 + number, start_date=build.day("2023-05-01"))
        for number in range(20)
    ]

    def upload() -> int:
        return many.record_orders(scope=shop, by=build.BY, now=NOW, drafts=drafts, same=is_same)

    def alone(number: int) -> Callable[[], object]:
        return lambda: build.order(shop, 500, payment_id=f"order-{number}", start="2023-05-01")

    actions: list[Callable[[], object]] = [upload, upload, *(alone(number) for number in range(0, 20, 5))]
    results = build.together(actions)

    refused = [result.code for result in results if isinstance(result, DomainError)]
    assert set(refused) <= {"PLATFORM_TRANSFER_ALREADY_EXISTS"}
    assert not [result for result in results if isinstance(result, Exception) and not isinstance(result, DomainError)]
    payments = list(SettlementRecord.objects.values_list("payment_id", flat=True))
    assert len(payments) == len(set(payments))
    # Either an upload was first and then all others found its orders, or a single order made both uploads refuse.
    assert len(payments) in {4, 20}
    assert build.off_balance(shop) == 0


def test_due_rows_of_uploads_and_others_join_one_settlement(shop: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manual, "FROM_BYTES", 0)
    monkeypatch.setattr("settlement.operations._locks.MOST_NAMES", 1)
    rows = [f"seller-{7 + number % 2},2023-08-01,{100 + number}" for number in range(40)]
    content = "\r\n".join(["파트너 아이디,정산일,정산 금액", *rows]).encode()

    def upload() -> object:
        return ManualUpload().perform(shop, io.BytesIO(content), build.BY, NOW)

    def alone() -> object:
        return build.manual(shop, 7, settlement_date="2023-08-01")

    results = build.together([upload, alone, upload, alone, upload])

    assert not [result for result in results if isinstance(result, Exception)]
    assert PartnerSettlement.objects.count() == 2
    counts = PartnerSettlement.objects.order_by("partner__public_id").values_list("record_count", flat=True)
    assert list(counts) == [62, 60]
    assert build.off_balance(shop) == 0
