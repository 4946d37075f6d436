"""The floor: ids, clock, money, errors, jobs, guarded HTTP. Knows no merchant's business and no page."""
