-- The journals of an upload's records, and of those whose day has come.
select 'settlement.recorded', 'record:' || l.public_id, %(today)s::date,
    array[case when l.amount > 0 then %(gain)s else %(loss)s end, case when l.amount > 0 then a.pending else a.receivable end],
    array[l.amount, -l.amount], array[%(component)s, %(component)s], %(record_origin)s, l.public_id
from line l join upload_account a on a.partner_id = l.partner_id
where l.amount <> 0
union all
select j.event, j.event_key, j.day, array[a.pending, a.available], array[j.available, -j.available],
    array['MATURITY', 'MATURITY'], %(settlement_origin)s, j.public_id
from upload_joined j join upload_account a on a.partner_id = j.partner_id
where j.available <> 0
