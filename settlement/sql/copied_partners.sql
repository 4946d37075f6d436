-- The partners of an upload, and which of their accounts it moves.
select l.partner_id, p.public_id, bool_or(l.amount > 0), bool_or(l.amount < 0), bool_or(l.amount > 0 and l.day <= %(today)s)
from line l join settlement_partner p on p.id = l.partner_id
group by 1, 2 order by 1
