-- What was recorded stays as it was recorded: for the owner by trigger, for the application role also by missing rights.

create function access_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'access: % of % is refused, what is recorded stays', lower(tg_op), tg_table_name
        using errcode = 'integrity_constraint_violation', constraint = tg_argv[0];
end $$;

create trigger audit_event_append_only before update or delete on access_auditevent
    for each row execute function access_refuse_change('access_auditevent_append_only');
create trigger audit_event_no_truncate before truncate on access_auditevent
    for each statement execute function access_refuse_change('access_auditevent_append_only');
create trigger audit_seal_append_only before update or delete on access_auditseal
    for each row execute function access_refuse_change('access_auditseal_append_only');
create trigger audit_seal_no_truncate before truncate on access_auditseal
    for each statement execute function access_refuse_change('access_auditseal_append_only');
create trigger sealed_event_append_only before update or delete on access_sealedevent
    for each row execute function access_refuse_change('access_sealedevent_append_only');
create trigger sealed_event_no_truncate before truncate on access_sealedevent
    for each statement execute function access_refuse_change('access_sealedevent_append_only');

revoke update, delete, truncate on access_auditevent, access_auditseal, access_sealedevent from jeongsan_app;
