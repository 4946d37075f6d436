-- What a claim must be, looked at once per statement: three foreign keys looked it up row by row, at five times the cost, and
-- wrote a lock into every partner settlement. They also proved less: nothing of the scope, the decision or the amounts.
--
-- What is looked up never goes away, so a look is as good as a lock: partner settlements, payout references and releases
-- are not deleted and keep their keys, as the triggers below and those of before say.

alter table settlement_claim drop constraint settlement_claim_needs_release;

-- Nested loops only: the plans are cached and have to stay right as tables grow.
create function settlement_check_claims() returns trigger language plpgsql
    set plan_cache_mode = force_generic_plan set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
declare
    bad record;
begin
    if exists (select from changed c where c.claim_no > 1) then
        select c.partner_settlement_id, c.claim_no into bad from changed c
        where c.claim_no > 1 and not exists (select from settlement_claimrelease r
            where r.partner_settlement_id = c.partner_settlement_id and r.claim_no = c.after_no)
        limit 1;
        if found then
            raise exception 'settlement: claim % of partner settlement % needs the release of the one before', bad.claim_no, bad.partner_settlement_id
                using errcode = 'foreign_key_violation', constraint = 'settlement_claim_needs_release';
        end if;
    end if;

    -- One look clears them all; only what it does not clear is looked at in detail.
    select c.partner_settlement_id, s.id is null or r.id is null as unknown,
        (s.merchant_id, s.is_test) is distinct from (r.merchant_id, r.is_test) as elsewhere,
        s.state = 'VOIDED' or c.claim_no - 1 <= s.state_claim_no and s.state not in ('PAYOUT_PREPARED', 'PAYOUT_WITHHELD') as decided
    into bad
    from changed c
        left join settlement_partnersettlement s on s.id = c.partner_settlement_id
        left join settlement_payoutref r on r.id = c.payout_ref_id
    where s.id is null or r.id is null or s.merchant_id <> r.merchant_id or s.is_test <> r.is_test or s.state = 'VOIDED'
        or c.claim_no - 1 <= s.state_claim_no and s.state not in ('PAYOUT_PREPARED', 'PAYOUT_WITHHELD')
        or c.net <> s.net or c.net_tax_free <> s.net_tax_free or c.credit_total <> s.credit_total or c.debit_total <> s.debit_total
    limit 1;
    if not found then
        return null;
    elsif bad.unknown then
        raise exception 'settlement: claim of partner settlement % names nothing that is there', bad.partner_settlement_id
            using errcode = 'foreign_key_violation', constraint = 'settlement_claim_of_known';
    elsif bad.elsewhere then
        raise exception 'settlement: claim of partner settlement % is in another scope', bad.partner_settlement_id
            using errcode = 'foreign_key_violation', constraint = 'settlement_same_scope';
    elsif bad.decided then
        raise exception 'settlement: partner settlement % is not to be paid', bad.partner_settlement_id
            using errcode = 'check_violation', constraint = 'settlement_claim_of_payable';
    end if;
    raise exception 'settlement: claim of partner settlement % is not of what it amounts to', bad.partner_settlement_id
        using errcode = 'check_violation', constraint = 'settlement_claim_amounts';
end $$;
create trigger claims_are_lawful after insert on settlement_claim referencing new table as changed
    for each statement execute function settlement_check_claims();

create trigger payout_ref_stays before delete on settlement_payoutref
    for each row execute function settlement_refuse_change('settlement_payout_ref_stays');
create trigger payout_ref_no_truncate before truncate on settlement_payoutref
    for each statement execute function settlement_refuse_change('settlement_payout_ref_stays');
create trigger payout_ref_keeps_identity before update of id, merchant_id, is_test, public_id on settlement_payoutref for each row
    when ((old.id, old.merchant_id, old.is_test, old.public_id) is distinct from (new.id, new.merchant_id, new.is_test, new.public_id))
    execute function settlement_refuse_change('settlement_payout_ref_stays');
create trigger partner_settlement_no_truncate before truncate on settlement_partnersettlement
    for each statement execute function settlement_refuse_change('settlement_partner_settlement_stays');
create trigger partner_settlement_keeps_identity before update of id, merchant_id, is_test, partner_id on settlement_partnersettlement for each row
    when ((old.id, old.merchant_id, old.is_test, old.partner_id) is distinct from (new.id, new.merchant_id, new.is_test, new.partner_id))
    execute function settlement_refuse_change('settlement_partner_settlement_stays');

do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke delete, truncate on settlement_payoutref from jeongsan_app;
    end if;
end $$;
