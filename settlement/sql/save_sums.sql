-- Write the sums of locked partner settlements after records joined or left them.
update settlement_partnersettlement s
set (
    settlement, settlement_tax_free, payment, payment_vat, payment_vat_burden, payment_tax_free,
    payment_supply, order_amount, order_tax_free, platform_fee, platform_fee_vat, additional_fee,
    additional_fee_vat, discount, discount_tax_free, discount_share, discount_share_tax_free, net,
    net_tax_free, credit_total, debit_total, record_count, start_from, start_until, maturity_no
) = (
    v.settlement, v.settlement_tax_free, v.payment, v.payment_vat, v.payment_vat_burden, v.payment_tax_free,
    v.payment_supply, v.order_amount, v.order_tax_free, v.platform_fee, v.platform_fee_vat, v.additional_fee,
    v.additional_fee_vat, v.discount, v.discount_tax_free, v.discount_share, v.discount_share_tax_free, v.net,
    v.net_tax_free, v.credit_total, v.debit_total, v.record_count, v.start_from, v.start_until, v.maturity_no
)
from jsonb_to_recordset(%s) v(
    id bigint, settlement bigint, settlement_tax_free bigint, payment bigint, payment_vat bigint,
    payment_vat_burden bigint, payment_tax_free bigint, payment_supply bigint, order_amount bigint,
    order_tax_free bigint, platform_fee bigint, platform_fee_vat bigint, additional_fee bigint,
    additional_fee_vat bigint, discount bigint, discount_tax_free bigint, discount_share bigint,
    discount_share_tax_free bigint, net bigint, net_tax_free bigint, credit_total bigint, debit_total bigint,
    record_count int, start_from date, start_until date, maturity_no int
)
where s.id = v.id
