"""Tickets that share a day (A-25), and tickets that share a wallet."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.adapters.clock import at_local, to_local_date
from core.db.session import unit_of_work
from core.ids import new_id
from core.services import settings
from plugins.licensing.models import Ticket, Wallet
from plugins.licensing.services.support_tickets import (
    estimate,
    minutes_so_far,
    settle_ticket,
)


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


@pytest.mark.usefixtures("database")
def test_what_was_accepted_is_paid_at_most_whichever_ticket_is_closed_first(make_tenant, now):
    """120 minutes in the wallet, two requests of 120: the first accepted costs nothing, the second two hours."""
    operator, client = make_tenant(kind="operator"), make_tenant()
    with unit_of_work(operator.scope) as session:
        session.add(Wallet(client_tenant_id=client.id, granted=120, used=0))
        first, second = (
            Ticket(
                id=new_id(), ticket_id=new_id(), client_tenant_id=client.id, subject="Ayuda",
                opened_at=now, quoted_minutes=120, seconds=0, heard={},
            )
            for _one in range(2)
        )  # fmt: skip
        session.add_all([first, second])
        session.flush()
        assert [str(estimate(session, one, 120, now=now).net) for one in (first, second)] == [
            "0.00",
            "0.00",
        ]
        first.accepted_at = now
        session.flush()
        assert str(estimate(session, second, 120, now=now).total) == "57.50"
        second.accepted_at = now + timedelta(minutes=1)
        first.seconds = 600 * 60  # ten hours on the timer count as the two that were quoted
        assert minutes_so_far(first, now=now) == 120
        for row in (second, first):
            row.seconds, row.closed_at = 120 * 60, now + timedelta(hours=3)
            session.flush()
            settle_ticket(session, row, now=row.closed_at)
        assert [(one.from_wallet, str(one.charged_net)) for one in (first, second)] == [
            (120, "0.00"),
            (0, "50.00"),
        ]
