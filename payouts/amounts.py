"""
What a payout is worth: the signed sum of its settlements, its VAT by the merchant's setting, and the tax withheld.

The tables follow Korean practice: 3 % income tax and a tenth of it as local income tax, each cut below ten won.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from core.money import Rounding, round_quotient


class PartnerType(StrEnum):
    """The kind of partner, as far as tax is concerned."""

    BUSINESS = "BUSINESS"
    WHT_PAYER = "WHT_PAYER"
    NON_WHT_PAYER = "NON_WHT_PAYER"


class TaxationType(StrEnum):
    """How a business is taxed. Only TAX_FREE changes a payout."""

    NORMAL = "NORMAL"
    SIMPLE_TAX_INVOICE_ISSUER = "SIMPLE_TAX_INVOICE_ISSUER"
    SIMPLE = "SIMPLE"
    TAX_FREE = "TAX_FREE"


class SettlementAmountType(StrEnum):
    """Whether settlement amounts contain the partner's VAT."""

    GROSS = "GROSS"
    NET = "NET"


class SettlementType(StrEnum):
    """The three types of records and of partner settlements."""

    ORDER = "ORDER"
    ORDER_CANCEL = "ORDER_CANCEL"
    MANUAL = "MANUAL"


@dataclass(frozen=True, slots=True)
class SettlementAmount:
    """
    The amounts of one partner settlement as stored: a cancel's are sizes, a manual one's carry their sign.

    `paid_as_is` marks money that already is what must be paid (a vendor's invoice): no VAT is added to it and no tax
    withheld from it.
    """

    type: SettlementType
    amount: int
    tax_free: int = 0
    paid_as_is: bool = False

    @property
    def signed(self) -> int:
        """The amount with the sign its type gives it."""
        return self._sign * self.amount

    @property
    def signed_tax_free(self) -> int:
        """The tax-free part with the sign its type gives it."""
        return self._sign * self.tax_free

    @property
    def _sign(self) -> int:
        return -1 if self.type is SettlementType.ORDER_CANCEL else 1


@dataclass(frozen=True, slots=True)
class PayoutTerms:
    """Partner and settings in force when a payout is made. They are stored with it and never change it later."""

    partner_type: PartnerType
    taxation_type: TaxationType | None = None
    settlement_amount_type: SettlementAmountType = SettlementAmountType.GROSS
    deduct_wht: bool = True
    vat_rounding: Rounding = Rounding.DOWN

    @property
    def is_taxable_business(self) -> bool:
        """Whether settlements carry VAT: a business that is not exempt."""
        return self.partner_type is PartnerType.BUSINESS and self.taxation_type is not TaxationType.TAX_FREE

    @property
    def is_exempt_business(self) -> bool:
        """Whether the whole amount is tax-free."""
        return self.partner_type is PartnerType.BUSINESS and self.taxation_type is TaxationType.TAX_FREE

    @property
    def withholds(self) -> bool:
        """Whether tax is withheld."""
        return self.partner_type is PartnerType.WHT_PAYER and self.deduct_wht


@dataclass(frozen=True, slots=True)
class PayoutAmounts:
    """
    The amounts of a payout, named as on the wire.

    `amount` leaves the bank. Supply, tax-free part and VAT add up to it before withholding.
    """

    settlement_amount: int
    settlement_tax_free_amount: int
    supply_amount: int
    tax_free_amount: int
    vat_amount: int
    income_tax_amount: int
    local_income_tax_amount: int
    amount: int

    @property
    def withheld(self) -> int:
        """Both withheld taxes together."""
        return self.income_tax_amount + self.local_income_tax_amount


def payout_amounts(settlements: Iterable[SettlementAmount], terms: PayoutTerms) -> PayoutAmounts:
    """
    Return the amounts of one payout of these settlements, which belong to one partner and currency.

    The result may be negative; whoever makes a payout refuses that.
    """
    rows = list(settlements)
    settlement = sum(row.signed for row in rows)
    tax_free = sum(row.signed_tax_free for row in rows)
    own = [row for row in rows if not row.paid_as_is]
    base = sum(row.signed for row in own)
    vat = _vat(base - sum(row.signed_tax_free for row in own), terms)
    is_net = terms.is_taxable_business and terms.settlement_amount_type is SettlementAmountType.NET
    before_tax = settlement + vat if is_net else settlement
    income_tax, local_tax = withholding(base) if terms.withholds else (0, 0)
    free = settlement if terms.is_exempt_business else tax_free
    return PayoutAmounts(
        settlement_amount=settlement,
        settlement_tax_free_amount=tax_free,
        supply_amount=before_tax - free - vat,
        tax_free_amount=free,
        vat_amount=vat,
        income_tax_amount=income_tax,
        local_income_tax_amount=local_tax,
        amount=before_tax - income_tax - local_tax,
    )


def withholding(amount: int) -> tuple[int, int]:
    """Return income tax and local income tax withheld from an amount of won; both 0 where nothing is earned."""
    if amount <= 0:
        return 0, 0
    income_tax = amount * 3 // 1000 * 10
    return income_tax, income_tax // 100 * 10


def _vat(taxable: int, terms: PayoutTerms) -> int:
    if not terms.is_taxable_business:
        return 0
    parts = 10 if terms.settlement_amount_type is SettlementAmountType.NET else 11
    return round_quotient(taxable, parts, terms.vat_rounding)
