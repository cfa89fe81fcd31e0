"""Events: told in the transaction at hand, handled later by each subscriber, at least once.

``emit`` keeps events in memory; just before the commit they become ``core_event`` rows of their
destination and **one job per subscriber and chunk of at most 500 ids**. A rolled-back transaction or
savepoint takes its events along.
"""

from __future__ import annotations


