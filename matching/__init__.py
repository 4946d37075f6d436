"""Vendor invoices against purchase orders and product receipts: what was agreed, what came, what is billed."""
