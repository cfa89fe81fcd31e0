"""A gym bills its own members by the same calendar, with licensing switched off; a crash loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select, text

from core import plugins
from core.adapters.clock import at_local
from core.contracts.sales import CustomerData
from core.contracts.services import CustomerDirectory, InvoiceIssuing
from core.db.session import tenant_work
from core.models import StoredEvent
from plugins.billing.cli import bench_rows
from plugins.billing.models import Charge, Subscription
from plugins.billing.services import due, plans, run_billing, subscribe

ROOT = Path(__file__).resolve().parents[2]
RUN_ON = date(2026, 3, 25)


@pytest.fixture
def without_licensing(host):
    """The site as a company runs it that sells no licences."""
    before = plugins.host()
    yield plugins.load(["sales", "billing", "einvoice_sri"])
    plugins._host = before


def test_a_gym_without_licensing(tenant, clock, without_licensing):
    assert "licensing" not in without_licensing
    clock.set(at_local(date(2026, 3, 12), 9))
    with tenant_work(tenant.id) as session:
        plan = plans.create_plan(
            session,
            code="MES",
            name="Mensualidad",
            price=Decimal("30.00"),
            tax_code="4",
            now=clock.now(),
        )
        (ana, luis) = plugins.service(CustomerDirectory).ensure(
            session,
            [
                CustomerData("06", "AA1001", "Ana Torres", "ana@example.com", "Quito"),
                CustomerData("06", "AA1002", "Luis Vera", "luis@example.com", "Quito"),
            ],
        )
        subscribe.subscribe(
            session, plan_id=plan, customer_id=ana, start_on=date(2026, 3, 12), now=clock.now()
        )
    clock.set(at_local(date(2026, 3, 25), 1))
    with tenant_work(tenant.id) as session:  # on the day of the run itself
        subscribe.subscribe(
            session, plan_id=plan, customer_id=luis, start_on=RUN_ON, now=clock.now()
        )
    clock.set(at_local(RUN_ON, 2))
    done = run_billing.run_billing(tenant.id, on=RUN_ON, now=clock.now())
    assert (done.invoices, str(done.amount)) == (2, "27.00")
    with tenant_work(tenant.id) as session:
        ids = list(session.scalars(select(Charge.invoice_id)))
        found = plugins.service(InvoiceIssuing).snapshots(session, ids, lines=True)
    firsts = sorted(
        (
            one.number,
            one.customer.legal_name,
            one.issued_on,
            str(one.total),
            one.lines[0].description,
        )
        for one in found.values()
        if one.number <= "001-002-000000002"
    )
    assert firsts == [
        (
            *("001-002-000000001", "Ana Torres", date(2026, 3, 12), "34.50"),
            "Mensualidad, del 12/03/2026 al 10/04/2026",
        ),
        (
            *("001-002-000000002", "Luis Vera", date(2026, 3, 25), "34.50"),
            "Mensualidad, del 25/03/2026 al 23/04/2026",
        ),
    ]
    bridges = sorted(
        (one.customer.legal_name, str(one.total), one.lines[0].description, one.due_on)
        for one in found.values()
        if one.number > "001-002-000000002"
    )
    assert bridges == [
        ("Ana Torres", "23.00", "Mensualidad, del 11/04/2026 al 30/04/2026", date(2026, 4, 5)),
        ("Luis Vera", "8.05", "Mensualidad, del 24/04/2026 al 30/04/2026", date(2026, 4, 5)),
    ]


def test_killed_in_the_middle_and_started_again(tenant, clock, database, tmp_path):
    """SIGKILL before the second batch commits: nothing is missing and nothing is twice."""
    now = at_local(RUN_ON, 2)
    clock.set(now)
    count = due.BATCH + 300
    bench_rows.make_subscriptions(tenant.id, count, RUN_ON, now=now)
    environment = os.environ | {
        "DATABASE_URL": database.runtime_url,
        "YUPANA_HOME": str(tmp_path / "home"),
        "YUPANA_FAILPOINT": "billing.batch_written:2",
    }
    command = ("billing", "run", "--on", RUN_ON.isoformat(), "--company", tenant.tax_id, "--json")
    killed = subprocess.run(
        [sys.executable, "-c", "from core.cli import main; main()", *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (tmp_path / "home" / "failpoint").read_text() == "billing.batch_written"
    with tenant_work(tenant.id) as session:
        first = Counter(session.scalars(select(Charge.subscription_id)))
    assert 0 < len(first) < count
    done = run_billing.run_billing(tenant.id, on=RUN_ON, now=now)
    assert done.invoices == count - len(first)
    with tenant_work(tenant.id) as session:
        charged = Counter(session.scalars(select(Charge.subscription_id)))
        everybody = set(session.scalars(select(Subscription.id)))
        invoices = set(session.scalars(select(Charge.invoice_id)))
        numbers = sorted(
            one.number
            for part in _parts(sorted(invoices))
            for one in plugins.service(InvoiceIssuing).snapshots(session, part).values()
        )
        told = session.scalars(
            select(StoredEvent.payload["invoice_id"].astext).where(
                StoredEvent.name == "InvoiceIssued"
            )
        ).all()
        requested = session.scalars(text("SELECT id FROM sri_document")).all()
    assert set(charged) == everybody
    assert set(charged.values()) == {1}
    assert numbers == [f"001-002-{n:09d}" for n in range(1, count + 1)]  # no gap, none twice
    assert sorted(told) == sorted(map(str, invoices))
    assert sorted(requested) == sorted(invoices)


def _parts(ids):
    return (ids[at : at + 500] for at in range(0, len(ids), 500))
