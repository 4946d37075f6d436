-- Lock an Idempotency-Key until the transaction ends: true where it has no answer yet, false where it has one, null while
-- somebody else has the key. Nearly every key is new, and one value costs a third less than the five of `access_known_key`,
-- which tells the answer of one that is not. About lock and plan see there.
create function access_free_key(p_name text, p_merchant bigint, p_test boolean, p_key text)
    returns boolean language plpgsql set enable_seqscan = off as $$
begin
    if not pg_try_advisory_xact_lock(hashtextextended(p_name, 0)) then
        return null;
    end if;
    perform from access_idempotencykey known
    where known.merchant_id = p_merchant and known.is_test = p_test and known.key = p_key;
    return not found;
end $$;
