-- What must hold among settlement's rows, whoever writes them.

-- Rows of one merchant and environment never point at rows of another.
create function settlement_same_scope() returns trigger language plpgsql as $$
declare
    bad record;
begin
    if tg_table_name = 'settlement_settlementrecord' then
        select r.id into bad from changed r
            join settlement_partner p on p.id = r.partner_id
            left join settlement_contractversion v on v.id = r.contract_version_id
            left join settlement_contract c on c.id = v.contract_id
            left join settlement_settlementrecord o on o.id = r.order_id
            left join settlement_partnersettlement s on s.id = r.partner_settlement_id
        where (p.merchant_id, p.is_test) <> (r.merchant_id, r.is_test)
            or (c.merchant_id, c.is_test) <> (r.merchant_id, r.is_test)
            or (o.merchant_id, o.is_test, o.partner_id) <> (r.merchant_id, r.is_test, r.partner_id)
            or (s.merchant_id, s.is_test, s.partner_id) <> (r.merchant_id, r.is_test, r.partner_id)
        limit 1;
    else
        select r.id into bad from changed r
            join settlement_partner p on p.id = r.partner_id
            left join settlement_contract c on c.id = r.contract_id
        where (p.merchant_id, p.is_test) <> (r.merchant_id, r.is_test)
            or (c.merchant_id, c.is_test) <> (r.merchant_id, r.is_test)
        limit 1;
    end if;
    if found then
        raise exception 'settlement: row % of % points into another scope', bad.id, tg_table_name
            using errcode = 'foreign_key_violation', constraint = 'settlement_same_scope';
    end if;
    return null;
end $$;

create trigger record_same_scope after insert on settlement_settlementrecord referencing new table as changed
    for each statement execute function settlement_same_scope();
create trigger partner_settlement_same_scope after insert on settlement_partnersettlement referencing new table as changed
    for each statement execute function settlement_same_scope();

-- A record keeps what it was computed from. Its state and the settlement it is in may change; before its start date its
-- terms may follow a changed contract; nothing is ever deleted.
create function settlement_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'settlement: % of % is refused', lower(tg_op), tg_table_name
        using errcode = 'integrity_constraint_violation', constraint = tg_argv[0];
end $$;

create trigger record_keeps_amounts before update on settlement_settlementrecord for each row
    when (old.state <> 'SCHEDULED' and (old.partner_id, old.type, old.contract_version_id, old.order_id, old.currency, old.net,
            old.net_tax_free, old.order_amount, old.payment, old.platform_fee, old.additional_fee, old.discount_share, old.start_date)
        is distinct from (new.partner_id, new.type, new.contract_version_id, new.order_id, new.currency, new.net,
            new.net_tax_free, new.order_amount, new.payment, new.platform_fee, new.additional_fee, new.discount_share, new.start_date))
    execute function settlement_refuse_change('settlement_record_keeps_amounts');
create trigger record_state_moves_on before update on settlement_settlementrecord for each row
    when (old.state <> new.state and (old.state, new.state) not in (('SCHEDULED', 'IN_PROCESS'), ('SCHEDULED', 'SETTLED'),
        ('IN_PROCESS', 'SETTLED'), ('SCHEDULED', 'VOIDED'), ('IN_PROCESS', 'VOIDED'), ('SETTLED', 'VOIDED')))
    execute function settlement_refuse_change('settlement_record_state_moves_on');
create trigger record_stays before delete on settlement_settlementrecord
    for each row execute function settlement_refuse_change('settlement_record_stays');
create trigger partner_settlement_stays before delete on settlement_partnersettlement
    for each row execute function settlement_refuse_change('settlement_partner_settlement_stays');

-- Claims and releases are insert-only, and a claim needs the release of the one before.
create trigger claim_append_only before update or delete on settlement_claim
    for each row execute function settlement_refuse_change('settlement_claim_append_only');
create trigger claim_no_truncate before truncate on settlement_claim
    for each statement execute function settlement_refuse_change('settlement_claim_append_only');
create trigger release_append_only before update or delete on settlement_claimrelease
    for each row execute function settlement_refuse_change('settlement_release_append_only');
create trigger release_no_truncate before truncate on settlement_claimrelease
    for each statement execute function settlement_refuse_change('settlement_release_append_only');

alter table settlement_claimrelease add constraint settlement_release_of_claim
    foreign key (partner_settlement_id, claim_no) references settlement_claim (partner_settlement_id, claim_no);
alter table settlement_claim add constraint settlement_claim_needs_release
    foreign key (partner_settlement_id, after_no) references settlement_claimrelease (partner_settlement_id, claim_no);

-- The status of a payout reference is the payouts app's to write, through its own trigger.
do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke update, delete, truncate on settlement_claim, settlement_claimrelease from jeongsan_app;
        revoke delete, truncate on settlement_settlementrecord, settlement_partnersettlement from jeongsan_app;
    end if;
end $$;
