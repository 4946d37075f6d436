-- New records are looked at once per statement. What a record must be like stood in four check constraints, which
-- PostgreSQL reads from their text for every statement, and two triggers asked for what one look answers.
create function settlement_new_records() returns trigger language plpgsql set enable_seqscan = off as $$
declare
    bad record;
begin
    -- One look clears orders as most are: lawful, of the default calculation, not settled, with nobody to be told. It
    -- looks no table through: a connection keeps the plan that it made when tables were small.
    perform from changed r
    where r.type <> 'ORDER' or r.order_id is not null or r.contract_version_id is null or r.start_date is null
        or r.settlement_date < r.start_date or r.net <> r.settlement or r.net_tax_free <> r.settlement_tax_free
        or r.state not in ('SCHEDULED', 'IN_PROCESS') or r.partner_settlement_id is not null or r.calculator_id is not null
        or (select p.merchant_id <> r.merchant_id or p.is_test <> r.is_test from settlement_partner p where p.id = r.partner_id)
        or (select c.merchant_id <> r.merchant_id or c.is_test <> r.is_test from settlement_contract c
            where c.id = (select v.contract_id from settlement_contractversion v where v.id = r.contract_version_id))
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
        join settlement_partner p on p.id = r.partner_id
        left join settlement_contractversion v on v.id = r.contract_version_id
        left join settlement_contract c on c.id = v.contract_id
        left join settlement_settlementrecord o on o.id = r.order_id
        left join settlement_calculator k on k.id = r.calculator_id
        left join settlement_partnersettlement s on s.id = r.partner_settlement_id
    where (p.merchant_id, p.is_test) <> (r.merchant_id, r.is_test)
        or (c.merchant_id, c.is_test) <> (r.merchant_id, r.is_test)
        or (k.merchant_id, k.is_test) <> (r.merchant_id, r.is_test)
        or (o.merchant_id, o.is_test, o.partner_id) <> (r.merchant_id, r.is_test, r.partner_id)
        or (s.merchant_id, s.is_test, s.partner_id) <> (r.merchant_id, r.is_test, r.partner_id)
    limit 1;
    if found then
        raise exception 'settlement: record % points into another scope', bad.id
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

drop trigger record_same_scope on settlement_settlementrecord;
drop trigger record_tells_webhooks on settlement_settlementrecord;
drop function settlement_webhook_records();
create trigger new_records after insert on settlement_settlementrecord referencing new table as changed
    for each statement execute function settlement_new_records();

-- A changed record is held to the same laws row by row, each only where a column that it is about is written.
create function settlement_refuse_record() returns trigger language plpgsql as $$
begin
    raise exception 'settlement: record % breaks %', new.id, tg_argv[0]
        using errcode = 'check_violation', constraint = tg_argv[0];
end $$;
create trigger record_still_signed before update of type, settlement, settlement_tax_free, net, net_tax_free
    on settlement_settlementrecord for each row
    when (not (case new.type when 'ORDER_CANCEL' then new.net = -new.settlement and new.net_tax_free = -new.settlement_tax_free
        else new.net = new.settlement and new.net_tax_free = new.settlement_tax_free end))
    execute function settlement_refuse_record('settlement_record_sign');
create trigger record_still_shaped before update of type, order_id, contract_version_id, start_date
    on settlement_settlementrecord for each row
    when (not (case new.type
        when 'ORDER' then new.order_id is null and new.contract_version_id is not null and new.start_date is not null
        when 'ORDER_CANCEL' then new.order_id is not null and new.contract_version_id is not null and new.start_date is not null
        when 'MANUAL' then new.order_id is null and new.contract_version_id is null and new.start_date is null
        else false end))
    execute function settlement_refuse_record('settlement_record_shape');
create trigger record_still_settled before update of state, partner_settlement_id
    on settlement_settlementrecord for each row
    when (not (case when new.partner_settlement_id is null then new.state in ('SCHEDULED', 'IN_PROCESS', 'VOIDED')
        else new.state in ('SETTLED', 'VOIDED') end))
    execute function settlement_refuse_record('settlement_record_settled_somewhere');
create trigger record_still_dated before update of start_date, settlement_date
    on settlement_settlementrecord for each row when (new.settlement_date < new.start_date)
    execute function settlement_refuse_record('settlement_record_date_not_before_start');

-- What is left to the function of before are partner settlements.
create or replace function settlement_same_scope() returns trigger language plpgsql as $$
declare
    bad record;
begin
    select r.id into bad from changed r
        join settlement_partner p on p.id = r.partner_id
        left join settlement_contract c on c.id = r.contract_id
    where (p.merchant_id, p.is_test) <> (r.merchant_id, r.is_test)
        or (c.merchant_id, c.is_test) <> (r.merchant_id, r.is_test)
    limit 1;
    if found then
        raise exception 'settlement: row % of % points into another scope', bad.id, tg_table_name
            using errcode = 'foreign_key_violation', constraint = 'settlement_same_scope';
    end if;
    return null;
end $$;
