-- Rounding that was a setting becomes the first version of the calculation, where it differed from the defaults.
insert into settlement_calculator (merchant_id, is_test, number, applied_at, created_by, memo, rounding_platform_fee,
    rounding_discount_share, rounding_additional_fee, rounding_settlement, rounding_vat, replaced, own)
select merchant_id, is_test, 1, timestamptz '2000-01-01 00:00:00+09', '', '', rounding_platform_fee,
    rounding_discount_share, rounding_additional_fee, rounding_settlement, rounding_vat, '{}', '[]'
from settlement_setting
where (rounding_platform_fee, rounding_discount_share, rounding_additional_fee, rounding_settlement, rounding_vat)
    <> ('DOWN', 'DOWN', 'DOWN', 'DOWN', 'DOWN');

update settlement_settlementrecord r set calculator_id = c.id
from settlement_calculator c
where c.merchant_id = r.merchant_id and c.is_test = r.is_test and r.type in ('ORDER', 'ORDER_CANCEL');

-- The update left checks of foreign keys for later, and a table with checks waiting takes no trigger.
set constraints all immediate;

-- A version is written once. It may be withdrawn before it counts; a record that stood under it keeps it.
create function settlement_keep_calculator() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.withdrawn_at is null
        and to_jsonb(new) - 'withdrawn_at' = to_jsonb(old) - 'withdrawn_at' then
        return new;
    end if;
    raise exception 'settlement: % of % is refused', lower(tg_op), tg_table_name
        using errcode = 'integrity_constraint_violation', constraint = 'settlement_calculator_stays';
end $$;

create trigger calculator_stays before update or delete on settlement_calculator
    for each row execute function settlement_keep_calculator();

-- What a record was computed by belongs to what it keeps once its start date has come.
create trigger record_keeps_calculator before update on settlement_settlementrecord for each row
    when (old.state <> 'SCHEDULED' and (old.calculator_id, old.formula_results, old.parameters)
        is distinct from (new.calculator_id, new.formula_results, new.parameters))
    execute function settlement_refuse_change('settlement_record_keeps_amounts');

-- A record is computed by a calculation of its own merchant and environment, too.
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
