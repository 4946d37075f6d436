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

drop trigger record_keeps_calculator on settlement_settlementrecord;
drop trigger calculator_stays on settlement_calculator;
drop function settlement_keep_calculator();

update settlement_setting s set rounding_platform_fee = c.rounding_platform_fee,
    rounding_discount_share = c.rounding_discount_share, rounding_additional_fee = c.rounding_additional_fee,
    rounding_settlement = c.rounding_settlement, rounding_vat = c.rounding_vat
from settlement_calculator c
where c.merchant_id = s.merchant_id and c.is_test = s.is_test and c.number = 1;

update settlement_settlementrecord set calculator_id = null where calculator_id is not null;
delete from settlement_calculator;

-- Checks of foreign keys that wait would keep the table from being altered.
set constraints all immediate;
