"""Plans and their prices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.services import tax_rates
from core.services.audit import write_audit
from plugins.billing.domain.policy import BASES
from plugins.billing.domain.pricing import PriceVersion, list_price
from plugins.billing.domain.proration import check_price
from plugins.billing.models import PLAN_KINDS, Plan, PriceVersionRow

IVA = "2"


def create_plan(
    session: Session,
    *,
    code: str,
    name: str,
    price: Decimal,
    tax_code: str,
    now: datetime,
    kind: str = "plan",
    description: str = "",
    basis: str = "",
    valid_from: date | None = None,
) -> UUID:
    """Offer something by the month at ``price`` (USD before IVA). ``valid_from``: default today.

    Raises ``DomainError`` for a code in use, a wrong price, or an IVA code that is not in force.
    """
    today = to_local_date(now)
    code, name = code.strip(), name.strip()
    check_price(price)
    _check_words(code, name, kind, basis)
    tax_rates.rate(session, IVA, tax_code, today)
    if session.scalar(select(Plan.id).where(Plan.code == code)) is not None:
        raise Conflict(
            _("Another plan has the code %(code)s; choose a different one.", code=code),
            code="billing.plan_code_taken",
            field="code",
        )
    plan = Plan(
        code=code,
        name=name,
        description=description.strip(),
        kind=kind,
        tax_code=tax_code,
        basis=basis,
    )
    session.add(plan)
    session.flush()
    session.add(PriceVersionRow(plan_id=plan.id, valid_from=valid_from or today, price=price))
    session.flush()
    return plan.id


def change_plan_words(
    session: Session,
    plan_id: UUID,
    *,
    name: str,
    description: str,
    is_offered: bool,
    tax_code: str = "",
    now: datetime,
) -> None:
    """Rename a plan, describe it anew, or stop (or resume) offering it. Existing contracts go on.

    Another ``tax_code`` counts for every invoice issued from now on (A-28); it must be in force.
    """
    plan = session.get(Plan, plan_id)
    if plan is None:
        raise NotFound
    _check_words(plan.code, name.strip(), plan.kind, plan.basis)
    if tax_code and tax_code != plan.tax_code:
        tax_rates.rate(session, IVA, tax_code, to_local_date(now))
        plan.tax_code = tax_code
    plan.name, plan.description, plan.is_offered = name.strip(), description.strip(), is_offered
    write_audit(session, action="billing.plan.change", subject_id=plan_id)


def read_versions(session: Session, plan_ids: Iterable[UUID]) -> dict[UUID, list[PriceVersion]]:
    """The price versions of plans, oldest first."""
    found: dict[UUID, list[PriceVersion]] = defaultdict(list)
    rows = session.execute(
        select(PriceVersionRow.plan_id, PriceVersionRow.valid_from, PriceVersionRow.price)
        .where(PriceVersionRow.plan_id.in_(set(plan_ids)))
        .order_by(PriceVersionRow.valid_from)
    )
    for row in rows:
        found[row.plan_id].append(PriceVersion(row.valid_from, row.price))
    return found


def offered_plans(session: Session, on: date) -> list[tuple[Plan, Decimal]]:
    """The plans on offer with their price on a day, by name; those without a price yet are left out."""
    plans = list(session.scalars(select(Plan).where(Plan.is_offered).order_by(Plan.name, Plan.id)))
    versions = read_versions(session, [one.id for one in plans])
    priced = [(one, list_price(versions[one.id], on)) for one in plans]
    return [(plan, price) for plan, price in priced if price is not None]


def _check_words(code: str, name: str, kind: str, basis: str) -> None:
    if not 1 <= len(code) <= 25:
        raise DomainError(
            _("The code has 1 to 25 characters."), code="billing.plan_code", field="code"
        )
    if not 1 <= len(name) <= 120:
        raise DomainError(
            _("The name has 1 to 120 characters."), code="billing.plan_name", field="name"
        )
    if kind not in PLAN_KINDS:
        raise DomainError(
            _("A plan is either a plan or an add-on."), code="billing.plan_kind", field="kind"
        )
    if basis not in ("", *BASES):
        raise DomainError(
            _("Choose one of the day-count bases."), code="billing.unknown_basis", field="basis"
        )
