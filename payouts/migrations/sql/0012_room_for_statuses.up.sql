-- A payout is written once and takes four statuses, hundreds of them in a statement. With room left on its page the next
-- version stays there; else every status fetches another page. Rows written before this keep their full pages.
alter table payouts_payout set (fillfactor = 45);
