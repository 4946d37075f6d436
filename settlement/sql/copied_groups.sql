-- Rows whose day has come, added up by the partner settlement they join.
select partner_id, day, case when %(alone)s then line end as alone, count(*), sum(amount), sum(tax_free),
    sum(greatest(amount, 0))
from line where day <= %(today)s
group by 1, 2, 3 order by 1, 2, 3
