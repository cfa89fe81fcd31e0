"""Ids are UUIDs of version 7 (RFC 9562): time first, and many at once still in ascending order."""

from __future__ import annotations

import time
from uuid import RFC_4122, UUID

from core.ids import new_id, new_ids


def test_ids_carry_version_variant_and_time():
    before = time.time_ns() // 1_000_000
    made = [new_id(), *new_ids(2000)]
    after = time.time_ns() // 1_000_000
    assert {(one.version, one.variant) for one in made} == {(7, RFC_4122)}
    assert all(before <= one.int >> 80 <= after for one in made)
    assert made == [UUID(str(one)) for one in made]
    assert made[1:] == sorted(set(made[1:]))
    assert new_ids(0) == []
