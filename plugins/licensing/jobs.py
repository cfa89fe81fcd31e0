"""Work of licensing for the workers and the calendar."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import runtime
from core.adapters.clock import to_local_date
from core.contracts.hooks import Task
from core.contracts.ports import MailError
from core.contracts.schedule import Schedule
from core.db.session import tenant_work, unit_of_work
from core.errors import TryLater
from core.models import Tenant
from plugins.licensing.services import (
    bill_tickets,
    contracts,
    follow_plan,
    letters,
    publish,
    republish,
    sweep,
    unpaid,
)


def run_sweep(args: dict[str, Any], now: datetime) -> None:
    """Task ``licensing.sweep``: plans whose day has come, and the turns of today."""
    operator = _operator()
    if operator is not None:
        with tenant_work(operator) as session:
            follow_plan.follow_due(session, now=now)
    sweep.start_sweep(now)


def refresh_clients(args: dict[str, Any], now: datetime) -> None:
    """Task ``licensing.refresh``: record the turns of some clients."""
    sweep.refresh_clients([UUID(one) for one in args["tenants"]], now)


def run_day_25(args: dict[str, Any], now: datetime) -> None:
    """Task ``licensing.day_25``: who is left out (R15), transfers, and support hours to be invoiced. Caught
    up late, who is left out is asked of the 25th that was missed.
    """
    operator = _operator()
    if operator is None:
        return
    with tenant_work(operator) as session:
        unpaid.note_left_out(session, on=_day(args, now), now=now)
        contracts.carry_out_transfers(session, on=to_local_date(now), now=now)
        bill_tickets.bill_tickets(session, now=now)


def tell_contracts(args: dict[str, Any], now: datetime) -> None:
    """Task ``licensing.republish``: contracts as they stand, with the vendor's settings of now."""
    operator = _operator()
    if operator is not None:
        with tenant_work(operator) as session:
            after = UUID(args["after"]) if args["after"] else None
            republish.republish(session, after=after, now=now)


def offer_plans(args: dict[str, Any], now: datetime) -> None:
    """Task ``licensing.offer_plans``: tell distributors which plans are on offer."""
    operator = _operator()
    if operator is not None:
        with tenant_work(operator) as session:
            publish.publish_offers(session, now=now)


def send_letter(args: dict[str, Any], now: datetime) -> None:
    """Task ``licensing.mail``: write and send a letter; a repeat sends the same mail."""
    address = runtime.current().settings.address
    with tenant_work(UUID(args["tenant"])) as session:
        mail = letters.write_letter(
            session,
            args["letter"],
            key=args["key"],
            address=address,
            about=args.get("about"),
            now=now,
        )
    if mail is None:
        return
    try:
        runtime.mailer().send(mail)
    except MailError as error:
        if not error.permanent:
            raise TryLater(str(error), seconds=60) from error


def _day(args: dict[str, Any], now: datetime) -> date:
    """The day that a schedule was due, or today's."""
    return to_local_date(datetime.fromisoformat(args["due_at"]) if "due_at" in args else now)


def _operator() -> UUID | None:
    with unit_of_work() as session:
        found: UUID | None = session.scalar(select(Tenant.id).where(Tenant.kind == "operator"))
    return found


TASKS = (
    Task("licensing.sweep", run_sweep, max_attempts=5),
    Task(sweep.REFRESH, refresh_clients, max_attempts=10),
    Task("licensing.day_25", run_day_25, max_attempts=10),
    Task(republish.REPUBLISH, tell_contracts, max_attempts=10),
    Task("licensing.offer_plans", offer_plans, max_attempts=5),
    Task("licensing.mail", send_letter, max_attempts=20),
)
SCHEDULES = (
    Schedule("licensing.sweep", "licensing.sweep", at="00:05"),
    Schedule("licensing.day_25", "licensing.day_25", at="01:30", days=(25,)),
    Schedule("licensing.offer_plans", "licensing.offer_plans", at="05:00", catch_up=False),
)
