"""Counters of failed attempts, as rows: they hold over all web processes and survive a restart.

An attempt takes a place *before* the password is looked at, in a transaction of its own, so that a
burst of parallel attempts gets no more tries than a slow one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from core.db.scope import NOBODY
from core.db.session import unit_of_work
from core.errors import TooMany
from core.i18n import gettext as _
from core.ids import new_id
from core.security.models import SignInGuard
from core.web.formats import clock_time

LOCK_MINUTES = 15
WINDOW = timedelta(minutes=LOCK_MINUTES)
KEPT = timedelta(days=2)
PRUNE_ONE_IN = 200


@dataclass(frozen=True, slots=True)
class Counter:
    """One thing that is counted (an account, a network address) and how many failures lock it."""

    kind: str
    value: str
    limit: int

    @property
    def key(self) -> str:
        """The hash that stands for it in the table."""
        return hashlib.sha256(f"{self.kind}:{self.value}".encode()).hexdigest()


def take(counters: Sequence[Counter], now: datetime) -> None:
    """Count an attempt as failed until ``forgive`` says otherwise. Raises ``TooMany`` when locked."""
    worst: tuple[datetime, Counter] | None = None
    with unit_of_work(NOBODY) as session:
        for counter in sorted(counters, key=lambda one: one.key):
            statement = insert(SignInGuard).values(
                id=new_id(), key=counter.key, failures=1, last_failure_at=now
            )
            row = SignInGuard.__table__.c
            is_locked = row.locked_until > now
            is_over = (row.locked_until <= now) | (row.last_failure_at < now - WINDOW)
            count = case((is_locked, row.failures), (is_over, 1), else_=row.failures + 1)
            statement = statement.on_conflict_do_update(
                index_elements=["key"],
                set_={
                    "failures": count,
                    "last_failure_at": case((is_locked, row.last_failure_at), else_=now),
                    "locked_until": case(
                        (is_locked, row.locked_until),
                        (count > counter.limit, now + WINDOW),
                        else_=None,
                    ),
                },
            )
            locked = session.execute(statement.returning(row.locked_until)).scalar_one()
            if locked is not None and (worst is None or locked > worst[0]):
                worst = (locked, counter)
        if secrets.randbelow(PRUNE_ONE_IN) == 0:
            session.execute(delete(SignInGuard).where(SignInGuard.last_failure_at < now - KEPT))
    if worst is not None:
        raise too_many(worst[0], now)


def lock_if_spent(counters: Sequence[Counter], now: datetime) -> datetime | None:
    """After a failure: lock what has used its last try. The end of the lock, if there is one."""
    ends: datetime | None = None
    with unit_of_work(NOBODY) as session:
        for counter in sorted(counters, key=lambda one: one.key):
            locked = session.execute(
                update(SignInGuard)
                .where(SignInGuard.key == counter.key, SignInGuard.failures >= counter.limit)
                .values(locked_until=now + WINDOW)
                .returning(SignInGuard.locked_until)
            ).scalar_one_or_none()
            ends = max((one for one in (ends, locked) if one is not None), default=None)
    return ends


def forgive(counters: Sequence[Counter], *, wipe: Sequence[Counter] = ()) -> None:
    """The attempt was right: give its place back; ``wipe`` forgets all failures of a counter."""
    with unit_of_work(NOBODY) as session:
        for counter in sorted(counters, key=lambda one: one.key):
            session.execute(
                update(SignInGuard)
                .where(SignInGuard.key == counter.key, SignInGuard.failures > 0)
                .values(failures=SignInGuard.failures - 1)
            )
        for counter in wipe:
            session.execute(delete(SignInGuard).where(SignInGuard.key == counter.key))


def has_failures(counters: Sequence[Counter], now: datetime) -> bool:
    """Has one of these failed within the last quarter of an hour (then a question is asked)?"""
    with unit_of_work(NOBODY) as session:
        found = session.execute(
            select(SignInGuard.id)
            .where(
                SignInGuard.key.in_([one.key for one in counters]),
                SignInGuard.failures > 0,
                SignInGuard.last_failure_at >= now - WINDOW,
            )
            .limit(1)
        ).first()
    return found is not None


def spend(kind: str, value: str, now: datetime) -> bool:
    """Use a one-time value (a captcha's nonce); False when somebody used it before."""
    with unit_of_work(NOBODY) as session:
        statement = insert(SignInGuard).values(
            id=new_id(),
            key=Counter(kind, value, 0).key,
            failures=0,
            last_failure_at=now,
        )
        return (
            session.execute(
                statement.on_conflict_do_nothing(index_elements=["key"]).returning(SignInGuard.id)
            ).first()
            is not None
        )


def too_many(until: datetime, now: datetime) -> TooMany:
    """The refusal that says how long and until when (SM-11)."""
    return TooMany(
        _(
            "Too many failed attempts: the way in is closed for %(minutes)s minutes. Try again at"
            " %(time)s, or use “Forgot your password?”.",
            minutes=LOCK_MINUTES,
            time=clock_time(until + timedelta(seconds=59)),
        ),
        code="locked",
        retry_after=max(1, int((until - now).total_seconds()) + 1),
    )
