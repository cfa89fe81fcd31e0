"""Misbehaviour on demand: by script (the next N calls), by outage window, and by seed.

The seeded faults depend only on the seed, the service, the access key and how often that key has
been seen, never on the order in which threads arrive: the same seed gives the same faults.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from core.i18n import _
from plugins.einvoice_sri.simulator.engine import NOTHING, Script

RECEPTION, AUTHORIZATION, CONSULTATION = "recepcion", "autorizacion", "consulta"
SERVICES = (RECEPTION, AUTHORIZATION, CONSULTATION)
WIRE = (
    "slow",  # :SECONDS before the answer
    "timeout-before",  # nothing is stored, no answer until the caller gives up
    "timeout-after",  # stored, no answer until the caller gives up
    "drop-before",  # nothing is stored, the connection closes without an answer
    "drop-after",  # stored, the connection closes without an answer
    "http500",
    "soap-fault",
    "html403",
    "truncated",  # done, but half an answer
    "garbage",  # done, but the answer is not XML
)
JUDGE = (
    "in-process",  # :N questions answered EN PROCESO
    "several",  # several autorizacion nodes
    "silent",  # a question is answered as if nothing had arrived
    "return",  # :CODE, DEVUELTA
    "refuse",  # :CODE, NO AUTORIZADO
    "lost",  # RECIBIDA, and nothing is kept
)
KINDS = WIRE + JUDGE
FOR_RECEPTION = ("in-process", "return", "refuse", "lost")
FOR_AUTHORIZATION = ("several", "silent")
MIXED = (
    "drop-before",
    "drop-after",
    "http500",
    "soap-fault",
    "html403",
    "truncated",
    "in-process",
    "several",
    "return:50",
    "slow:0.02",
)
WITH_CODE = ("return", "refuse")
LONGEST = 3600.0  # seconds
GUAYAQUIL = ZoneInfo("America/Guayaquil")
_SPEC = re.compile(r"^([a-z0-9-]+?)(?::([0-9.]+))?(?:@([a-z]+))?(?:x([0-9]+))?$")


class BadFault(ValueError):
    """A fault specification that means nothing; the message says what is allowed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``kind[:argument][@service][xTIMES]``; ``times`` 0 is always."""

    kind: str
    argument: str = ""
    service: str = ""
    times: int = 0

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read a specification such as ``slow:2``, ``return:45@recepcion`` or ``drop-afterx3``."""
        found = _SPEC.match(text.strip())
        kind = found.group(1) if found else ""
        times = found.group(4) if found else None
        if found and kind not in KINDS:
            raise BadFault(f"«{kind}»: {', '.join(KINDS)}")
        if found is None or (found.group(3) and found.group(3) not in SERVICES):
            raise BadFault(f"«{text}»: kind[:argument][@{'|'.join(SERVICES)}][xTIMES]")
        argument = found.group(2) or ""
        if argument and not _fits(kind, argument):
            raise BadFault(
                _(
                    "«%(fault)s»: slow takes seconds up to 3600 (slow:2.5), in-process a whole number,"
                    " return and refuse a code of SRI (return:45), the others nothing after «:».",
                    fault=text,
                )
            )
        return cls(kind, argument, found.group(3) or "", int(times or 0))

    def __str__(self) -> str:
        return (
            self.kind
            + (f":{self.argument}" if self.argument else "")
            + (f"@{self.service}" if self.service else "")
            + (f"x{self.times}" if self.times else "")
        )

    def applies(self, service: str) -> bool:
        """Does it concern a call of this service?"""
        if self.service:
            return self.service == service
        if self.kind in FOR_RECEPTION:
            return service == RECEPTION
        if self.kind in FOR_AUTHORIZATION:
            return service == AUTHORIZATION
        return service != CONSULTATION

    @property
    def script(self) -> Script:
        """What the engine is told; ``NOTHING`` for faults of the wire."""
        if self.kind == "in-process":
            return Script(hold=int(self.argument or 2))
        if self.kind == "return":
            return Script(returned=self.argument or "35")
        if self.kind == "refuse":
            return Script(refused=self.argument or "39")
        if self.kind == "several":
            return Script(several=True)
        if self.kind == "lost":
            return Script(lost=True)
        return Script(silent=True) if self.kind == "silent" else NOTHING

    @property
    def seconds(self) -> float:
        """How long ``slow`` waits."""
        return float(self.argument or 2) if self.kind == "slow" else 0.0


def _fits(kind: str, argument: str) -> bool:
    """Does the argument mean something to a fault of this kind?"""
    if kind == "slow":
        try:
            return 0 <= float(argument) <= LONGEST
        except ValueError:
            return False
    if kind in (*WITH_CODE, "in-process"):
        return argument.isascii() and argument.isdigit() and len(argument) <= 3
    return False


def read_outage(text: str) -> tuple[datetime, datetime]:
    """``FROM/TO`` as two ISO 8601 instants, without a zone in Guayaquil's time. Raises ``BadFault``."""
    try:
        start, end = (datetime.fromisoformat(one.strip()) for one in text.split("/"))
    except ValueError:
        start = end = datetime.min.replace(tzinfo=GUAYAQUIL)
    start, end = (one if one.tzinfo else one.replace(tzinfo=GUAYAQUIL) for one in (start, end))
    if not start < end:
        raise BadFault(
            _(
                "«%(outage)s» is no outage: write FROM/TO, the earlier instant first, such as"
                " 2026-04-25T08:00/2026-04-25T12:00.",
                outage=text,
            )
        )
    return start, end


@dataclass
class FaultPlan:
    """Which fault the next call meets. Scripted faults come first, then outages, then the seed."""

    script: list[Fault] = field(default_factory=list)
    outages: list[tuple[datetime, datetime]] = field(default_factory=list)
    seed: int = 0
    rate: float = 0.0
    mix: tuple[str, ...] = MIXED

    def __post_init__(self) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()

    def add(self, fault: Fault) -> None:
        """Append to the script."""
        with self._lock:
            self.script.append(fault)

    def add_outage(self, outage: tuple[datetime, datetime]) -> None:
        """From one instant to before the other every call is answered with HTTP 500."""
        with self._lock:
            self.outages.append(outage)

    def dump(self) -> dict[str, Any]:
        """The plan as JSON values, with how often each key was seen: after ``load`` it goes on."""
        with self._lock:
            return {
                "script": [str(one) for one in self.script],
                "outages": [[start.isoformat(), end.isoformat()] for start, end in self.outages],
                "seed": self.seed,
                "rate": self.rate,
                "mix": list(self.mix),
                "seen": [[*who, times] for who, times in self._seen.items()],
            }

    def load(self, data: dict[str, Any]) -> None:
        """Go on where a ``dump`` stopped. Raises ``ValueError`` or ``LookupError`` for what is none."""
        script = [Fault.parse(one) for one in data["script"]]
        outages = [read_outage(f"{start}/{end}") for start, end in data["outages"]]
        seen = Counter({(service, clave): times for service, clave, times in data["seen"]})
        with self._lock:
            self.script, self.outages, self._seen = script, outages, seen
            self.seed, self.rate, self.mix = data["seed"], data["rate"], tuple(data["mix"])

    def clear(self) -> None:
        """Behave again (script, outages and seeded faults)."""
        with self._lock:
            self.script.clear()
            self.outages.clear()
            self.rate = 0.0

    def decide(self, service: str, clave: str, now: datetime) -> Fault | None:
        """The fault of this call, None for good behaviour."""
        with self._lock:
            self._seen[service, clave] += 1
            occurrence = self._seen[service, clave]
            for place, fault in enumerate(self.script):
                if fault.applies(service):
                    if fault.times == 1:
                        del self.script[place]
                    elif fault.times:
                        self.script[place] = Fault(
                            fault.kind, fault.argument, fault.service, fault.times - 1
                        )
                    return fault
        if any(start <= now < end for start, end in self.outages):
            return Fault("http500")
        return self._seeded(service, clave, occurrence)

    def _seeded(self, service: str, clave: str, occurrence: int) -> Fault | None:
        if not self.rate:
            return None
        text = f"{self.seed}|{service}|{clave}|{occurrence}"
        drawn = blake2b(text.encode(), digest_size=8).digest()
        if int.from_bytes(drawn[:4], "big") / 2**32 >= self.rate:
            return None
        choices = [one for one in map(Fault.parse, self.mix) if one.applies(service)]
        return choices[int.from_bytes(drawn[4:], "big") % len(choices)] if choices else None
