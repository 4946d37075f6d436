"""Protects what a partner is owed: records, their amounts and their journals are those of the worked examples."""

from collections.abc import Callable
from typing import Any

import pytest

from core.errors import DomainError
from core.scope import Scope
from ledger import posting
from ledger.chart import Code
from settlement import terms
from settlement.cancels import CancelDiscount, CancelLine
from settlement.models import RecordState, SettlementRecord
from settlement.operations import contracts, settings
from settlement.operations.policies import FeeInput
from settlement.operations.records import CancelDraft, DiscountDraft, record_cancel, void_record
from tests import build

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Scope:
    """Give a merchant with one partner, who is settled at 10 % at the end of the month."""
    scope = build.merchant()
    build.partner(scope)
    build.share(scope)
    build.extra_fee(scope)
    return scope


def block(record: SettlementRecord, *names: str) -> tuple[int, ...]:
    return tuple(getattr(record, name) for name in names)


class TestOrders:
    def test_example_1_an_amount(self, shop: Scope) -> None:
        record = build.order(shop)

        assert block(record, "order_amount", "platform_fee", "platform_fee_vat") == (10_000, 1_000, 100)
        assert block(record, "payment", "payment_vat", "payment_supply", "settlement") == (10_000, 909, 9_091, 8_900)
        assert record.settlement_date == build.day("2023-08-31")
        assert record.state == RecordState.IN_PROCESS
        assert build.money(shop) == {"pending": 8_900}
        assert build.balance(shop, Code.CLEARING) == 10_000
        assert build.balance(shop, Code.PLATFORM_FEE_REVENUE) == 1_000
        assert build.balance(shop, Code.OUTPUT_VAT) == 100
        assert build.off_balance(shop) == 0

    def test_example_2_lines(self, shop: Scope) -> None:
        record = build.order(shop, lines=[build.line("A", 2_000, 5), build.line("B", 4_000, 1)])

        assert block(record, "order_amount", "platform_fee", "platform_fee_vat", "settlement") == (
            14_000,
            1_400,
            140,
            12_460,
        )
        assert [item["amounts"]["settlement"] for item in record.lines] == [8_900, 3_560]
        assert build.money(shop) == {"pending": 12_460}

    def test_example_3_a_shared_discount(self, shop: Scope) -> None:
        record = build.order(shop, discounts=[DiscountDraft("half", 2_000)])

        assert block(record, "discount", "payment", "discount_share", "settlement") == (2_000, 8_000, 1_000, 7_900)
        assert block(record, "payment_vat", "payment_supply") == (727, 7_273)
        assert build.money(shop) == {"pending": 7_900}
        assert build.balance(shop, Code.DISCOUNT_COST, "half") == 2_000
        assert build.balance(shop, Code.DISCOUNT_RECOVERED, "half") == 1_000
        assert build.off_balance(shop) == 0

    def test_example_4_an_additional_fee(self, shop: Scope) -> None:
        record = build.order(shop, fees=["five"])

        assert block(record, "additional_fee", "additional_fee_vat", "settlement") == (500, 50, 8_350)
        assert build.balance(shop, Code.ADDITIONAL_FEE_REVENUE) == 500

    def test_example_5_line_and_order_level_together(self, shop: Scope) -> None:
        record = example_5(shop)

        assert block(record, "order_amount", "discount", "discount_share", "payment") == (25_000, 5_000, 2_500, 20_000)
        assert block(record, "platform_fee", "platform_fee_vat", "additional_fee", "additional_fee_vat") == (
            2_500,
            0,
            2_500,
            250,
        )
        assert record.settlement == 17_250
        assert record.settlement_date == build.day("2023-08-18")
        # The merchant bears the VAT of its fee: 2,500 hold 227 of it.
        assert build.balance(shop, Code.PLATFORM_FEE_REVENUE) == 2_273
        assert build.off_balance(shop) == 0

    def test_example_6_tax_free_fixed_fees_and_vat_taken_out(self, shop: Scope) -> None:
        build.contract(shop, "fixed", fee=FeeInput(amount=1_000, is_fixed=True), subtract_payment_vat=True)
        build.extra_fee(shop, "fixed-fee", FeeInput(amount=300, is_fixed=True), vat_payer="MERCHANT")

        record = build.order(
            shop,
            100_000,
            tax_free=40_000,
            discounts=[DiscountDraft("half", 10_000, 4_000)],
            fees=["fixed-fee"],
            contract_id="fixed",
        )

        assert block(record, "payment_tax_free", "payment_vat", "payment_vat_burden", "payment_supply") == (
            36_000,
            4_909,
            4_909,
            49_091,
        )
        assert block(record, "settlement", "settlement_tax_free") == (88_691, 35_476)
        assert build.balance(shop, Code.PAYMENT_VAT_BURDEN) == 4_909
        assert build.money(shop) == {"pending": 88_691}
        assert build.off_balance(shop) == 0

    def test_an_order_in_the_future_is_scheduled_and_posts_nothing(self, shop: Scope) -> None:
        record = build.order(shop, start="2023-08-12")

        assert record.state == RecordState.SCHEDULED
        assert build.money(shop) == {}

    def test_an_order_whose_date_has_come_is_settled_at_once(self, shop: Scope) -> None:
        record = build.order(shop, on="2023-08-31")

        assert record.state == RecordState.SETTLED
        assert build.settlement_of(record).net == 8_900
        assert build.money(shop) == {"available": 8_900}

    def test_a_given_settlement_date_is_not_moved(self, shop: Scope) -> None:
        assert build.order(shop, settlement_date="2023-08-12").settlement_date == build.day("2023-08-12")

    def test_ids_hold_anything(self, shop: Scope) -> None:
        build.partner(shop, "가게 7/ⅷ 🛒")

        record = build.order(shop, partner_id="가게 7/ⅷ 🛒", public_id="정산/1 'x'", payment_id="주문 №1")

        assert record.public_id == "정산/1 'x'"
        assert build.money(shop, "가게 7/ⅷ 🛒") == {"pending": 8_900}

    def test_a_currency_other_than_won_has_its_own_accounts(self, shop: Scope) -> None:
        build.order(shop, 10_000, currency="USD")

        assert build.money(shop) == {}
        assert build.money(shop, currency="USD") == {"pending": 8_900}
        assert build.off_balance(shop) == 0

    def test_a_third_partys_fee_is_owed_on(self, shop: Scope) -> None:
        build.extra_fee(shop, "pg", third_party="pg-co")

        build.order(shop, fees=["pg"])

        assert build.balance(shop, Code.PASS_THROUGH_FEE, "pg-co") == 500


def example_5(scope: Scope) -> SettlementRecord:
    build.contract(scope, "fridays", vat_payer="MERCHANT", cycle=build.FRIDAYS)
    half = [DiscountDraft("half", 2_500)]
    lines = [build.line("A", 5_000, 5, discounts=half, fee_policy_ids=["five"])]
    return build.order(scope, lines=lines, discounts=half, fees=["five"], contract_id="fridays")


class TestCancels:
    def test_example_8_the_last_of_three_takes_the_rest(self, shop: Scope) -> None:
        order = build.order(shop, 10_001)

        cancels = [build.cancel(shop, order, 3_333), build.cancel(shop, order, 3_333), build.cancel(shop, order)]

        assert [block(one, "order_amount", "platform_fee", "settlement") for one in cancels] == [
            (3_333, 333, 2_967),
            (3_333, 333, 2_967),
            (3_335, 334, 2_967),
        ]
        assert [one.net for one in cancels] == [-2_967] * 3
        assert build.money(shop) == {"pending": 8_901, "receivable": 8_901}
        assert build.balance(shop, Code.PLATFORM_FEE_REVENUE) == 0
        assert build.balance(shop, Code.CLEARING) == 0
        assert build.off_balance(shop) == 0

    def test_example_9_lines_with_discounts_and_fees(self, shop: Scope) -> None:
        order = example_5(shop)
        two = CancelLine("A", 2, (CancelDiscount("half", 1_000),))

        record = build.cancel(shop, order, lines=[two], discounts=[("half", 1_000)])

        assert block(record, "order_amount", "discount", "discount_share", "platform_fee") == (
            10_000,
            2_000,
            1_000,
            1_000,
        )
        assert record.settlement == 6_900
        assert record.lines[0]["amounts"]["settlement"] == 7_950
        assert record.settlement_date == build.day("2023-08-18")

        over = CancelLine("A", 1, (CancelDiscount("half", 1_600),))
        with pytest.raises(DomainError) as caught:
            build.cancel(shop, order, lines=[over])
        assert caught.value.code == "PLATFORM_CANCELLABLE_DISCOUNT_AMOUNT_EXCEEDED"
        assert caught.value.facts["productId"] == "A"
        assert caught.value.facts["cancellableAmount"] == 1_500

    def test_example_10_simple_partial_cancels(self, shop: Scope) -> None:
        by_amount = build.order(shop)
        by_lines = build.order(shop, lines=[build.line("A", 2_000, 5), build.line("B", 4_000, 1)])

        assert build.cancel(shop, by_amount, 5_000).settlement == 4_450
        assert build.cancel(shop, by_lines, lines=[("A", 2)]).settlement == 3_560

    def test_a_line_emptied_before_gives_its_rest_back_with_the_last_cancel(self, shop: Scope) -> None:
        fixed = FeeInput(amount=300, is_fixed=True)
        build.extra_fee(shop, "fixed-fee", fixed)
        lines = [build.line("A", 3_333, 3, fee_policy_ids=["fixed-fee"]), build.line("B", 4_000, 1)]
        order = build.order(shop, lines=lines)

        build.cancel(shop, order, lines=[("A", 3)])
        # Recorded before its day: its journal is made later from what the record keeps.
        rest = build.cancel(shop, order, start="2023-08-20")
        build.mature("2023-08-21")

        assert rest.additional_fee == 300
        assert build.balance(shop, Code.ADDITIONAL_FEE_REVENUE) == 0
        assert build.balance(shop, Code.OUTPUT_VAT) == 0
        assert build.money(shop)["pending"] == build.money(shop)["receivable"] == order.settlement
        assert build.off_balance(shop) == 0

    def test_the_journal_is_the_one_that_follows_from_what_the_record_keeps(self, shop: Scope) -> None:
        order = example_5(shop)
        two = CancelLine("A", 2, (CancelDiscount("half", 1_000),))
        build.cancel(shop, order, lines=[two], discounts=[("half", 1_000)])
        build.cancel(shop, order)

        records = SettlementRecord.objects.within(shop).select_related("partner")
        assert len(records) == 3
        for record in records:
            kept = terms.posting(record, recorded_at=record.created_at)
            again = posting.post(scope=shop, posting=kept, by=build.BY)
            assert again is not None
            assert not again.created

    def test_terms_are_those_of_the_order_whatever_has_changed(self, shop: Scope) -> None:
        order = build.order(shop)
        contracts.change(scope=shop, by=build.BY, now=build.noon(), public_id="ten-percent", fee=FeeInput(rate=50_000))

        assert build.cancel(shop, order).settlement == 8_900

    def test_an_order_is_found_by_partner_and_payment(self, shop: Scope) -> None:
        order = build.order(shop, payment_id="pay-1")
        draft = CancelDraft("c-1", partner_id="seller-7", payment_id="pay-1")

        assert record_cancel(scope=shop, by=build.BY, now=build.noon(), draft=draft).order_id == order.pk


class TestManuals:
    def test_a_gain_and_a_loss(self, shop: Scope) -> None:
        build.manual(shop, 50_000, settlement_date="2023-08-20")
        build.manual(shop, -2_000, settlement_date="2023-08-20")

        assert build.money(shop) == {"pending": 50_000, "receivable": 2_000}
        assert build.balance(shop, Code.MANUAL_EXPENSE, "GENERAL") == 50_000
        assert build.balance(shop, Code.MANUAL_RECOVERY, "GENERAL") == 2_000
        assert build.off_balance(shop) == 0

    def test_one_dated_in_the_past_is_settled_at_once(self, shop: Scope) -> None:
        record = build.manual(shop, 50_000, settlement_date="2023-01-01")

        assert record.state == RecordState.SETTLED
        assert build.money(shop) == {"available": 50_000}

    def test_nothing_is_no_journal(self, shop: Scope) -> None:
        build.manual(shop, 0)

        assert build.money(shop) == {}


REFUSED_ORDERS: list[tuple[str, int, dict[str, Any]]] = [
    ("PLATFORM_PARTNER_NOT_FOUND", 404, {"partner_id": "nobody"}),
    ("PLATFORM_CONTRACT_NOT_FOUND", 404, {"contract_id": "none"}),
    ("PLATFORM_DISCOUNT_SHARE_POLICIES_NOT_FOUND", 404, {"discounts": [DiscountDraft("none", 1)]}),
    ("PLATFORM_ADDITIONAL_FEE_POLICIES_NOT_FOUND", 404, {"fees": ["none"]}),
    ("PLATFORM_PAYMENT_NOT_FOUND", 404, {"is_external": False}),
    ("PLATFORM_CURRENCY_NOT_SUPPORTED", 400, {"currency": "GBP"}),
    ("PLATFORM_USER_DEFINED_PROPERTY_NOT_FOUND", 404, {"properties": ["x"]}),
    ("PLATFORM_SETTLEMENT_PARAMETER_NOT_FOUND", 404, {"parameters": ["x"]}),
    ("PLATFORM_SETTLEMENT_DATE_EARLIER_THAN_SETTLEMENT_START_DATE", 400, {"settlement_date": "2023-08-10"}),
    ("PLATFORM_SETTLEMENT_AMOUNT_EXCEEDED", 400, {"discounts": [DiscountDraft("half", 10_001)]}),
    ("PLATFORM_PRODUCT_ID_DUPLICATED", 400, {"lines": [build.line("A", 1, 1), build.line("A", 1, 1)]}),
    ("INVALID_REQUEST", 400, {"amount": None}),
    ("INVALID_REQUEST", 400, {"discounts": [DiscountDraft("half", 1), DiscountDraft("half", 1)]}),
    ("INVALID_REQUEST", 400, {"lines": [build.line("A", 999_999_999_999_999, 2)]}),
]


class TestRefusals:
    @pytest.mark.parametrize(("code", "status", "values"), REFUSED_ORDERS)
    def test_of_an_order(self, shop: Scope, code: str, status: int, values: dict[str, Any]) -> None:
        with pytest.raises(DomainError) as caught:
            build.order(shop, **values)

        assert (caught.value.code, caught.value.status) == (code, status)
        assert not SettlementRecord.objects.exists()
        assert build.money(shop) == {}

    def test_missing_policies_are_all_named_with_both_ids(self, shop: Scope) -> None:
        with pytest.raises(DomainError) as caught:
            build.order(shop, discounts=[DiscountDraft("a", 1), DiscountDraft("half", 1), DiscountDraft("b", 1)])

        assert caught.value.facts == {"ids": ["a", "b"], "graphqlIds": ["Mjph", "Mjpi"]}

    def test_fixed_fees_are_in_won(self, shop: Scope) -> None:
        build.contract(shop, "fixed", fee=FeeInput(amount=1, is_fixed=True))
        build.extra_fee(shop, "fixed-fee", FeeInput(amount=1, is_fixed=True))

        cases: list[tuple[str, dict[str, Any]]] = [
            ("CONTRACT_PLATFORM", {"contract_id": "fixed"}),
            ("ADDITIONAL", {"fees": ["fixed-fee"]}),
        ]
        for code, values in cases:
            with pytest.raises(DomainError) as caught:
                build.order(shop, currency="USD", **values)
            assert caught.value.code == f"PLATFORM_{code}_FIXED_AMOUNT_FEE_CURRENCY_AND_SETTLEMENT_CURRENCY_MISMATCHED"
            assert caught.value.facts["feeCurrency"] == "KRW"
            assert caught.value.facts["settlementCurrency"] == "USD"

    def test_an_id_is_used_once_even_after_a_void(self, shop: Scope) -> None:
        record = build.order(shop, public_id="mine")
        void_record(scope=shop, by=build.BY, now=build.noon(), public_id="mine")

        again: list[Callable[[], SettlementRecord]] = [
            lambda: build.order(shop, public_id="mine"),
            lambda: build.manual(shop, 1, public_id="mine"),
        ]
        for attempt in again:
            with pytest.raises(DomainError) as caught:
                attempt()
            assert (caught.value.code, caught.value.status) == ("PLATFORM_TRANSFER_ID_ALREADY_USED", 409)
        assert record.public_id == "mine"

    def test_a_payment_is_recorded_once_per_partner_unless_allowed(self, shop: Scope) -> None:
        first = build.order(shop, payment_id="pay-1")
        build.partner(shop, "other")
        build.order(shop, partner_id="other", payment_id="pay-1")

        with pytest.raises(DomainError) as caught:
            build.order(shop, payment_id="pay-1")
        assert caught.value.code == "PLATFORM_TRANSFER_ALREADY_EXISTS"
        assert caught.value.facts["transferId"] == first.public_id

        settings.change(scope=shop, by=build.BY, supports_multiple_order_transfers_per_partner=True)
        second = build.order(shop, payment_id="pay-1")
        with pytest.raises(DomainError) as caught:
            cancel_by_payment(shop, "pay-1")
        assert caught.value.code == "PLATFORM_CANNOT_SPECIFY_TRANSFER"
        assert second.pk != first.pk

    def test_of_a_cancel(self, shop: Scope) -> None:
        order = build.order(shop)
        by_lines = build.order(shop, lines=[build.line("A", 2_000, 5), build.line("B", 4_000, 1)])

        cases: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
            (
                "CANCELLABLE_AMOUNT_EXCEEDED",
                {"of": order, "amount": 10_001},
                {"cancellableAmount": 10_000, "requestAmount": 10_001, "amountType": "SUPPLY_WITH_VAT"},
            ),
            ("ORDER_DETAIL_MISMATCHED", {"of": order, "lines": [("A", 1)]}, {}),
            ("ORDER_DETAIL_MISMATCHED", {"of": by_lines, "amount": 1}, {}),
            ("PRODUCT_ID_NOT_FOUND", {"of": by_lines, "lines": [("C", 1)]}, {"id": "C"}),
            ("PRODUCT_ID_DUPLICATED", {"of": by_lines, "lines": [("A", 1), ("A", 1)]}, {"id": "A"}),
            (
                "CANCELLABLE_PRODUCT_QUANTITY_EXCEEDED",
                {"of": by_lines, "lines": [("A", 6)]},
                {"productId": "A", "cancellableQuantity": 5},
            ),
            (
                "TRANSFER_DISCOUNT_SHARE_POLICY_NOT_FOUND",
                {"of": order, "amount": 1, "discounts": [("half", 1)]},
                {"discountSharePolicyId": "half", "discountSharePolicyGraphqlId": "MjpoYWxm"},
            ),
            (
                "DISCOUNT_SHARE_POLICY_ID_DUPLICATED",
                {"of": order, "amount": 1, "discounts": [("half", 1), ("half", 1)]},
                {"id": "half", "graphqlId": "MjpoYWxm"},
            ),
            ("CANCELLATION_AND_PAYMENT_TYPE_MISMATCHED", {"of": order, "amount": 1, "is_external": False}, {}),
        ]
        for code, values, facts in cases:
            with pytest.raises(DomainError) as caught:
                build.cancel(shop, **values)
            assert caught.value.code == f"PLATFORM_{code}"
            assert caught.value.facts == facts

    def test_of_a_cancel_that_comes_again(self, shop: Scope) -> None:
        order = build.order(shop)
        first = build.cancel(shop, order, 5_000, number="c-1")

        with pytest.raises(DomainError) as caught:
            build.cancel(shop, order, 1_000, number="c-1")
        assert (caught.value.code, caught.value.status) == ("PLATFORM_TRANSFER_ALREADY_EXISTS", 409)
        assert caught.value.facts["transferId"] == first.public_id

        build.cancel(shop, order)
        with pytest.raises(DomainError) as caught:
            build.cancel(shop, order, 1)
        assert caught.value.code == "PLATFORM_ORDER_TRANSFER_ALREADY_CANCELLED"

    def test_of_a_manual(self, shop: Scope) -> None:
        cases: list[tuple[str, dict[str, Any]]] = [
            ("PLATFORM_PARTNER_NOT_FOUND", {"amount": 1, "partner_id": "nobody"}),
            ("PLATFORM_CURRENCY_NOT_SUPPORTED", {"amount": 1, "currency": "GBP"}),
            ("INVALID_REQUEST", {"amount": 1, "tax_free": 2}),
            ("INVALID_REQUEST", {"amount": 5, "tax_free": -2}),
            ("INVALID_REQUEST", {"amount": 10**15}),
        ]
        for code, values in cases:
            with pytest.raises(DomainError) as caught:
                build.manual(shop, **values)
            assert caught.value.code == code
        settings.change(scope=shop, by=build.BY, manual_settlement_per_transfer=True)
        with pytest.raises(DomainError) as caught:
            build.manual(shop, -1)
        assert caught.value.code == "PLATFORM_NEGATIVE_AMOUNT_NOT_ALLOWED"


def cancel_by_payment(scope: Scope, payment_id: str) -> SettlementRecord:
    draft = CancelDraft("c-1", partner_id="seller-7", payment_id=payment_id)
    return record_cancel(scope=scope, by=build.BY, now=build.noon(), draft=draft)


class TestScopes:
    def test_another_merchants_objects_are_not_there(self, shop: Scope) -> None:
        other = build.merchant("햇살상회")
        build.contract(other)
        order = build.order(shop)

        attempts: list[Callable[[], SettlementRecord]] = [
            lambda: build.order(other),
            lambda: build.cancel(other, order),
        ]
        for attempt in attempts:
            with pytest.raises(DomainError) as caught:
                attempt()
            assert caught.value.status == 404

    def test_test_and_live_do_not_mix(self, shop: Scope) -> None:
        with pytest.raises(DomainError):
            build.order(Scope(shop.merchant_id, is_test=True))
