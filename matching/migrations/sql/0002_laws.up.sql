-- What must hold among the rows of matching, whoever writes them.

create function matching_refuse() returns trigger language plpgsql as $$
begin
    raise exception 'matching: % of % is refused', lower(tg_op), tg_table_name
        using errcode = 'integrity_constraint_violation', constraint = tg_argv[0];
end $$;

-- The tolerance for everything is always there.
create trigger default_tolerance_is_kept before delete on matching_pricetolerance for each row
    when (old.item_id is null and old.item_group = '' and old.vendor_id is null and old.vendor_group = '')
    execute function matching_refuse('matching_default_tolerance_required');
create trigger default_tolerance_stays before update on matching_pricetolerance for each row
    when (old.item_id is null and old.item_group = '' and old.vendor_id is null and old.vendor_group = ''
        and (new.merchant_id, new.is_test, new.item_id, new.item_group, new.vendor_id, new.vendor_group)
            is distinct from (old.merchant_id, old.is_test, old.item_id, old.item_group, old.vendor_id, old.vendor_group))
    execute function matching_refuse('matching_default_tolerance_required');

-- A policy weaker than the company's is refused where only higher ones are taken; one that is there already may stay.
create function matching_policy_strength(policy text) returns int language sql immutable as $$
    select case policy when 'not_required' then 0 when 'two_way' then 1 when 'three_way' then 2 else 3 end
$$;

create function matching_check_policy() returns trigger language plpgsql as $$
declare
    ruled record;
begin
    if tg_table_name = 'matching_orderline' then
        select p.line_matching_policy as policy, p.allow_matching_policy_override as override into ruled
            from matching_purchaseorder o
            join matching_parameters p on (p.merchant_id, p.is_test) = (o.merchant_id, o.is_test)
            where o.id = new.order_id;
    else
        select p.line_matching_policy as policy, p.allow_matching_policy_override as override into ruled
            from matching_parameters p where (p.merchant_id, p.is_test) = (new.merchant_id, new.is_test);
    end if;
    if found and ruled.override = 'higher_than_company_policy'
        and matching_policy_strength(new.policy) < matching_policy_strength(ruled.policy) then
        raise exception 'matching: policy % is weaker than the company''s', new.policy
            using errcode = 'check_violation', constraint = 'matching_policy_too_weak';
    end if;
    return new;
end $$;
create trigger policy_not_too_weak before insert on matching_policyentry for each row execute function matching_check_policy();
create trigger policy_not_made_too_weak before update of policy on matching_policyentry for each row
    when (old.policy is distinct from new.policy) execute function matching_check_policy();
create trigger line_policy_not_too_weak before insert on matching_orderline for each row execute function matching_check_policy();
create trigger line_policy_not_made_too_weak before update of policy on matching_orderline for each row
    when (old.policy is distinct from new.policy) execute function matching_check_policy();

-- A receipt line is matched with no more than came, by invoices of the same order line and of its own sign. The row of
-- the receipt line is locked, so that two who match at once see each other.
create function matching_check_receipt_match() returns trigger language plpgsql as $$
declare
    came record;
    common numeric;
    each_divisor numeric;
    matched numeric;
begin
    select l.id, l.order_line_id, l.quantity * l.factor_numerator as quantity, l.factor_denominator as divisor, r.cancelled_at into came
        from matching_receiptline l join matching_receipt r on r.id = l.receipt_id
        where l.id = new.receipt_line_id for no key update of l;
    if not exists (select from matching_invoiceline i where i.id = new.invoice_line_id and i.order_line_id = came.order_line_id) then
        raise exception 'matching: receipt line % belongs to another order line', new.receipt_line_id
            using errcode = 'foreign_key_violation', constraint = 'matching_receipt_of_order_line';
    end if;
    if came.cancelled_at is not null then
        raise exception 'matching: receipt line % is cancelled', new.receipt_line_id
            using errcode = 'check_violation', constraint = 'matching_receipt_cancelled';
    end if;
    common := 1;
    for each_divisor in select distinct divisor from matching_receiptmatch where receipt_line_id = new.receipt_line_id loop
        common := lcm(common, each_divisor);
    end loop;
    select sum(quantity * div(common, divisor)) into matched from matching_receiptmatch where receipt_line_id = new.receipt_line_id;
    if sign(new.quantity) <> sign(came.quantity) then
        raise exception 'matching: receipt line % has the other sign', new.receipt_line_id
            using errcode = 'check_violation', constraint = 'matching_receipt_sign';
    end if;
    if abs(matched) * came.divisor > abs(came.quantity) * common then
        raise exception 'matching: receipt line % is matched with more than came', new.receipt_line_id
            using errcode = 'check_violation', constraint = 'matching_receipt_overmatched';
    end if;
    return null;
end $$;
create trigger receipt_not_overmatched after insert or update on matching_receiptmatch
    for each row execute function matching_check_receipt_match();

-- What came stays as it was told; only that it was cancelled may be added.
create trigger receipt_line_stays before update on matching_receiptline for each row
    when ((old.receipt_id, old.number, old.order_line_id, old.quantity, old.unit, old.factor_numerator, old.factor_denominator, old.closes_line, old.accrued)
        is distinct from (new.receipt_id, new.number, new.order_line_id, new.quantity, new.unit, new.factor_numerator, new.factor_denominator, new.closes_line, new.accrued))
    execute function matching_refuse('matching_receipt_stays');
create trigger receipt_stays before update on matching_receipt for each row
    when (old.cancelled_at is not null or (old.merchant_id, old.is_test, old.public_id, old.date) is distinct from (new.merchant_id, new.is_test, new.public_id, new.date))
    execute function matching_refuse('matching_receipt_stays');
create trigger receipt_is_kept before delete on matching_receipt for each row execute function matching_refuse('matching_receipt_stays');
create trigger receipt_line_is_kept before delete on matching_receiptline for each row execute function matching_refuse('matching_receipt_stays');

-- A posted invoice stays as it was posted; what became of its money is told later.
create trigger posted_invoice_stays before update on matching_invoice for each row
    when (old.status = 'posted' and (to_jsonb(old) - array['settlement_record_id', 'unpaid_reason', 'updated_at'])
        is distinct from (to_jsonb(new) - array['settlement_record_id', 'unpaid_reason', 'updated_at']))
    execute function matching_refuse('matching_invoice_posted');
create trigger posted_invoice_is_kept before delete on matching_invoice for each row when (old.status = 'posted')
    execute function matching_refuse('matching_invoice_posted');

create function matching_check_posted() returns trigger language plpgsql as $$
declare
    owner_id bigint;
begin
    if tg_table_name = 'matching_receiptmatch' then
        select invoice_id into owner_id from matching_invoiceline
            where id = case when tg_op = 'DELETE' then old.invoice_line_id else new.invoice_line_id end;
    else
        owner_id := case when tg_op = 'DELETE' then old.invoice_id else new.invoice_id end;
    end if;
    if exists (select from matching_invoice where id = owner_id and status = 'posted') then
        raise exception 'matching: invoice % is posted', owner_id
            using errcode = 'integrity_constraint_violation', constraint = 'matching_invoice_posted';
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end $$;
create trigger line_of_posted_stays before insert or update or delete on matching_invoiceline
    for each row execute function matching_check_posted();
create trigger charge_of_posted_stays before insert or update or delete on matching_invoicecharge
    for each row execute function matching_check_posted();
create trigger match_of_posted_stays before insert or update or delete on matching_receiptmatch
    for each row execute function matching_check_posted();
create trigger run_of_posted_is_kept before delete on matching_matchrun for each row execute function matching_check_posted();
create trigger run_stays before update on matching_matchrun for each row execute function matching_refuse('matching_run_stays');
create trigger leak_stays before update or delete on matching_leak for each row execute function matching_refuse('matching_leak_stays');

-- Whoever entered an invoice does not approve its discrepancies, where the company asks for two.
create function matching_check_approval() returns trigger language plpgsql as $$
begin
    if new.approved_by_id is not distinct from new.entered_by_id and exists (select from matching_parameters p
            where (p.merchant_id, p.is_test) = (new.merchant_id, new.is_test) and p.approver_must_differ) then
        raise exception 'matching: invoice % was entered by who approves it', new.public_id
            using errcode = 'check_violation', constraint = 'matching_another_person_approves';
    end if;
    return new;
end $$;
create trigger another_person_approves before update of is_approved, approved_by_id on matching_invoice for each row
    when (new.is_approved) execute function matching_check_approval();

-- Rows of one merchant and environment never point at rows of another.
create function matching_same_scope() returns trigger language plpgsql as $$
declare
    fits boolean;
begin
    case tg_table_name
    when 'matching_vendor' then
        select (p.merchant_id, p.is_test) = (new.merchant_id, new.is_test) into fits from settlement_partner p where p.id = new.partner_id;
    when 'matching_unitconversion' then
        select (i.merchant_id, i.is_test) = (new.merchant_id, new.is_test) into fits from matching_item i where i.id = new.item_id;
    when 'matching_policyentry', 'matching_pricetolerance' then
        select bool_and(same) into fits from (
            select (i.merchant_id, i.is_test) = (new.merchant_id, new.is_test) as same from matching_item i where i.id = new.item_id
            union all select (v.merchant_id, v.is_test) = (new.merchant_id, new.is_test) from matching_vendor v where v.id = new.vendor_id) f;
    when 'matching_totalstolerance', 'matching_purchaseorder', 'matching_invoice', 'matching_leak' then
        select (v.merchant_id, v.is_test) = (new.merchant_id, new.is_test) into fits from matching_vendor v where v.id = new.vendor_id;
    when 'matching_chargestolerance' then
        select (c.merchant_id, c.is_test) = (new.merchant_id, new.is_test) into fits from matching_chargecode c where c.id = new.charge_code_id;
    when 'matching_orderline' then
        select (i.merchant_id, i.is_test) = (o.merchant_id, o.is_test) into fits
            from matching_purchaseorder o, matching_item i where o.id = new.order_id and i.id = new.item_id;
    when 'matching_receiptline' then
        select (o.merchant_id, o.is_test) = (r.merchant_id, r.is_test) into fits from matching_receipt r, matching_orderline l
            join matching_purchaseorder o on o.id = l.order_id where r.id = new.receipt_id and l.id = new.order_line_id;
    when 'matching_invoiceline' then
        select bool_and(same) into fits from (
            select (o.merchant_id, o.is_test, o.currency) = (v.merchant_id, v.is_test, v.currency) as same from matching_invoice v, matching_orderline l
                join matching_purchaseorder o on o.id = l.order_id where v.id = new.invoice_id and l.id = new.order_line_id
            union all select (i.merchant_id, i.is_test) = (v.merchant_id, v.is_test) from matching_invoice v, matching_item i
                where v.id = new.invoice_id and i.id = new.item_id) f;
    else
        fits := true;
    end case;
    if fits is false then
        raise exception 'matching: row % of % points into another scope', new.id, tg_table_name
            using errcode = 'foreign_key_violation', constraint = 'matching_same_scope';
    end if;
    return null;
end $$;

-- Only what points somewhere is looked at again when a row changes: matching many invoices writes all of them.
do $$
declare
    pointing record;
begin
    for pointing in select * from (values ('vendor', 'partner_id'), ('unitconversion', 'item_id'), ('policyentry', 'item_id, vendor_id'),
            ('pricetolerance', 'item_id, vendor_id'), ('totalstolerance', 'vendor_id'), ('chargestolerance', 'charge_code_id'),
            ('purchaseorder', 'vendor_id'), ('orderline', 'order_id, item_id'), ('receiptline', 'receipt_id, order_line_id'),
            ('invoice', 'vendor_id'), ('invoiceline', 'invoice_id, order_line_id, item_id'), ('leak', 'vendor_id')) p(name, columns) loop
        execute format('create trigger same_scope after insert or update of %s on matching_%s for each row
            execute function matching_same_scope()', pointing.columns, pointing.name);
    end loop;
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        revoke truncate on matching_receipt, matching_receiptline, matching_invoice, matching_matchrun, matching_leak from jeongsan_app;
        revoke delete on matching_receipt, matching_receiptline, matching_leak from jeongsan_app;
        revoke update on matching_matchrun, matching_leak from jeongsan_app;
    end if;
end $$;
