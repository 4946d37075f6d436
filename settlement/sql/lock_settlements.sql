-- Lock partner settlements in the order of their keys, as everybody does who changes or claims them.
select count(*) from (
    select from settlement_partnersettlement s
    where s.id = any(%(ids)s::bigint[]) and s.merchant_id = %(merchant)s and s.is_test = %(is_test)s
    order by s.id
    for no key update
) locked
