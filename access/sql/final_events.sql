-- Audit events that are in no seal yet and that no running transaction can still slip something in front of.
select e.id
from access_auditevent e
where e.id > %(floor)s
    and (e.transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint or e.at < %(settled)s)
    and not exists (select from access_sealedevent s where s.event_id = e.id)
order by e.id
limit %(batch)s
