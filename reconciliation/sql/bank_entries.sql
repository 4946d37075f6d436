-- Entries on a bank account of ours with what no statement line explains of them yet: those of some days, of some
-- journals, or of some events by their keys. Of days, an entry that was reversed or reverses another asks for no line.
select e.journal_id, e.leg_no, j.business_date, e.amount,
    e.amount - coalesce((select sum(m.amount) from reconciliation_statementmatch m
        where m.journal_id = e.journal_id and m.leg_no = e.leg_no and m.released_at is null), 0) as remaining,
    j.event_type, j.event_key, j.origin_kind, j.origin_id
from ledger_account a
join ledger_entry e on e.account_id = a.id
join ledger_journal j on j.id = e.journal_id
where a.merchant_id = %(merchant)s and a.is_test = %(is_test)s and a.code = 1010 and a.owner = %(owner)s and e.currency = %(currency)s
    and j.merchant_id = a.merchant_id and j.is_test = a.is_test
    and (%(first_day)s::date is null or j.business_date >= %(first_day)s::date and j.reverses_id is null
        and not exists (select from ledger_journal r where r.reverses_id = j.id))
    and (%(last_day)s::date is null or j.business_date <= %(last_day)s::date)
    and (%(journals)s::bigint[] is null or j.id = any(%(journals)s::bigint[]))
    and (%(keys)s::text[] is null or j.event_type = any(%(events)s::text[]) and j.event_key = any(%(keys)s::text[]))
order by j.business_date, e.journal_id, e.leg_no
