"""Machines that stand twice: found with why, merged with a trace, never away from a patient."""

from __future__ import annotations

import pytest
from tests.equipment.conftest import TECHNICIAN, Stocked

from wardbridge.core.errors import Conflict, Invalid
from wardbridge.devices import fleet
from wardbridge.devices.values import Identity
from wardbridge.equipment.register import desk, store
from wardbridge.equipment.register.duplicates.desk import candidates, distinct, merge
from wardbridge.equipment.register.labels import label
from wardbridge.equipment.register.lists import load
from wardbridge.equipment.register.parts import desk as parts
from wardbridge.equipment.register.parts import store as accessories
from wardbridge.equipment.register.parts.values import Accessory
from wardbridge.equipment.register.values import Asset, Interface
from wardbridge.equipment.shop import Shop
from wardbridge.security import store as security

MAC = "00:11:22:aa:00:05"


async def twins(shop: Shop, stock: Stocked, **other: str) -> tuple[Asset, Asset]:
    """The second machine of the stock, made to look like the first."""
    first, second = await stock(2)
    async with shop.acting(TECHNICIAN) as conn:
        changed = await desk.change(shop, conn, second.device_id, **other)
    return first, changed


async def test_the_same_serial_mac_udi_and_number_are_named_as_reasons(shop: Shop, stock: Stocked) -> None:
    first, second = await twins(shop, stock, serial="MODEL-1-s1", tag="Model 1/A1", di="09506000117843")
    async with shop.acting(TECHNICIAN) as conn:
        await desk.change(shop, conn, first.device_id, di="09506000117843")
        await desk.connect(shop, conn, [
            Interface(interface_id=f"i{n}", device_id=ident, mac=MAC)
            for n, ident in enumerate((first.device_id, second.device_id))
        ])  # fmt: skip
    (found,) = await candidates(shop)
    assert {found.one.device_id, found.other.device_id} == {first.device_id, second.device_id}
    assert found.why == ("mac", "serial", "tag", "udi")
    with pytest.raises(Invalid):
        async with shop.acting(TECHNICIAN) as conn:
            await distinct(shop, conn, first.device_id, second.device_id, "")
    async with shop.acting(TECHNICIAN) as conn:
        await distinct(shop, conn, second.device_id, first.device_id, "two heads of one pump")
    assert await candidates(shop) == []


async def test_a_value_that_everybody_has_is_no_reason(shop: Shop, stock: Stocked) -> None:
    await stock(11, serial="none")
    assert await candidates(shop) == []


async def test_merging_moves_everything_and_leaves_a_trace(shop: Shop, stock: Stocked) -> None:
    winner, loser = await twins(shop, stock, serial="model-1-S1", owner="Surgery", firmware="2.0")
    async with shop.acting(TECHNICIAN) as conn:
        await desk.connect(shop, conn, [Interface(interface_id="i", device_id=loser.device_id, mac=MAC)])
        battery = Accessory(accessory_id="b1", device_id=loser.device_id, kind="battery", name="Li-ion", fitted=1)
        await parts.fit(shop, conn, [battery])
        tokens = await label.make(shop, conn, [loser.device_id])
    async with shop.acting(TECHNICIAN, "listed twice") as conn:
        now = await merge(shop, conn, loser.device_id, winner.device_id, TECHNICIAN)
    assert (now.device_id, now.owner, now.firmware, now.tag) == (winner.device_id, "Surgery", "2.0", winner.tag)
    assert [machine.device_id for machine in await store.now(shop.pool)] == [winner.device_id]
    assert await store.heads(shop.pool, [loser.device_id, winner.device_id, "x"]) == {
        loser.device_id: winner.device_id, winner.device_id: winner.device_id}  # fmt: skip
    assert [one.device_id for one in await store.interfaces(shop.pool)] == [winner.device_id]
    assert [one.device_id for one in await accessories.of(shop.pool, [winner.device_id])] == [winner.device_id]
    assert await label.device_of(shop.pool, tokens[loser.device_id]) == winner.device_id
    gone = await shop.record.current(shop.pool, "Device", loser.device_id)
    assert gone is not None
    assert gone["status"] == "entered-in-error"
    assert gone["extension"][0]["valueReference"] == {"reference": f"Device/{winner.device_id}"}
    logged = await security.changes_of(shop.pool, table="asset")
    assert any(f'"merged_into": "{winner.device_id}"' in row["after"] for row in logged)
    with pytest.raises(Conflict, match="merged already"):
        async with shop.acting(TECHNICIAN) as conn:
            await merge(shop, conn, loser.device_id, winner.device_id, TECHNICIAN)


async def test_a_list_with_the_merged_row_brings_it_not_back(shop: Shop, stock: Stocked) -> None:
    winner, loser = await twins(shop, stock, serial="model-1-S1")
    text = f"device id,asset no\n{loser.device_id},{loser.tag}\n".encode()
    async with shop.acting(TECHNICIAN) as conn:
        await merge(shop, conn, loser.device_id, winner.device_id, TECHNICIAN)
        done = await load.apply(shop, conn, load.parsed(text, shop.clock.now()), TECHNICIAN)
    assert done.empty
    assert "merged into" in done.warnings[0].reason


async def test_what_speaks_or_is_in_use_is_not_merged_away(shop: Shop, stock: Stocked) -> None:
    quiet, heard = await stock(2)
    async with shop.acting(TECHNICIAN) as conn:
        who = Identity(key="w", manufacturer="Acme", model="Flow 3", serial=heard.serial)
        await fleet.first_sight(shop.parts, conn, "w", "mllp", who, shop.clock.now())
    with pytest.raises(Conflict, match="other way round"):
        async with shop.acting(TECHNICIAN) as conn:
            await merge(shop, conn, heard.device_id, quiet.device_id, TECHNICIAN)
    await shop.pool.execute("INSERT INTO bound_patient (patient_id) VALUES ('p1')")
    await shop.pool.execute("UPDATE binding SET patient_id = 'p1' WHERE device_id = $1", heard.device_id)
    with pytest.raises(Conflict, match="in use on a patient"):
        async with shop.acting(TECHNICIAN) as conn:
            await merge(shop, conn, heard.device_id, quiet.device_id, TECHNICIAN)
    async with shop.acting(TECHNICIAN) as conn:
        await merge(shop, conn, quiet.device_id, heard.device_id, TECHNICIAN)
    (left,) = await store.now(shop.pool)
    assert (left.device_id, left.in_use) == (heard.device_id, True)


async def test_a_whole_and_its_part_are_two(shop: Shop, stock: Stocked) -> None:
    whole, part = await stock(2)
    async with shop.acting(TECHNICIAN) as conn:
        await desk.change(shop, conn, part.device_id, parent_id=whole.device_id)
    assert [asset.device_id for asset in await store.tree(shop.pool, whole.device_id)] == [
        whole.device_id, part.device_id]  # fmt: skip
    for pair in ((whole, part), (part, whole)):
        with pytest.raises(Conflict, match="part of the other"):
            async with shop.acting(TECHNICIAN) as conn:
                await merge(shop, conn, pair[0].device_id, pair[1].device_id, TECHNICIAN)
