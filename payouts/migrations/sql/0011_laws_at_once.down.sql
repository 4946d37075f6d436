alter function payouts_webhook_payouts() reset all;
drop trigger events_are_of_attempts on payouts_bankevent;
drop function payouts_check_events;
drop trigger payout_status_is_known_to_settlement on payouts_payout;
drop function payouts_mirror_status;
drop trigger payout_moves on payouts_payout;
drop function payouts_check_statuses;
drop trigger payout_follows_attempts on payouts_attempt;
drop trigger payout_follows_new_attempts on payouts_attempt;
drop function payouts_follow_newest;
drop trigger attempt_moves on payouts_attempt;
drop function payouts_check_attempt_moves;
drop trigger payout_no_truncate on payouts_payout;
drop trigger attempt_no_truncate on payouts_attempt;
drop trigger payout_keeps_id on payouts_payout;
drop trigger attempt_keeps_instruction on payouts_attempt;

create trigger attempt_keeps_instruction before update on payouts_attempt for each row
    when ((old.payout_id, old.attempt_no, old.rail, old.reference, old.reference_date, old.amount)
        is distinct from (new.payout_id, new.attempt_no, new.rail, new.reference, new.reference_date, new.amount))
    execute function payouts_refuse('payouts_attempt_keeps_instruction');
create or replace function payouts_check_new_attempts() returns trigger language plpgsql as $$
declare
    bad record;
begin
    select a.reference into bad from changed a
        join payouts_payout p on p.id = a.payout_id join payouts_bulkpayout b on b.id = p.bulk_payout_id
    where p.amount <> a.amount or b.method <> 'AGENCY' or b.status not in ('APPROVED', 'SCHEDULED', 'ONGOING', 'POST_PROCESS_PENDING')
        or p.status not in ('CONFIRMED', 'SCHEDULED', 'PREPARED') limit 1;
    if found then
        raise exception 'payouts: attempt % is not what was approved', bad.reference
            using errcode = 'check_violation', constraint = 'payouts_attempt_is_approved';
    end if;
    select b.public_id into bad from payouts_bulkpayout b
    where b.id in (select p.bulk_payout_id from changed a join payouts_payout p on p.id = a.payout_id) and not payouts_is_approved(b) limit 1;
    if found then
        raise exception 'payouts: bulk payout % has not been approved as it is', bad.public_id
            using errcode = 'check_violation', constraint = 'payouts_attempt_is_approved';
    end if;
    return null;
end $$;
create trigger attempt_moves before update of state on payouts_attempt for each row
    when (old.state <> new.state) execute function payouts_state_move_exists('attempt');
create or replace function payouts_derived_status(of_payout bigint) returns text language sql stable as $$
    select coalesce(
        (select case a.state
                when 'CREATED' then 'PREPARED' when 'CLAIMED' then 'PREPARED'
                when 'SUBMITTING' then 'PROCESSING' when 'ACCEPTED' then 'PROCESSING'
                when 'FAILED' then case when a.will_retry then 'PREPARED' else 'FAILED' end
                else a.state end
            from payouts_attempt a where a.payout_id = of_payout order by a.attempt_no desc limit 1),
        (select 'SUCCEEDED' from payouts_completion c where c.payout_id = of_payout))
$$;
drop function payouts_status_of;
create trigger payout_follows_new_attempts after insert on payouts_attempt referencing new table as changed
    for each statement execute function payouts_follow_attempts();
create trigger payout_follows_attempts after update on payouts_attempt referencing new table as changed
    for each statement execute function payouts_follow_attempts();
create function payouts_check_status() returns trigger language plpgsql as $$
declare
    derived text := payouts_derived_status(new.id);
begin
    if derived is distinct from new.status and (derived is not null
            or new.status not in ('CONFIRMED', 'SCHEDULED', 'CANCELLED')) then
        raise exception 'payouts: payout % is % by its attempts, not %', new.public_id, coalesce(derived, 'unsent'), new.status
            using errcode = 'check_violation', constraint = 'payouts_status_follows_attempts';
    end if;
    return null;
end $$;
create trigger payout_status_is_true after update of status on payouts_payout for each row
    when (old.status <> new.status) execute function payouts_check_status();
create trigger payout_moves before update of status on payouts_payout for each row
    when (old.status <> new.status) execute function payouts_status_move_exists('payout');
create trigger payout_status_is_known_to_settlement after update on payouts_payout referencing new table as changed
    for each statement execute function payouts_mirror();
