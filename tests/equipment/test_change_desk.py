"""A change from draft to closed over the real database and record."""

from __future__ import annotations

import base64

import msgspec
import pytest
from tests.equipment.changing import file, hazard, scheduled
from tests.equipment.conftest import NURSE, OPERATOR, PHYSICIAN, TECHNICIAN, Stocked

from wardbridge.core.clock import DAY, FakeClock
from wardbridge.core.errors import Conflict, Forbidden, Invalid
from wardbridge.equipment.changes import desk, store
from wardbridge.equipment.shop import Shop
from wardbridge.security import store as security


async def test_a_change_from_draft_to_closed_with_its_resources(shop: Shop, stock: Stocked) -> None:
    asset, _ = await stock(2)
    change = await scheduled(shop, "configuration", file(devices=(asset.device_id,), wards=("ICU",)))
    ident = change.change_id
    async with shop.acting(OPERATOR) as conn:
        await desk.move(shop, conn, ident, "start", OPERATOR)
        with pytest.raises(Invalid):
            await desk.move(shop, conn, ident, "verify", OPERATOR)
        await desk.move(shop, conn, ident, "verify", OPERATOR, "bolus given, alarms heard")
        change = await desk.move(shop, conn, ident, "close", OPERATOR)
        group, request, task, document = [
            await shop.record.current(conn, kind, f"{ident}-{name}")
            for kind, name in (("Group", "machines"), ("ServiceRequest", "request"), ("Task", "task"),
                               ("DocumentReference", "file"))
        ]  # fmt: skip
    assert change.state == "closed"
    assert group is not None
    assert request is not None
    assert task is not None
    assert document is not None
    assert group["member"] == [{"entity": {"reference": f"Device/{asset.device_id}"}}]
    assert (task["status"], request["status"]) == ("completed", "completed")
    held = base64.b64decode(document["content"][0]["attachment"]["data"])
    assert msgspec.json.decode(held)["file"]["rollback"] == "load the earlier image"
    steps = [step.step for step in await store.steps(shop.pool, [ident])]
    assert steps == ["draft", "assess", "sign biomed", "sign it", "complete", "schedule", "start", "verify", "close"]
    assert {row["device_id"] for row in await security.changes_of(shop.pool, table="change_device")} == {
        asset.device_id
    }


async def test_an_edit_after_both_signatures_voids_them_and_takes_it_off_the_calendar(
    shop: Shop, stock: Stocked
) -> None:
    await stock(1)
    change = await scheduled(shop, "configuration", file(models=("model-1",)))
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Conflict):
            await desk.edit(shop, conn, change.change_id, change.file, TECHNICIAN, seen=99)
        same = await desk.edit(shop, conn, change.change_id, change.file, TECHNICIAN, seen=1)
        assert same.state == "scheduled"
        other = msgspec.structs.replace(change.file, rollback="none")
        change = await desk.edit(shop, conn, change.change_id, other, TECHNICIAN, seen=1)
    assert (change.state, change.version) == ("draft", 2)
    sheet = await desk.sheet(shop.pool, change.change_id)
    assert (sheet.standing, len(sheet.void), sheet.missing) == ([], 2, ["biomed", "it"])
    async with shop.acting(OPERATOR) as conn:
        for name in ("schedule", "start", "verify", "close"):
            with pytest.raises(Conflict):
                await desk.move(shop, conn, change.change_id, name, OPERATOR, "done")
        # Written back to what was signed, it is still a new version: nobody signed that.
        await desk.edit(shop, conn, change.change_id, same.file, OPERATOR, seen=2)
    assert (await desk.sheet(shop.pool, change.change_id)).missing == ["biomed", "it"]


async def test_who_may_sign(shop: Shop, stock: Stocked) -> None:
    await stock(1)
    risky = file(models=("model-1",), hazards=(hazard(severity_after=5, probability_after=5),))
    async with shop.acting(TECHNICIAN) as conn:
        change = await desk.draft(shop, conn, "configuration", risky, TECHNICIAN)
        with pytest.raises(Conflict):
            await desk.sign(shop, conn, change.change_id, "biomed", TECHNICIAN)
        await desk.move(shop, conn, change.change_id, "assess", TECHNICIAN)
        with pytest.raises(Forbidden):
            await desk.sign(shop, conn, change.change_id, "it", TECHNICIAN)
        with pytest.raises(Conflict):
            await desk.sign(shop, conn, change.change_id, "biomed", TECHNICIAN, digest="what I saw yesterday")
        await desk.sign(shop, conn, change.change_id, "biomed", TECHNICIAN)
        change = await desk.sign(shop, conn, change.change_id, "it", OPERATOR)
        assert change.state == "assessed"
        with pytest.raises(Forbidden):
            await desk.sign(shop, conn, change.change_id, "clinical", NURSE)
        change = await desk.sign(shop, conn, change.change_id, "clinical", PHYSICIAN)
    assert change.state == "signed"


async def test_a_change_starts_within_its_window_only(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    await stock(1)
    change = await scheduled(shop, "configuration", file(models=("model-1",)))
    clock.set(clock.now() + 2 * DAY)
    async with shop.acting(OPERATOR) as conn:
        with pytest.raises(Conflict, match="window"):
            await desk.move(shop, conn, change.change_id, "start", OPERATOR)
        cancelled = await desk.move(shop, conn, change.change_id, "cancel", OPERATOR, "missed")
    assert cancelled.state == "cancelled"


async def test_files_name_only_what_is_in_the_register(shop: Shop, stock: Stocked) -> None:
    await stock(1)
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Invalid, match="nowhere"):
            await desk.draft(shop, conn, "configuration", file(devices=("nowhere",)), TECHNICIAN)
        with pytest.raises(Invalid):
            await desk.draft(shop, conn, "party", file(), TECHNICIAN)
