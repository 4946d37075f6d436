"""Promise: what leaves the bank is the settlement, plus the VAT it lacks, less exactly the tax the law withholds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money import MAX_AMOUNT, Rounding
from payouts.amounts import (
    PartnerType,
    PayoutAmounts,
    PayoutTerms,
    SettlementAmount,
    SettlementAmountType,
    SettlementType,
    TaxationType,
    payout_amounts,
    withholding,
)

ORDER, CANCEL, MANUAL = SettlementType.ORDER, SettlementType.ORDER_CANCEL, SettlementType.MANUAL
GROSS, NET = SettlementAmountType.GROSS, SettlementAmountType.NET
FREELANCER = PayoutTerms(PartnerType.WHT_PAYER)
PERSON = PayoutTerms(PartnerType.NON_WHT_PAYER)
EXEMPT = TaxationType.TAX_FREE
TAXABLE = [kind for kind in TaxationType if kind is not EXEMPT]


def business(
    amount_type: SettlementAmountType, taxation: TaxationType = TaxationType.NORMAL, mode: Rounding = Rounding.DOWN
) -> PayoutTerms:
    return PayoutTerms(PartnerType.BUSINESS, taxation, amount_type, vat_rounding=mode)


def run(tax_free: int = 0) -> list[SettlementAmount]:
    """Two orders, a cancel and a deduction that come to 11,350."""
    return [
        SettlementAmount(ORDER, 8_900, tax_free),
        SettlementAmount(ORDER, 7_900),
        SettlementAmount(CANCEL, 4_450),
        SettlementAmount(MANUAL, -1_000),
    ]


def manual(amount: int, tax_free: int = 0) -> list[SettlementAmount]:
    return [SettlementAmount(MANUAL, amount, tax_free)]


class TestTaxableBusiness:
    @pytest.mark.parametrize(
        ("amount_type", "tax_free", "vat", "supply", "amount"),
        [
            (GROSS, 0, 1_031, 10_319, 11_350),
            (NET, 0, 1_135, 11_350, 12_485),
            (GROSS, 2_350, 818, 8_182, 11_350),
            (NET, 2_350, 900, 9_000, 12_250),
        ],
    )
    def test_is_paid_gross_or_net_of_vat(
        self, amount_type: SettlementAmountType, tax_free: int, vat: int, supply: int, amount: int
    ) -> None:
        for taxation in TAXABLE:
            assert payout_amounts(run(tax_free), business(amount_type, taxation)) == PayoutAmounts(
                settlement_amount=11_350,
                settlement_tax_free_amount=tax_free,
                supply_amount=supply,
                tax_free_amount=tax_free,
                vat_amount=vat,
                income_tax_amount=0,
                local_income_tax_amount=0,
                amount=amount,
            )

    @pytest.mark.parametrize(
        ("mode", "gross_vat", "net_vat"), [(Rounding.DOWN, 9, 10), (Rounding.UP, 10, 11), (Rounding.OFF, 10, 11)]
    )
    def test_vat_follows_its_rounding_mode(self, mode: Rounding, gross_vat: int, net_vat: int) -> None:
        assert payout_amounts(manual(105), business(GROSS, mode=mode)).vat_amount == gross_vat
        assert payout_amounts(manual(105), business(NET, mode=mode)).vat_amount == net_vat

    def test_a_negative_taxable_part_has_negative_vat(self) -> None:
        amounts = payout_amounts(manual(100, 1_205), business(NET))
        assert (amounts.supply_amount, amounts.vat_amount, amounts.amount) == (-1_105, -110, -10)

    def test_a_cancel_takes_its_tax_free_part_back(self) -> None:
        rows = [SettlementAmount(ORDER, 10_000, 4_000), SettlementAmount(CANCEL, 2_000, 1_500)]
        assert payout_amounts(rows, business(GROSS)).settlement_tax_free_amount == 2_500


class TestPartnersWithoutVat:
    @pytest.mark.parametrize("amount_type", [GROSS, NET])
    def test_an_exempt_business_is_all_tax_free(self, amount_type: SettlementAmountType) -> None:
        amounts = payout_amounts(run(2_350), business(amount_type, EXEMPT))
        assert (amounts.supply_amount, amounts.tax_free_amount, amounts.vat_amount) == (0, 11_350, 0)
        assert (amounts.settlement_tax_free_amount, amounts.amount) == (2_350, 11_350)

    @pytest.mark.parametrize("amount_type", [GROSS, NET])
    def test_a_person_has_supply_and_tax_free_part(self, amount_type: SettlementAmountType) -> None:
        terms = PayoutTerms(PartnerType.NON_WHT_PAYER, settlement_amount_type=amount_type)
        amounts = payout_amounts(run(2_350), terms)
        assert (amounts.supply_amount, amounts.tax_free_amount, amounts.vat_amount) == (9_000, 2_350, 0)
        assert (amounts.amount, amounts.withheld) == (11_350, 0)


WITHHOLDING = [
    (6_889, 200, 20, 6_669),
    (3_440, 100, 10, 3_330),
    (14_669, 440, 40, 14_189),
    (1_000_000, 30_000, 3_000, 967_000),
    (985_331, 29_550, 2_950, 952_831),
    (123_456, 3_700, 370, 119_386),
    (33_333, 990, 90, 32_253),
    (200_000, 6_000, 600, 193_400),
    (333, 0, 0, 333),
    (334, 10, 0, 324),
    (0, 0, 0, 0),
    (-590, 0, 0, -590),
]


class TestWithholding:
    @pytest.mark.parametrize(("earned", "income_tax", "local_tax", "paid"), WITHHOLDING)
    def test_cuts_both_taxes_below_ten_won(self, earned: int, income_tax: int, local_tax: int, paid: int) -> None:
        amounts = payout_amounts(manual(earned), FREELANCER)
        assert withholding(earned) == (income_tax, local_tax)
        assert (amounts.income_tax_amount, amounts.local_income_tax_amount) == (income_tax, local_tax)
        assert (amounts.amount, amounts.withheld) == (paid, income_tax + local_tax)
        assert (amounts.supply_amount, amounts.vat_amount) == (earned, 0)

    def test_is_taken_once_on_the_total(self) -> None:
        rows = [
            SettlementAmount(ORDER, 21_360),
            SettlementAmount(CANCEL, 4_450),
            SettlementAmount(MANUAL, -3_470),
        ]
        amounts = payout_amounts(rows, FREELANCER)
        assert (amounts.settlement_amount, amounts.supply_amount, amounts.vat_amount) == (13_440, 13_440, 0)
        assert (amounts.income_tax_amount, amounts.local_income_tax_amount, amounts.amount) == (400, 40, 13_000)

    def test_a_negative_total_withholds_nothing(self) -> None:
        rows = [SettlementAmount(ORDER, 21_360), SettlementAmount(CANCEL, 4_450), SettlementAmount(MANUAL, -17_500)]
        amounts = payout_amounts(rows, FREELANCER)
        assert (amounts.settlement_amount, amounts.amount, amounts.withheld) == (-590, -590, 0)

    def test_can_be_switched_off(self) -> None:
        amounts = payout_amounts(manual(1_000_000), PayoutTerms(PartnerType.WHT_PAYER, deduct_wht=False))
        assert (amounts.amount, amounts.withheld) == (1_000_000, 0)

    @pytest.mark.parametrize("terms", [PERSON, business(GROSS), business(NET, EXEMPT)])
    def test_touches_nobody_else(self, terms: PayoutTerms) -> None:
        assert terms.deduct_wht
        assert payout_amounts(manual(1_000_000), terms).withheld == 0


class TestMoneyPaidAsItIs:
    INVOICE = SettlementAmount(MANUAL, 1_105_500, paid_as_is=True)

    def test_gets_no_vat_added(self) -> None:
        amounts = payout_amounts([*manual(1_000), self.INVOICE], business(NET))
        assert (amounts.vat_amount, amounts.amount) == (100, 1_106_600)
        assert (amounts.settlement_amount, amounts.supply_amount) == (1_106_500, 1_106_500)

    def test_has_no_tax_withheld(self) -> None:
        amounts = payout_amounts([*manual(6_889), self.INVOICE], FREELANCER)
        assert (amounts.income_tax_amount, amounts.local_income_tax_amount) == (200, 20)
        assert amounts.amount == 6_669 + 1_105_500


rows = st.builds(
    SettlementAmount,
    st.sampled_from(SettlementType),
    st.integers(-MAX_AMOUNT, MAX_AMOUNT),
    st.integers(-MAX_AMOUNT, MAX_AMOUNT),
    st.booleans(),
)
any_terms = st.builds(
    PayoutTerms,
    st.sampled_from(PartnerType),
    st.sampled_from(TaxationType),
    st.sampled_from(SettlementAmountType),
    st.booleans(),
    st.sampled_from(Rounding),
)


class TestAnyPayout:
    @settings(deadline=None)
    @given(st.lists(rows, max_size=6), any_terms)
    def test_parts_make_the_whole(self, settlements: list[SettlementAmount], terms: PayoutTerms) -> None:
        amounts = payout_amounts(settlements, terms)
        parts = amounts.supply_amount + amounts.tax_free_amount + amounts.vat_amount
        assert parts == amounts.amount + amounts.withheld
        added = amounts.vat_amount if terms.settlement_amount_type is NET else 0
        assert parts == amounts.settlement_amount + added

    @settings(deadline=None)
    @given(st.integers(-MAX_AMOUNT, MAX_AMOUNT))
    def test_withholding_is_a_little_less_than_the_rate(self, earned: int) -> None:
        income_tax, local_tax = withholding(earned)
        assert income_tax % 10 == local_tax % 10 == 0
        assert 0 <= max(earned, 0) * 3 - income_tax * 100 < 1_000
        assert 0 <= income_tax - local_tax * 10 < 100
