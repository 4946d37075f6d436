-- Records of ours as they are now, to be written once more as taken back.
select row_number() over (order by id), ref, true, kind, ids::text, customer_name, own_key, name_key, currency, quantity, unit_price,
    subtotal, tax, first_day, last_day, billing_entity,
    case when %(source_id)s <> '' then %(source_id)s when source = %(source)s then source_id else '' end
from reconciliation_billingrecord
where merchant_id = %(merchant)s and is_test = %(is_test)s and is_current and ref = any(%(refs)s)
