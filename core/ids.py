"""Identifiers: UUIDv7, so that keys grow with time and pages can be cut by key."""

from __future__ import annotations

import os
import time
from uuid import UUID, SafeUUID


def uuid7_from(milliseconds: int, entropy: bytes) -> UUID:
    """The UUIDv7 (RFC 9562) of an instant in Unix milliseconds and 10 bytes of entropy."""
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= int.from_bytes(entropy[:10], "big") & ((1 << 80) - 1)
    value &= ~(0xF << 76)
    value |= 0x7 << 76
    value &= ~(0x3 << 62)
    value |= 0x2 << 62
    return UUID(int=value)


_FIXED = 0x7 << 76 | 0x2 << 62  # version and variant
_FREE = (1 << 80) - 1 & ~(0xF << 76) & ~(0x3 << 62)
_set = object.__setattr__


def new_id() -> UUID:
    """A fresh id from the machine's clock and randomness: the edge where ids come in.

    Made without ``UUID()``, whose checks of its arguments take most of the time of a mass write.
    """
    made = UUID.__new__(UUID)
    entropy = int.from_bytes(os.urandom(10), "big")
    _set(made, "int", time.time_ns() // 1_000_000 << 80 | entropy & _FREE | _FIXED)
    _set(made, "is_safe", SafeUUID.unknown)
    return made
