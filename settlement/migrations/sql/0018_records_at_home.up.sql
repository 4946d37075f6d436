-- What a record points at is looked up once per statement, where its scope is compared anyway. Five foreign keys looked it up
-- once more for each row, at the end of the transaction.
--
-- What is looked up never goes away, so a look is as good as the lock of a foreign key: partners, versions of contracts and
-- records are not deleted, and like contracts keep their keys and what they belong to, as the triggers here say. So do
-- calculations (0004) and partner settlements (0010).
create trigger partner_stays before delete on settlement_partner
    for each row execute function settlement_refuse_change('settlement_partner_stays');
create trigger partner_no_truncate before truncate on settlement_partner
    for each statement execute function settlement_refuse_change('settlement_partner_stays');
create trigger partner_keeps_identity before update of id, merchant_id, is_test on settlement_partner for each row
    when ((old.id, old.merchant_id, old.is_test) is distinct from (new.id, new.merchant_id, new.is_test))
    execute function settlement_refuse_change('settlement_partner_stays');

create trigger contract_keeps_identity before update of id, merchant_id, is_test on settlement_contract for each row
    when ((old.id, old.merchant_id, old.is_test) is distinct from (new.id, new.merchant_id, new.is_test))
    execute function settlement_refuse_change('settlement_contract_stays');
create trigger contract_version_stays before delete on settlement_contractversion
    for each row execute function settlement_refuse_change('settlement_contract_version_stays');
create trigger contract_version_no_truncate before truncate on settlement_contractversion
    for each statement execute function settlement_refuse_change('settlement_contract_version_stays');
create trigger contract_version_keeps_identity before update of id, contract_id on settlement_contractversion for each row
    when ((old.id, old.contract_id) is distinct from (new.id, new.contract_id))
    execute function settlement_refuse_change('settlement_contract_version_stays');

create trigger calculator_no_truncate before truncate on settlement_calculator
    for each statement execute function settlement_refuse_change('settlement_calculator_stays');

create trigger record_no_truncate before truncate on settlement_settlementrecord
    for each statement execute function settlement_refuse_change('settlement_record_stays');
-- Triggers run in the order of their names, and those that are there already say more of what is wrong.
create trigger record_still_whose before update of id, merchant_id, is_test, partner_id, order_id
    on settlement_settlementrecord for each row
    when ((old.id, old.merchant_id, old.is_test, old.partner_id, old.order_id)
        is distinct from (new.id, new.merchant_id, new.is_test, new.partner_id, new.order_id))
    execute function settlement_refuse_change('settlement_record_stays');

create or replace function settlement_new_records() returns trigger language plpgsql set enable_seqscan = off as $$
declare
    bad record;
begin
    -- One look clears orders as most are: lawful, of the default calculation, not settled, with nobody to be told. It
    -- looks no table through: a connection keeps the plan that it made when tables were small. Each table is asked by its
    -- key alone, so that only one index can answer.
    perform from changed r
    where r.type <> 'ORDER' or r.order_id is not null or r.contract_version_id is null or r.start_date is null
        or r.settlement_date < r.start_date or r.net <> r.settlement or r.net_tax_free <> r.settlement_tax_free
        or r.state not in ('SCHEDULED', 'IN_PROCESS') or r.partner_settlement_id is not null or r.calculator_id is not null
        or (select p.merchant_id = r.merchant_id and p.is_test = r.is_test from settlement_partner p
            where p.id = r.partner_id) is not true
        or (select c.merchant_id = r.merchant_id and c.is_test = r.is_test from settlement_contract c
            where c.id = (select v.contract_id from settlement_contractversion v
                where v.id = r.contract_version_id)) is not true
        or exists (select from access_webhookendpoint where state = 'ENABLED')
    limit 1;
    if not found then
        return null;
    end if;
    -- What is looked at from here on may be a million rows, for which looking a table through is right.
    perform set_config('enable_seqscan', 'on', true);

    select r.id, law.broken into bad
    from changed r cross join lateral (select case
        when r.settlement_date < r.start_date
            then 'settlement_record_date_not_before_start'
        when not (case when r.partner_settlement_id is null then r.state in ('SCHEDULED', 'IN_PROCESS', 'VOIDED')
                else r.state in ('SETTLED', 'VOIDED') end)
            then 'settlement_record_settled_somewhere'
        when not (case r.type
                when 'ORDER' then r.order_id is null and r.contract_version_id is not null and r.start_date is not null
                when 'ORDER_CANCEL' then r.order_id is not null and r.contract_version_id is not null and r.start_date is not null
                when 'MANUAL' then r.order_id is null and r.contract_version_id is null and r.start_date is null
                else false end)
            then 'settlement_record_shape'
        when not (case r.type when 'ORDER_CANCEL' then r.net = -r.settlement and r.net_tax_free = -r.settlement_tax_free
                else r.net = r.settlement and r.net_tax_free = r.settlement_tax_free end)
            then 'settlement_record_sign'
        end as broken) law
    where law.broken is not null
    limit 1;
    if found then
        raise exception 'settlement: record % breaks %', bad.id, bad.broken
            using errcode = 'check_violation', constraint = bad.broken;
    end if;

    select r.id into bad from changed r
        left join settlement_partner p on p.id = r.partner_id
        left join settlement_contractversion v on v.id = r.contract_version_id
        left join settlement_contract c on c.id = v.contract_id
        left join settlement_settlementrecord o on o.id = r.order_id
        left join settlement_calculator k on k.id = r.calculator_id
        left join settlement_partnersettlement s on s.id = r.partner_settlement_id
    where (p.merchant_id, p.is_test) is distinct from (r.merchant_id, r.is_test)
        or r.contract_version_id is not null
            and (c.merchant_id, c.is_test) is distinct from (r.merchant_id, r.is_test)
        or r.calculator_id is not null
            and (k.merchant_id, k.is_test) is distinct from (r.merchant_id, r.is_test)
        or r.order_id is not null
            and (o.merchant_id, o.is_test, o.partner_id) is distinct from (r.merchant_id, r.is_test, r.partner_id)
        or r.partner_settlement_id is not null
            and (s.merchant_id, s.is_test, s.partner_id) is distinct from (r.merchant_id, r.is_test, r.partner_id)
    limit 1;
    if found then
        raise exception 'settlement: record % points into another scope or at nothing', bad.id
            using errcode = 'foreign_key_violation', constraint = 'settlement_same_scope';
    end if;

    if exists (select from access_webhookendpoint where state = 'ENABLED') then
        insert into access_webhookevent (merchant_id, is_test, type, object_kind, object_id, status, amount, currency)
            select c.merchant_id, c.is_test, 'settlement.created', 'settlement', c.public_id, c.state, c.net, c.currency
            from changed c
            where exists (select from access_webhookendpoint e
                where e.state = 'ENABLED' and e.merchant_id = c.merchant_id and e.is_test = c.is_test
                    and (cardinality(e.events) = 0 or 'settlement.created' = any (e.events)))
            order by c.id;
    end if;
    return null;
end $$;

-- A record may follow another version of its contract or another calculation until it counts, and joins a partner settlement
-- when its day has come.
create function settlement_check_record() returns trigger language plpgsql set enable_seqscan = off as $$
declare
    at_home boolean := true;
begin
    if new.partner_settlement_id is distinct from old.partner_settlement_id and new.partner_settlement_id is not null then
        at_home := (select s.merchant_id = new.merchant_id and s.is_test = new.is_test and s.partner_id = new.partner_id
            from settlement_partnersettlement s where s.id = new.partner_settlement_id);
    end if;
    if at_home and new.contract_version_id is distinct from old.contract_version_id and new.contract_version_id is not null then
        at_home := (select c.merchant_id = new.merchant_id and c.is_test = new.is_test from settlement_contract c
            where c.id = (select v.contract_id from settlement_contractversion v where v.id = new.contract_version_id));
    end if;
    if at_home and new.calculator_id is distinct from old.calculator_id and new.calculator_id is not null then
        at_home := (select k.merchant_id = new.merchant_id and k.is_test = new.is_test
            from settlement_calculator k where k.id = new.calculator_id);
    end if;
    if at_home is not true then
        raise exception 'settlement: record % points into another scope or at nothing', new.id
            using errcode = 'foreign_key_violation', constraint = 'settlement_same_scope';
    end if;
    return new;
end $$;
create trigger record_still_within before update of partner_settlement_id, contract_version_id, calculator_id
    on settlement_settlementrecord for each row
    when ((old.partner_settlement_id, old.contract_version_id, old.calculator_id)
        is distinct from (new.partner_settlement_id, new.contract_version_id, new.calculator_id))
    execute function settlement_check_record();
