do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke maintain on reconciliation_batchline, reconciliation_outcome, reconciliation_billingrecord from jeongsan_app;
    end if;
end $$;
drop index reconciliation_outcome_size;
drop index reconciliation_record_list;
