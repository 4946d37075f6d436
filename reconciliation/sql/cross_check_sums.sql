-- What both sides of a comparison of days with an invoice come to, by currency.
select currency, count(*) as groups, count(*) filter (where not is_ok) as outside, sum(sum_daily) as sum_daily,
    sum(invoice_subtotal) as invoice_subtotal, sum(difference) as difference
from reconciliation_crossed group by currency order by currency
