drop function ledger_post_values;
