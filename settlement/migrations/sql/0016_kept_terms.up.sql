-- Terms change a few times a day and are read for every order, so a process keeps them and asks whether they still count.
--
-- Every statement that changes terms of a scope adds a mark that was never there before and takes away those it finds. So two
-- readings of the same marks, one at least, are readings of the same terms: a change that only one of them saw has left its
-- mark in that one, or the mark of a later change that it saw too. What is rolled back takes its mark along.
create table settlement_termsmark (
    merchant_id bigint not null,
    is_test boolean not null,
    mark uuid not null,
    primary key (merchant_id, is_test, mark)
);
insert into settlement_termsmark (merchant_id, is_test, mark)
    select merchant_id, is_test, gen_random_uuid() from settlement_setting;

-- Nobody waits for anybody: a mark that another transaction is taking away is left to it, and stands beside the new one until
-- the next change.
create function settlement_mark_terms() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
    scope record;
begin
    for scope in execute 'select distinct merchant_id, is_test from ' || tg_argv[0] loop
        delete from settlement_termsmark mark
        where mark.merchant_id = scope.merchant_id and mark.is_test = scope.is_test and mark.mark in (
            select older.mark from settlement_termsmark older
            where older.merchant_id = scope.merchant_id and older.is_test = scope.is_test
            for update skip locked
        );
        insert into settlement_termsmark (merchant_id, is_test, mark)
        values (scope.merchant_id, scope.is_test, gen_random_uuid());
    end loop;
    return null;
end $$;

create function settlement_mark_all_terms() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update settlement_termsmark set mark = gen_random_uuid();
    return null;
end $$;

do $$
declare
    terms text;
    scopes text;
begin
    for terms, scopes in values
        ('settlement_setting', 'changed'),
        ('settlement_calculator', 'changed'),
        ('settlement_settlementparameter', 'changed'),
        ('settlement_holiday', 'changed'),
        ('settlement_contract', 'changed'),
        ('settlement_discountsharepolicy', 'changed'),
        ('settlement_additionalfeepolicy', 'changed'),
        ('settlement_contractversion', 'changed join settlement_contract own on own.id = changed.contract_id'),
        ('settlement_discountsharepolicyversion', 'changed join settlement_discountsharepolicy own on own.id = changed.policy_id'),
        ('settlement_additionalfeepolicyversion', 'changed join settlement_additionalfeepolicy own on own.id = changed.policy_id')
    loop
        execute format('create trigger terms_added after insert on %I referencing new table as changed'
            ' for each statement execute function settlement_mark_terms(%L)', terms, scopes);
        execute format('create trigger terms_before after update on %I referencing old table as changed'
            ' for each statement execute function settlement_mark_terms(%L)', terms, scopes);
        execute format('create trigger terms_after after update on %I referencing new table as changed'
            ' for each statement execute function settlement_mark_terms(%L)', terms, scopes);
        execute format('create trigger terms_removed after delete on %I referencing old table as changed'
            ' for each statement execute function settlement_mark_terms(%L)', terms, scopes);
        execute format('create trigger terms_emptied after truncate on %I'
            ' for each statement execute function settlement_mark_all_terms()', terms);
    end loop;
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke insert, update, delete, truncate on settlement_termsmark from jeongsan_app;
    end if;
end $$;

-- What an order begins with: takes the lock of its payment and answers, as JSON, the marks of its terms, the version of its
-- partner's row, that row unless it is the kept version, and the order of the payment that is known; null when the partner is
-- nobody.
--
-- A volatile function, so that the one query that it asks begins when the lock is had, and sees what whoever had it before has
-- committed. Locks as everybody takes them: the share of the scope first, then the name, unless all of the scope is had.
-- No other row version is at the same place and of the same transaction. About the plan, see the function below.
create function settlement_order_partner(
    for_merchant bigint, for_test boolean, named_partner text, named_payment text, kept_version text,
    locked_scope text, locked_name text
) returns text language plpgsql volatile set enable_seqscan = off as $$
declare
    had boolean;
begin
    -- An assignment takes a fifth of the time of `perform`.
    had = pg_advisory_xact_lock_shared(hashtextextended(locked_scope, 0)) is null;
    if current_setting('jeongsan.locked_scope', true) is distinct from locked_scope then
        had = pg_advisory_xact_lock(hashtextextended(locked_name, 0)) is null;
    end if;
    return (
        select json_build_array(
            array(
                select mark from settlement_termsmark mark
                where mark.merchant_id = for_merchant and mark.is_test = for_test
                order by mark
            )::text,
            concat(partner.xmin, partner.ctid),
            case when concat(partner.xmin, partner.ctid) is distinct from kept_version then to_json(partner) end,
            (
                select record.public_id from settlement_settlementrecord record
                where record.payment_id = named_payment and record.partner_id + 0 = partner.id
                    and record.type = 'ORDER' and record.state <> 'VOIDED'
                order by record.id + 0
                limit 1
            )
        )::text
        from settlement_partner partner
        where partner.merchant_id = for_merchant and partner.is_test = for_test and partner.public_id = named_partner
    );
end $$;

-- Everything that an order is recorded by, with the marks under which it may be kept; null when the partner is nobody. A
-- function, because a connection plans its statement once: planning it takes three times as long as running it.
--
-- A connection keeps the plan it made when tables were small, and to that all indexes of records, and none, are alike. So
-- no table is looked through, and the order of a payment is asked for in a way that only one index can answer, neither that
-- of partners nor that of keys; its scope is the partner's, as that of every record is.
drop function settlement_order_terms(bigint, boolean, text, text, text, text[], text[], date);
create function settlement_order_terms(
    for_merchant bigint, for_test boolean, named_partner text, named_payment text, named_contract text,
    named_discounts text[], named_fees text[]
) returns text language plpgsql stable set enable_seqscan = off as $$
begin
    return (
        select json_build_object(
            'marks', array(
                select mark from settlement_termsmark mark
                where mark.merchant_id = for_merchant and mark.is_test = for_test
                order by mark
            )::text,
            'version', concat(partner.xmin, partner.ctid),
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
            'holidays', (
                select json_agg(holiday.day) from settlement_holiday holiday
                where holiday.merchant_id = for_merchant and holiday.is_test = for_test
            ),
            'known', (
                select record.public_id from settlement_settlementrecord record
                where record.payment_id = named_payment and record.partner_id + 0 = partner.id
                    and record.type = 'ORDER' and record.state <> 'VOIDED'
                order by record.id + 0
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
