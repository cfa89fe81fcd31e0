"""The allowance of a minute is one, however many workers ask for it at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

from core.db.session import unit_of_work
from plugins.einvoice_sri.services.pace_calls import take_calls

WORKERS = 3


def take(tenant, now, *, wanted: int, most: int = 10, environment: int = 1) -> int:
    with unit_of_work(tenant.scope) as session:
        return take_calls(session, environment=environment, wanted=wanted, most=most, now=now)


@pytest.mark.parametrize("known", [False, True])
def test_workers_that_ask_at_once_share_one_allowance(tenant, now, known):
    """``known``: the row is there, with an earlier minute; otherwise all of them make it."""
    rounds = 6
    barrier = Barrier(WORKERS, timeout=60)

    def work(nth: int) -> list[int]:
        taken = []
        for number in range(rounds):
            minute = now + timedelta(minutes=2 * number)
            with unit_of_work(tenant.scope) as session:
                session.execute(select(1))  # its transaction has begun before the others write
                barrier.wait()
                environment = 1 if known else 10 + number
                taken.append(
                    take_calls(session, environment=environment, wanted=8, most=10, now=minute)
                )
        return taken

    if known:
        assert take(tenant, now - timedelta(minutes=1), wanted=5) == 5
    with ThreadPoolExecutor(WORKERS) as pool:
        taken = list(pool.map(work, range(WORKERS)))
    assert [sorted(one) for one in zip(*taken, strict=True)] == [[0, 2, 8]] * rounds


def test_a_minute_counts_whatever_the_clocks_of_the_workers(tenant, now):
    minute = now.replace(second=0)
    assert take(tenant, minute, wanted=4) == 4
    assert take(tenant, minute + timedelta(minutes=1), wanted=7) == 7
    assert take(tenant, minute + timedelta(seconds=59), wanted=7) == 3  # a clock behind: same row
    assert take(tenant, minute + timedelta(minutes=1, seconds=5), wanted=1) == 0
    assert take(tenant, minute + timedelta(minutes=2), wanted=99) == 10
    assert (
        take(tenant, minute + timedelta(minutes=2), wanted=1, most=5) == 0
    )  # the limit was lowered
    assert take(tenant, minute - timedelta(days=1), wanted=6) == 6  # a clock that was set right
    assert take(tenant, minute, wanted=6, environment=2) == 6
    assert take(tenant, minute, wanted=60, most=0) == 60
