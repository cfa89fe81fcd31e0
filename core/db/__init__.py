"""The database: one dialect (PostgreSQL), scopes, transactions, migrations."""
