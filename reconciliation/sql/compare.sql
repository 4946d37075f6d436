-- Hold the lines of a batch against our records: one outcome for every group (key and currency) of either side.
-- The rules are those of reconciliation/comparing.py, groups.py and judging.py; what a line is grouped by and what it adds
-- to a quantity was worked out when it was read.
drop table if exists pg_temp.reconciliation_group;

-- What the file says of each group. Sorted first, which takes a fifth of the memory of so many sums held side by side.
create temp table reconciliation_group on commit drop as
with line as not materialized (
    select * from reconciliation_batchline where batch_id = %(batch)s and counts and group_key is not null
), summed as materialized (
    select group_key, currency, by_name, can_match, min(record) as first_record, count(*) as lines, sum(pretax) as subtotal,
        sum(tax) as tax, sum(quantity) as quantity, count(purchase) as components,
        coalesce(bool_or(is_unclear), false) as is_unclear,
        coalesce(bool_and(is_metered) filter (where quantity is not null), false) as is_metered,
        max(array[last_day - date '2000-01-01', first_day - date '2000-01-01', -record])
            filter (where %(by_last_seats)s and quantity is not null) as last_seats,
        min(unit_price) filter (where is_full_period) as lowest_price,
        max(unit_price) filter (where is_full_period) as highest_price
    from (select * from line order by group_key, currency, by_name, can_match) sorted
    group by group_key, currency, by_name, can_match
), repeated as (
    -- Price components of one purchase count once; a price that occurs twice is that of two purchases.
    select group_key, currency, sum(quantity * (components - copies)) as quantity
    from (
        select group_key, currency, purchase, quantity, sum(copies) as components, max(copies) as copies
        from (
            select group_key, currency, purchase, l.quantity, count(*) as copies
            from line l join summed s using (group_key, currency)
            where components > 1 and purchase is not null
            group by group_key, currency, purchase, l.quantity, coalesce(unit_price, 0)
        ) of_price group by group_key, currency, purchase, quantity
    ) of_purchase group by group_key, currency
)
select s.group_key, s.currency, s.by_name, s.can_match, s.first_record, s.lines, s.subtotal, s.tax, s.is_metered,
    case when s.is_unclear then null
        when %(by_last_seats)s then coalesce(seats.quantity, 0)
        else coalesce(s.quantity, 0) - coalesce(r.quantity, 0) end as quantity,
    case when s.lowest_price = s.highest_price then s.lowest_price end as unit_price
from summed s
left join repeated r on r.group_key = s.group_key and r.currency = s.currency
left join reconciliation_batchline seats on %(by_last_seats)s and seats.batch_id = %(batch)s and seats.record = -s.last_seats[3];
analyze reconciliation_group (group_key, currency, by_name, can_match);

insert into reconciliation_outcome (comparison_id, place, group_key, currency, outcome, also, notes, by_name, first_record, file_lines,
    file_subtotal, file_tax, file_quantity, file_unit_price, our_records, our_subtotal, our_tax, our_quantity, our_unit_price,
    difference_subtotal, difference_tax, other_currency, other_subtotal)
-- What our records in the file's scope come to, by the key of the group they answer, or else by their own. Customers known
-- by id come first; what is left may be suggested to groups that only have a name.
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
), ours as (
    select answers, coalesce(answers, own_key) as our_key, currency as our_currency, min(id) as first_own, array_agg(id) as ids,
        sum(subtotal) as our_subtotal,
        case when count(tax) = count(*) then sum(tax) end as our_tax,
        case when count(quantity) = count(*) then sum(quantity) end as our_quantity,
        case when count(unit_price) = count(*) and min(unit_price) = max(unit_price) then min(unit_price) end as our_unit_price
    from record group by answers, coalesce(answers, own_key), currency
), side as materialized (
    -- Each group with ours in its currency, and each of ours that is in no group.
    select * from reconciliation_group g full join ours o on o.answers = g.group_key and o.our_currency = g.currency
), slack as (
    select * from unnest(%(currencies)s::text[], %(line_slacks)s::numeric[], %(unit_slacks)s::numeric[], %(group_slacks)s::numeric[])
        as s (currency, line_slack, unit_slack, group_slack)
), pair as (
    -- Our other currencies answer what is left of a key's groups, one each, in order.
    select f.first_record, o.*
    from (
        select first_record, group_key, row_number() over (partition by group_key order by first_record) as turn
        from side s where first_own is null and exists (select from side k where k.answers = s.group_key)
    ) f left join (
        select answers, first_own, ids, our_currency, our_subtotal, row_number() over (partition by answers order by first_own) as turn
        from side where first_record is null and answers is not null
    ) o on o.answers = f.group_key and o.turn = f.turn
), compared as (
    select s.*, s.first_own is not null as is_judged, p.first_record is not null as is_other_currency,
        s.subtotal - s.our_subtotal as subtotal_more,
        case when %(tax_compared)s then s.tax - s.our_tax end as tax_more,
        s.quantity - s.our_quantity as quantity_more,
        s.unit_price - s.our_unit_price as price_more,
        p.ids as other_ids, p.our_currency as other_currency, p.our_subtotal as other_subtotal,
        k.line_slack, coalesce(k.group_slack, least(s.lines, 100) * k.unit_slack) as group_slack,
        case when s.is_metered then 0.000001 else 0 end as quantity_slack
    from side s
    join slack k on k.currency = s.currency
    left join pair p on p.first_record = s.first_record
), judged as (
    select c.*,
        coalesce(abs(quantity_more) > quantity_slack, false) as quantity_differs,
        coalesce(abs(price_more) > line_slack, false) as price_moved,
        coalesce(abs(subtotal_more) > group_slack, false) as amount_differs,
        coalesce(abs(tax_more) > group_slack, false) as tax_differs
    from compared c
), told as (
    -- The list price of new commerce may move within a term without changing the cost.
    select j.*, price_moved and not (%(price_only_shown)s and not amount_differs) as price_differs,
        case when is_other_currency then 'currency_mismatch'
            when not is_judged then 'missing_on_our_side'
            when quantity_differs then 'quantity_mismatch'
            when price_moved and amount_differs then 'price_mismatch'
            when amount_differs then 'amount_mismatch'
            when tax_differs then 'tax_mismatch'
            when subtotal_more = 0 and coalesce(tax_more, 0) = 0 then 'matched'
            else 'matched_within_tolerance' end as outcome
    from judged j
), both_sides as (
    select first_record, null::bigint as first_own, group_key, currency, outcome,
        array_remove(array[
            case when quantity_differs and outcome <> 'quantity_mismatch' then 'quantity' end,
            case when price_differs and outcome <> 'price_mismatch' then 'price' end,
            case when amount_differs and outcome <> 'amount_mismatch' then 'amount' end,
            case when tax_differs and outcome <> 'tax_mismatch' then 'tax' end], null) as also,
        array_remove(array[
            case when is_judged and quantity_more is null then 'quantity_not_comparable' end,
            case when price_moved and not price_differs then 'price_differs' end,
            case when by_name and (is_judged or is_other_currency) then 'matched_by_name' end], null) as notes,
        by_name, lines::int as lines, subtotal, tax, quantity, unit_price, coalesce(ids, other_ids, '{}') as ids,
        our_subtotal, our_tax, our_quantity, our_unit_price, subtotal_more, tax_more, other_currency, other_subtotal
    from told
    union all
    select null, first_own, our_key, our_currency, 'missing_in_file', '{}', '{}', false, 0, null, null, null, null, ids, our_subtotal,
        our_tax, our_quantity, our_unit_price, null, null, null, null
    from side s
    where first_record is null and not exists (select from pair p where p.first_own = s.first_own)
)
select %(comparison)s, row_number() over (order by first_record, first_own), group_key, currency, outcome, also, notes, by_name,
    first_record, lines, subtotal, tax, quantity, unit_price, ids, our_subtotal, our_tax, our_quantity, our_unit_price, subtotal_more, tax_more,
    other_currency, other_subtotal
from both_sides
