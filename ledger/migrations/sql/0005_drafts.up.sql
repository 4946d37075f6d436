-- Posting what a query makes of rows already in the database: drafts go into a temporary table that belongs to the owner of
-- the books, and one statement makes journals of them under the same laws as any other way in.

-- Open the table, in which the caller may do nothing but insert. It ends with the posting, at the latest with the transaction.
create function ledger_draft_open()
    returns void language plpgsql security definer set search_path = public, pg_temp as $$
begin
    -- Fails where somebody else made a table of this name: nobody but the owner can drop what the owner made.
    drop table if exists pg_temp.ledger_draft;
    create temp table ledger_draft (
        event_type text not null, event_key text not null, business_date date not null, accounts bigint[] not null,
        amounts bigint[] not null, components text[] not null, origin_kind text not null, origin_id text not null
    ) on commit drop;
    execute format('grant insert on pg_temp.ledger_draft to %I', session_user);
end $$;

-- Post the drafts; an event known already, or met before in the same set, is passed over when its payload is the same.
-- Returns how many journals are new. All legs come in one statement, so every balance is touched once, in account order.
create function ledger_post_drafts(p_merchant bigint, p_test boolean, p_actor text, p_request_id text)
    returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
    closed date;
    drafted bigint;
    added bigint;
    clash text;
begin
    if (select c.relowner from pg_class c where c.oid = to_regclass('pg_temp.ledger_draft'))
        is distinct from (select r.oid from pg_roles r where r.rolname = current_user) then
        raise exception 'ledger: drafts were not opened here' using errcode = 'object_not_in_prerequisite_state';
    end if;
    perform pg_advisory_xact_lock_shared(7302, (p_merchant * 2 + p_test::int)::int);
    -- The transaction gets its number before the journals get their ids; the day totals rely on that order.
    perform pg_current_xact_id();
    select p.closed_until into closed from ledger_period p where p.merchant_id = p_merchant and p.is_test = p_test;
    analyze pg_temp.ledger_draft;
    select count(*) into drafted from pg_temp.ledger_draft;

    with wanted as materialized (
        select nextval('ledger_journal_id_seq') as id, d.* from pg_temp.ledger_draft d
    ), header as (
        insert into ledger_journal (id, merchant_id, is_test, event_type, event_key, payload_hash, business_date, effective_date,
            leg_count, reverses_id, origin_kind, origin_id, actor, request_id, memo, attributes)
        overriding system value
        select w.id, p_merchant, p_test, w.event_type, w.event_key,
            ledger_payload_hash(w.business_date, w.accounts, w.amounts, w.components, null), w.business_date,
            greatest(w.business_date, closed + 1), cardinality(w.accounts), null, w.origin_kind, w.origin_id,
            p_actor, p_request_id, '', '{}'
        from wanted w
        on conflict on constraint ledger_journal_event do nothing
        returning id
    ), legs as (
        insert into ledger_entry (journal_id, leg_no, account_id, currency, amount, component)
        select w.id, l.place, l.account_id, a.currency, l.amount, l.component
        from header h
            join wanted w on w.id = h.id
            cross join lateral unnest(w.accounts, w.amounts, w.components) with ordinality l(account_id, amount, component, place)
            join ledger_account a on a.id = l.account_id
    )
    select count(*) into added from header;

    if added < drafted then
        select d.event_type || ' ' || d.event_key into clash
        from pg_temp.ledger_draft d
            join ledger_journal j on j.merchant_id = p_merchant and j.is_test = p_test
                and j.event_type = d.event_type and j.event_key = d.event_key
        where j.payload_hash <> ledger_payload_hash(d.business_date, d.accounts, d.amounts, d.components, null)
        limit 1;
        if clash is not null then
            raise exception 'ledger: event % was posted with other legs', clash
                using errcode = 'unique_violation', constraint = 'ledger_journal_event';
        end if;
    end if;
    drop table pg_temp.ledger_draft;
    return added;
end $$;

revoke execute on function ledger_draft_open, ledger_post_drafts from public;
do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        grant execute on function ledger_draft_open, ledger_post_drafts to jeongsan_app;
    end if;
end $$;
