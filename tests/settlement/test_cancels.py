"""Promise: an order with all its cancels nets to zero in every field, however it is computed."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money import AmountOutOfRange, Rounding
from ledger.chart import Code
from settlement.calculation import ParameterValue, merchant_formulas
from settlement.cancels import Cancel, CancelDiscount, CancelLine, compute_cancel, remaining
from settlement.fees import (
    AdditionalFeeTerms,
    AlreadyCancelled,
    AmountExceeded,
    Amounts,
    AmountType,
    CancellableAmountExceeded,
    CancellableDiscountExceeded,
    CancellableQuantityExceeded,
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
    compute_order,
)
from settlement.formulas import PLACES, REPLACEABLE, VARIABLES, OwnFormula, Place, known_from, problems
from settlement.legs import cancel_legs, order_legs
from tests.settlement.figures import (
    LAYERED_CONTRACT,
    LAYERED_ORDER,
    MERCHANT,
    MIXED_CONTRACT,
    MIXED_ORDER,
    MONTH_END,
    PARTNER,
    TEN_PERCENT,
    block,
    blocks,
    contract,
    five_percent,
    half,
)

ONLY_ALL = Cancel()


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


class TestVatInsideFees:
    def test_the_last_cancel_takes_the_rest(self) -> None:
        box = AdditionalFeeTerms("box", FeeTerms(rate=1_100), MERCHANT)
        story = Story(Order(10_001, fees=(box,)), contract(10_000, vat=MERCHANT))
        parts = [story.cancel(request) for request in (Cancel(3_333), Cancel(3_333), ONLY_ALL)]
        assert [part.platform_fee_vat_inside for part in parts] == [30, 30, 30]
        assert [part.fee_totals[0].vat_inside for part in parts] == [3, 3, 4]
        assert story.left().platform_fee_vat_inside == 0


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


@st.composite
def expressions(draw: st.DrawFn, names: Sequence[str]) -> str:
    """Draw an expression over these variables."""
    terms = []
    for _ in range(draw(st.integers(1, 3))):
        name, factor = draw(st.sampled_from(names)), draw(st.sampled_from(["", " * 0.033", " * 2", " * -0.5", " + 7"]))
        term = f"{name}{factor}"
        terms.append(draw(st.sampled_from(["{}", "({})", "ROUND({})", "ROUND_UP({})", "-ROUND_DOWN({})"])).format(term))
    return draw(st.sampled_from([" + ", " - "])).join(terms)


@st.composite
def merchant_calculations(draw: st.DrawFn) -> Formulas:
    """Draw a calculation with replaced formulas, own ones and a parameter."""
    own: list[OwnFormula] = []
    for number in range(draw(st.integers(0, 4))):
        names = [*VARIABLES[Place.OWN], "rate", *(item.key for item in own)]
        own.append(OwnFormula(f"own{number}", "", draw(expressions(names)), draw(st.sampled_from(Rounding))))
    ready = known_from(own)
    replaced = {}
    for place in draw(st.lists(st.sampled_from(REPLACEABLE), unique=True)):
        usable = [key for key, known in ready.items() if PLACES.index(known) <= PLACES.index(place)]
        replaced[place] = draw(expressions([*VARIABLES[place], "rate", *usable]))
    assert not problems(replaced, own, ["rate"])
    rounding = draw(st.builds(RoundingModes, *(st.sampled_from(Rounding) for _ in range(5))))
    value = ParameterValue(draw(st.integers(-99_999, 99_999)), draw(st.integers(0, 5)))
    return merchant_formulas(rounding, replaced, own, {"rate": value})


class TestAnyOrder:
    @settings(deadline=None)
    @given(st.data(), amount_orders() | line_orders(), contracts, formula_sets | merchant_calculations())
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
        assert not any(left.own.values())
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
    @given(st.data(), amount_orders() | line_orders(), contracts, merchant_calculations())
    def test_a_merchants_calculation_balances_its_books(
        self, data: st.DataObject, order: Order, terms: ContractTerms, formulas: Formulas
    ) -> None:
        story = Story(order, terms, formulas)
        play(data, story)
        for legs in (order_legs(story.original.computed), *map(cancel_legs, story.cancels)):
            assert sum(leg.amount for leg in legs) == 0
        for computed in (story.original.computed, *story.cancels):
            amounts, kept = computed.amounts, computed.own.keys()
            adjusted = sum(leg.amount for leg in order_legs(computed) if leg.code is Code.FORMULA_ADJUSTMENT)
            assert adjusted == amounts.settlement + amounts.fee - amounts.order
            assert all(line.own.keys() == kept for line in computed.lines)

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


class TestOwnFormulas:
    # A fee on what was paid, a bonus of 2 % that a parameter sets, and two results of the merchant's own.
    CALCULATION = merchant_formulas(
        RoundingModes(),
        {
            Place.PLATFORM_FEE: "PAYMENT_AMOUNT * FIXED_RATE",
            Place.SETTLEMENT: "ORDER_AMOUNT - PLATFORM_FEE - PLATFORM_DISCOUNT_SHARE + bonus",
        },
        [
            OwnFormula("bonus", "보너스", "ORDER_AMOUNT * bonus_rate", Rounding.UP),
            OwnFormula("kept", "남은 돈", "PAYMENT_AMOUNT - SETTLEMENT_AMOUNT", Rounding.OFF),
        ],
        {"bonus_rate": ParameterValue(2, 2)},
    )

    def test_are_computed_with_the_order(self) -> None:
        order = Order(10_001, discounts=(half(2_000),))
        computed = compute_order(order, TEN_PERCENT, formulas=self.CALCULATION)
        # 8,001 x 10 % = 800, VAT 80; bonus 200.02 goes up to 201; 10,001 - 880 - 1,000 + 201.
        assert (computed.amounts.platform_fee, computed.amounts.settlement) == (800, 8_322)
        assert computed.own == {"bonus": 201, "kept": 8_001 - 8_322}

    def test_each_line_has_results_of_its_own(self) -> None:
        lines = (Line("A", 335, 0, 1), Line("B", 335, 0, 1))
        computed = compute_order(Order(lines=lines), TEN_PERCENT, formulas=self.CALCULATION)
        assert [line.own["bonus"] for line in computed.lines] == [7, 7]
        assert computed.own["bonus"] == 14

    def test_the_last_cancel_takes_the_rest_of_them(self) -> None:
        story = Story(Order(10_001), TEN_PERCENT, self.CALCULATION)
        parts = [story.cancel(request) for request in (Cancel(3_333), Cancel(3_333), ONLY_ALL)]
        assert [part.own["bonus"] for part in parts] == [67, 67, 67]
        assert story.original.computed.own["bonus"] == 201
        assert not any(story.left().own.values())
