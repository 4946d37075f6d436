-- Try changed terms on one stretch of a contract's records, all at once: those that the default formulas compute.
--
-- The formulas are those of settlement.fees in whole numbers; amounts beyond a trillion, replaced formulas and orders of
-- which a cancel was taken back are left to it. Their ids are what this answers. A fee is rounded by adding before the
-- whole-number division: nothing to cut, all but one part to round up, half to round to the nearest. What is divided
-- has to be a bigint: a sum is numeric, and would not be cut.
with found as materialized (
    select r.id, r.type, r.partner_id, r.currency, r.net, r.start_date, r.settlement_date, r.date_is_given,
        r.contract_version_id, r.calculator_id, r.order_amount, r.payment_vat, r.lines, r.order_id,
        r.additional_fee + r.additional_fee_vat + r.discount_share as others,
        whole.order_amount as whole_amount, whole.lines as whole_lines,
        %(simple)s and greatest(r.order_amount, r.additional_fee, r.additional_fee_vat, r.discount_share,
                whole.order_amount, whole.additional_fee, whole.additional_fee_vat, whole.discount_share) <= 1000000000000
            and (r.calculator_id is null or r.calculator_id <> all(%(replacing)s::bigint[]))
            and coalesce(r.order_id, r.id) <> all(%(taken_back)s::bigint[]) as plain
    from settlement_settlementrecord r
        left join settlement_settlementrecord whole on whole.id = r.order_id
    where r.merchant_id = %(merchant)s and r.is_test = %(is_test)s and r.id > %(after)s and r.id <= %(until)s
        and r.contract_version_id = any(%(versions)s::bigint[]) and r.start_date between %(start_from)s and %(start_until)s
        and r.type in ('ORDER', 'ORDER_CANCEL') and r.state <> 'VOIDED'
),
-- Cancels that left nothing, with the cancels before them: they take what is left of the order.
last as materialized (
    select f.*, earlier.ids
    from found f
        cross join lateral (
            select coalesce(sum(p.order_amount), 0) as amount, coalesce(sum(held.pieces), 0) as pieces,
                coalesce(array_agg(p.id), '{}') as ids
            from settlement_settlementrecord p
                cross join lateral (
                    select coalesce(sum((line->>'quantity')::bigint), 0) as pieces from jsonb_array_elements(p.lines) line
                ) held
            where p.order_id = f.order_id and p.type = 'ORDER_CANCEL' and not (p.state = 'VOIDED') and p.id < f.id
        ) earlier
    where f.plain and f.type = 'ORDER_CANCEL'
        and case when f.whole_lines = '[]' then f.whole_amount = earlier.amount + f.order_amount
            else (select coalesce(sum((line->>'quantity')::bigint), 0) from jsonb_array_elements(f.whole_lines) line)
                = earlier.pieces
                    + (select coalesce(sum((line->>'quantity')::bigint), 0) from jsonb_array_elements(f.lines) line)
        end
),
-- What is priced by itself: the records that count, and once more what those cancels are held against.
parts as (
    select f.id, true as counts, f.type, f.partner_id, f.currency, f.net, f.start_date, f.settlement_date,
        f.date_is_given, f.contract_version_id, f.calculator_id, f.order_amount, f.payment_vat, f.others, f.lines
    from found f
    where f.plain and not exists (select from last l where l.id = f.id)
    union all
    select r.id, false, r.type, r.partner_id, r.currency, r.net, r.start_date, r.settlement_date, r.date_is_given,
        r.contract_version_id, r.calculator_id, r.order_amount, r.payment_vat,
        r.additional_fee + r.additional_fee_vat + r.discount_share, r.lines
    from (select order_id as id from last union select unnest(ids) from last) held
        join settlement_settlementrecord r on r.id = held.id
),
terms as materialized (
    select v.id, coalesce(%(fee_rate)s::bigint, v.fee_rate) as rate, coalesce(%(fee_amount)s::bigint, v.fee_amount) as fixed,
        coalesce(%(fee_is_fixed)s::boolean, v.fee_is_fixed) as is_fixed,
        coalesce(%(vat_payer)s::text, v.vat_payer) = 'PARTNER' as partner_pays_vat,
        coalesce(%(subtract_payment_vat)s::boolean, v.subtract_payment_vat) as subtract
    from settlement_contractversion v
    where v.id = any(%(versions)s::bigint[])
),
modes as materialized (
    select id, case rounding_platform_fee when 'DOWN' then 0 when 'UP' then 99999 else 50000 end as fee,
        case rounding_vat when 'DOWN' then 0 when 'UP' then 9 else 5 end as vat
    from settlement_calculator
    where merchant_id = %(merchant)s and is_test = %(is_test)s
    union all
    select 0, 0, 0
),
-- A fixed fee comes back with the last cancel only, and falls on lines in proportion, cut, with what is left over on the
-- first of the largest.
charged as materialized (
    select p.*, t.is_fixed, t.subtract, amount.fee,
        case when t.partner_pays_vat then (amount.fee + m.vat) / 10 else 0 end as vat
    from parts p
        join terms t on t.id = p.contract_version_id
        join modes m on m.id = coalesce(p.calculator_id, 0)
        cross join lateral (
            select (p.order_amount * t.rate + m.fee) / 100000 + case when p.type = 'ORDER' then t.fixed else 0 end as fee
        ) amount
    where p.lines = '[]'
    union all
    select p.*, t.is_fixed, t.subtract, amount.fee, amount.vat
    from parts p
        join terms t on t.id = p.contract_version_id
        join modes m on m.id = coalesce(p.calculator_id, 0)
        cross join lateral (select case when p.type = 'ORDER' then t.fixed else 0 end as fixed) once
        cross join lateral (
            select sum(one.fee)::bigint as fee,
                sum(case when t.partner_pays_vat then (one.fee + m.vat) / 10 else 0 end)::bigint as vat
            from (
                select (part.amount * t.rate + m.fee) / 100000 + part.cut
                        + case when part.place = 1 then once.fixed - (sum(part.cut) over ())::bigint else 0 end as fee
                from (
                    select line.amount,
                        case when once.fixed = 0 or sum(line.amount) over () = 0 then 0
                            else div(once.fixed::numeric * line.amount, sum(line.amount) over ()) end::bigint as cut,
                        row_number() over (order by line.amount desc, line.at) as place
                    from (
                        select (item->'amounts'->>'order')::bigint as amount, at
                        from jsonb_array_elements(p.lines) with ordinality as items(item, at)
                    ) line
                ) part
            ) one
        ) amount
    where p.lines <> '[]'
),
-- What each is worth, as a size.
priced as (
    select c.*, c.order_amount - case when c.subtract then c.payment_vat else 0 end - c.fee - c.vat - c.others as size
    from charged c
),
taken as (
    select l.id, sum(p.size) as size
    from last l
        cross join lateral unnest(l.ids) as earlier(id)
        join priced p on p.id = earlier.id and not p.counts
    group by l.id
),
amounts as (
    select id, type, partner_id, currency, net, start_date, settlement_date, date_is_given, contract_version_id, is_fixed,
        size
    from priced
    where counts
    union all
    select l.id, l.type, l.partner_id, l.currency, l.net, l.start_date, l.settlement_date, l.date_is_given,
        l.contract_version_id, whole.is_fixed, whole.size - coalesce(taken.size, 0)::bigint
    from last l
        join priced whole on whole.id = l.order_id and not whole.counts
        left join taken on taken.id = l.id
),
moves as (
    select * from unnest(%(moved_versions)s::bigint[], %(moved_starts)s::date[], %(moved_dates)s::date[])
        as moved(contract_version_id, start_date, day)
),
results as materialized (
    select a.id, a.partner_id, a.currency, a.net as recorded, a.settlement_date as old_date, fits.well,
        case when not fits.well then a.net when a.type = 'ORDER' then a.size else -a.size end as changed,
        case when fits.well and m.start_date is not null and not a.date_is_given then m.day
            else a.settlement_date end as new_date
    from amounts a
        left join moves m on m.contract_version_id = a.contract_version_id and m.start_date = a.start_date
        cross join lateral (
            select not (a.is_fixed and a.currency <> 'KRW')
                and not (m.start_date is not null and m.day is null and not a.date_is_given) as well
        ) fits
),
kept as (
    insert into settlement_backtestrecord
        (backtest_id, record_id, partner_id, recorded, changed, difference, old_date, new_date)
    select %(backtest)s, id, partner_id, recorded, changed, changed - recorded, old_date, new_date
    from results
    where changed <> recorded or new_date <> old_date
),
summed as (
    insert into settlement_backtestpartner as known (merchant_id, is_test, backtest_id, partner_id, currency, record_count,
        changed_count, moved_count, unfit_count, recorded, changed, difference)
    select %(merchant)s, %(is_test)s, %(backtest)s, partner_id, currency, count(*),
        count(*) filter (where changed <> recorded), count(*) filter (where new_date <> old_date),
        count(*) filter (where not well), sum(recorded), sum(changed), sum(changed) - sum(recorded)
    from results
    group by partner_id, currency
    on conflict (backtest_id, partner_id, currency) do update set
        record_count = known.record_count + excluded.record_count,
        changed_count = known.changed_count + excluded.changed_count,
        moved_count = known.moved_count + excluded.moved_count,
        unfit_count = known.unfit_count + excluded.unfit_count,
        recorded = known.recorded + excluded.recorded,
        changed = known.changed + excluded.changed,
        difference = known.difference + excluded.difference
)
select id from found where not plain order by id
