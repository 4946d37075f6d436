-- Per partner and currency: what a bulk payout pays beside what the one before it paid, the largest change first, and how
-- many there are of each kind. `large` is a change of more than three tenths. There is always a first row: the counts need one.
with pair as (
    select p.partner_id, p.currency, p.bulk_payout_id = %(bulk)s as is_now, sum(p.amount)::bigint as amount
    from payouts_payout p
    where p.bulk_payout_id in (%(bulk)s, %(before)s) and p.status <> 'CANCELLED'
    group by 1, 2, 3
), compared as (
    select partner_id, currency, sum(amount) filter (where is_now)::bigint as now_amount,
        sum(amount) filter (where not is_now)::bigint as before_amount
    from pair group by 1, 2
), judged as (
    select *, coalesce(now_amount, 0) - coalesce(before_amount, 0) as change,
        case when before_amount is null then 'new' when now_amount is null then 'missing'
            when abs(now_amount - before_amount)::numeric * 100 > before_amount::numeric * 30 then 'large'
            when now_amount <> before_amount then 'small' else 'same' end as kind
    from compared
), counted as (
    select coalesce(jsonb_object_agg(c.kind, jsonb_build_array(c.n, c.change)), '{}') as counts
    from (select kind, count(*) as n, sum(change) as change from judged group by kind) c
), chosen as (
    select j.*, s.public_id, s.name from judged j join settlement_partner s on s.id = j.partner_id
    where %(kind)s = '' or j.kind = %(kind)s
    order by abs(j.change) desc, j.partner_id, j.currency limit %(limit)s offset %(offset)s
)
select counted.counts::text, h.public_id, h.name, h.currency, h.before_amount, h.now_amount, h.change, h.kind
from counted left join chosen h on true
order by abs(h.change) desc, h.partner_id, h.currency
