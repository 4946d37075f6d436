-- The journals of attempts that succeeded, leg by leg as `journals.succeed`; a tax of nothing has no account and no leg.
select 'payout.succeeded' as event, 'succeed:' || a.reference as key, w.day,
    array_remove(array[w.in_transit, w.bank, w.reserved, w.income_tax, w.local_tax], null) as accounts,
    array_remove(array[p.amount, -p.amount, p.income_tax_amount + p.local_income_tax_amount, -p.income_tax_amount,
        -p.local_income_tax_amount], 0) as amounts,
    array_remove(array['payout', 'payout', case when w.reserved is not null then 'withholding' end,
        case when w.income_tax is not null then 'income_tax' end,
        case when w.local_tax is not null then 'local_income_tax' end], null) as components,
    p.currency, 'payout' as origin, p.public_id as origin_id
from unnest(%(attempts)s::bigint[], %(days)s::date[], %(in_transit)s::bigint[], %(bank)s::bigint[], %(reserved)s::bigint[],
        %(income_tax)s::bigint[], %(local_tax)s::bigint[]) w(id, day, in_transit, bank, reserved, income_tax, local_tax)
    join payouts_attempt a on a.id = w.id
    join payouts_payout p on p.id = a.payout_id
