"""The end of a month: what is still open."""
