"""A gym that bills its members: plans, members, and what it has invoiced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import plugins
from core.adapters.clock import at_local
from core.contracts.sales import CustomerData, InvoiceSnapshot, PaymentAllocation, PaymentData
from core.contracts.services import CustomerDirectory, InvoiceIssuing, PaymentRecording
from core.db import events
from core.db.session import tenant_work
from core.models import StoredEvent
from plugins.billing.models import Charge, Subscription
from plugins.billing.services import plans, run_billing, subscribe, sweep_day
from plugins.billing.services.reactions import LISTENS_TO
from plugins.billing.services.run_batches import RunResult

CEDULAS = ("1710034065", "0926687856", "1104680138", "0102030405", "1713175071")


@dataclass
class Gym:
    """A company under test with short words for what its people do."""

    id: UUID
    clock: Any
    customers: int = 0

    def on(self, day: str, hour: int = 9) -> datetime:
        """Set the clock to a day in Guayaquil; the instant."""
        now = at_local(date.fromisoformat(day), hour)
        self.clock.set(now)
        return now

    def plan(self, price: str = "30.00", code: str = "MES", **more: Any) -> UUID:
        with tenant_work(self.id) as session:
            return plans.create_plan(
                session,
                code=code,
                name=more.pop("name", f"Plan {code}"),
                price=Decimal(price),
                tax_code="4",
                now=self.clock.now(),
                valid_from=date(2020, 1, 1),
                **more,
            )

    def customer(self, email: str = "") -> UUID:
        self.customers += 1
        number = f"{self.customers:06d}"
        with tenant_work(self.id) as session:
            made = plugins.service(CustomerDirectory).ensure(
                session,
                [
                    CustomerData(
                        "06",
                        f"P{number}",
                        f"Socio {number}",
                        email or f"socio{number}@example.com",
                        "Quito",
                    )
                ],
            )
        return made[0]

    def subscribe(self, plan_id: UUID, customer_id: UUID | None = None, **more: Any) -> UUID:
        now = self.clock.now()
        with tenant_work(self.id) as session:
            return subscribe.subscribe(
                session,
                plan_id=plan_id,
                customer_id=customer_id or self.customer(),
                start_on=more.pop("start_on", None) or self.clock.today(),
                now=now,
                **more,
            )

    def run(self, on: str = "", **more: Any) -> RunResult:
        day = date.fromisoformat(on) if on else self.clock.today()
        return run_billing.run_billing(self.id, on=day, now=self.clock.now(), **more)

    def sweep(self) -> Any:
        return sweep_day.sweep_day(self.id, on=self.clock.today(), now=self.clock.now())

    def subscription(self, subscription_id: UUID) -> Subscription:
        with tenant_work(self.id) as session:
            return session.get_one(Subscription, subscription_id)

    def charges(self, subscription_id: UUID | None = None) -> list[Charge]:
        query = select(Charge).order_by(Charge.issued_on, Charge.period_start, Charge.id)
        if subscription_id:
            query = query.where(Charge.subscription_id == subscription_id)
        with tenant_work(self.id) as session:
            return list(session.scalars(query))

    def invoice(self, invoice_id: UUID) -> InvoiceSnapshot:
        with tenant_work(self.id) as session:
            found = plugins.service(InvoiceIssuing).snapshots(session, [invoice_id], lines=True)
        return found[invoice_id]

    def invoice_state(self, invoice_id: str) -> str:
        """The state of an invoice named by the text of its id."""
        return self.invoice(UUID(invoice_id)).state

    def pay(self, invoice_id: UUID, amount: str = "") -> None:
        """Record a transfer over the invoice and let everybody hear of it."""
        invoice = self.invoice(invoice_id)
        paid = Decimal(amount) if amount else invoice.balance
        with tenant_work(self.id) as session:
            plugins.service(PaymentRecording).record(
                session,
                PaymentData(
                    customer_id=invoice.customer_id,
                    method="transfer",
                    amount=paid,
                    value_on=self.clock.today(),
                    allocations=(PaymentAllocation(invoice_id, paid),),
                    idempotency_key=f"pay-{invoice_id}-{paid}",
                    bank="Banco Pichincha",
                    reference="1",
                ),
                now=self.clock.now(),
            )
        self.hear()

    def hear(self) -> None:
        """Let billing hear what has happened, as its jobs do (the others' jobs stay in the queue)."""
        with tenant_work(self.id) as session:
            known = select(StoredEvent.id).where(
                StoredEvent.name.in_([one.__name__ for one in LISTENS_TO])
            )
            ids = [str(one) for one in session.scalars(known)]
        events.handle_events(
            {"tenant": str(self.id), "subscriber": "billing", "events": ids}, self.clock.now()
        )

    def pay_all(self) -> None:
        open_ids = [one.invoice_id for one in self.charges() if one.state == "open"]
        for invoice_id in dict.fromkeys(filter(None, open_ids)):  # one may charge several
            self.pay(invoice_id)


@pytest.fixture
def make_gym(clock) -> Callable[[Any], Gym]:
    """A gym over a tenant."""
    return lambda tenant: Gym(tenant.id, clock)


@pytest.fixture
def gym(tenant, make_gym) -> Gym:
    """A gym on 2026-03-12."""
    made = make_gym(tenant)
    made.on("2026-03-12")
    return made
