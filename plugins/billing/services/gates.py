"""What is asked before a day is run or swept: its environment, the day itself, the company's licence."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import plugins
from core.contracts.hooks import AccessDecision
from core.db.session import tenant_work
from core.errors import DomainError
from core.i18n import _
from core.services import settings

PRODUCTION, PRACTICE = 2, 3
RUN_ISSUE = "billing.run:issue"


def refusal_to_run(tenant_id: UUID, *, now: datetime) -> AccessDecision | None:
    """Why the company may issue nothing new now (a suspended licence, a full plan); None: it may.

    The question of the command, the job and the page alike: hook ``access_decision``.
    """
    with tenant_work(tenant_id):
        decision = plugins.call(
            "access_decision", tenant=tenant_id, tenant_id=tenant_id, permission=RUN_ISSUE, now=now
        )
    return None if decision is None or decision.allowed else decision


def read_environment(session: Session) -> int:
    """SRI's environment of the company; 1 where no plugin knows environments."""
    try:
        settings.spec("einvoice_sri.environment")
    except KeyError:
        return 1
    return int(settings.read(session, "einvoice_sri.environment"))


def check_day(session: Session, *, on: date, today: date) -> None:
    """Against producción a run is for today, or catches up a missed day; never for a day to come. Who
    practises bills nobody: the periods are real.
    """
    environment = read_environment(session)
    if environment == PRACTICE:
        raise DomainError(
            _(
                "The company is practising, so nothing is billed. Leave practice in the settings; the run"
                " then catches up, or rehearse it with --dry-run."
            ),
            code="billing.run_practice",
        )
    if environment == PRODUCTION and on > today:
        raise DomainError(
            _(
                "In producción a run cannot be for a day to come: SRI takes no future emission date."
                " Run it on %(day)s, or rehearse it with --dry-run.",
                day=f"{on:%d/%m/%Y}",
            ),
            code="billing.run_in_future",
            field="on",
        )


def check_sweep_day(session: Session, *, on: date, today: date) -> None:
    """Where subscriptions are real, in producción and in practice, no day to come is swept: it would
    suspend and end those who may still pay. Raises ``DomainError``.
    """
    if on > today and read_environment(session) in (PRODUCTION, PRACTICE):
        raise DomainError(
            _(
                "A day to come cannot be swept where subscriptions are real: it would suspend and end"
                " people who can still pay. Sweep it on %(day)s, or count it with --dry-run.",
                day=f"{on:%d/%m/%Y}",
            ),
            code="billing.sweep_in_future",
            field="on",
        )
