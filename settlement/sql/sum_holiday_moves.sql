-- Add up, per partner and currency, what a change of the holidays moves.
insert into settlement_holidaymovepartner (merchant_id, is_test, change_id, partner_id, currency, record_count, amount)
select %(merchant)s, %(is_test)s, %(change)s, r.partner_id, r.currency, count(*), sum(r.net)
from settlement_holidaymove m join settlement_settlementrecord r on r.id = m.record_id
where m.change_id = %(change)s
group by r.partner_id, r.currency
