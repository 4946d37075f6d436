-- A company with so many invoices, one of them an order; every line is received and billed. Names in colons are sizes.
-- Triggers are laws about writing; what is made here keeps to them, and is judged by nothing else.
set session_replication_role = replica;
insert into matching_parameters (merchant_id, is_test, accounting_currency, enable_invoice_matching_validation,
    post_invoice_with_discrepancies, automatically_update_header_match_status, match_invoice_totals,
    invoice_totals_tolerance_percent, invoice_totals_direction, per_total_settings, line_matching_policy,
    allow_matching_policy_override, unit_price_direction, match_price_totals, price_total_tolerance_percent,
    price_total_tolerance_amount, price_total_direction, match_charges, charges_tolerance_percent, charges_direction,
    duplicate_invoice_number, block_when_invoice_quantity_below_matched_receipts, over_delivery_percent,
    under_delivery_percent, automation_match_receipts, automation_attempts, automation_hours, automation_submits,
    automation_needs_all_receipts, approver_must_differ)
    values (1, false, 'KRW', true, 'allow_with_warning', true, false, 0, 'greater_only', '{}', 'three_way',
    'higher_than_company_policy', 'greater_only', 'percentage_and_amount', 10, 100000, 'greater_only', false, 0,
    'greater_only', 'reject', false, 0, 0, false, 1, 1, false, true, true);
insert into matching_vendor (merchant_id, is_test, account, name, currency, price_tolerance_group, invoice_account,
    payment_days) select 1, false, 'v' || n, 'v', 'KRW', 'g' || n % 5, '', 30 from generate_series(1, :vendors:) n;
insert into matching_item (merchant_id, is_test, number, name, unit, price_tolerance_group, receiving_requirement)
    select 1, false, 'i' || n, 'i', 'ea', 'g' || n % 20, false from generate_series(1, :items:) n;
insert into matching_pricetolerance (merchant_id, is_test, item_id, item_group, vendor_id, vendor_group, percent)
    select 1, false, null::bigint, '', null::bigint, '', 5
    union all select 1, false, i.id, '', null, '', 5 from matching_item i where i.id % 25 = 0
    union all select 1, false, null, 'g' || n, null, '', 5 from generate_series(0, 9) n
    union all select 1, false, null, '', v.id, '', 5 from matching_vendor v where v.id % 50 = 0
    union all select 1, false, null, '', null, 'g' || n, 5 from generate_series(0, 1) n;
insert into matching_purchaseorder (merchant_id, is_test, public_id, vendor_id, currency, exchange_rate,
    is_rate_given, date, total_discount_percent, sales_tax_percent, status, memo, net_amount, line_count, version)
    select 1, false, 'po' || n, 1 + n % :vendors:, 'KRW', 1, false, '2026-11-01', 0, 10, 'confirmed', '', 0, :lines:, 1
    from generate_series(1, :orders:) n;
insert into matching_orderline (order_id, number, item_id, description, quantity, unit, unit_price, price_unit,
    discount, discount_percent, multiline_discount, multiline_discount_percent, net_amount, exact_net, exact_unit,
    policy, policy_from, is_closed, is_cancelled, open_amount)
    select o.id, n, 1 + (o.id * 7 + n * 13) % :items:, '', 10 + n, 'ea', 1000 * n, 1, 0, 0, 0, 0, 1000 * n * (10 + n),
        1000 * n * (10 + n), 1000 * n, 'three_way', 'company', false, false, 0
    from matching_purchaseorder o, generate_series(1, :lines:) n;
insert into matching_receipt (merchant_id, is_test, public_id, date, memo)
    select 1, false, 'r' || o.id, '2026-11-10', '' from matching_purchaseorder o order by o.id;
insert into matching_receiptline (receipt_id, number, order_line_id, quantity, unit, factor_numerator,
    factor_denominator, closes_line, accrued)
    select l.order_id, l.number, l.id, l.quantity, 'ea', 1, 1, false, 0 from matching_orderline l order by l.id;
insert into matching_invoice (merchant_id, is_test, public_id, number, vendor_id, invoice_account, currency,
    exchange_rate, is_rate_given, date, due_date, total_discount, sales_tax, round_off, memo, status, is_on_hold,
    hold_reason, amount, match_status, last_variance, reasons, is_approved, approved_by, approval_comment,
    approved_content, is_automated, automation_attempts, automation_outcome, entered_by, posted_by,
    settlement_record_id, unpaid_reason, version)
    select 1, false, 'inv' || o.id, 'n' || o.id, o.vendor_id, 'v', 'KRW', 1, false, '2026-11-15', '2026-12-15', 0, 0,
        0, '', 'pending', false, '', 0, 'not_performed', '', '{}', false, '', '', '', true, 0, '', '', '', '', '', 1
    from matching_purchaseorder o order by o.id;
-- Of seven prices one is exactly 5 % above what was agreed, one a millionth beyond, the others as agreed.
insert into matching_invoiceline (invoice_id, number, item_id, description, quantity, unit, unit_price, price_unit,
    discount, discount_percent, multiline_discount, multiline_discount_percent, net_amount, exact_net, exact_unit,
    order_line_id, is_final)
    select l.order_id, l.number, l.item_id, '', l.quantity, 'ea', p.price, 1, 0, 0, 0, 0, round(p.price * l.quantity),
        p.price * l.quantity, p.price, l.id, false
    from matching_orderline l cross join lateral (select case l.id % 7 when 0 then l.unit_price * 1.05
        when 1 then l.unit_price * 1.05 + 0.000001 else l.unit_price end as price) p order by l.id;
-- Of eleven receipts one is matched with less than is billed.
insert into matching_receiptmatch (invoice_line_id, receipt_line_id, quantity, divisor)
    select l.id, l.id, l.quantity - case l.id % 11 when 0 then 1 else 0 end, 1 from matching_invoiceline l order by l.id;
