"""A member of a gym from contract to re-entry: twelve months, month ends and a leap February.

Every step ends with the whole of what was invoiced, mailed and may be used; services and pages walk the
same story.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import plugins
from core.adapters.clock import at_local
from core.contracts.sales import CustomerData, PaymentAllocation, PaymentData
from core.contracts.services import CustomerDirectory, InvoiceIssuing, PaymentRecording
from core.db import events
from core.db.session import tenant_work
from core.models import StoredEvent
from plugins.billing import jobs as billing_jobs
from plugins.billing.models import Charge
from plugins.billing.services import (
    cancel,
    plans,
    read_subscriptions,
    run_billing,
    subscribe,
    sweep_day,
)
from plugins.billing.services.reactions import LISTENS_TO

MAIL = "rosa@example.com"


@dataclass
class Story:
    """The gym, its one member, and the clock."""

    tenant: UUID
    clock: Any
    outbox: Any
    member: UUID | None = None
    customer: UUID | None = None

    def on(self, day: str) -> None:
        """Live through a day: midnight's sweep, the run of 02:00, the mails of 07:00; then it is 09:00."""
        on = date.fromisoformat(day)
        self.clock.set(at_local(on, 0, 5))
        sweep_day.sweep_day(self.tenant, on=on, now=self.clock.now())
        self.clock.set(at_local(on, 2))
        run_billing.run_billing(self.tenant, on=on, now=self.clock.now())
        self.clock.set(at_local(on, 7))
        with tenant_work(self.tenant) as session:
            waiting = billing_jobs.mail_notices.waiting_notices(session, on=on)
        billing_jobs.mail_chunk(
            {"tenant": str(self.tenant), "notices": [str(one) for one in waiting]}, self.clock.now()
        )
        self.clock.set(at_local(on, 9))

    def hear(self) -> None:
        """Billing hears what sales told."""
        with tenant_work(self.tenant) as session:
            names = [one.__name__ for one in LISTENS_TO]
            ids = session.scalars(select(StoredEvent.id).where(StoredEvent.name.in_(names)))
            args = {
                "tenant": str(self.tenant),
                "subscriber": "billing",
                "events": [str(one) for one in ids],
            }
        events.handle_events(args, self.clock.now())

    def pay(self) -> None:
        """Everything open, by transfer."""
        with tenant_work(self.tenant) as session:
            for one in plugins.service(InvoiceIssuing).open_for(session, self.customer):
                payment = PaymentData(
                    customer_id=one.customer_id,
                    method="transfer",
                    amount=one.balance,
                    value_on=self.clock.today(),
                    allocations=(PaymentAllocation(one.id, one.balance),),
                    idempotency_key=f"pay-{one.id}",
                    bank="Banco Pichincha",
                    reference="77",
                )
                plugins.service(PaymentRecording).record(session, payment, now=self.clock.now())
        self.hear()

    def invoices(self) -> list[tuple[str, str, str, str, str, str, str]]:
        """(number, issued, due, text of the line, net, IVA, state) of every invoice, oldest first."""
        with tenant_work(self.tenant) as session:
            ids = [one for one in session.scalars(select(Charge.invoice_id)) if one is not None]
            found = plugins.service(InvoiceIssuing).snapshots(session, ids, lines=True)
        return [
            (
                one.number[-3:],
                one.issued_on.isoformat(),
                one.due_on.isoformat() if one.due_on else "",
                " + ".join(line.description for line in one.lines),
                str(one.subtotal),
                str(one.tax),
                one.state,
            )
            for one in sorted(found.values(), key=lambda invoice: invoice.number)
        ]

    def access(self) -> str:
        """Where the member stands now."""
        with tenant_work(self.tenant) as session:
            view = read_subscriptions.read_subscription(session, self.member, on=self.clock.today())
        return view.standing.state

    def mails(self) -> list[str]:
        """Subjects of billing's mails to the member since the last time somebody asked."""
        told = sorted(mail.subject for mail in self.outbox.mails if mail.to == MAIL)
        self.outbox.mails.clear()
        return [one for one in told if "Recibo" not in one]


def begin(tenant_id: UUID, clock: Any, outbox: Any) -> Story:
    """The contract of 31 October 2027 at US$ 24.90."""
    made = Story(tenant_id, clock, outbox)
    clock.set(at_local(date(2027, 10, 31), 9))
    with tenant_work(tenant_id) as session:
        plan = plans.create_plan(
            session,
            code="PASE",
            name="Pase mensual",
            price=Decimal("24.90"),
            tax_code="4",
            now=clock.now(),
        )
        made.customer = plugins.service(CustomerDirectory).ensure(
            session, [CustomerData("06", "AB12345", "Rosa Quispe", MAIL, "Quito")]
        )[0]
        made.member = subscribe.subscribe(
            session,
            plan_id=plan,
            customer_id=made.customer,
            start_on=date(2027, 10, 31),
            now=clock.now(),
        )
    return made


def walk(story: Story, see: Callable[[], None]) -> None:
    """From the contract to the second end; ``see`` is called at each step."""
    first = ("001", "2027-10-31", "", "Pase mensual, del 31/10/2027 al 29/11/2027", "24.90", "3.74")
    assert story.invoices() == [(*first, "issued")]
    see()
    story.pay()
    assert story.invoices() == [(*first, "paid")]
    assert story.access() == "current"
    see()

    # November: the bridge is the one day that is left of the month
    story.on("2027-11-25")
    bridge = (
        "002",
        "2027-11-25",
        "2027-12-05",
        "Pase mensual, del 30/11/2027 al 30/11/2027",
        "0.83",
        "0.12",
    )
    december = (
        "003",
        "2027-11-25",
        "2027-12-05",
        "Pase mensual, del 01/12/2027 al 31/12/2027",
        "24.90",
        "3.74",
    )
    assert story.invoices()[1:] == [(*bridge, "issued"), (*december, "issued")]
    assert story.access() == "due"
    see()
    for day in ("2027-11-30", "2027-12-04"):
        story.on(day)
    assert story.mails() == [
        "Su factura 001-002-000000002 vence el 05/12/2027",
        "Su factura 001-002-000000002 vence mañana",
        "Su factura 001-002-000000003 vence el 05/12/2027",
        "Su factura 001-002-000000003 vence mañana",
    ]
    story.pay()
    assert [one[-1] for one in story.invoices()] == ["paid", "paid", "paid"]
    see()
    story.on("2027-12-05")
    story.on("2027-12-06")
    assert (story.access(), story.mails()) == ("current", [])

    # the turn of the year and a February of 29 days: whole months at the same price
    for run, due, period in (
        ("2027-12-25", "2028-01-05", "01/01/2028 al 31/01/2028"),
        ("2028-01-25", "2028-02-05", "01/02/2028 al 29/02/2028"),
        ("2028-02-25", "2028-03-05", "01/03/2028 al 31/03/2028"),
    ):
        story.on(run)
        new = story.invoices()[-1]
        assert new[1:] == (run, due, f"Pase mensual, del {period}", "24.90", "3.74", "issued")
        see()
        story.pay()
    assert len(story.invoices()) == 6

    # April is not paid: served through March, blocked from the day after the 5th, no May invoice
    story.on("2028-03-25")
    assert story.invoices()[-1] == (
        *("007", "2028-03-25", "2028-04-05", "Pase mensual, del 01/04/2028 al 30/04/2028"),
        *("24.90", "3.74", "issued"),
    )
    story.mails()
    for day in ("2028-03-31", "2028-04-04", "2028-04-05"):
        story.on(day)
        assert story.access() == "due", day
    assert story.mails() == [
        "Su factura 001-002-000000007 vence el 05/04/2028",
        "Su factura 001-002-000000007 vence hoy",
        "Su factura 001-002-000000007 vence mañana",
    ]
    story.on("2028-04-06")
    assert story.access() == "suspended"
    see()
    assert sorted(story.mails()) == [
        "Su factura 001-002-000000007 venció ayer",
        "Su servicio está suspendido: factura 001-002-000000007",
    ]
    story.on("2028-04-25")
    assert len(story.invoices()) == 7  # R15
    see()
    story.on("2028-04-27")
    story.pay()
    assert story.access() == "current"
    see()

    # paid in time to go on: May is issued on the next day, with the real date and the same due date
    story.on("2028-04-28")
    assert story.invoices()[-1] == (
        *("008", "2028-04-28", "2028-05-05", "Pase mensual, del 01/05/2028 al 31/05/2028"),
        *("24.90", "3.74", "issued"),
    )
    see()
    story.pay()

    # June is paid, then a cancellation before the 25th: it runs to what is paid
    story.on("2028-05-25")
    story.pay()
    story.on("2028-06-10")
    story.mails()
    with tenant_work(story.tenant) as session:
        answer = cancel.cancel(session, story.member, now=story.clock.now())
    assert (answer.ends_on, answer.open_invoices) == (date(2028, 6, 30), ())
    see()
    story.on("2028-06-25")
    assert len(story.invoices()) == 9
    assert story.mails() == ["Su cancelación de Pase mensual"]
    story.on("2028-06-30")
    assert story.access() == "current"
    story.on("2028-07-01")
    assert (story.access(), story.mails()) == ("expired", ["Pase mensual terminó"])
    see()

    # back in mid-September for one month, without renewal
    story.on("2028-09-12")
    with tenant_work(story.tenant) as session:
        story.member = subscribe.reenter(
            session, story.member, start_on=date(2028, 9, 12), now=story.clock.now()
        )
    story.pay()
    assert story.invoices()[-1] == (
        *("010", "2028-09-12", "", "Pase mensual, del 12/09/2028 al 11/10/2028"),
        *("24.90", "3.74", "paid"),
    )
    see()
    story.on("2028-09-25")
    story.on("2028-10-11")
    assert (len(story.invoices()), story.access()) == (10, "current")
    story.on("2028-10-12")
    assert (story.access(), story.mails()) == ("expired", ["Pase mensual terminó"])
    see()
