-- How many records a change would move now, and how many of those it was shown with, by exactly these dates.
select count(*), count(m.id)
from settlement_settlementrecord r
join unnest(%(versions)s::bigint[], %(starts)s::date[], %(dates)s::date[]) moved(version_id, start_date, new_date)
    on moved.version_id = r.contract_version_id and moved.start_date = r.start_date
left join settlement_holidaymove m on m.change_id = %(change)s and m.record_id = r.id
    and m.old_date = r.settlement_date and m.new_date = moved.new_date
where r.merchant_id = %(merchant)s and r.is_test = %(is_test)s
    and r.state in ('SCHEDULED', 'IN_PROCESS') and not r.date_is_given and r.settlement_date <> moved.new_date
