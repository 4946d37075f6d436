alter table settlement_payoutref reset (fillfactor);
