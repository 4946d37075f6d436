-- Take up deliveries that are due: of each listening endpoint only so many as leave it `each` under way, oldest first. An
-- endpoint that fails has one under way at a time.
with listening as (
    select e.id,
        case when e.failing_since is null then %(each)s else 1 end
            - (select count(*) from access_webhookdelivery d where d.endpoint_id = e.id and d.lease_until > %(now)s) as room
    from access_webhookendpoint e
    where e.state = 'ENABLED' and (e.failing_since is not null) = %(failing)s
), due as (
    select d.id from listening l cross join lateral (
        select d.id, d.due_at from access_webhookdelivery d
        where d.endpoint_id = l.id and d.state = 'PENDING' and d.due_at <= %(now)s
            and (d.lease_until is null or d.lease_until <= %(now)s)
        order by d.due_at, d.id limit greatest(l.room, 0)
        for update skip locked) d
    order by d.due_at, d.id limit %(most)s
)
update access_webhookdelivery d set lease_until = %(lease)s, fence = d.fence + 1
from due where d.id = due.id
returning d.id
