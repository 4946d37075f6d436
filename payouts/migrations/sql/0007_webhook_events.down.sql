drop trigger payout_tells_webhooks on payouts_payout;
drop trigger bulk_tells_webhooks on payouts_bulkpayout;
drop trigger bank_callback_append_only on payouts_bankcallback;
drop trigger bank_callback_no_truncate on payouts_bankcallback;
drop function payouts_webhook_bulk();
drop function payouts_webhook_payouts();
