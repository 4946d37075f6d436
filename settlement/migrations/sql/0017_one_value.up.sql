-- A new record and its event are two values. As JSON they took PostgreSQL longer to read than to write.
--
-- The columns of a record but for its key, with their own types, so that nothing is converted when it is written. A column of
-- the table that comes later goes into a type of another name and a function for that type, which its migration makes
-- beside these: a process that runs meanwhile goes on sending this one, and the table's default stands in for what it does
-- not know.
create type settlement_new_record as (
    merchant_id bigint, is_test boolean, public_id varchar(300), created_at timestamptz, settlement bigint,
    settlement_tax_free bigint, payment bigint, payment_vat bigint, payment_vat_burden bigint,
    payment_tax_free bigint, payment_supply bigint, order_amount bigint, order_tax_free bigint, platform_fee bigint,
    platform_fee_vat bigint, additional_fee bigint, additional_fee_vat bigint, discount bigint,
    discount_tax_free bigint, discount_share bigint, discount_share_tax_free bigint, type varchar(12),
    partner_id bigint, contract_version_id bigint, order_id bigint, state varchar(10), state_changed_at timestamptz,
    start_date date, settlement_date date, date_is_given boolean, currency varchar(3), net bigint,
    net_tax_free bigint, partner_settlement_id bigint, payment_id varchar(300), order_name varchar(400),
    payment_method jsonb, paid_at timestamptz, cancellation_id varchar(300), cancelled_at timestamptz, lines jsonb,
    discounts jsonb, additional_fees jsonb, parameters jsonb, calculator_id bigint, formula_results jsonb,
    user_defined_properties jsonb, platform_fee_vat_inside bigint, additional_fee_vat_inside bigint,
    reason varchar(30), memo text, paid_as_is boolean, origin_kind varchar(30), origin_id varchar(300)
);

-- Write a record and the event that tells of it, and return the record's key. Named column by column: `given.*` would
-- be looked into once for each. A function, because a connection plans its statements once.
create function settlement_add_record(given settlement_new_record, event access_new_event)
    returns bigint language plpgsql as $$
declare
    added bigint;
begin
    insert into access_auditevent (
        merchant_id, is_test, actor_kind, actor_name, user_id, secret_id, action, object_kind, object_id, before,
        after, reason, request_id, address
    ) values (
        event.merchant_id, event.is_test, event.actor_kind, event.actor_name, event.user_id, event.secret_id,
        event.action, event.object_kind, event.object_id, event.before, event.after, event.reason, event.request_id,
        event.address
    );
    insert into settlement_settlementrecord (
        merchant_id, is_test, public_id, created_at, settlement, settlement_tax_free, payment, payment_vat,
        payment_vat_burden, payment_tax_free, payment_supply, order_amount, order_tax_free, platform_fee,
        platform_fee_vat, additional_fee, additional_fee_vat, discount, discount_tax_free, discount_share,
        discount_share_tax_free, type, partner_id, contract_version_id, order_id, state, state_changed_at, start_date,
        settlement_date, date_is_given, currency, net, net_tax_free, partner_settlement_id, payment_id, order_name,
        payment_method, paid_at, cancellation_id, cancelled_at, lines, discounts, additional_fees, parameters,
        calculator_id, formula_results, user_defined_properties, platform_fee_vat_inside, additional_fee_vat_inside,
        reason, memo, paid_as_is, origin_kind, origin_id
    ) values (
        given.merchant_id, given.is_test, given.public_id, given.created_at, given.settlement,
        given.settlement_tax_free, given.payment, given.payment_vat, given.payment_vat_burden, given.payment_tax_free,
        given.payment_supply, given.order_amount, given.order_tax_free, given.platform_fee, given.platform_fee_vat,
        given.additional_fee, given.additional_fee_vat, given.discount, given.discount_tax_free, given.discount_share,
        given.discount_share_tax_free, given.type, given.partner_id, given.contract_version_id, given.order_id,
        given.state, given.state_changed_at, given.start_date, given.settlement_date, given.date_is_given,
        given.currency, given.net, given.net_tax_free, given.partner_settlement_id, given.payment_id,
        given.order_name, given.payment_method, given.paid_at, given.cancellation_id, given.cancelled_at, given.lines,
        given.discounts, given.additional_fees, given.parameters, given.calculator_id, given.formula_results,
        given.user_defined_properties, given.platform_fee_vat_inside, given.additional_fee_vat_inside, given.reason,
        given.memo, given.paid_as_is, given.origin_kind, given.origin_id
    ) returning id into added;
    return added;
end $$;
