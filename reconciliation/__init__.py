"""Outside files against our own books: vendor billing files, provider settlements, bank statements."""
