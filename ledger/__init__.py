"""The books: one double-entry ledger in PostgreSQL. Entries arrive through `ledger.posting.post` and no other way."""
