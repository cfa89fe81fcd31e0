"""The guided way from the first sign-in to the first authorised document, with its timer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import plugins
from core.contracts.hooks import SetupStep
from core.db.tenancy import scope_of
from core.i18n import lazy
from core.models import Branch, CompanyProfile, IssuePoint, TaxRegime
from plugins.licensing.models import FirstAccess


@dataclass(frozen=True, slots=True)
class Journey:
    """Where a new company stands: its steps, and the minutes since the first access."""

    steps: Sequence[SetupStep]
    started_at: datetime
    finished_at: datetime | None
    minutes: int

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum(step.is_done for step in self.steps)


def read_journey(session: Session, *, now: datetime) -> Journey | None:
    """The checklist of the tenant in scope; None for a company that nobody welcomed."""
    row = session.scalars(select(FirstAccess)).one_or_none()
    if row is None:
        return None
    tenant_id = scope_of(session).tenant_id
    answers = plugins.call("setup_steps", tenant=tenant_id, session=session)
    steps = sorted((one for answer in answers for one in answer), key=lambda step: step.order)
    until = row.finished_at or now
    minutes = int((until - row.started_at).total_seconds()) // 60
    return Journey(steps, row.started_at, row.finished_at, minutes)


def own_steps(session: Session) -> list[SetupStep]:
    """The steps whose facts are core's: company, regime, establishment, emission point, logo, and the
    first authorised document that ends the journey.
    """
    profile = session.scalars(select(CompanyProfile)).one_or_none()
    first = session.scalars(select(FirstAccess)).one_or_none()
    confirmed = session.scalar(
        select(func.count()).select_from(TaxRegime).where(TaxRegime.confirmed_on.is_not(None))
    )
    branches = session.scalar(select(func.count()).select_from(Branch)) or 0
    points = session.scalar(select(func.count()).select_from(IssuePoint)) or 0
    has_address = bool(profile and profile.head_office_address)
    has_logo = bool(profile and profile.logo_blob_id)
    return [
        SetupStep("company", lazy("Check the company's data"), has_address, "/company", 10),
        SetupStep("regime", lazy("Confirm the tax regime"), bool(confirmed), "/company", 20),
        SetupStep("branch", lazy("Add the establishment"), branches > 0, "/company", 30),
        SetupStep(
            "point", lazy("Add the emission point and its sequence"), points > 0, "/company", 40
        ),
        SetupStep("logo", lazy("Add the logo"), has_logo, "/company", 60),
        SetupStep(
            "authorised",
            lazy("Have the first document authorised"),
            bool(first and first.finished_at),
            "/licence/first-access",
            200,
        ),
    ]
