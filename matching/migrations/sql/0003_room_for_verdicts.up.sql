-- Every invoice is written again when it is matched, approved and posted. With room on its own page that touches no index.
alter table matching_invoice set (fillfactor = 70);
