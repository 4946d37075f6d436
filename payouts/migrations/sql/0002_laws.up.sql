-- What must hold about money on its way out, whoever writes the rows.

create function payouts_refuse() returns trigger language plpgsql as $$
begin
    raise exception 'payouts: % of % is refused', lower(tg_op), tg_table_name
        using errcode = 'integrity_constraint_violation', constraint = tg_argv[0];
end $$;

create trigger approval_append_only before update or delete on payouts_approval
    for each row execute function payouts_refuse('payouts_approval_append_only');
create trigger completion_append_only before update or delete on payouts_completion
    for each row execute function payouts_refuse('payouts_completion_append_only');
create trigger bank_event_append_only before update or delete on payouts_bankevent
    for each row execute function payouts_refuse('payouts_bank_event_append_only');
create trigger payout_stays before delete on payouts_payout
    for each row execute function payouts_refuse('payouts_payout_stays');
create trigger attempt_stays before delete on payouts_attempt
    for each row execute function payouts_refuse('payouts_attempt_stays');
create trigger bulk_stays before delete on payouts_bulkpayout
    for each row execute function payouts_refuse('payouts_bulk_stays');

-- The moves that exist. A row that is not here cannot happen.
create table payouts_move (kind text, from_state text, to_state text, primary key (kind, from_state, to_state));
insert into payouts_move values
    ('bulk', 'PREPARING', 'PREPARED'), ('bulk', 'PREPARING', 'CANCELLED'),
    ('bulk', 'PREPARED', 'PENDING_APPROVAL'), ('bulk', 'PREPARED', 'CANCELLED'), ('bulk', 'PREPARED', 'PREPARING'),
    ('bulk', 'PREPARED', 'COMPLETED'),
    ('bulk', 'PENDING_APPROVAL', 'APPROVED'), ('bulk', 'PENDING_APPROVAL', 'PREPARED'), ('bulk', 'PENDING_APPROVAL', 'CANCELLED'),
    ('bulk', 'APPROVED', 'SCHEDULED'), ('bulk', 'APPROVED', 'ONGOING'), ('bulk', 'APPROVED', 'PREPARED'), ('bulk', 'APPROVED', 'CANCELLED'),
    ('bulk', 'SCHEDULED', 'ONGOING'), ('bulk', 'SCHEDULED', 'PREPARED'), ('bulk', 'SCHEDULED', 'CANCELLED'),
    ('bulk', 'ONGOING', 'POST_PROCESS_PENDING'), ('bulk', 'ONGOING', 'COMPLETED'),
    ('bulk', 'POST_PROCESS_PENDING', 'ONGOING'), ('bulk', 'POST_PROCESS_PENDING', 'COMPLETED'),
    ('payout', 'CONFIRMED', 'SCHEDULED'), ('payout', 'CONFIRMED', 'PREPARED'), ('payout', 'CONFIRMED', 'CANCELLED'), ('payout', 'CONFIRMED', 'SUCCEEDED'),
    ('payout', 'SCHEDULED', 'CONFIRMED'), ('payout', 'SCHEDULED', 'PREPARED'), ('payout', 'SCHEDULED', 'CANCELLED'), ('payout', 'SCHEDULED', 'SUCCEEDED'),
    ('payout', 'PREPARED', 'PROCESSING'), ('payout', 'PREPARED', 'STOPPED'),
    ('payout', 'PROCESSING', 'SUCCEEDED'), ('payout', 'PROCESSING', 'FAILED'), ('payout', 'PROCESSING', 'UNKNOWN'), ('payout', 'PROCESSING', 'PREPARED'),
    ('payout', 'UNKNOWN', 'SUCCEEDED'), ('payout', 'UNKNOWN', 'FAILED'), ('payout', 'UNKNOWN', 'PROCESSING'), ('payout', 'UNKNOWN', 'PREPARED'),
    ('payout', 'SUCCEEDED', 'RETURNED'),
    ('attempt', 'CREATED', 'CLAIMED'), ('attempt', 'CREATED', 'STOPPED'),
    ('attempt', 'CLAIMED', 'CREATED'), ('attempt', 'CLAIMED', 'SUBMITTING'),
    ('attempt', 'SUBMITTING', 'ACCEPTED'), ('attempt', 'SUBMITTING', 'SUCCEEDED'), ('attempt', 'SUBMITTING', 'FAILED'),
    ('attempt', 'SUBMITTING', 'UNKNOWN'), ('attempt', 'SUBMITTING', 'CREATED'),
    ('attempt', 'ACCEPTED', 'SUCCEEDED'), ('attempt', 'ACCEPTED', 'FAILED'), ('attempt', 'ACCEPTED', 'UNKNOWN'),
    ('attempt', 'UNKNOWN', 'SUCCEEDED'), ('attempt', 'UNKNOWN', 'FAILED'), ('attempt', 'UNKNOWN', 'ACCEPTED'), ('attempt', 'UNKNOWN', 'CREATED'),
    ('attempt', 'SUCCEEDED', 'RETURNED');

create function payouts_move_exists() returns trigger language plpgsql as $$
declare
    before_state text := to_jsonb(old) ->> tg_argv[1];
    after_state text := to_jsonb(new) ->> tg_argv[1];
begin
    if not exists (select from payouts_move m where m.kind = tg_argv[0] and m.from_state = before_state and m.to_state = after_state) then
        raise exception 'payouts: a % cannot go from % to %', tg_argv[0], before_state, after_state
            using errcode = 'check_violation', constraint = 'payouts_move_exists';
    end if;
    return new;
end $$;
create trigger bulk_moves before update of status on payouts_bulkpayout for each row
    when (old.status <> new.status) execute function payouts_move_exists('bulk', 'status');
create trigger payout_moves before update of status on payouts_payout for each row
    when (old.status <> new.status) execute function payouts_move_exists('payout', 'status');
create trigger attempt_moves before update of state on payouts_attempt for each row
    when (old.state <> new.state) execute function payouts_move_exists('attempt', 'state');

-- Approval: a person who made, last changed or submitted the content cannot decide about it, and decides about what is there.
create function payouts_check_approval() returns trigger language plpgsql as $$
declare
    bulk payouts_bulkpayout;
begin
    select * into bulk from payouts_bulkpayout where id = new.bulk_payout_id for key share;
    if new.approver_id in (coalesce(bulk.created_by_id, -1), coalesce(bulk.changed_by_id, -1), coalesce(bulk.submitted_by_id, -1)) then
        raise exception 'payouts: nobody decides about a bulk payout of their own'
            using errcode = 'check_violation', constraint = 'payouts_another_person_approves';
    end if;
    if bulk.status <> 'PENDING_APPROVAL' or bulk.content_hash <> new.content_hash or new.content_hash = '' then
        raise exception 'payouts: the content to be decided about is not the one submitted'
            using errcode = 'check_violation', constraint = 'payouts_approval_of_content';
    end if;
    return new;
end $$;
create trigger approval_is_lawful before insert on payouts_approval
    for each row execute function payouts_check_approval();

create function payouts_is_approved(bulk payouts_bulkpayout) returns boolean language sql stable
return bulk.content_hash <> '' and bulk.approvals_needed <= (select count(distinct a.approver_id) from payouts_approval a
    where a.bulk_payout_id = bulk.id and a.content_hash = bulk.content_hash and a.decision = 'APPROVED');

create function payouts_check_bulk() returns trigger language plpgsql as $$
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
create trigger bulk_is_lawful before update on payouts_bulkpayout
    for each row execute function payouts_check_bulk();

-- A payout keeps what was approved: its content changes only while the bulk payout is being made or edited.
create function payouts_check_content() returns trigger language plpgsql as $$
begin
    if exists (select from payouts_bulkpayout b where b.id = old.bulk_payout_id and b.status not in ('PREPARING', 'PREPARED')) then
        raise exception 'payouts: payout % is submitted, its content stays', old.public_id
            using errcode = 'check_violation', constraint = 'payouts_payout_content_frozen';
    end if;
    return new;
end $$;
create trigger payout_content before update on payouts_payout for each row
    when ((old.bulk_payout_id, old.partner_id, old.currency, old.amount, old.settlement_amount, old.income_tax_amount, old.local_income_tax_amount,
            old.reserved_credit, old.reserved_debit, old.reserved_vat, old.bank, old.account_number_sealed, old.account_fingerprint,
            old.account_holder, old.withdrawal_memo, old.deposit_memo, old.content_hash)
        is distinct from (new.bulk_payout_id, new.partner_id, new.currency, new.amount, new.settlement_amount, new.income_tax_amount, new.local_income_tax_amount,
            new.reserved_credit, new.reserved_debit, new.reserved_vat, new.bank, new.account_number_sealed, new.account_fingerprint,
            new.account_holder, new.withdrawal_memo, new.deposit_memo, new.content_hash))
    execute function payouts_check_content();

-- An attempt is made for a payout of an approved, running bulk payout, for exactly its amount.
create function payouts_check_new_attempts() returns trigger language plpgsql as $$
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
create trigger attempts_are_approved after insert on payouts_attempt referencing new table as changed
    for each statement execute function payouts_check_new_attempts();

-- What the bank was told stays told.
create trigger attempt_keeps_instruction before update on payouts_attempt for each row
    when ((old.payout_id, old.attempt_no, old.rail, old.reference, old.reference_date, old.amount)
        is distinct from (new.payout_id, new.attempt_no, new.rail, new.reference, new.reference_date, new.amount))
    execute function payouts_refuse('payouts_attempt_keeps_instruction');

-- The status of a payout that has attempts or a completion is a function of them.
create function payouts_derived_status(of_payout bigint) returns text language sql stable as $$
    select coalesce(
        (select case a.state
                when 'CREATED' then 'PREPARED' when 'CLAIMED' then 'PREPARED'
                when 'SUBMITTING' then 'PROCESSING' when 'ACCEPTED' then 'PROCESSING'
                when 'FAILED' then case when a.will_retry then 'PREPARED' else 'FAILED' end
                else a.state end
            from payouts_attempt a where a.payout_id = of_payout order by a.attempt_no desc limit 1),
        (select 'SUCCEEDED' from payouts_completion c where c.payout_id = of_payout))
$$;
create function payouts_follow_attempts() returns trigger language plpgsql as $$
begin
    update payouts_payout p set status = d.status, status_changed_at = now()
    from (select distinct c.payout_id, payouts_derived_status(c.payout_id) as status from changed c) d
    where p.id = d.payout_id and p.status <> d.status;
    return null;
end $$;
create trigger payout_follows_new_attempts after insert on payouts_attempt referencing new table as changed
    for each statement execute function payouts_follow_attempts();
create trigger payout_follows_attempts after update on payouts_attempt referencing new table as changed
    for each statement execute function payouts_follow_attempts();
create trigger payout_follows_completion after insert on payouts_completion referencing new table as changed
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

-- Settlement sees a payout's ids and status in its own table; these two triggers are the only writers there.
create function payouts_mirror() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into settlement_payoutref (id, merchant_id, is_test, public_id, bulk_public_id, status, changed_at)
            select c.id, c.merchant_id, c.is_test, c.public_id, b.public_id, c.status, c.status_changed_at
            from changed c join payouts_bulkpayout b on b.id = c.bulk_payout_id
                and (b.merchant_id, b.is_test) = (c.merchant_id, c.is_test)
                join payouts_bankaccount k on k.id = b.bank_account_id and (k.merchant_id, k.is_test) = (c.merchant_id, c.is_test)
                join settlement_partner p on p.id = c.partner_id and (p.merchant_id, p.is_test) = (c.merchant_id, c.is_test);
        if (select count(*) from changed) <> (select count(*) from changed c join settlement_payoutref r on r.id = c.id) then
            raise exception 'payouts: a payout points into another scope'
                using errcode = 'foreign_key_violation', constraint = 'payouts_same_scope';
        end if;
    else
        update settlement_payoutref r set status = c.status, changed_at = c.status_changed_at
        from changed c where r.id = c.id and r.status <> c.status;
    end if;
    return null;
end $$;
create trigger payout_is_known_to_settlement after insert on payouts_payout referencing new table as changed
    for each statement execute function payouts_mirror();
create trigger payout_status_is_known_to_settlement after update on payouts_payout referencing new table as changed
    for each statement execute function payouts_mirror();

-- Money that left or may have left is never free to be claimed again.
create function payouts_check_release() returns trigger language plpgsql as $$
declare
    bad record;
begin
    select r.status, r.public_id into bad from released x
        join settlement_claim c on c.partner_settlement_id = x.partner_settlement_id and c.claim_no = x.claim_no
        join settlement_payoutref r on r.id = c.payout_ref_id
    where r.status not in ('FAILED', 'STOPPED', 'RETURNED', 'CANCELLED') limit 1;
    if found then
        raise exception 'payouts: payout % is %, its settlements stay claimed', bad.public_id, bad.status
            using errcode = 'check_violation', constraint = 'payouts_release_after_end';
    end if;
    return null;
end $$;
create trigger release_after_end after insert on settlement_claimrelease referencing new table as released
    for each statement execute function payouts_check_release();

do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke insert, update, delete, truncate on payouts_move from jeongsan_app;
        revoke update, delete, truncate on payouts_approval, payouts_completion, payouts_bankevent from jeongsan_app;
        revoke delete, truncate on payouts_payout, payouts_attempt, payouts_bulkpayout from jeongsan_app;
    end if;
end $$;
