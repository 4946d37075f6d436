"""Sending what is owed: payouts, bulk payouts, approval, attempts and bank rails."""
