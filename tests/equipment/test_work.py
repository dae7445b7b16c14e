"""Work on machines: the state at any moment, and what each step leaves in table, record and log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.equipment.conftest import NURSE, OPERATOR, PHYSICIAN, TECHNICIAN, Stocked

from wardbridge.core.clock import DAY, HOUR, FakeClock
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.devices.values import DeviceEvent
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk
from wardbridge.equipment.work.desk import Order
from wardbridge.equipment.work.events import DeviceFaults
from wardbridge.equipment.work.state import faults_at, maintenance_state
from wardbridge.equipment.work.store import orders
from wardbridge.equipment.work.values import Work
from wardbridge.security.principal import SYSTEM


def item(reported: int, due: int, done: int | None) -> Work:
    return Work(work_id="w", device_id="d", kind="maintenance", name="n", text="t", reported_by="b",
                reported_at=reported, request_id="r", task_id="t", due=due, done_at=done)  # fmt: skip


@given(st.integers(0, 100), st.integers(0, 400), st.one_of(st.none(), st.integers(0, 400)), st.integers(0, 400))
def test_state_is_that_of_the_moment(reported: int, due: int, done: int | None, at: int) -> None:
    state, _ = maintenance_state([item(reported * DAY, due * DAY, None if done is None else done * DAY)], at * DAY)
    if at < reported or (done is not None and done <= at):
        assert state == "unknown"
    elif due < at:
        assert state == "overdue"
    else:
        assert state == ("due" if due - at <= 30 else "current")


async def test_a_fault_is_reported_taken_and_resolved(shop: Shop, clock: FakeClock) -> None:
    async with shop.acting(NURSE) as conn:
        work = await desk.report(shop, conn, "dev", "Screen flickers", NURSE)
    async with shop.acting(TECHNICIAN) as conn:
        await desk.take(shop, conn, work.work_id, TECHNICIAN)
        with pytest.raises(Conflict):
            await desk.take(shop, conn, work.work_id, OPERATOR)
        await clock.advance(60)
        await desk.wait(shop, conn, work.work_id, "parts", TECHNICIAN, "cable ordered")
        task = await shop.record.current(conn, "Task", work.task_id)
        assert task is not None
        assert (task["status"], task["statusReason"]["text"]) == ("on-hold", "waits for parts")
        done = await desk.resolve(shop, conn, work.work_id, "Cable replaced", TECHNICIAN)
        with pytest.raises(Conflict):
            await desk.resolve(shop, conn, work.work_id, "again", TECHNICIAN)
        with pytest.raises(NotFound):
            await desk.take(shop, conn, "none", TECHNICIAN)
        with pytest.raises(Invalid):
            await desk.report(shop, conn, "dev", "   ", NURSE)
        task = await shop.record.current(conn, "Task", done.task_id)
        request = await shop.record.current(conn, "ServiceRequest", done.request_id)
    assert task is not None
    assert request is not None
    assert (task["status"], task["owner"]["display"]) == ("completed", "Technician")
    assert task["note"][0]["text"] == "Cable replaced"
    assert task["for"] == {"reference": "Device/dev"}
    assert request["status"] == "completed"
    (row,) = await orders.of_devices(shop.pool, ["dev"])
    assert row.number > 0
    assert faults_at([row], row.reported_at) == [row]
    assert faults_at([row], clock.now()) == []


async def test_every_change_is_under_account(shop: Shop) -> None:
    async with shop.acting(TECHNICIAN, "round on ICU") as conn:
        work = await desk.report(shop, conn, "dev", "Wheel broken", TECHNICIAN)
        await desk.take(shop, conn, work.work_id, TECHNICIAN)
    found = await shop.pool.fetch("SELECT * FROM change WHERE table_name = 'work' ORDER BY sequence")
    assert [(row["action"], row["device_id"], row["display"]) for row in found] == [
        (b"C", "dev", "Technician"), (b"U", "dev", "Technician"),
    ]  # fmt: skip
    with pytest.raises(Exception, match="without an actor"):
        await shop.pool.execute("UPDATE work SET name = 'x'")


async def test_maintenance_falls_due_anew_and_says_why_it_was_late(shop: Shop, clock: FakeClock) -> None:
    async with shop.acting(TECHNICIAN) as conn:
        work = await desk.plan(shop, conn, "dev", "Yearly check", clock.now() - DAY, 365, TECHNICIAN)
        assert work is not None
        assert await desk.plan(shop, conn, "dev", "Yearly check", clock.now(), 365, TECHNICIAN) is None
        assert maintenance_state(await orders.of_devices(conn, ["dev"]), clock.now())[0] == "overdue"
        await clock.advance(60)
        with pytest.raises(Invalid) as refused:
            await desk.resolve(shop, conn, work.work_id, "All within limits", TECHNICIAN)
        assert refused.value.where == "late_reason"
        done = await desk.resolve(shop, conn, work.work_id, "All within limits", TECHNICIAN, late_reason="in-use")
        assert done.late_reason == "in-use"
        rows = await orders.of_devices(conn, ["dev"])
        assert maintenance_state(rows, clock.now())[0] == "current"
        assert maintenance_state(rows, clock.now() - 1)[0] == "overdue"
        assert [note.kind for note in await orders.notes(conn, [work.work_id])] == ["late"]


async def test_work_is_put_off_by_those_who_may(shop: Shop, clock: FakeClock) -> None:
    due = clock.now() + DAY
    async with shop.acting(TECHNICIAN) as conn:
        work = await desk.order(shop, conn, "dev", "inspection", "Safety test", "", TECHNICIAN, due=due)
        with pytest.raises(Forbidden):
            await desk.defer(shop, conn, work.work_id, due + DAY, "in-use", "on a patient", PHYSICIAN)
        with pytest.raises(Invalid):
            await desk.defer(shop, conn, work.work_id, due - 1, "in-use", "on a patient", TECHNICIAN)
        with pytest.raises(Invalid):
            await desk.defer(shop, conn, work.work_id, due + DAY, "no mood", "on a patient", TECHNICIAN)
        later = await desk.defer(shop, conn, work.work_id, due + 9 * DAY, "in-use", "on a patient", TECHNICIAN)
        later = await desk.defer(shop, conn, work.work_id, due + 19 * DAY, "no-parts", "still", TECHNICIAN)
        assert (later.due, later.due_first) == (due + 19 * DAY, due)
        await clock.advance(5 * DAY / 1e6)
        done = await desk.resolve(shop, conn, work.work_id, "fine", TECHNICIAN)
        assert done.late_reason == "no-parts", "late by its first due date, with the reason of the deferral"


async def test_a_machine_that_nobody_finds_is_suggested_as_missing(shop: Shop) -> None:
    async with shop.acting(TECHNICIAN) as conn:
        work = await desk.order(shop, conn, "dev", "maintenance", "Yearly", "", TECHNICIAN, due=shop.clock.now() + 1)
        said = [(await desk.not_found(shop, conn, work.work_id, f"not in room {n}", TECHNICIAN))[1] for n in range(3)]
    assert said == [False, False, True]


async def test_what_one_source_wants_of_a_machine_is_ordered_once(shop: Shop) -> None:
    wanted = [
        Order(kind="recall", name="Z-1 pump door", device_id=f"dev-{n}", source="recall", source_id="Z-1", side="both")
        for n in range(40)
    ]  # fmt: skip
    async with shop.acting(TECHNICIAN) as conn:
        first = await desk.order_all(shop, conn, wanted, TECHNICIAN)
        await desk.cancel(shop, conn, first[3].work_id, "not ours", TECHNICIAN)
        again = await desk.order_all(shop, conn, list(reversed(wanted)), TECHNICIAN)
    assert [one.work_id for one in again] == [one.work_id for one in reversed(first)]
    assert again[36].state == "cancelled", "what was decided stays decided"
    assert await shop.pool.fetchval("SELECT count(*) FROM work") == 40
    with pytest.raises(Invalid):
        async with shop.acting(TECHNICIAN) as conn:
            await desk.order_all(shop, conn, [Order(kind="recall", name="x")], TECHNICIAN)


async def test_work_on_a_place_has_its_location(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    async with shop.acting(TECHNICIAN) as conn:
        work = await desk.order(
            shop, conn, "", "inspection", "Gas outlets", "", TECHNICIAN, place_id=asset.place_id
        )  # fmt: skip
        request = await shop.record.current(conn, "ServiceRequest", work.request_id)
    assert request is not None
    assert request["subject"]["reference"].startswith("Location/")


async def test_a_fault_that_a_device_repeats_is_open_once(shop: Shop, clock: FakeClock) -> None:
    faults = DeviceFaults(shop)
    event = DeviceEvent("fault", "Battery cannot be charged", "BATT")
    async with shop.pool.acquire() as conn, conn.transaction():
        for _ in range(3):
            await faults.apply(conn, "dev", "pat", None, event, clock.now())
        await faults.apply(conn, "dev", "pat", None, DeviceEvent("battery", value="50"), clock.now())
        (row,) = await orders.of_devices(conn)
        assert (row.priority, row.source, row.reported_by) == ("urgent", "alarm", "the device itself")
        await desk.resolve(shop, conn, row.work_id, "New battery", SYSTEM)
        await faults.apply(conn, "dev", None, None, event, clock.now())
        assert len(await orders.of_devices(conn, open_only=True)) == 1


async def test_lists_are_paged_filtered_and_name_the_machine(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    assets = await stock(3, criticality="high")
    now = clock.now()
    async with shop.acting(TECHNICIAN) as conn:
        for at, asset in enumerate(assets):
            await desk.order(shop, conn, asset.device_id, "maintenance", "Yearly", "", TECHNICIAN,
                             due=now + (at - 1) * DAY, priority="urgent" if at == 2 else "routine")  # fmt: skip
        fault = await desk.report(shop, conn, assets[0].device_id, "100% odd_ text", NURSE)
        await desk.assign(shop, conn, [fault.work_id], TECHNICIAN, person_id="p-1", person="Tom", planned=now + HOUR)
    find = orders.find
    lines, count = await find(shop.pool, orders.Filter(kind="maintenance"), now, limit=2)
    assert (count, len(lines)) == (3, 2)
    assert [line.work.due for line in lines] == [now - DAY, now]
    assert lines[0].criticality == "high"
    assert lines[0].ward == "ICU"
    assert (await find(shop.pool, orders.Filter(state="overdue"), now))[1] == 1
    assert (await find(shop.pool, orders.Filter(person_id="none"), now))[1] == 3
    assert (await find(shop.pool, orders.Filter(person_id="p-1"), now))[1] == 1
    assert (await find(shop.pool, orders.Filter(text="0% odd_"), now))[1] == 1
    assert (await find(shop.pool, orders.Filter(text="0_ odd%"), now))[1] == 0, "wildcards are plain characters"
    assert (await find(shop.pool, orders.Filter(text=f"#{fault.number}"), now))[1] == 1
    assert (await find(shop.pool, orders.Filter(text=assets[1].serial), now))[1] == 1
    assert (await find(shop.pool, orders.Filter(ward="ICU"), now))[1] == 4
    assert (await find(shop.pool, orders.Filter(ward="ER"), now))[1] == 0
    first, _ = await find(shop.pool, orders.Filter(sort="priority"), now, limit=1)
    assert first[0].work.priority == "urgent"
