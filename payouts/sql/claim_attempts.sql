-- Claim due attempts of one rail for a worker, oldest first; an attempt that somebody else is at is passed over.
-- Nothing is claimed while a stop is open; a probe of an open breaker ignores the breaker and nothing else.
with due as (
    select a.id
    from payouts_attempt a
        join payouts_payout p on p.id = a.payout_id
        join payouts_bulkpayout b on b.id = p.bulk_payout_id and b.status = 'ONGOING'
    where a.state = 'CREATED' and a.due_at <= %(now)s and a.rail = %(rail)s
        and not exists (
            select from payouts_dispatchstop s
            where s.ended_at is null and s.rail in ('', a.rail) and not (%(probe)s and s.kind = 'BREAKER')
                and (s.merchant_id is null or (s.merchant_id, s.is_test) = (p.merchant_id, p.is_test)))
    order by a.due_at, a.id
    limit %(limit)s
    for update of a skip locked
)
update payouts_attempt a
set state = 'CLAIMED', state_changed_at = %(now)s, fence = a.fence + 1, lease_until = %(lease_until)s,
    claimed_by = %(worker)s
from due
where a.id = due.id
returning a.id, a.fence
