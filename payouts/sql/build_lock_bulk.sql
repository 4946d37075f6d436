-- Keep a bulk payout from being changed or cancelled while a chunk of it is made; chunks do not wait for each other.
select id from payouts_bulkpayout
where merchant_id = %(merchant)s and is_test = %(is_test)s and public_id = %(public_id)s
for key share
