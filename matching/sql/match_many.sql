-- Judge every line of the wanted invoices as the engine would, and keep what came of each invoice. The results of a line
-- are bits: 1 and 2 price passed and failed, 4 totals passed, 8 and 16 failed by percentage and by amount, 32 and 64
-- receipts passed and failed; they are kept below 1024 times the line's number, in no order. Beside them, 1024 says that
-- the line has an order and 2048 that it needs more than exact decimals: such invoices are given back, for the engine.
with {lines}
, told_apart as (
    select l.*, l.agreed_unit * l.quantity as agreed,
        case when l.quantity < 0 then l.agreed_unit - l.exact_unit else l.exact_unit - l.agreed_unit end as dearer,
        l.billed_net - l.agreed_net as over,
        l.is_closed or l.is_final or case when l.ordered >= 0 then l.billed >= l.ordered else l.billed <= l.ordered end as is_last
    from lines l
), judged as (
    select l.invoice_id, l.number, l.order_id, l.exact_net, l.agreed,
        case when l.has_order then 1024 else 0 end + case when l.is_plain then 0 else 2048 end as facts,
        case when not %(validates)s or l.policy is null or l.policy = 'not_required' then 0 else
            case when l.dearer > 0 and l.dearer * 100 > l.tolerance * abs(l.agreed_unit)
                or %(price_both)s and l.dearer < 0 and -l.dearer * 100 > l.tolerance * abs(l.agreed_unit) then 2 else 1 end
            -- While parts are still to be billed, less than expected says nothing; of a return, more than expected does not.
            + case when not %(totals_by_percent)s and not %(totals_by_amount)s then 0
                when l.over > 0 and (l.ordered >= 0 or l.is_last) or %(total_both)s and l.over < 0 and (l.ordered < 0 or l.is_last)
                then coalesce(nullif(
                    case when %(totals_by_percent)s and abs(l.over) * 100 > %(total_percent)s * abs(l.agreed_net) then 8 else 0 end
                    + case when %(totals_by_amount)s
                        and abs(round(l.over * l.exchange_rate, %(accounting_digits)s)) > %(total_amount)s then 16 else 0 end, 0), 4)
                else 4 end
            + case when l.policy <> 'three_way' then 0 when l.received = l.quantity then 32 else 64 end
        end as code
    from told_apart l
), each as (
    select invoice_id, bit_or(facts + code) as together, array_agg(number * 1024 + code) as codes, sum(exact_net) as balance
    from judged group by invoice_id
){totals}, told as (
    select e.invoice_id, e.codes, e.together & 2048 = 0 as is_plain, e.balance, {reasons} as reasons,
        not %(validates)s or e.together & 1024 = 0 as is_not_applicable
    from each e {joined}
), finished as (
    select t.*, case when is_not_applicable then 'not_applicable' when cardinality(reasons) > 0 then 'failed' else 'passed' end as status
    from told t where is_plain
), latest as (
    select distinct on (invoice_id) invoice_id, codes, status, detail from matching_matchrun where invoice_id = any(%(invoices)s)
    order by invoice_id, id desc
), ran as (
    insert into matching_matchrun (invoice_id, at, by, status, content, is_final, codes)
    select f.invoice_id, %(now)s, %(by)s, f.status, '', false, f.codes from finished f
        left join latest r on r.invoice_id = f.invoice_id
    where r.codes is distinct from f.codes or r.status is distinct from f.status or r.detail is not null
), changed as (
    update matching_invoice i set match_status = f.status, reasons = f.reasons, last_match_at = %(now)s,
        last_variance = case f.status when 'not_applicable' then '' else f.status end,
        amount = round(f.balance - i.total_discount + i.sales_tax + i.round_off, case when i.currency in ('KRW', 'JPY') then 0 else 2 end)
    from finished f where i.id = f.invoice_id
)
select invoice_id from told where not is_plain
