"""A large run: batches issued by processes beside, counted as if there were one, and by one when they die."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from uuid import UUID

import pytest
from sqlalchemy import select, text

from core.beside import ProcessEnded
from core.db.session import tenant_work
from plugins.billing.models import Run
from plugins.billing.services import run_beside, run_billing
from plugins.billing.services.run_billing import failures_of

MEMBERS, BATCH = 20, 3


@pytest.fixture
def members(gym, monkeypatch):
    """Subscriptions with something due, and a run that counts as large."""
    plan = gym.plan()
    found = [gym.subscribe(plan) for _ in range(MEMBERS)]
    gym.pay_all()
    gym.on("2026-03-25")
    monkeypatch.setattr(run_beside, "FROM", 1)
    monkeypatch.setattr(run_billing, "batch_size", lambda *_: BATCH)
    return found


@pytest.fixture
def beside(monkeypatch):
    """The subscriptions that the processes beside were given."""
    given: list[UUID] = []
    ask = run_beside.Beside.issue

    def issue(self, ids):
        given.extend(ids)
        return ask(self, ids)

    monkeypatch.setattr(run_beside.Beside, "issue", issue)
    return given


def numbers(gym) -> list[str]:
    with tenant_work(gym.id) as session:
        rows = session.execute(text("SELECT number FROM sales_invoice WHERE due_on = '2026-04-05'"))
        return sorted(row.number for row in rows)


def test_processes_beside_issue_and_the_run_counts_all(gym, members, beside):
    with tenant_work(gym.id) as session:  # its customer is gone: nothing can be invoiced to him
        session.execute(
            text("UPDATE billing_subscription SET customer_id = gen_random_uuid() WHERE id = :id"),
            {"id": members[7]},
        )
    told = []
    done = gym.run(progress=lambda *at: told.append(at))
    assert (done.seen, done.invoices, done.charges) == (MEMBERS, MEMBERS - 1, MEMBERS - 1)
    assert [one for one, _sentence in done.failures] == [members[7]]
    assert told[-1] == (MEMBERS, MEMBERS)
    assert beside, "the processes beside were given nothing"
    with tenant_work(gym.id) as session:
        row = session.scalars(select(Run)).one()
        assert (row.seen, row.invoices, row.state) == (MEMBERS, MEMBERS - 1, "done")
        assert [one for one, _ in failures_of(session, row.id)] == [members[7]]
    issued = numbers(gym)
    first = int(issued[0][-9:])
    assert [int(one[-9:]) for one in issued] == list(range(first, first + MEMBERS - 1))


def test_a_process_that_dies_costs_nothing_but_time(gym, members, monkeypatch):
    ask, killed = run_beside.Beside.issue, []

    def kill_and_ask(self, ids):
        with suppress(ProcessEnded):
            one = self.processes.call(os.getpid)
            killed.append(one)
            os.kill(one, signal.SIGKILL)
        return ask(self, ids)

    monkeypatch.setattr(run_beside.Beside, "issue", kill_and_ask)
    done = gym.run()
    assert killed
    assert done.failures == []
    assert len(numbers(gym)) == MEMBERS
    assert gym.run().seen == 0
