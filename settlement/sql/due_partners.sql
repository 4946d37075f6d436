-- Partners with records to mature, with how many and since when; scope by scope, so that a batch posts into one.
select r.merchant_id, r.is_test, r.partner_id, count(*), min(r.settlement_date)
from settlement_settlementrecord r
where r.state = 'IN_PROCESS' and r.settlement_date <= %(today)s
group by r.merchant_id, r.is_test, r.partner_id
order by r.merchant_id, r.is_test, r.partner_id
