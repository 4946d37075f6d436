drop function settlement_order_terms(bigint, boolean, text, text, text, text[], text[], date);
