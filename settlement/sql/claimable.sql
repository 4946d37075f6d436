-- Partner settlements that may be claimed, with the number of their latest claim (0 without). The same rule as
-- `claims.claimable`: no live claim, and either a claim newer than the last decision (it was released) or a decision to pay.
select s.id, s.partner_id, s.currency, s.type, s.settlement_date, s.net, s.net_tax_free, s.credit_total, s.debit_total,
    s.hold_reason, coalesce(c.claim_no, 0) as claim_no, s.paid_as_is
from settlement_partnersettlement s
    left join lateral (
        select c.claim_no, exists (select from settlement_claimrelease r
            where r.partner_settlement_id = c.partner_settlement_id and r.claim_no = c.claim_no) as released
        from settlement_claim c where c.partner_settlement_id = s.id order by c.claim_no desc limit 1
    ) c on true
where s.merchant_id = %(merchant)s and s.is_test = %(is_test)s and s.state <> 'VOIDED'
    and (c.claim_no is null or c.released)
    and (coalesce(c.claim_no, 0) > s.state_claim_no or s.state in ('PAYOUT_PREPARED', 'PAYOUT_WITHHELD'))
