do $$
declare
    name text;
begin
    foreach name in array array['vendor', 'unitconversion', 'policyentry', 'pricetolerance', 'totalstolerance', 'chargestolerance',
            'purchaseorder', 'orderline', 'receiptline', 'invoice', 'invoiceline', 'leak'] loop
        execute format('drop trigger same_scope on matching_%s', name);
    end loop;
end $$;
drop function matching_same_scope();
drop trigger another_person_approves on matching_invoice;
drop function matching_check_approval();
drop trigger leak_stays on matching_leak;
drop trigger run_stays on matching_matchrun;
drop trigger run_of_posted_is_kept on matching_matchrun;
drop trigger match_of_posted_stays on matching_receiptmatch;
drop trigger charge_of_posted_stays on matching_invoicecharge;
drop trigger line_of_posted_stays on matching_invoiceline;
drop function matching_check_posted();
drop trigger posted_invoice_is_kept on matching_invoice;
drop trigger posted_invoice_stays on matching_invoice;
drop trigger receipt_line_is_kept on matching_receiptline;
drop trigger receipt_is_kept on matching_receipt;
drop trigger receipt_stays on matching_receipt;
drop trigger receipt_line_stays on matching_receiptline;
drop trigger receipt_not_overmatched on matching_receiptmatch;
drop function matching_check_receipt_match();
drop trigger line_policy_not_made_too_weak on matching_orderline;
drop trigger line_policy_not_too_weak on matching_orderline;
drop trigger policy_not_made_too_weak on matching_policyentry;
drop trigger policy_not_too_weak on matching_policyentry;
drop function matching_check_policy();
drop function matching_policy_strength(text);
drop trigger default_tolerance_stays on matching_pricetolerance;
drop trigger default_tolerance_is_kept on matching_pricetolerance;
drop function matching_refuse();
