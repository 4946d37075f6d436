-- The door for some hundreds of journals that a statement makes of rows in the database: an array of the values that the
-- door for one takes. The drafts of 0005 hold any number, but cost a table each time.

-- Post journals; an event known already, or met before in the same array, is passed over when its payload is the same.
-- Returns how many are new. All legs come in one statement, so every balance is touched once, in account order. Journals and
-- their values are never compared in a loop inside a loop: the plan is cached and has to stay right for larger arrays.
create function ledger_post_values(postings ledger_posting[])
    returns bigint language plpgsql security definer set search_path = public, pg_temp set enable_nestloop = off as $$
declare
    added bigint;
    clash text;
begin
    -- Shared with all posters, exclusive for whoever closes a period: no journal slips into a day while it is closed.
    perform pg_advisory_xact_lock_shared(7302, (b.merchant_id * 2 + b.is_test::int)::int)
    from (select distinct p.merchant_id, p.is_test from unnest(postings) p order by p.merchant_id, p.is_test) b;
    -- The transaction gets its number before the journals get their ids; the day totals rely on that order.
    perform pg_current_xact_id();

    with wanted as materialized (
        select nextval('ledger_journal_id_seq') as id, p.*,
            ledger_payload_hash(p.business_date, p.accounts, p.amounts, p.components, p.reverses_id) as payload
        from unnest(postings) p
    ), header as (
        insert into ledger_journal (id, merchant_id, is_test, event_type, event_key, payload_hash, business_date, effective_date,
            leg_count, reverses_id, origin_kind, origin_id, actor, request_id, memo, attributes)
        overriding system value
        select w.id, w.merchant_id, w.is_test, w.event_type, w.event_key, w.payload, w.business_date,
            greatest(w.business_date, d.closed_until + 1), cardinality(w.accounts), w.reverses_id, w.origin_kind, w.origin_id,
            w.actor, w.request_id, w.memo, w.attributes
        from wanted w left join ledger_period d on d.merchant_id = w.merchant_id and d.is_test = w.is_test
        on conflict on constraint ledger_journal_event do nothing
        returning id
    ), legs as (
        insert into ledger_entry (journal_id, leg_no, account_id, currency, amount, component)
        select w.id, l.place, l.account_id, l.currency, l.amount, l.component
        from header h
            join wanted w on w.id = h.id
            cross join lateral unnest(w.accounts, w.amounts, w.components, w.currencies)
                with ordinality l(account_id, amount, component, currency, place)
    )
    select count(*) into added from header;

    if added < cardinality(postings) then
        select p.event_type || ' ' || p.event_key into clash
        from unnest(postings) p
            join ledger_journal j on j.merchant_id = p.merchant_id and j.is_test = p.is_test
                and j.event_type = p.event_type and j.event_key = p.event_key
        where j.payload_hash <> ledger_payload_hash(p.business_date, p.accounts, p.amounts, p.components, p.reverses_id)
        limit 1;
        if clash is not null then
            raise exception 'ledger: event % was posted with other legs', clash
                using errcode = 'unique_violation', constraint = 'ledger_journal_event';
        end if;
    end if;
    return added;
end $$;

revoke execute on function ledger_post_values from public;
do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        grant execute on function ledger_post_values to jeongsan_app;
    end if;
end $$;
