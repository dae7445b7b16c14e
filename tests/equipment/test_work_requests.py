"""Requests without a login, key figures, and what a machine's page is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.equipment.conftest import NURSE, TECHNICIAN, Stocked

from wardbridge.core.clock import DAY, HOUR, MINUTE, FakeClock
from wardbridge.core.errors import Invalid, NotFound, TooMany
from wardbridge.equipment.register.store import now as machines_now
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import about, desk, requests
from wardbridge.equipment.work.store import figures, orders
from wardbridge.security.tokens import Tokens


async def ask(shop: Shop, device_id: str, text: str, sender: str = "s") -> requests.Request:
    (machine,) = await machines_now(shop.pool, [device_id])
    async with shop.acting(requests.ANONYMOUS) as conn:
        return await requests.submit(shop, conn, machine, text, sender=sender)


async def test_words_on_one_machine_join_one_order(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    one, two = await stock(2)
    first = await ask(shop, one.device_id, "Display is dark")
    second = await ask(shop, one.device_id, "Still dark", "t")
    other = await ask(shop, two.device_id, "Wheel is loose", "t")
    assert (first.joined, second.joined, other.joined) == (False, True, False)
    assert first.work_id == second.work_id != other.work_id
    assert len({first.reference, second.reference, other.reference}) == 3
    assert min(len(one.reference) for one in (first, second, other)) >= 20
    (work,) = await orders.get(shop.pool, [first.work_id])
    assert (work.kind, work.source, work.text) == ("fault", "request", "Display is dark")
    assert [note.text for note in await orders.notes(shop.pool, [work.work_id])] == ["Reported again: Still dark"]
    async with shop.acting(TECHNICIAN) as conn:
        await desk.resolve(shop, conn, work.work_id, "Back light replaced", TECHNICIAN)
    told = await requests.status(shop, second.reference)
    assert (told.state, told.machine, told.text) == ("resolved", "Flow 3", "Still dark")
    assert "Technician" not in str(told), "nothing of who works on it"
    assert not (await ask(shop, one.device_id, "Dark again")).joined
    for wrong in ("", "x" * 20, "x" * 200, "../../etc"):
        with pytest.raises(NotFound):
            await requests.status(shop, wrong)


async def test_an_address_and_a_machine_can_ask_only_so_often(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    assets = await stock(8)
    for n in range(5):
        await ask(shop, assets[n].device_id, "broken", "one")
    with pytest.raises(TooMany):
        await ask(shop, assets[6].device_id, "broken", "one")
    await ask(shop, assets[6].device_id, "broken", "another")
    await clock.advance(11 * 60)
    await ask(shop, assets[6].device_id, "broken", "one")
    for n in range(4):
        await ask(shop, assets[6].device_id, "broken", f"n{n}")
    with pytest.raises(Invalid):
        await ask(shop, assets[7].device_id, " x ", "z")
    await ask(shop, assets[6].device_id, "broken", "n5")
    with pytest.raises(TooMany):
        await ask(shop, assets[6].device_id, "broken", "n6")


async def test_two_at_the_same_moment_are_one_order(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    found = await asyncio.gather(*[ask(shop, asset.device_id, "smoke", f"s{n}") for n in range(4)])
    assert len({one.work_id for one in found}) == 1
    assert sum(not one.joined for one in found) == 1


def test_an_address_is_counted_by_a_mark_that_only_this_site_can_make(tmp_path: Path) -> None:
    here, there = Tokens(tmp_path / "a", FakeClock()), Tokens(tmp_path / "b", FakeClock())
    one = here.mark("requests", "10.0.0.7")
    assert one == Tokens(tmp_path / "a", FakeClock()).mark("requests", "10.0.0.7")
    assert (
        len({one, here.mark("requests", "10.0.0.8"), here.mark("x", "10.0.0.7"), there.mark("requests", "10.0.0.7")})
        == 4
    )


async def test_figures_count_what_was_done_in_time(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    start = clock.now()
    assets = await stock(4, criticality="high", installed=start - 100 * DAY)
    due = start + 5 * DAY
    async with shop.acting(TECHNICIAN) as conn:
        planned = [
            await desk.order(shop, conn, asset.device_id, "maintenance", "PM", "", TECHNICIAN, due=due)
            for asset in assets
        ]
        await desk.resolve(shop, conn, planned[0].work_id, "done", TECHNICIAN)
        await desk.defer(shop, conn, planned[1].work_id, due + 40 * DAY, "in-use", "patient", TECHNICIAN)
        await desk.cancel(shop, conn, planned[3].work_id, "sold", TECHNICIAN)
    await clock.advance(8 * DAY / 1e6)
    async with shop.acting(TECHNICIAN) as conn:
        await desk.resolve(shop, conn, planned[1].work_id, "done", TECHNICIAN)
    (month,) = await figures.completion(shop.pool, start, start + 31 * DAY)
    assert (month.due, month.on_time, month.late, month.open, month.cancelled) == (4, 1, 1, 1, 1)
    assert month.completion == pytest.approx(1 / 3), "deferred work is late by its first date"
    for wait in (0, 10, 45):
        await clock.advance(wait * DAY / 1e6)
        async with shop.acting(NURSE) as conn:
            fault = await desk.report(shop, conn, assets[0].device_id, f"fault {wait}", NURSE)
        await clock.advance(2 * HOUR / 1e6)
        async with shop.acting(TECHNICIAN) as conn:
            await desk.resolve(shop, conn, fault.work_id, "mended", TECHNICIAN)
            await conn.execute(
                "INSERT INTO downtime (downtime_id, device_id, work_id, start, stop, source, by) "
                "VALUES ($1, $2, $3, $4, NULL, 'fault', 'x')",
                f"d{wait}", assets[0].device_id, fault.work_id, clock.now() - 2 * HOUR,
            )  # fmt: skip
    stop = clock.now()
    (model,) = await figures.reliability(shop.pool, start, stop)
    assert (model.machines, model.failures, model.repeats) == (4, 3, 1)
    assert model.mttr == pytest.approx(2.0)
    assert model.mtbf == pytest.approx(4 * (stop - start) / HOUR / 3)
    assert model.availability == pytest.approx(1 - 6 * HOUR / (4 * (stop - start)))
    (age,) = await figures.ages(shop.pool, stop)
    assert (age.kind, age.quarter, age.overdue) == ("maintenance", 1, 1)


async def test_a_machine_page_is_told_everything_once(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    (asset,) = await stock(1)
    async with shop.acting(TECHNICIAN) as conn:
        work = await desk.order(shop, conn, asset.device_id, "maintenance", "PM", "", TECHNICIAN,
                                due=clock.now() + MINUTE)  # fmt: skip
        await desk.note(shop, conn, work.work_id, "looked at it", TECHNICIAN)
        await clock.advance(30)
        await desk.resolve(shop, conn, work.work_id, "clean", TECHNICIAN)
    told = await about.about(shop, asset.device_id, "model-1")
    assert (told.maintenance, len(told.work), told.trends) == ("unknown", 1, ())
    events = await about.events(shop.pool, asset.device_id)
    assert [event.text.split(" ", 1)[1] for event in events] == ["resolved: clean", "maintenance: PM", "at it"]
    assert {event.url for event in events} == {f"/equipment/work/{work.work_id}"}
