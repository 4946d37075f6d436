-- The settlement records of some partners over the whole period, computed here with the default formulas (rate fee, all
-- roundings down), as the pure calculation would: a test compares. Input: seed_partner and seed_day, made by the caller.
-- A row is an order, the cancel of the order before it, or a manual adjustment; its random figures come from its number.
drop table if exists seed_row;
create temp table seed_row on commit drop as
with numbered as (
    select p.*, i, (p.first_row + i) as n, md5(%(seed)s || ':' || (p.first_row + i)) as dice,
        %(first_day)s::date + ((i::bigint - 1) * %(span)s / p.rows_wanted)::int as day
    from seed_partner p cross join lateral generate_series(1, p.rows_wanted) i
    where p.place between %(from_place)s and %(to_place)s
), thrown as (
    select *, ('x' || substr(dice, 1, 6))::bit(24)::int as a, ('x' || substr(dice, 7, 6))::bit(24)::int as b,
        ('x' || substr(dice, 13, 6))::bit(24)::int as c
    from numbered
), typed as (
    select *, case when a %% 100 < 8 then 'MANUAL'
        when a %% 100 >= 94 and lag(a %% 100) over w between 8 and 93 then 'ORDER_CANCEL' else 'ORDER' end as type,
        1000 * (3 + b %% 180) + 10 * (c %% 90) as list_price
    from thrown window w as (partition by partner_id order by i)
), priced as (
    select *,
        case type
            when 'ORDER' then list_price
            when 'ORDER_CANCEL' then case when b %% 3 = 0 then lag(list_price) over w else lag(list_price) over w / 2 end
            else 0 end as order_amount,
        type = 'ORDER_CANCEL' and b %% 3 = 0 as is_whole,
        case when type = 'ORDER' and c %% 100 < 20 then list_price / 1000 * 100 else 0 end as own_discount,
        lag(case when c %% 100 < 20 then list_price / 1000 * 100 else 0 end) over w as discount_before,
        lag(n) over w as n_before
    from typed window w as (partition by partner_id order by i)
), figured as (
    select *, case when is_whole then discount_before else own_discount end as discount,
        case when type = 'MANUAL' then 0 else order_amount * rate / 100000 end as fee
    from priced
), computed as (
    select *, discount * 50000 / 100000 as share, order_amount - discount as payment,
        case when vat_by_partner then fee / 10 else 0 end as fee_vat,
        case when vat_by_partner then 0 else fee * 10 / 110 end as vat_inside
    from figured
)
select nextval(pg_get_serial_sequence('settlement_settlementrecord', 'id')) as id,
    'trs-' || d.ulid_time || substr(upper(dice), 1, 16) as public_id,
    n, n_before, type, partner_id, partner_public_id, contract_id, c.version_id, pending, receivable, available, order_amount, discount, share, payment,
    payment / 11 as payment_vat, payment - payment / 11 as payment_supply, fee, fee_vat, vat_inside,
    case when type = 'MANUAL' then case when a %% 5 = 0 then -1000 * (1 + b %% 20) else 1000 * (5 + b %% 95) end
        else order_amount - fee - fee_vat - share end as settlement,
    case when type = 'MANUAL' then null else day end as start_date,
    case when type = 'MANUAL' then day + 7 else d.settlement_date end as settlement_date,
    day, (day + time '09:00' + make_interval(secs => a %% 36000)) at time zone 'Asia/Seoul' as moment,
    case when (case when type = 'MANUAL' then day + 7 else d.settlement_date end) <= %(today)s then 'SETTLED'
        when type <> 'MANUAL' and day > %(today)s then 'SCHEDULED' else 'IN_PROCESS' end as state,
    null::bigint as settlement_id
from computed c join seed_day d on d.version_id = c.version_id and d.start_date = c.day;

create index on seed_row (n);
create index on seed_row (partner_id, contract_id, type, settlement_date);
analyze seed_row;

-- Those whose date has come are added up into partner settlements.
with sums as (
    select partner_id, case when type = 'MANUAL' then null else contract_id end as contract_id, type, settlement_date,
        count(*) as records, min(start_date) as start_from, max(start_date) as start_until,
        sum(settlement) as settlement, sum(payment) as payment, sum(payment_vat) as payment_vat,
        sum(payment_supply) as payment_supply, sum(order_amount) as order_amount, sum(fee) as fee, sum(fee_vat) as fee_vat,
        sum(discount) as discount, sum(share) as share,
        sum(greatest(case when type = 'ORDER_CANCEL' then -settlement else settlement end, 0)) as credit_total,
        sum(greatest(case when type = 'ORDER_CANCEL' then settlement else -settlement end, 0)) as debit_total,
        min(n) as n
    from seed_row where state = 'SETTLED' group by 1, 2, 3, 4
), made as (
    insert into settlement_partnersettlement (merchant_id, is_test, public_id, created_at, partner_id, contract_id, type,
        settlement_date, currency, state, state_changed_at, state_claim_no, hold_reason, memo, record_count, start_from, start_until,
        net, net_tax_free, credit_total, debit_total, maturity_no, hold_no, settlement, settlement_tax_free, payment, payment_vat,
        payment_vat_burden, payment_tax_free, payment_supply, order_amount, order_tax_free, platform_fee, platform_fee_vat,
        additional_fee, additional_fee_vat, discount, discount_tax_free, discount_share, discount_share_tax_free)
    select %(merchant)s, %(test)s, 'ps-' || d.ulid_time || substr(upper(md5(%(seed)s || ':settlement:' || s.n)), 1, 16),
        (s.settlement_date + time '00:10') at time zone 'Asia/Seoul', s.partner_id, s.contract_id, s.type, s.settlement_date, 'KRW', 'PAYOUT_PREPARED',
        (s.settlement_date + time '00:10') at time zone 'Asia/Seoul', 0, '', '', s.records, s.start_from, s.start_until,
        s.credit_total - s.debit_total, 0, s.credit_total, s.debit_total, 1, 0, s.settlement, 0, s.payment, s.payment_vat,
        0, 0, s.payment_supply, s.order_amount, 0, s.fee, s.fee_vat, 0, 0, s.discount, 0, s.share, 0
    from sums s join (select distinct start_date, ulid_time from seed_day) d on d.start_date = least(s.settlement_date, %(last_day)s::date)
    order by s.settlement_date, s.partner_id
    returning id, public_id, partner_id, contract_id, type, settlement_date
)
update seed_row r set settlement_id = m.id from made m
where r.state = 'SETTLED' and m.partner_id = r.partner_id and m.type = r.type and m.settlement_date = r.settlement_date;

insert into settlement_settlementrecord (id, merchant_id, is_test, public_id, created_at, type, partner_id, contract_version_id,
    order_id, state, state_changed_at, start_date, settlement_date, date_is_given, currency, net, net_tax_free,
    partner_settlement_id, payment_id, order_name, payment_method, paid_at, cancellation_id, cancelled_at, lines, discounts,
    additional_fees, parameters, user_defined_properties, platform_fee_vat_inside, additional_fee_vat_inside, reason, memo,
    origin_kind, origin_id, settlement, settlement_tax_free, payment, payment_vat, payment_vat_burden, payment_tax_free,
    payment_supply, order_amount, order_tax_free, platform_fee, platform_fee_vat, additional_fee, additional_fee_vat, discount,
    discount_tax_free, discount_share, discount_share_tax_free)
select r.id, %(merchant)s, %(test)s, r.public_id, r.moment, r.type, r.partner_id, case when r.type = 'MANUAL' then null else r.version_id end,
    o.id, r.state, r.moment, r.start_date, r.settlement_date, r.type = 'MANUAL', 'KRW',
    case when r.type = 'ORDER_CANCEL' then -r.settlement else r.settlement end, 0, r.settlement_id,
    case when r.type = 'MANUAL' then '' else 'order-' || coalesce(o.n, r.n) end,
    case when r.type = 'MANUAL' then '' else (array['머그컵 2종 세트', '유기농 딸기 1kg', '핸드드립 원두 500g', '린넨 커튼', '온라인 강의 1개월',
        '수제 가죽 지갑', '제철 반찬 꾸러미', '디자인 템플릿'])[1 + coalesce(o.n, r.n) %% 8] end,
    case when r.type = 'MANUAL' then '{}'::jsonb else (array['{"type": "CARD"}', '{"type": "TRANSFER"}',
        '{"type": "EASY_PAY", "provider": "KAKAOPAY", "methodType": "CHARGE"}'])[1 + coalesce(o.n, r.n) %% 3]::jsonb end,
    case when r.type = 'MANUAL' then null else coalesce(o.moment, r.moment) end,
    case when r.type = 'ORDER_CANCEL' then 'cancel-' || r.n else '' end, case when r.type = 'ORDER_CANCEL' then r.moment end, '[]',
    case when r.discount > 0 then jsonb_build_array(jsonb_build_object('policy', %(policy)s::text, 'version', %(policy_version)s::bigint, 'rate', 50000,
        'amount', r.discount, 'taxFree', 0, 'share', r.share, 'shareTaxFree', 0)) else '[]' end,
    '[]', '{}', '[]', r.vat_inside, 0, case when r.type = 'MANUAL' then 'GENERAL' else '' end,
    case when r.type <> 'MANUAL' then '' when r.settlement > 0 then '프로모션 지원금' else '배송 지연 보상 차감' end, '', '',
    r.settlement, 0, r.payment, r.payment_vat, 0, 0, r.payment_supply, r.order_amount, 0, r.fee, r.fee_vat, 0, 0, r.discount, 0, r.share, 0
from seed_row r left join seed_row o on r.type = 'ORDER_CANCEL' and o.n = r.n_before
order by r.n;
