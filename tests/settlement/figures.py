"""Orders, contracts and fees that tests of the calculation share."""

from core.money import Rounding
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
    Payer,
    RoundingModes,
)

PARTNER, MERCHANT = Payer.PARTNER, Payer.MERCHANT
MONTH_END = Cycle(2, CycleMethod.MONTHLY, DatePolicy.HOLIDAY_BEFORE, days_of_month=(31,))


def contract(
    rate: int = 0, *, fixed: int = 0, vat: Payer = PARTNER, subtract_payment_vat: bool = False
) -> ContractTerms:
    """Return the terms of a contract settled at the end of the month."""
    return ContractTerms(FeeTerms(rate, fixed), vat, subtract_payment_vat, MONTH_END)


def rounding(mode: Rounding) -> Formulas:
    """Return the default formulas, all rounded in one way."""
    return Formulas(RoundingModes(mode, mode, mode, mode, mode))


def block(**expected: int) -> Amounts:
    """Return amounts of which only the named are not zero."""
    return Amounts(**expected)


def blocks(computed: Computed) -> list[Amounts]:
    """Return the amounts of each line, then the total."""
    return [*(line.amounts for line in computed.lines), computed.amounts]


def half(amount: int, tax_free: int = 0) -> DiscountTerms:
    """Return a discount of which the partner bears half."""
    return DiscountTerms("half", 50_000, amount, tax_free)


def five_percent() -> AdditionalFeeTerms:
    """Return an additional fee of 5 %, VAT by the partner."""
    return AdditionalFeeTerms("pg", FeeTerms(rate=5_000), PARTNER)


TEN_PERCENT = contract(10_000)


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
