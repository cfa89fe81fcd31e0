"""One field of the crash matrix: a sale, a behaviour, a kill at a step, recovery, and what must hold."""

from __future__ import annotations

from plugins.einvoice_sri.simulator.rules import Policy
from plugins.einvoice_sri.simulator.site import Site
from tests.crash.arena import KILLED, Arena
from tests.crash.behaviours import CANNOT, Behaviour, InOrder, Listening
from tests.factories.sri import SettableClock, authority

ARMED_ROUNDS = 40


def strict_simulator() -> Site:
    """A simulator whose faults come in order and whose refusals are counted."""
    engine = Listening(Policy(trusted=authority().trusted, max_age_days=None))
    return Site(engine, InOrder(), SettableClock(), authority())


def cross(place: Arena, number: int, step: str, behaviour: Behaviour) -> int:
    """Sell ``number``, kill at ``step`` while SRI behaves so, recover; how often it was killed.

    The kill stays armed, round after round, until the step is reached; a behaviour may put it off.
    """
    plan, engine = place.site.plan, place.site.engine
    assert isinstance(plan, InOrder)
    assert isinstance(engine, Listening)
    told, settled, killed = engine.told[behaviour.told], place.settled, 0
    where = f"{step} x {behaviour.name}"
    plan.learn(behaviour)
    place.behave(behaviour)
    place.request([number])
    for _ in range(ARMED_ROUNDS):
        if place.emit(failpoint=step) == KILLED:
            assert place.reached() == step, where
            killed += 1
            break
        if not place.open_count():
            break
        place.recover()
        if behaviour.is_person_needed:
            place.settled += place.settle()
    assert killed == (0 if (step, behaviour.name) in CANNOT else 1), where
    place.finish()
    assert plan.has_shown(behaviour), where
    assert not behaviour.told or engine.told[behaviour.told] > told, where
    assert not behaviour.is_person_needed or place.settled > settled, where
    plan.learn(Behaviour(""))
    place.check(number)
    return killed
