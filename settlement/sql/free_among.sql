-- Which of these partner settlements may be claimed, as one array.
select array_agg(f.id) from claimable f where f.id = any(%(ids)s::bigint[])
