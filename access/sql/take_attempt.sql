-- Count one attempt before it is looked at, unless its subject has to wait. No row comes back for those who wait.
-- Counting first is what makes the limit hold when many try at once. After a quiet hour counting begins again.
insert into access_attempts as a (kind, subject, failures, last_at, blocked_until)
values (%(kind)s, %(subject)s, 1, %(now)s, %(now)s)
on conflict on constraint access_attempts_one_per_subject do update set
    failures = case when a.last_at < %(now)s - interval '1 hour' then 1 else a.failures + 1 end,
    last_at = %(now)s,
    blocked_until = case
        when a.last_at < %(now)s - interval '1 hour' or a.failures + 1 < %(free)s then %(now)s
        else %(now)s + least(900, power(2, least(a.failures + 1 - %(free)s, 10))) * interval '1 second'
    end
where a.blocked_until <= %(now)s
returning a.failures
