-- The partners of rows whose day has come.
select distinct partner_id from line where day <= %(today)s
