drop trigger batch_is_own on reconciliation_resellersettlement;
drop function reconciliation_check_reseller();
drop trigger partner_is_own on reconciliation_resellersettlement;
drop trigger partner_is_own on reconciliation_resellerlink;
drop function reconciliation_check_partner();
drop trigger reseller_settlement_stays on reconciliation_resellersettlement;
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
        or old.state <> 'LOADING' and (to_jsonb(old) - array['state', 'version', 'replaces_id', 'decided_by_id', 'decided_by', 'decided_at', 'path', 'file_key'])
            is distinct from (to_jsonb(new) - array['state', 'version', 'replaces_id', 'decided_by_id', 'decided_by', 'decided_at', 'path', 'file_key'])
        or old.version > 0 and (old.version, old.replaces_id, old.decided_by_id, old.decided_by, old.decided_at)
            is distinct from (new.version, new.replaces_id, new.decided_by_id, new.decided_by, new.decided_at) then
        raise exception 'reconciliation: batch % stays as it was understood', old.public_id
            using errcode = 'integrity_constraint_violation', constraint = 'reconciliation_batch_stays';
    end if;
    return new;
end $$;
