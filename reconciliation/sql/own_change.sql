-- What is new about what stands in reconciliation_own, and which of it locked days forbid.
analyze reconciliation_own;
create temp table reconciliation_own_change on commit drop as
select o.place, b.id as before_id, coalesce(b.version, 0) + 1 as version,
    b.id is not null and (b.is_withdrawn, b.kind, b.billing_entity, b.ids, b.customer_name, b.currency, b.quantity, b.unit_price,
            b.subtotal, b.tax, b.first_day, b.last_day)
        is not distinct from (o.is_withdrawn, o.kind::varchar, o.billing_entity::varchar, o.ids, o.customer_name, o.currency::varchar,
            o.quantity, o.unit_price, o.subtotal, o.tax, o.first_day, o.last_day) as is_same,
    exists (
        select from reconciliation_periodlock k
        where k.merchant_id = %(merchant)s and k.is_test = %(is_test)s and k.opened_at is null
            and (daterange(k.first_day, k.last_day, '[]') && daterange(o.first_day, o.last_day, '[]')
                or b.id is not null and daterange(k.first_day, k.last_day, '[]') && daterange(b.first_day, b.last_day, '[]'))
    ) as in_locked_days
from reconciliation_own o
left join reconciliation_billingrecord b on b.merchant_id = %(merchant)s and b.is_test = %(is_test)s and b.ref = o.ref and b.is_current
