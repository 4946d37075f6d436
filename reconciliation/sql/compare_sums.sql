-- What a comparison comes to: groups by outcome, and the money of both sides by outcome and currency. The money of a
-- currency mismatch stands in two currencies, so that both totals are made up whole.
with part as (
    select outcome, currency, 1 as groups, coalesce(our_subtotal, 0) as ours, coalesce(file_subtotal, 0) as file
    from reconciliation_outcome where comparison_id = %(comparison)s
    union all
    select outcome, other_currency, 0, other_subtotal, 0
    from reconciliation_outcome where comparison_id = %(comparison)s and other_currency is not null
)
select outcome, currency, sum(groups)::int, sum(ours), sum(file) from part group by outcome, currency order by outcome, currency
