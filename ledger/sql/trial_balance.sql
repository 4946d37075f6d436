-- The trial balance of one scope, per code and currency: kept day totals plus the entries after the mark.
with sums as (
    select a.id, t.debit, t.credit
    from ledger_account a join ledger_day_total t on t.account_id = a.id
    where a.merchant_id = %(merchant)s and a.is_test = %(test)s and (%(day)s::date is null or t.day <= %(day)s::date)
    union all
    select e.account_id, greatest(e.amount, 0), greatest(-e.amount, 0)
    from ledger_journal j join ledger_entry e on e.journal_id = j.id
    where j.id > (select m.journal_id from ledger_mark m where m.id = 1)
        and j.merchant_id = %(merchant)s and j.is_test = %(test)s
        and (%(day)s::date is null or j.effective_date <= %(day)s::date)
)
select c.code, c.name, c.english, c.side, a.currency, count(distinct a.id),
    coalesce(sum(s.debit), 0), coalesce(sum(s.credit), 0), coalesce(sum(s.debit - s.credit), 0)
from ledger_account a join ledger_chart c on c.code = a.code left join sums s on s.id = a.id
where a.merchant_id = %(merchant)s and a.is_test = %(test)s
group by c.code, c.name, c.english, c.side, a.currency
order by a.currency, c.code
