"""What the benchmark works on: an issuer with many subscriptions, and the plain COPY to compare with."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Table

from core import plugins
from core.contracts.sales import CustomerData
from core.contracts.services import CustomerDirectory
from core.db.bulk import copy_rows
from core.db.session import tenant_work
from core.ids import new_id
from core.services.companies import add_branch, add_issue_point, create_tenant
from plugins.billing.domain.calendar import BillingCalendar
from plugins.billing.domain.policy import BASES
from plugins.billing.models import Subscription
from plugins.billing.services.plans import create_plan

CHUNK = 2000
PLANS = (("BASICO", "30.00"), ("MEDIO", "19.99"), ("PLENO", "24.90"))
COLUMNS = (
    "id",
    "tenant_id",
    "created_at",
    "customer_id",
    "plan_id",
    "quantity",
    "price",
    "basis",
    "start_on",
    "renews",
    "on_credit",
    "tells_turns",
    "state",
    "invoiced_through",
    "next_period_start",
    "next_issue_on",
)


def make_issuer(now: datetime) -> UUID:
    """A company with an emission point for runs."""
    tenant = create_tenant(
        tax_id="1790012345001",
        name="Prueba de carga S.A.",
        kind="operator",
        now=now,
        profile={"head_office_address": "Quito"},
    )
    with tenant_work(tenant) as session:
        branch = add_branch(session, code="901", name="Carga", address="Quito")
        add_issue_point(session, branch_id=branch, code="902", purpose="run")
    return tenant


def make_subscriptions(tenant: UUID, count: int, run_on: date, *, now: datetime) -> None:
    """``count`` customers with one subscription each: mixed start days, bases and three plans, all due."""
    with tenant_work(tenant) as session:
        plan_ids = [
            create_plan(
                session,
                code=code,
                name=f"Plan {code.title()}",
                price=Decimal(price),
                tax_code="4",
                now=now,
                valid_from=date(2020, 1, 1),
            )
            for code, price in PLANS
        ]
    starts = _starts(run_on)
    table = Subscription.__table__
    assert isinstance(table, Table)
    for begin in range(0, count, CHUNK):
        numbers = range(begin, min(begin + CHUNK, count))
        with tenant_work(tenant) as session:
            customers = plugins.service(CustomerDirectory).ensure(
                session,
                [
                    CustomerData(
                        "06", f"C{n:09d}", f"Cliente {n}", f"c{n}@example.com", "Quito", "022000000"
                    )
                    for n in numbers
                ],
            )
            rows = []
            for n, customer in zip(numbers, customers, strict=True):
                start, first, issue = starts[n % len(starts)]
                rows.append(
                    (
                        new_id(),
                        tenant,
                        now,
                        customer,
                        plan_ids[n % 3],
                        1,
                        Decimal(PLANS[n % 3][1]),
                        BASES[n % 4],
                        start,
                        True,
                        False,
                        True,
                        "active",
                        first - timedelta(days=1),
                        first,
                        issue,
                    )
                )
            copy_rows(session, table, COLUMNS, rows)


def _starts(run_on: date) -> list[tuple[date, date, date]]:
    """(contract date, period start, issue date) of contracts of the year before with one invoice on ``run_on``."""
    calendar = BillingCalendar()
    found = []
    for n in range(1, 366):
        start = run_on - timedelta(days=n)
        due = [span for span in calendar.schedule(start, 16) if span.issue_on == run_on]
        found += [(start, span.first, span.issue_on) for span in due[:1] if len(due) == 1]
    return found


def settle(owner_url: str) -> None:
    """Fresh statistics of the tables that have rows: autovacuum does not visit the others."""
    with _owner(owner_url) as connection:
        for name, rows in row_counts(owner_url).items():
            if rows:
                connection.execute(sql.SQL("VACUUM ANALYZE {}").format(_identifier(name)))


def server_pid(owner_url: str) -> int:
    """The process of the server: the parent of the one that serves this connection."""
    with _owner(owner_url) as connection:
        backend = connection.info.backend_pid
        words = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()
        return int(words[1])


def row_counts(owner_url: str) -> dict[str, int]:
    """Rows of every table, by qualified name."""
    with _owner(owner_url) as connection:
        return {
            name: connection.execute(
                sql.SQL("SELECT count(*) FROM {}").format(_identifier(name))
            ).fetchone()[0]  # type: ignore[index]
            for name in _tables(connection)
        }


def plain_copy(owner_url: str, before: Mapping[str, int], written: Mapping[str, int]) -> float:
    """Seconds of a plain COPY, by the owner, of the same rows into identical tables with the same indexes."""
    seconds = 0.0
    with _owner(owner_url) as connection:
        for name, rows in written.items():
            source, target = _identifier(name), sql.Identifier("copy_of", name.split(".")[1])
            connection.execute("CREATE SCHEMA IF NOT EXISTS copy_of")
            connection.execute(
                sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(target, source)
            )
            newest = sql.SQL("SELECT * FROM {} ORDER BY id DESC LIMIT {}").format(
                source, sql.Literal(rows)
            )
            with connection.cursor().copy(sql.SQL("COPY ({}) TO STDOUT").format(newest)) as out:
                blocks = list(_blocks(out))
            started = time.perf_counter()
            with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(target)) as into:
                for block in blocks:
                    into.write(block)
            seconds += time.perf_counter() - started
    return seconds


def _blocks(out: Any) -> Iterator[bytes]:
    held = bytearray()
    for block in out:
        held += block
        if len(held) > 65_536:
            yield bytes(held)
            held.clear()
    yield bytes(held)


def _tables(connection: psycopg.Connection[Any]) -> list[str]:
    rows = connection.execute(
        "SELECT schemaname || '.' || tablename FROM pg_tables"
        " WHERE schemaname IN ('public', 'procrastinate') ORDER BY 1"
    )
    return [row[0] for row in rows]


def _identifier(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split("."))


def _owner(owner_url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(owner_url.replace("+psycopg", ""), autocommit=True)
