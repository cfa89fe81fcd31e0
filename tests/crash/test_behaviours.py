"""The crash matrix has a column for everything that the simulator can do wrong, and no row twice."""

from __future__ import annotations

from datetime import UTC, datetime

from plugins.einvoice_sri.simulator.faults import KINDS, Fault
from tests.crash.arena import STEPS
from tests.crash.behaviours import BEHAVIOURS, CANNOT, InOrder

NOW = datetime(2026, 4, 25, 13, 0, tzinfo=UTC)


def test_the_matrix_has_every_fault_and_every_code_of_the_list():
    kinds = {Fault.parse(one).kind for behaviour in BEHAVIOURS for one in behaviour.script}
    assert kinds == {*KINDS} - {"refuse"}  # a refusal comes of itself, from the clock that is wrong
    assert {one.told for one in BEHAVIOURS} == {"", "39", "43", "45", "50", "65", "70"}
    assert sum(1 for one in BEHAVIOURS if one.sri_clock or one.own_clock) == 3


def test_names_are_names():
    names = [one.name for one in BEHAVIOURS]
    assert len({*names}) == len(names)
    assert {step for step, _name in CANNOT} <= {*STEPS}
    assert {name for _step, name in CANNOT} <= {*names}


def test_faults_of_a_script_wait_for_each_other():
    (forty_three,) = (one for one in BEHAVIOURS if one.name == "43")
    plan = InOrder()
    plan.learn(forty_three)
    asked = (
        "autorizacion",
        "recepcion",
        "autorizacion",
        "autorizacion",
        "recepcion",
        "autorizacion",
    )
    met = [plan.decide(service, "k", NOW) for service in asked]
    kinds = [one.kind if one else "" for one in met]
    assert kinds == ["", "drop-after", "truncated", "silent", "", "silent"]
    assert plan.has_shown(forty_three)
