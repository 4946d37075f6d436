-- On which day the vendor issued its invoice may be said, and corrected, after the file was read.
create or replace function reconciliation_check_batch() returns trigger language plpgsql as $$
begin
    if old.state <> new.state and (old.state, new.state) not in (
            ('LOADING', 'UNDERSTOOD'), ('LOADING', 'REJECTED'), ('LOADING', 'DISCARDED'),
            ('UNDERSTOOD', 'ACCEPTED'), ('UNDERSTOOD', 'DISCARDED'), ('ACCEPTED', 'SUPERSEDED')) then
        raise exception 'reconciliation: batch % does not move from % to %', old.public_id, old.state, new.state
            using errcode = 'integrity_constraint_violation', constraint = 'reconciliation_move_exists';
    end if;
    if (old.merchant_id, old.is_test, old.public_id, old.created_at, old.name, old.bytes, old.sha256, old.created_by_id, old.created_by)
            is distinct from (new.merchant_id, new.is_test, new.public_id, new.created_at, new.name, new.bytes, new.sha256, new.created_by_id, new.created_by)
        or old.state <> 'LOADING' and (to_jsonb(old) - array['state', 'version', 'replaces_id', 'decided_by_id', 'decided_by', 'decided_at', 'path', 'file_key', 'issued_on'])
            is distinct from (to_jsonb(new) - array['state', 'version', 'replaces_id', 'decided_by_id', 'decided_by', 'decided_at', 'path', 'file_key', 'issued_on'])
        or old.version > 0 and (old.version, old.replaces_id, old.decided_by_id, old.decided_by, old.decided_at)
            is distinct from (new.version, new.replaces_id, new.decided_by_id, new.decided_by, new.decided_at) then
        raise exception 'reconciliation: batch % stays as it was understood', old.public_id
            using errcode = 'integrity_constraint_violation', constraint = 'reconciliation_batch_stays';
    end if;
    return new;
end $$;

-- What was charged stays; links and records point at partners of their own merchant and environment.
create trigger reseller_settlement_stays before update or delete on reconciliation_resellersettlement for each row
    execute function reconciliation_refuse('reconciliation_reseller_settlement_stays');

create function reconciliation_check_partner() returns trigger language plpgsql as $$
begin
    if not exists (select from settlement_partner p where p.id = new.partner_id
            and (p.merchant_id, p.is_test) = (new.merchant_id, new.is_test)) then
        raise exception 'reconciliation: the partner of % is of another scope', new.mpn
            using errcode = 'foreign_key_violation', constraint = 'reconciliation_same_scope';
    end if;
    return null;
end $$;
create trigger partner_is_own after insert or update on reconciliation_resellerlink for each row execute function reconciliation_check_partner();
create trigger partner_is_own after insert on reconciliation_resellersettlement for each row execute function reconciliation_check_partner();

create function reconciliation_check_reseller() returns trigger language plpgsql as $$
begin
    if not exists (select from reconciliation_batch b where b.id = new.batch_id and b.state = 'ACCEPTED'
            and (b.merchant_id, b.is_test, b.identity) = (new.merchant_id, new.is_test, new.identity)) then
        raise exception 'reconciliation: % is no part of an accepted batch of its scope', new.public_id
            using errcode = 'foreign_key_violation', constraint = 'reconciliation_same_scope';
    end if;
    return null;
end $$;
create trigger batch_is_own after insert on reconciliation_resellersettlement for each row execute function reconciliation_check_reseller();

do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke update, delete, truncate on reconciliation_resellersettlement from jeongsan_app;
        revoke delete, truncate on reconciliation_parameters from jeongsan_app;
        revoke truncate on reconciliation_resellerlink from jeongsan_app;
    end if;
end $$;
