-- One page of the groups of a comparison of days with an invoice: what cutting does not explain and the largest first.
select number, currency, first_day, first_invoiced, days, sum_daily, invoice_subtotal, invoice_lines, difference, bound, is_ok
from reconciliation_crossed
where not (%(outside)s and is_ok)
order by is_ok, abs(difference) desc, number, currency, first_day, first_invoiced
limit %(limit)s offset %(offset)s
