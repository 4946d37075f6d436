-- What happens to records and partner settlements goes to the outbox of webhooks in the transaction in which it happens,
-- by whatever statement. Where nobody listens, each statement costs one look at a table of a few rows.

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

create function settlement_webhook_settlements() returns trigger language plpgsql as $$
begin
    if not exists (select from access_webhookendpoint where state = 'ENABLED') then
        return null;
    end if;
    insert into access_webhookevent (merchant_id, is_test, type, object_kind, object_id, status, amount, currency)
        select c.merchant_id, c.is_test, 'partner_settlement.confirmed', 'partner_settlement', c.public_id, c.state, c.net, c.currency
        from changed c
        where c.maturity_no > 0 and exists (select from access_webhookendpoint e
            where e.state = 'ENABLED' and e.merchant_id = c.merchant_id and e.is_test = c.is_test
                and (cardinality(e.events) = 0 or 'partner_settlement.confirmed' = any (e.events)))
        order by c.id;
    return null;
end $$;
create trigger partner_settlement_tells_webhooks after insert on settlement_partnersettlement referencing new table as changed
    for each statement execute function settlement_webhook_settlements();

-- Changes are told row by row, and only those that are news: to collect the old and the new rows of every statement would
-- cost the maturing of a million records more than telling a few hundred voids ever can.
create function settlement_webhook_change(kind text, told text, merchant bigint, test boolean, public_id text, state text, net bigint,
    currency text) returns void language sql as $$
    insert into access_webhookevent (merchant_id, is_test, type, object_kind, object_id, status, amount, currency)
        select merchant, test, told, kind, public_id, state, net, currency
        where exists (select from access_webhookendpoint e
            where e.state = 'ENABLED' and e.merchant_id = merchant and e.is_test = test
                and (cardinality(e.events) = 0 or told = any (e.events)))
$$;

create function settlement_webhook_void() returns trigger language plpgsql as $$
begin
    perform settlement_webhook_change('settlement', 'settlement.voided', new.merchant_id, new.is_test, new.public_id, new.state,
        new.net, new.currency);
    return null;
end $$;
create trigger record_void_tells_webhooks after update on settlement_settlementrecord for each row
    when (old.state <> 'VOIDED' and new.state = 'VOIDED') execute function settlement_webhook_void();

create function settlement_webhook_decision() returns trigger language plpgsql as $$
begin
    perform settlement_webhook_change('partner_settlement',
        case when new.state = old.state then 'partner_settlement.confirmed'
            when new.state = 'PAYOUT_PREPARED' then 'partner_settlement.released'
            when new.state = 'PAYOUT_WITHHELD' then 'partner_settlement.withheld'
            when new.state = 'PAYOUT_EXCLUDED' then 'partner_settlement.excluded'
            else 'partner_settlement.voided' end,
        new.merchant_id, new.is_test, new.public_id, new.state, new.net, new.currency);
    return null;
end $$;
create trigger partner_settlement_change_tells_webhooks after update on settlement_partnersettlement for each row
    when (new.state <> old.state or new.maturity_no > old.maturity_no) execute function settlement_webhook_decision();
