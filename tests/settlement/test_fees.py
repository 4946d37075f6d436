"""Promise: every won of an order is accounted for, and an order with all its cancels nets to zero in every field."""

from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money import MAX_AMOUNT, AmountOutOfRange, Rounding
from settlement.dates import Cycle, CycleMethod, DatePolicy
from settlement.fees import (
    AdditionalFeeTerms,
    AlreadyCancelled,
    AmountExceeded,
    Amounts,
    AmountType,
    Cancel,
    CancelDiscount,
    CancellableAmountExceeded,
    CancellableDiscountExceeded,
    CancellableQuantityExceeded,
    CancelLine,
    Computed,
    ComputedDiscount,
    ContractTerms,
    DiscountPolicyNotFound,
    DiscountTerms,
    FeeTerms,
    Formulas,
    Line,
    Order,
    OrderDetailInvalid,
    OrderDetailMismatched,
    Original,
    Payer,
    PolicyDuplicated,
    ProductDuplicated,
    ProductNotFound,
    Refused,
    Relation,
    RoundingModes,
    compute_cancel,
    compute_order,
    remaining,
    vat_inside,
)

PARTNER, MERCHANT = Payer.PARTNER, Payer.MERCHANT
MONTH_END = Cycle(2, CycleMethod.MONTHLY, DatePolicy.HOLIDAY_BEFORE, days_of_month=(31,))
ONLY_ALL = Cancel()


def contract(
    rate: int = 0, *, fixed: int = 0, vat: Payer = PARTNER, subtract_payment_vat: bool = False
) -> ContractTerms:
    return ContractTerms(FeeTerms(rate, fixed), vat, subtract_payment_vat, MONTH_END)


def rounding(mode: Rounding) -> Formulas:
    return Formulas(RoundingModes(mode, mode, mode, mode, mode))


def block(**expected: int) -> Amounts:
    """Return amounts of which only the named are not zero."""
    return Amounts(**expected)


def half(amount: int, tax_free: int = 0) -> DiscountTerms:
    return DiscountTerms("half", 50_000, amount, tax_free)


def five_percent() -> AdditionalFeeTerms:
    return AdditionalFeeTerms("pg", FeeTerms(rate=5_000), PARTNER)


TEN_PERCENT = contract(10_000)


class Story:
    """One order and the cancels that follow it."""

    def __init__(self, order: Order, terms: ContractTerms, formulas: Formulas | None = None) -> None:
        self.formulas = formulas or Formulas()
        self.original = Original(order, terms, compute_order(order, terms, formulas=self.formulas))
        self.cancels: list[Computed] = []

    def cancel(self, request: Cancel) -> Computed:
        self.cancels.append(compute_cancel(self.original, self.cancels, request, formulas=self.formulas))
        return self.cancels[-1]

    def left(self) -> Computed:
        return remaining(self.original.computed, self.cancels)


# Two goods, one of them tax-free, with a discount on the first and a fee on the whole.
MIXED_ORDER = Order(
    lines=(
        Line("P", 12_900, 0, 3, discounts=(DiscountTerms("launch", 30_000, 3_870),)),
        Line("Q", 7_700, 7_700, 2),
    ),
    fees=(AdditionalFeeTerms("pg", FeeTerms(rate=2_500), PARTNER),),
)
MIXED_CONTRACT = contract(8_800, subtract_payment_vat=True)

# A line with a discount and a fee, and the same again on the order as a whole.
LAYERED_ORDER = Order(
    lines=(Line("tea", 5_000, 0, 5, discounts=(half(2_500),), fees=(five_percent(),)),),
    discounts=(half(2_500),),
    fees=(five_percent(),),
)
LAYERED_CONTRACT = contract(10_000, vat=MERCHANT)


class TestOrders:
    def test_given_as_an_amount(self) -> None:
        assert compute_order(Order(10_000), TEN_PERCENT).amounts == block(
            order=10_000,
            payment=10_000,
            payment_vat=909,
            payment_supply=9_091,
            platform_fee=1_000,
            platform_fee_vat=100,
            settlement=8_900,
        )

    def test_given_as_lines(self) -> None:
        computed = compute_order(Order(lines=(Line("A", 2_000, 0, 5), Line("B", 4_000, 0, 1))), TEN_PERCENT)
        shown = [(a.order, a.platform_fee, a.platform_fee_vat, a.settlement) for a in blocks(computed)]
        assert shown == [(10_000, 1_000, 100, 8_900), (4_000, 400, 40, 3_560), (14_000, 1_400, 140, 12_460)]
        assert [line.quantity for line in computed.lines] == [5, 1]

    def test_with_a_shared_discount(self) -> None:
        computed = compute_order(Order(10_000, discounts=(half(2_000),)), TEN_PERCENT)
        assert computed.amounts == block(
            order=10_000,
            discount=2_000,
            discount_share=1_000,
            payment=8_000,
            payment_vat=727,
            payment_supply=7_273,
            platform_fee=1_000,
            platform_fee_vat=100,
            settlement=7_900,
        )
        assert [(item.policy_id, item.amount, item.share) for item in computed.discounts] == [("half", 2_000, 1_000)]
        paid_by_buyer, added_by_merchant = computed.amounts.payment, 1_000
        assert paid_by_buyer + added_by_merchant - 1_100 == computed.amounts.settlement

    def test_with_an_additional_fee(self) -> None:
        computed = compute_order(Order(10_000, fees=(five_percent(),)), TEN_PERCENT)
        assert [(fee.policy_id, fee.amount, fee.vat) for fee in computed.fees] == [("pg", 500, 50)]
        assert (computed.amounts.additional_fee, computed.amounts.additional_fee_vat) == (500, 50)
        assert computed.amounts.settlement == 8_350

    def test_with_discounts_and_fees_on_line_and_order(self) -> None:
        computed = compute_order(LAYERED_ORDER, LAYERED_CONTRACT)
        line, total = blocks(computed)
        assert line == block(
            order=25_000,
            discount=2_500,
            discount_share=1_250,
            payment=22_500,
            payment_vat=2_045,
            payment_supply=20_455,
            platform_fee=2_500,
            additional_fee=1_250,
            additional_fee_vat=125,
            settlement=19_875,
        )
        assert total == block(
            order=25_000,
            discount=5_000,
            discount_share=2_500,
            payment=20_000,
            payment_vat=1_818,
            payment_supply=18_182,
            platform_fee=2_500,
            additional_fee=2_500,
            additional_fee_vat=250,
            settlement=17_250,
        )
        assert [(item.amount, item.share) for item in computed.discount_totals] == [(5_000, 2_500)]
        assert [(fee.amount, fee.vat) for fee in computed.fees] == [(1_250, 125)]

    def test_with_tax_free_part_fixed_fees_and_vat_taken_out(self) -> None:
        fee = AdditionalFeeTerms("box", FeeTerms(amount=300), MERCHANT)
        order = Order(100_000, tax_free=40_000, discounts=(half(10_000, 4_000),), fees=(fee,))
        assert compute_order(order, contract(fixed=1_000, subtract_payment_vat=True)).amounts == block(
            order=100_000,
            order_tax_free=40_000,
            discount=10_000,
            discount_tax_free=4_000,
            discount_share=5_000,
            discount_share_tax_free=2_000,
            payment=90_000,
            payment_tax_free=36_000,
            payment_vat=4_909,
            payment_vat_burden=4_909,
            payment_supply=49_091,
            platform_fee=1_000,
            platform_fee_vat=100,
            additional_fee=300,
            settlement=88_691,
            settlement_tax_free=35_476,
        )

    @pytest.mark.parametrize(
        ("mode", "fee", "fee_vat", "payment_vat", "settlement"),
        [
            (Rounding.DOWN, 1_099, 109, 3_030, 32_125),
            (Rounding.UP, 1_100, 110, 3_031, 32_123),
            (Rounding.OFF, 1_100, 110, 3_030, 32_123),
        ],
    )
    def test_in_each_rounding_mode(
        self, mode: Rounding, fee: int, fee_vat: int, payment_vat: int, settlement: int
    ) -> None:
        amounts = compute_order(Order(33_333), contract(3_300), formulas=rounding(mode)).amounts
        assert (amounts.platform_fee, amounts.platform_fee_vat) == (fee, fee_vat)
        assert (amounts.payment_vat, amounts.settlement) == (payment_vat, settlement)

    def test_each_formula_has_its_own_mode(self) -> None:
        modes = RoundingModes(platform_fee=Rounding.UP, additional_fee=Rounding.OFF, vat=Rounding.UP)
        order = Order(101, discounts=(half(51),), fees=(five_percent(),))
        amounts = compute_order(order, TEN_PERCENT, formulas=Formulas(modes)).amounts
        assert (amounts.platform_fee, amounts.platform_fee_vat) == (11, 2)
        assert (amounts.additional_fee, amounts.additional_fee_vat, amounts.discount_share) == (5, 1, 25)

    def test_fees_round_line_by_line(self) -> None:
        computed = compute_order(Order(lines=(Line("A", 335, 0, 1), Line("B", 335, 0, 1))), TEN_PERCENT)
        assert [(line.amounts.platform_fee, line.amounts.platform_fee_vat) for line in computed.lines] == [(33, 3)] * 2
        amounts = computed.amounts
        assert (amounts.platform_fee, amounts.platform_fee_vat, amounts.settlement) == (66, 6, 598)

    def test_with_taxable_and_tax_free_goods(self) -> None:
        taxable, tax_free, total = blocks(compute_order(MIXED_ORDER, MIXED_CONTRACT))
        assert taxable == block(
            order=38_700,
            discount=3_870,
            discount_share=1_161,
            payment=34_830,
            payment_vat=3_166,
            payment_vat_burden=3_166,
            payment_supply=31_664,
            platform_fee=3_405,
            platform_fee_vat=340,
            settlement=30_628,
        )
        assert tax_free == block(
            order=15_400,
            order_tax_free=15_400,
            payment=15_400,
            payment_tax_free=15_400,
            platform_fee=1_355,
            platform_fee_vat=135,
            settlement=13_910,
            settlement_tax_free=13_910,
        )
        assert total == block(
            order=54_100,
            order_tax_free=15_400,
            discount=3_870,
            discount_share=1_161,
            payment=50_230,
            payment_tax_free=15_400,
            payment_vat=3_166,
            payment_vat_burden=3_166,
            payment_supply=31_664,
            platform_fee=4_760,
            platform_fee_vat=475,
            additional_fee=1_352,
            additional_fee_vat=135,
            settlement=43_051,
            settlement_tax_free=12_585,
        )

    def test_a_fixed_platform_fee_is_charged_once_and_spread_over_the_lines(self) -> None:
        lines = (Line("A", 1_000, 0, 1), Line("B", 1_000, 0, 2), Line("C", 1_000, 0, 3))
        computed = compute_order(Order(lines=lines), contract(fixed=1_000))
        assert [line.amounts.platform_fee for line in computed.lines] == [166, 333, 501]
        assert computed.amounts.platform_fee == 1_000

    def test_a_given_tax_free_total_leaves_the_lines_theirs(self) -> None:
        lines = (Line("A", 1_000, 1_000, 1), Line("B", 1_000, 0, 1))
        computed = compute_order(Order(lines=lines, tax_free=500), TEN_PERCENT)
        assert [line.amounts.order_tax_free for line in computed.lines] == [1_000, 0]
        assert computed.amounts.order_tax_free == 500
        assert computed.amounts.payment_vat == 1_500 // 11

    def test_fees_beyond_the_order_leave_the_partner_owing(self) -> None:
        assert compute_order(Order(500), contract(fixed=1_000)).amounts.settlement == -600

    def test_a_free_order_has_no_tax_free_settlement(self) -> None:
        assert compute_order(Order(0), contract(fixed=1_000)).amounts == block(
            platform_fee=1_000, platform_fee_vat=100, settlement=-1_100
        )

    def test_the_merchants_take_and_the_settlement_make_the_order(self) -> None:
        amounts = compute_order(MIXED_ORDER, MIXED_CONTRACT).amounts
        assert amounts.fee == 3_166 + 4_760 + 475 + 1_352 + 135 + 1_161
        assert amounts.settlement + amounts.fee == amounts.order


class TestVatInsideFees:
    @pytest.mark.parametrize(("fee", "inside"), [(1_100, 100), (1_000, 90), (11, 1), (10, 0), (0, 0), (-1_100, -100)])
    def test_is_ten_parts_of_a_hundred_and_ten(self, fee: int, inside: int) -> None:
        assert vat_inside(fee, MERCHANT) == inside
        assert vat_inside(fee, PARTNER) == 0

    def test_is_split_only_where_the_merchant_bears_it(self) -> None:
        box = AdditionalFeeTerms("box", FeeTerms(amount=330), MERCHANT)
        computed = compute_order(Order(10_000, fees=(five_percent(), box)), contract(10_000, vat=MERCHANT))
        assert computed.platform_fee_vat_inside == 90
        assert [(fee.policy_id, fee.vat, fee.vat_inside) for fee in computed.fee_totals] == [
            ("pg", 50, 0),
            ("box", 0, 30),
        ]

    def test_the_last_cancel_takes_the_rest(self) -> None:
        box = AdditionalFeeTerms("box", FeeTerms(rate=1_100), MERCHANT)
        story = Story(Order(10_001, fees=(box,)), contract(10_000, vat=MERCHANT))
        parts = [story.cancel(request) for request in (Cancel(3_333), Cancel(3_333), ONLY_ALL)]
        assert [part.platform_fee_vat_inside for part in parts] == [30, 30, 30]
        assert [part.fee_totals[0].vat_inside for part in parts] == [3, 3, 4]
        assert story.left().platform_fee_vat_inside == 0


class TestOwnFormulas:
    def test_a_merchant_may_replace_one(self) -> None:
        class FeeOnPayment(Formulas):
            def platform_fee(self, so_far: Amounts, fee: FeeTerms) -> int:
                return so_far.payment * fee.rate // 100_000

        order = Order(10_000, discounts=(half(2_000),))
        amounts = compute_order(order, TEN_PERCENT, formulas=FeeOnPayment()).amounts
        assert (amounts.platform_fee, amounts.platform_fee_vat, amounts.settlement) == (800, 80, 8_120)


class TestRefusedOrders:
    @pytest.mark.parametrize(
        ("order", "relation", "requested", "allowed"),
        [
            (Order(100, discounts=(half(101),)), Relation.DISCOUNT_OVER_ORDER, 101, 100),
            (Order(100, discounts=(half(60), DiscountTerms("b", 0, 60))), Relation.DISCOUNT_OVER_ORDER, 120, 100),
            (
                Order(100, tax_free=50, discounts=(half(10, 11),)),
                Relation.TAX_FREE_DISCOUNT_OVER_DISCOUNT,
                11,
                10,
            ),
            (
                Order(100, tax_free=5, discounts=(half(10, 6),)),
                Relation.TAX_FREE_DISCOUNT_OVER_TAX_FREE_ORDER,
                6,
                5,
            ),
            (Order(100, tax_free=95, discounts=(half(10, 4),)), Relation.TAX_FREE_PAYMENT_OVER_PAYMENT, 91, 90),
            (Order(100, tax_free=101), Relation.TAX_FREE_PAYMENT_OVER_PAYMENT, 101, 100),
        ],
    )
    def test_say_which_relation_broke(self, order: Order, relation: Relation, requested: int, allowed: int) -> None:
        with pytest.raises(AmountExceeded) as refused:
            compute_order(order, TEN_PERCENT)
        assert (refused.value.relation, refused.value.requested, refused.value.allowed) == (
            relation,
            requested,
            allowed,
        )
        assert refused.value.product_id is None
        assert str(requested) in str(refused.value)

    def test_name_the_line(self) -> None:
        with pytest.raises(AmountExceeded) as refused:
            compute_order(Order(lines=(Line("A", 100, 0, 1), Line("B", 5, 6, 2))), TEN_PERCENT)
        assert (refused.value.product_id, refused.value.requested, refused.value.allowed) == ("B", 12, 10)

    def test_bounds_may_be_touched(self) -> None:
        order = Order(100, tax_free=100, discounts=(half(100, 100),))
        assert compute_order(order, TEN_PERCENT).amounts.payment == 0

    @pytest.mark.parametrize("order", [Order(), Order(100, lines=(Line("A", 100, 0, 1),))])
    def test_are_given_in_exactly_one_way(self, order: Order) -> None:
        with pytest.raises(OrderDetailInvalid):
            compute_order(order, TEN_PERCENT)

    def test_name_each_product_once(self) -> None:
        with pytest.raises(ProductDuplicated) as refused:
            compute_order(Order(lines=(Line("A", 100, 0, 1), Line("A", 100, 0, 1))), TEN_PERCENT)
        assert refused.value.product_id == "A"

    def test_name_each_policy_once_in_a_list(self) -> None:
        with pytest.raises(PolicyDuplicated) as refused:
            compute_order(Order(lines=(Line("A", 100, 0, 1, discounts=(half(1), half(2))),)), TEN_PERCENT)
        assert (refused.value.policy_id, refused.value.product_id) == ("half", "A")
        with pytest.raises(PolicyDuplicated) as refused:
            compute_order(Order(100, fees=(five_percent(), five_percent())), TEN_PERCENT)
        assert (refused.value.policy_id, refused.value.product_id) == ("pg", None)

    @pytest.mark.parametrize(
        ("order", "field"),
        [
            (Order(-1), "order"),
            (Order(MAX_AMOUNT + 1), "order"),
            (Order(1, tax_free=-1), "order_tax_free"),
            (Order(lines=(Line("A", MAX_AMOUNT, 0, 2),)), "line_amount"),
            (Order(lines=(Line("A", MAX_AMOUNT, 0, 1), Line("B", 1, 0, 1))), "order"),
            (Order(lines=(Line("A", 1, 0, 0),)), "quantity"),
            (Order(lines=(Line("A", -1, 0, 1),)), "unit_amount"),
            (Order(lines=(Line("A", 1, -1, 1),)), "unit_tax_free"),
            (Order(1, discounts=(half(-1),)), "discount"),
            (Order(1, discounts=(half(1, -1),)), "discount_tax_free"),
        ],
    )
    def test_stay_within_bounds(self, order: Order, field: str) -> None:
        with pytest.raises(AmountOutOfRange) as refused:
            compute_order(order, TEN_PERCENT)
        assert refused.value.field == field

    def test_results_stay_within_bounds_too(self) -> None:
        fee = AdditionalFeeTerms("huge", FeeTerms(amount=MAX_AMOUNT), PARTNER)
        with pytest.raises(AmountOutOfRange):
            compute_order(Order(1, fees=(fee,)), TEN_PERCENT)


class TestCancelsOfAnAmount:
    def test_compute_like_a_smaller_order(self) -> None:
        amounts = Story(Order(10_000), TEN_PERCENT).cancel(Cancel(5_000)).amounts
        assert (amounts.platform_fee, amounts.platform_fee_vat, amounts.settlement) == (500, 50, 4_450)

    def test_the_last_one_takes_the_rest(self) -> None:
        story = Story(Order(10_001), TEN_PERCENT)
        assert story.original.computed.amounts.settlement == 8_901
        parts = [story.cancel(Cancel(amount)) for amount in (3_333, 3_333, 3_335)]
        assert [part.is_last for part in parts] == [False, False, True]
        assert [part.amounts.platform_fee for part in parts] == [333, 333, 334]
        assert [part.amounts.platform_fee_vat for part in parts] == [33, 33, 34]
        assert [part.amounts.payment_vat for part in parts] == [303, 303, 303]
        assert [part.amounts.settlement for part in parts] == [2_967, 2_967, 2_967]
        assert story.left().amounts == Amounts()

    def test_more_than_is_left_is_refused(self) -> None:
        story = Story(Order(10_001), TEN_PERCENT)
        story.cancel(Cancel(3_333))
        story.cancel(Cancel(3_333))
        with pytest.raises(CancellableAmountExceeded) as refused:
            story.cancel(Cancel(3_336))
        assert refused.value.amount_type is AmountType.SUPPLY_WITH_VAT
        assert (refused.value.cancellable, refused.value.requested) == (3_335, 3_336)

    @pytest.mark.parametrize("again", [Cancel(1), Cancel(0), ONLY_ALL])
    def test_after_the_last_one_nothing_is_left(self, again: Cancel) -> None:
        story = Story(Order(10_001), TEN_PERCENT)
        story.cancel(Cancel(10_001))
        with pytest.raises(AlreadyCancelled):
            story.cancel(again)

    def test_a_free_order_can_be_cancelled_once(self) -> None:
        story = Story(Order(0), contract(fixed=1_000))
        assert story.cancel(ONLY_ALL).amounts.settlement == -1_100
        with pytest.raises(AlreadyCancelled):
            story.cancel(ONLY_ALL)

    def test_fixed_fees_come_back_only_with_the_last_one(self) -> None:
        box = AdditionalFeeTerms("box", FeeTerms(amount=300), PARTNER)
        story = Story(Order(10_000, fees=(box, five_percent())), contract(fixed=1_000))
        first, last = story.cancel(Cancel(9_999)), story.cancel(ONLY_ALL)
        assert (first.amounts.platform_fee, first.amounts.additional_fee) == (0, 499)
        assert (last.amounts.platform_fee, last.amounts.platform_fee_vat) == (1_000, 100)
        assert [(fee.policy_id, fee.amount, fee.vat) for fee in last.fees] == [("box", 300, 30), ("pg", 1, 1)]

    def test_tax_free_part_is_none_unless_named(self) -> None:
        story = Story(Order(10_000, tax_free=4_000), TEN_PERCENT)
        assert story.cancel(Cancel(2_000)).amounts.order_tax_free == 0
        assert story.cancel(Cancel(2_000, tax_free=1_500)).amounts.order_tax_free == 1_500
        with pytest.raises(CancellableAmountExceeded) as refused:
            story.cancel(Cancel(3_000, tax_free=2_501))
        assert refused.value.amount_type is AmountType.TAX_FREE
        assert (refused.value.cancellable, refused.value.requested) == (2_500, 2_501)
        assert story.cancel(ONLY_ALL).amounts.order_tax_free == 2_500

    def test_the_last_one_is_held_to_the_tax_free_part_it_names(self) -> None:
        story = Story(Order(10_000, tax_free=4_000), TEN_PERCENT)
        with pytest.raises(CancellableAmountExceeded):
            story.cancel(Cancel(tax_free=4_001))
        assert story.cancel(Cancel(tax_free=1)).amounts.order_tax_free == 4_000

    def test_lines_cannot_be_named(self) -> None:
        with pytest.raises(OrderDetailMismatched):
            Story(Order(10_000), TEN_PERCENT).cancel(Cancel(lines=(CancelLine("A", 1),)))

    def test_one_way_of_naming_at_a_time(self) -> None:
        with pytest.raises(OrderDetailInvalid):
            Story(Order(10_000), TEN_PERCENT).cancel(Cancel(1, lines=(CancelLine("A", 1),)))

    def test_amounts_are_sizes(self) -> None:
        story = Story(Order(10_000, discounts=(half(100),)), TEN_PERCENT)
        for request in (
            Cancel(-1),
            Cancel(1, tax_free=-1),
            Cancel(discounts=(CancelDiscount("half", -1),)),
            Cancel(1, discounts=(CancelDiscount("half", 1, -1),)),
        ):
            with pytest.raises(AmountOutOfRange):
                story.cancel(request)


class TestCancelsOfDiscounts:
    def story(self) -> Story:
        order = Order(10_000, tax_free=5_000, discounts=(half(2_000, 1_000), DiscountTerms("own", 0, 500)))
        return Story(order, TEN_PERCENT)

    def test_give_back_what_is_named(self) -> None:
        story = self.story()
        part = story.cancel(Cancel(4_000, tax_free=2_000, discounts=(CancelDiscount("half", 999, 333),)))
        assert [asdict(item) for item in part.discounts] == [
            {"policy_id": "half", "amount": 999, "tax_free": 333, "share": 499, "share_tax_free": 166}
        ]
        left = {item.policy_id: (item.amount, item.share) for item in story.left().discounts}
        assert left == {"half": (1_001, 501), "own": (500, 0)}

    def test_the_last_one_gives_back_all_whatever_it_names(self) -> None:
        story = self.story()
        story.cancel(Cancel(4_000, discounts=(CancelDiscount("half", 999),)))
        last = story.cancel(Cancel(6_000, discounts=(CancelDiscount("own", 1),)))
        assert [(item.policy_id, item.amount, item.share) for item in last.discounts] == [
            ("half", 1_001, 501),
            ("own", 500, 0),
        ]

    def test_what_came_back_earlier_is_not_listed_again(self) -> None:
        story = self.story()
        story.cancel(Cancel(4_000, discounts=(CancelDiscount("own", 500),)))
        assert [item.policy_id for item in story.cancel(ONLY_ALL).discounts] == ["half"]

    @pytest.mark.parametrize("amount", [4_000, 10_000, None])
    def test_are_refused_beyond_what_is_left(self, amount: int | None) -> None:
        with pytest.raises(CancellableDiscountExceeded) as refused:
            self.story().cancel(Cancel(amount, discounts=(CancelDiscount("half", 2_001),)))
        assert (refused.value.policy_id, refused.value.tax_free) == ("half", False)
        assert (refused.value.cancellable, refused.value.requested, refused.value.product_id) == (2_000, 2_001, None)
        with pytest.raises(CancellableDiscountExceeded) as refused:
            self.story().cancel(Cancel(amount, discounts=(CancelDiscount("half", 2_000, 1_001),)))
        assert (refused.value.tax_free, refused.value.cancellable, refused.value.requested) == (True, 1_000, 1_001)

    @pytest.mark.parametrize("amount", [4_000, None])
    def test_name_discounts_of_the_original_once(self, amount: int | None) -> None:
        with pytest.raises(DiscountPolicyNotFound) as unknown:
            self.story().cancel(Cancel(amount, discounts=(CancelDiscount("other", 1),)))
        assert (unknown.value.policy_id, unknown.value.product_id) == ("other", None)
        twice = (CancelDiscount("half", 1), CancelDiscount("half", 1))
        with pytest.raises(PolicyDuplicated) as duplicated:
            self.story().cancel(Cancel(amount, discounts=twice))
        assert duplicated.value.policy_id == "half"

    def test_keep_the_relations_of_an_order(self) -> None:
        named = (CancelDiscount("half", 2_000, 1_000),)
        for request, relation in (
            (Cancel(1_999, discounts=named), Relation.DISCOUNT_OVER_ORDER),
            (Cancel(5_000, discounts=(CancelDiscount("half", 1, 2),)), Relation.TAX_FREE_DISCOUNT_OVER_DISCOUNT),
            (Cancel(5_000, tax_free=999, discounts=named), Relation.TAX_FREE_DISCOUNT_OVER_TAX_FREE_ORDER),
            (Cancel(2_500, tax_free=2_500, discounts=named), Relation.TAX_FREE_PAYMENT_OVER_PAYMENT),
            (Cancel(discounts=(CancelDiscount("half", 1, 2),)), Relation.TAX_FREE_DISCOUNT_OVER_DISCOUNT),
        ):
            with pytest.raises(AmountExceeded) as refused:
                self.story().cancel(request)
            assert refused.value.relation is relation

    def test_the_rest_may_be_all_discount(self) -> None:
        story = self.story()
        story.cancel(Cancel(9_000))
        last = story.cancel(ONLY_ALL)
        assert (last.amounts.order, last.amounts.discount, last.amounts.payment) == (1_000, 2_500, -1_500)
        assert story.left().amounts == Amounts()


class TestCancelsOfLines:
    def test_compute_like_smaller_lines(self) -> None:
        story = Story(Order(lines=(Line("A", 2_000, 0, 5), Line("B", 4_000, 0, 1))), TEN_PERCENT)
        part = story.cancel(Cancel(lines=(CancelLine("A", 2),)))
        assert [(line.product_id, line.quantity) for line in part.lines] == [("A", 2)]
        amounts = part.amounts
        assert (amounts.platform_fee, amounts.platform_fee_vat, amounts.settlement) == (400, 40, 3_560)

    def test_with_discounts_and_fees_on_both_levels(self) -> None:
        story = Story(LAYERED_ORDER, LAYERED_CONTRACT)
        line = CancelLine("tea", 2, discounts=(CancelDiscount("half", 1_000),))
        part = story.cancel(Cancel(lines=(line,), discounts=(CancelDiscount("half", 1_000),)))
        of_line, total = blocks(part)
        assert of_line == block(
            order=10_000,
            discount=1_000,
            discount_share=500,
            payment=9_000,
            payment_vat=818,
            payment_supply=8_182,
            platform_fee=1_000,
            additional_fee=500,
            additional_fee_vat=50,
            settlement=7_950,
        )
        assert total == block(
            order=10_000,
            discount=2_000,
            discount_share=1_000,
            payment=8_000,
            payment_vat=727,
            payment_supply=7_273,
            platform_fee=1_000,
            additional_fee=1_000,
            additional_fee_vat=100,
            settlement=6_900,
        )
        left = story.left()
        assert (left.amounts.settlement, left.lines[0].quantity) == (10_350, 3)
        assert (left.lines[0].discounts[0].amount, left.discounts[0].amount) == (1_500, 1_500)
        too_much = CancelLine("tea", 1, discounts=(CancelDiscount("half", 1_600),))
        with pytest.raises(CancellableDiscountExceeded) as refused:
            story.cancel(Cancel(lines=(too_much,)))
        assert (refused.value.product_id, refused.value.cancellable) == ("tea", 1_500)

    def test_in_two_steps_leave_nothing(self) -> None:
        story = Story(MIXED_ORDER, MIXED_CONTRACT)
        line = CancelLine("P", 1, discounts=(CancelDiscount("launch", 1_290),))
        assert story.cancel(Cancel(lines=(line,))).amounts == block(
            order=12_900,
            discount=1_290,
            discount_share=387,
            payment=11_610,
            payment_vat=1_055,
            payment_vat_burden=1_055,
            payment_supply=10_555,
            platform_fee=1_135,
            platform_fee_vat=113,
            additional_fee=322,
            additional_fee_vat=32,
            settlement=9_856,
        )
        rest = story.cancel(ONLY_ALL)
        assert rest.amounts == block(
            order=41_200,
            order_tax_free=15_400,
            discount=2_580,
            discount_share=774,
            payment=38_620,
            payment_tax_free=15_400,
            payment_vat=2_111,
            payment_vat_burden=2_111,
            payment_supply=21_109,
            platform_fee=3_625,
            platform_fee_vat=362,
            additional_fee=1_030,
            additional_fee_vat=103,
            settlement=33_195,
            settlement_tax_free=12_585,
        )
        assert [(item.product_id, item.quantity) for item in rest.lines] == [("P", 2), ("Q", 2)]
        assert story.left().amounts == Amounts()
        with pytest.raises(AlreadyCancelled):
            story.cancel(ONLY_ALL)

    def test_an_emptied_line_gives_back_its_discounts_computed_afresh(self) -> None:
        lines = (Line("A", 500, 0, 2, discounts=(half(333),)), Line("B", 500, 0, 1))
        story = Story(Order(lines=lines), TEN_PERCENT)
        story.cancel(Cancel(lines=(CancelLine("A", 1, discounts=(CancelDiscount("half", 111),)),)))
        emptied = story.cancel(Cancel(lines=(CancelLine("A", 1),)))
        assert not emptied.is_last
        assert [(item.amount, item.share) for item in emptied.lines[0].discounts] == [(222, 111)]
        assert story.left().lines[0].discounts[0].share == 0
        assert story.cancel(ONLY_ALL).lines[0].product_id == "B"

    def test_a_share_lost_by_rounding_an_emptied_line_comes_back_at_the_end(self) -> None:
        lines = (Line("A", 500, 0, 2, discounts=(half(332),)), Line("B", 500, 0, 1))
        story = Story(Order(lines=lines), TEN_PERCENT)
        story.cancel(Cancel(lines=(CancelLine("A", 1, discounts=(CancelDiscount("half", 111),)),)))
        story.cancel(Cancel(lines=(CancelLine("A", 1),)))
        last = story.cancel(ONLY_ALL)
        assert last.amounts.discount_share == 1
        assert [(item.policy_id, item.amount, item.share) for item in last.discount_totals] == [("half", 0, 1)]

    def test_free_pieces_left_over_keep_the_order_open(self) -> None:
        story = Story(Order(lines=(Line("A", 1_000, 0, 1), Line("gift", 0, 0, 1))), contract(fixed=300))
        first = story.cancel(Cancel(lines=(CancelLine("A", 1),)))
        assert (first.is_last, first.amounts.platform_fee) == (False, 0)
        last = story.cancel(Cancel(lines=(CancelLine("gift", 1),)))
        assert (last.is_last, last.amounts.platform_fee) == (True, 300)

    def test_tax_free_parts_of_lines_may_exceed_a_smaller_total(self) -> None:
        lines = (Line("A", 1_000, 1_000, 1), Line("B", 1_000, 0, 1))
        story = Story(Order(lines=lines, tax_free=500), TEN_PERCENT)
        with pytest.raises(CancellableAmountExceeded) as refused:
            story.cancel(Cancel(lines=(CancelLine("A", 1),)))
        assert (refused.value.amount_type, refused.value.cancellable) == (AmountType.TAX_FREE, 500)
        story.cancel(Cancel(lines=(CancelLine("B", 1),)))
        assert story.cancel(ONLY_ALL).amounts.order_tax_free == 500

    def test_the_tax_free_part_of_lines_can_be_given(self) -> None:
        lines = (Line("A", 1_000, 1_000, 1), Line("B", 1_000, 0, 1))
        story = Story(Order(lines=lines, tax_free=500), TEN_PERCENT)
        assert story.cancel(Cancel(lines=(CancelLine("A", 1),), tax_free=400)).amounts.order_tax_free == 400
        assert story.cancel(ONLY_ALL).amounts.order_tax_free == 100

    def test_fixed_fees_of_lines_come_back_only_with_the_last_one(self) -> None:
        box = AdditionalFeeTerms("box", FeeTerms(amount=300), PARTNER)
        lines = (Line("A", 1_000, 0, 1, fees=(box,)), Line("B", 1_000, 0, 1))
        story = Story(Order(lines=lines), TEN_PERCENT)
        emptied = story.cancel(Cancel(lines=(CancelLine("A", 1),)))
        assert (emptied.amounts.additional_fee, emptied.amounts.additional_fee_vat) == (0, 0)
        last = story.cancel(ONLY_ALL)
        assert (last.amounts.additional_fee, last.amounts.additional_fee_vat) == (300, 30)
        assert [(fee.policy_id, fee.amount) for fee in last.fee_totals] == [("box", 300)]

    @pytest.mark.parametrize(
        ("named", "refusal"),
        [
            ((CancelLine("A", 6),), CancellableQuantityExceeded("A", 6, 5)),
            ((CancelLine("X", 1),), ProductNotFound("X")),
            ((CancelLine("A", 1), CancelLine("A", 1)), ProductDuplicated("A")),
            ((CancelLine("A", 1, (CancelDiscount("half", 1),)),), DiscountPolicyNotFound("half", "A")),
            ((), OrderDetailInvalid()),
        ],
    )
    def test_are_refused_when_they_name_what_is_not_there(
        self, named: tuple[CancelLine, ...], refusal: Refused
    ) -> None:
        story = Story(Order(lines=(Line("A", 2_000, 0, 5), Line("B", 1, 0, 1))), TEN_PERCENT)
        with pytest.raises(type(refusal)) as refused:
            story.cancel(Cancel(lines=named))
        assert repr(refused.value) == repr(refusal)

    def test_need_at_least_one_piece(self) -> None:
        story = Story(Order(lines=(Line("A", 100, 0, 1), Line("B", 100, 0, 1))), TEN_PERCENT)
        story.cancel(Cancel(lines=(CancelLine("A", 1),)))
        with pytest.raises(AmountOutOfRange):
            story.cancel(Cancel(lines=(CancelLine("A", 0), CancelLine("B", 1))))

    def test_an_amount_cannot_be_named(self) -> None:
        with pytest.raises(OrderDetailMismatched):
            Story(MIXED_ORDER, MIXED_CONTRACT).cancel(Cancel(1_000))


# ---- any order, any sequence of cancels -----------------------------------------------------------------------------

POLICIES = ("a", "b", "c")
prices = st.integers(0, 60_000)
rates = st.sampled_from([0, 1, 333, 3_300, 8_800, 10_000, 33_333, 50_000, 99_999, 100_000])
payers = st.sampled_from(Payer)
fee_terms = st.one_of(st.builds(FeeTerms, rate=rates), st.builds(FeeTerms, amount=st.integers(0, 5_000)))
contracts = st.builds(ContractTerms, fee_terms, payers, st.booleans(), st.just(MONTH_END))
formula_sets = st.builds(Formulas, st.builds(RoundingModes, *(st.sampled_from(Rounding) for _ in range(5))))


@st.composite
def discount_lists(draw: st.DrawFn, order: int, tax_free: int) -> tuple[DiscountTerms, ...]:
    """Draw discounts that leave every relation whole: neither part of the order is discounted below zero."""
    taxable, found = order - tax_free, []
    for policy in draw(st.lists(st.sampled_from(POLICIES), unique=True, max_size=3)):
        free, rest = draw(st.integers(0, tax_free)), draw(st.integers(0, taxable))
        tax_free, taxable = tax_free - free, taxable - rest
        found.append(DiscountTerms(policy, draw(rates), free + rest, free))
    return tuple(found)


fee_lists = st.lists(st.builds(AdditionalFeeTerms, st.sampled_from(POLICIES), fee_terms, payers), max_size=3).map(
    lambda fees: tuple({fee.policy_id: fee for fee in fees}.values())
)


@st.composite
def amount_orders(draw: st.DrawFn) -> Order:
    order = draw(st.integers(0, 200_000))
    tax_free = draw(st.integers(0, order))
    return Order(order, tax_free=tax_free, discounts=draw(discount_lists(order, tax_free)), fees=draw(fee_lists))


@st.composite
def order_lines(draw: st.DrawFn, product_id: str) -> Line:
    unit = draw(prices)
    line = Line(product_id, unit, draw(st.sampled_from([0, unit, unit // 3])), draw(st.integers(1, 4)))
    return replace(line, discounts=draw(discount_lists(line.order, line.order_tax_free)), fees=draw(fee_lists))


@st.composite
def line_orders(draw: st.DrawFn) -> Order:
    lines = tuple(draw(order_lines(f"p{number}")) for number in range(draw(st.integers(1, 4))))
    order = Order(lines=lines, fees=draw(fee_lists))
    taken = [item for line in lines for item in line.discounts]
    free = order.total_tax_free - sum(item.tax_free for item in taken)
    return replace(order, discounts=draw(discount_lists(order.total - sum(item.amount for item in taken), free)))


@st.composite
def requests(draw: st.DrawFn, order: Order, left: Computed) -> Cancel:
    """Draw a cancel that stays within what is left, though it may still break a relation."""
    if order.lines:
        named = [line for line in left.lines if line.quantity and draw(st.booleans())]
        return Cancel(
            lines=tuple(
                CancelLine(
                    line.product_id, draw(st.integers(1, line.quantity)), tuple(draw(named_discounts(line.discounts)))
                )
                for line in named
            )
            or None,
            discounts=tuple(draw(named_discounts(left.discounts))),
        )
    amount = draw(st.integers(0, left.amounts.order))
    tax_free = draw(st.none() | st.integers(0, min(amount, left.amounts.order_tax_free)))
    return Cancel(amount, tax_free=tax_free, discounts=tuple(draw(named_discounts(left.discounts))))


@st.composite
def named_discounts(draw: st.DrawFn, left: tuple[ComputedDiscount, ...]) -> list[CancelDiscount]:
    named = [item for item in left if draw(st.booleans())]
    return [
        CancelDiscount(i.policy_id, draw(st.integers(0, i.amount)), draw(st.integers(0, i.tax_free))) for i in named
    ]


def play(data: st.DataObject, story: Story) -> None:
    """Cancel a few parts as they come, then the rest."""
    for _ in range(data.draw(st.integers(0, 4))):
        if story.cancels and story.cancels[-1].is_last:
            return
        try:
            story.cancel(data.draw(requests(story.original.order, story.left())))
        except AmountExceeded:
            continue
    if not (story.cancels and story.cancels[-1].is_last):
        story.cancel(ONLY_ALL)


class TestAnyOrder:
    @settings(deadline=None)
    @given(st.data(), amount_orders() | line_orders(), contracts, formula_sets)
    def test_nets_to_zero_with_its_cancels(
        self, data: st.DataObject, order: Order, terms: ContractTerms, formulas: Formulas
    ) -> None:
        story = Story(order, terms, formulas)
        play(data, story)
        left = story.left()
        assert left.amounts == Amounts()
        assert left.platform_fee_vat_inside == 0
        assert all(item.is_zero for item in (*left.discount_totals, *left.fee_totals, *left.discounts, *left.fees))
        assert not any(line.quantity for line in left.lines)
        with pytest.raises(AlreadyCancelled):
            story.cancel(ONLY_ALL)

    @settings(deadline=None)
    @given(st.data(), amount_orders() | line_orders(), contracts, formula_sets)
    def test_keeps_its_identities_order_and_cancel_alike(
        self, data: st.DataObject, order: Order, terms: ContractTerms, formulas: Formulas
    ) -> None:
        story = Story(order, terms, formulas)
        play(data, story)
        for computed in (story.original.computed, *story.cancels):
            for amounts in blocks(computed):
                assert amounts.settlement + amounts.fee == amounts.order
                assert amounts.payment + amounts.discount == amounts.order
                assert amounts.payment_tax_free + amounts.discount_tax_free == amounts.order_tax_free
                assert amounts.payment_supply + amounts.payment_vat + amounts.payment_tax_free == amounts.payment
                assert amounts.payment_vat_burden in {0, amounts.payment_vat}
            assert sum(item.share for item in computed.discount_totals) == computed.amounts.discount_share
            assert sum(item.amount for item in computed.fee_totals) == computed.amounts.additional_fee
            assert sum(item.vat for item in computed.fee_totals) == computed.amounts.additional_fee_vat

    @settings(deadline=None)
    @given(line_orders(), contracts, formula_sets)
    def test_totals_add_up_its_lines_and_its_own_policies(
        self, order: Order, terms: ContractTerms, formulas: Formulas
    ) -> None:
        computed = compute_order(order, terms, formulas=formulas)
        lines, total = [line.amounts for line in computed.lines], computed.amounts
        for name in ("order", "order_tax_free", "platform_fee", "platform_fee_vat"):
            assert getattr(total, name) == sum(getattr(amounts, name) for amounts in lines)
        assert total.discount == sum(a.discount for a in lines) + sum(item.amount for item in computed.discounts)
        assert total.discount_share == sum(a.discount_share for a in lines) + sum(i.share for i in computed.discounts)
        assert total.additional_fee == sum(a.additional_fee for a in lines) + sum(fee.amount for fee in computed.fees)


def blocks(computed: Computed) -> list[Amounts]:
    """Return the amounts of each line, then the total."""
    return [*(line.amounts for line in computed.lines), computed.amounts]
