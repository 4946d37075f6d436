-- Move the records of a change, and tell each one's history. The records are locked.
with moved as (
    update settlement_settlementrecord r set settlement_date = m.new_date
    from settlement_holidaymove m
    where m.change_id = %(change)s and m.record_id = any(%(records)s) and r.id = m.record_id
    returning r.public_id, m.old_date, m.new_date
)
insert into access_auditevent (merchant_id, is_test, actor_kind, actor_name, user_id, secret_id, action, object_kind,
    object_id, before, after, reason, request_id, address)
select %(merchant)s, %(is_test)s, %(actor_kind)s, %(actor_name)s, %(user_id)s, %(secret_id)s,
    'settlement_record.date_moved', 'settlement_record', public_id,
    jsonb_build_object('settlement_date', old_date), jsonb_build_object('settlement_date', new_date),
    %(reason)s, %(request_id)s, %(address)s
from moved
