"""Runbooks in table, record and log: signed by both sides, run by both sides, with a report at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

import pytest
from tests.equipment.conftest import NURSE, OPERATOR, TECHNICIAN, Stocked
from tests.equipment.test_account import differences

from wardbridge.core.clock import MINUTE, FakeClock
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.crew import report, runbooks, runs, seed
from wardbridge.equipment.crew.steps import Step
from wardbridge.equipment.crew.store import runbooks as store
from wardbridge.equipment.learning import pages
from wardbridge.equipment.learning.values import Content
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.values import Interface
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work.store import orders
from wardbridge.security.principal import SYSTEM, Principal

PLAN = (
    Step(key="port", side="it", what="Open the port", minutes=10, evidence="switch and port", abort="Close the port"),
    Step(key="fit", side="biomed", what="Fit it", minutes=30, after=("port",), order_kind="installation"),
    Step(key="look", side="clinical", what="Look at it", after=("fit",)),
)
WHO = {"it": OPERATOR, "biomed": TECHNICIAN, "clinical": NURSE}


async def in_force(shop: Shop, plan: tuple[Step, ...] = PLAN, title: str = "Fit a device") -> str:
    """A runbook, signed by every side."""
    async with shop.acting(TECHNICIAN) as conn:
        slug = await runbooks.draft(shop, conn, "install", title, "", plan, by=TECHNICIAN)
        for side in runbooks.sides_of(plan):
            await runbooks.approve(shop, conn, slug, side, by=WHO[side])
    return slug


async def do(
    shop: Shop, action: Callable[..., Awaitable[object]], *args: object, by: Principal, **more: object
) -> None:
    """One move of one person."""
    async with shop.acting(by) as conn:
        await action(shop, conn, *args, by=by, **more)


async def test_a_runbook_is_in_force_when_each_side_has_signed_this_version(shop: Shop) -> None:
    async with shop.acting(TECHNICIAN) as conn:
        slug = await runbooks.draft(shop, conn, "install", "Fit a device", "", PLAN, by=TECHNICIAN)
        assert not await runbooks.approve(shop, conn, slug, "biomed", by=TECHNICIAN)
        with pytest.raises(Forbidden):
            await runbooks.approve(shop, conn, slug, "it", by=TECHNICIAN)
        assert not await runbooks.approve(shop, conn, slug, "it", by=OPERATOR)
        with pytest.raises(Conflict):
            await runs.start(shop, conn, slug, "system", by=TECHNICIAN)
        assert await runbooks.approve(shop, conn, slug, "clinical", by=NURSE)
        runbook = await runbooks.read(conn, slug)
        plan = await shop.record.current(conn, "PlanDefinition", runbook.runbook_id)
        assert plan is not None
        assert (plan["status"], [action["id"] for action in plan["action"]]) == ("active", ["port", "fit", "look"])
        assert plan["action"][1]["relatedAction"] == [{"actionId": "port", "relationship": "after-end"}]
        await runbooks.write(shop, conn, slug, 1, "install", "Fit a device", "", PLAN[:2], by=TECHNICIAN)
        with pytest.raises(Conflict):
            await runbooks.write(shop, conn, slug, 1, "install", "Late", "", PLAN, by=OPERATOR)
        again = await runbooks.read(conn, slug)
    assert (again.state, again.published, len(again.shown.steps), len(again.newest.steps)) == ("draft", 1, 3, 2)


async def test_a_run_puts_tasks_on_every_side_and_moves_with_them(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    (asset,) = await stock(1)
    slug = await in_force(shop)
    async with shop.acting(OPERATOR) as conn:
        run_id = await runs.start(shop, conn, slug, "device", asset.tag, by=OPERATOR, reason="new pump")
        with pytest.raises(Conflict):
            await runs.start(shop, conn, slug, "device", asset.serial, by=OPERATOR)
        found = [await shop.record.current(conn, "Task", f"{run_id}-{n}") for n in (1, 2, 3)]
        assert [one and one["status"] for one in found] == ["ready", "requested", "requested"]
        assert found[1] is not None
        assert found[1]["for"] == {"reference": f"Device/{asset.device_id}"}
    for who, key in ((TECHNICIAN, "port"), (TECHNICIAN, "fit")):
        with pytest.raises((Forbidden, Conflict)):
            await do(shop, runs.begin, run_id, key, by=who)
    await do(shop, runs.begin, run_id, "port", by=OPERATOR)
    with pytest.raises(Invalid):
        await do(shop, runs.finish, run_id, "port", by=OPERATOR)  # asks for evidence
    clock.set(clock.now() + 15 * MINUTE)
    await do(shop, runs.finish, run_id, "port", by=OPERATOR, proof="sw-3, port 12")
    await do(shop, runs.begin, run_id, "fit", by=TECHNICIAN)
    (order,) = await orders.of_devices(shop.pool, [asset.device_id])
    assert (order.kind, order.source, order.side) == ("installation", "runbook", "biomed")
    with pytest.raises(Conflict, match="work order"):
        await do(shop, runs.finish, run_id, "fit", by=TECHNICIAN)
    async with shop.acting(TECHNICIAN) as conn:
        task = await shop.record.current(conn, "Task", f"{run_id}-2")
        assert task is not None
        assert (task["status"], task["focus"]) == (
            "in-progress", {"reference": f"ServiceRequest/{order.request_id}"})  # fmt: skip
        await conn.execute("UPDATE work SET state = 'resolved', done_at = $2 WHERE work_id = $1", order.work_id,
                           clock.now())  # fmt: skip
    await do(shop, runs.finish, run_id, "fit", by=TECHNICIAN)
    await do(shop, runs.skip, run_id, "look", "nobody is there today", by=NURSE)
    run, tasks = await runs.read(shop.pool, run_id)
    assert run.state == "done"
    assert [task.state for task in tasks] == ["done", "done", "skipped"]
    assert [(e.kind, e.key) for e in await store.log(shop.pool, run_id)] == [
        ("started", ""), ("begun", "port"), ("done", "port"), ("begun", "fit"), ("done", "fit"), ("skipped", "look"),
        ("ended", "")]  # fmt: skip
    assert [event.text for event in await runs.events(shop.pool, asset.device_id)] == [
        "Fit a device: started", "Fit a device: done"]  # fmt: skip
    text = report.lesson(run, tasks, await store.log(shop.pool, run_id), [], ZoneInfo("UTC"))
    assert "15 instead of 10 min" in text
    assert "skipped: nobody is there today" in text
    async with shop.acting(TECHNICIAN) as conn:
        name = await pages.draft(shop, conn, "lesson", Content(title=report.title(run, ZoneInfo("UTC")), body=text),
                                 by=TECHNICIAN)  # fmt: skip
        await runs.learnt(conn, run_id, name)
        with pytest.raises(Conflict):
            await runs.learnt(conn, run_id, name)
    assert await differences(shop.pool) == []
    helped = await shop.pool.fetch("SELECT person_id FROM joint_help WHERE what = $1 ORDER BY 1", f"run/{run_id}")
    assert [row["person_id"] for row in helped] == [OPERATOR.id, TECHNICIAN.id]


async def test_a_runbook_starts_once_where_it_is_started_twice_at_once(shop: Shop) -> None:
    slug = await in_force(shop)

    async def start() -> bool:
        try:
            await do(shop, runs.start, slug, "system", by=OPERATOR)
            return True
        except Conflict:
            return False

    assert sum(await asyncio.gather(*(start() for _ in range(4)))) == 1


async def test_an_aborted_run_says_what_must_be_undone(shop: Shop) -> None:
    slug = await in_force(shop)
    async with shop.acting(OPERATOR) as conn:
        run_id = await runs.start(shop, conn, slug, "system", by=OPERATOR)
        await runs.begin(shop, conn, run_id, "port", by=OPERATOR)
        with pytest.raises(Invalid):
            await runs.abort(shop, conn, run_id, "", by=NURSE)
    await do(shop, runs.abort, run_id, "the patient needs this pump", by=NURSE)
    run, tasks = await runs.read(shop.pool, run_id)
    assert (run.state, {task.state for task in tasks}) == ("aborted", {"aborted"})
    with pytest.raises(Conflict):
        await do(shop, runs.begin, run_id, "fit", by=TECHNICIAN)
    await do(shop, runs.remark, run_id, "port closed again", by=OPERATOR)
    text = report.lesson(run, tasks, await store.log(shop.pool, run_id), [], ZoneInfo("UTC"))
    assert "1. Close the port" in text
    async with shop.acting(OPERATOR) as conn:
        task = await shop.record.current(conn, "Task", f"{run_id}-1")
    assert task is not None
    assert task["status"] == "failed"


async def test_a_downtime_shows_the_wards_it_touches_and_no_patient(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2)
    async with shop.acting(TECHNICIAN) as conn:
        await desk.connect(
            shop, conn, [Interface(interface_id="i1", device_id=first.device_id, switch="sw-3", zone="med")]
        )
        await shop.pool.fetch("SELECT 1")
    assert await store.targets(shop.pool) == {"ward": ["ICU"], "switch": ["sw-3"], "zone": ["med"]}
    for scope, target, devices in (("ward", "ICU", 2), ("switch", "sw-3", 1), ("zone", "med", 1), ("system", "", 2),
                                   ("device", second.device_id, 1)):  # fmt: skip
        found = await store.affected(shop.pool, scope, target)
        assert [(one.ward, one.devices, one.in_use) for one in found] == [("ICU", devices, 0)], scope
    assert await store.affected(shop.pool, "switch", "none") == []
    slug = await in_force(shop)
    async with shop.acting(OPERATOR) as conn:
        for scope, target, error in (("ward", "none", Invalid), ("moon", "", Invalid), ("device", "x", NotFound)):
            with pytest.raises(error):
                await runs.start(shop, conn, slug, scope, target, by=OPERATOR)


async def test_a_house_starts_with_a_runbook_of_each_kind(shop: Shop) -> None:
    assert await seed.seed(shop) == len(seed.every())
    assert await seed.seed(shop) == 0
    some = await store.runbooks(shop.pool)
    assert {one.kind for one in some} == {"install", "service", "decommission", "downtime"}
    for one in some:
        assert one.agreed is not None
        assert one.example
        assert set(runbooks.sides_of(one.agreed.steps)) == {"biomed", "it", "clinical"}
    async with shop.acting(SYSTEM) as conn:
        run_id = await runs.start(shop, conn, "downtime-of-a-system", "system", by=SYSTEM)
    assert (await runs.read(shop.pool, run_id))[0].state == "running"


async def test_a_long_log_becomes_a_report_that_a_page_holds(shop: Shop) -> None:
    slug = await in_force(shop)
    async with shop.acting(OPERATOR) as conn:
        run_id = await runs.start(shop, conn, slug, "system", by=OPERATOR)
        for number in range(120):
            await runs.remark(shop, conn, run_id, f"{number} <b>*remark*</b> " + "x" * 150, by=OPERATOR)
        run, tasks = await runs.read(conn, run_id)
        text = report.lesson(run, tasks, await store.log(conn, run_id), [], ZoneInfo("UTC"))
    assert len(text) <= pages.LONGEST["body"]
    assert "lines are in the run's own log" in text
    assert "<b>" not in text.replace("\\<b", "")
