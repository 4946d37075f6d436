-- The records a backtest looks at, in stretches of about as many by id: the last id of each and how many it has.
select max(id), count(*)
from (
    select id, (row_number() over (order by id) - 1) / %(size)s as stretch
    from settlement_settlementrecord
    where merchant_id = %(merchant)s and is_test = %(is_test)s and contract_version_id = any(%(versions)s::bigint[])
        and start_date between %(start_from)s and %(start_until)s and type in ('ORDER', 'ORDER_CANCEL')
        and state <> 'VOIDED'
) found
group by stretch
order by stretch
