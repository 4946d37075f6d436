-- The posting door. These functions are owned by the owner role; the application role may execute them and read the
-- tables, and holds no right to insert, update or delete there.

-- What a journal says, independent of who said it and when it was recorded.
create function ledger_payload_hash(business_date date, accounts bigint[], amounts bigint[], components text[], reverses bigint)
    returns bytea language sql stable parallel safe
return sha256(convert_to(concat_ws('|', business_date - date '2000-01-01', array_to_string(accounts, ','),
    array_to_string(amounts, ','), array_to_string(components, ',', ''), reverses), 'UTF8'));

-- Open accounts (or find them) and return their ids in the order asked for.
create function ledger_open(p_merchant bigint, p_test boolean, p_codes int[], p_owner_kinds text[], p_owners text[], p_currencies text[])
    returns bigint[] language plpgsql security definer set search_path = public, pg_temp as $$
declare
    found_ids bigint[];
begin
    insert into ledger_account (merchant_id, is_test, code, owner_kind, owner, currency)
        select distinct p_merchant, p_test, w.code, w.owner_kind, w.owner, w.currency
        from unnest(p_codes, p_owner_kinds, p_owners, p_currencies) w(code, owner_kind, owner, currency)
        where not exists (select from ledger_account a where a.merchant_id = p_merchant and a.is_test = p_test
            and a.code = w.code and a.owner_kind = w.owner_kind and a.owner = w.owner and a.currency = w.currency)
        order by w.code, w.owner_kind, w.owner, w.currency
        on conflict on constraint ledger_account_address do nothing;

    insert into ledger_balance (account_id, balance, side, version)
        select a.id, 0, c.side, 0
        from unnest(p_codes, p_owner_kinds, p_owners, p_currencies) w(code, owner_kind, owner, currency)
            join ledger_account a on a.merchant_id = p_merchant and a.is_test = p_test and a.code = w.code
                and a.owner_kind = w.owner_kind and a.owner = w.owner and a.currency = w.currency
            join ledger_chart c on c.code = a.code and c.guarded
        where not exists (select from ledger_balance b where b.account_id = a.id)
        order by a.id
        on conflict (account_id) do nothing;

    select array_agg(a.id order by w.place) into found_ids
    from unnest(p_codes, p_owner_kinds, p_owners, p_currencies) with ordinality w(code, owner_kind, owner, currency, place)
        join ledger_account a on a.merchant_id = p_merchant and a.is_test = p_test and a.code = w.code
            and a.owner_kind = w.owner_kind and a.owner = w.owner and a.currency = w.currency;
    return found_ids;
end $$;

-- Post one journal and return its id. A known event with the same payload returns the first journal's id, negated; with
-- another payload it is refused. Custom plans would only plan the same index look-ups again on every call.
create function ledger_post(
    p_merchant bigint, p_test boolean, p_event_type text, p_event_key text, p_business_date date,
    p_accounts bigint[], p_amounts bigint[], p_components text[],
    p_origin_kind text, p_origin_id text, p_actor text, p_request_id text,
    p_memo text default '', p_reverses bigint default null, p_attributes jsonb default '{}')
    returns bigint language plpgsql security definer set search_path = public, pg_temp
    set plan_cache_mode = force_generic_plan set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
declare
    -- Shared with all posters, exclusive for whoever closes a period: no journal slips into a day while it is closed.
    gate text := pg_advisory_xact_lock_shared(7302, (p_merchant * 2 + p_test::int)::int);
    -- The transaction gets its number before the journal gets its id; the day totals rely on that order.
    number xid8 := pg_current_xact_id();
    payload bytea := ledger_payload_hash(p_business_date, p_accounts, p_amounts, p_components, p_reverses);
    posted bigint;
    known bytea;
begin
    with header as (
        insert into ledger_journal (merchant_id, is_test, event_type, event_key, payload_hash, business_date, effective_date,
            leg_count, reverses_id, origin_kind, origin_id, actor, request_id, memo, attributes)
        values (p_merchant, p_test, p_event_type, p_event_key, payload, p_business_date,
            greatest(p_business_date, (select p.closed_until + 1 from ledger_period p
                where p.merchant_id = p_merchant and p.is_test = p_test)),
            cardinality(p_accounts), p_reverses, p_origin_kind, p_origin_id, p_actor, p_request_id, p_memo, p_attributes)
        on conflict on constraint ledger_journal_event do nothing
        returning id
    ), legs as (
        insert into ledger_entry (journal_id, leg_no, account_id, currency, amount, component)
        select h.id, l.place, l.account_id, a.currency, l.amount, l.component
        from header h
            cross join unnest(p_accounts, p_amounts, p_components) with ordinality l(account_id, amount, component, place)
            join ledger_account a on a.id = l.account_id
    )
    select h.id into posted from header h;

    if posted is null then
        select -j.id, j.payload_hash into posted, known from ledger_journal j
        where j.merchant_id = p_merchant and j.is_test = p_test and j.event_type = p_event_type and j.event_key = p_event_key;
        if known is distinct from payload then
            raise exception 'ledger: event % % was posted with other legs', p_event_type, p_event_key
                using errcode = 'unique_violation', constraint = 'ledger_journal_event';
        end if;
    end if;
    return posted;
end $$;

-- Post many journals at once; `p_leg_journal` gives for each leg the place (from 1) of its journal in the other arrays.
-- Events known already, or met before in the same call, are passed over when their payload is the same. Returns how many
-- were new.
create function ledger_post_many(
    p_merchant bigint, p_test boolean, p_event_types text[], p_event_keys text[], p_business_dates date[],
    p_origin_kinds text[], p_origin_ids text[], p_reverses bigint[], p_memos text[],
    p_leg_journals int[], p_leg_accounts bigint[], p_leg_amounts bigint[], p_leg_components text[],
    p_actor text, p_request_id text)
    returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
    closed date;
    added bigint;
    clash text;
begin
    perform pg_advisory_xact_lock_shared(7302, (p_merchant * 2 + p_test::int)::int);
    perform pg_current_xact_id();
    select p.closed_until into closed from ledger_period p where p.merchant_id = p_merchant and p.is_test = p_test;

    with leg as (
        select l.journal, l.account_id, l.amount, l.component,
            row_number() over (partition by l.journal order by l.place) as leg_no
        from unnest(p_leg_journals, p_leg_accounts, p_leg_amounts, p_leg_components)
            with ordinality l(journal, account_id, amount, component, place)
    ), wanted as materialized (
        select distinct on (h.event_type, h.event_key) h.*, g.leg_count,
            ledger_payload_hash(h.business_date, g.accounts, g.amounts, g.components, h.reverses_id) as payload
        from unnest(p_event_types, p_event_keys, p_business_dates, p_origin_kinds, p_origin_ids, p_reverses, p_memos)
                with ordinality h(event_type, event_key, business_date, origin_kind, origin_id, reverses_id, memo, journal)
            join (
                select l.journal, count(*) as leg_count,
                    array_agg(l.account_id order by l.leg_no) as accounts, array_agg(l.amount order by l.leg_no) as amounts,
                    array_agg(l.component order by l.leg_no) as components
                from leg l group by l.journal
            ) g on g.journal = h.journal
        order by h.event_type, h.event_key, h.journal
    ), header as (
        insert into ledger_journal (merchant_id, is_test, event_type, event_key, payload_hash, business_date, effective_date,
            leg_count, reverses_id, origin_kind, origin_id, actor, request_id, memo, attributes)
        select p_merchant, p_test, w.event_type, w.event_key, w.payload, w.business_date,
            greatest(w.business_date, closed + 1), w.leg_count, w.reverses_id, w.origin_kind, w.origin_id,
            p_actor, p_request_id, coalesce(w.memo, ''), '{}'
        from wanted w order by w.journal
        on conflict on constraint ledger_journal_event do nothing
        returning id, event_type, event_key
    ), legs as (
        insert into ledger_entry (journal_id, leg_no, account_id, currency, amount, component)
        select h.id, l.leg_no, l.account_id, a.currency, l.amount, l.component
        from header h
            join wanted w on w.event_type = h.event_type and w.event_key = h.event_key
            join leg l on l.journal = w.journal
            join ledger_account a on a.id = l.account_id
    )
    select count(*) into added from header;

    if added < cardinality(p_event_keys) then
        select j.event_type || ' ' || j.event_key into clash
        from unnest(p_event_types, p_event_keys, p_business_dates, p_reverses)
                with ordinality h(event_type, event_key, business_date, reverses_id, journal)
            join (
                select l.journal, array_agg(l.account_id order by l.place) as accounts,
                    array_agg(l.amount order by l.place) as amounts, array_agg(l.component order by l.place) as components
                from unnest(p_leg_journals, p_leg_accounts, p_leg_amounts, p_leg_components)
                    with ordinality l(journal, account_id, amount, component, place)
                group by l.journal
            ) g on g.journal = h.journal
            join ledger_journal j on j.merchant_id = p_merchant and j.is_test = p_test
                and j.event_type = h.event_type and j.event_key = h.event_key
        where j.payload_hash <> ledger_payload_hash(h.business_date, g.accounts, g.amounts, g.components, h.reverses_id)
        limit 1;
        if clash is not null then
            raise exception 'ledger: event % was posted with other legs', clash
                using errcode = 'unique_violation', constraint = 'ledger_journal_event';
        end if;
    end if;
    return added;
end $$;

-- Close the books of a scope up to and including a day. Waits for posters in flight, then no later journal counts there.
create function ledger_close(p_merchant bigint, p_test boolean, p_until date)
    returns void language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform pg_advisory_xact_lock(7302, (p_merchant * 2 + p_test::int)::int);
    insert into ledger_period (merchant_id, is_test, closed_until) values (p_merchant, p_test, p_until)
    on conflict on constraint ledger_period_scope do update set closed_until = excluded.closed_until
    where ledger_period.closed_until < excluded.closed_until;
end $$;

-- Fold finished journals into the day totals. Two steps on two calls: propose the newest journal as the next mark together
-- with the transactions that may still be running, then, when all of those have ended, add up to it. Returns the mark.
--
-- Whoever may still bring a journal below the newest one we see took its transaction number before that journal's id was
-- given out. So a number that we take after looking is above all of theirs: it is the horizon. A transaction that has its
-- number already cannot take another, and changes nothing here.
create function ledger_fold()
    returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
    mark ledger_mark;
    oldest xid8 := pg_snapshot_xmin(pg_current_snapshot());
    numbered boolean := pg_current_xact_id_if_assigned() is not null;
    newest bigint := (select max(j.id) from ledger_journal j);
    number bigint;
begin
    if numbered then return (select m.journal_id from ledger_mark m where m.id = 1); end if;
    number := pg_current_xact_id()::text::bigint;
    select * into mark from ledger_mark where id = 1 for update skip locked;
    if not found then return null; end if;
    -- A horizon from the future means the database was restored into another cluster: propose afresh.
    if mark.candidate > mark.journal_id and mark.horizon < number then
        if oldest::text::bigint < mark.horizon then return mark.journal_id; end if;
        insert into ledger_day_total (account_id, day, debit, credit, legs)
            select e.account_id, j.effective_date, coalesce(sum(e.amount) filter (where e.amount > 0), 0),
                coalesce(-sum(e.amount) filter (where e.amount < 0), 0), count(*)
            from ledger_journal j join ledger_entry e on e.journal_id = j.id
            where j.id > mark.journal_id and j.id <= mark.candidate
            group by e.account_id, j.effective_date
        on conflict (account_id, day) do update set debit = ledger_day_total.debit + excluded.debit,
            credit = ledger_day_total.credit + excluded.credit, legs = ledger_day_total.legs + excluded.legs;
        mark.journal_id := mark.candidate;
    end if;
    update ledger_mark set journal_id = mark.journal_id, candidate = coalesce(newest, 0), horizon = number where id = 1;
    return mark.journal_id;
end $$;

-- Debit-positive balances of accounts on a day (null: whatever the day): day totals plus the entries after the mark. Those
-- are few however many there are in all, which the planner cannot know: it is held to index look-ups.
create function ledger_balances(p_accounts bigint[], p_day date)
    returns table (account_id bigint, debit numeric, credit numeric, balance numeric)
    language sql stable security definer set search_path = public, pg_temp
    set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
    select w.account_id, t.debit + d.debit, t.credit + d.credit, t.debit + d.debit - t.credit - d.credit
    from unnest(p_accounts) w(account_id)
        cross join lateral (
            select coalesce(sum(t.debit), 0) as debit, coalesce(sum(t.credit), 0) as credit from ledger_day_total t
            where t.account_id = w.account_id and (p_day is null or t.day <= p_day)
        ) t
        cross join lateral (
            select coalesce(sum(e.amount) filter (where e.amount > 0), 0) as debit,
                coalesce(-sum(e.amount) filter (where e.amount < 0), 0) as credit
            from ledger_entry e
            where e.account_id = w.account_id and e.journal_id > (select m.journal_id from ledger_mark m where m.id = 1)
                and (p_day is null or (select j.effective_date from ledger_journal j where j.id = e.journal_id) <= p_day)
        ) d
$$;

insert into ledger_mark (id, journal_id, candidate, horizon) values (1, 0, 0, 0);

-- The application reads and calls; it never writes here itself.
do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke insert, update, delete, truncate, references, trigger on ledger_chart, ledger_account, ledger_journal,
            ledger_entry, ledger_balance, ledger_day_total, ledger_mark, ledger_period from jeongsan_app;
        grant select on ledger_chart, ledger_account, ledger_journal, ledger_entry, ledger_balance, ledger_day_total,
            ledger_mark, ledger_period to jeongsan_app;
        grant execute on function ledger_open, ledger_post, ledger_post_many, ledger_close, ledger_fold, ledger_balances
            to jeongsan_app;
    end if;
end $$;
revoke execute on function ledger_open, ledger_post, ledger_post_many, ledger_close, ledger_fold, ledger_balances from public;
