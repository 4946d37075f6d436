"""Promise: what a record says and what its journal posts are the same money, leg by leg."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money import Rounding
from ledger.chart import Code
from settlement.cancels import Cancel, CancelDiscount, CancelLine, compute_cancel
from settlement.dates import Cycle, CycleMethod, DatePolicy
from settlement.fees import (
    AdditionalFeeTerms,
    Amounts,
    Computed,
    ContractTerms,
    DiscountTerms,
    FeeTerms,
    Formulas,
    Line,
    Order,
    Original,
    Payer,
    RoundingModes,
    compute_order,
)
from settlement.legs import (
    Component,
    Counter,
    Leg,
    cancel_legs,
    manual_legs,
    order_legs,
    partner_account_of,
    void_legs,
)

DAILY = Cycle(1, CycleMethod.DAILY, DatePolicy.HOLIDAY_AFTER)
TEN_PERCENT = ContractTerms(FeeTerms(rate=10_000), Payer.PARTNER, subtract_payment_vat=False, cycle=DAILY)

# 10,000 with a coupon of 2,000 of which the partner bears half, and an additional fee of 240.
COUPON = DiscountTerms("coupon", 50_000, 2_000)
PG_FEE = AdditionalFeeTerms("pg", FeeTerms(rate=2_400), Payer.PARTNER)
COUPON_ORDER = Order(10_000, discounts=(COUPON,), fees=(PG_FEE,))
HALF = Cancel(5_000, discounts=(CancelDiscount("coupon", 1_000),))


def coupon_order() -> Original:
    return Original(COUPON_ORDER, TEN_PERCENT, compute_order(COUPON_ORDER, TEN_PERCENT))


def shown(legs: list[Leg]) -> list[tuple[int, int]]:
    return sorted((int(leg.code), leg.amount) for leg in legs)


def mirrored(legs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return sorted((code, -amount) for code, amount in legs)


COUPON_JOURNAL = [
    (1020, 8_000),
    (2010, -10_000),
    (2010, 24),
    (2010, 100),
    (2010, 240),
    (2010, 1_000),
    (2010, 1_000),
    (2210, -124),
    (4010, -1_000),
    (4020, -240),
    (5010, 2_000),
    (5011, -1_000),
]

HALF_CANCEL_AGAINST = {
    account: [
        (1020, -4_000),
        (account, -500),
        (account, -500),
        (account, -120),
        (account, -50),
        (account, -12),
        (account, 5_000),
        (2210, 62),
        (4010, 500),
        (4020, 120),
        (5010, -1_000),
        (5011, 500),
    ]
    for account in (1040, 2010)
}


class TestReferenceJournals:
    def test_an_order_with_coupon_and_fees(self) -> None:
        assert shown(order_legs(coupon_order().computed)) == sorted(COUPON_JOURNAL)

    def test_half_of_it_cancelled_becomes_a_receivable(self) -> None:
        original = coupon_order()
        first = compute_cancel(original, [], HALF)
        second = compute_cancel(original, [first], Cancel())
        assert shown(cancel_legs(first)) == sorted(HALF_CANCEL_AGAINST[1040])
        assert shown(cancel_legs(second)) == sorted(HALF_CANCEL_AGAINST[1040])

    def test_the_partner_account_can_be_named(self) -> None:
        first = compute_cancel(coupon_order(), [], HALF)
        legs = cancel_legs(first, partner_account=Code.PARTNER_PENDING)
        assert shown(legs) == sorted(HALF_CANCEL_AGAINST[2010])

    def test_a_plain_order(self) -> None:
        legs = order_legs(compute_order(Order(20_000), TEN_PERCENT))
        assert [(leg.code, leg.amount, leg.component) for leg in legs] == [
            (Code.CLEARING, 20_000, Component.PAYMENT),
            (Code.PARTNER_PENDING, -20_000, Component.ORDER),
            (Code.PARTNER_PENDING, 2_000, Component.PLATFORM_FEE),
            (Code.PARTNER_PENDING, 200, Component.PLATFORM_FEE_VAT),
            (Code.PLATFORM_FEE_REVENUE, -2_000, Component.PLATFORM_FEE),
            (Code.OUTPUT_VAT, -200, Component.FEE_VAT),
        ]

    def test_balances_after_each_step(self) -> None:
        original = coupon_order()
        first = compute_cancel(original, [], HALF)
        pending = -partner_sum(order_legs(original.computed))
        assert pending == 7_636
        assert pending - partner_sum(cancel_legs(first)) == 3_818


class TestManualRecords:
    def test_a_gain_is_an_expense(self) -> None:
        assert shown(manual_legs(50_000)) == [(2010, -50_000), (5060, 50_000)]

    def test_a_loss_is_a_receivable_recovered(self) -> None:
        assert shown(manual_legs(-2_000)) == [(1040, 2_000), (4030, -2_000)]

    def test_the_reason_owns_the_counter_account(self) -> None:
        owners = {(leg.owner_kind, leg.owner) for leg in manual_legs(1)}
        assert owners == {("reason", "GENERAL"), ("partner", "")}
        assert [leg.owner for leg in manual_legs(-1, reason="PENALTY") if not leg.is_partner] == ["PENALTY"]

    def test_another_counter_account_may_be_named(self) -> None:
        service = Counter(Code.PARTNER_SERVICE_COST, "SERVICE")
        assert shown(manual_legs(1_000_000, counter=service)) == [(2010, -1_000_000), (5070, 1_000_000)]
        invoice = Counter(Code.VENDOR_PAYABLE, "vendor-1")
        assert shown(manual_legs(-300, counter=invoice)) == [(1040, 300), (2420, -300)]

    def test_nothing_has_no_legs(self) -> None:
        assert manual_legs(0) == []


class TestWhereMoneyGoes:
    def test_fee_vat_borne_by_the_merchant_comes_out_of_revenue(self) -> None:
        terms = replace(TEN_PERCENT, vat_payer=Payer.MERCHANT)
        box = AdditionalFeeTerms("box", FeeTerms(amount=330), Payer.MERCHANT)
        assert shown(order_legs(compute_order(Order(11_000, fees=(box,)), terms))) == [
            (1020, 11_000),
            (2010, -11_000),
            (2010, 330),
            (2010, 1_100),
            (2210, -130),
            (4010, -1_000),
            (4020, -300),
        ]

    def test_payment_vat_taken_from_the_partner_has_its_own_account(self) -> None:
        terms = replace(TEN_PERCENT, platform_fee=FeeTerms(), subtract_payment_vat=True)
        assert shown(order_legs(compute_order(Order(11_000), terms))) == [
            (1020, 11_000),
            (2010, -11_000),
            (2010, 1_000),
            (2212, -1_000),
        ]

    def test_discounts_stand_policy_by_policy(self) -> None:
        own = DiscountTerms("own", 100_000, 300)
        lines = (Line("A", 10_000, 0, 1, discounts=(COUPON,)), Line("B", 1_000, 0, 1, discounts=(own,)))
        order = Order(lines=lines, discounts=(DiscountTerms("coupon", 50_000, 10),))
        legs = order_legs(compute_order(order, TEN_PERCENT))
        by_policy = [(leg.code, leg.owner, leg.amount) for leg in legs if leg.owner_kind == "policy"]
        assert by_policy == [
            (Code.DISCOUNT_COST, "coupon", 2_010),
            (Code.DISCOUNT_COST, "own", 300),
            (Code.DISCOUNT_RECOVERED, "coupon", -1_005),
            (Code.DISCOUNT_RECOVERED, "own", -300),
        ]

    def test_a_fee_of_a_third_party_is_owed_on(self) -> None:
        passed = AdditionalFeeTerms("card", FeeTerms(amount=500), Payer.PARTNER, third_party="card-company")
        legs = order_legs(compute_order(Order(10_000, fees=(PG_FEE, passed)), TEN_PERCENT))
        income = {(leg.code, leg.owner): leg.amount for leg in legs if leg.component is Component.ADDITIONAL_FEE}
        assert income == {
            (Code.PARTNER_PENDING, ""): 740,
            (Code.ADDITIONAL_FEE_REVENUE, ""): -240,
            (Code.PASS_THROUGH_FEE, "card-company"): -500,
        }

    @pytest.mark.parametrize(("bonus", "account"), [(123, 2010), (-123, 2010), (-9_999, 1040)])
    def test_what_an_own_formula_adds_is_an_adjustment(self, bonus: int, account: int) -> None:
        class WithBonus(Formulas):
            def settlement(self, so_far: Amounts) -> int:
                return so_far.order - so_far.fee + bonus

        legs = order_legs(compute_order(Order(10_000), TEN_PERCENT, formulas=WithBonus()))
        adjustments = [(leg.code, leg.amount) for leg in legs if leg.component is Component.FORMULA_ADJUSTMENT]
        assert adjustments == [(account, -bonus), (Code.FORMULA_ADJUSTMENT, bonus)]
        assert partner_sum(legs) == -(8_900 + bonus)

    def test_an_order_below_its_fees_is_a_receivable(self) -> None:
        terms = replace(TEN_PERCENT, platform_fee=FeeTerms(amount=1_000))
        assert shown(order_legs(compute_order(Order(500), terms))) == [
            (1020, 500),
            (1040, -500),
            (1040, 100),
            (1040, 1_000),
            (2210, -100),
            (4010, -1_000),
        ]

    def test_owners_the_record_knows_are_left_to_it(self) -> None:
        kinds = {leg.owner_kind for leg in order_legs(coupon_order().computed) if not leg.owner}
        assert kinds == {"partner", "channel", ""}


class TestPartnerAccount:
    def test_follows_the_sign(self) -> None:
        assert [partner_account_of(amount) for amount in (1, 0, -1)] == [2010, 2010, 1040]


class TestVoids:
    def test_mirror_the_record_on_the_account_where_the_money_is(self) -> None:
        legs = order_legs(coupon_order().computed)
        voided = void_legs(legs, partner_account=Code.PARTNER_AVAILABLE)
        moved = [(2020 if code == 2010 else code, amount) for code, amount in COUPON_JOURNAL]
        assert shown(voided) == mirrored(moved)


def partner_sum(legs: list[Leg]) -> int:
    return sum(leg.amount for leg in legs if leg.is_partner)


sizes = st.integers(0, 50_000)
rates = st.integers(0, 100_000)
payers = st.sampled_from(Payer)
fees = st.builds(FeeTerms, rate=rates) | st.builds(FeeTerms, amount=sizes)
contracts = st.builds(ContractTerms, fees, payers, st.booleans(), st.just(DAILY))
additional = st.builds(AdditionalFeeTerms, st.sampled_from("xyz"), fees, payers, st.sampled_from(["", "card"]))
formula_sets = st.builds(Formulas, st.builds(RoundingModes, *(st.sampled_from(Rounding) for _ in range(5))))


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Draw an order of up to three lines, each with a discount and a fee."""
    lines = []
    for product in draw(st.sets(st.sampled_from("ABC"), min_size=1)):
        line = Line(product, draw(sizes), 0, draw(st.integers(1, 3)))
        discount = DiscountTerms(draw(st.sampled_from("rs")), draw(rates), draw(st.integers(0, line.order)))
        lines.append(replace(line, discounts=(discount,), fees=(draw(additional),)))
    return Order(lines=tuple(lines), fees=(draw(additional),))


def journals(order: Order, terms: ContractTerms, formulas: Formulas) -> list[tuple[list[Leg], int]]:
    """Return the legs and the signed settlement of an order, of a cancel of one piece of each line, and of the rest."""
    original = Original(order, terms, compute_order(order, terms, formulas=formulas))
    found = [(order_legs(original.computed), original.computed.amounts.settlement)]
    cancels: list[Computed] = []
    piece_of_each = Cancel(lines=tuple(CancelLine(line.product_id, 1) for line in order.lines))
    for request in (piece_of_each, Cancel()):
        if cancels and cancels[-1].is_last:
            break
        cancels.append(compute_cancel(original, cancels, request, formulas=formulas))
        found.append((cancel_legs(cancels[-1]), -cancels[-1].amounts.settlement))
    return found


class TestAnyRecord:
    @settings(deadline=None)
    @given(orders(), contracts, formula_sets)
    def test_balances_and_owes_the_partner_its_settlement(
        self, order: Order, terms: ContractTerms, formulas: Formulas
    ) -> None:
        for legs, signed in journals(order, terms, formulas):
            assert sum(leg.amount for leg in legs) == 0
            assert partner_sum(legs) == -signed
            assert all(leg.amount for leg in legs)
            assert {leg.code for leg in legs if leg.is_partner} <= {partner_account_of(signed)}

    @settings(deadline=None)
    @given(orders(), contracts, formula_sets)
    def test_with_all_its_cancels_leaves_every_account_empty(
        self, order: Order, terms: ContractTerms, formulas: Formulas
    ) -> None:
        balances: dict[tuple[str, str], int] = {}
        for legs, _ in journals(order, terms, formulas):
            for leg in legs:
                key = ("partner", "") if leg.is_partner else (str(leg.code), leg.owner)
                balances[key] = balances.get(key, 0) + leg.amount
        assert set(balances.values()) <= {0}
