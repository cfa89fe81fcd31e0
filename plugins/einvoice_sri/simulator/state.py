"""What the simulator remembers: a value that can be dumped and loaded, so a story can begin in the middle."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

PENDING = "EN PROCESO"
AUTHORIZED = "AUTORIZADO"
REFUSED = "NO AUTORIZADO"
TO_BE_ANNULLED = "PENDIENTE DE ANULAR"
ANNULLED = "ANULADO"
STANDING = (AUTHORIZED, TO_BE_ANNULLED, ANNULLED)  # authorised once, whatever came later


@dataclass(frozen=True, slots=True)
class Message:
    """A ``mensaje`` of an answer. ``tipo`` is ERROR, ADVERTENCIA or INFORMATIVO."""

    identificador: str
    mensaje: str
    informacion: str = ""
    tipo: str = "ERROR"


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivery of a document: what came, when, and what became of it."""

    xml: bytes
    received_at: datetime
    estado: str = PENDING
    decided_at: datetime | None = None
    messages: tuple[Message, ...] = ()
    hold: int = 0  # how many questions are still answered EN PROCESO
    forced: Message | None = None  # a refusal decided by the fault script


@dataclass(slots=True)
class State:
    """All deliveries by access key, and which key owns each number."""

    entries: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    receptions: int = 0
    questions: int = 0

    def latest(self, clave: str) -> Entry | None:
        """The last delivery of a key."""
        found = self.entries.get(clave)
        return found[-1] if found else None

    def count(self, estado: str) -> int:
        """How many keys stand in this state."""
        return sum(1 for one in self.entries.values() if one[-1].estado == estado)

    def dump(self) -> dict[str, Any]:
        """The state as JSON values."""
        return {
            "entries": {
                clave: [_dump_entry(one) for one in entries]
                for clave, entries in self.entries.items()
            },
            "numbers": dict(self.numbers),
            "receptions": self.receptions,
            "questions": self.questions,
        }

    @classmethod
    def load(cls, data: dict[str, Any]) -> State:
        """The state from what ``dump`` gave."""
        return cls(
            entries={
                clave: tuple(_load_entry(one) for one in entries)
                for clave, entries in data["entries"].items()
            },
            numbers=dict(data["numbers"]),
            receptions=data["receptions"],
            questions=data["questions"],
        )


def _dump_entry(entry: Entry) -> dict[str, Any]:
    return {
        "xml": base64.b64encode(entry.xml).decode(),
        "received_at": entry.received_at.isoformat(),
        "estado": entry.estado,
        "decided_at": entry.decided_at.isoformat() if entry.decided_at else None,
        "messages": [asdict(one) for one in entry.messages],
        "hold": entry.hold,
        "forced": asdict(entry.forced) if entry.forced else None,
    }


def _load_entry(data: dict[str, Any]) -> Entry:
    return Entry(
        xml=base64.b64decode(data["xml"]),
        received_at=datetime.fromisoformat(data["received_at"]),
        estado=data["estado"],
        decided_at=datetime.fromisoformat(data["decided_at"]) if data["decided_at"] else None,
        messages=tuple(Message(**one) for one in data["messages"]),
        hold=data["hold"],
        forced=Message(**data["forced"]) if data["forced"] else None,
    )
