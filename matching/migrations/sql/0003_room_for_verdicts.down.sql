alter table matching_invoice reset (fillfactor);
