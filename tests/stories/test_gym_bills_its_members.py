"""A gym bills its own members by the same calendar, with licensing switched off; a crash loses nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from core import plugins, settings
from core.adapters.clock import at_local
from core.app import create_app
from core.contracts.sales import CustomerData, PaymentAllocation, PaymentData
from core.contracts.services import CustomerDirectory, InvoiceIssuing, PaymentRecording
from core.db.session import tenant_work
from core.models import StoredEvent
from plugins.billing import jobs as billing_jobs
from plugins.billing.cli import bench_rows
from plugins.billing.models import Charge, Subscription
from plugins.billing.services import due, plans, read_subscriptions, run_billing, subscribe
from plugins.einvoice_sri.models.documents import FiscalDocument
from tests.factories.sri import give_certificate, simulated, simulator

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


def test_reminders_reports_suspension_documents_and_pages_without_licensing(
    tenant, clock, without_licensing, outbox, drain, sign_in, post
):
    """The gym's own P12, calendar, mails and «Ya pagué», on a site that has no page of licences."""
    site = create_app(settings.current(), without_licensing).test_client()
    clock.set(at_local(date(2026, 5, 12), 9))
    give_certificate(tenant, clock.now())
    with tenant_work(tenant.id) as session:
        plan = plans.create_plan(
            session, code="MES", name="Mensualidad", price=Decimal("30.00"), tax_code="4",
            now=clock.now(),
        )  # fmt: skip
        [ana] = plugins.service(CustomerDirectory).ensure(
            session, [CustomerData("06", "AA1001", "Ana Torres", "ana@example.com", "Quito")]
        )
        member = subscribe.subscribe(
            session, plan_id=plan, customer_id=ana, start_on=date(2026, 5, 12), now=clock.now()
        )
        [first] = plugins.service(InvoiceIssuing).open_for(session, ana)
        paid = PaymentData(
            customer_id=ana, method="transfer", amount=first.balance, value_on=clock.today(),
            allocations=(PaymentAllocation(first.id, first.balance),), idempotency_key="p-1",
            bank="Banco Pichincha", reference="1",
        )  # fmt: skip
        plugins.service(PaymentRecording).record(session, paid, now=clock.now())

    def standing() -> str:
        with tenant_work(tenant.id) as session:
            view = read_subscriptions.read_subscription(session, member, on=clock.today())
        return str(view.standing.state)

    def live(day: str) -> None:
        """Midnight's sweep, the run of 02:00, the mails of 07:00, and what the workers make of it."""
        for hour, minute, work in (
            (0, 5, billing_jobs.sweep_all), (2, 0, billing_jobs.run_all), (7, 0, billing_jobs.mail_all),
        ):  # fmt: skip
            clock.set(at_local(date.fromisoformat(day), hour, minute))
            work({}, clock.now())
            drain()
        clock.set(at_local(date.fromisoformat(day), 9))

    sri = simulator()
    sri.clock = clock.now
    with simulated(sri):
        drain()
        live("2026-05-25")
        for day in ("2026-05-31", "2026-06-05", "2026-06-06", "2026-06-10"):
            live(day)
            assert standing() == "due", day  # paid to 10 June: never blocked inside paid days (R8)
        live("2026-06-11")
        assert standing() == "suspended"
        with tenant_work(tenant.id) as session:
            states = session.scalars(select(FiscalDocument.state)).all()
    assert states == ["authorized", "authorized"]
    told = [
        one.subject for one in outbox.to("ana@example.com") if "001-002-000000002" in one.subject
    ]
    for part in ("vence el 05/06/2026", "vence hoy", "venció ayer", "está suspendido"):
        assert any(part in one for one in told), (part, told)

    # Ana reports from the mail, without an account, and trains again
    mail = next(one for one in reversed(outbox.to("ana@example.com")) if "/pagar/" in one.text)
    path = re.search(r"/pagar/[0-9a-f-]+/[0-9a-f-]+/[0-9a-f]+", mail.text)[0]
    fields = dict(
        re.findall(r'type="hidden"[^>]*name="(\w+)"[^>]*value="([^"]*)"', site.get(path).text)
    )
    fields |= {"bank": "Pichincha", "reference": "77", "value_on": "2026-06-11", "amount": "23,00"}
    fields |= {"invoice_id": path.split("/")[3], "report_key": "k-1"}
    fields.pop("csrf_token", None)
    assert post(site, path, **fields).status_code == 200
    drain()
    assert standing() in ("current", "due", "reported")

    sign_in(site, tenant, "owner")
    page = site.get(f"/billing/subscriptions/{member}")
    assert page.status_code == 200
    assert "Ana Torres" in page.text
    assert "Mi licencia" not in page.text
    for path in ("/", "/billing/subscriptions/", "/billing/runs/", "/billing/charts/"):
        assert site.get(path).status_code == 200, path
    for path in ("/licence", "/licence/data", "/portfolio", "/office/licences", "/support"):
        assert site.get(path).status_code == 404, path


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
            select(func.jsonb_array_elements_text(StoredEvent.payload["invoice_ids"])).where(
                StoredEvent.name == "InvoicesIssued"
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
