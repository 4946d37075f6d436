-- Hold the lines of a batch against our records: one outcome for every group (key and currency) of either side.
-- The rules are those of reconciliation/comparing.py, groups.py and judging.py; what a line is grouped by and what it adds
-- to a quantity was worked out when it was read.
drop table if exists pg_temp.reconciliation_group, pg_temp.reconciliation_ours, pg_temp.reconciliation_pair;

-- What the file says of each group.
create temp table reconciliation_group on commit drop as
with line as not materialized (
    select * from reconciliation_batchline where batch_id = %(batch)s and counts and group_key is not null
), summed as (
    select group_key, currency, by_name, can_match, min(record) as first_record, count(*) as lines, sum(pretax) as subtotal,
        sum(tax) as tax,
        sum(quantity) filter (where purchase is null) as apart,
        coalesce(bool_or(is_unclear), false) as is_unclear,
        coalesce(bool_and(is_metered) filter (where quantity is not null), false) as is_metered,
        max(array[last_day - date '2000-01-01', first_day - date '2000-01-01', -record])
            filter (where %(by_last_seats)s and quantity is not null) as last_seats,
        min(unit_price) filter (where is_full_period) as lowest_price,
        max(unit_price) filter (where is_full_period) as highest_price
    from line group by group_key, currency, by_name, can_match
), bought as (
    -- Price components of one purchase count once; a price that occurs twice is that of two purchases.
    select group_key, currency, sum(quantity * copies) as quantity
    from (
        select group_key, currency, purchase, quantity, max(copies) as copies
        from (
            select group_key, currency, purchase, quantity, count(*) as copies
            from line where purchase is not null
            group by group_key, currency, purchase, quantity, coalesce(unit_price, 0)
        ) of_price group by group_key, currency, purchase, quantity
    ) of_purchase group by group_key, currency
)
select s.group_key, s.currency, s.by_name, s.can_match, s.first_record, s.lines, s.subtotal, s.tax, s.is_metered,
    case when s.is_unclear then null
        when %(by_last_seats)s then coalesce(seats.quantity, 0)
        else coalesce(s.apart, 0) + coalesce(b.quantity, 0) end as quantity,
    case when s.lowest_price = s.highest_price then s.lowest_price end as unit_price
from summed s
left join bought b on b.group_key = s.group_key and b.currency = s.currency
left join reconciliation_batchline seats on %(by_last_seats)s and seats.batch_id = %(batch)s and seats.record = -s.last_seats[3];
create index on reconciliation_group (group_key);
analyze reconciliation_group (group_key, currency, by_name, can_match);

-- What our records in the file's scope come to, by the key of the group they answer, or else by their own. Customers known
-- by id come first; what is left may be suggested to groups that only have a name.
create temp table reconciliation_ours on commit drop as
with known as (
    select distinct group_key, by_name from reconciliation_group where can_match
), record as (
    select r.*, coalesce(i.group_key, n.group_key) as answers
    from reconciliation_billingrecord r
    left join known i on not i.by_name and i.group_key = r.own_key
    left join known n on i.group_key is null and n.by_name and n.group_key = r.name_key
    where r.merchant_id = %(merchant)s and r.is_test = %(is_test)s and r.is_current and not r.is_withdrawn
        and r.kind = any(%(kinds)s) and r.billing_entity in ('', %(billing_entity)s)
        and (r.first_day is null and r.last_day is null
            or coalesce(r.first_day <= %(last_day)s::date, %(last_day)s::date is not null)
            and coalesce(r.last_day >= %(first_day)s::date, %(first_day)s::date is not null))
)
select coalesce(answers, own_key) as group_key, currency, answers is not null as is_answer, min(id) as first_own, array_agg(id) as ids,
    sum(subtotal) as subtotal,
    case when count(tax) = count(*) then sum(tax) end as tax,
    case when count(quantity) = count(*) then sum(quantity) end as quantity,
    case when count(unit_price) = count(*) and min(unit_price) = max(unit_price) then min(unit_price) end as unit_price
from record group by coalesce(answers, own_key), currency, answers is not null;
create index on reconciliation_ours (group_key);
analyze reconciliation_ours (group_key, currency, is_answer);

-- Each group with ours in its currency. Our other currencies answer what is left of a key's groups, one each, in order.
create temp table reconciliation_pair on commit drop as
with known as (
    select distinct group_key from reconciliation_ours where is_answer
), side as (
    select g.group_key, g.currency, g.first_record, o.first_own,
        case when o.first_own is null then row_number() over (partition by g.group_key, o.first_own is null order by g.first_record) end as turn,
        k.group_key is not null as is_known
    from reconciliation_group g
    left join known k on k.group_key = g.group_key
    left join reconciliation_ours o on o.is_answer and o.group_key = g.group_key and o.currency = g.currency
), spare as (
    select o.group_key, o.currency, row_number() over (partition by o.group_key order by o.first_own) as turn
    from reconciliation_ours o join known k on k.group_key = o.group_key
    where o.is_answer and not exists (
        select from reconciliation_group g where g.group_key = o.group_key and g.currency = o.currency)
)
select s.group_key, s.currency, s.first_record, s.is_known, s.first_own is not null as is_same_currency,
    case when s.first_own is not null then s.currency else p.currency end as our_currency
from side s left join spare p on s.is_known and s.first_own is null and p.group_key = s.group_key and p.turn = s.turn;
create index on reconciliation_pair (group_key);
analyze reconciliation_pair (group_key, currency, our_currency);

insert into reconciliation_outcome (comparison_id, place, group_key, currency, outcome, also, notes, by_name, first_record, file_lines,
    file_subtotal, file_tax, file_quantity, file_unit_price, our_records, our_subtotal, our_tax, our_quantity, our_unit_price,
    difference_subtotal, difference_tax, other_currency, other_subtotal)
with slack as (
    select * from unnest(%(currencies)s::text[], %(line_slacks)s::numeric[], %(unit_slacks)s::numeric[], %(group_slacks)s::numeric[])
        as s (currency, line_slack, unit_slack, group_slack)
), compared as (
    select g.*, p.is_known, p.is_same_currency, o.ids, o.currency as our_currency, o.subtotal as our_subtotal, o.tax as our_tax,
        o.quantity as our_quantity, o.unit_price as our_unit_price,
        g.subtotal - o.subtotal as subtotal_more,
        case when %(tax_compared)s then g.tax - o.tax end as tax_more,
        g.quantity - o.quantity as quantity_more,
        g.unit_price - o.unit_price as price_more,
        s.line_slack, coalesce(s.group_slack, least(g.lines, 100) * s.unit_slack) as group_slack,
        case when g.is_metered then 0.000001 else 0 end as quantity_slack
    from reconciliation_group g
    join reconciliation_pair p on p.group_key = g.group_key and p.currency = g.currency
    join slack s on s.currency = g.currency
    left join reconciliation_ours o on o.is_answer and o.group_key = p.group_key and o.currency = p.our_currency
), judged as (
    select c.*, is_known and is_same_currency as is_judged,
        coalesce(abs(quantity_more) > quantity_slack, false) as quantity_differs,
        coalesce(abs(price_more) > line_slack, false) as price_moved,
        abs(subtotal_more) > group_slack as amount_differs,
        coalesce(abs(tax_more) > group_slack, false) as tax_differs
    from compared c
), told as (
    -- The list price of new commerce may move within a term without changing the cost.
    select j.*, price_moved and not (%(price_only_shown)s and not amount_differs) as price_differs,
        case when not is_known then 'missing_on_our_side'
            when not is_same_currency then 'currency_mismatch'
            when quantity_differs then 'quantity_mismatch'
            when price_moved and amount_differs then 'price_mismatch'
            when amount_differs then 'amount_mismatch'
            when tax_differs then 'tax_mismatch'
            when subtotal_more = 0 and coalesce(tax_more, 0) = 0 then 'matched'
            else 'matched_within_tolerance' end as outcome
    from judged j
), both_sides as (
    select first_record, null::bigint as first_own, group_key, currency, outcome,
        case when is_judged then array_remove(array[
            case when quantity_differs and outcome <> 'quantity_mismatch' then 'quantity' end,
            case when price_differs and outcome <> 'price_mismatch' then 'price' end,
            case when amount_differs and outcome <> 'amount_mismatch' then 'amount' end,
            case when tax_differs and outcome <> 'tax_mismatch' then 'tax' end], null) else '{}' end as also,
        array_remove(array[
            case when is_judged and quantity_more is null then 'quantity_not_comparable' end,
            case when is_judged and price_moved and not price_differs then 'price_differs' end,
            case when by_name and is_known then 'matched_by_name' end], null) as notes,
        by_name, lines::int as lines, subtotal, tax, quantity, unit_price, coalesce(ids, '{}') as ids,
        case when is_judged then our_subtotal end as our_subtotal, case when is_judged then our_tax end as our_tax,
        case when is_judged then our_quantity end as our_quantity, case when is_judged then our_unit_price end as our_unit_price,
        case when is_judged then subtotal_more end as subtotal_more, case when is_judged then tax_more end as tax_more,
        case when not is_same_currency then our_currency end as other_currency,
        case when not is_same_currency then our_subtotal end as other_subtotal
    from told
    union all
    select null, o.first_own, o.group_key, o.currency, 'missing_in_file', '{}', '{}', false, 0, null, null, null, null, o.ids, o.subtotal,
        o.tax, o.quantity, o.unit_price, null, null, null, null
    from reconciliation_ours o
    where not o.is_answer or not exists (
        select from reconciliation_pair p where p.group_key = o.group_key and p.our_currency = o.currency)
)
select %(comparison)s, row_number() over (order by first_record, first_own), group_key, currency, outcome, also, notes, by_name,
    first_record, lines, subtotal, tax, quantity, unit_price, ids, our_subtotal, our_tax, our_quantity, our_unit_price, subtotal_more, tax_more,
    other_currency, other_subtotal
from both_sides
