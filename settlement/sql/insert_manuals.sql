-- Manual records, many at once.
insert into settlement_settlementrecord (
    merchant_id, is_test, public_id, created_at, type, partner_id, state, state_changed_at, settlement_date, date_is_given,
    currency, settlement, settlement_tax_free, net, net_tax_free, partner_settlement_id, reason, memo, origin_kind, origin_id, paid_as_is,
    payment, payment_vat, payment_vat_burden, payment_tax_free, payment_supply, order_amount, order_tax_free, platform_fee,
    platform_fee_vat, additional_fee, additional_fee_vat, discount, discount_tax_free, discount_share,
    discount_share_tax_free, platform_fee_vat_inside, additional_fee_vat_inside, payment_id, order_name, payment_method,
    cancellation_id, lines, discounts, additional_fees, parameters, user_defined_properties
)
select %(merchant)s, %(is_test)s, m.public_id, %(now)s, 'MANUAL', m.partner_id,
    case when m.settlement_id is null then 'IN_PROCESS' else 'SETTLED' end, %(now)s, m.settlement_date, true,
    m.currency, m.amount, m.tax_free, m.amount, m.tax_free, m.settlement_id, m.reason, m.memo, m.origin_kind, m.origin_id, m.paid_as_is,
    0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0,
    0, 0, 0, '', '', '{}',
    '', '[]', '[]', '[]', '{}', m.properties::jsonb
from unnest(%(public_ids)s::text[], %(partners)s::bigint[], %(days)s::date[], %(currencies)s::text[], %(amounts)s::bigint[],
        %(tax_free)s::bigint[], %(settlements)s::bigint[], %(reasons)s::text[], %(memos)s::text[],
        %(origin_kinds)s::text[], %(origin_ids)s::text[], %(as_they_are)s::boolean[], %(properties)s::text[]) with ordinality
    m(public_id, partner_id, settlement_date, currency, amount, tax_free, settlement_id, reason, memo, origin_kind, origin_id,
        paid_as_is, properties, place)
order by m.place
