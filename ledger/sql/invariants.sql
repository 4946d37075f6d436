-- Everything that must hold in the books, as a list of what does not. An empty answer is the only good one.
select 'journal balances per currency', 'journal ' || e.journal_id || ' ' || e.currency
from ledger_entry e group by e.journal_id, e.currency having sum(e.amount) <> 0
union all
select 'journal has its legs', 'journal ' || j.id
from ledger_journal j left join ledger_entry e on e.journal_id = j.id
group by j.id, j.leg_count having count(e.leg_no) <> j.leg_count
union all
select 'stored balance equals its entries', 'account ' || b.account_id
from ledger_balance b left join ledger_entry e on e.account_id = b.account_id
group by b.account_id, b.balance having b.balance <> coalesce(sum(e.amount), 0)
union all
select 'guarded account has a stored balance', 'account ' || a.id
from ledger_account a join ledger_chart c on c.code = a.code and c.guarded
where not exists (select from ledger_balance b where b.account_id = a.id)
union all
select 'day totals equal their entries', 'account ' || coalesce(t.account_id, s.account_id)
from (select account_id, sum(debit - credit) as net, sum(legs) as legs from ledger_day_total group by account_id) t
    full join (
        select e.account_id, sum(e.amount) as net, count(*) as legs from ledger_entry e
        where e.journal_id <= (select journal_id from ledger_mark where id = 1) group by e.account_id
    ) s on s.account_id = t.account_id
where t.net is distinct from s.net or t.legs is distinct from s.legs
