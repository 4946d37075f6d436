"""The pages of payouts: making a bulk payout, approving it, watching it, and working off what did not arrive."""
