-- Those locked partner settlements that may be claimed. `apart` tells settlements apart that are paid one by one.
create temp table claim_gathered on commit drop as
select f.id, f.partner_id, f.currency, case when %(manual_apart)s and f.type = 'MANUAL' then f.id else 0 end as apart,
    f.net, f.net_tax_free, f.credit_total, f.debit_total, f.hold_reason, f.claim_no, f.paid_as_is
from claimable f
where f.id = any(%(ids)s::bigint[])
