-- Of one bank account: what the bank holds, what is in transit, and what is set aside (returned, withheld, unexplained).
-- In transit is read from the open attempts of this very account; the books keep it per partner, whatever the account.
with derived as (
    select a.code, b.balance
    from ledger_account a
        cross join lateral ledger_balances(array[a.id], null) b
    where a.merchant_id = %(merchant)s and a.is_test = %(test)s and a.currency = %(currency)s
        and (a.code in (1010, 2320) and a.owner = %(bank_account)s or a.code in (2220, 2221))
), returned as (
    select sum(b.balance) as balance
    from ledger_account a join ledger_balance b on b.account_id = a.id
    where a.merchant_id = %(merchant)s and a.is_test = %(test)s and a.currency = %(currency)s and a.code = 2140
        and b.balance <> 0
), open as (
    select sum(t.amount) as amount
    from payouts_attempt t
        join payouts_payout p on p.id = t.payout_id
        join payouts_bulkpayout u on u.id = p.bulk_payout_id
        join payouts_bankaccount k on k.id = u.bank_account_id
    where t.state in ('SUBMITTING', 'ACCEPTED', 'UNKNOWN') and k.merchant_id = %(merchant)s and k.is_test = %(test)s
        and k.public_id = %(bank_account)s
)
select coalesce((select sum(balance) from derived where code = 1010), 0),
    coalesce((select amount from open), 0),
    coalesce((select -balance from returned), 0)
        + coalesce((select -sum(balance) from derived where code in (2220, 2221, 2320)), 0)
