-- The same law of moves, told by the column itself: turning whole rows into JSON to find one word cost more than the rest
-- of the law. A trigger function is planned for each table apart, so one does for every table with that column.
create function payouts_status_move_exists() returns trigger language plpgsql as $$
begin
    if not exists (select from payouts_move m where m.kind = tg_argv[0] and m.from_state = old.status and m.to_state = new.status) then
        raise exception 'payouts: a % cannot go from % to %', tg_argv[0], old.status, new.status
            using errcode = 'check_violation', constraint = 'payouts_move_exists';
    end if;
    return new;
end $$;
create function payouts_state_move_exists() returns trigger language plpgsql as $$
begin
    if not exists (select from payouts_move m where m.kind = tg_argv[0] and m.from_state = old.state and m.to_state = new.state) then
        raise exception 'payouts: a % cannot go from % to %', tg_argv[0], old.state, new.state
            using errcode = 'check_violation', constraint = 'payouts_move_exists';
    end if;
    return new;
end $$;

drop trigger bulk_moves on payouts_bulkpayout;
drop trigger payout_moves on payouts_payout;
drop trigger attempt_moves on payouts_attempt;
create trigger bulk_moves before update of status on payouts_bulkpayout for each row
    when (old.status <> new.status) execute function payouts_status_move_exists('bulk');
create trigger payout_moves before update of status on payouts_payout for each row
    when (old.status <> new.status) execute function payouts_status_move_exists('payout');
create trigger attempt_moves before update of state on payouts_attempt for each row
    when (old.state <> new.state) execute function payouts_state_move_exists('attempt');
