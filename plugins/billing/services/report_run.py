"""The report of a run: its sums against the month before, and who differs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.db.tenancy import scope_of
from core.errors import NotFound
from plugins.billing.models import Run
from plugins.billing.services.run_billing import failures_of

SHOWN = 100
_BEFORE = timedelta(days=20)  # the run of the month before is at least so long ago

_DIFFERENCES = text(
    "WITH now AS (SELECT subscription_id, sum(amount) AS amount FROM billing_charge"
    "  WHERE tenant_id = :tenant AND run_id = :now AND state <> 'cancelled' GROUP BY 1),"
    " past AS (SELECT subscription_id, sum(amount) AS amount FROM billing_charge"
    "  WHERE tenant_id = :tenant AND run_id = :past AND state <> 'cancelled' GROUP BY 1),"
    " d AS (SELECT coalesce(now.subscription_id, past.subscription_id) AS id, past.amount AS before,"
    "  now.amount AS after, CASE WHEN past.amount IS NULL THEN 'new' WHEN now.amount IS NULL THEN 'gone'"
    "  ELSE 'changed' END AS kind FROM now FULL JOIN past USING (subscription_id)"
    "  WHERE now.amount IS DISTINCT FROM past.amount)"
    " SELECT d.*, s.customer_id, s.state, count(*) OVER (PARTITION BY kind) AS how_many FROM d"
    " JOIN billing_subscription s ON s.tenant_id = :tenant AND s.id = d.id ORDER BY kind, id LIMIT :shown"
)


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run, the regular run before it, and the subscriptions whose amount differs (at most 100)."""

    run: Run
    before: Run | None
    differences: list[Any]
    failures: list[tuple[UUID, str]]

    @property
    def amount_change(self) -> Decimal | None:
        """This run's net less that of the run before."""
        return None if self.before is None else self.run.amount - self.before.amount


def report_run(session: Session, run_id: UUID) -> RunReport:
    """The report of one run. Raises ``NotFound``."""
    run = session.get(Run, run_id)
    if run is None:
        raise NotFound
    before = session.scalar(
        select(Run)
        .where(Run.run_on <= run.run_on - _BEFORE, Run.invoices > 0)
        .order_by(Run.run_on.desc())
        .limit(1)
    )
    differences: list[Any] = []
    if before is not None:
        differences = list(
            session.execute(
                _DIFFERENCES,
                {
                    "tenant": scope_of(session).tenant_id,
                    "now": run.id,
                    "past": before.id,
                    "shown": SHOWN,
                },
            )
        )
    return RunReport(run, before, differences, failures_of(session, run.id))
