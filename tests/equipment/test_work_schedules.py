"""Schedules: one order a period whatever happens; calendar and meter, the first wins; use hours from telemetry."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.devices.pipeline.scene import HR, reading, scene
from tests.equipment.conftest import TECHNICIAN, Stocked

from wardbridge.core.clock import DAY, HOUR, MINUTE, SECOND, FakeClock, iso
from wardbridge.core.errors import Invalid
from wardbridge.devices.pipeline.batch import Sinks
from wardbridge.devices.values import DeviceEvent
from wardbridge.equipment.register import desk as register
from wardbridge.equipment.register.store import assets as machines
from wardbridge.equipment.register.values import Asset, Model
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk, meters, plans, schedules
from wardbridge.equipment.work.events import Rests
from wardbridge.equipment.work.plans import Period, Schedule
from wardbridge.equipment.work.store import meters as meter_store
from wardbridge.equipment.work.store import orders
from wardbridge.equipment.work.usage import BRIDGE, Use, advance, rested

T0 = 1_767_225_600 * SECOND
YEARLY = Schedule(schedule_id="s", name="Yearly check", model_id="model-1", months=12, ahead_days=30)


def test_months_end_where_months_end() -> None:
    january = 1_769_860_800 * SECOND  # 2026-01-31T12:00Z
    assert [iso(plans.add_months(january, n))[:10] for n in (1, 3, 12, 13)] == [
        "2026-02-28", "2026-04-30", "2027-01-31", "2027-02-28",
    ]  # fmt: skip


@given(st.integers(1, 60), st.integers(-4000, 4000), st.integers(0, 8000))
def test_a_fixed_grid_never_falls_due_at_once(months: int, anchor: int, since: int) -> None:
    start = T0 + since * DAY
    fixed = Schedule(schedule_id="s", name="n", model_id="m", months=months, fixed=True, anchor=T0 + anchor * DAY)
    due = plans.calendar_due(fixed, start)
    assert due is not None
    whole = plans.add_months(start, months) - start
    assert start + whole // 2 <= due <= start + 2 * whole
    steps = [plans.add_months(fixed.anchor or 0, n * months) for n in range(-600, 2600)] if months > 12 else None
    assert steps is None or due in steps


@given(
    st.lists(st.tuples(st.sampled_from(["tick", "crash", "close", "jump", "use"]), st.integers(0, 900)), max_size=60)
)
def test_any_order_of_ticks_crashes_and_jumps_gives_one_order_a_period(steps: list[tuple[str, int]]) -> None:
    """A model of the generator: what is decided in a transaction that dies is decided again, never twice."""
    schedule = Schedule(schedule_id="s", name="n", model_id="m", months=6, meter="use", every=500.0, ahead_days=20)
    now, used, written = T0, 0.0, {}
    period = plans.first_period(schedule, "d", None, T0, 0.0, now)
    for what, size in steps:
        if what == "jump":
            now = max(T0, now + (size - 300) * DAY)
        elif what == "use":
            used += size
            now += size * HOUR
        elif what in ("tick", "crash"):
            due = plans.wants_order(schedule, period, used, now)
            if due is not None and what == "tick":
                source = f"s/{period.period}"
                assert source not in written
                written[source] = due
                period = Period(schedule_id="s", device_id="d", period=period.period, since=period.since,
                                meter=period.meter, due=period.due, ordered=True)  # fmt: skip
                assert due <= now + 20 * DAY
        elif period.ordered:
            period = plans.next_period(schedule, period, now, used)
            assert plans.wants_order(schedule, period, used, max(now, period.since)) is None, "never due at once"
    assert len(written) <= period.period


@given(st.lists(st.integers(0, 4000), max_size=60), st.randoms(use_true_random=False), st.integers(1, 7))
def test_use_counts_once_however_it_is_told(seconds: list[int], chance: random.Random, size: int) -> None:
    heard = [T0 + second * SECOND for second in sorted(seconds)]
    whole = advance(Use(), heard)
    part = Use()
    for at in range(0, len(heard), size):
        part = advance(part, heard[at : at + size])
        part = advance(part, chance.sample(heard[: at + size], min(3, len(heard[: at + size]))))
    assert part == whole
    assert whole.use_us <= (heard[-1] - heard[0] if heard else 0)
    rests = [(T0 + 100 * SECOND, T0 + 900 * SECOND), (T0 + 500 * SECOND, None)]
    assert 0 <= advance(Use(), heard, rests).use_us <= whole.use_us


def test_rests_and_long_silence_are_no_use() -> None:
    minutes = [T0 + n * MINUTE for n in range(61)]
    assert advance(Use(), minutes).use_us == HOUR
    assert advance(Use(), minutes, [(T0 + 10 * MINUTE, T0 + 20 * MINUTE)]).use_us == 50 * MINUTE
    assert advance(Use(), [T0, T0 + BRIDGE + 1]).use_us == 0
    assert rested(0, 10, [(2, 5), (4, 8), (20, None)]) == 6


async def enrolled(shop: Shop, stock: Stocked, schedule: Schedule, count: int = 1, **fields: Any) -> list[Asset]:
    assets: list[Asset] = await stock(count, **fields)
    async with shop.acting(TECHNICIAN) as conn:
        await schedules.put(shop, conn, schedule)
    return assets


async def caught_up(shop: Shop) -> int:
    """So many ticks that their pace has reached the clock."""
    return sum([await schedules.tick(shop) for _ in range(62)])


async def test_orders_come_ahead_of_time_once_and_begin_the_next_period(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    installed = clock.now() - 300 * DAY
    assets = await enrolled(shop, stock, YEARLY, 3, installed=installed)
    assert await caught_up(shop) == 0
    await clock.advance(36 * DAY / SECOND)
    assert await caught_up(shop) == 3
    assert await caught_up(shop) == 0
    rows = await orders.of_devices(shop.pool, [assets[0].device_id])
    assert [(row.source, row.source_id, row.due) for row in rows] == [
        ("schedule", "s/1", plans.add_months(installed, 12))
    ]
    await clock.advance(400 * DAY / SECOND)
    assert await caught_up(shop) == 0, "a jump writes nothing anew: the period has its order"
    (asset,) = await machines(shop.pool, [assets[0].device_id])
    assert asset.state == "maintenance-due"
    async with shop.acting(TECHNICIAN) as conn:
        await desk.resolve(shop, conn, rows[0].work_id, "done", TECHNICIAN, late_reason="in-use")
    (asset,) = await machines(shop.pool, [assets[0].device_id])
    assert asset.state == "in-service"
    done = clock.now()
    await clock.advance(350 * DAY / SECOND)
    assert await caught_up(shop) == 1
    rows = await orders.of_devices(shop.pool, [assets[0].device_id])
    assert (rows[0].source_id, rows[0].due) == ("s/2", plans.add_months(done, 12))


async def test_a_clock_that_jumps_and_comes_back_is_no_flood(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    now = clock.now()
    await enrolled(shop, stock, YEARLY, 40, installed=now - 30 * DAY)
    assert await caught_up(shop) == 0
    clock.set(now + 3650 * DAY)
    assert await schedules.tick(shop) == 0, "ten years ahead: this tick goes a week"
    clock.set(now + 60 * SECOND)
    assert await caught_up(shop) == 0
    assert await orders.of_devices(shop.pool) == []


async def test_crashes_between_steps_leave_one_order(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    await enrolled(shop, stock, YEARLY, 5, installed=clock.now() - 350 * DAY)

    class Died(Exception):
        pass

    async with shop.acting(TECHNICIAN) as conn:
        await schedules.enrol(shop, conn)
    for dies in (True, False, True, False):
        try:
            async with shop.acting(TECHNICIAN) as conn:
                await schedules.generate(shop, conn, clock.now(), limit=2)
                if dies:
                    raise Died
        except Died:
            pass
    await caught_up(shop)
    found = await shop.pool.fetch("SELECT device_id, count(*) AS n FROM work GROUP BY 1")
    assert [row["n"] for row in found] == [1] * 5
    assert await shop.pool.fetchval("SELECT count(*) FROM schedule_period WHERE ordered") == 5


async def test_many_machines_are_enrolled_and_ordered_in_batches(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    await enrolled(shop, stock, YEARLY, 1, installed=clock.now() - 350 * DAY)
    async with shop.acting(TECHNICIAN) as conn:
        now = clock.now()
        await register.add(shop, conn, [
            Asset(device_id=f"more-{n}", model_id="model-1", state="in-service", state_since=now, created=now,
                  serial=f"M{n}", installed=now - 340 * DAY) for n in range(600)
        ])  # fmt: skip
    assert await caught_up(shop) == 601
    assert await caught_up(shop) == 0


async def test_what_has_no_history_is_not_overdue_on_the_first_day(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    await enrolled(shop, stock, YEARLY, 2, installed=clock.now() - 4000 * DAY)
    await caught_up(shop)
    lines, _ = await orders.find(shop.pool, orders.Filter(state="overdue"), clock.now())
    assert lines == []


async def test_a_cancelled_order_and_a_read_meter(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    cycles = Schedule(
        schedule_id="c", name="Cycle service", model_id="model-1", meter="cycles", every=100, ahead_days=0
    )
    (asset,) = await enrolled(shop, stock, cycles, 1)

    async def read(value: float) -> int:
        await clock.advance(60)
        async with shop.acting(TECHNICIAN) as conn:
            await meters.read(shop, conn, asset.device_id, "Cycles", value, TECHNICIAN)
        return await schedules.tick(shop)

    await schedules.tick(shop)
    assert [await read(value) for value in (50, 99, 100, 180)] == [0, 0, 1, 0]
    (row,) = await orders.of_devices(shop.pool, [asset.device_id])
    async with shop.acting(TECHNICIAN) as conn:
        await desk.cancel(shop, conn, row.work_id, "seals are new", TECHNICIAN)
        with pytest.raises(Invalid):
            await meters.read(shop, conn, asset.device_id, "use", 5, TECHNICIAN)
    assert [await read(value) for value in (279, 281)] == [0, 1]


async def test_a_schedule_that_says_nothing_is_refused(shop: Shop, stock: Stocked) -> None:
    await stock(1)
    wrong: list[dict[str, Any]] = [
        {}, {"months": 0}, {"months": 6, "device_id": "x"}, {"months": 6, "every": 5.0}, {"months": 6, "fixed": True},
        {"months": 6, "procedure_id": "none"}, {"months": 6, "aem": "none"}, {"meter": "use", "every": -1.0},
    ]  # fmt: skip
    for fields in wrong:
        with pytest.raises(Invalid):
            async with shop.acting(TECHNICIAN) as conn:
                await schedules.put(shop, conn, Schedule(schedule_id="s", name="n", model_id="model-1", **fields))


async def test_meter_based_maintenance_fires_from_real_telemetry_hours(database: Any) -> None:
    """Wire, pipeline, telemetry, use hours, order: a machine that is used falls due; standby does not count."""
    ward = await scene(database.pool)
    shop = Shop(ward.pool, ward.parts)
    ward.pipeline.sinks = Sinks((), (Rests(),), ward.sinks.adt)
    busy, idle = await ward.device("MON1", "1"), await ward.device("MON2", "2")
    async with shop.acting(TECHNICIAN) as conn:
        await register.add_models(shop, conn, [Model(model_id="m", manufacturer="Acme", name="M1")])
        now = ward.clock.now()
        await register.add(shop, conn, [Asset(device_id=one, model_id="m", state="in-service", state_since=now,
                                              created=now, serial=one) for one in (busy, idle)])  # fmt: skip
        await schedules.put(shop, conn, Schedule(schedule_id="s", name="Filter", model_id="m", months=12, meter="use",
                                                 every=0.5, ahead_days=0))  # fmt: skip

    async def run(start: int, stop: int) -> int:
        for n in range(start, stop):
            ward.clock.set(ward.minute(n))
            await ward.put(reading(HR, "70", ward.minute(n)), device="MON1")
        await ward.work()
        for _ in range(2):
            await meters.follow(ward.pool, ward.clock.now())
        return await schedules.tick(shop)

    assert await schedules.tick(shop) == 0, "both are on the schedule from here on"
    assert await run(1, 22) == 0
    ward.clock.set(ward.minute(21))
    await ward.put(DeviceEvent("standby", value="begin"), device="MON1")
    await ward.work()
    assert await run(22, 40) == 0, "19 minutes on standby"
    await ward.put(DeviceEvent("standby", value="end"), device="MON1")
    await ward.work()
    assert await run(40, 49) == 0
    assert (await meter_store.uses(ward.pool, [busy, idle]))[busy].use_us == 29 * MINUTE
    assert await run(49, 51) == 1
    (order,) = await orders.of_devices(ward.pool)
    assert (order.device_id, order.kind, order.source) == (busy, "maintenance", "schedule")
    assert "hours of use" in order.text
    assert order.due == ward.clock.now(), "the meter came before the calendar"
    await ward.intake.close()
