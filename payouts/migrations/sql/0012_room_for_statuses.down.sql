alter table payouts_payout reset (fillfactor);
