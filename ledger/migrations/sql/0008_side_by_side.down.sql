create or replace function ledger_post(posting ledger_posting)
    returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
    -- Shared with all posters, exclusive for whoever closes a period: no journal slips into a day while it is closed.
    gate text := pg_advisory_xact_lock_shared(7302, (posting.merchant_id * 2 + posting.is_test::int)::int);
    -- The transaction gets its number before the journal gets its id; the day totals rely on that order.
    number xid8 := pg_current_xact_id();
    payload bytea := ledger_payload_hash(posting.business_date, posting.accounts, posting.amounts, posting.components,
        posting.reverses_id);
    posted bigint;
    known bytea;
begin
    with header as (
        insert into ledger_journal (merchant_id, is_test, event_type, event_key, payload_hash, business_date, effective_date,
            leg_count, reverses_id, origin_kind, origin_id, actor, request_id, memo, attributes)
        values (posting.merchant_id, posting.is_test, posting.event_type, posting.event_key, payload, posting.business_date,
            greatest(posting.business_date, (select d.closed_until + 1 from ledger_period d
                where d.merchant_id = posting.merchant_id and d.is_test = posting.is_test)),
            cardinality(posting.accounts), posting.reverses_id, posting.origin_kind, posting.origin_id, posting.actor,
            posting.request_id, posting.memo, posting.attributes)
        on conflict on constraint ledger_journal_event do nothing
        returning id
    ), legs as (
        insert into ledger_entry (journal_id, leg_no, account_id, currency, amount, component)
        select h.id, l.place, l.account_id, l.currency, l.amount, l.component
        from header h
            cross join unnest(posting.accounts, posting.amounts, posting.components, posting.currencies)
                with ordinality l(account_id, amount, component, currency, place)
    )
    select h.id into posted from header h;

    if posted is null then
        select -j.id, j.payload_hash into posted, known from ledger_journal j
        where j.merchant_id = posting.merchant_id and j.is_test = posting.is_test
            and j.event_type = posting.event_type and j.event_key = posting.event_key;
        if known is distinct from payload then
            raise exception 'ledger: event % % was posted with other legs', posting.event_type, posting.event_key
                using errcode = 'unique_violation', constraint = 'ledger_journal_event';
        end if;
    end if;
    return posted;
end $$;
