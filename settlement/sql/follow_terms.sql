-- Give locked records that have not started yet the amounts, terms and dates they were computed anew with.
update settlement_settlementrecord r
set (
    settlement, settlement_tax_free, payment, payment_vat, payment_vat_burden, payment_tax_free,
    payment_supply, order_amount, order_tax_free, platform_fee, platform_fee_vat, additional_fee,
    additional_fee_vat, discount, discount_tax_free, discount_share, discount_share_tax_free, net,
    net_tax_free, platform_fee_vat_inside, additional_fee_vat_inside, contract_version_id, calculator_id,
    parameters, settlement_date, lines, discounts, additional_fees, formula_results
) = (
    v.settlement, v.settlement_tax_free, v.payment, v.payment_vat, v.payment_vat_burden, v.payment_tax_free,
    v.payment_supply, v.order_amount, v.order_tax_free, v.platform_fee, v.platform_fee_vat, v.additional_fee,
    v.additional_fee_vat, v.discount, v.discount_tax_free, v.discount_share, v.discount_share_tax_free, v.net,
    v.net_tax_free, v.platform_fee_vat_inside, v.additional_fee_vat_inside, v.contract_version_id, v.calculator_id,
    v.parameters, v.settlement_date, v.lines, v.discounts, v.additional_fees, v.formula_results
)
from jsonb_to_recordset(%s) v(
    id bigint, settlement bigint, settlement_tax_free bigint, payment bigint, payment_vat bigint,
    payment_vat_burden bigint, payment_tax_free bigint, payment_supply bigint, order_amount bigint,
    order_tax_free bigint, platform_fee bigint, platform_fee_vat bigint, additional_fee bigint,
    additional_fee_vat bigint, discount bigint, discount_tax_free bigint, discount_share bigint,
    discount_share_tax_free bigint, net bigint, net_tax_free bigint, platform_fee_vat_inside bigint,
    additional_fee_vat_inside bigint, contract_version_id bigint, calculator_id bigint, settlement_date date,
    parameters jsonb, lines jsonb, discounts jsonb, additional_fees jsonb, formula_results jsonb
)
where r.id = v.id and r.state = 'SCHEDULED'
