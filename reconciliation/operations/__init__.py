"""What can be done in reconciliation; each verb is one transaction."""
