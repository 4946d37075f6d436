"""From stored settings and partners to the terms that the arithmetic of payouts reads."""

from core.money import Rounding
from payouts.amounts import PartnerType, PayoutTerms, SettlementAmountType, TaxationType
from settlement.models import Partner, Setting


def payout_terms(setting: Setting, partner: Partner) -> PayoutTerms:
    """Return the terms in force for a partner under a scope's settings."""
    return PayoutTerms(
        partner_type=PartnerType(partner.type),
        taxation_type=TaxationType(partner.taxation_type) if partner.taxation_type else None,
        settlement_amount_type=SettlementAmountType(setting.settlement_amount_type),
        deduct_wht=setting.deduct_wht,
        vat_rounding=Rounding(setting.rounding_vat),
    )
