-- What saving would do with each record that stands in reconciliation_own.
select place, case when before_id is null then 'new' when is_same then 'same' else 'changed' end, in_locked_days and not is_same
from reconciliation_own_change order by place
