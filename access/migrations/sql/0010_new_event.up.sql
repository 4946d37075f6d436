-- An event of the audit trail on its way to the table: its columns but for those that the database knows, as one value. A
-- column that comes later goes into a type of another name, which its migration makes beside this one: a process that runs
-- meanwhile goes on sending this one.
create type access_new_event as (
    merchant_id bigint, is_test boolean, actor_kind varchar(10), actor_name varchar(200), user_id bigint,
    secret_id bigint, action varchar(80), object_kind varchar(60), object_id varchar(300), before jsonb, after jsonb,
    reason text, request_id varchar(80), address varchar(60)
);
