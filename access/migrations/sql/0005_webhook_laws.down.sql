drop trigger webhook_fan_out on access_webhookevent;
drop trigger webhook_event_unchanged on access_webhookevent;
drop trigger webhook_event_kept on access_webhookevent;
drop trigger webhook_event_no_truncate on access_webhookevent;
drop trigger webhook_try_unchanged on access_webhooktry;
drop trigger webhook_try_no_truncate on access_webhooktry;
drop trigger webhook_delivery_about on access_webhookdelivery;
drop trigger webhook_endpoint_gone on access_webhookendpoint;
drop trigger webhook_endpoint_stays on access_webhookendpoint;
drop function access_webhook_tidy(integer);
drop function access_webhook_keep();
drop function access_webhook_fan_out();
do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        grant update, delete on access_webhookevent, access_webhooktry to jeongsan_app;
        grant delete on access_webhookdelivery, access_webhookendpoint to jeongsan_app;
    end if;
end $$;
