-- Most journals are plain: one currency, no reversal, and nothing to refuse. A plain journal is looked at before it is written,
-- where its legs are still a few arrays and one look into the accounts is enough, instead of after, where they are rows to be
-- read, grouped and joined. What is not seen to be plain is not written here at all: it takes the way of `ledger_post`, where
-- the laws say in detail what is wrong, or that nothing is.
--
-- The look is in a trigger of a view, because a trigger's own statements are how the laws know it (`pg_trigger_depth`), and nobody
-- can come between the look and the rows. No other trigger may write journals: they would be looked at by nobody.

-- A header alone is no journal: it comes with its last leg, and so with the check of all of them. A plain journal has been
-- looked at by the door below before it was written; only a trigger's own statements are so deep.
create or replace function ledger_check_headers() returns trigger language plpgsql set enable_seqscan = off as $$
declare
    lone bigint;
begin
    if pg_trigger_depth() > 1 then
        return null;
    end if;
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
    if pg_trigger_depth() > 1 then
        return null;
    end if;
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

-- The journals written here have sums, accounts and days that were looked at here. Nothing is to be read from it.
create view ledger_plain_journal as select null::ledger_posting as posting, null::bigint as id where false;

create function ledger_post_plain() returns trigger language plpgsql security definer set search_path = public, pg_temp
    set plan_cache_mode = force_generic_plan set enable_bitmapscan = off set enable_seqscan = off as $$
declare
    posting ledger_posting := new.posting;
    -- Shared with all posters, exclusive for whoever closes a period: no journal slips into a day while it is closed.
    gate text := pg_advisory_xact_lock_shared(7302, (posting.merchant_id * 2 + posting.is_test::int)::int);
    -- The transaction gets its number before the journal gets its id; the day totals rely on that order.
    number xid8 := pg_current_xact_id();
    unit text := posting.currencies[1];
    off_by numeric := 0;
    amount bigint;
begin
    foreach amount in array posting.amounts loop
        off_by := off_by + amount;
    end loop;
    -- Legs are numbered by their places, which an array may begin to count anywhere.
    if (off_by = 0 and posting.reverses_id is null and unit = all (posting.currencies)
            and array_lower(posting.accounts, 1) = 1) is not true then
        return null;
    end if;

    -- Accounts are asked for by their keys alone, so that only one index can answer, whatever the planner knows of the table.
    with header as (
        insert into ledger_journal (merchant_id, is_test, event_type, event_key, payload_hash, business_date, effective_date,
            leg_count, reverses_id, origin_kind, origin_id, actor, request_id, memo, attributes)
        select posting.merchant_id, posting.is_test, posting.event_type, posting.event_key,
            ledger_payload_hash(posting.business_date, posting.accounts, posting.amounts, posting.components, null),
            posting.business_date,
            greatest(posting.business_date, (select p.closed_until + 1 from ledger_period p
                where p.merchant_id = posting.merchant_id and p.is_test = posting.is_test)),
            cardinality(posting.accounts), null, posting.origin_kind, posting.origin_id, posting.actor, posting.request_id,
            posting.memo, posting.attributes
        where posting.accounts <@ array(select case when a.merchant_id = posting.merchant_id and a.is_test = posting.is_test
                and a.currency = unit and a.closed_at is null then a.id end
            from ledger_account a where a.id = any (posting.accounts))
        on conflict on constraint ledger_journal_event do nothing
        returning id
    ), legs as (
        insert into ledger_entry (journal_id, leg_no, account_id, currency, amount, component)
        select h.id, generate_subscripts(posting.accounts, 1), unnest(posting.accounts), unnest(posting.currencies),
            unnest(posting.amounts), unnest(posting.components)
        from header h
    )
    select h.id into new.id from header h;
    if not found then
        return null;
    end if;

    -- Guarded accounts move in account order, the order of their index (the settings leave no other way to find them), so
    -- that posters never wait for each other in a circle. The check on the row is the overdraft guard.
    update ledger_balance b set version = b.version + 1, balance = b.balance + (
        select sum(l.amount)
        from (select unnest(posting.accounts) as account_id, unnest(posting.amounts) as amount) l
        where l.account_id = b.account_id)
    where b.account_id = any (posting.accounts);
    return new;
end $$;

create trigger journal_is_plain instead of insert on ledger_plain_journal
    for each row execute function ledger_post_plain();

revoke all on ledger_plain_journal from public;
revoke execute on function ledger_post_plain from public;
do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke all on ledger_plain_journal from jeongsan_app;
        grant select, insert on ledger_plain_journal to jeongsan_app;
    end if;
end $$;
