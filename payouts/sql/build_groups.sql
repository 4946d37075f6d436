-- What was gathered, added up by what becomes one payout, with the partner it is for.
select g.partner_id, g.currency, g.apart, g.settlements, g.net, g.net_tax_free, g.as_is, g.as_is_tax_free, g.credit, g.debit, g.reviewed, g.held,
    p.public_id, p.name, p.type, p.taxation_type, p.account_status, p.account_confirmed, p.bank, p.account_number_sealed,
    p.account_last4, p.account_fingerprint, p.account_holder,
    exists (select from payouts_payout o where o.partner_id = p.id and o.status = 'SUCCEEDED'
        and o.account_fingerprint = p.account_fingerprint)
from (
    select partner_id, currency, apart, count(*) as settlements, sum(net)::bigint as net,
        sum(net_tax_free)::bigint as net_tax_free, coalesce(sum(net) filter (where paid_as_is), 0)::bigint as as_is,
        coalesce(sum(net_tax_free) filter (where paid_as_is), 0)::bigint as as_is_tax_free, sum(credit_total)::bigint as credit, sum(debit_total)::bigint as debit,
        bool_or(hold_reason = 'COMPLIANCE') as reviewed, bool_or(hold_reason <> '') as held
    from claim_gathered group by partner_id, currency, apart
) g join settlement_partner p on p.id = g.partner_id
order by g.partner_id, g.currency, g.apart
