-- Of one bank account: what the bank holds, what is in transit, and what is set aside (returned, withheld, unexplained).
-- Partner accounts are guarded and have stored balances; the others are read as day totals and later entries.
with derived as (
    select a.code, b.balance
    from ledger_account a
        cross join lateral ledger_balances(array[a.id], null) b
    where a.merchant_id = %(merchant)s and a.is_test = %(test)s and a.currency = %(currency)s
        and (a.code in (1010, 2320) and a.owner = %(bank_account)s or a.code in (2220, 2221))
), stored as (
    select a.code, sum(b.balance) as balance
    from ledger_account a join ledger_balance b on b.account_id = a.id
    where a.merchant_id = %(merchant)s and a.is_test = %(test)s and a.currency = %(currency)s and a.code in (2120, 2140)
        and b.balance <> 0
    group by a.code
)
select coalesce((select sum(balance) from derived where code = 1010), 0),
    coalesce((select -sum(balance) from stored where code = 2120), 0),
    coalesce((select -sum(balance) from stored where code = 2140), 0)
        + coalesce((select -sum(balance) from derived where code in (2220, 2221, 2320)), 0)
