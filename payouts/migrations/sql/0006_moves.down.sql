drop trigger bulk_moves on payouts_bulkpayout;
drop trigger payout_moves on payouts_payout;
drop trigger attempt_moves on payouts_attempt;
create trigger bulk_moves before update of status on payouts_bulkpayout for each row
    when (old.status <> new.status) execute function payouts_move_exists('bulk', 'status');
create trigger payout_moves before update of status on payouts_payout for each row
    when (old.status <> new.status) execute function payouts_move_exists('payout', 'status');
create trigger attempt_moves before update of state on payouts_attempt for each row
    when (old.state <> new.state) execute function payouts_move_exists('attempt', 'state');
drop function payouts_state_move_exists, payouts_status_move_exists;
