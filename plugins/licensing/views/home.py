"""Licences on the home page of the operator and of distributors."""

from __future__ import annotations

from flask import render_template
from sqlalchemy.orm import Session

from core.web.access import identity
from plugins.licensing.services import count_licences

PLACE = "core.home"


def home_block(place: str, session: Session) -> str | None:
    """Figures for those who read all licences or a portfolio; None for others."""
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
