-- The first record that must not be saved because its days are locked.
select c.place, o.ref
from reconciliation_own_change c join reconciliation_own o on o.place = c.place
where c.in_locked_days and not c.is_same order by c.place limit 1
