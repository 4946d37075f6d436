-- What the merchant's own formulas gave, added up over the standing records of partner settlements.
select r.partner_settlement_id, result.key, sum(result.value::numeric)
from settlement_settlementrecord r
cross join lateral jsonb_each_text(r.formula_results) result
where r.partner_settlement_id = any(%s) and r.state <> 'VOIDED'
group by r.partner_settlement_id, result.key
order by result.key
