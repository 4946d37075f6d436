"""The database engine of the product: Django's own for PostgreSQL, with transactions that travel lightly (`base`)."""
