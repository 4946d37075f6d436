insert into settlement_settlementrecord (
    merchant_id, is_test, public_id, created_at, type, partner_id, state, state_changed_at, settlement_date, date_is_given,
    currency, settlement, settlement_tax_free, net, net_tax_free, partner_settlement_id, reason, memo, origin_kind, origin_id,
    payment, payment_vat, payment_vat_burden, payment_tax_free, payment_supply, order_amount, order_tax_free, platform_fee,
    platform_fee_vat, additional_fee, additional_fee_vat, discount, discount_tax_free, discount_share,
    discount_share_tax_free, platform_fee_vat_inside, additional_fee_vat_inside, payment_id, order_name, payment_method,
    cancellation_id, lines, discounts, additional_fees, parameters, user_defined_properties
)
select %(merchant)s, %(is_test)s, l.public_id, %(now)s, 'MANUAL', l.partner_id,
    case when j.settlement_id is null then 'IN_PROCESS' else 'SETTLED' end, %(now)s, l.day, true,
    'KRW', l.amount, l.tax_free, l.amount, l.tax_free, j.settlement_id, %(reason)s, l.memo, '', '',
    0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0,
    0, 0, 0, '', '', '{}',
    '', '[]', '[]', '[]', '{}', '[]'
from line l
    left join upload_joined j on j.partner_id = l.partner_id and j.day = l.day and (j.alone is null or j.alone = l.line)
