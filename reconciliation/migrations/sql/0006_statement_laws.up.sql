-- What must hold among bank statements and what explains their lines, whoever writes them.

-- A statement is decided about once; what was understood of it stays.
create function reconciliation_check_statement() returns trigger language plpgsql as $$
begin
    if old.state <> 'UNDERSTOOD'
        or (to_jsonb(old) - array['state', 'repeats', 'decided_by_id', 'decided_by', 'decided_at'])
            is distinct from (to_jsonb(new) - array['state', 'repeats', 'decided_by_id', 'decided_by', 'decided_at']) then
        raise exception 'reconciliation: statement % stays as it was understood', old.public_id
            using errcode = 'integrity_constraint_violation', constraint = 'reconciliation_statement_stays';
    end if;
    return new;
end $$;
create trigger statement_is_lawful before update on reconciliation_statement for each row execute function reconciliation_check_statement();
create trigger statement_is_kept before delete on reconciliation_statement for each statement
    execute function reconciliation_refuse('reconciliation_statement_stays');

create function reconciliation_check_statement_account() returns trigger language plpgsql as $$
begin
    if not exists (select from payouts_bankaccount a where a.id = new.bank_account_id
            and (a.merchant_id, a.is_test) = (new.merchant_id, new.is_test)) then
        raise exception 'reconciliation: the bank account is of another scope'
            using errcode = 'foreign_key_violation', constraint = 'reconciliation_same_scope';
    end if;
    return null;
end $$;
create trigger account_is_own after insert on reconciliation_statement for each row execute function reconciliation_check_statement_account();
create trigger account_is_own after insert or update on reconciliation_statementmapping for each row
    execute function reconciliation_check_statement_account();

-- Lines come with their statement and stay; matches move what is explained of them.
create function reconciliation_check_statement_lines() returns trigger language plpgsql as $$
begin
    if exists (select from added l left join reconciliation_statement s on s.id = l.statement_id and s.state = 'UNDERSTOOD'
            and (s.merchant_id, s.is_test, s.bank_account_id) = (l.merchant_id, l.is_test, l.bank_account_id)
            where s.id is null or l.matched <> 0) then
        raise exception 'reconciliation: a line belongs to no statement that is being confirmed'
            using errcode = 'foreign_key_violation', constraint = 'reconciliation_same_scope';
    end if;
    return null;
end $$;
create trigger lines_come_with_their_statement after insert on reconciliation_statementline referencing new table as added
    for each statement execute function reconciliation_check_statement_lines();
create trigger statement_line_stays before update on reconciliation_statementline for each row
    when ((to_jsonb(old) - array['matched', 'reason']) is distinct from (to_jsonb(new) - array['matched', 'reason'])
        or old.matched <> new.matched and pg_trigger_depth() = 0)
    execute function reconciliation_refuse('reconciliation_statement_line_stays');
create trigger statement_line_is_kept before delete on reconciliation_statementline for each statement
    execute function reconciliation_refuse('reconciliation_statement_line_stays');

-- An entry explains lines of its own bank account, and at most its own amount, however many lines there are.
create function reconciliation_check_match() returns trigger language plpgsql as $$
declare
    line reconciliation_statementline;
    entry record;
    taken bigint;
begin
    select l.* into line from reconciliation_statementline l where l.id = new.line_id;
    perform pg_advisory_xact_lock(7303, hashint8(line.bank_account_id));
    select e.amount into entry from ledger_entry e
        join ledger_account a on a.id = e.account_id and a.code = 1010
        join payouts_bankaccount b on b.id = line.bank_account_id and b.public_id = a.owner
            and (b.merchant_id, b.is_test) = (a.merchant_id, a.is_test)
        where e.journal_id = new.journal_id and e.leg_no = new.leg_no and e.currency = line.currency
            and (a.merchant_id, a.is_test) = (new.merchant_id, new.is_test)
            and (line.merchant_id, line.is_test) = (new.merchant_id, new.is_test);
    if not found then
        raise exception 'reconciliation: entry %/% is not on the account of the line', new.journal_id, new.leg_no
            using errcode = 'foreign_key_violation', constraint = 'reconciliation_match_same_account';
    end if;
    select coalesce(sum(m.amount), 0) into taken from reconciliation_statementmatch m
        where m.journal_id = new.journal_id and m.leg_no = new.leg_no and m.released_at is null;
    if new.amount = 0 or sign(new.amount) <> sign(entry.amount) or abs(taken + new.amount) > abs(entry.amount) then
        raise exception 'reconciliation: entry %/% has less than % left', new.journal_id, new.leg_no, new.amount
            using errcode = 'check_violation', constraint = 'reconciliation_match_not_over_entry';
    end if;
    update reconciliation_statementline set matched = matched + new.amount where id = new.line_id;
    return new;
end $$;
create trigger match_is_lawful before insert on reconciliation_statementmatch for each row execute function reconciliation_check_match();

create function reconciliation_check_release() returns trigger language plpgsql as $$
begin
    if old.released_at is not null or new.released_at is null
        or (to_jsonb(old) - array['released_by_id', 'released_by', 'released_at', 'release_reason'])
            is distinct from (to_jsonb(new) - array['released_by_id', 'released_by', 'released_at', 'release_reason']) then
        raise exception 'reconciliation: what was matched stays, and is released once'
            using errcode = 'integrity_constraint_violation', constraint = 'reconciliation_match_stays';
    end if;
    update reconciliation_statementline set matched = matched - old.amount where id = old.line_id;
    return new;
end $$;
create trigger match_is_released before update on reconciliation_statementmatch for each row execute function reconciliation_check_release();
create trigger match_is_kept before delete on reconciliation_statementmatch for each statement
    execute function reconciliation_refuse('reconciliation_match_stays');

do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke delete, truncate on reconciliation_statement, reconciliation_statementline, reconciliation_statementmatch,
            reconciliation_statementmapping from jeongsan_app;
    end if;
end $$;
