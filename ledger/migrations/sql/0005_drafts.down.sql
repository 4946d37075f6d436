drop function ledger_post_drafts(bigint, boolean, text, text);
drop function ledger_draft_open();
