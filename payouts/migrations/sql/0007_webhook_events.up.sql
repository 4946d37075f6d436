-- What becomes of payouts and bulk payouts goes to the outbox of webhooks in the transaction in which it happens, by
-- whatever statement. Where nobody listens, each statement costs one look at a table of a few rows.

create function payouts_webhook_payouts() returns trigger language plpgsql as $$
begin
    if not exists (select from access_webhookendpoint where state = 'ENABLED') then
        return null;
    end if;
    insert into access_webhookevent (merchant_id, is_test, type, object_kind, object_id, status, amount, currency)
        select c.merchant_id, c.is_test, 'payout.' || lower(c.status), 'payout', c.public_id, c.status, c.amount, c.currency
        from changed c join before o on o.id = c.id
        where o.status <> c.status
            and c.status in ('PROCESSING', 'UNKNOWN', 'SUCCEEDED', 'FAILED', 'RETURNED', 'STOPPED', 'CANCELLED')
            and exists (select from access_webhookendpoint e
                where e.state = 'ENABLED' and e.merchant_id = c.merchant_id and e.is_test = c.is_test
                    and (cardinality(e.events) = 0 or 'payout.' || lower(c.status) = any (e.events)))
        order by c.id;
    return null;
end $$;
create trigger payout_tells_webhooks after update on payouts_payout referencing old table as before new table as changed
    for each statement execute function payouts_webhook_payouts();

-- Approving is one decision about a bulk payout, so its payouts are told of from there: their own status need not change.
create function payouts_webhook_bulk() returns trigger language plpgsql as $$
begin
    if not exists (select from access_webhookendpoint where state = 'ENABLED') then
        return null;
    end if;
    insert into access_webhookevent (merchant_id, is_test, type, object_kind, object_id, status, amount, currency)
        select t.merchant_id, t.is_test, t.type, 'bulk_payout', t.public_id, t.status, t.total_amount, t.currency
        from (
            select c.*, k.currency,
                case
                    when c.status = 'PENDING_APPROVAL' then 'bulk_payout.submitted'
                    when c.status = 'APPROVED' then 'bulk_payout.approved'
                    when c.status = 'PREPARED' and o.status = 'PENDING_APPROVAL' and exists (select from payouts_approval a
                        where a.bulk_payout_id = c.id and a.content_hash = o.content_hash and a.decision = 'REJECTED')
                        then 'bulk_payout.rejected'
                    when c.status = 'PREPARED' and o.status <> 'PREPARING' then 'bulk_payout.reopened'
                    when c.status = 'ONGOING' and o.status <> 'POST_PROCESS_PENDING' then 'bulk_payout.started'
                    when c.status = 'COMPLETED' then 'bulk_payout.completed'
                    when c.status = 'CANCELLED' then 'bulk_payout.cancelled'
                end as type
            from changed c join before o on o.id = c.id join payouts_bankaccount k on k.id = c.bank_account_id
            where o.status <> c.status) t
        where t.type is not null and exists (select from access_webhookendpoint e
            where e.state = 'ENABLED' and e.merchant_id = t.merchant_id and e.is_test = t.is_test
                and (cardinality(e.events) = 0 or t.type = any (e.events)))
        order by t.id;
    insert into access_webhookevent (merchant_id, is_test, type, object_kind, object_id, status, amount, currency)
        select p.merchant_id, p.is_test, 'payout.approved', 'payout', p.public_id, p.status, p.amount, p.currency
        from changed c join before o on o.id = c.id join payouts_payout p on p.bulk_payout_id = c.id
        where o.status <> 'APPROVED' and c.status = 'APPROVED' and p.status in ('CONFIRMED', 'SCHEDULED')
            and exists (select from access_webhookendpoint e
                where e.state = 'ENABLED' and e.merchant_id = p.merchant_id and e.is_test = p.is_test
                    and (cardinality(e.events) = 0 or 'payout.approved' = any (e.events)))
        order by p.id;
    return null;
end $$;
create trigger bulk_tells_webhooks after update on payouts_bulkpayout referencing old table as before new table as changed
    for each statement execute function payouts_webhook_bulk();

-- What a bank told us of its own accord stays as it came.
create trigger bank_callback_append_only before update or delete on payouts_bankcallback
    for each row execute function payouts_refuse('payouts_bank_callback_append_only');
create trigger bank_callback_no_truncate before truncate on payouts_bankcallback
    for each statement execute function payouts_refuse('payouts_bank_callback_append_only');

do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke update, delete, truncate on payouts_bankcallback from jeongsan_app;
    end if;
end $$;
