-- Per day: settlements that become due (their positive and negative sums and how many), bulk payouts that are waiting for
-- an approval, and approved ones. What is overdue counts today. Settlements in a live payout are counted with it.
with due as (
    select greatest(s.settlement_date, %(today)s::date) as day, s.net
    from settlement_partnersettlement s
    where %(pays_settlements)s and s.merchant_id = %(merchant)s and s.is_test = %(test)s and s.currency = %(currency)s
        and s.state = 'PAYOUT_PREPARED' and s.net <> 0 and s.settlement_date <= %(until)s
        and not exists (select from settlement_claim c where c.partner_settlement_id = s.id
            and not exists (select from settlement_claimrelease r
                where r.partner_settlement_id = c.partner_settlement_id and r.claim_no = c.claim_no))
    union all
    select greatest(r.settlement_date, %(today)s::date), r.net
    from settlement_settlementrecord r
    where %(pays_settlements)s and r.merchant_id = %(merchant)s and r.is_test = %(test)s and r.currency = %(currency)s
        and r.state in ('SCHEDULED', 'IN_PROCESS') and r.net <> 0 and r.partner_settlement_id is null
        and r.settlement_date <= %(until)s
), bulks as (
    select greatest(coalesce((b.scheduled_at at time zone 'Asia/Seoul')::date, %(today)s::date), %(today)s::date) as day,
        p.amount, b.status in ('APPROVED', 'SCHEDULED', 'ONGOING', 'POST_PROCESS_PENDING') as is_approved
    from payouts_bulkpayout b join payouts_payout p on p.bulk_payout_id = b.id
    where b.bank_account_id = %(account)s and b.method = 'AGENCY'
        and b.status in ('PREPARING', 'PREPARED', 'PENDING_APPROVAL', 'APPROVED', 'SCHEDULED', 'ONGOING', 'POST_PROCESS_PENDING')
        and p.status in ('CONFIRMED', 'SCHEDULED', 'PREPARED')
)
select day, 'settlements', sum(net) from due where net > 0 group by day
union all select day, 'back', sum(net) from due where net < 0 group by day
union all select day, 'count', count(*) from due group by day
union all select day, 'prepared', sum(amount) from bulks where not is_approved and day <= %(until)s group by day
union all select day, 'approved', sum(amount) from bulks where is_approved and day <= %(until)s group by day
