drop trigger lines_come_while_loading on reconciliation_batchline;
drop function reconciliation_check_lines();

create function reconciliation_check_line() returns trigger language plpgsql as $$
begin
    if not exists (select from reconciliation_batch where id = new.batch_id and state = 'LOADING') then
        raise exception 'reconciliation: batch % is not being loaded', new.batch_id
            using errcode = 'foreign_key_violation', constraint = 'reconciliation_line_while_loading';
    end if;
    return new;
end $$;
create trigger line_comes_while_loading before insert on reconciliation_batchline for each row execute function reconciliation_check_line();
