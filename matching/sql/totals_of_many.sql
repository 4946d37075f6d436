-- The six totals of each invoice by its orders' prices, discounts and taxes for the invoice's quantities.
, of_order as (
    select j.invoice_id, j.order_id, sum(j.agreed) as balance,
        round(p.total_discount_percent * sum(j.agreed) * 0.01, %(digits)s) as discount, p.sales_tax_percent
    from judged j join matching_purchaseorder p on p.id = j.order_id group by j.invoice_id, j.order_id, p.total_discount_percent, p.sales_tax_percent
), expected as (
    select invoice_id, sum(balance) as balance, sum(discount) as discount,
        sum(round(sales_tax_percent * (balance - discount) * 0.01, %(digits)s)) as tax
    from of_order group by invoice_id
), totals as (
    select e.invoice_id, array_agg('TOTAL_' || r.name order by r.place) as reasons
    from each e join wanted w on w.id = e.invoice_id join expected x on x.invoice_id = e.invoice_id
        cross join lateral (values
            (1, 'BALANCE', e.balance - x.balance, x.balance),
            (2, 'TOTAL_DISCOUNT', x.discount - w.total_discount, x.discount),
            (3, 'CHARGES', 0, 0),
            (4, 'SALES_TAX', w.sales_tax - x.tax, x.tax),
            (5, 'ROUND_OFF', w.round_off, 0),
            (6, 'INVOICE_AMOUNT', e.balance - w.total_discount + w.sales_tax + w.round_off - (x.balance - x.discount + x.tax),
                x.balance - x.discount + x.tax)) r(place, name, adverse, expected)
        join unnest(%(total_names)s::text[], %(total_percents)s::numeric[]) g(name, percent) on g.name = r.name
        cross join lateral (select coalesce(g.percent, w.totals_percent, %(totals_percent)s) * abs(r.expected) as limit) m
    where r.adverse * 100 > m.limit or %(all_totals_both)s and -r.adverse * 100 > m.limit
    group by e.invoice_id
)
