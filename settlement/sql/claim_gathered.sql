-- Claim what was gathered for the payouts it goes into, with the amounts it has now.
insert into settlement_claim (partner_settlement_id, claim_no, after_no, payout_ref_id, net, net_tax_free, credit_total, debit_total)
select g.id, g.claim_no + 1, nullif(g.claim_no, 0), w.payout, g.net, g.net_tax_free, g.credit_total, g.debit_total
from claim_gathered g
    join unnest(%(payouts)s::bigint[], %(partners)s::bigint[], %(currencies)s::text[], %(apart)s::bigint[])
        w(payout, partner_id, currency, apart) using (partner_id, currency, apart)
order by w.payout, g.id
