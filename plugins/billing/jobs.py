"""Work of billing for the workers, and when the calendar starts it (America/Guayaquil)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import jobs, runtime
from core.adapters.clock import to_local_date
from core.contracts.hooks import Task
from core.contracts.ports import MailError
from core.contracts.schedule import Schedule
from core.db.session import platform_scope, tenant_work, unit_of_work
from core.errors import TryLater
from core.mail_hours import MAILS_FROM
from plugins.billing.models import Notice, Subscription
from plugins.billing.services import cancel, gates, mail_notices, run_billing, subscribe, sweep_day

RUN, RUN_TENANT = "billing.run", subscribe.RUN_TENANT
SWEEP, SWEEP_TENANT = "billing.sweep", "billing.sweep_tenant"
MAIL, MAIL_TENANT, MAIL_CHUNK = "billing.mail", "billing.mail_tenant", cancel.MAIL_NOTICES
CHUNK = 200


def run_all(args: dict[str, Any], now: datetime) -> None:
    """Every day at 02:00: a run for each company with something due (the 25th has nearly all of it)."""
    on = _day(args, now)
    due = select(Subscription.tenant_id).where(
        Subscription.state == "active", Subscription.next_issue_on <= on
    )
    _for_each_tenant(due.distinct(), RUN_TENANT, {"on": on.isoformat()}, "billing run")


def run_tenant(args: dict[str, Any], now: datetime) -> None:
    """The run of one company. A suspended one issues nothing new: its run waits for its return."""
    tenant, on = UUID(args["tenant"]), date.fromisoformat(args["on"])
    if gates.refusal_to_run(tenant, now=now) is not None:
        return  # the daily run catches up
    with tenant_work(tenant) as session:
        if gates.read_environment(session) == gates.PRACTICE:
            return  # it catches up when practice ends
    run_billing.run_billing(tenant, on=on, now=now)


def sweep_all(args: dict[str, Any], now: datetime) -> None:
    """Every day at 00:05: record what turned at midnight."""
    on = _day(args, now)
    living = select(Subscription.tenant_id).where(Subscription.state != "ended").distinct()
    _for_each_tenant(living, SWEEP_TENANT, {"on": on.isoformat()}, "billing sweep")


def sweep_tenant(args: dict[str, Any], now: datetime) -> None:
    """The sweep of one company."""
    sweep_day.sweep_day(UUID(args["tenant"]), on=date.fromisoformat(args["on"]), now=now)


def mail_all(args: dict[str, Any], now: datetime) -> None:
    """Every day at 07:00: notices leave, of each company after its sweep where that was missed."""
    on = _day(args, now)
    waiting = select(Notice.tenant_id).where(Notice.mailed_at.is_(None))
    living = select(Subscription.tenant_id).where(Subscription.state != "ended")
    _for_each_tenant(waiting.union(living), MAIL_TENANT, {"on": on.isoformat()}, "billing mail")


def mail_tenant(args: dict[str, Any], now: datetime) -> None:
    """Sweep one company's day if nobody has, then cut its waiting notices into jobs of at most 200 mails."""
    tenant = UUID(args["tenant"])
    on = date.fromisoformat(args["on"]) if "on" in args else to_local_date(now)
    sweep_day.sweep_day(tenant, on=on, now=now)
    with tenant_work(tenant) as session:
        ids = mail_notices.waiting_notices(session, on=on)
        for at in range(0, len(ids), CHUNK):
            part = [str(one) for one in ids[at : at + CHUNK]]
            jobs.defer(session, MAIL_CHUNK, {"tenant": str(tenant), "notices": part})


def mail_chunk(args: dict[str, Any], now: datetime) -> None:
    """Send notices; each is held while it leaves and then marked, so a job beside or after this one
    sends only the rest.
    """
    tenant = UUID(args["tenant"])
    later: MailError | None = None
    for notice_id in (UUID(one) for one in args["notices"]):
        with tenant_work(tenant) as session:
            if not mail_notices.hold(session, notice_id):
                continue
            mail = mail_notices.compose_notice(session, notice_id, now=now)
            try:
                if mail is not None:
                    runtime.mailer().send(mail)
            except MailError as error:
                if not error.permanent:
                    later = error
                    continue
            mail_notices.mark_mailed(session, notice_id, now=now)
    if later is not None:
        raise TryLater(str(later), seconds=120) from later


def _day(args: dict[str, Any], now: datetime) -> date:
    """The day that a schedule was due, or today's."""
    return to_local_date(datetime.fromisoformat(args["due_at"]) if "due_at" in args else now)


def _for_each_tenant(tenants: Any, task: str, args: dict[str, Any], reason: str) -> None:
    with platform_scope(reason) as session:
        ids = sorted(session.scalars(tenants))
    with unit_of_work() as session:
        jobs.defer_many(
            session,
            [
                jobs.Deferral(task, args | {"tenant": str(one)}, queueing_lock=f"{task}:{one}")
                for one in ids
            ],
        )


TASKS = (
    Task(RUN, run_all),
    Task(RUN_TENANT, run_tenant),
    Task(SWEEP, sweep_all),
    Task(SWEEP_TENANT, sweep_tenant),
    Task(MAIL, mail_all),
    Task(MAIL_TENANT, mail_tenant),
    Task(MAIL_CHUNK, mail_chunk, max_attempts=20),
)
SCHEDULES = (
    Schedule(SWEEP, SWEEP, at="00:05"),
    Schedule(RUN, RUN, at="02:00"),
    Schedule(MAIL, MAIL, at=f"{MAILS_FROM:02d}:00", catch_up=False),
)
