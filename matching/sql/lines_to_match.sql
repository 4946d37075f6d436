-- Every line of the wanted invoices with what it is compared with: its order line, all that is billed of that, what
-- came and is matched, and the tolerance, the most specific row first. Nothing is divided: figures are per unit as stored.
-- What depends on the vendor or the item alone is looked up once for each of them.
tolerance as not materialized (
    select * from matching_pricetolerance where merchant_id = %(merchant)s and is_test = %(is_test)s
), wanted as materialized (
    select i.id, i.vendor_id, i.exchange_rate, i.total_discount, i.sales_tax, i.round_off, v.price_tolerance_group as vendor_group,
        t.percent as totals_percent, coalesce(t7.percent, t8.percent, t9.percent, 0) as vendor_tolerance,
        not i.is_approved and not exists (select from matching_invoicecharge c where c.invoice_id = i.id) as is_plain
    from matching_invoice i join matching_vendor v on v.id = i.vendor_id left join matching_totalstolerance t on t.vendor_id = i.vendor_id
        left join tolerance t7 on t7.item_id is null and t7.item_group = '' and t7.vendor_id = v.id
        left join tolerance t8 on t8.item_id is null and t8.item_group = '' and t8.vendor_group = v.price_tolerance_group and t8.vendor_group <> ''
        left join tolerance t9 on t9.item_id is null and t9.item_group = '' and t9.vendor_id is null and t9.vendor_group = ''
    where i.id = any(%(invoices)s)
), item as (
    select i.id, i.price_tolerance_group as item_group, t3.percent as alone, t6.percent as of_group
    from matching_item i
        left join tolerance t3 on t3.item_id = i.id and t3.vendor_id is null and t3.vendor_group = ''
        left join tolerance t6 on t6.item_group = i.price_tolerance_group and t6.item_group <> ''
            and t6.vendor_id is null and t6.vendor_group = ''
    where i.merchant_id = %(merchant)s and i.is_test = %(is_test)s
), lines as (
    select l.invoice_id, l.number, w.exchange_rate, l.quantity, l.exact_unit, l.exact_net, l.is_final, l.order_line_id is not null as has_order,
        o.order_id, o.quantity as ordered, o.exact_unit as agreed_unit, o.exact_net as agreed_net, o.is_closed,
        case when %(only_higher)s and matching_policy_strength(o.policy) < matching_policy_strength(%(policy)s)
            then %(policy)s else o.policy end as policy,
        b.net as billed_net, b.quantity as billed, coalesce(m.quantity, 0) as received,
        coalesce(t1.percent, t2.percent, i.alone, t4.percent, t5.percent, i.of_group, w.vendor_tolerance) as tolerance,
        w.is_plain and l.exact_net is not null and (o.id is null or l.unit = o.unit and l.exact_unit is not null
            and o.exact_unit is not null and o.exact_net is not null and l.quantity <> 0 and o.quantity <> 0 and not o.is_cancelled
            and b.is_plain and coalesce(m.is_plain, true) and c.order_id is null) as is_plain
    from wanted w
        join matching_invoiceline l on l.invoice_id = w.id
        left join matching_orderline o on o.id = l.order_line_id
        left join item i on i.id = o.item_id
        left join (select order_line_id, sum(exact_net) as net, sum(quantity) as quantity,
                bool_and(exact_net is not null) and min(unit) = max(unit) as is_plain
            from matching_invoiceline where order_line_id is not null group by order_line_id) b on b.order_line_id = l.order_line_id
        left join (select a.invoice_line_id, sum(a.quantity) as quantity, bool_and(a.divisor = 1) as is_plain
            from matching_receiptmatch a join matching_receiptline r on r.id = a.receipt_line_id join matching_receipt g on g.id = r.receipt_id
            where g.cancelled_at is null group by a.invoice_line_id) m on m.invoice_line_id = l.id
        left join (select distinct order_id from matching_ordercharge) c on c.order_id = o.order_id
        -- The planner counts on these rows being few once it is told that they name both.
        left join tolerance t1 on t1.item_id is not null and t1.item_id = o.item_id and t1.vendor_id is not null and t1.vendor_id = w.vendor_id
        left join tolerance t2 on t2.item_id is not null and t2.item_id = o.item_id
            and t2.vendor_group <> '' and t2.vendor_group = w.vendor_group
        left join tolerance t4 on t4.item_group <> '' and t4.item_group = i.item_group
            and t4.vendor_id is not null and t4.vendor_id = w.vendor_id
        left join tolerance t5 on t5.item_group <> '' and t5.item_group = i.item_group
            and t5.vendor_group <> '' and t5.vendor_group = w.vendor_group
)
