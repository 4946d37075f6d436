do $$
begin
    if exists (select from pg_roles where rolname = 'jeongsan_app') then
        grant delete, truncate on settlement_payoutref to jeongsan_app;
    end if;
end $$;
drop trigger partner_settlement_keeps_identity on settlement_partnersettlement;
drop trigger partner_settlement_no_truncate on settlement_partnersettlement;
drop trigger payout_ref_keeps_identity on settlement_payoutref;
drop trigger payout_ref_no_truncate on settlement_payoutref;
drop trigger payout_ref_stays on settlement_payoutref;
drop trigger claims_are_lawful on settlement_claim;
drop function settlement_check_claims;
alter table settlement_claim add constraint settlement_claim_needs_release
    foreign key (partner_settlement_id, after_no) references settlement_claimrelease (partner_settlement_id, claim_no);
