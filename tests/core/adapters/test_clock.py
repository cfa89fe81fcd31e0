"""Clocks: local days, a fixed clock, and one that several processes share."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from core.adapters.clock import FixedClock, SharedClock, SystemClock, at_local, to_local_date


def test_the_business_day_is_ecuadors():
    assert to_local_date(datetime(2026, 4, 26, 4, 59, tzinfo=UTC)) == date(2026, 4, 25)
    assert to_local_date(datetime(2026, 4, 26, 5, 0, tzinfo=UTC)) == date(2026, 4, 26)
    assert at_local(date(2026, 4, 25), 2) == datetime(2026, 4, 25, 7, tzinfo=UTC)
    with pytest.raises(ValueError, match="naive"):
        to_local_date(datetime(2026, 4, 26))


def test_a_fixed_clock_moves_only_when_told():
    clock = FixedClock(at_local(date(2026, 4, 25), 8))
    assert clock.today() == date(2026, 4, 25)
    clock.advance(days=1)
    assert clock.now() == datetime(2026, 4, 26, 13, tzinfo=UTC)
    with pytest.raises(ValueError, match="aware"):
        clock.set(datetime(2026, 4, 26))


def test_two_clocks_on_one_file_agree(tmp_path):
    file = tmp_path / "clock"
    ours, theirs = SharedClock(file), SharedClock(file)
    assert abs(ours.now() - SystemClock().now()) < timedelta(minutes=1)
    wanted = at_local(date(2026, 4, 25), 8)
    ours.set(wanted)
    assert timedelta() <= theirs.now() - wanted < timedelta(minutes=5)
    ours.set(wanted + timedelta(days=30))
    assert theirs.today() == date(2026, 5, 25)
