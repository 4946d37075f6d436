-- Copied rows of manual adjustments that are not plainly right: they are read one by one. A row that this leaves out has a
-- known partner and a day that was read, and its type, amounts and memo mean what they look like.
insert into upload_odd (line)
select l.line
from upload_line l
    left join settlement_partner p on p.merchant_id = %(merchant)s and p.is_test = %(is_test)s and p.public_id = l.partner
        and p.public_id <> all(%(samples)s) and left(p.public_id, 1) <> '''' and p.public_id = btrim(p.public_id, %(blanks)s)
    left join upload_day d on d.written = l.settlement_date
where p.id is null or d.day is null
    or l.type <> all(%(types)s)
    or case
        when l.amount is null or length(l.amount) > 15 or l.amount !~ '^-?(0|[1-9][0-9]*)$' then true
        when l.tax_free is null then false
        when length(l.tax_free) > 15 or l.tax_free !~ '^-?(0|[1-9][0-9]*)$' then true
        else abs(l.tax_free::bigint) > abs(l.amount::bigint) or sign(l.tax_free::bigint) * sign(l.amount::bigint) < 0
    end
    or (%(alone)s and left(l.amount, 1) = '-')
    or (l.memo is not null and (length(l.memo) > 1000 or left(l.memo, 1) = '''' or l.memo <> btrim(l.memo, %(blanks)s)
        or (octet_length(l.memo) <> length(l.memo) and l.memo is not nfc normalized)))
