drop trigger record_still_within on settlement_settlementrecord;
drop trigger record_still_whose on settlement_settlementrecord;
drop trigger record_no_truncate on settlement_settlementrecord;
drop trigger calculator_no_truncate on settlement_calculator;
drop trigger contract_version_keeps_identity on settlement_contractversion;
drop trigger contract_version_no_truncate on settlement_contractversion;
drop trigger contract_version_stays on settlement_contractversion;
drop trigger contract_keeps_identity on settlement_contract;
drop trigger partner_keeps_identity on settlement_partner;
drop trigger partner_no_truncate on settlement_partner;
drop trigger partner_stays on settlement_partner;
drop function settlement_check_record();

create or replace function settlement_new_records() returns trigger language plpgsql set enable_seqscan = off as $$
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
