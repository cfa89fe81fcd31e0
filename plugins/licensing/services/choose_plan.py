"""Another plan (R14), chosen by the owner or by the distributor for it: what each brings, and the question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import plugins
from core.contracts.events import LicencePlanAsked
from core.contracts.licences import PlanQuote
from core.contracts.services import Subscribing
from core.db.events import emit
from core.db.session import acting_for
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _
from core.services.audit import write_audit
from plugins.licensing.domain.lifecycle import after
from plugins.licensing.models import Contract, Licence
from plugins.licensing.services import publish
from plugins.licensing.services.standing import Standing, find_licence, read_standing


@dataclass(frozen=True, slots=True)
class Choice:
    """A plan on offer beside the present one: what it brings, or why it cannot be chosen."""

    name: str
    quote: PlanQuote | None
    refusal: str = ""


def check_change(standing: Standing) -> None:
    """Raises ``Conflict`` with the reason while the licence cannot go to another plan."""
    licence = standing.licence
    if licence.asked_plan_at is not None:
        raise Conflict(
            _("The change to %(plan)s is on its way already.", plan=licence.asked_plan_name),
            code="licence_change_pending",
        )
    if licence.next_plan_on is not None:
        raise Conflict(
            _(
                "The change to %(plan)s from %(day)s on is noted already: choose again after that day.",
                plan=licence.next_plan_name,
                day=f"{licence.next_plan_on:%d/%m/%Y}",
            ),
            code="licence_change_pending",
        )
    if standing.facts.is_one_month:
        raise Conflict(
            _("You are back for one month: choose another plan when you order the next one."),
            code="licence_change_refused",
        )
    is_over = licence.cancelled_on is not None or licence.started_on is None
    after("cancelled" if is_over else standing.state, "change")


def refusal_of(standing: Standing) -> str:
    """Why the licence cannot go to another plan now; empty: it can."""
    try:
        check_change(standing)
    except Conflict as refusal:
        return refusal.sentence
    return ""


def read_choices(licence: Licence, *, now: datetime) -> Mapping[UUID, Choice]:
    """What each other plan on offer would bring today, cheapest first: from the vendor's own books, by
    the function that makes the change.
    """
    with acting_for(licence.operator_id, "shows a client what another plan brings") as books:
        offers = publish.plan_offers(books)
        return {
            plan_id: _choice(books, licence, plan_id, offer.name, now=now)
            for plan_id, offer in sorted(offers.items(), key=lambda one: one[1].price)
            if plan_id != licence.plan_id
        }


def ask_plan(session: Session, plan_id: UUID | None, *, now: datetime) -> PlanQuote:
    """Ask the operator for another plan of the licence in scope; what it brings.

    Raises ``NotFound`` for what is no plan, ``Conflict`` while the licence cannot change,
    ``DomainError`` (field ``plan_id``) for the present plan or one that is not on offer.
    """
    licence = find_licence(session, lock=True)
    standing = read_standing(session, now=now)
    if licence is None or standing is None:
        raise NotFound(_("This company has no licence."))
    check_change(standing)
    if plan_id is None:
        raise DomainError(_("Choose a plan of the list."), code="plan", field="plan_id")
    if plan_id == licence.plan_id:
        raise DomainError(
            _("This is your plan already: choose another one."), code="same_plan", field="plan_id"
        )
    with acting_for(licence.operator_id, "works out a change of plan") as books:
        quote = _quote(books, licence, plan_id, now=now)
    licence.asked_plan_name, licence.asked_plan_at = quote.name, now
    licence.plan_refusal = ""
    event = LicencePlanAsked(licence.contract_id, licence.tenant_id, plan_id, asked_at=now)
    emit(session, event, to=licence.operator_id, now=now)
    write_audit(session, action="licensing.ask_plan", subject_id=plan_id)
    return quote


def asked_sentence(quote: PlanQuote) -> str:
    """The answer to the choice: from when, and what is to be paid."""
    if quote.until is None:
        return _(
            "The change to %(plan)s is noted: it counts from %(day)s on and costs nothing now.",
            plan=quote.name,
            day=f"{quote.on:%d/%m/%Y}",
        )
    return _(
        "The change to %(plan)s is made in a moment: the invoice of the difference follows.",
        plan=quote.name,
    )


def _choice(books: Session, licence: Licence, plan_id: UUID, name: str, *, now: datetime) -> Choice:
    try:
        return Choice(name, _quote(books, licence, plan_id, now=now))
    except DomainError as refusal:
        return Choice(name, None, refusal.sentence)


def _quote(books: Session, licence: Licence, plan_id: UUID, *, now: datetime) -> PlanQuote:
    contract = books.get(Contract, licence.contract_id)
    if contract is None or contract.subscription_id is None:
        raise NotFound
    return plugins.service(Subscribing).quote_plan(
        books, contract.subscription_id, plan_id=plan_id, now=now
    )
