"""Work on machines: the state at any moment, and what each step leaves in table and record."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.core.clock import DAY, FakeClock
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.core.ids import counted_ids
from wardbridge.devices.values import DeviceEvent
from wardbridge.equipment.work import store
from wardbridge.equipment.work.desk import DeviceFaults, Workshop
from wardbridge.equipment.work.state import faults_at, maintenance_state
from wardbridge.equipment.work.values import Work


def item(reported: int, due: int, done: int | None) -> Work:
    return Work("w", "d", "maintenance", "n", "t", "open", "b", reported, "r", "t", due=due, done_at=done)


@given(st.integers(0, 100), st.integers(0, 400), st.one_of(st.none(), st.integers(0, 400)), st.integers(0, 400))
def test_state_is_that_of_the_moment(reported: int, due: int, done: int | None, at: int) -> None:
    state, _ = maintenance_state([item(reported * DAY, due * DAY, None if done is None else done * DAY)], at * DAY)
    if at < reported or (done is not None and done <= at):
        assert state == "unknown"
    elif due < at:
        assert state == "overdue"
    else:
        assert state == ("due" if due - at <= 30 else "current")


class Kept:
    """Stands for the record where only what is written matters (the joined test uses the real one)."""

    def __init__(self) -> None:
        self.resources: dict[str, dict] = {}

    async def put(self, conn, resources) -> None:
        for resource in resources:
            self.resources[f"{resource['resourceType']}/{resource['id']}"] = resource

    async def find_or_create(self, conn, resource, query) -> str:
        raise NotImplementedError

    async def current(self, conn, kind, ident):
        return self.resources.get(f"{kind}/{ident}")


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def workshop(kept: Kept, clock: FakeClock) -> Workshop:
    return Workshop(kept, clock, counted_ids())


async def test_a_fault_is_reported_taken_and_resolved(
    database, workshop: Workshop, kept: Kept, clock: FakeClock
) -> None:
    async with database.pool.acquire() as conn, conn.transaction():
        work = await workshop.report(conn, "dev", "Screen flickers", "Nurse Anna")
        await workshop.take(conn, work.work_id, "Tom")
        with pytest.raises(Conflict):
            await workshop.take(conn, work.work_id, "Tim")
        await clock.advance(60)
        done = await workshop.resolve(conn, work.work_id, "Cable replaced", "Tom")
        with pytest.raises(Conflict):
            await workshop.resolve(conn, work.work_id, "again", "Tom")
        with pytest.raises(NotFound):
            await workshop.take(conn, "none", "Tom")
        with pytest.raises(Invalid):
            await workshop.report(conn, "dev", "   ", "Anna")
    task = kept.resources[f"Task/{done.task_id}"]
    assert (task["status"], task["owner"]["display"], task["note"][0]["text"]) == ("completed", "Tom", "Cable replaced")
    assert task["for"] == {"reference": "Device/dev"}
    assert kept.resources[f"ServiceRequest/{done.request_id}"]["status"] == "completed"
    (row,) = await store.of_devices(database.pool, ["dev"])
    assert faults_at([row], row.reported_at) == [row]
    assert faults_at([row], clock.now()) == []


async def test_maintenance_falls_due_anew(database, workshop: Workshop, clock: FakeClock) -> None:
    async with database.pool.acquire() as conn, conn.transaction():
        work = await workshop.plan(conn, "dev", "Yearly check", clock.now() - DAY, 365, "biomed")
        assert work is not None
        assert await workshop.plan(conn, "dev", "Yearly check", clock.now(), 365, "biomed") is None
        assert maintenance_state(await store.of_devices(conn, ["dev"]), clock.now())[0] == "overdue"
        await clock.advance(60)
        await workshop.resolve(conn, work.work_id, "All within limits", "Tom")
        rows = await store.of_devices(conn, ["dev"])
        assert maintenance_state(rows, clock.now())[0] == "current"
        assert maintenance_state(rows, clock.now() - 1)[0] == "overdue"


async def test_a_fault_that_a_device_repeats_is_open_once(database, workshop: Workshop, clock: FakeClock) -> None:
    faults = DeviceFaults(workshop)
    event = DeviceEvent("fault", "Battery cannot be charged", "BATT")
    async with database.pool.acquire() as conn, conn.transaction():
        for _ in range(3):
            await faults.apply(conn, "dev", "pat", None, event, clock.now())
        await faults.apply(conn, "dev", "pat", None, DeviceEvent("battery", value="50"), clock.now())
        (row,) = await store.of_devices(conn)
        assert row.priority == "urgent"
        await workshop.resolve(conn, row.work_id, "New battery", "Tom")
        await faults.apply(conn, "dev", None, None, event, clock.now())
        assert len(await store.of_devices(conn, open_only=True)) == 1
