"""Pages of settlement: records, partner settlements, partners, contracts, policies, days and settings."""
