-- Hold the days of one batch against the consumption lines of an invoice's, group by group.
-- The rules are those of reconciliation/cross_check.py: an id that a spreadsheet has destroyed equals only the same ruin,
-- days belong to the invoice of their own number, and to any where none of them has one.
drop table if exists pg_temp.reconciliation_crossed;
create temp table reconciliation_crossed on commit drop as
with line as (
    select batch_id = %(daily)s as is_daily, record, currency, pretax,
        lower(coalesce(values ->> 'InvoiceNumber', '')) as number,
        coalesce(values ->> 'MeterDescription', '') <> '' as is_consumption,
        case when 'CustomerId' = any(damaged) then chr(31) || (values ->> 'CustomerId')
            else lower(coalesce(values ->> 'CustomerId', '')) end as customer,
        case when 'SubscriptionId' = any(damaged) then chr(31) || (values ->> 'SubscriptionId')
            else lower(coalesce(values ->> 'SubscriptionId', '')) end as subscription,
        case when 'ProductId' = any(damaged) then chr(31) || (values ->> 'ProductId')
            else lower(coalesce(values ->> 'ProductId', '')) end as product,
        case when 'SkuId' = any(damaged) and strpos(values ->> 'SkuId', '+') > 0 then chr(31) || (values ->> 'SkuId')
            when coalesce(values ->> 'SkuId', '') = '' then ''
            else lower(repeat('0', 4 - length(values ->> 'SkuId')) || (values ->> 'SkuId')) end as sku
    from reconciliation_batchline where batch_id in (%(daily)s, %(invoice)s) and counts
), invoice as (
    select distinct number from line where not is_daily
), unnumbered as (
    select coalesce(bool_and(number = ''), false) as are_days from line where is_daily
), side as (
    select i.number, l.is_daily, l.customer, l.subscription, l.product, l.sku, l.currency, sum(l.pretax) as subtotal,
        count(*) as lines, min(l.record) as first_record
    from line l cross join unnumbered u join invoice i on i.number = l.number or l.is_daily and u.are_days
    where l.is_daily or l.is_consumption
    group by i.number, l.is_daily, l.customer, l.subscription, l.product, l.sku, l.currency
), compared as (
    select coalesce(d.number, i.number) as number, coalesce(d.currency, i.currency) as currency,
        d.first_record as first_day, i.first_record as first_invoiced, coalesce(d.lines, 0) as days,
        coalesce(d.subtotal, 0) as sum_daily, coalesce(i.subtotal, 0) as invoice_subtotal, coalesce(i.lines, 0) as invoice_lines
    from (select * from side where is_daily) d
    full join (select * from side where not is_daily) i on i.number = d.number and i.customer = d.customer
        and i.subscription = d.subscription and i.product = d.product and i.sku = d.sku and i.currency = d.currency
    where i.number is not null or d.subtotal <> 0
)
select c.*, c.sum_daily - c.invoice_subtotal as difference, u.unit * c.invoice_lines as bound,
    c.sum_daily >= c.invoice_subtotal and c.sum_daily - c.invoice_subtotal < u.unit * c.invoice_lines as is_ok
from compared c join unnest(%(currencies)s::text[], %(units)s::numeric[]) as u (currency, unit) on u.currency = c.currency
