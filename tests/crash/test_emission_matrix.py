"""The long form, ``make crash-test``: every step × every behaviour of SRI and the clocks, then 2,000
invoices with random kills and an SRI that fails three calls in ten. Prints the counts;
`docs/crash_matrix.md` keeps them.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.crash.arena import STEPS, Arena, arena
from tests.crash.behaviours import BEHAVIOURS, CANNOT
from tests.crash.crossing import cross, strict_simulator
from tests.factories.sri import give_certificate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.environ.get("YUPANA_CRASH") != "full", reason="make crash-test"),
]
BATCH = 100
ONCE_A_DOCUMENT = frozenset(
    f"sri.{one}"
    for one in (
        "after_sign",
        "before_send",
        "after_send",
        "before_ask",
        "after_ask",
        "before_mail",
        "after_mail",
    )
)
INVOICES = int(os.environ.get("YUPANA_CRASH_INVOICES", "2000"))


@pytest.fixture
def place(database, tenant, now, tmp_path) -> Iterator[Arena]:
    give_certificate(tenant, now)
    site = strict_simulator()
    with arena(
        tenant.scope, database.runtime_url, database.owner_url, site, tmp_path / "emitter", now
    ) as made:
        yield made


@pytest.mark.parametrize(
    "steps", [STEPS[:7], STEPS[7:]], ids=["until before_ask", "from after_ask"]
)
def test_every_step_by_every_behaviour(place, steps):
    killed: Counter[tuple[str, str]] = Counter()
    number = 0
    for step in steps:
        for behaviour in BEHAVIOURS:
            number += 1
            killed[step, behaviour.name] += cross(place, number, step, behaviour)
        tell({"step": step, "combinations": number, "killed": sum(killed.values())})
    every = {(step, behaviour.name) for step in steps for behaviour in BEHAVIOURS}
    assert {pair: count for pair, count in killed.items() if count} == dict.fromkeys(
        every - CANNOT.keys(), 1
    )
    found = place.check(number)
    counts = {"combinations": len(every), "killed once": sum(killed.values())}
    counts["cannot"] = len(every & CANNOT.keys())
    tell(
        {"matrix": f"{len(steps)} x {len(BEHAVIOURS)}", **counts, "settled": place.settled, **found}
    )


def test_two_thousand_invoices_with_random_kills(place):
    dice = random.Random(2026)
    place.site.plan.seed, place.site.plan.rate = 2026, 0.3
    began = time.monotonic()
    for start in range(1, INVOICES + 1, BATCH):
        place.request(range(start, min(start + BATCH, INVOICES + 1)))
        for _ in range(4):
            if dice.random() < 0.7:
                step = dice.choice(STEPS)
                nth = dice.randint(1, BATCH // 4) if step in ONCE_A_DOCUMENT else 1
                place.emit(failpoint=f"{step}:{nth}")
            else:
                place.emit(kill_after=dice.uniform(0.02, 2.0))
            place.recover()
    rounds = place.finish(rounds=80)
    found = place.check(INVOICES)
    spent = round(time.monotonic() - began)
    tell({"invoices": INVOICES, "rounds": rounds, "s": spent, **found})


def tell(counts: dict[str, object]) -> None:
    """One line of counts, also under pytest."""
    sys.stdout.write("\n" + json.dumps(counts) + "\n")
    sys.stdout.flush()
