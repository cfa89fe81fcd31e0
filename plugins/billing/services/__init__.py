"""Use cases of billing: each takes the session of the scope at hand and never commits."""
