-- Locked records, added up by what becomes one partner settlement. With `alone` each manual record stands by itself.
select r.partner_id, v.contract_id, r.type, r.settlement_date, r.currency,
    case when %(alone)s and r.type = 'MANUAL' then r.id end as alone, r.paid_as_is,
    count(*), min(r.start_date), max(r.start_date),
    sum(r.settlement), sum(r.settlement_tax_free), sum(r.payment), sum(r.payment_vat),
    sum(r.payment_vat_burden), sum(r.payment_tax_free), sum(r.payment_supply), sum(r.order_amount),
    sum(r.order_tax_free), sum(r.platform_fee), sum(r.platform_fee_vat), sum(r.additional_fee),
    sum(r.additional_fee_vat), sum(r.discount), sum(r.discount_tax_free), sum(r.discount_share),
    sum(r.discount_share_tax_free), sum(r.net), sum(r.net_tax_free),
    sum(greatest(r.net, 0)), sum(greatest(-r.net, 0))
from settlement_settlementrecord r
    left join settlement_contractversion v on v.id = r.contract_version_id
where r.id = any(%(records)s)
group by 1, 2, 3, 4, 5, 6, 7
order by 1, 2, 3, 4, 5, 6, 7
