drop function settlement_add_record(settlement_new_record, access_new_event);
drop type settlement_new_record;
