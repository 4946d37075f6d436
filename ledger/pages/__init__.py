"""Pages of the ledger: accounts, their entries, journals and the trial balance."""
