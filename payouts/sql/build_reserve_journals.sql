-- The journals that reserve the payouts' money, leg by leg as `journals.reserve`; those of less than two legs move nothing.
select 'payout.reserved', 'reserve:' || j.public_id, %(today)s::date, j.accounts, j.amounts, j.components, 'payout', j.public_id
from (
    select y.public_id,
        case when y.reserved_credit <> 0 then array[w.available] else '{}' end || case when y.reserved_debit <> 0 then array[w.receivable] else '{}' end
            || case when y.reserved_vat <> 0 then array[w.vat] else '{}' end || case when y.gross <> 0 then array[w.reserved] else '{}' end as accounts,
        array_remove(array[y.reserved_credit, -y.reserved_debit, y.reserved_vat, -y.gross], 0) as amounts,
        case when y.reserved_credit <> 0 then array['settlement'] else '{}' end || case when y.reserved_debit <> 0 then array['settlement'] else '{}' end
            || case when y.reserved_vat <> 0 then array['vat'] else '{}' end || case when y.gross <> 0 then array['payout'] else '{}' end as components
    from (
            select id, public_id, reserved_credit, reserved_debit, reserved_vat,
                amount + income_tax_amount + local_income_tax_amount as gross
            from payouts_payout where id = any(%(payouts)s::bigint[])
        ) y
        join unnest(%(payouts)s::bigint[], %(available)s::bigint[], %(receivable)s::bigint[], %(vat)s::bigint[], %(reserved)s::bigint[])
            w(id, available, receivable, vat, reserved) using (id)
) j
where cardinality(j.amounts) > 1
