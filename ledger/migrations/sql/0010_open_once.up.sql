-- Open accounts (or find them) and return their ids in the order asked for. Nearly all are there, so that one look does;
-- the balance of a guarded account comes with it, from whoever opens it. Index look-ups only: the plan is cached and has to
-- stay right as the table grows.
create or replace function ledger_open(p_merchant bigint, p_test boolean, p_codes int[], p_owner_kinds text[], p_owners text[], p_currencies text[])
    returns bigint[] language plpgsql security definer set search_path = public, pg_temp
    set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
declare
    found_ids bigint[];
begin
    for attempt in 1..2 loop
        select array_agg(a.id order by w.place) into found_ids
        from unnest(p_codes, p_owner_kinds, p_owners, p_currencies) with ordinality w(code, owner_kind, owner, currency, place)
            left join ledger_account a on a.merchant_id = p_merchant and a.is_test = p_test and a.code = w.code
                and a.owner_kind = w.owner_kind and a.owner = w.owner and a.currency = w.currency;
        exit when array_position(found_ids, null) is null;

        with opened as (
            insert into ledger_account (merchant_id, is_test, code, owner_kind, owner, currency)
                select distinct p_merchant, p_test, w.code, w.owner_kind, w.owner, w.currency
                from unnest(p_codes, p_owner_kinds, p_owners, p_currencies, found_ids) w(code, owner_kind, owner, currency, id)
                where w.id is null
                order by w.code, w.owner_kind, w.owner, w.currency
                on conflict on constraint ledger_account_address do nothing
                returning id, code
        )
        insert into ledger_balance (account_id, balance, side, version)
            select o.id, 0, c.side, 0 from opened o join ledger_chart c on c.code = o.code and c.guarded;
    end loop;
    return found_ids;
end $$;
