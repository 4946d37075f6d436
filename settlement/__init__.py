"""What each partner is owed: contracts, policies, dates, records and partner settlements."""
