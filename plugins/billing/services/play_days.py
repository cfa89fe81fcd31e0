"""The demo's clock played through a month of billing: the 25th, the 5th, the 6th, the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from core.adapters.clock import at_local
from core.db.session import platform_scope, tenant_work
from core.domain.periods import add_months
from core.mail_hours import MAILS_FROM
from core.models import Tenant
from plugins.billing.domain.lifecycle import ENDED
from plugins.billing.domain.policy import DUE_DAY
from plugins.billing.models import Notice, Run, Subscription
from plugins.billing.services.chart_figures import next_run_day
from plugins.billing.services.gates import refusal_to_run
from plugins.billing.services.run_billing import run_billing
from plugins.billing.services.sweep_day import sweep_day


@dataclass(frozen=True, slots=True)
class CompanyDay:
    """What a day brought to one company."""

    name: str
    notices: int
    invoices: int = 0
    suspended: int = 0
    ended: int = 0

    @property
    def is_quiet(self) -> bool:
        """Nothing happened."""
        return not (self.invoices or self.suspended or self.ended or self.notices)


@dataclass(frozen=True, slots=True)
class Played:
    """What a day brought over all companies, and to each to which it brought something."""

    kind: str  # run, due, suspension, end
    on: date
    invoices: int
    suspended: int
    ended: int
    notices: int
    companies: tuple[CompanyDay, ...] = ()


def days_to_play(today: date) -> list[tuple[str, date]]:
    """The next 25th, the 5th after it, the 6th, and the day after the invoiced month."""
    run = next_run_day(today)
    due = add_months(run.replace(day=1), 1).replace(day=DUE_DAY)
    end = add_months(due.replace(day=1), 1)
    return [("run", run), ("due", due), ("suspension", due + timedelta(days=1)), ("end", end)]


def play(today: date, set_clock: Callable[[datetime], None]) -> Iterator[Played]:
    """Live each day as the schedules do, at 00:05, 02:00 and 07:00; yields after each.

    The mails of a day wait for the workers, which send them at 07:00 of the same clock.
    """
    for kind, on in days_to_play(today):
        yield play_day(kind, on, set_clock)


def play_day(kind: str, on: date, set_clock: Callable[[datetime], None]) -> Played:
    """Live one day as the schedules do; the clock stands at 07:00 of it afterwards.

    Counted is what the books say more than before: the schedules of a running demo see the clock move and
    may do a part of it, or all, before this does.
    """
    tenants = _tenants()
    before = {one: _read_books(one) for one in tenants}
    midnight, night = at_local(on, 0, 5), at_local(on, 2)
    set_clock(midnight)
    for one in tenants:
        sweep_day(one, on=on, now=midnight)
    set_clock(night)
    for one in tenants:
        if refusal_to_run(one, now=night) is None:  # as the job asks
            run_billing(one, on=on, now=night)
    set_clock(at_local(on, MAILS_FROM))
    days = [
        CompanyDay(name, **(_read_books(one) - before[one]), notices=_waiting(one, on))
        for one, name in tenants.items()
    ]
    return Played(
        kind,
        on,
        invoices=sum(one.invoices for one in days),
        suspended=sum(one.suspended for one in days),
        ended=sum(one.ended for one in days),
        notices=sum(one.notices for one in days),
        companies=tuple(one for one in days if not one.is_quiet),
    )


def _tenants() -> dict[UUID, str]:
    """The companies that bill somebody, by name."""
    living = select(Subscription.tenant_id).where(Subscription.state != ENDED).distinct()
    with platform_scope("play the demo's clock") as session:
        rows = session.execute(
            select(Tenant.id, Tenant.name).where(Tenant.id.in_(living)).order_by(Tenant.name)
        )
        return {row.id: row.name for row in rows}


def _read_books(tenant_id: UUID) -> Counter[str]:
    """How many invoices the runs of a company have made by now, and who was suspended and who ended."""
    with tenant_work(tenant_id) as session:
        turns = (
            select(Notice.kind, func.count())
            .where(Notice.kind.in_(("suspended", "ended")))
            .group_by(Notice.kind)
        )
        found = Counter({row[0]: row[1] for row in session.execute(turns)})
        found["invoices"] = session.scalar(select(func.coalesce(func.sum(Run.invoices), 0))) or 0
    return found


def _waiting(tenant_id: UUID, on: date) -> int:
    with tenant_work(tenant_id) as session:
        query = select(func.count()).select_from(Notice)
        found = session.scalar(query.where(Notice.on_date <= on, Notice.mailed_at.is_(None)))
    return int(found or 0)
