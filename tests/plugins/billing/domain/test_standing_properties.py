"""Every small history of paid, reported and unpaid charges: which days are suspended, and since when (R8)."""

from __future__ import annotations

import importlib.util
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from uuid import uuid4

import pytest

from core.adapters.clock import at_local
from core.domain.periods import Period
from plugins.billing.domain.standing import ChargeState, standing
from plugins.licensing.domain import access

_spec = importlib.util.spec_from_file_location(
    "day_by_day", Path(__file__).with_name("day_by_day.py")
)
day_by_day = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(day_by_day)

D = date.fromisoformat
WORDS = ("paid", "reported", "unpaid")
START, UNTIL = D("2026-03-12"), D("2026-06-10")
DAYS = [START + timedelta(days=n) for n in range((UNTIL - START).days + 1)]
FIRST = ("2026-03-12", "2026-04-10")
BRIDGE = ("2026-04-11", "2026-04-30", "2026-04-05")
MAY = ("2026-05-01", "2026-05-31", "2026-05-05")
CHANGE = ("2026-03-28", "2026-04-30", "2026-04-05")  # asked on 03-28 (A-10's day)
MONEY = Decimal("23.00")


def histories():
    """Rows (first, last, due, word, is_period); the first invoice was paid before, or is on credit."""
    first_dues = (None, "2026-04-05")
    for first_due, words, changed in product(first_dues, product(WORDS, repeat=3), (None, *WORDS)):
        spans = ((*FIRST, first_due), BRIDGE, MAY)
        rows = [(*map(day, one), word, True) for one, word in zip(spans, words, strict=True)]
        if changed:
            rows.append((*map(day, CHANGE), changed, False))
        yield rows


def day(text):
    return text and D(text)


def charge(row):
    first, last, due, word, is_period = row
    return ChargeState(first, last, due, word == "paid", word == "reported", is_period)


@pytest.mark.checklist("PW-15", "PW-17")
@pytest.mark.parametrize("lifts", [True, False])
@pytest.mark.parametrize("overdue", ["honour_paid_days", "strict"])
def test_every_day_of_every_history_agrees_with_the_day_by_day_one(overdue, lifts):
    for rows in histories():
        wanted = day_by_day.suspended_days(rows, UNTIL, overdue=overdue, lifts=lifts)
        charges = [charge(row) for row in rows]
        found = {
            one: standing(
                charges, one, report_lifts=lifts, honours_paid=overdue == "honour_paid_days"
            )
            for one in DAYS
        }
        assert [one for one in DAYS if found[one].state == "suspended"] == wanted, rows
        for one in wanted:  # since the first day of the stretch
            since = one
            while since - day_by_day.DAY in wanted:
                since -= day_by_day.DAY
            assert found[one].since == since, (rows, one)


@pytest.mark.parametrize("lifts", [True, False])
@pytest.mark.parametrize("overdue", ["honour_paid_days", "strict"])
def test_a_licence_and_its_subscription_are_suspended_on_the_same_days(overdue, lifts):
    """The client's own copy of the facts and the vendor's books decide alike (A-15, A-16)."""
    for rows in histories():
        if not all(is_period and due for _first, _last, due, _word, is_period in rows):
            continue
        charges = [charge(row) for row in rows]
        facts = licence(rows, overdue, lifts=lifts)
        for one in DAYS:
            found = standing(
                charges, one, report_lifts=lifts, honours_paid=overdue == "honour_paid_days"
            )
            told = access.state_on(facts, one)
            assert (found.state == "suspended") == (told == "suspended"), (rows, one)


def licence(rows, overdue, *, lifts):
    at: datetime = at_local(START, 8)
    invoices, reports = [], []
    for first, last, due, word, _is_period in rows:
        made = access.LicenceInvoice(
            uuid4(), Period(first, last), due, MONEY, MONEY if word == "paid" else Decimal(0)
        )
        invoices.append(made)
        if word == "reported":
            reports.append(access.Report(uuid4(), at, "reported", {made.id: MONEY}))
    policy = access.Policy(strict_day_six=overdue == "strict", report_lifts=lifts)
    return access.Facts(START, started_on=START, invoices=invoices, reports=reports, policy=policy)
