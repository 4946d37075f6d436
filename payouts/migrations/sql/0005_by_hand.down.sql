drop view payouts_movement;
drop trigger hand_completions_are_approved on payouts_completion;
drop function payouts_check_hand_completions();
drop trigger hand_end_is_approved on payouts_bulkpayout;
drop function payouts_check_hand_end();
drop trigger hand_payment_is_direct on payouts_handpayment;
drop function payouts_check_hand_payment();
drop trigger hand_payment_append_only on payouts_handpayment;
