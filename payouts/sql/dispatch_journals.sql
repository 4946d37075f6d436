-- The journals of attempts that pass their point of no return, leg by leg as `journals.dispatch`.
select 'payout.dispatched' as event, 'dispatch:' || a.reference || ':' || a.submission_no as key, w.day,
    array[w.reserved, w.in_transit] as accounts, array[p.amount, -p.amount] as amounts, array['payout', 'payout'] as components,
    p.currency, 'payout' as origin, p.public_id as origin_id
from unnest(%(attempts)s::bigint[], %(days)s::date[], %(reserved)s::bigint[], %(in_transit)s::bigint[])
        w(id, day, reserved, in_transit)
    join payouts_attempt a on a.id = w.id
    join payouts_payout p on p.id = a.payout_id
