-- How two versions of a batch differ: of several lines with one key the equal ones are paired first, the rest in order.
with equal_lines as (
    select line_key, line_hash,
        count(*) filter (where batch_id = %(newer)s) as newer,
        count(*) filter (where batch_id = %(older)s) as older
    from reconciliation_batchline
    where batch_id in (%(newer)s, %(older)s) and counts
    group by line_key, line_hash
), left_over as (
    select sum(newer - least(newer, older)) as newer, sum(older - least(newer, older)) as older
    from equal_lines group by line_key
)
select coalesce(sum(newer - least(newer, older)), 0), coalesce(sum(older - least(newer, older)), 0),
    coalesce(sum(least(newer, older)), 0)
from left_over
