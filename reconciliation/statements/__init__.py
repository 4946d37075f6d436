"""Statements of bank accounts: files of several forms into lines in booking order. Pure; nothing here knows a table."""
