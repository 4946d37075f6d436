"""Kinds of uploads of settlement: records and partners from files."""
