-- What must hold about stops, decisions by hand and payouts paid by hand.

-- An attempt in a file that never reached the bank goes back in line; paid by hand ends without being sent.
insert into payouts_move values ('attempt', 'ACCEPTED', 'CREATED'), ('bulk', 'APPROVED', 'COMPLETED');

create or replace function payouts_check_bulk() returns trigger language plpgsql as $$
begin
    if new.status in ('APPROVED', 'SCHEDULED', 'ONGOING') and not payouts_is_approved(new) then
        raise exception 'payouts: bulk payout % has not been approved as it is', new.public_id
            using errcode = 'check_violation', constraint = 'payouts_bulk_is_approved';
    end if;
    if old.status = 'APPROVED' and new.status = 'COMPLETED' and new.method <> 'DIRECT' then
        raise exception 'payouts: bulk payout % has not been sent', new.public_id
            using errcode = 'check_violation', constraint = 'payouts_move_exists';
    end if;
    -- How many approvals it needs may rise while people decide (a limit was reached meanwhile), never fall.
    if old.status not in ('PREPARING', 'PREPARED') and new.status not in ('PREPARED')
        and ((new.content_hash, new.bank_account_id, new.scheduled_at, new.created_by_id, new.submitted_by_id, new.method)
            is distinct from (old.content_hash, old.bank_account_id, old.scheduled_at, old.created_by_id, old.submitted_by_id, old.method)
            or new.approvals_needed < old.approvals_needed
            or new.approvals_needed > old.approvals_needed and old.status <> 'PENDING_APPROVAL') then
        raise exception 'payouts: bulk payout % is submitted, its content stays', new.public_id
            using errcode = 'check_violation', constraint = 'payouts_bulk_content_frozen';
    end if;
    return new;
end $$;

-- A decision by hand: what was proposed stays, and it is decided once.
create function payouts_check_decision() returns trigger language plpgsql as $$
begin
    if old.state <> 'PROPOSED' or (old.merchant_id, old.is_test, old.public_id, old.created_at, old.attempt_id, old.outcome, old.evidence,
            old.executed_on, old.fence, old.proposed_by_id, old.proposed_by, old.proposed_at)
        is distinct from (new.merchant_id, new.is_test, new.public_id, new.created_at, new.attempt_id, new.outcome, new.evidence,
            new.executed_on, new.fence, new.proposed_by_id, new.proposed_by, new.proposed_at) then
        raise exception 'payouts: decision % is made', old.public_id
            using errcode = 'integrity_constraint_violation', constraint = 'payouts_decision_stays';
    end if;
    return new;
end $$;
create trigger decision_stays before update on payouts_handdecision for each row execute function payouts_check_decision();
create trigger decision_is_kept before delete on payouts_handdecision
    for each row execute function payouts_refuse('payouts_decision_stays');

-- A decision belongs to the scope of its attempt.
create function payouts_check_new_decision() returns trigger language plpgsql as $$
begin
    if not exists (select from payouts_attempt a join payouts_payout p on p.id = a.payout_id
            where a.id = new.attempt_id and (p.merchant_id, p.is_test) = (new.merchant_id, new.is_test)) then
        raise exception 'payouts: decision % is about another scope', new.public_id
            using errcode = 'foreign_key_violation', constraint = 'payouts_same_scope';
    end if;
    return new;
end $$;
create trigger decision_is_about_own before insert on payouts_handdecision
    for each row execute function payouts_check_new_decision();

-- A stop is ended, never changed or removed.
create function payouts_check_stop() returns trigger language plpgsql as $$
begin
    if old.ended_at is not null or (old.merchant_id, old.is_test, old.rail, old.kind, old.reason, old.started_at, old.started_by)
        is distinct from (new.merchant_id, new.is_test, new.rail, new.kind, new.reason, new.started_at, new.started_by) then
        raise exception 'payouts: a stop is ended, not changed'
            using errcode = 'integrity_constraint_violation', constraint = 'payouts_stop_stays';
    end if;
    return new;
end $$;
create trigger stop_stays before update on payouts_dispatchstop for each row execute function payouts_check_stop();
create trigger stop_is_kept before delete on payouts_dispatchstop
    for each row execute function payouts_refuse('payouts_stop_stays');

do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke delete, truncate on payouts_handdecision, payouts_dispatchstop from jeongsan_app;
    end if;
end $$;
