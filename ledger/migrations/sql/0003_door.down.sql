delete from ledger_mark;
drop function ledger_balances(bigint[], date);
drop function ledger_fold();
drop function ledger_close(bigint, boolean, date);
drop function ledger_post_many(bigint, boolean, text[], text[], date[], text[], text[], bigint[], text[], int[], bigint[], bigint[], text[], text, text);
drop function ledger_post(bigint, boolean, text, text, date, bigint[], bigint[], text[], text, text, text, text, text, bigint, jsonb);
drop function ledger_open(bigint, boolean, int[], text[], text[], text[]);
drop function ledger_payload_hash(date, bigint[], bigint[], text[], bigint);
