"""Statements of banks: their files and lines, and what matched them."""
