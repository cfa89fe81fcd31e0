"""Licence rules as pure functions: no clock, no session, no network."""
