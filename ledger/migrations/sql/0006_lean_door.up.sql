-- What every recorded order goes through, with less to do for PostgreSQL: the same laws, asked in fewer and smaller steps.
--
-- A setting of a function costs about as much as a look into an index, so each function keeps only those without which a
-- plan made over small tables would stay and be wrong for large ones. A statement without parameters has one plan anyway.

-- A header alone is no journal: it comes with its last leg, and so with the check of all of them.
create or replace function ledger_check_headers() returns trigger language plpgsql set enable_seqscan = off as $$
declare
    lone bigint;
begin
    select h.id into lone from headers h
    where (select l.leg_no from ledger_entry l where l.journal_id = h.id and l.leg_no = h.leg_count) is null;
    if found then
        raise exception 'ledger: a journal without legs is refused'
            using errcode = 'check_violation', constraint = 'ledger_journal_complete';
    end if;
    return null;
end $$;

-- The legs of each journal arrive in one statement, are complete, fit their accounts and sum to zero per currency; a
-- reversal names a journal of the same books; a closed day takes nothing more. Because that statement must bring exactly
-- the legs 1..leg_count, nobody can add a leg later, not even the transaction that made the journal.
--
-- One look clears the common journal, of one currency and no reversal; only what it does not clear is looked at in detail.
-- Nested loops only: the plans are cached and have to stay right as tables grow.
create or replace function ledger_check_legs() returns trigger language plpgsql
    set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
declare
    bad record;
begin
    -- The legs that are alike are all the legs of their journal, and it is of the same books; a leg that does not fit its
    -- account is like no other. Each operator and aggregate costs, so they are as few as will do.
    select g.journal_id into bad
    from (
        select l.journal_id, a.merchant_id, a.is_test, count(*) as legs, min(l.leg_no) as first_no, max(l.leg_no) as last_no,
            sum(l.amount) as off_by
        from legs l
            left join ledger_account a on a.id = l.account_id and a.currency = l.currency and a.closed_at is null
        group by l.journal_id, l.currency, a.merchant_id, a.is_test
    ) g
    where (
        select g.off_by = 0 and g.first_no = 1 and g.last_no = g.legs and g.legs = j.leg_count and j.reverses_id is null
            and j.merchant_id = g.merchant_id and j.is_test = g.is_test
            and not exists (select from ledger_period p where p.merchant_id = j.merchant_id and p.is_test = j.is_test
                and p.closed_until >= j.effective_date)
        from ledger_journal j where j.id = g.journal_id) is not true;

    if found then
        select l.journal_id, l.currency, sum(l.amount) as off_by into bad
        from legs l group by l.journal_id, l.currency having sum(l.amount) <> 0 limit 1;
        if found then
            raise exception 'ledger: journal % is off by % %', bad.journal_id, bad.off_by, bad.currency
                using errcode = 'check_violation', constraint = 'ledger_journal_balanced';
        end if;

        select l.journal_id, j.leg_count, count(*) as legs,
            bool_and(coalesce(a.currency = l.currency and a.merchant_id = j.merchant_id and a.is_test = j.is_test, false)) as fits,
            bool_or(a.closed_at is not null) as closed
        into bad
        from legs l
            left join ledger_journal j on j.id = l.journal_id
            left join ledger_account a on a.id = l.account_id
        group by l.journal_id, j.id
        having j.leg_count is distinct from count(*) or min(l.leg_no) <> 1 or max(l.leg_no) <> count(*)
            or not bool_and(coalesce(a.currency = l.currency and a.merchant_id = j.merchant_id and a.is_test = j.is_test
                and a.closed_at is null, false))
        limit 1;
        if found then
            if bad.leg_count is distinct from bad.legs then
                raise exception 'ledger: journal % declares % legs and got %', bad.journal_id, bad.leg_count, bad.legs
                    using errcode = 'check_violation', constraint = 'ledger_journal_complete';
            elsif bad.closed and bad.fits then
                raise exception 'ledger: journal % posts to a closed account', bad.journal_id
                    using errcode = 'check_violation', constraint = 'ledger_account_open';
            end if;
            raise exception 'ledger: journal % has a leg that does not fit its account', bad.journal_id
                using errcode = 'check_violation', constraint = 'ledger_entry_fits_account';
        end if;

        select j.id into bad from legs l join ledger_journal j on j.id = l.journal_id
        where j.reverses_id is not null and not exists (select from ledger_journal r where r.id = j.reverses_id
            and r.id < j.id and r.merchant_id = j.merchant_id and r.is_test = j.is_test)
        limit 1;
        if found then
            raise exception 'ledger: journal % reverses a journal that is not in these books', bad.id
                using errcode = 'check_violation', constraint = 'ledger_journal_reverses_known';
        end if;

        select j.id, j.effective_date into bad
        from legs l
            join ledger_journal j on j.id = l.journal_id
            join ledger_period p on p.merchant_id = j.merchant_id and p.is_test = j.is_test
        where p.closed_until >= j.effective_date limit 1;
        if found then
            raise exception 'ledger: journal % is dated % inside a closed period', bad.id, bad.effective_date
                using errcode = 'check_violation', constraint = 'ledger_period_open';
        end if;
    end if;

    -- Guarded accounts move in account order (nested loops keep it), so that posters never wait for each other in a
    -- circle. The check on the row is the overdraft guard.
    update ledger_balance b set balance = b.balance + moved.amount, version = b.version + 1
    from (select l.account_id, sum(l.amount) as amount from legs l group by l.account_id order by l.account_id) moved
    where b.account_id = moved.account_id;
    return null;
end $$;

-- A stored balance moves only from inside the trigger on entries. Asked once per statement, for a trigger for each row would
-- lock the row a second time; and asked here, for a condition on the trigger is parsed for every statement.
create function ledger_refuse_own_change() returns trigger language plpgsql as $$
begin
    if pg_trigger_depth() < 2 then
        raise exception 'ledger: % of % is refused, what is posted stays', lower(tg_op), tg_table_name
            using errcode = 'integrity_constraint_violation', constraint = tg_argv[0];
    end if;
    return null;
end $$;
drop trigger balance_only_by_entries on ledger_balance;
create trigger balance_only_by_entries before update on ledger_balance for each statement
    execute function ledger_refuse_own_change('ledger_balance_only_by_entries');

-- Post one journal and return its id. A known event with the same payload returns the first journal's id, negated; with
-- another payload it is refused. Whether a leg has the currency of its account is for the law to say. Nothing has a
-- default: PostgreSQL would read it anew for every call.
drop function ledger_post(bigint, boolean, text, text, date, bigint[], bigint[], text[], text, text, text, text, text, bigint, jsonb);
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
