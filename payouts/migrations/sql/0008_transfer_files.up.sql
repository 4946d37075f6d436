-- What must hold about files of transfers: frozen content, one file per hold of an attempt, withdrawal by two people.

insert into payouts_move values
    ('file', 'MADE', 'DOWNLOADED'), ('file', 'MADE', 'WITHDRAWN'),
    ('file', 'DOWNLOADED', 'RESULT_READ'), ('file', 'DOWNLOADED', 'WITHDRAWN');
create trigger file_moves before update of state on payouts_transferfile for each row
    when (old.state <> new.state) execute function payouts_state_move_exists('file');

create function payouts_check_new_file() returns trigger language plpgsql as $$
begin
    if not exists (select from payouts_bulkpayout b
            where b.id = new.bulk_payout_id and b.bank_account_id = new.bank_account_id
                and (b.merchant_id, b.is_test) = (new.merchant_id, new.is_test)) then
        raise exception 'payouts: file % is about another scope', new.public_id
            using errcode = 'foreign_key_violation', constraint = 'payouts_same_scope';
    end if;
    return new;
end $$;
create trigger file_is_about_own before insert on payouts_transferfile
    for each row execute function payouts_check_new_file();

-- What is in a file stays, and so do its bytes once they exist. It is withdrawn only as two people decided.
create function payouts_check_file() returns trigger language plpgsql as $$
begin
    if (old.merchant_id, old.is_test, old.public_id, old.created_at, old.bulk_payout_id, old.bank_account_id, old.day,
            old.line_count, old.total_amount, old.content_hash)
        is distinct from (new.merchant_id, new.is_test, new.public_id, new.created_at, new.bulk_payout_id, new.bank_account_id, new.day,
            new.line_count, new.total_amount, new.content_hash)
        or old.form <> '' and (old.form, old.content, old.sha256) is distinct from (new.form, new.content, new.sha256)
        or new.downloads < old.downloads then
        raise exception 'payouts: file % stays as it is', old.public_id
            using errcode = 'integrity_constraint_violation', constraint = 'payouts_file_stays';
    end if;
    if new.state = 'WITHDRAWN' and old.state <> 'WITHDRAWN' and not exists (
            select from payouts_filewithdrawal w where w.transfer_file_id = new.id and w.state = 'CONFIRMED') then
        raise exception 'payouts: nobody has confirmed that file % was not given to the bank', old.public_id
            using errcode = 'check_violation', constraint = 'payouts_file_withdrawn_by_two';
    end if;
    if new.state in ('DOWNLOADED', 'RESULT_READ') and new.form = '' then
        raise exception 'payouts: file % has not been taken', old.public_id
            using errcode = 'check_violation', constraint = 'payouts_file_taken';
    end if;
    return new;
end $$;
create trigger file_is_lawful before update on payouts_transferfile
    for each row execute function payouts_check_file();

-- An attempt goes into a file of its own bulk payout, past its point of no return, under the hold it has now.
create function payouts_check_new_lines() returns trigger language plpgsql as $$
declare
    bad record;
begin
    select x.line_no into bad from added x
        join payouts_transferfile f on f.id = x.transfer_file_id
        join payouts_attempt a on a.id = x.attempt_id
        join payouts_payout p on p.id = a.payout_id
    where a.fence <> x.fence or a.state not in ('SUBMITTING', 'UNKNOWN') or p.bulk_payout_id <> f.bulk_payout_id
        or f.state <> 'MADE' limit 1;
    if found then
        raise exception 'payouts: line % is no transfer of its file', bad.line_no
            using errcode = 'check_violation', constraint = 'payouts_file_line_is_submitted';
    end if;
    return null;
end $$;
create trigger file_lines_are_submitted after insert on payouts_transferfileline referencing new table as added
    for each statement execute function payouts_check_new_lines();

-- An attempt in a file goes back in line only when that file was withdrawn.
create function payouts_check_back_in_line() returns trigger language plpgsql as $$
begin
    if exists (select from payouts_transferfileline l join payouts_transferfile f on f.id = l.transfer_file_id
            where l.attempt_id = new.id and l.fence = old.fence and f.state <> 'WITHDRAWN') then
        raise exception 'payouts: attempt % is in a file that the bank may have', new.reference
            using errcode = 'check_violation', constraint = 'payouts_file_may_be_at_bank';
    end if;
    return new;
end $$;
create trigger attempt_in_file_stays before update of state on payouts_attempt for each row
    when (new.state = 'CREATED' and old.state in ('SUBMITTING', 'ACCEPTED', 'UNKNOWN'))
    execute function payouts_check_back_in_line();

-- A withdrawal: what was proposed stays, it is decided once, and it is about a file of its own scope.
create function payouts_check_withdrawal() returns trigger language plpgsql as $$
begin
    if old.state <> 'PROPOSED' or (old.merchant_id, old.is_test, old.public_id, old.created_at, old.transfer_file_id, old.evidence,
            old.downloads, old.proposed_by_id, old.proposed_by, old.proposed_at)
        is distinct from (new.merchant_id, new.is_test, new.public_id, new.created_at, new.transfer_file_id, new.evidence,
            new.downloads, new.proposed_by_id, new.proposed_by, new.proposed_at) then
        raise exception 'payouts: withdrawal % is made', old.public_id
            using errcode = 'integrity_constraint_violation', constraint = 'payouts_withdrawal_stays';
    end if;
    return new;
end $$;
create trigger withdrawal_stays before update on payouts_filewithdrawal
    for each row execute function payouts_check_withdrawal();

create function payouts_check_of_file() returns trigger language plpgsql as $$
begin
    if not exists (select from payouts_transferfile f
            where f.id = new.transfer_file_id and (f.merchant_id, f.is_test) = (new.merchant_id, new.is_test)) then
        raise exception 'payouts: % is about another scope', new.public_id
            using errcode = 'foreign_key_violation', constraint = 'payouts_same_scope';
    end if;
    return new;
end $$;
create trigger withdrawal_is_about_own before insert on payouts_filewithdrawal
    for each row execute function payouts_check_of_file();
create trigger result_is_about_own before insert on payouts_transferresult
    for each row execute function payouts_check_of_file();

-- A result file keeps its bytes, and is confirmed or thrown away once.
create function payouts_check_result() returns trigger language plpgsql as $$
begin
    if old.state <> 'CHECKED' and (old.state, old.summary, old.decided_by_id, old.decided_by, old.decided_at)
            is distinct from (new.state, new.summary, new.decided_by_id, new.decided_by, new.decided_at)
        or (old.merchant_id, old.is_test, old.public_id, old.created_at, old.transfer_file_id, old.name, old.form,
            old.sha256, old.content, old.read_by_id, old.read_by, old.read_at)
        is distinct from (new.merchant_id, new.is_test, new.public_id, new.created_at, new.transfer_file_id, new.name, new.form,
            new.sha256, new.content, new.read_by_id, new.read_by, new.read_at) then
        raise exception 'payouts: result file % stays as it came', old.public_id
            using errcode = 'integrity_constraint_violation', constraint = 'payouts_result_stays';
    end if;
    return new;
end $$;
create trigger result_stays before update on payouts_transferresult
    for each row execute function payouts_check_result();

create trigger file_is_kept before delete on payouts_transferfile
    for each row execute function payouts_refuse('payouts_file_stays');
create trigger file_line_append_only before update or delete on payouts_transferfileline
    for each row execute function payouts_refuse('payouts_file_line_append_only');
create trigger file_download_append_only before update or delete on payouts_transferfiledownload
    for each row execute function payouts_refuse('payouts_file_download_append_only');
create trigger withdrawal_is_kept before delete on payouts_filewithdrawal
    for each row execute function payouts_refuse('payouts_withdrawal_stays');
create trigger result_is_kept before delete on payouts_transferresult
    for each row execute function payouts_refuse('payouts_result_stays');

do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke update, delete, truncate on payouts_transferfileline, payouts_transferfiledownload from jeongsan_app;
        revoke delete, truncate on payouts_transferfile, payouts_filewithdrawal, payouts_transferresult from jeongsan_app;
    end if;
end $$;
