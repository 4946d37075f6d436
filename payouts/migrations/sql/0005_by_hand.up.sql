-- Paid by hand: what proves it stays, and nothing of it counts as paid before another person has approved it.

create trigger hand_payment_append_only before update or delete on payouts_handpayment
    for each row execute function payouts_refuse('payouts_hand_payment_append_only');

create function payouts_check_hand_payment() returns trigger language plpgsql as $$
begin
    if not exists (select from payouts_bulkpayout b
            where b.id = new.bulk_payout_id and b.method = 'DIRECT' and b.status in ('PREPARING', 'PREPARED')) then
        raise exception 'payouts: bulk payout % is not one that is being paid by hand', new.bulk_payout_id
            using errcode = 'check_violation', constraint = 'payouts_hand_payment_is_direct';
    end if;
    return new;
end $$;
create trigger hand_payment_is_direct before insert on payouts_handpayment
    for each row execute function payouts_check_hand_payment();

create function payouts_check_hand_end() returns trigger language plpgsql as $$
begin
    if exists (select from payouts_handpayment h where h.bulk_payout_id = new.id) then
        raise exception 'payouts: bulk payout % has not been approved as it is', new.public_id
            using errcode = 'check_violation', constraint = 'payouts_bulk_is_approved';
    end if;
    return new;
end $$;
create trigger hand_end_is_approved before update of status on payouts_bulkpayout for each row
    when (old.status = 'PREPARED' and new.status = 'COMPLETED') execute function payouts_check_hand_end();

create function payouts_check_hand_completions() returns trigger language plpgsql as $$
declare
    bad record;
begin
    select p.public_id into bad from completed c join payouts_payout p on p.id = c.payout_id
        join payouts_handpayment h on h.bulk_payout_id = p.bulk_payout_id
        join payouts_bulkpayout b on b.id = p.bulk_payout_id
    where b.status <> 'APPROVED' limit 1;
    if found then
        raise exception 'payouts: payout % has not been approved as it is', bad.public_id
            using errcode = 'check_violation', constraint = 'payouts_bulk_is_approved';
    end if;
    return null;
end $$;
create trigger hand_completions_are_approved after insert on payouts_completion referencing new table as completed
    for each statement execute function payouts_check_hand_completions();

-- What moved on the merchants' own bank accounts, with the balance after each entry in the order of posting. A condition
-- on merchant, environment or account reaches the scan, because all windows are parted by them.
create view payouts_movement as
    select e.journal_id, e.leg_no, e.account_id, a.merchant_id, a.is_test, a.owner, e.currency, e.amount,
        (sum(e.amount) over (partition by a.merchant_id, a.is_test, a.owner, e.account_id
            order by e.journal_id, e.leg_no))::bigint as balance_after
    from ledger_account a join ledger_entry e on e.account_id = a.id
    where a.code = 1010;

do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke update, delete, truncate on payouts_handpayment from jeongsan_app;
        revoke insert, update, delete, truncate on payouts_movement from jeongsan_app;
    end if;
end $$;
