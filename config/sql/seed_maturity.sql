-- Post the journals that made a batch's partner settlements available, through the bulk door.
with joined as (
    select s.public_id, s.settlement_date, s.credit_total, r.pending, r.available, row_number() over (order by s.id)::int as place
    from settlement_partnersettlement s
        join (select distinct settlement_id, pending, available from seed_row where settlement_id is not null) r
            on r.settlement_id = s.id
    where s.credit_total > 0
), heads as (
    select array_agg('settlement.matured'::text order by place) as types, array_agg('mature:' || public_id || ':1' order by place) as keys,
        array_agg(settlement_date order by place) as days, array_agg('partner_settlement'::text order by place) as kinds,
        array_agg(public_id::text order by place) as ids, array_agg(null::bigint order by place) as reverses,
        array_agg(''::text order by place) as memos
    from joined
), legs as (
    select array_agg(j.place order by j.place, l.step) as places, array_agg(l.account_id order by j.place, l.step) as accounts,
        array_agg(l.amount order by j.place, l.step) as amounts, array_agg('MATURITY'::text order by j.place, l.step) as components
    from joined j cross join lateral (values (1, j.pending, j.credit_total), (2, j.available, -j.credit_total)) l(step, account_id, amount)
)
select ledger_post_many(%(merchant)s, %(test)s, h.types, h.keys, h.days, h.kinds, h.ids, h.reverses, h.memos,
    l.places, l.accounts, l.amounts, l.components, 'system:seed', 'seed')
from heads h, legs l where h.types is not null
