"""Kinds of uploads of matching: documents and set-up from files."""
