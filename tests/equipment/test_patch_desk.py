"""A patch from both signatures to proof on the wire, over the real database."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from tests.equipment.bedside import admit, discharge, hear, person
from tests.equipment.changing import file, patch_file, scheduled
from tests.equipment.conftest import OPERATOR, TECHNICIAN, Stocked

from wardbridge.core.clock import DAY, HOUR, MINUTE, FakeClock
from wardbridge.core.errors import Conflict, Invalid, WardbridgeError
from wardbridge.devices import binding, fleet
from wardbridge.devices.store import facts, registry
from wardbridge.devices.store.registry import Seen
from wardbridge.equipment.changes import desk as changes
from wardbridge.equipment.changes.patches import desk, follow, store
from wardbridge.equipment.changes.patches.values import Item, Window
from wardbridge.equipment.changes.values import Change, RiskFile
from wardbridge.equipment.register import desk as register
from wardbridge.equipment.register.store import put_software
from wardbridge.equipment.register.values import Asset, Software
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work.store import orders
from wardbridge.security.principal import SYSTEM


async def prepared(shop: Shop, content: RiskFile | None = None, *, spares: int = 0, parallel: int = 1) -> Change:
    """A patch that both have signed, with an open window."""
    async with shop.acting(TECHNICIAN) as conn:
        change = await desk.plan(shop, conn, content or patch_file(), TECHNICIAN)
        await changes.move(shop, conn, change.change_id, "assess", TECHNICIAN)
        await changes.sign(shop, conn, change.change_id, "biomed", TECHNICIAN)
        await changes.sign(shop, conn, change.change_id, "it", OPERATOR)
        change = await changes.move(shop, conn, change.change_id, "schedule", OPERATOR)
        now = shop.clock.now()
        await desk.set_window(shop, conn, Window(window_id="w", start=now, stop=now + DAY, spares=spares,
                                                 parallel=parallel))  # fmt: skip
    return change


async def item(shop: Shop, change: Change, asset: Asset) -> Item:
    return next(one for one in await store.items(shop.pool, change.change_id) if one.device_id == asset.device_id)


async def test_a_patch_waits_for_the_discharge_and_is_verified_on_the_wire(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    asset, spare = await stock(2, firmware="1.9")
    async with shop.acting(SYSTEM) as conn:
        for one in (asset, spare):
            await hear(shop, conn, one)
        await admit(shop, conn, "1", "ICU", "01")
    change = await prepared(shop)
    ident = change.change_id
    assert await follow.follow(shop) == 2
    assert ((await item(shop, change, asset)).state, (await item(shop, change, spare)).state) == ("waiting", "ready")
    assert await follow.follow(shop) == 0
    with pytest.raises(Conflict, match="a patient is on it"):
        async with shop.acting(TECHNICIAN) as conn:
            await desk.start(shop, conn, ident, asset.device_id, TECHNICIAN)
    clock.set(clock.now() + HOUR)
    async with shop.acting(SYSTEM) as conn:
        await discharge(shop, conn, "1")
    await follow.follow(shop)
    ready = await item(shop, change, asset)
    (work,) = await orders.get(shop.pool, [ready.work_id])
    assert (ready.state, work.kind, work.device_id) == ("ready", "security", asset.device_id)
    async with shop.acting(TECHNICIAN) as conn:
        await desk.start(shop, conn, ident, asset.device_id, TECHNICIAN)
    assert (await fleet.device(shop.pool, asset.device_id)).state == "workshop"
    with pytest.raises(Conflict, match="is being patched"):
        async with shop.acting(TECHNICIAN) as conn:
            await fleet.accept(shop.parts, conn, asset.device_id, "somebody")
    async with shop.acting(SYSTEM) as conn:
        await admit(shop, conn, "2", "ICU", "01")
        assert (await binding.patient_at(conn, asset.device_id, clock.now())).patient_id == ""
        with pytest.raises(Conflict, match="workshop"):
            await binding.bind(shop.parts, conn, asset.device_id, await person(conn, "2"), by="nurse")
        # The old version is said once more (no news), then the new one.
        seen = clock.now() + MINUTE
        assert await follow.observed(shop, conn, asset.device_id, "firmware", "1.9", seen, "wire") == []
        assert (
            await follow.observed(shop, conn, asset.device_id, "firmware", "2.0", clock.now() - 2 * HOUR, "wire") == []
        )
        (done,) = await follow.observed(shop, conn, asset.device_id, "firmware", "2.0", seen, "wire")
    assert (done.state, done.observed, done.evidence_at) == ("verified", "2.0", seen)
    assert (await fleet.device(shop.pool, asset.device_id)).state == "accepted"
    (work,) = await orders.get(shop.pool, [ready.work_id])
    assert work.state == "resolved"
    async with shop.acting(OPERATOR) as conn:
        with pytest.raises(Conflict, match="still open"):
            await changes.move(shop, conn, ident, "verify", OPERATOR, "all pumps tested")
        await desk.except_(shop, conn, ident, spare.device_id, "goes back to the maker", OPERATOR)
        await changes.move(shop, conn, ident, "verify", OPERATOR, "all pumps tested")
        assert (await changes.move(shop, conn, ident, "close", OPERATOR)).state == "closed"


async def test_no_patch_starts_without_both_signatures_on_exactly_this_file(shop: Shop, stock: Stocked) -> None:
    asset, _ = await stock(2, firmware="1.9")
    change = await prepared(shop)
    async with shop.acting(TECHNICIAN) as conn:
        edited = msgspec.structs.replace(change.file, rollback="none")
        await desk.edit(shop, conn, change.change_id, edited, TECHNICIAN, seen=change.version)
        with pytest.raises(Conflict, match="both sides sign"):
            await desk.start(shop, conn, change.change_id, asset.device_id, TECHNICIAN)


async def test_a_ward_keeps_its_spares(shop: Shop, stock: Stocked) -> None:
    first, second, third = await stock(3, firmware="1.9")
    change = await prepared(shop, spares=1, parallel=2)
    async with shop.acting(TECHNICIAN) as conn:
        await desk.start(shop, conn, change.change_id, first.device_id, TECHNICIAN)
        await desk.start(shop, conn, change.change_id, second.device_id, TECHNICIAN)
    with pytest.raises(Conflict, match="are being patched in the ward"):
        async with shop.acting(TECHNICIAN) as conn:
            await desk.start(shop, conn, change.change_id, third.device_id, TECHNICIAN)
    async with shop.acting(TECHNICIAN) as conn:
        await desk.set_window(shop, conn, Window(window_id="w", start=shop.clock.now(), stop=shop.clock.now() + DAY,
                                                 parallel=3, spares=1))  # fmt: skip
    with pytest.raises(Conflict, match="0 free of its kind"):
        async with shop.acting(TECHNICIAN) as conn:
            await desk.start(shop, conn, change.change_id, third.device_id, TECHNICIAN)


async def test_a_machine_that_runs_at_an_occupied_bed_is_in_use_though_bound_to_nobody(
    shop: Shop, stock: Stocked
) -> None:
    asset, _ = await stock(2, firmware="1.9")
    async with shop.acting(SYSTEM) as conn:
        await hear(shop, conn, asset)
        await admit(shop, conn, "1", "ICU", "01")
        await binding.unbind(shop.parts, conn, asset.device_id, by="nurse")
        await registry.seen(conn, [Seen(asset.device_id, "mllp", shop.clock.now(), 0, None, None, True, False, "", 1, 0,
                                        0)])  # fmt: skip
    change = await prepared(shop)
    with pytest.raises(Conflict, match="standby"):
        async with shop.acting(TECHNICIAN) as conn:
            await desk.start(shop, conn, change.change_id, asset.device_id, TECHNICIAN)
    async with shop.acting(SYSTEM) as conn:
        await registry.seen(conn, [Seen(asset.device_id, "mllp", shop.clock.now(), 0, None, None, True, True, "", 1, 0,
                                        0)])  # fmt: skip
        await desk.start(shop, conn, change.change_id, asset.device_id, TECHNICIAN)


async def test_another_version_fails_with_a_joint_ticket_and_can_be_rolled_back(shop: Shop, stock: Stocked) -> None:
    asset, _ = await stock(2, firmware="1.9")
    async with shop.acting(SYSTEM) as conn:
        await hear(shop, conn, asset)
    change = await prepared(shop)
    async with shop.acting(TECHNICIAN) as conn:
        await desk.start(shop, conn, change.change_id, asset.device_id, TECHNICIAN)
        with pytest.raises(Invalid):
            await desk.verify(shop, conn, change.change_id, asset.device_id, "1.9", "read on screen", TECHNICIAN)
        (failed,) = await follow.observed(shop, conn, asset.device_id, "firmware", "2.1-beta", shop.clock.now(), "wire")
    (ticket,) = await orders.of_devices(shop.pool, [asset.device_id], open_only=True)
    assert (failed.state, ticket.side, ticket.priority) == ("failed", "both", "urgent")
    assert (await fleet.device(shop.pool, asset.device_id)).state == "workshop"
    async with shop.acting(TECHNICIAN) as conn:
        await desk.roll_back(shop, conn, change.change_id, asset.device_id, "1.9 loaded again", TECHNICIAN)
    assert (await fleet.device(shop.pool, asset.device_id)).state == "accepted"
    assert (await item(shop, change, asset)).state == "rolled-back"


async def test_proof_that_only_the_register_has_is_found(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    asset, _ = await stock(2, firmware="1.9")
    change = await prepared(shop)
    async with shop.acting(TECHNICIAN) as conn:
        await desk.start(shop, conn, change.change_id, asset.device_id, TECHNICIAN)
        await put_software(conn, [Software(device_id=asset.device_id, component="firmware", since=clock.now() + 1,
                                           version="2.0", source="wire")])  # fmt: skip
    await follow.follow(shop)
    assert (await item(shop, change, asset)).state == "verified"


async def test_a_machine_first_heard_while_it_is_patched_arrives_in_the_workshop(shop: Shop, stock: Stocked) -> None:
    asset, _ = await stock(2, firmware="1.9")
    change = await prepared(shop)
    async with shop.acting(SYSTEM) as conn:
        await desk.start(shop, conn, change.change_id, asset.device_id, TECHNICIAN)
        await hear(shop, conn, asset)
        await admit(shop, conn, "1", "ICU", "01")
        assert (await fleet.device(conn, asset.device_id)).state == "workshop"
        assert (await binding.patient_at(conn, asset.device_id, shop.clock.now())).patient_id == ""
    shop.clock.set(shop.clock.now() + MINUTE)  # type: ignore[attr-defined]
    async with shop.acting(TECHNICIAN) as conn:
        await desk.verify(shop, conn, change.change_id, asset.device_id, "2.0", "read on its screen", TECHNICIAN)
        assert (await fleet.device(conn, asset.device_id)).state == "accepted"
        assert (await binding.patient_at(conn, asset.device_id, shop.clock.now())).patient_id
        (known,) = await register.store.assets(conn, [asset.device_id])
    assert known.firmware == "2.0"


async def test_the_machines_follow_the_file(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2, firmware="1.9")
    change = await prepared(shop)
    async with shop.acting(TECHNICIAN) as conn:
        content = msgspec.structs.replace(change.file, devices=(second.device_id,))
        await desk.edit(shop, conn, change.change_id, content, TECHNICIAN, seen=change.version)
        assert [one.device_id for one in await store.items(conn, change.change_id)] == [second.device_id]
        with pytest.raises(Invalid):
            await desk.plan(shop, conn, file(models=("model-1",)), TECHNICIAN)
    assert first.device_id != second.device_id


async def test_a_binding_and_a_start_at_the_same_moment_never_both_succeed(shop: Shop, stock: Stocked) -> None:
    """Two connections race, in either order of arrival; whoever comes second is refused or finds it in the workshop."""
    machines = await stock(8, firmware="1.9")
    async with shop.acting(SYSTEM) as conn:
        for one in machines:
            await hear(shop, conn, one)
        await admit(shop, conn, "9", "Hall", "01")
    change = await prepared(shop, parallel=8)

    async def bind(asset: Asset) -> bool:
        try:
            async with shop.acting(SYSTEM) as conn:
                await binding.bind(shop.parts, conn, asset.device_id, patient, by="nurse")
            return True
        except WardbridgeError:
            return False

    async def patch(asset: Asset) -> bool:
        try:
            async with shop.acting(TECHNICIAN) as conn:
                await desk.start(shop, conn, change.change_id, asset.device_id, TECHNICIAN)
            return True
        except WardbridgeError:
            return False

    patient = await person(shop.pool, "9")
    won = await asyncio.gather(*[
        race(asset) for at, asset in enumerate(machines) for race in ((bind, patch) if at % 2 else (patch, bind))
    ])  # fmt: skip
    winners: set[str] = set()
    for asset, one, other in zip(machines, won[::2], won[1::2], strict=True):
        assert one != other
        async with shop.pool.acquire() as conn:
            bound = any(row.span.patient_id for row in await facts.spans(conn, [asset.device_id], shop.clock.now()))
        winners.add("patient" if bound else "patch")
        assert bound != ((await item(shop, change, asset)).state == "running")
    assert winners == {"patient", "patch"}


async def test_a_change_that_is_no_patch_is_started_by_nobody_here(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    change = await scheduled(shop, "configuration", file(models=("model-1",)))
    with pytest.raises(WardbridgeError):
        async with shop.acting(TECHNICIAN) as conn:
            await desk.start(shop, conn, change.change_id, asset.device_id, TECHNICIAN)
