-- What the partners of these settlements owe us on a day and may be claimed too.
select array_agg(f.id) from claimable f
where f.net < 0 and f.settlement_date <= %(today)s and f.partner_id in (
    select s.partner_id from settlement_partnersettlement s
    where s.id = any(%(ids)s::bigint[]) and s.merchant_id = %(merchant)s and s.is_test = %(is_test)s)
