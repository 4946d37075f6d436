-- Open accounts (or find them) and return their ids in the order asked for.
create or replace function ledger_open(p_merchant bigint, p_test boolean, p_codes int[], p_owner_kinds text[], p_owners text[], p_currencies text[])
    returns bigint[] language plpgsql security definer set search_path = public, pg_temp as $$
declare
    found_ids bigint[];
begin
    insert into ledger_account (merchant_id, is_test, code, owner_kind, owner, currency)
        select distinct p_merchant, p_test, w.code, w.owner_kind, w.owner, w.currency
        from unnest(p_codes, p_owner_kinds, p_owners, p_currencies) w(code, owner_kind, owner, currency)
        where not exists (select from ledger_account a where a.merchant_id = p_merchant and a.is_test = p_test
            and a.code = w.code and a.owner_kind = w.owner_kind and a.owner = w.owner and a.currency = w.currency)
        order by w.code, w.owner_kind, w.owner, w.currency
        on conflict on constraint ledger_account_address do nothing;

    insert into ledger_balance (account_id, balance, side, version)
        select a.id, 0, c.side, 0
        from unnest(p_codes, p_owner_kinds, p_owners, p_currencies) w(code, owner_kind, owner, currency)
            join ledger_account a on a.merchant_id = p_merchant and a.is_test = p_test and a.code = w.code
                and a.owner_kind = w.owner_kind and a.owner = w.owner and a.currency = w.currency
            join ledger_chart c on c.code = a.code and c.guarded
        where not exists (select from ledger_balance b where b.account_id = a.id)
        order by a.id
        on conflict (account_id) do nothing;

    select array_agg(a.id order by w.place) into found_ids
    from unnest(p_codes, p_owner_kinds, p_owners, p_currencies) with ordinality w(code, owner_kind, owner, currency, place)
        join ledger_account a on a.merchant_id = p_merchant and a.is_test = p_test and a.code = w.code
            and a.owner_kind = w.owner_kind and a.owner = w.owner and a.currency = w.currency;
    return found_ids;
end $$;
