drop trigger record_still_signed on settlement_settlementrecord;
drop trigger record_still_shaped on settlement_settlementrecord;
drop trigger record_still_settled on settlement_settlementrecord;
drop trigger record_still_dated on settlement_settlementrecord;
drop function settlement_refuse_record();
drop trigger new_records on settlement_settlementrecord;
drop function settlement_new_records();

create or replace function settlement_same_scope() returns trigger language plpgsql as $$
declare
    bad record;
begin
    if tg_table_name = 'settlement_settlementrecord' then
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

create function settlement_webhook_records() returns trigger language plpgsql as $$
begin
    if not exists (select from access_webhookendpoint where state = 'ENABLED') then
        return null;
    end if;
    insert into access_webhookevent (merchant_id, is_test, type, object_kind, object_id, status, amount, currency)
        select c.merchant_id, c.is_test, 'settlement.created', 'settlement', c.public_id, c.state, c.net, c.currency
        from changed c
        where exists (select from access_webhookendpoint e
            where e.state = 'ENABLED' and e.merchant_id = c.merchant_id and e.is_test = c.is_test
                and (cardinality(e.events) = 0 or 'settlement.created' = any (e.events)))
        order by c.id;
    return null;
end $$;
create trigger record_tells_webhooks after insert on settlement_settlementrecord referencing new table as changed
    for each statement execute function settlement_webhook_records();
