drop trigger stop_is_kept on payouts_dispatchstop;
drop trigger stop_stays on payouts_dispatchstop;
drop function payouts_check_stop;
drop trigger decision_is_about_own on payouts_handdecision;
drop function payouts_check_new_decision;
drop trigger decision_is_kept on payouts_handdecision;
drop trigger decision_stays on payouts_handdecision;
drop function payouts_check_decision;
create or replace function payouts_check_bulk() returns trigger language plpgsql as $$
begin
    if new.method = 'AGENCY' and new.status in ('APPROVED', 'SCHEDULED', 'ONGOING') and not payouts_is_approved(new) then
        raise exception 'payouts: bulk payout % has not been approved as it is', new.public_id
            using errcode = 'check_violation', constraint = 'payouts_bulk_is_approved';
    end if;
    if old.status not in ('PREPARING', 'PREPARED') and new.status not in ('PREPARED')
        and (new.content_hash, new.bank_account_id, new.approvals_needed, new.scheduled_at, new.created_by_id, new.submitted_by_id)
            is distinct from (old.content_hash, old.bank_account_id, old.approvals_needed, old.scheduled_at, old.created_by_id, old.submitted_by_id) then
        raise exception 'payouts: bulk payout % is submitted, its content stays', new.public_id
            using errcode = 'check_violation', constraint = 'payouts_bulk_content_frozen';
    end if;
    return new;
end $$;
delete from payouts_move where (kind, from_state, to_state) in (('attempt', 'ACCEPTED', 'CREATED'), ('bulk', 'APPROVED', 'COMPLETED'));
