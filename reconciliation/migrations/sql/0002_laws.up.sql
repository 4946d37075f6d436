-- What must hold among the rows of reconciliation, whoever writes them.

create function reconciliation_refuse() returns trigger language plpgsql as $$
begin
    raise exception 'reconciliation: % of % is refused', lower(tg_op), tg_table_name
        using errcode = 'integrity_constraint_violation', constraint = tg_argv[0];
end $$;

-- A batch moves on, and what was understood of its file stays.
create function reconciliation_check_batch() returns trigger language plpgsql as $$
begin
    if old.state <> new.state and (old.state, new.state) not in (
            ('LOADING', 'UNDERSTOOD'), ('LOADING', 'REJECTED'), ('LOADING', 'DISCARDED'),
            ('UNDERSTOOD', 'ACCEPTED'), ('UNDERSTOOD', 'DISCARDED'), ('ACCEPTED', 'SUPERSEDED')) then
        raise exception 'reconciliation: batch % does not move from % to %', old.public_id, old.state, new.state
            using errcode = 'integrity_constraint_violation', constraint = 'reconciliation_move_exists';
    end if;
    if (old.merchant_id, old.is_test, old.public_id, old.created_at, old.name, old.bytes, old.sha256, old.created_by_id, old.created_by)
            is distinct from (new.merchant_id, new.is_test, new.public_id, new.created_at, new.name, new.bytes, new.sha256, new.created_by_id, new.created_by)
        or old.state <> 'LOADING' and (to_jsonb(old) - array['state', 'version', 'replaces_id', 'decided_by_id', 'decided_by', 'decided_at', 'path', 'file_key'])
            is distinct from (to_jsonb(new) - array['state', 'version', 'replaces_id', 'decided_by_id', 'decided_by', 'decided_at', 'path', 'file_key'])
        or old.version > 0 and (old.version, old.replaces_id, old.decided_by_id, old.decided_by, old.decided_at)
            is distinct from (new.version, new.replaces_id, new.decided_by_id, new.decided_by, new.decided_at) then
        raise exception 'reconciliation: batch % stays as it was understood', old.public_id
            using errcode = 'integrity_constraint_violation', constraint = 'reconciliation_batch_stays';
    end if;
    return new;
end $$;
create trigger batch_is_lawful before update on reconciliation_batch for each row execute function reconciliation_check_batch();
create trigger batch_is_kept before delete on reconciliation_batch for each row execute function reconciliation_refuse('reconciliation_batch_stays');

create function reconciliation_check_links() returns trigger language plpgsql as $$
begin
    if exists (select from reconciliation_batch b where b.id in (new.replaces_id, new.same_as_id)
            and (b.merchant_id, b.is_test) <> (new.merchant_id, new.is_test))
        or exists (select from reconciliation_batch b where b.id = new.replaces_id
            and (b.identity <> new.identity or b.version >= new.version)) then
        raise exception 'reconciliation: batch % follows a batch that is no version of it', new.public_id
            using errcode = 'foreign_key_violation', constraint = 'reconciliation_same_scope';
    end if;
    return null;
end $$;
create trigger batch_follows_its_own after insert or update on reconciliation_batch for each row
    when (new.replaces_id is not null or new.same_as_id is not null) execute function reconciliation_check_links();

-- Lines come while their file is read, never change, and go only with a batch that was thrown away.
create function reconciliation_check_line() returns trigger language plpgsql as $$
begin
    if not exists (select from reconciliation_batch where id = new.batch_id and state = 'LOADING') then
        raise exception 'reconciliation: batch % is not being loaded', new.batch_id
            using errcode = 'foreign_key_violation', constraint = 'reconciliation_line_while_loading';
    end if;
    return new;
end $$;
create trigger line_comes_while_loading before insert on reconciliation_batchline for each row execute function reconciliation_check_line();
create trigger line_stays before update on reconciliation_batchline for each statement execute function reconciliation_refuse('reconciliation_line_stays');

create function reconciliation_check_gone_lines() returns trigger language plpgsql as $$
begin
    if exists (select from (select distinct batch_id from gone) g
            where not exists (select from reconciliation_batch b where b.id = g.batch_id and b.state = 'DISCARDED')) then
        raise exception 'reconciliation: lines of a batch that was not thrown away stay'
            using errcode = 'integrity_constraint_violation', constraint = 'reconciliation_line_stays';
    end if;
    return null;
end $$;
create trigger line_is_kept after delete on reconciliation_batchline referencing old table as gone
    for each statement execute function reconciliation_check_gone_lines();

-- A record of ours changes by another version; only that it is no longer the newest is noted on it.
create trigger record_stays before update on reconciliation_billingrecord for each row
    when (not (old.is_current and not new.is_current)
        or (to_jsonb(old) - 'is_current') is distinct from (to_jsonb(new) - 'is_current'))
    execute function reconciliation_refuse('reconciliation_record_stays');
create trigger record_is_kept before delete on reconciliation_billingrecord for each statement
    execute function reconciliation_refuse('reconciliation_record_stays');

-- Nothing comes into locked days or goes out of them. A record without a day is open on that side. Whoever locks days waits
-- for those who are saving, and whoever saves then sees the lock.
create function reconciliation_wait_for_savers() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(7302, hashint8(new.merchant_id));
    return new;
end $$;
create trigger lock_waits_for_savers before insert on reconciliation_periodlock for each row execute function reconciliation_wait_for_savers();

create function reconciliation_check_locks() returns trigger language plpgsql as $$
declare
    refused record;
begin
    perform pg_advisory_xact_lock_shared(7302, hashint8(merchant_id)) from (select distinct merchant_id from added) a;
    select a.ref into refused from added a
        join reconciliation_periodlock k on (k.merchant_id, k.is_test) = (a.merchant_id, a.is_test) and k.opened_at is null
        left join reconciliation_billingrecord b
            on (b.merchant_id, b.is_test, b.ref, b.version) = (a.merchant_id, a.is_test, a.ref, a.version - 1)
        where daterange(k.first_day, k.last_day, '[]') && daterange(a.first_day, a.last_day, '[]')
            or b.id is not null and daterange(k.first_day, k.last_day, '[]') && daterange(b.first_day, b.last_day, '[]')
        limit 1;
    if found then
        raise exception 'reconciliation: record % is in a locked period', refused.ref
            using errcode = 'check_violation', constraint = 'reconciliation_period_locked';
    end if;
    return null;
end $$;
create trigger record_not_in_locked_period after insert on reconciliation_billingrecord referencing new table as added
    for each statement execute function reconciliation_check_locks();
create trigger lock_stays before update on reconciliation_periodlock for each row
    when (old.opened_at is not null or new.opened_at is null
        or (old.merchant_id, old.is_test, old.first_day, old.last_day, old.locked_by_id, old.locked_by, old.locked_at)
            is distinct from (new.merchant_id, new.is_test, new.first_day, new.last_day, new.locked_by_id, new.locked_by, new.locked_at))
    execute function reconciliation_refuse('reconciliation_lock_stays');
create trigger lock_is_kept before delete on reconciliation_periodlock for each row execute function reconciliation_refuse('reconciliation_lock_stays');

-- What a comparison found stays; its sums are written down once.
create trigger comparison_stays before update on reconciliation_comparison for each row
    when (old.counts <> '{}' or (to_jsonb(old) - array['counts', 'money']) is distinct from (to_jsonb(new) - array['counts', 'money']))
    execute function reconciliation_refuse('reconciliation_comparison_stays');
create trigger comparison_is_kept before delete on reconciliation_comparison for each row execute function reconciliation_refuse('reconciliation_comparison_stays');
create trigger outcome_stays before update on reconciliation_outcome for each statement execute function reconciliation_refuse('reconciliation_outcome_stays');

-- What people decided stays, and is about a batch of their own.
create trigger resolution_stays before update or delete on reconciliation_resolution for each row
    execute function reconciliation_refuse('reconciliation_resolution_stays');
create function reconciliation_check_resolution() returns trigger language plpgsql as $$
begin
    if not exists (select from reconciliation_batch b where b.id = new.batch_id
            and (b.merchant_id, b.is_test, b.identity) = (new.merchant_id, new.is_test, new.identity)) then
        raise exception 'reconciliation: resolution % is about another scope', new.public_id
            using errcode = 'foreign_key_violation', constraint = 'reconciliation_same_scope';
    end if;
    return null;
end $$;
create trigger resolution_is_about_own after insert on reconciliation_resolution for each row execute function reconciliation_check_resolution();

do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke delete, truncate on reconciliation_batch, reconciliation_billingrecord, reconciliation_periodlock, reconciliation_comparison from jeongsan_app;
        revoke update, truncate on reconciliation_batchline, reconciliation_outcome from jeongsan_app;
        revoke update, delete, truncate on reconciliation_resolution from jeongsan_app;
    end if;
end $$;
