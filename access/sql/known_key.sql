-- Two statements: the second begins when the first has tried the lock, so it sees what the last to have it committed.
select set_config('jeongsan.has_key', pg_try_advisory_xact_lock(hashtextextended(%(name)s, 0))::text, true);
select current_setting('jeongsan.has_key')::boolean, known.id is not null,
    known.status, known.body, known.content_type, known.fingerprint
from (select) here
left join access_idempotencykey known
    on known.merchant_id = %(merchant_id)s and known.is_test = %(is_test)s and known.key = %(key)s
