"""Never two, never none: the emitter is killed at each step, with SRI well and with SRI failing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plugins.einvoice_sri.simulator.faults import Fault
from tests.crash.arena import KILLED, STEPS, Arena, arena
from tests.crash.crossing import strict_simulator
from tests.factories.sri import give_certificate

pytestmark = pytest.mark.slow


@pytest.fixture
def place(database, tenant, now, tmp_path) -> Iterator[Arena]:
    give_certificate(tenant, now)
    site = strict_simulator()
    with arena(
        tenant.scope, database.runtime_url, database.owner_url, site, tmp_path / "emitter", now
    ) as made:
        yield made


def test_one_document_comes_out_of_a_kill_at_each_step(place):
    for number, step in enumerate(STEPS, start=1):
        place.request([number])
        assert place.emit(failpoint=step) == KILLED, step
        assert place.reached() == step
        place.finish()
        found = place.check(number)
        assert found["documents"] == number, step
    # only the kill between the server's yes and our note may repeat a mail
    assert place.verdict()["kills_between_data_and_commit"] == {"sri.after_mail": 1}
    assert place.verdict()["mail_repeats"] == 1


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_and_a_failing_sri_together(place, seed):
    place.site.plan.seed, place.site.plan.rate = seed, 0.3
    place.site.plan.mix = tuple(one for one in place.site.plan.mix if not one.startswith("slow"))
    place.request(range(1, 41))
    for nth, step in enumerate(STEPS[seed - 1 :: 3], start=2):
        place.emit(failpoint=f"{step}:{nth}")
        place.recover()
    assert place.kills
    place.finish()
    place.check(40)


def test_an_answer_lost_and_a_kill_before_it_is_noted(place):
    place.site.plan.add(Fault.parse("drop-after@recepcionx1"))
    place.request([1])
    assert place.emit(failpoint="sri.before_record") == KILLED
    assert len(place.site.engine.state.entries) == 1  # SRI has it, we do not know
    place.finish()
    place.check(1)
    assert place.site.engine.state.receptions == 1  # asked first, never sent again
