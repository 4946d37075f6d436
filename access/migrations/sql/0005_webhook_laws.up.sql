-- Webhooks: an event that is written has its deliveries; what was written stays until it is old.

-- Every endpoint of the event's merchant and environment that listens and wants the type gets a delivery of its own.
create function access_webhook_fan_out() returns trigger language plpgsql as $$
begin
    insert into access_webhookdelivery (merchant_id, is_test, event_id, endpoint_id, state, due_at, created_at)
        select c.merchant_id, c.is_test, c.id, e.id, 'PENDING', c.occurred_at, c.occurred_at
        from changed c join access_webhookendpoint e on (e.merchant_id, e.is_test) = (c.merchant_id, c.is_test)
        where e.state = 'ENABLED'
            and case when c.endpoint_id is null then cardinality(e.events) = 0 or c.type = any (e.events) else e.id = c.endpoint_id end
        order by c.id, e.id;
    return null;
end $$;
create trigger webhook_fan_out after insert on access_webhookevent referencing new table as changed
    for each statement execute function access_webhook_fan_out();

-- The outbox and the log of what was sent are insert-only; rows younger than 30 days do not leave either.
create function access_webhook_keep() returns trigger language plpgsql as $$
begin
    if (to_jsonb(old) ->> tg_argv[1])::timestamptz > now() - interval '30 days' then
        raise exception 'access: % of % is refused, it is not 30 days old', lower(tg_op), tg_table_name
            using errcode = 'integrity_constraint_violation', constraint = tg_argv[0];
    end if;
    return old;
end $$;
create trigger webhook_event_unchanged before update on access_webhookevent
    for each row execute function access_refuse_change('access_webhookevent_append_only');
create trigger webhook_event_kept before delete on access_webhookevent
    for each row execute function access_webhook_keep('access_webhookevent_append_only', 'occurred_at');
create trigger webhook_event_no_truncate before truncate on access_webhookevent
    for each statement execute function access_refuse_change('access_webhookevent_append_only');
create trigger webhook_try_unchanged before update on access_webhooktry
    for each row execute function access_refuse_change('access_webhooktry_append_only');
create trigger webhook_try_no_truncate before truncate on access_webhooktry
    for each statement execute function access_refuse_change('access_webhooktry_append_only');

-- A delivery is about one event and one endpoint for ever, and a deleted endpoint never comes back.
create trigger webhook_delivery_about before update on access_webhookdelivery for each row
    when ((old.merchant_id, old.is_test, old.public_id, old.event_id, old.endpoint_id)
        is distinct from (new.merchant_id, new.is_test, new.public_id, new.event_id, new.endpoint_id))
    execute function access_refuse_change('access_webhookdelivery_about');
create trigger webhook_endpoint_gone before update on access_webhookendpoint for each row
    when (old.state = 'DELETED' or (old.merchant_id, old.is_test, old.public_id) is distinct from (new.merchant_id, new.is_test, new.public_id))
    execute function access_refuse_change('access_webhookendpoint_stays');
create trigger webhook_endpoint_stays before delete on access_webhookendpoint
    for each row execute function access_refuse_change('access_webhookendpoint_stays');

-- The application has no right to delete here; this removes what is old and no longer waits, in pieces.
create function access_webhook_tidy(most integer) returns integer language plpgsql security definer set search_path = public, pg_temp as $$
declare
    old_events bigint[];
begin
    select array_agg(id) into old_events from (
        select v.id from access_webhookevent v where v.occurred_at < now() - interval '30 days'
            and not exists (select from access_webhookdelivery d join access_webhookendpoint e on e.id = d.endpoint_id
                where d.event_id = v.id and d.state = 'PENDING' and e.state = 'ENABLED')
        order by v.occurred_at limit most) found;
    if old_events is null then
        return 0;
    end if;
    delete from access_webhooktry t using access_webhookdelivery d where d.id = t.delivery_id and d.event_id = any (old_events);
    delete from access_webhookdelivery d where d.event_id = any (old_events);
    delete from access_webhookevent v where v.id = any (old_events);
    return cardinality(old_events);
end $$;

do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke update, delete, truncate on access_webhookevent, access_webhooktry from jeongsan_app;
        revoke delete, truncate on access_webhookdelivery, access_webhookendpoint from jeongsan_app;
    end if;
end $$;
