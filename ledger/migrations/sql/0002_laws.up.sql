-- The laws of the books. They hold for the owner and for the application role alike.

-- ---------------------------------------------------------------------------------------------------------------
-- What is written stays as it is.

create function ledger_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'ledger: % of % is refused, what is posted stays', lower(tg_op), tg_table_name
        using errcode = 'integrity_constraint_violation', constraint = tg_argv[0];
end $$;

create trigger journal_append_only before update or delete on ledger_journal
    for each row execute function ledger_refuse_change('ledger_journal_append_only');
create trigger journal_no_truncate before truncate on ledger_journal
    for each statement execute function ledger_refuse_change('ledger_journal_append_only');
create trigger entry_append_only before update or delete on ledger_entry
    for each row execute function ledger_refuse_change('ledger_entry_append_only');
create trigger entry_no_truncate before truncate on ledger_entry
    for each statement execute function ledger_refuse_change('ledger_entry_append_only');
create trigger account_stays before delete on ledger_account
    for each row execute function ledger_refuse_change('ledger_account_stays');
create trigger account_no_truncate before truncate on ledger_account
    for each statement execute function ledger_refuse_change('ledger_account_stays');

-- An account keeps its address for ever; only closing it is a change.
create trigger account_keeps_address before update on ledger_account for each row
    when ((old.id, old.merchant_id, old.is_test, old.code, old.owner_kind, old.owner, old.currency)
        is distinct from (new.id, new.merchant_id, new.is_test, new.code, new.owner_kind, new.owner, new.currency)
        or (old.closed_at is not null and new.closed_at is distinct from old.closed_at))
    execute function ledger_refuse_change('ledger_account_keeps_address');

-- A stored balance moves only from inside the trigger on entries. (Asked once per statement: a trigger for each row would
-- lock the row a second time.)
create trigger balance_only_by_entries before update on ledger_balance for each statement
    when (pg_trigger_depth() < 1) execute function ledger_refuse_change('ledger_balance_only_by_entries');
create trigger balance_stays before delete on ledger_balance
    for each row execute function ledger_refuse_change('ledger_balance_only_by_entries');
create trigger balance_no_truncate before truncate on ledger_balance
    for each statement execute function ledger_refuse_change('ledger_balance_only_by_entries');

-- ---------------------------------------------------------------------------------------------------------------
-- The legs of each journal arrive in one statement, are complete, fit their accounts and sum to zero per currency; a
-- reversal names a journal of the same books; a closed day takes nothing more. Because that statement must bring exactly
-- the legs 1..leg_count, nobody can add a leg later, not even the transaction that made the journal.
--
-- One look clears the common journal, of one currency and no reversal; only what it does not clear is looked at in detail.
-- Nested loops only: the plans are cached and have to stay right as tables grow.

create function ledger_check_legs() returns trigger language plpgsql
    set plan_cache_mode = force_generic_plan set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off
    set enable_hashagg = off set enable_memoize = off as $$
declare
    bad record;
begin
    if exists (
        select from legs l
            left join ledger_journal j on j.id = l.journal_id
            left join ledger_account a on a.id = l.account_id
        group by l.journal_id, j.id
        having sum(l.amount) <> 0 or min(l.currency) <> max(l.currency) or j.reverses_id is not null
            or j.leg_count is distinct from count(*) or min(l.leg_no) <> 1 or max(l.leg_no) <> count(*)
            or not bool_and(coalesce(a.currency = l.currency and a.merchant_id = j.merchant_id and a.is_test = j.is_test
                and a.closed_at is null, false))
            or exists (select from ledger_period p where p.merchant_id = j.merchant_id and p.is_test = j.is_test
                and p.closed_until >= j.effective_date)
    ) then
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
    where b.account_id = moved.account_id and moved.amount <> 0;
    return null;
end $$;

create trigger legs_are_lawful after insert on ledger_entry referencing new table as legs
    for each statement execute function ledger_check_legs();

-- A header alone is no journal: it comes with its last leg, and so with the check of all of them.
create function ledger_check_headers() returns trigger language plpgsql
    set plan_cache_mode = force_generic_plan set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
begin
    if exists (
        select from headers h
        where not exists (select from ledger_entry l where l.journal_id = h.id and l.leg_no = h.leg_count)
    ) then
        raise exception 'ledger: a journal without legs is refused'
            using errcode = 'check_violation', constraint = 'ledger_journal_complete';
    end if;
    return null;
end $$;

create trigger headers_are_lawful after insert on ledger_journal referencing new table as headers
    for each statement execute function ledger_check_headers();

-- A period only moves forward.
create trigger period_only_forward before update on ledger_period for each row
    when (new.closed_until < old.closed_until or (new.merchant_id, new.is_test) <> (old.merchant_id, old.is_test))
    execute function ledger_refuse_change('ledger_period_only_forward');
create trigger period_stays before delete on ledger_period
    for each row execute function ledger_refuse_change('ledger_period_only_forward');
