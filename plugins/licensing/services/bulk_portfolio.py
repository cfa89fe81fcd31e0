"""One deed for many clients of the distributor in scope, told client by client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.db.session import acting_for
from core.domain.money import total
from core.errors import DomainError, NotFound
from core.i18n import _
from core.jobs import defer
from core.web.formats import money
from plugins.licensing.models import PortfolioClient
from plugins.licensing.services.keep_licence import open_invoices
from plugins.licensing.services.sell_licences import give_first_access
from plugins.licensing.services.standing import read_standing

MOST = 100


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one client: ``tone`` ok, wait or bad; ``code``: to be told by telephone, once."""

    client: PortfolioClient
    tone: str
    sentence: str
    code: str = ""


def find_ticked(session: Session, ids: Sequence[UUID]) -> list[PortfolioClient]:
    """The ticked clients by name, held to the end of the transaction.

    Raises ``NotFound`` when one is not (or no longer) of this portfolio: then nothing is done at all;
    ``DomainError`` for none or too many.
    """
    wanted = set(ids)
    if not wanted:
        raise DomainError(_("Tick the clients first."), code="clients", field="clients")
    if len(wanted) > MOST:
        raise DomainError(
            _("Tick at most %(most)s clients at a time.", most=MOST),
            code="clients_many",
            field="clients",
        )
    rows = session.scalars(
        select(PortfolioClient)
        .where(PortfolioClient.id.in_(wanted), PortfolioClient.released_on.is_(None))
        .order_by(PortfolioClient.id)
        .with_for_update()
    ).all()
    if len(rows) != len(wanted):
        raise NotFound
    return sorted(rows, key=lambda row: (row.client_name, row.id))


def remind_clients(session: Session, ids: Sequence[UUID], *, now: datetime) -> list[Told]:
    """Mail each ticked client what is still to be paid, at most once a day."""
    today = to_local_date(now)
    return [_remind(row, today, now) for row in find_ticked(session, ids)]


def send_first_accesses(session: Session, ids: Sequence[UUID], *, now: datetime) -> list[Told]:
    """Mail the activation link of each ticked client's owner again; earlier links end."""
    return [_send_access(row, now) for row in find_ticked(session, ids)]


def _remind(row: PortfolioClient, today: date, now: datetime) -> Told:
    if row.reminded_on == today:
        return Told(row, "wait", _("It was reminded today already: no second mail."))
    if not row.client_email:
        return Told(row, "bad", _("It has no e-mail address: write it down, or call."))
    with acting_for(row.client_tenant_id, "reminds the client of what is to be paid") as session:
        standing = read_standing(session, now=now)
        if standing is None:
            return Told(row, "bad", _("Its licence has not arrived yet: try again in a minute."))
        if standing.state == "reported" or standing.is_debt_told or standing.is_order_reported:
            return Told(
                row, "wait", _("It has reported the payment: answer it under Payments to confirm.")
            )
        is_order = standing.state == "order"
        owed = (
            standing.order_missing
            if is_order
            else total(one.balance for one in open_invoices(session))
        )
        if not owed:
            return Told(row, "wait", _("It owes nothing: no mail."))
        key = f"owed:{standing.licence.contract_id}:{today}"
        defer(
            session,
            "licensing.mail",
            {"tenant": str(row.client_tenant_id), "letter": "owed", "key": key},
        )
    row.reminded_on = today
    return Told(
        row,
        "ok",
        _(
            "Reminded of %(amount)s by mail to %(email)s.",
            amount=money(owed),
            email=row.client_email,
        ),
    )


def _send_access(row: PortfolioClient, now: datetime) -> Told:
    owner = row.owner or {}
    try:
        code = give_first_access(row.client_tenant_id, owner, now=now)
    except DomainError as error:
        return Told(row, "bad", str(error))
    if not code:
        return Told(row, "wait", _("The owner has an access already and keeps it."))
    return Told(
        row, "ok", _("The link goes by mail to %(email)s.", email=str(owner.get("email", ""))), code
    )
