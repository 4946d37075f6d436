"""The verbs of matching, one transaction each."""
