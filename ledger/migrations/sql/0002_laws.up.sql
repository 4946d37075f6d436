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

-- A stored balance moves only from inside the trigger on entries.
create trigger balance_only_by_entries before update on ledger_balance for each row
    when (pg_trigger_depth() < 1) execute function ledger_refuse_change('ledger_balance_only_by_entries');
create trigger balance_stays before delete on ledger_balance
    for each row execute function ledger_refuse_change('ledger_balance_only_by_entries');
create trigger balance_no_truncate before truncate on ledger_balance
    for each statement execute function ledger_refuse_change('ledger_balance_only_by_entries');

-- ---------------------------------------------------------------------------------------------------------------
-- The legs of each journal arrive in one statement, are complete, fit their accounts and sum to zero per currency.
-- Because that statement must bring exactly the legs 1..leg_count, nobody can add a leg later, not even the
-- transaction that made the journal. Nested loops only: the plan is cached and has to stay right as tables grow.
-- One look decides for the common journal of one currency; only what it does not clear is looked at in detail.

create function ledger_check_legs() returns trigger language plpgsql
    set plan_cache_mode = force_generic_plan set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
declare
    bad record;
begin
    if exists (
        select from legs l
            left join ledger_journal j on j.id = l.journal_id
            left join ledger_account a on a.id = l.account_id
        group by l.journal_id, j.leg_count
        having sum(l.amount) <> 0 or min(l.currency) <> max(l.currency)
            or j.leg_count is distinct from count(*) or min(l.leg_no) <> 1 or max(l.leg_no) <> count(*)
            or not bool_and(coalesce(a.currency = l.currency and a.merchant_id = j.merchant_id and a.is_test = j.is_test
                and a.closed_at is null, false))
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
        group by l.journal_id, j.leg_count
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

-- A header alone is no journal; a reversal names a journal of the same books; a closed day takes nothing more.
create function ledger_check_headers() returns trigger language plpgsql
    set plan_cache_mode = force_generic_plan set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
declare
    bad record;
begin
    select h.id, h.effective_date, l.journal_id is not null as has_legs,
        h.reverses_id is null or r.id < h.id and (r.merchant_id, r.is_test) = (h.merchant_id, h.is_test) as reverses_known
    into bad
    from headers h
        left join ledger_entry l on l.journal_id = h.id and l.leg_no = 1
        left join ledger_journal r on r.id = h.reverses_id
        left join ledger_period p on p.merchant_id = h.merchant_id and p.is_test = h.is_test
    where l.journal_id is null or h.effective_date <= p.closed_until
        or h.reverses_id is not null
            and (r.id < h.id and (r.merchant_id, r.is_test) = (h.merchant_id, h.is_test)) is not true
    limit 1;
    if not found then
        return null;
    elsif not bad.has_legs then
        raise exception 'ledger: journal % has no legs', bad.id
            using errcode = 'check_violation', constraint = 'ledger_journal_complete';
    elsif bad.reverses_known is not true then
        raise exception 'ledger: journal % reverses a journal that is not in these books', bad.id
            using errcode = 'check_violation', constraint = 'ledger_journal_reverses_known';
    end if;
    raise exception 'ledger: journal % is dated % inside a closed period', bad.id, bad.effective_date
        using errcode = 'check_violation', constraint = 'ledger_period_open';
end $$;

create trigger headers_are_lawful after insert on ledger_journal referencing new table as headers
    for each statement execute function ledger_check_headers();

-- A period only moves forward.
create trigger period_only_forward before update on ledger_period for each row
    when (new.closed_until < old.closed_until or (new.merchant_id, new.is_test) <> (old.merchant_id, old.is_test))
    execute function ledger_refuse_change('ledger_period_only_forward');
create trigger period_stays before delete on ledger_period
    for each row execute function ledger_refuse_change('ledger_period_only_forward');
