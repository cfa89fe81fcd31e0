"""The report of a run: its sums against the run of the month before, and who differs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.db.tenancy import scope_of
from core.domain.periods import add_months
from core.errors import NotFound
from plugins.billing.domain.policy import ISSUE_DAY
from plugins.billing.models import Run
from plugins.billing.services.run_billing import failures_of

SHOWN = 100
KINDS = ("new", "gone", "changed")

_DIFFERENCES = text(
    "WITH now AS (SELECT subscription_id, sum(amount) AS amount FROM billing_charge"
    "  WHERE tenant_id = :tenant AND run_id = :now AND state <> 'cancelled' GROUP BY 1),"
    " past AS (SELECT subscription_id, sum(amount) AS amount FROM billing_charge"
    "  WHERE tenant_id = :tenant AND run_id = :past AND state <> 'cancelled' GROUP BY 1),"
    " d AS (SELECT coalesce(now.subscription_id, past.subscription_id) AS id, past.amount AS before,"
    "  now.amount AS after, CASE WHEN past.amount IS NULL THEN 'new' WHEN now.amount IS NULL THEN 'gone'"
    "  ELSE 'changed' END AS kind FROM now FULL JOIN past USING (subscription_id)"
    "  WHERE now.amount IS DISTINCT FROM past.amount),"
    " n AS (SELECT d.*, count(*) OVER (PARTITION BY kind) AS how_many,"
    "  sum(coalesce(after, 0) - coalesce(before, 0)) OVER (PARTITION BY kind) AS change,"
    "  row_number() OVER (PARTITION BY kind ORDER BY id) AS place FROM d)"
    " SELECT n.*, s.customer_id, s.state FROM n JOIN billing_subscription s"
    " ON s.tenant_id = :tenant AND s.id = n.id WHERE n.place <= :shown ORDER BY n.kind, n.id"
)


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run, the regular run of the month before, and the subscriptions whose amount differs.

    ``differences`` holds at most ``shown`` of each kind (``new``, ``gone``, ``changed``), each row with
    ``how_many`` there are of its kind and the ``change`` that all of those make (USD before IVA).
    ``before`` None: there was none, or the run only catches up what the regular one left.
    """

    run: Run
    before: Run | None
    differences: list[Any]
    failures: list[tuple[UUID, str]]

    @property
    def amount_change(self) -> Decimal | None:
        """This run's net less that of the run before."""
        return None if self.before is None else self.run.amount - self.before.amount


def report_run(session: Session, run_id: UUID, *, shown: int = SHOWN) -> RunReport:
    """The report of one run. Raises ``NotFound``."""
    run = session.get(Run, run_id)
    if run is None:
        raise NotFound
    before = _run_before(session, run)
    differences: list[Any] = []
    if before is not None:
        differences = list(
            session.execute(
                _DIFFERENCES,
                {
                    "tenant": scope_of(session).tenant_id,
                    "now": run.id,
                    "past": before.id,
                    "shown": shown,
                },
            )
        )
    return RunReport(run, before, differences, failures_of(session, run.id))


def issue_day_before(on: date) -> date:
    """The last day 25 (R5) up to a day: the issue day of the month to which a run of that day belongs."""
    this = on.replace(day=ISSUE_DAY)
    return this if this <= on else add_months(this, -1)


def _run_before(session: Session, run: Run) -> Run | None:
    """The regular run of the month before. A run that catches up behind a regular one has none: nearly
    everybody would be missing in it.
    """
    issue_on = issue_day_before(run.run_on)
    if run.run_on != issue_on:
        regular = _regular_run(session, issue_on)
        if regular is not None and regular.id != run.id:
            return None
    return _regular_run(session, add_months(issue_on, -1))


def _regular_run(session: Session, issue_on: date) -> Run | None:
    """The run of an issue day; where that day was missed, the first one behind it that charged anything."""
    return session.scalar(
        select(Run)
        .where(Run.run_on >= issue_on, Run.run_on < add_months(issue_on, 1), Run.charges > 0)
        .order_by(Run.run_on)
        .limit(1)
    )
