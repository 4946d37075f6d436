-- Lists of very many rows: our records newest last, differences by size. The application may tell the planner about rows
-- it has just added, or the first look at a large file would be a guess.
create index reconciliation_record_list on reconciliation_billingrecord (merchant_id, is_test, id) where is_current;
create index reconciliation_outcome_size on reconciliation_outcome (comparison_id,
    ((least(((abs((coalesce(file_subtotal, 0) - coalesce(our_subtotal, 0))) + abs(coalesce(difference_tax, 0))) * 1000), 1000000000000000000))::bigint) desc, id desc);

do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        grant maintain on reconciliation_batchline, reconciliation_outcome, reconciliation_billingrecord to jeongsan_app;
    end if;
end $$;
