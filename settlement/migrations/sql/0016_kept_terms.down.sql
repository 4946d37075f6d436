drop function settlement_order_partner(bigint, boolean, text, text, text, text, text);
drop function settlement_order_terms(bigint, boolean, text, text, text, text[], text[]);
do $$
declare
    of_terms record;
begin
    for of_terms in
        select tgname, tgrelid::regclass as terms from pg_trigger
        where tgfoid in ('settlement_mark_terms()'::regprocedure, 'settlement_mark_all_terms()'::regprocedure)
    loop
        execute format('drop trigger %I on %s', of_terms.tgname, of_terms.terms);
    end loop;
end $$;
drop function settlement_mark_terms();
drop function settlement_mark_all_terms();
drop table settlement_termsmark;

-- Everything that an order is recorded by, as JSON; null when the partner is nobody. A function, because a connection
-- plans its statement once: planning it takes three times as long as running it.
--
-- A connection keeps the plan it made when tables were small, and to that all indexes of records, and none, are alike. So
-- no table is looked through, and the order of a payment is asked for in a way that only one index can answer; its scope
-- is the partner's, as that of every record is.
create function settlement_order_terms(
    for_merchant bigint, for_test boolean, named_partner text, named_payment text, named_contract text,
    named_discounts text[], named_fees text[], start_day date
) returns text language plpgsql stable set enable_seqscan = off as $$
begin
    return (
        select json_build_object(
            'partner', to_json(partner),
            'standard', to_json(standard),
            'contract', to_json(contract),
            'versions', (
                select json_agg(version) from settlement_contractversion version where version.contract_id = contract.id
            ),
            'discounts', (
                select json_agg(json_build_array(version, policy))
                from settlement_discountsharepolicy policy
                join settlement_discountsharepolicyversion version on version.policy_id = policy.id
                where policy.merchant_id = for_merchant and policy.is_test = for_test
                    and policy.public_id = any(named_discounts)
            ),
            'fees', (
                select json_agg(json_build_array(version, policy))
                from settlement_additionalfeepolicy policy
                join settlement_additionalfeepolicyversion version on version.policy_id = policy.id
                where policy.merchant_id = for_merchant and policy.is_test = for_test
                    and policy.public_id = any(named_fees)
            ),
            'setting', (
                select to_json(setting) from settlement_setting setting
                where setting.merchant_id = for_merchant and setting.is_test = for_test
            ),
            'calculators', (
                select json_agg(calculator order by applied_at, number) from settlement_calculator calculator
                where calculator.merchant_id = for_merchant and calculator.is_test = for_test
                    and calculator.withdrawn_at is null
            ),
            'parameters', (
                select json_agg(parameter order by key) from settlement_settlementparameter parameter
                where parameter.merchant_id = for_merchant and parameter.is_test = for_test
            ),
            -- No settlement date lies before the start date, so no day before it can move one.
            'holidays', (
                select json_agg(holiday.day) from settlement_holiday holiday
                where holiday.merchant_id = for_merchant and holiday.is_test = for_test and holiday.day >= start_day
            ),
            'known', (
                select record.public_id from settlement_settlementrecord record
                where record.payment_id = named_payment and record.partner_id + 0 = partner.id
                    and record.type = 'ORDER' and record.state <> 'VOIDED'
                order by record.id
                limit 1
            )
        )::text
        from settlement_partner partner
        join settlement_contract standard on standard.id = partner.default_contract_id
        left join settlement_contract contract on contract.id = case
            when named_contract is null then partner.default_contract_id
            else (
                select named.id from settlement_contract named
                where named.merchant_id = for_merchant and named.is_test = for_test and named.public_id = named_contract
            )
        end
        where partner.merchant_id = for_merchant and partner.is_test = for_test and partner.public_id = named_partner
    );
end $$;
