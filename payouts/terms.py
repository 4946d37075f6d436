"""From stored settings and partners to the terms that the arithmetic of payouts reads."""

from payouts.amounts import PartnerType, PayoutTerms, SettlementAmountType, TaxationType
from settlement import terms
from settlement.models import Calculator, Partner, Setting


def payout_terms(setting: Setting, calculator: Calculator | None, partner: Partner) -> PayoutTerms:
    """Return the terms in force for a partner under a scope's settings and the calculation that counts today."""
    return PayoutTerms(
        partner_type=PartnerType(partner.type),
        taxation_type=TaxationType(partner.taxation_type) if partner.taxation_type else None,
        settlement_amount_type=SettlementAmountType(setting.settlement_amount_type),
        deduct_wht=setting.deduct_wht,
        vat_rounding=terms.rounding_modes(calculator).vat,
    )
