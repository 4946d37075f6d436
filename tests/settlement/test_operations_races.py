"""Protects that what may happen once happens once, whoever comes at the same time, and that many load all or none."""

import pytest

from core.errors import DomainError
from core.scope import Scope
from ledger.models import Journal
from settlement.models import PartnerSettlement, SettlementRecord
from settlement.operations import settings
from settlement.operations.records import ManualRow, record_many_manual, void_record
from tests import build


@pytest.fixture
def shop(db: None) -> Scope:  # noqa: ARG001 - a transaction that is rolled back
    """Give a merchant with one partner."""
    return one_partner()


@pytest.fixture
def open_shop(committed_db: str) -> Scope:  # noqa: ARG001 - a database that may be committed to
    """Give the same in a database of its own."""
    return one_partner()


def one_partner() -> Scope:
    scope = build.merchant()
    build.partner(scope)
    settings.current(scope)
    return scope


def codes(results: list[object]) -> list[str]:
    return [result.code for result in results if isinstance(result, DomainError)]


def made(results: list[object]) -> list[SettlementRecord]:
    return [result for result in results if isinstance(result, SettlementRecord)]


class TestAtOnce:
    def test_one_id_makes_one_order(self, open_shop: Scope) -> None:
        attempts = [lambda: build.order(open_shop, public_id="mine", payment_id="p")] * 20

        results: list[object] = list(build.together(attempts))

        assert len(made(results)) == 1
        assert len(codes(results)) == 19
        assert set(codes(results)) <= {"PLATFORM_TRANSFER_ID_ALREADY_USED", "PLATFORM_TRANSFER_ALREADY_EXISTS"}
        assert SettlementRecord.objects.count() == Journal.objects.count() == 1
        assert build.money(open_shop) == {"pending": 8_900}

    def test_one_payment_makes_one_order_per_partner(self, open_shop: Scope) -> None:
        results: list[object] = list(build.together([lambda: build.order(open_shop, payment_id="p")] * 10))

        assert len(made(results)) == 1
        assert codes(results) == ["PLATFORM_TRANSFER_ALREADY_EXISTS"] * 9

    def test_cancels_never_take_more_than_there_is(self, open_shop: Scope) -> None:
        order = build.order(open_shop)
        attempts = [lambda number=n: build.cancel(open_shop, order, 6_000, number=f"c-{number}") for n in range(6)]

        results: list[object] = list(build.together(attempts))

        assert len(made(results)) == 1
        assert codes(results) == ["PLATFORM_CANCELLABLE_AMOUNT_EXCEEDED"] * 5
        assert build.off_balance(open_shop) == 0

    def test_the_same_cancel_happens_once(self, open_shop: Scope) -> None:
        order = build.order(open_shop)
        attempts = [lambda: build.cancel(open_shop, order, 1_000, number="c-1")] * 6

        results: list[object] = list(build.together(attempts))

        assert len(made(results)) == 1
        assert codes(results) == ["PLATFORM_TRANSFER_ALREADY_EXISTS"] * 5

    def test_an_order_is_voided_or_cancelled_never_both(self, open_shop: Scope) -> None:
        order = build.order(open_shop)

        def void() -> None:
            void_record(scope=open_shop, by=build.BY, now=build.noon(), public_id=order.public_id)

        results = build.together([void, lambda: build.cancel(open_shop, order), void])

        order.refresh_from_db()
        cancels = order.cancels.count()
        assert (order.state == "VOIDED") == (cancels == 0)
        assert len(codes(list(results))) == 2
        assert build.off_balance(open_shop) == 0


class TestManyManuals:
    def test_load_with_their_journals(self, shop: Scope) -> None:
        build.partner(shop, "seller-8")
        days = [build.day("2023-08-01"), build.day("2023-08-01"), build.day("2023-09-01")]
        rows = [ManualRow(("seller-7", "seller-8")[place % 2], place - 5, days[place % 3]) for place in range(30)]

        count = record_many_manual(scope=shop, by=build.BY, now=build.noon(), rows=iter(rows))

        assert count == 30
        assert SettlementRecord.objects.filter(state="SETTLED").count() == 20
        assert PartnerSettlement.objects.count() == 2
        books = [build.money(shop, one) for one in ("seller-7", "seller-8")]
        gained = sum(one.get("pending", 0) + one.get("available", 0) for one in books)
        assert gained - sum(one.get("receivable", 0) for one in books) == sum(row.amount for row in rows)
        assert build.off_balance(shop) == 0

    def test_all_or_none(self, shop: Scope) -> None:
        day = build.day("2023-09-01")
        good = [ManualRow("seller-7", 100, day, public_id=f"m-{place}") for place in range(5)]
        for bad, code in (
            (ManualRow("nobody", 1, day), "PLATFORM_PARTNER_NOT_FOUND"),
            (ManualRow("seller-7", 1, day, currency="GBP"), "PLATFORM_CURRENCY_NOT_SUPPORTED"),
            (ManualRow("seller-7", 1, day, tax_free=2), "INVALID_REQUEST"),
            (ManualRow("seller-7", 1, day, public_id="m-3"), "PLATFORM_TRANSFER_ID_ALREADY_USED"),
        ):
            with pytest.raises(DomainError) as caught:
                record_many_manual(scope=shop, by=build.BY, now=build.noon(), rows=[*good, bad])
            assert caught.value.code == code
            assert not SettlementRecord.objects.exists()
            assert not Journal.objects.exists()

    def test_each_stands_alone_when_asked_for(self, shop: Scope) -> None:
        settings.change(scope=shop, by=build.BY, manual_settlement_per_transfer=True)
        rows = [ManualRow("seller-7", 100 + place, build.day("2023-08-01")) for place in range(4)]

        record_many_manual(scope=shop, by=build.BY, now=build.noon(), rows=rows)

        assert sorted(PartnerSettlement.objects.values_list("net", flat=True)) == [100, 101, 102, 103]
        assert all(record.partner_settlement is not None for record in SettlementRecord.objects.all())
        assert {record.net for record in SettlementRecord.objects.all() if record.partner_settlement} == {
            100,
            101,
            102,
            103,
        }
        assert build.money(shop) == {"available": 406}
