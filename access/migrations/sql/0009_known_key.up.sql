-- Lock an Idempotency-Key until the transaction ends, and look up the answer it has: `locked` is false while somebody else
-- has it, `status` is null where there is no answer. The lock is tried by a statement of its own, so that the next sees
-- what the last to have it committed.
--
-- A connection keeps the plan it made when there were few keys; a look through all of them must never be in it.
create function access_known_key(
    p_name text, p_merchant bigint, p_test boolean, p_key text,
    out locked boolean, out status smallint, out body bytea, out content_type text, out fingerprint bytea
) language plpgsql set enable_seqscan = off as $$
begin
    locked := pg_try_advisory_xact_lock(hashtextextended(p_name, 0));
    if locked then
        select known.status, known.body, known.content_type, known.fingerprint
        into status, body, content_type, fingerprint
        from access_idempotencykey known
        where known.merchant_id = p_merchant and known.is_test = p_test and known.key = p_key;
    end if;
end $$;
