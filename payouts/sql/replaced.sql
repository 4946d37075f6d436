-- Payouts of a bulk payout follow the newest ended payout whose released settlements they claim again.
update payouts_payout p set replaces_id = earlier.payout
from (
    select c.payout_ref_id as made, max(b.payout_ref_id) as payout
    from payouts_payout n
        join settlement_claim c on c.payout_ref_id = n.id
        join settlement_claim b on b.partner_settlement_id = c.partner_settlement_id and b.claim_no = c.after_no
    where n.bulk_payout_id = %(bulk)s and n.replaces_id is null and n.status <> 'CANCELLED'
    group by c.payout_ref_id
) earlier
where p.id = earlier.made
