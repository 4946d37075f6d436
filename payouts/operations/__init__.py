"""The verbs of payouts: building, approving, running, sending and what the bank's answers do. One transaction each."""
