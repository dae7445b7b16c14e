"""The engine on a real database: limits, silence, NEWS2, restart and standby, second by second."""

from __future__ import annotations

import msgspec
import pytest

from wardbridge.alarms import store
from wardbridge.alarms.beds import BedNow, Live, Machine
from wardbridge.alarms.engine import Engine
from wardbridge.core.clock import SECOND, FakeClock


class Ward:
    """Two beds whose values a test sets."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.values = {147842: 70.0, 150456: 97.0, 151562: 16.0, 150037: 120.0, 150368: 37.0}
        self.silent_since: int | None = None
        self.age = 0
        self.patient = "p1"

    async def now(self) -> list[BedNow]:
        now = self.clock.now() - self.age
        live = tuple(Live(code, f"{n:g}", n, now, now, 0, "mon") for code, n in self.values.items())
        seen = self.silent_since or now
        return [
            BedNow("bed1", "ICU", self.patient, (Machine("mon", "Monitor 1", seen),), live),
            BedNow("bed2", "ICU", ""),
        ]


@pytest.fixture
def ward(clock: FakeClock) -> Ward:
    return Ward(clock)


@pytest.fixture
def engine(database, clock: FakeClock, ward: Ward) -> Engine:
    return Engine(database.pool, clock, ward)


async def seconds(engine: Engine, clock: FakeClock, count: int) -> None:
    for _ in range(count):
        await engine.pass_once()
        await clock.advance(1)


async def open_alarms(pool) -> list[tuple[str, str]]:
    return [(row["origin"], row["priority"]) for row in await store.active(pool)]


async def test_a_low_spo2_alarms_after_its_delay_and_ends(database, engine, clock, ward) -> None:
    ward.values[150456] = 84.0
    await seconds(engine, clock, 9)
    assert ("limit", "high") not in await open_alarms(database.pool)
    await seconds(engine, clock, 3)
    row = next(row for row in await store.active(database.pool) if row["origin"] == "limit")
    assert (row["text"], row["value"], row["limit_text"]) == ("SpO₂ low", "84 %", "< 88")
    ward.values[150456] = 97.0
    await seconds(engine, clock, 12)
    assert ("limit", "high") not in await open_alarms(database.pool)


async def test_a_value_that_is_no_longer_live_ends_nothing(database, engine, clock, ward) -> None:
    ward.values[150456] = 80.0
    await seconds(engine, clock, 12)
    ward.age = 60 * SECOND
    ward.values[150456] = 99.0
    await seconds(engine, clock, 20)
    assert ("limit", "high") in await open_alarms(database.pool)


async def test_a_restart_keeps_standing_alarms(database, engine, clock, ward) -> None:
    ward.values[150456] = 80.0
    await seconds(engine, clock, 12)
    (before,) = [row["alarm_id"] for row in await store.active(database.pool) if row["origin"] == "limit"]
    again = Engine(database.pool, clock, ward)
    await again.load()
    await seconds(again, clock, 2)
    (after,) = [row["alarm_id"] for row in await store.active(database.pool) if row["origin"] == "limit"]
    assert after == before


async def test_a_silent_device_is_an_alarm_until_it_speaks(database, engine, clock, ward) -> None:
    ward.silent_since = clock.now()
    await seconds(engine, clock, 30)
    assert await open_alarms(database.pool) == []
    await seconds(engine, clock, 3)
    assert await open_alarms(database.pool) == [("link", "medium")]
    ward.silent_since = None
    await seconds(engine, clock, 1)
    assert await open_alarms(database.pool) == []


async def test_news2_rises_and_alarms_and_an_acknowledgement_covers_only_what_was_seen(
    database, engine, clock, ward
) -> None:
    await seconds(engine, clock, 2)
    ward.values |= {151562: 22.0, 147842: 112.0, 150368: 38.5}
    await seconds(engine, clock, 16)
    row = next(row for row in await store.active(database.pool) if row["origin"] == "score")
    assert row["priority"] == "medium"
    await database.pool.execute("UPDATE alarm SET acknowledged_by = 'anna'")
    ward.values |= {151562: 26.0, 150037: 92.0, 150456: 93.0}
    await seconds(engine, clock, 16)
    row = next(row for row in await store.active(database.pool) if row["origin"] == "score")
    assert (row["priority"], row["acknowledged_by"]) == ("high", "")
    trend = (await store.scores(database.pool, ["p1"], "NEWS2", 0))["p1"]
    assert [total for _, total, *_ in trend] == sorted(total for _, total, *_ in trend)
    assert "consciousness" in trend[-1][4]


async def test_standby_silences_the_bed_and_leaving_it_brings_alarms_back(database, engine, clock, ward) -> None:
    ward.values[150456] = 80.0
    await seconds(engine, clock, 12)
    await store.set_standby(database.pool, "bed1", True, "anna", clock.now())
    await seconds(engine, clock, 1)
    assert await open_alarms(database.pool) == []
    await store.set_standby(database.pool, "bed1", False, "anna", clock.now())
    await seconds(engine, clock, 1)
    assert ("limit", "high") in await open_alarms(database.pool)


async def test_heartbeat_moves(database, engine, clock) -> None:
    await seconds(engine, clock, 3)
    assert clock.now() - await store.heartbeat(database.pool) <= 2 * SECOND


async def test_an_invalid_value_neither_alarms_nor_scores(database, clock) -> None:
    class Bad(Ward):
        async def now(self) -> list[BedNow]:
            beds = await super().now()
            bad = tuple(msgspec.structs.replace(live, quality=1) for live in beds[0].values)
            return [msgspec.structs.replace(beds[0], values=bad)]

    ward = Bad(clock)
    ward.values[150456] = 50.0
    engine = Engine(database.pool, clock, ward)
    await seconds(engine, clock, 20)
    assert await open_alarms(database.pool) == []
    assert await store.scores(database.pool, ["p1"], "NEWS2", 0) == {}
