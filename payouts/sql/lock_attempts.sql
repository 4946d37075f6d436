-- Attempts in the order of their keys, locked, with the payouts, partners, bulk payouts and accounts that they are about.
from payouts_attempt attempt
    join payouts_payout payout on payout.id = attempt.payout_id
    join settlement_partner partner on partner.id = payout.partner_id
    join payouts_bulkpayout bulk on bulk.id = payout.bulk_payout_id
    join payouts_bankaccount account on account.id = bulk.bank_account_id
where attempt.id = any(%s::bigint[])
order by attempt.id
for update of attempt
