-- Save what stands in reconciliation_own: a new version of each record that differs.
update reconciliation_billingrecord b set is_current = false
from reconciliation_own_change c where b.id = c.before_id and not c.is_same;

insert into reconciliation_billingrecord (merchant_id, is_test, ref, version, is_current, is_withdrawn, kind, billing_entity, ids,
    customer_name, own_key, name_key, currency, quantity, unit_price, subtotal, tax, first_day, last_day, source, source_id,
    created_by_id, created_by, created_at)
select %(merchant)s, %(is_test)s, o.ref, c.version, true, o.is_withdrawn, o.kind, o.billing_entity, o.ids, o.customer_name, o.own_key,
    o.name_key, o.currency, o.quantity, o.unit_price, o.subtotal, o.tax, o.first_day, o.last_day, %(source)s, o.source_id, %(by_id)s,
    %(by)s, %(at)s
from reconciliation_own o join reconciliation_own_change c on c.place = o.place
where not c.is_same order by o.place;

with counted as (
    select count(*) filter (where before_id is null) as new, count(*) filter (where before_id is not null and not is_same) as changed,
        count(*) filter (where is_same) as same
    from reconciliation_own_change
) select new, changed, same from counted
