-- Add what changed terms make of records that were computed one by one to what a backtest has found.
with results as materialized (
    select * from jsonb_to_recordset(%(results)s) as result(
        id bigint, partner_id bigint, currency text, recorded bigint, changed bigint, old_date date, new_date date,
        well boolean
    )
),
kept as (
    insert into settlement_backtestrecord
        (backtest_id, record_id, partner_id, recorded, changed, difference, old_date, new_date)
    select %(backtest)s, id, partner_id, recorded, changed, changed - recorded, old_date, new_date
    from results
    where changed <> recorded or new_date <> old_date
)
insert into settlement_backtestpartner as known (merchant_id, is_test, backtest_id, partner_id, currency, record_count,
    changed_count, moved_count, unfit_count, recorded, changed, difference)
select %(merchant)s, %(is_test)s, %(backtest)s, partner_id, currency, count(*),
    count(*) filter (where changed <> recorded), count(*) filter (where new_date <> old_date),
    count(*) filter (where not well), sum(recorded), sum(changed), sum(changed) - sum(recorded)
from results
group by partner_id, currency
on conflict (backtest_id, partner_id, currency) do update set
    record_count = known.record_count + excluded.record_count,
    changed_count = known.changed_count + excluded.changed_count,
    moved_count = known.moved_count + excluded.moved_count,
    unfit_count = known.unfit_count + excluded.unfit_count,
    recorded = known.recorded + excluded.recorded,
    changed = known.changed + excluded.changed,
    difference = known.difference + excluded.difference
