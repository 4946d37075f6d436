drop trigger record_tells_webhooks on settlement_settlementrecord;
drop trigger record_void_tells_webhooks on settlement_settlementrecord;
drop trigger partner_settlement_tells_webhooks on settlement_partnersettlement;
drop trigger partner_settlement_change_tells_webhooks on settlement_partnersettlement;
drop function settlement_webhook_decision();
drop function settlement_webhook_void();
drop function settlement_webhook_change(text, text, bigint, boolean, text, text, bigint, text);
drop function settlement_webhook_settlements();
drop function settlement_webhook_records();
