"""Device alarms on the real table: every order and repetition of reports ends in the same state."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.alarms import store
from wardbridge.alarms.desk import acknowledge, set_limit
from wardbridge.alarms.device import DeviceAlarms, DeviceReturns
from wardbridge.alarms.limits import Limit
from wardbridge.alarms.signals import Report, step
from wardbridge.core.clock import SECOND, FakeClock
from wardbridge.core.errors import Conflict, Invalid
from wardbridge.devices.values import AlertSignal, DeviceEvent, Quality


def signal(
    event: str, phase: str, at: int, *, state: str = "active", priority: str = "PM", alert: str = "a"
) -> AlertSignal:
    return AlertSignal(
        alert,
        event,
        phase,
        state,
        priority,
        "SP",
        196670,
        "MDC_EVT_LO",
        "SpO2 low",
        source_code=150456,
        value="84",
        unit="%",
        low="90",
        device_time=at * SECOND,
    )


async def apply(pool, *signals: AlertSignal) -> None:
    for one in signals:
        async with pool.acquire() as conn, conn.transaction():
            await DeviceAlarms().apply(conn, "dev", "pat", "bed", one, one.device_time + 1)


async def test_life_of_an_alarm(database) -> None:
    await apply(
        database.pool, signal("1", "start", 1), signal("2", "continue", 5), signal("3", "escalate", 6, priority="PH")
    )
    (row,) = await store.active(database.pool)
    assert (row["priority"], row["slot"], row["since"], row["last"]) == ("high", "spo2", SECOND, 6 * SECOND)
    assert row["limit_text"] == "90–…"
    await apply(database.pool, signal("4", "end", 9, state="inactive"))
    assert await store.active(database.pool) == []
    (over,) = await store.past(database.pool, "bed", 0, 10)
    assert over["state"] == "inactive"


async def test_repeats_and_late_reports_never_reopen(database) -> None:
    reports = [signal("1", "start", 1), signal("2", "continue", 5), signal("3", "end", 9, state="inactive")]
    await apply(database.pool, *reports)
    await apply(database.pool, *reports, signal("late", "continue", 7))
    assert await store.active(database.pool) == []
    assert await database.pool.fetchval("SELECT count(*) FROM alarm") == 1
    await apply(database.pool, signal("4", "start", 12))
    assert len(await store.active(database.pool)) == 1


async def test_a_heartbeat_of_an_alarm_we_never_saw_opens_it(database) -> None:
    await apply(database.pool, signal("7", "continue", 50))
    assert len(await store.active(database.pool)) == 1


async def test_latched_stays_until_reset(database) -> None:
    await apply(database.pool, signal("1", "start", 1), signal("2", "update", 4, state="latched"))
    (row,) = await store.active(database.pool)
    assert row["state"] == "latched"
    await apply(database.pool, signal("3", "reset", 6, state="inactive"))
    assert await store.active(database.pool) == []


async def test_acknowledging(database, clock: FakeClock) -> None:
    await apply(database.pool, signal("1", "start", 1))
    (row,) = await store.active(database.pool)
    async with database.pool.acquire() as conn, conn.transaction():
        seen = await acknowledge(conn, row["alarm_id"], "Nurse Anna", clock)
    assert seen["acknowledged_by"] == "Nurse Anna"
    await apply(database.pool, signal("2", "end", 3, state="inactive"))
    async with database.pool.acquire() as conn, conn.transaction():
        with pytest.raises(Conflict):
            await acknowledge(conn, row["alarm_id"], "Nurse Bo", clock)


async def test_limits_of_people_are_checked(database, clock: FakeClock) -> None:
    for scope, limit in (
        ("patient/", Limit("hr", 40.0, 120.0, "high", 5)),
        ("patient/p", Limit("hr", 140.0, 120.0, "high", 5)),
    ):
        with pytest.raises(Invalid):
            await set_limit(database.pool, scope, limit, "anna", clock)
    await set_limit(database.pool, "patient/p", Limit("hr", 40.0, 120.0, "high", 5), "anna", clock)
    stored = await store.limits(database.pool)
    assert stored["patient/p"][0].by == "anna"


PHASES = st.sampled_from(
    ["start", "continue", "update", "escalate", "deescalate", "end", "acknowledged", "reset", "tpoint"]
)


@given(
    st.lists(st.tuples(PHASES, st.sampled_from(["active", "latched", "inactive"]), st.integers(0, 50)), max_size=30),
    st.randoms(),
)
def test_any_order_of_reports_keeps_the_newest_end(reports, rng: random.Random) -> None:
    rng.shuffle(reports)
    known = None
    for phase, state, at in reports:
        after = step(known, Report(phase, state, "high", "technical", "x", time=at))
        if known is not None:
            assert after is not None
            assert after.last >= known.last
        if after is not None and (state == "inactive" or (phase in {"end", "reset"} and state != "latched")):
            assert after.state == "inactive"
        known = None if after is not None and after.state == "inactive" else after


@pytest.mark.parametrize("event_first", [True, False])
async def test_a_device_that_comes_back_ends_what_it_no_longer_reports(database, event_first: bool) -> None:
    await apply(database.pool, signal("1", "start", 1, alert="stays"), signal("2", "start", 2, alert="gone"))
    now = 60 * SECOND
    again = signal("3", "continue", 59, alert="stays")
    async with database.pool.acquire() as conn, conn.transaction():
        if event_first:
            await DeviceReturns().apply(conn, "dev", "pat", "bed", DeviceEvent("connected"), now)
        await DeviceAlarms().apply(conn, "dev", "pat", "bed", again, now)
        if not event_first:
            await DeviceReturns().apply(conn, "dev", "pat", "bed", DeviceEvent("connected"), now)
    (row,) = await store.active(database.pool)
    assert row["key"] == "dev|stays"
    assert row["since"] == SECOND


async def test_a_test_alarm_calls_nobody(database) -> None:
    tried = msgspec.structs.replace(signal("1", "start", 1, priority="PH"), quality=int(Quality.DEMO))
    await apply(database.pool, tried)
    (row,) = await store.active(database.pool)
    assert (row["priority"], row["kind"]) == ("info", "advisory")
    assert row["text"].startswith("TEST: ")
