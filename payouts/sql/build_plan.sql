-- Settlements that were chosen, in chunks of whole partners. A payout costs about as much as twenty settlements in it.
with chosen as (
    select s.id, s.partner_id from unnest(%(ids)s::bigint[]) w(id)
        join settlement_partnersettlement s on s.id = w.id and s.merchant_id = %(merchant)s and s.is_test = %(is_test)s
), placed as (
    select partner_id, (sum(count(*) + 20) over (order by partner_id) - 1)::bigint / %(weight)s as chunk
    from chosen group by partner_id
)
select array_agg(c.id) from chosen c join placed p using (partner_id) group by p.chunk order by p.chunk
