-- Lines come while their file is read. They come by thousands in a statement, nearly always of one batch; asked for each of
-- them, the same question took a fifth of what keeping a line costs, and kept COPY from writing whole pages at once.
drop trigger line_comes_while_loading on reconciliation_batchline;
drop function reconciliation_check_line();

create function reconciliation_check_lines() returns trigger language plpgsql as $$
declare
    refused bigint;
begin
    select a.batch_id into refused from (select distinct batch_id from added) a
        where not exists (select from reconciliation_batch b where b.id = a.batch_id and b.state = 'LOADING')
        limit 1;
    if found then
        raise exception 'reconciliation: batch % is not being loaded', refused
            using errcode = 'foreign_key_violation', constraint = 'reconciliation_line_while_loading';
    end if;
    return null;
end $$;
create trigger lines_come_while_loading after insert on reconciliation_batchline referencing new table as added
    for each statement execute function reconciliation_check_lines();
