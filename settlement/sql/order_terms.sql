-- Everything that an order is recorded by, in one row of JSON.
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
        where policy.merchant_id = %(merchant)s and policy.is_test = %(test)s
            and policy.public_id = any(%(discounts)s::text[])
    ),
    'fees', (
        select json_agg(json_build_array(version, policy))
        from settlement_additionalfeepolicy policy
        join settlement_additionalfeepolicyversion version on version.policy_id = policy.id
        where policy.merchant_id = %(merchant)s and policy.is_test = %(test)s
            and policy.public_id = any(%(fees)s::text[])
    ),
    'setting', (
        select to_json(setting) from settlement_setting setting
        where setting.merchant_id = %(merchant)s and setting.is_test = %(test)s
    ),
    'calculators', (
        select json_agg(calculator order by applied_at, number) from settlement_calculator calculator
        where calculator.merchant_id = %(merchant)s and calculator.is_test = %(test)s
            and calculator.withdrawn_at is null
    ),
    'parameters', (
        select json_agg(parameter order by key) from settlement_settlementparameter parameter
        where parameter.merchant_id = %(merchant)s and parameter.is_test = %(test)s
    ),
    -- No settlement date lies before the start date, so no day before it can move one.
    'holidays', (
        select json_agg(holiday.day) from settlement_holiday holiday
        where holiday.merchant_id = %(merchant)s and holiday.is_test = %(test)s and holiday.day >= %(start)s
    ),
    'known', (
        select record.public_id from settlement_settlementrecord record
        where record.merchant_id = %(merchant)s and record.is_test = %(test)s
            and record.payment_id = %(payment)s and record.partner_id = partner.id
            and record.type = 'ORDER' and record.state <> 'VOIDED'
        order by record.id
        limit 1
    )
)::text
from settlement_partner partner
join settlement_contract standard on standard.id = partner.default_contract_id
left join settlement_contract contract on contract.id = case
    when %(contract)s::text is null then partner.default_contract_id
    else (
        select named.id from settlement_contract named
        where named.merchant_id = %(merchant)s and named.is_test = %(test)s and named.public_id = %(contract)s
    )
end
where partner.merchant_id = %(merchant)s and partner.is_test = %(test)s and partner.public_id = %(partner)s
