"""Promise: every won of an order is accounted for, by the formulas as they are written down."""

import pytest

from core.money import MAX_AMOUNT, AmountOutOfRange, Rounding
from settlement.fees import (
    AdditionalFeeTerms,
    AmountExceeded,
    Amounts,
    DiscountTerms,
    FeeTerms,
    Formulas,
    Line,
    Order,
    OrderDetailInvalid,
    PolicyDuplicated,
    ProductDuplicated,
    Relation,
    RoundingModes,
    compute_order,
    vat_inside,
)
from tests.settlement.figures import (
    LAYERED_CONTRACT,
    LAYERED_ORDER,
    MERCHANT,
    MIXED_CONTRACT,
    MIXED_ORDER,
    PARTNER,
    TEN_PERCENT,
    block,
    blocks,
    contract,
    five_percent,
    half,
    rounding,
)


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
