-- Held settlements that are paid after all are held no more; the counter that ends the key of the journal goes up.
update settlement_partnersettlement s set hold_reason = '', hold_no = s.hold_no + 1
from claim_gathered g
    join unnest(%(partners)s::bigint[], %(currencies)s::text[], %(apart)s::bigint[]) w(partner_id, currency, apart)
        using (partner_id, currency, apart)
where s.id = g.id and g.hold_reason <> ''
