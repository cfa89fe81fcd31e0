"""Licences on the home page of the operator and of distributors."""

from __future__ import annotations

from flask import render_template
from sqlalchemy.orm import Session

from core.db.session import tenant_work
from core.errors import DomainError
from core.services import settings
from core.web.access import identity
from plugins.licensing.services import count_licences, parties

PLACE, PUBLIC_PLACE = "core.home", "core.welcome"


def home_block(place: str, session: Session) -> str | None:
    """Figures for those who read all licences or a portfolio; None for others. On the public page the
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
    else:
        return None
    return render_template("licensing/home.html", known=known, endpoint=endpoint)


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
