"""The month's sales on the home page."""

from __future__ import annotations

from datetime import datetime

from flask import render_template
from sqlalchemy.orm import Session

from core.adapters.clock import to_local_date
from core.web.access import identity
from plugins.sales.services.read_month import read_month

PLACE = "core.home"


def home_block(place: str, session: Session, now: datetime) -> str | None:
    """Figures and the chart of twelve months, for those who may read invoices."""
    who = identity()
    if place != PLACE or who is None or "sales.invoice:read" not in who.permissions:
        return None
    today = to_local_date(now)
    return render_template("sales/home.html", month=read_month(session, today=today), today=today)
