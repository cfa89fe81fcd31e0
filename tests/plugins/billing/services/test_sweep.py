"""The sweep and its rehearsal: suspended, not invoiced, ended and back (R8, R15), day by day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from core.db.session import tenant_work
from core.errors import DomainError
from core.services import settings
from plugins.billing.models import Charge, Notice, Subscription
from plugins.billing.services.sweep_day import sweep_day


def both(gym, day):
    """What the rehearsal says and what the sweep then does, at 00:05 of a day."""
    now = gym.on(day, 0)
    on = date.fromisoformat(day)
    told = sweep_day(gym.id, on=on, now=now, is_rehearsal=True)
    return told, sweep_day(gym.id, on=on, now=now)


def state_of(gym, member):
    with tenant_work(gym.id) as session:
        row = session.get_one(Subscription, member)
        return row.state, row.ends_on


def a_member_who_owes_the_bridge(gym):
    """S = 2026-03-12: invoice 1 paid, invoice 2 (04-11..04-30, due 04-05) open."""
    gym.on("2026-03-12")
    member = gym.subscribe(gym.plan())
    gym.pay_all()
    gym.on("2026-03-25")
    gym.run()
    return member


@pytest.mark.checklist("PW-15", "PW-17")
def test_the_rehearsal_counts_what_the_sweep_records_on_every_day(gym):
    member = a_member_who_owes_the_bridge(gym)
    told = {}
    day = date(2026, 3, 26)
    while day <= date(2026, 5, 2):
        seen, done = both(gym, day.isoformat())
        assert seen == done
        again = sweep_day(gym.id, on=day, now=gym.clock.now(), is_rehearsal=True)
        assert (again.reminders, again.suspended, again.ended) == (0, 0, 0)
        if done.reminders or done.suspended or done.ended:
            told[day.isoformat()] = (done.reminders, done.suspended, done.ended)
        day += timedelta(days=1)
    assert told == {
        "2026-03-31": (1, 0, 0),  # five days before day 5
        "2026-04-04": (1, 0, 0),
        "2026-04-05": (1, 0, 0),
        "2026-04-06": (1, 0, 0),  # overdue, but paid to 04-10
        "2026-04-11": (0, 1, 0),  # the vector's day
        "2026-05-01": (0, 0, 1),  # R15: nothing new was invoiced, the unpaid period is over
    }
    assert state_of(gym, member) == ("ended", date(2026, 4, 30))


def test_whoever_keeps_issuing_ends_nobody(gym):
    member = a_member_who_owes_the_bridge(gym)
    with tenant_work(gym.id) as session:
        settings.write(session, "billing.suspended_at_run", "keep_issuing")
    gym.on("2026-04-25")
    assert gym.run().invoices == 1
    told, done = both(gym, "2026-05-01")
    assert (told.ended, done.ended) == (0, 0)
    assert state_of(gym, member)[0] == "active"


@pytest.mark.parametrize(
    ("paid_on", "issued_on", "due_on"),
    [
        ("2026-04-26", date(2026, 4, 26), date(2026, 5, 5)),  # the next night's run, same due date
        ("2026-04-30", date(2026, 4, 30), date(2026, 5, 5)),
    ],
)
def test_back_before_the_period_ends_the_missed_invoice_is_caught_up(
    gym, paid_on, issued_on, due_on
):
    """R15 with R13: not invoiced on day 25 while suspended; paid, the daily run issues at once."""
    member = a_member_who_owes_the_bridge(gym)
    both(gym, "2026-04-11")
    gym.on("2026-04-25", 2)
    missed = gym.run()
    assert (missed.invoices, missed.skipped) == (0, 1)
    gym.on(paid_on, 1)
    gym.pay_all()
    gym.on(paid_on, 2)
    assert gym.run().invoices == 1
    assert gym.run().invoices == 0
    may = gym.charges(member)[2]
    assert (may.period_start, may.period_end) == (date(2026, 5, 1), date(2026, 5, 31))
    assert (may.issued_on, may.due_on) == (issued_on, due_on)
    told, done = both(gym, "2026-05-01")
    assert (told.ended, done.ended) == (0, 0)


@pytest.mark.parametrize(("lifts", "suspended"), [("on_report", 0), ("on_confirmation", 1)])
def test_what_is_only_reported_is_suspended_where_the_confirmation_counts(gym, lifts, suspended):
    """A-15."""
    member = a_member_who_owes_the_bridge(gym)
    with tenant_work(gym.id) as session:
        settings.write(session, "billing.lift_block", lifts)
        session.execute(
            update(Charge)
            .where(Charge.subscription_id == member, Charge.state == "open")
            .values(reported_at=gym.on("2026-04-10"))
        )
    told, done = both(gym, "2026-04-11")
    assert (told.suspended, done.suspended) == (suspended, suspended)


@pytest.mark.parametrize(("paid", "suspended", "issued"), [("22.50", 0, 1), ("22.49", 1, 0)])
def test_half_a_dollar_that_is_missing_blocks_nobody(gym, paid, suspended, issued):
    """A-19: 23.00 are owed; the sweep and the run agree on what is covered."""
    member = a_member_who_owes_the_bridge(gym)
    [owed] = [one for one in gym.charges(member) if one.state == "open"]
    gym.pay(owed.invoice_id, paid)
    told, done = both(gym, "2026-04-11")
    assert (told.suspended, done.suspended) == (suspended, suspended)
    gym.on("2026-04-25")
    assert gym.run().invoices == issued
    assert gym.invoice(owed.invoice_id).balance > 0  # the rest stays on the account


def notices(gym):
    with tenant_work(gym.id) as session:
        rows = session.execute(select(Notice.kind, Notice.on_date).order_by(Notice.on_date))
        return [(row.kind, row.on_date.isoformat()) for row in rows]


@pytest.mark.parametrize("environment", [2, 3])
def test_a_day_to_come_is_not_swept_where_subscriptions_are_real(gym, environment):
    """Of the bridge to 04-30 (due 04-05) the sweep of 05-01 would make an end, five weeks early."""
    member = a_member_who_owes_the_bridge(gym)
    with tenant_work(gym.id) as session:
        settings.write(session, "einvoice_sri.environment", environment)
    now = gym.on("2026-03-26")
    for day in (date(2026, 3, 27), date(2026, 5, 1)):
        with pytest.raises(DomainError) as refused:
            sweep_day(gym.id, on=day, now=now)
        assert (refused.value.code, refused.value.field) == ("billing.sweep_in_future", "on")
        assert f"{day:%d/%m/%Y}" in refused.value.sentence
    assert state_of(gym, member) == ("active", None)
    assert notices(gym) == []
    told = sweep_day(gym.id, on=date(2026, 5, 1), now=now, is_rehearsal=True)
    assert (told.suspended, told.ended) == (1, 1)
    assert state_of(gym, member) == ("active", None)
    done = sweep_day(gym.id, on=date(2026, 3, 26), now=now)
    assert (done.reminders, done.suspended, done.ended) == (0, 0, 0)


def test_pruebas_may_play_a_day_to_come(gym):
    member = a_member_who_owes_the_bridge(gym)
    done = sweep_day(gym.id, on=date(2026, 5, 1), now=gym.on("2026-03-26"))
    assert (done.suspended, done.ended) == (1, 1)
    assert state_of(gym, member)[0] == "ended"


def test_a_missed_day_does_only_what_is_due_and_reminds_of_nothing(gym):
    """On 04-12 in producción: 04-04 (“due tomorrow”) is past, 04-11 suspends, nobody has ended."""
    member = a_member_who_owes_the_bridge(gym)
    with tenant_work(gym.id) as session:
        settings.write(session, "einvoice_sri.environment", 2)
    now = gym.on("2026-04-12")
    for day in ("2026-04-04", "2026-04-10"):
        told = sweep_day(gym.id, on=date.fromisoformat(day), now=now, is_rehearsal=True)
        done = sweep_day(gym.id, on=date.fromisoformat(day), now=now)
        assert told == done
        assert (done.reminders, done.suspended, done.ended) == (0, 0, 0), day
    done = sweep_day(gym.id, on=date(2026, 4, 11), now=now)
    assert (done.reminders, done.suspended, done.ended) == (0, 1, 0)
    assert notices(gym) == [("suspended", "2026-04-11")]
    assert state_of(gym, member) == ("active", None)
