"""The long form, ``make crash-test``: every step × every behaviour of SRI, then 2,000 invoices with
random kills and an SRI that fails three calls in ten. Prints the counts; `docs/crash_matrix.md` keeps them.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Iterator

import pytest

from plugins.einvoice_sri.simulator.faults import Fault
from tests.crash.arena import STEPS, Arena, arena
from tests.factories.sri import give_certificate, simulator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.environ.get("YUPANA_CRASH") != "full", reason="make crash-test"),
]
FAULTS = (
    "drop-before@recepcionx1",
    "drop-after@recepcionx1",
    "truncated@recepcionx1",
    "http500@recepcionx1",
    "soap-fault@recepcionx1",
    "html403@recepcionx1",
    "garbage@recepcionx1",
    "return:50@recepcionx1",
    "in-process:3x1",
    "several@autorizacionx2",
    "silent@autorizacionx2",
    "http500@autorizacionx2",
    "drop-before@autorizacionx2",
)
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
    site = simulator(max_age_days=None)
    with arena(
        tenant.scope, database.runtime_url, database.owner_url, site, tmp_path / "emitter", now
    ) as made:
        yield made


def test_every_step_by_every_fault(place):
    number = reached = 0
    for step in STEPS:
        for fault in FAULTS:
            number += 1
            place.site.plan.add(Fault.parse(fault))
            place.request([number])
            place.emit(failpoint=step)
            reached += place.reached() == step
            place.finish()
            place.site.plan.clear()
    found = place.check(number)
    tell({"matrix": f"{len(STEPS)} x {len(FAULTS)}", "reached": reached, **found})


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
