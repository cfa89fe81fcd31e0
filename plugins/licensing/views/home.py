"""Licences on the home page of the operator and of distributors."""

from __future__ import annotations

from datetime import datetime

from flask import render_template
from sqlalchemy.orm import Session

from core.db.session import tenant_work
from core.errors import DomainError
from core.services import settings
from core.web.access import identity
from plugins.licensing.services import adviser_cards, count_licences, parties, trainings
from plugins.licensing.services.standing import find_licence

PLACE, PUBLIC_PLACE = "core.home", "core.welcome"


def home_block(place: str, session: Session, *, now: datetime) -> str | None:
    """Figures for those who read all licences or a portfolio; who helps, for a client; None for others. On the public page the
    vendor's tutorials.
    """
    if place == PUBLIC_PLACE:
        return _tutorials(session)
    who = identity()
    if place != PLACE or who is None:
        return None
    if "licensing.office:read" in who.permissions:
        endpoint, known = "licensing.office.index", count_licences.count_contracts(session)
    elif "licensing.portfolio:read" in who.permissions:
        endpoint, known = "licensing.portfolio.index", count_licences.count_portfolio(session)
    elif "licensing.licence:read" in who.permissions:
        return _who_helps(session, now=now)
    else:
        return None
    return render_template("licensing/home.html", known=known, endpoint=endpoint)


def _who_helps(session: Session, *, now: datetime) -> str | None:
    """The card of the client's own adviser, else of its distributor, with the next training."""
    licence = find_licence(session)
    card = adviser_cards.read_card(licence) if licence else None
    if card is None:
        return None
    upcoming = trainings.read_upcoming(session, now=now)[:1]
    return render_template("licensing/who_helps.html", card=card, upcoming=upcoming)


def _tutorials(session: Session) -> str | None:
    """The way to the video tutorials that the operator published (PW-28); None while there are none."""
    try:
        operator = parties.operator_id(session)
    except DomainError:
        return None
    with tenant_work(operator) as own:
        address = str(settings.read(own, "licensing.tutorials_url"))
    if not address.startswith("https://"):
        return None
    return render_template("licensing/tutorials_link.html", address=address)
