-- Keep which records a change of the holidays moves, and from when to when.
with found as (
    select r.id, r.settlement_date, moved.new_date
    from settlement_settlementrecord r
    join unnest(%(versions)s::bigint[], %(starts)s::date[], %(dates)s::date[]) moved(version_id, start_date, new_date)
        on moved.version_id = r.contract_version_id and moved.start_date = r.start_date
    where r.merchant_id = %(merchant)s and r.is_test = %(is_test)s
        and r.state in ('SCHEDULED', 'IN_PROCESS') and not r.date_is_given and r.settlement_date <> moved.new_date
    order by r.settlement_date, r.id
)
insert into settlement_holidaymove (merchant_id, is_test, change_id, record_id, old_date, new_date)
select %(merchant)s, %(is_test)s, %(change)s, id, settlement_date, new_date from found
on conflict (change_id, record_id) do nothing
returning record_id
