"""What SRI, the network and the clocks may do to an emitter: the columns of the crash matrix."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from plugins.einvoice_sri.simulator.engine import NOTHING, Engine, Reception, Script
from plugins.einvoice_sri.simulator.faults import Fault, FaultPlan
from plugins.einvoice_sri.simulator.state import Entry

NO_SKEW = timedelta()
HOURS = timedelta(hours=7)  # between two rounds, where a day must pass
SKEWED_ROUNDS = 2  # how many rounds the clocks differ: at least one of them talks to SRI


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One column. ``script``: faults in this order, each until it is used up.

    ``told``: the code that SRI must have given; ``patience`` seconds the emitter waits for an answer;
    ``sri_clock``, ``own_clock``: how far these clocks are off in the first rounds; ``pause``: time
    between two rounds, where not the usual; ``is_person_needed``: somebody must settle something.
    """

    name: str
    script: tuple[str, ...] = ()
    told: str = ""
    patience: float | None = None
    sri_clock: timedelta = NO_SKEW
    own_clock: timedelta = NO_SKEW
    pause: timedelta | None = None
    is_person_needed: bool = False


def _of(service: str, name: str, *kinds: str) -> tuple[Behaviour, ...]:
    return tuple(Behaviour(f"{kind}, {name}", (f"{kind}@{service}x1",)) for kind in kinds)


WIRE = ("drop-before", "drop-after", "truncated", "garbage", "http500", "soap-fault", "html403")
BEHAVIOURS = (
    Behaviour("time-out before receipt", ("timeout-before@recepcionx1",), patience=2.0),
    Behaviour("time-out after receipt", ("timeout-after@recepcionx1",), patience=2.0),
    *_of("recepcion", "reception", *WIRE),
    Behaviour("slow", ("slow:0.3@recepcionx1", "slow:0.3@autorizacionx1")),
    Behaviour("RECIBIDA without authorization", ("silent@autorizacionx3",)),
    Behaviour("RECIBIDA, then forgotten", ("lost@recepcionx1",), pause=HOURS),
    Behaviour("in process for hours", ("in-process:8x1",), pause=timedelta(hours=1)),
    Behaviour(
        "43",
        ("drop-after@recepcionx1", "truncated@autorizacionx1", "silent@autorizacionx2"),
        told="43",
    ),
    Behaviour("43 of what is not there", ("return:43@recepcionx1",), told="43", pause=HOURS),
    Behaviour("70", ("drop-after@recepcionx1", "silent@autorizacionx2"), told="70"),
    Behaviour("45", ("return:45@recepcionx2",), told="45", is_person_needed=True),
    Behaviour("50", ("return:50@recepcionx1",), told="50"),
    Behaviour("several authorizations", ("several@autorizacionx2",)),
    Behaviour("time-out, authorization", ("timeout-after@autorizacionx1",), patience=2.0),
    *_of("autorizacion", "authorization", *WIRE),
    Behaviour(
        "SRI's clock a day behind", sri_clock=-timedelta(days=1), told="65", is_person_needed=True
    ),
    Behaviour("SRI's clock three hours ahead", sri_clock=timedelta(hours=3)),
    Behaviour(
        "our clock two hours ahead", own_clock=timedelta(hours=2), told="39", is_person_needed=True
    ),
)

_KEPT = "SRI has kept it and did not say so: it is asked for, found, and never sent again"
#: What cannot happen: a yes to a delivery, where the only delivery there may be has lost its answer.
CANNOT = {
    ("sri.after_send", name): _KEPT
    for name in (
        "time-out after receipt",
        "drop-after, reception",
        "truncated, reception",
        "garbage, reception",
    )
}


class InOrder(FaultPlan):
    """A script whose faults wait for each other: a later one is not met before the earlier is used up."""

    def decide(self, service: str, clave: str, now: datetime) -> Fault | None:
        """The fault of this call; the first of the script or none."""
        if self.script and not self.script[0].applies(service):
            return None
        return super().decide(service, clave, now)

    def learn(self, behaviour: Behaviour) -> None:
        """Misbehave so from now on."""
        self.script = [Fault.parse(one) for one in behaviour.script]

    def has_shown(self, behaviour: Behaviour) -> bool:
        """Was it met? All of a script of several; at least once where it may come several times."""
        wanted = [Fault.parse(one) for one in behaviour.script]
        return not self.script if len(wanted) > 1 else not wanted or self.script != wanted


class Listening(Engine):
    """An SRI whose refusals are counted by code."""

    def __init__(self, policy: object) -> None:
        super().__init__(policy)  # type: ignore[arg-type]
        self.told: Counter[str] = Counter()

    def receive(self, content: bytes, now: datetime, script: Script = NOTHING) -> Reception:
        """As SRI, with its code noted."""
        answer = super().receive(content, now, script)
        self.told.update(one.identificador for one in answer.messages)
        return answer

    def authorize(self, clave: str, now: datetime, script: Script = NOTHING) -> tuple[Entry, ...]:
        """As SRI, with the code of the latest delivery noted."""
        entries = super().authorize(clave, now, script)
        if entries and not script.several:
            self.told.update(one.identificador for one in entries[-1].messages)
        return entries
