"""Kinds of uploads of reconciliation: our own billing records from files."""
