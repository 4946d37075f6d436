drop function ledger_post(ledger_posting);
drop type ledger_posting;

create function ledger_post(
    p_merchant bigint, p_test boolean, p_event_type text, p_event_key text, p_business_date date,
    p_accounts bigint[], p_amounts bigint[], p_components text[], p_currencies text[],
    p_origin_kind text, p_origin_id text, p_actor text, p_request_id text,
    p_memo text, p_reverses bigint, p_attributes jsonb)
    returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
    -- Shared with all posters, exclusive for whoever closes a period: no journal slips into a day while it is closed.
    gate text := pg_advisory_xact_lock_shared(7302, (p_merchant * 2 + p_test::int)::int);
    -- The transaction gets its number before the journal gets its id; the day totals rely on that order.
    number xid8 := pg_current_xact_id();
    payload bytea := ledger_payload_hash(p_business_date, p_accounts, p_amounts, p_components, p_reverses);
    posted bigint;
    known bytea;
begin
    with header as (
        insert into ledger_journal (merchant_id, is_test, event_type, event_key, payload_hash, business_date, effective_date,
            leg_count, reverses_id, origin_kind, origin_id, actor, request_id, memo, attributes)
        values (p_merchant, p_test, p_event_type, p_event_key, payload, p_business_date,
            greatest(p_business_date, (select p.closed_until + 1 from ledger_period p
                where p.merchant_id = p_merchant and p.is_test = p_test)),
            cardinality(p_accounts), p_reverses, p_origin_kind, p_origin_id, p_actor, p_request_id, p_memo, p_attributes)
        on conflict on constraint ledger_journal_event do nothing
        returning id
    ), legs as (
        insert into ledger_entry (journal_id, leg_no, account_id, currency, amount, component)
        select h.id, l.place, l.account_id, l.currency, l.amount, l.component
        from header h
            cross join unnest(p_accounts, p_amounts, p_components, p_currencies)
                with ordinality l(account_id, amount, component, currency, place)
    )
    select h.id into posted from header h;

    if posted is null then
        select -j.id, j.payload_hash into posted, known from ledger_journal j
        where j.merchant_id = p_merchant and j.is_test = p_test and j.event_type = p_event_type and j.event_key = p_event_key;
        if known is distinct from payload then
            raise exception 'ledger: event % % was posted with other legs', p_event_type, p_event_key
                using errcode = 'unique_violation', constraint = 'ledger_journal_event';
        end if;
    end if;
    return posted;
end $$;

do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        grant execute on function ledger_post to jeongsan_app;
    end if;
end $$;
revoke execute on function ledger_post from public;
