-- The journals of what was freed: from the held account to the available one, as `holding.free` posts them.
select 'settlement.freed', 'hold:' || s.public_id || ':' || s.hold_no, %(today)s::date, array[w.held, w.available],
    array[g.credit_total, -g.credit_total], array['HOLD', 'HOLD'], %(origin)s, s.public_id
from claim_gathered g
    join unnest(%(partners)s::bigint[], %(currencies)s::text[], %(apart)s::bigint[], %(held)s::bigint[], %(available)s::bigint[])
        w(partner_id, currency, apart, held, available) using (partner_id, currency, apart)
    join settlement_partnersettlement s on s.id = g.id
where g.hold_reason <> '' and g.credit_total > 0
