"""The tenant's policy and calendar, and the emission point of its runs."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import String, case, cast, select
from sqlalchemy.orm import Session

from core.errors import DomainError
from core.i18n import _
from core.models import Holiday, IssuePoint
from core.services import settings
from plugins.billing.domain.calendar import BillingCalendar, is_weekday
from plugins.billing.domain.policy import BillingPolicy
from plugins.billing.settings import POLICY_KEYS


def read_policy(session: Session) -> BillingPolicy:
    """The choices of the tenant in scope."""
    values = settings.read_many(session, POLICY_KEYS.values())
    return BillingPolicy(**{name: values[key] for name, key in POLICY_KEYS.items()})


def read_calendar(session: Session) -> BillingCalendar:
    """The calendar of the tenant in scope with the holidays known today; good beyond the session."""
    closed = set(session.scalars(select(Holiday.on_date)))
    return BillingCalendar(read_policy(session), lambda day: is_weekday(day) and day not in closed)


def read_issue_point(session: Session) -> UUID:
    """The point that runs number from: the chosen one, else one made for runs, else the first.

    Raises ``DomainError`` when the company has none, or not the one that its settings name.
    """
    chosen = str(settings.read(session, "billing.issue_point")).strip()
    points = select(IssuePoint.id).where(IssuePoint.is_active)
    if chosen:
        points = points.where(cast(IssuePoint.id, String) == chosen.lower())
    points = points.order_by(case((IssuePoint.purpose == "run", 0), else_=1), IssuePoint.code)
    found = session.scalar(points.limit(1))
    if found is None:
        raise DomainError(
            _(
                "The settings name an emission point for runs that does not exist or is closed. Leave the"
                " field empty, or write the id of one that works."
            )
            if chosen
            else _(
                "There is no emission point to invoice from. Add one in the company's settings."
            ),
            code="billing.no_issue_point",
            field="issue_point",
        )
    return found
