"""A second calendar, written from the rules without looking at the first: it lives through the days one by one."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

DAY = timedelta(days=1)


def live(
    start: date, invoices: int, *, bridge_issue="day_25", overdue="honour_paid_days", shift=False
):
    """Rows (kind, first, last, issue, due, suspend) of a contract, found by walking from day to day."""
    rows: list[tuple] = []
    covered = None  # the last invoiced day
    today = start
    while len(rows) < invoices:
        if today == start:
            covered = start
            if start.day == 1:
                while (covered + DAY).day != 1:
                    covered += DAY
            else:
                for _ in range(29):
                    covered += DAY
            rows.append(("first", start, covered, today, None, None))
        waiting = bridge_issue == "after_first" and (covered + DAY).day != 1
        if waiting and today == covered + DAY:
            covered = issue("bridge", covered, today, rows, overdue=overdue, shift=shift)
            if today.day >= 25:  # the day 25 came or went by while the bridge was waiting
                covered = issue("full", covered, today, rows, overdue=overdue, shift=shift)
        elif today.day == 25 and not waiting:
            month_after = (today.replace(day=28) + timedelta(days=4)).replace(day=1)
            while (covered + DAY).replace(day=1) <= month_after:
                kind = "full" if (covered + DAY).day == 1 else "bridge"
                covered = issue(kind, covered, today, rows, overdue=overdue, shift=shift)
        today += DAY
    return rows[:invoices]


def issue(kind, covered, today, rows, *, overdue, shift):
    """Write one row for the days after ``covered`` to the end of their month; return the new last day."""
    first = covered + DAY
    last = first
    while (last + DAY).day != 1:
        last += DAY
    due = today + DAY
    while due.day != 5:
        due += DAY
    while shift and due.weekday() >= 5:
        due += DAY
    blocked = due + DAY
    while overdue != "strict" and blocked < first:  # days before ``first`` are paid
        blocked += DAY
    rows.append((kind, first, last, today, due, blocked))
    return last


def suspended_days(rows, until, *, overdue="honour_paid_days", lifts=True):
    """The days up to ``until`` on which rows (first, last, due, word, is_period) suspend a contract (R8, A-15, A-16).

    Days told as paid count as paid while a report lifts (R9). The word is "paid", "reported" or "unpaid"; ``due`` None: it was paid before it was issued.
    """
    paid, invoiced = set(), set()
    for first, last, due, word, is_period in rows:
        day = first
        while is_period and day <= last:
            invoiced.add(day)
            if word == "paid" or due is None or (word == "reported" and lifts):
                paid.add(day)
            day += DAY
    found, overdue_ones = [], 0
    today = min(first for first, *_others in rows)
    while today <= until:
        for _first, _last, due, word, _is_period in rows:
            if due is not None and today - DAY == due:  # yesterday was the last day to pay
                overdue_ones += word == "unpaid" or (word == "reported" and not lifts)
        is_served = today in paid and overdue != "strict"
        if overdue_ones and not is_served and today <= max(invoiced):
            found.append(today)
        today += DAY
    return found


def cost(first: date, last: date, price: Fraction, basis: str) -> Fraction:
    """The days ``first`` to ``last`` of one month, added day by day, before rounding."""
    added = Fraction(0)
    day = first
    month_days = 28
    while (first.replace(day=1) + timedelta(days=month_days)).month == first.month:
        month_days += 1
    while day <= last:
        after = day + DAY
        if basis == "actual_30":
            added += Fraction(1, 30)
        elif basis == "strict_30_360":
            if day.month == 2 and after.month == 3:
                added += Fraction(31 - day.day, 30)
            elif not (day.day == 30 and after.day == 31):
                added += Fraction(1, 30)
        else:
            added += Fraction(1, month_days)
        day = after
    return price * (min(added, Fraction(1)) if basis in ("actual_30", "strict_30_360") else added)
