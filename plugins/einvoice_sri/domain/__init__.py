"""SRI's documents as data: no clock, no network, no database."""
