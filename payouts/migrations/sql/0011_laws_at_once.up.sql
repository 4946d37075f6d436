-- The laws of attempts and of the payouts that follow them, looked at once per statement: sending changes them by the
-- hundred, and a trigger or a foreign key for each row cost more than the row itself.
--
-- What is looked up never goes away, so a look is as good as the lock of a foreign key: payouts and attempts are not
-- deleted (0002) and keep their keys, as the triggers here say.
--
-- Plans are cached and have to stay right as tables and statements grow: functions that look into tables are held to
-- indexes, those that compare a statement's old rows with its new ones never do so by a loop inside a loop. A function
-- says so itself: where it is called by another trigger's statement, it would have the settings of that one.

drop trigger attempt_keeps_instruction on payouts_attempt;
create trigger attempt_keeps_instruction before update on payouts_attempt for each row
    when ((old.id, old.payout_id, old.attempt_no, old.rail, old.reference, old.reference_date, old.amount)
        is distinct from (new.id, new.payout_id, new.attempt_no, new.rail, new.reference, new.reference_date, new.amount))
    execute function payouts_refuse('payouts_attempt_keeps_instruction');
create trigger payout_keeps_id before update of id on payouts_payout for each row
    when (old.id <> new.id) execute function payouts_refuse('payouts_payout_stays');
create trigger attempt_no_truncate before truncate on payouts_attempt
    for each statement execute function payouts_refuse('payouts_attempt_stays');
create trigger payout_no_truncate before truncate on payouts_payout
    for each statement execute function payouts_refuse('payouts_payout_stays');

-- What an attempt's state makes of its payout.
create function payouts_status_of(state text, will_retry boolean) returns text language sql immutable parallel safe
return case state
    when 'CREATED' then 'PREPARED' when 'CLAIMED' then 'PREPARED'
    when 'SUBMITTING' then 'PROCESSING' when 'ACCEPTED' then 'PROCESSING'
    when 'FAILED' then case when will_retry then 'PREPARED' else 'FAILED' end
    else state end;

create or replace function payouts_derived_status(of_payout bigint) returns text language sql stable as $$
    select coalesce(
        (select payouts_status_of(a.state, a.will_retry)
            from payouts_attempt a where a.payout_id = of_payout order by a.attempt_no desc limit 1),
        (select 'SUCCEEDED' from payouts_completion c where c.payout_id = of_payout))
$$;

-- An attempt is made for a payout of an approved, running bulk payout, for exactly its amount.
create or replace function payouts_check_new_attempts() returns trigger language plpgsql
    set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
declare
    bad record;
begin
    select a.reference, p.id is null as unknown into bad from changed a
        left join payouts_payout p on p.id = a.payout_id left join payouts_bulkpayout b on b.id = p.bulk_payout_id
    where (p.amount = a.amount and b.method = 'AGENCY' and b.status in ('APPROVED', 'SCHEDULED', 'ONGOING', 'POST_PROCESS_PENDING')
        and p.status in ('CONFIRMED', 'SCHEDULED', 'PREPARED')) is not true limit 1;
    if found and bad.unknown then
        raise exception 'payouts: attempt % is of no payout that is there', bad.reference
            using errcode = 'foreign_key_violation', constraint = 'payouts_attempt_of_known';
    elsif found then
        raise exception 'payouts: attempt % is not what was approved', bad.reference
            using errcode = 'check_violation', constraint = 'payouts_attempt_is_approved';
    end if;
    select b.public_id into bad
    from (select distinct p.bulk_payout_id as id from changed a join payouts_payout p on p.id = a.payout_id) u
        join payouts_bulkpayout b on b.id = u.id
    where not payouts_is_approved(b) limit 1;
    if found then
        raise exception 'payouts: bulk payout % has not been approved as it is', bad.public_id
            using errcode = 'check_violation', constraint = 'payouts_attempt_is_approved';
    end if;
    return null;
end $$;

create function payouts_check_attempt_moves() returns trigger language plpgsql
    set enable_nestloop = off set enable_hashjoin = on as $$
declare
    bad record;
begin
    select o.state as from_state, c.state as to_state into bad
    from before o join changed c on c.id = o.id
    where o.state <> c.state
    group by o.state, c.state
    having not exists (select from payouts_move m
        where m.kind = 'attempt' and m.from_state = o.state and m.to_state = c.state)
    limit 1;
    if found then
        raise exception 'payouts: a % cannot go from % to %', 'attempt', bad.from_state, bad.to_state
            using errcode = 'check_violation', constraint = 'payouts_move_exists';
    end if;
    return null;
end $$;
drop trigger attempt_moves on payouts_attempt;
create trigger attempt_moves after update on payouts_attempt referencing old table as before new table as changed
    for each statement execute function payouts_check_attempt_moves();

-- A payout follows its newest attempt. One that is claimed was waiting, so its payout waits already.
create function payouts_follow_newest() returns trigger language plpgsql set plan_cache_mode = force_generic_plan
    set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
begin
    update payouts_payout p set status = payouts_status_of(c.state, c.will_retry), status_changed_at = now()
    from changed c
    where (tg_op = 'INSERT' or c.state <> 'CLAIMED')
        and p.id = c.payout_id and p.status <> payouts_status_of(c.state, c.will_retry)
        and not exists (select from payouts_attempt n where n.payout_id = c.payout_id and n.attempt_no > c.attempt_no);
    return null;
end $$;
drop trigger payout_follows_new_attempts on payouts_attempt;
drop trigger payout_follows_attempts on payouts_attempt;
create trigger payout_follows_new_attempts after insert on payouts_attempt referencing new table as changed
    for each statement execute function payouts_follow_newest();
create trigger payout_follows_attempts after update on payouts_attempt referencing new table as changed
    for each statement execute function payouts_follow_newest();

-- A payout moves as payouts can, and to where its attempts or its completion are.
create function payouts_check_statuses() returns trigger language plpgsql
    set enable_nestloop = off set enable_hashjoin = on set enable_seqscan = off as $$
declare
    bad record;
begin
    select o.status as from_status, c.status as to_status into bad
    from before o join changed c on c.id = o.id
    where o.status <> c.status
    group by o.status, c.status
    having not exists (select from payouts_move m
        where m.kind = 'payout' and m.from_state = o.status and m.to_state = c.status)
    limit 1;
    if found then
        raise exception 'payouts: a % cannot go from % to %', 'payout', bad.from_status, bad.to_status
            using errcode = 'check_violation', constraint = 'payouts_move_exists';
    end if;
    with moved as materialized (
        select c.id, c.public_id, c.status from before o join changed c on c.id = o.id where c.status <> o.status
    )
    select m.public_id, m.status into bad
    from moved m
        left join lateral (select payouts_status_of(a.state, a.will_retry) as status from payouts_attempt a
            where a.payout_id = m.id order by a.attempt_no desc limit 1) t on true
    where case when t.status is not null then m.status <> t.status
        when (select d.payout_id from payouts_completion d where d.payout_id = m.id) is not null then m.status <> 'SUCCEEDED'
        else m.status not in ('CONFIRMED', 'SCHEDULED', 'CANCELLED') end
    limit 1;
    if found then
        raise exception 'payouts: payout % is not % by its attempts', bad.public_id, bad.status
            using errcode = 'check_violation', constraint = 'payouts_status_follows_attempts';
    end if;
    return null;
end $$;
drop trigger payout_moves on payouts_payout;
drop trigger payout_status_is_true on payouts_payout;
create trigger payout_moves after update on payouts_payout referencing old table as before new table as changed
    for each statement execute function payouts_check_statuses();
drop function payouts_check_status;

-- Settlement sees a payout's status in its own table.
create function payouts_mirror_status() returns trigger language plpgsql
    set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
begin
    update settlement_payoutref r set status = c.status, changed_at = c.status_changed_at
    from changed c where r.id = c.id and r.status <> c.status;
    return null;
end $$;
drop trigger payout_status_is_known_to_settlement on payouts_payout;
create trigger payout_status_is_known_to_settlement after update on payouts_payout referencing new table as changed
    for each statement execute function payouts_mirror_status();

-- Evidence is about an attempt that is there.
create function payouts_check_events() returns trigger language plpgsql
    set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
declare
    bad bigint;
begin
    select c.attempt_id into bad from changed c where not exists (select from payouts_attempt a where a.id = c.attempt_id) limit 1;
    if found then
        raise exception 'payouts: a bank event is about attempt %, which is not there', bad
            using errcode = 'foreign_key_violation', constraint = 'payouts_bank_event_of_known';
    end if;
    return null;
end $$;
create trigger events_are_of_attempts after insert on payouts_bankevent referencing new table as changed
    for each statement execute function payouts_check_events();

alter function payouts_webhook_payouts() set enable_nestloop = off;
alter function payouts_webhook_payouts() set enable_hashjoin = on;
