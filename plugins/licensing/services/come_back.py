"""Back for at least one month (R12): what it costs today, the order, and how far the way back has gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import plugins
from core.adapters.clock import to_local_date
from core.contracts.events import LicenceOrdered
from core.contracts.licences import FirstInvoice
from core.contracts.services import Subscribing
from core.db.events import emit
from core.db.session import tenant_work
from core.errors import DomainError, NotFound
from core.i18n import _
from core.ids import new_id
from core.models import Tenant
from core.services import companies
from core.services.audit import write_audit
from plugins.licensing.domain.lifecycle import after, allows
from plugins.licensing.domain.orders import payment_code
from plugins.licensing.models import ClientInvoiceRow, Licence
from plugins.licensing.services import publish
from plugins.licensing.services.standing import Standing, read_standing, refresh

STEPS = ("choose", "pay", "report", "back")


@dataclass(frozen=True, slots=True)
class Quote:
    """A month of a plan, were it to begin today."""

    plan_id: UUID
    name: str
    invoice: FirstInvoice


def step_of(standing: Standing) -> str | None:
    """Where the way back stands (a name of ``STEPS``); None for a licence that never ended."""
    if allows(standing.state, "reenter"):
        return "choose"
    if not standing.licence.is_reentry:
        return None
    if standing.state == "order":
        return "report" if standing.is_order_reported else "pay"
    return "back" if standing.state in ("active", "due", "reported", "reentered") else None


def read_quotes(licence: Licence, *, today: date) -> Mapping[UUID, Quote]:
    """What a month costs today, of each plan on offer, cheapest first: from the vendor's own books, by
    the function that makes his invoices.
    """
    billing = plugins.service(Subscribing)
    with tenant_work(licence.operator_id) as books:
        found = [
            Quote(
                plan_id,
                offer.name,
                billing.first_invoice(books, plan_id=plan_id, start_on=today),
            )
            for plan_id, offer in publish.plan_offers(books).items()
        ]
    return {one.plan_id: one for one in sorted(found, key=lambda one: one.invoice.total)}


def owed(session: Session, standing: Standing) -> list[ClientInvoiceRow]:
    """What must be settled first (A-22): the uncovered invoices of the contract that ended."""
    ids = [one.id for one in standing.open_invoices]
    rows = select(ClientInvoiceRow).where(ClientInvoiceRow.invoice_id.in_(ids))
    return list(session.scalars(rows.order_by(ClientInvoiceRow.number)))


def order_month(
    session: Session, *, plan_id: UUID | None = None, renews: bool = False, now: datetime
) -> UUID:
    """Order one month more after expiry; the new contract's id. The order stands in the client's own
    scope at once; the operator hears it. ``renews``: the client chose that it goes on afterwards, by
    R3-R5 with the month's first day as S (R12).

    Raises ``Conflict`` while the licence runs, ``DomainError`` while an old invoice is open (A-22) or
    when the plan is no longer on offer, ``NotFound`` for what is no plan.
    """
    standing = read_standing(session, now=now)
    if standing is None:
        raise NotFound(_("This company has no licence."))
    after(standing.state, "reenter")
    if standing.open_invoices:
        raise DomainError(
            _still_open(
                ", ".join(one.number for one in owed(session, standing)), standing.is_debt_told
            ),
            code="old_invoice_open",
        )
    licence = standing.licence
    quote = _chosen(licence, plan_id or licence.plan_id, today=standing.today)
    client = session.get_one(Tenant, licence.tenant_id)
    order = LicenceOrdered(
        contract_id=new_id(),
        kind="reentry",
        client_tenant_id=client.id,
        client_tax_id=client.tax_id,
        client_name=client.name,
        client_email=companies.profile(session).email,
        distributor_id=licence.distributor_id,
        plan_id=quote.plan_id,
        ordered_on=to_local_date(now),
        renews=renews,
    )
    refresh(session, now=now)  # the operator knows first that it has expired
    emit(session, order, to=licence.operator_id, now=now)
    write_audit(session, action="licensing.reenter", subject_id=order.contract_id)
    _write(licence, order, quote)
    session.flush()
    refresh(session, now=now)
    return order.contract_id


def _still_open(numbers: str, is_told: bool) -> str:
    if is_told:
        return _(
            "The payment of invoice %(numbers)s waits for the confirmation of your distributor: then you"
            " can order the month.",
            numbers=numbers,
        )
    return _(
        "Invoice %(numbers)s is still open: report its payment first, then order the month.",
        numbers=numbers,
    )


def _chosen(licence: Licence, plan_id: UUID, *, today: date) -> Quote:
    quote = read_quotes(licence, today=today).get(plan_id)
    if quote is None and plan_id != licence.plan_id:
        raise NotFound
    if quote is None:
        raise DomainError(
            _("This plan is no longer on offer: choose another."), code="plan", field="plan_id"
        )
    return quote


def _write(licence: Licence, order: LicenceOrdered, quote: Quote) -> None:
    """The order as the operator will tell it; his telling has a higher revision and takes its place."""
    licence.contract_id, licence.is_reentry = order.contract_id, True
    licence.renews = order.renews
    licence.plan_id, licence.plan_name = quote.plan_id, quote.name
    licence.price, licence.first_total = quote.invoice.net, quote.invoice.total
    licence.payment_code = payment_code(order.contract_id)
    licence.ordered_on, licence.started_on = order.ordered_on, None
    licence.cancelled_on = licence.cancel_asked_at = None
    licence.is_withdrawn = False
    licence.contract_revision = 0
