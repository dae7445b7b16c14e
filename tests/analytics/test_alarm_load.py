"""Alarm load: bands at their edges, counts on the real table."""

from __future__ import annotations

import pytest

from wardbridge.alarms import store
from wardbridge.analytics.alarm_load import WINDOW, alarm_load, band
from wardbridge.core.clock import FakeClock


@pytest.mark.parametrize(("count", "name"), [(0, "0-29"), (29, "0-29"), (30, "30-79"), (79, "30-79"), (80, "80+")])
def test_bands(count: int, name: str) -> None:
    assert band(count) == name


async def test_counts_the_window_only(database, clock: FakeClock) -> None:
    now = clock.now()
    for at, place, ack in [(now - 1, "a", "anna"), (now - 2, "a", ""), (now - 3, "b", ""), (now - WINDOW - 1, "b", "")]:
        async with database.pool.acquire() as conn:
            await store.insert(
                conn, origin="device", key=f"{at}", place_id=place, text="x", priority="low", kind="technical",
                state="active", since=at, last=at, acknowledged_by=ack)  # fmt: skip
    found = await alarm_load(database.pool, now)
    assert [(load.place_id, load.count, load.actionable) for load in found] == [("a", 2, 1), ("b", 1, 0)]
