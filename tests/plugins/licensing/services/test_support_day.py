"""A-25: with ``per_day`` the tickets of one day share their started hours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.adapters.clock import at_local, to_local_date
from core.db.session import unit_of_work
from core.ids import new_id
from core.services import settings
from plugins.licensing.models import Ticket
from plugins.licensing.services.support_tickets import settle_ticket


@pytest.mark.parametrize(("rounding", "hours"), [("per_ticket", [1, 1, 1]), ("per_day", [1, 0, 1])])
@pytest.mark.usefixtures("database")
def test_tickets_of_one_day(make_tenant, now, rounding, hours):
    operator, client = make_tenant(kind="operator"), make_tenant()
    noon = at_local(to_local_date(now), 12)
    charged = []
    with unit_of_work(operator.scope) as session:
        settings.write(session, "billing.support_rounding", rounding)
        for closed_at in (
            noon,
            noon + timedelta(hours=2),
            noon + timedelta(hours=12),
        ):  # the third: 00:00
            row = Ticket(
                id=new_id(), ticket_id=new_id(), client_tenant_id=client.id, subject="Ayuda",
                opened_at=noon, quoted_minutes=30, accepted_at=noon, seconds=20 * 60,
                closed_at=closed_at, heard={},
            )  # fmt: skip
            session.add(row)
            session.flush()
            settle_ticket(session, row, now=closed_at)
            charged.append(row.charged_hours)
    assert charged == hours
