"""Use cases of licensing: each takes the session of the scope at hand and never commits."""
