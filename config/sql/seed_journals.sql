-- Post the journals of a batch's records through the bulk door: one for each record that counts.
with head as (
    select r.*, case when r.type = 'ORDER_CANCEL' then -1 else 1 end as sign,
        case when r.type = 'ORDER_CANCEL' then -r.settlement else r.settlement end as net,
        row_number() over (order by r.n) as place
    from seed_row r where r.state <> 'SCHEDULED'
), leg as (
    select h.place, l.step, l.account_id, h.sign * l.amount as amount, l.component
    from head h cross join lateral (values
        (1, case when h.type = 'MANUAL' then null else %(clearing)s::bigint end, h.payment, 'PAYMENT'),
        (2, %(discount_cost)s, h.discount, 'DISCOUNT'),
        (3, case when h.net >= 0 then h.pending else h.receivable end, -h.order_amount, 'ORDER'),
        (4, case when h.net >= 0 then h.pending else h.receivable end, h.fee, 'PLATFORM_FEE'),
        (5, case when h.net >= 0 then h.pending else h.receivable end, h.fee_vat, 'PLATFORM_FEE_VAT'),
        (6, case when h.net >= 0 then h.pending else h.receivable end, h.share, 'DISCOUNT_SHARE'),
        (7, %(revenue)s, -(h.fee - h.vat_inside), 'PLATFORM_FEE'),
        (8, %(output_vat)s, -(h.fee_vat + h.vat_inside), 'FEE_VAT'),
        (9, %(discount_recovered)s, -h.share, 'DISCOUNT_SHARE')
    ) l(step, account_id, amount, component)
    where h.type <> 'MANUAL' and l.amount <> 0
    union all
    select h.place, l.step, l.account_id, l.amount, 'MANUAL'
    from head h cross join lateral (values
        (1, case when h.net > 0 then %(expense)s::bigint else %(recovery)s::bigint end, h.net),
        (2, case when h.net >= 0 then h.pending else h.receivable end, -h.net)
    ) l(step, account_id, amount)
    where h.type = 'MANUAL'
), heads as (
    select array_agg('settlement.recorded'::text order by place) as types, array_agg('record:' || public_id order by place) as keys,
        array_agg(day order by place) as days, array_agg('settlement_record'::text order by place) as kinds,
        array_agg(public_id::text order by place) as ids, array_agg(null::bigint order by place) as reverses, array_agg(''::text order by place) as memos
    from head
), legs as (
    select array_agg(place::int order by place, step) as places, array_agg(account_id order by place, step) as accounts,
        array_agg(amount::bigint order by place, step) as amounts, array_agg(component::text order by place, step) as components
    from leg
)
select ledger_post_many(%(merchant)s, %(test)s, h.types, h.keys, h.days, h.kinds, h.ids, h.reverses, h.memos,
    l.places, l.accounts, l.amounts, l.components, 'system:seed', 'seed')
from heads h, legs l where h.types is not null
