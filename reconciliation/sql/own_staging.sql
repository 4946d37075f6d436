-- Where records of ours stand until it is known what is new about them.
drop table if exists pg_temp.reconciliation_own, pg_temp.reconciliation_own_change;
create temp table reconciliation_own (
    place integer primary key, ref text not null, is_withdrawn boolean not null, kind text not null, ids jsonb not null,
    customer_name text not null, own_key uuid not null, name_key uuid, currency text not null, quantity numeric,
    unit_price numeric, subtotal numeric not null, tax numeric, first_day date, last_day date, billing_entity text not null,
    source_id text not null
) on commit drop
