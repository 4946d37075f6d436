-- Manual adjustments of an upload: the rows that the database cleared, and those read one by one. `offset 0` keeps texts of
-- rows that were not cleared from being read as numbers, wherever the planner would like to do that.
with line as (
    select c.line, c.partner_id, c.day, c.amount::bigint as amount, coalesce(c.tax_free::bigint, 0) as tax_free,
        coalesce(c.memo, '') as memo, %(prefix)s || upper(lpad(to_hex(c.line), 7, '0')) as public_id
    from (
        select l.line, p.id as partner_id, d.day, l.amount, l.tax_free, l.memo
        from upload_line l
            join settlement_partner p on p.merchant_id = %(merchant)s and p.is_test = %(is_test)s and p.public_id = l.partner
            join upload_day d on d.written = l.settlement_date
        where not exists (select from upload_odd o where o.line = l.line)
        offset 0
    ) c
    union all
    select f.line, p.id, f.day, f.amount, f.tax_free, f.memo, %(prefix)s || upper(lpad(to_hex(f.line), 7, '0'))
    from upload_fixed f
        join settlement_partner p on p.merchant_id = %(merchant)s and p.is_test = %(is_test)s and p.public_id = f.partner
)
