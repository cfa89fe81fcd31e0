"""Between the last invoiced day and the run that invoices the next: who owes nothing goes on (R5, R13)."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from core.adapters.clock import at_local
from core.db.scope import Scope
from core.db.session import tenant_work, unit_of_work
from core.errors import DomainError
from plugins.billing.models import Subscription
from plugins.billing.services import read_subscriptions
from plugins.billing.services.sweep_day import sweep_day
from plugins.licensing import jobs
from plugins.licensing.models import QueuedReport
from plugins.licensing.services import come_back, queue
from tests.factories.licensing import make_vendor


def begun(make_tenant, clock, drain, day, **how):
    vendor = make_vendor(make_tenant, clock, drain, day)
    vendor.client_id = vendor.contract()
    vendor.enable(vendor.client_id, **how)
    return vendor


def midnight(vendor, day):
    """What 00:05 brings to the licence and to its subscription."""
    jobs.run_sweep({}, vendor.at(day, 0, 5))
    sweep_day(vendor.operator.id, on=date.fromisoformat(day), now=vendor.clock.now())
    vendor.drain()


def states(vendor) -> tuple[str, str]:
    """The licence, and its subscription as billing sees it."""
    with tenant_work(vendor.operator.id) as session:
        key = session.scalars(select(Subscription.id)).one()
        told = read_subscriptions.standings(session, [key], on=vendor.clock.today())
    return vendor.state(vendor.client_id), told[key].state


def test_a_bridge_that_is_issued_on_its_first_day_finds_an_open_licence(
    make_tenant, clock, drain, outbox
):
    """S = 2026-01-26 is paid to 02-24; the run of 02-25 (A-02) works at 02:00."""
    vendor = begun(make_tenant, clock, drain, "2026-01-26")
    midnight(vendor, "2026-02-25")
    assert states(vendor) == ("active", "current")
    assert vendor.may_issue(vendor.client_id, at_local(date(2026, 2, 25), 0, 1))
    vendor.run("2026-02-25")
    assert states(vendor) == ("due", "due")
    assert not [one for one in outbox.mails if "venci" in one.subject.lower()]


def test_a_missed_run_neither_expires_nor_charges_twice(make_tenant, clock, drain):
    """March is paid; the machines stood still from the 25th to 04-03 (R13: due five days later)."""
    vendor = begun(make_tenant, clock, drain, "2026-03-01")
    midnight(vendor, "2026-04-02")
    assert states(vendor) == ("active", "current")
    with pytest.raises(DomainError), unit_of_work(Scope(tenant_id=vendor.client_id)) as session:
        come_back.order_month(session, now=vendor.clock.now())  # the run would charge April as well
    vendor.run("2026-04-03")
    assert states(vendor) == ("due", "due")
    assert vendor.invoices(vendor.client_id)[1:] == [("2026-04-01", "2026-04-30", "34.50", "open")]


@pytest.mark.parametrize("told", ["2026-04-30", "2026-05-01"])
def test_who_was_left_out_and_reports_by_the_last_day_goes_on(make_tenant, clock, drain, told):
    """April is unpaid on 04-25; told on its last afternoon the run of 02:00 invoices May, later none (R11)."""
    vendor = begun(make_tenant, clock, drain, "2026-03-01")
    vendor.run("2026-03-25")
    vendor.run("2026-04-25")
    vendor.at("2026-04-30", 17)
    if told == "2026-04-30":
        vendor.report(vendor.client_id)
        vendor.drain()
    midnight(vendor, "2026-05-01")
    if told == "2026-05-01":
        assert states(vendor) == ("expired", "expired")
        vendor.report(vendor.client_id)
        vendor.drain()
    goes_on = told == "2026-04-30"
    assert states(vendor) == (("reported", "reported") if goes_on else ("expired", "expired"))
    vendor.run("2026-05-02")
    assert len(vendor.invoices(vendor.client_id)) == (3 if goes_on else 2)
    with unit_of_work(vendor.north.scope) as session:
        waiting = session.scalars(select(QueuedReport.report_id)).all()
        queue.confirm_reports(session, waiting, now=vendor.clock.now())
    vendor.drain()
    assert states(vendor) == (("due", "due") if goes_on else ("expired", "expired"))
