"""What a licence contains, and when to warn before a limit holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

WARN_AT = 80  # percent of a limit
Level = Literal["free", "near", "full"]
LIMITS = ("documents", "users", "points")


@dataclass(frozen=True, slots=True)
class Entitlements:
    """Plugins by name (empty: all) and limits; None is without limit.

    ``documents`` per calendar month, ``users`` members, ``points`` emission points.
    """

    plugins: tuple[str, ...] = ()
    documents: int | None = None
    users: int | None = None
    points: int | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON values for events, the licence document and the hook."""
        return {
            "plugins": list(self.plugins),
            "documents": self.documents,
            "users": self.users,
            "points": self.points,
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Entitlements:
        """The reverse of :meth:`to_json`; unknown keys are left out, missing ones are free."""
        return cls(
            plugins=tuple(raw.get("plugins") or ()),
            documents=raw.get("documents"),
            users=raw.get("users"),
            points=raw.get("points"),
        )


def level(used: int, limit: int | None) -> Level:
    """``near`` from 80 % of a limit on, ``full`` when nothing is left; 79 of 100 is ``free``."""
    if limit is None:
        return "free"
    if used >= limit:
        return "full"
    return "near" if used * 100 >= limit * WARN_AT else "free"
