-- What the lines of a batch come to by currency and group of charge types: enough for every figure that an invoice prints.
select currency, charge_group, count(*), sum(pretax), sum(tax), sum(total),
    coalesce(sum((values ->> 'Amount')::numeric), 0), coalesce(sum((values ->> 'TotalOtherDiscount')::numeric), 0)
from reconciliation_batchline
where batch_id = %(batch)s and counts
group by currency, charge_group
