-- Locked records join the partner settlements of their keys.
update settlement_settlementrecord r
set state = 'SETTLED', state_changed_at = %(now)s, partner_settlement_id = joined.settlement_id
from unnest(%(partner_ids)s::bigint[], %(contract_ids)s::bigint[], %(types)s::text[], %(settlement_dates)s::date[],
        %(currencys)s::text[], %(alones)s::bigint[], %(paid_as_iss)s::boolean[], %(settlements)s::bigint[])
        joined(partner_id, contract_id, type, settlement_date, currency, alone, paid_as_is, settlement_id),
    settlement_settlementrecord same left join settlement_contractversion v on v.id = same.contract_version_id
where r.id = any(%(records)s)
    and same.id = r.id
    and joined.partner_id = same.partner_id
    and joined.contract_id is not distinct from v.contract_id
    and joined.type = same.type
    and joined.settlement_date = same.settlement_date
    and joined.currency = same.currency
    and joined.paid_as_is = same.paid_as_is
    and (joined.alone is null or joined.alone = same.id)
