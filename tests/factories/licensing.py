"""A vendor with a plan and two distributors, as every licence story needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.adapters.clock import FixedClock, at_local
from core.db.scope import Scope
from core.db.session import unit_of_work
from core.models import Tenant
from core.services import settings
from plugins.billing.services.plans import create_plan
from plugins.billing.services.run_billing import run_billing
from plugins.licensing import jobs
from plugins.licensing.models import Licence, PortfolioClient
from plugins.licensing.services import keep_distributors, publish, sell_licences
from plugins.licensing.services.decide_access import decide_access
from plugins.licensing.services.keep_licence import read_invoices
from plugins.licensing.services.report_payment import ReportData, report_payment
from plugins.licensing.services.sell_licences import Money, NewClient
from plugins.licensing.services.standing import read_standing

OWNER = {
    "identification": "1710034065",
    "first_name": "Ana",
    "last_name": "Pérez",
    "email": "ana@gimnasio.ec",
    "phone": "0991234567",
}
CLIENT_RUC = "1792205859001"
ISSUE = "sales.invoice:issue"


@dataclass
class Vendor:
    """The operator, its distributors, and the verbs of a story."""

    operator: Any
    north: Any
    south: Any
    plan_id: UUID
    clock: FixedClock
    drain: Callable[..., int]

    def at(self, day: str, hour: int = 8, minute: int = 0) -> datetime:
        """Move the clock to a local time and let the workers do what waits."""
        self.clock.set(at_local(date.fromisoformat(day), hour, minute))
        self.drain()
        return self.clock.now()

    def night(self, day: str) -> None:
        """What the calendar starts at 00:05, and what follows from it."""
        jobs.run_sweep({}, self.at(day, 0, 5))
        self.drain()

    def contract(
        self,
        *,
        distributor: Any = None,
        tax_id: str = CLIENT_RUC,
        name: str = "Gimnasio Andino",
        **owner: str,
    ) -> UUID:
        """A distributor contracts a client; its tenant."""
        wanted = NewClient(tax_id, name, "hola@gimnasio.ec", self.plan_id, OWNER | owner)
        with unit_of_work((distributor or self.north).scope) as session:
            sell_licences.create_client(session, wanted, now=self.clock.now())
        self.drain()
        with unit_of_work(Scope()) as session:
            return session.scalars(select(Tenant.id).where(Tenant.tax_id == tax_id)).one()

    def enable(
        self,
        client: UUID,
        *,
        distributor: Any = None,
        amount: str = "34.50",
        on_credit: bool = False,
    ) -> None:
        """The distributor confirms the money, or enables on credit."""
        money = Money(
            on_credit, Decimal(0 if on_credit else amount), bank="Pichincha", reference="TR-1"
        )
        with unit_of_work((distributor or self.north).scope) as session:
            row = session.scalars(
                select(PortfolioClient).where(PortfolioClient.client_tenant_id == client)
            ).one()
            sell_licences.enable_client(session, row, money, now=self.clock.now())
        self.drain()

    def run(self, day: str) -> None:
        """The day-25 run of the vendor."""
        now = self.at(day, 2)
        run_billing(self.operator.id, on=date.fromisoformat(day), now=now)
        jobs.run_day_25({}, now)
        self.drain()

    def report(self, client: UUID, amount: str = "34.50", **more: Any) -> UUID:
        """The client says it paid."""
        now = self.clock.now()
        given = {
            "bank": "Pichincha",
            "reference": f"R-{now.isoformat()}",
            "value_on": now.date(),
        } | more
        with unit_of_work(Scope(tenant_id=client)) as session:
            row = report_payment(session, ReportData(amount=Decimal(amount), **given), now=now)
            return row.id

    def state(self, client: UUID, now: datetime | None = None) -> str:
        """The state of the licence, from the client's own scope."""
        with unit_of_work(Scope(tenant_id=client)) as session:
            standing = read_standing(session, now=now or self.clock.now())
            return standing.state if standing else ""

    def may_issue(self, client: UUID, now: datetime | None = None) -> bool:
        """What the hook answers for issuing an invoice."""
        decision = decide_access(client, ISSUE, now or self.clock.now())
        return decision is None or decision.allowed

    def invoices(self, client: UUID) -> list[tuple[str, str, str, str]]:
        """(first day, last day, total, state) of the client's invoices, oldest first."""
        with unit_of_work(Scope(tenant_id=client)) as session:
            rows = read_invoices(session)
        return [
            (str(row.period_start), str(row.period_end), str(row.total), row.state)
            for row in reversed(rows)
        ]

    def licence(self, client: UUID) -> Licence:
        """The client's licence row."""
        with unit_of_work(Scope(tenant_id=client)) as session:
            return session.scalars(select(Licence)).one()

    def portfolio(self, distributor: Any) -> list[PortfolioClient]:
        """The rows of a distributor."""
        with unit_of_work(distributor.scope) as session:
            return list(session.scalars(select(PortfolioClient)))


def make_vendor(
    make_tenant: Callable[..., Any],
    clock: FixedClock,
    drain: Callable[..., int],
    day: str = "2026-03-10",
) -> Vendor:
    """A vendor on a day: plan of US$ 30.00 with two hours of support, limits of US$ 60 on credit."""
    clock.set(at_local(date.fromisoformat(day), 8))
    now = clock.now()
    operator = make_tenant("Yupana Servicios", kind="operator")
    north = make_tenant("Distribuidora Norte", kind="distributor")
    south = make_tenant("Distribuidora Sur", kind="distributor")
    with unit_of_work(operator.scope) as session:
        settings.write(
            session,
            "licensing.vendor_accounts",
            "Banco Pichincha, ahorros 2200112233, Yupana Servicios",
        )
        settings.write(
            session, "sales.mail_receipts", value=False
        )  # noise beside the licence's mails
        plan_id = create_plan(
            session,
            code="COMERCIO",
            name="Comercio",
            price=Decimal("30.00"),
            tax_code="4",
            now=now - timedelta(days=60),
            valid_from=date(2025, 1, 1),
        )
        keep_distributors.set_plan_terms(session, plan_id, included_minutes=120, entitlements={})
        for one in (north, south):
            keep_distributors.add_distributor(
                session,
                one.id,
                email="ventas@dist.ec",
                phone="022345678",
                credit_limit=Decimal(60),
                now=now,
            )
        publish.publish_offers(session, now=now)
    drain()
    return Vendor(operator, north, south, plan_id, clock, drain)
