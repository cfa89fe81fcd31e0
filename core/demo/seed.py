"""Writes the demo into an empty installation: companies and people here, the rest by the plugins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import plugins
from core.contracts.ports import Clock
from core.contracts.sales import CustomerData
from core.db.scope import NOBODY, Scope
from core.db.session import tenant_work, unit_of_work
from core.demo import cast
from core.models import Tenant
from core.services import companies, people
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class DemoTenant:
    """A company that exists now, with branch 001, point 001 (till) and point 002 (run)."""

    key: str
    id: UUID
    kind: str
    tax_id: str
    name: str
    email: str
    branch_id: UUID
    till_id: UUID
    run_id: UUID


@dataclass(slots=True)
class DemoContext:
    """What the hook ``seed_demo`` gets. ``memo`` is shared by the plugins, in load order."""

    now: datetime
    settings: Settings
    clock: Clock
    operator: DemoTenant
    distributors: tuple[DemoTenant, ...]
    tenants: dict[str, DemoTenant]  # gym, school, shop
    people: dict[tuple[str, str], int]  # (company key, role) -> ab_user id
    receivers: Sequence[CustomerData] = cast.RECEIVERS
    password: str = cast.PASSWORD
    pin: str = cast.PIN
    memo: dict[str, Any] = field(default_factory=dict)

    @property
    def everyone(self) -> tuple[DemoTenant, ...]:
        """Operator, distributors and companies."""
        return (self.operator, *self.distributors, *self.tenants.values())

    @contextmanager
    def acting(self, tenant: DemoTenant | UUID) -> Iterator[Session]:
        """One transaction in the scope of a company."""
        with tenant_work(tenant if isinstance(tenant, UUID) else tenant.id) as session:
            yield session


def is_seeded() -> bool:
    """Whether the installation bound to this process has companies already."""
    with unit_of_work(NOBODY) as session:
        return session.scalar(select(Tenant.id).limit(1)) is not None


def seed(settings: Settings, clock: Clock) -> DemoContext:
    """Write core's part, then ask every plugin for its own (hook ``seed_demo``)."""
    now = clock.now()
    made = {company.key: _create(company, now) for company in cast.COMPANIES}
    context = DemoContext(
        now=now,
        settings=settings,
        clock=clock,
        operator=made[cast.OPERATOR.key],
        distributors=tuple(made[one.key] for one in cast.DISTRIBUTORS),
        tenants={one.key: made[one.key] for one in cast.TENANTS},
        people=_create_people(made, now),
    )
    plugins.call("seed_demo", context=context)
    return context


def _create(company: cast.Company, now: datetime) -> DemoTenant:
    tenant_id = companies.create_tenant(
        tax_id=company.tax_id,
        name=company.name,
        kind=company.kind,
        now=now,
        profile={
            "trade_name": company.trade_name,
            "head_office_address": company.address,
            "email": company.email,
            "phone": company.phone,
        },
    )
    with tenant_work(tenant_id) as session:
        branch = companies.add_branch(session, code="001", name="Matriz", address=company.address)
        till = companies.add_issue_point(session, branch, code="001", purpose="till", name="Caja")
        run = companies.add_issue_point(session, branch, code="002", purpose="run", name="Corrida")
    return DemoTenant(
        company.key,
        tenant_id,
        company.kind,
        company.tax_id,
        company.name,
        company.email,
        branch,
        till,
        run,
    )


def _create_people(made: dict[str, DemoTenant], now: datetime) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for player in cast.PEOPLE:
        with unit_of_work(NOBODY) as session:
            user_id = people.create_person(
                session,
                identification=player.identification,
                first_name=player.first_name,
                last_name=player.last_name,
                email=player.email,
                password=cast.PASSWORD,
                now=now,
            )
        for company, role in player.roles:
            with unit_of_work(Scope(tenant_id=made[company].id)) as session:
                people.add_member(session, user_id, role)
            found[company, role] = user_id
    return found
