-- The lines in which two versions of a batch differ, side by side. The rule is that of diff.sql: of several lines with one
-- key the equal ones are paired first, the rest in order.
with line as not materialized (
    select id, record, line_key, line_hash, batch_id = %(newer)s as is_newer
    from reconciliation_batchline where batch_id in (%(newer)s, %(older)s) and counts
), unequal as (
    select line_key, line_hash, least(count(*) filter (where is_newer), count(*) filter (where not is_newer)) as alike
    from line group by line_key, line_hash
    having count(*) filter (where is_newer) <> count(*) filter (where not is_newer)
), numbered as (
    select l.*, u.alike, row_number() over (partition by l.is_newer, l.line_key, l.line_hash order by l.record) as copy
    from line l join unequal u on u.line_key = l.line_key and u.line_hash = l.line_hash
), left_over as (
    select id, record, line_key, is_newer, row_number() over (partition by is_newer, line_key order by record) as turn
    from numbered where copy > alike
), pair as (
    select n.id as newer_id, o.id as older_id, n.record as newer_record, o.record as older_record,
        case when o.id is null then 'added' when n.id is null then 'removed' else 'changed' end as change
    from (select * from left_over where is_newer) n
    full join (select * from left_over where not is_newer) o on o.line_key = n.line_key and o.turn = n.turn
)
select change, newer_id, older_id from pair
where %(wanted)s in ('', change)
order by coalesce(newer_record, older_record), older_record
limit %(limit)s offset %(offset)s
