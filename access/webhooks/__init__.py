"""Webhooks: telling the merchant's own systems what happened here."""
