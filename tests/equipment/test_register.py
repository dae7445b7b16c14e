"""Machines and models in table, record and log."""

from __future__ import annotations

import pytest
from tests.equipment.conftest import OPERATOR, TECHNICIAN, Stocked

from wardbridge.core.errors import Conflict, Forbidden
from wardbridge.devices import fleet
from wardbridge.devices.values import Identity
from wardbridge.equipment.register import desk, store
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.signing.sign import complete, sign
from wardbridge.security import store as security


async def test_a_machine_is_a_row_and_a_device(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1, di=("09506000117843",))
    async with shop.acting(TECHNICIAN) as conn:
        await desk.change(shop, conn, asset.device_id, firmware="2.1", label="Pump 1")
        device = await shop.record.current(conn, "Device", asset.device_id)
        model = await shop.record.current(conn, "DeviceDefinition", asset.model_id)
    assert device is not None
    assert model is not None
    assert device["definition"] == {"reference": f"DeviceDefinition/{asset.model_id}"}
    assert device["serialNumber"] == asset.serial
    (udi,) = model["udiDeviceIdentifier"]
    assert (udi["deviceIdentifier"], udi["issuer"]) == ("09506000117843", "http://hl7.org/fhir/NamingSystem/gs1-di")
    (now,) = await store.now(shop.pool)
    assert (now.name, now.ward, now.bed, now.in_use) == ("Pump 1", "ICU", "01", False)


async def test_an_asset_number_is_given_once(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2)
    with pytest.raises(Conflict):
        async with shop.acting(TECHNICIAN) as conn:
            await desk.change(shop, conn, second.device_id, tag=first.tag)


async def test_a_change_without_an_actor_is_refused_and_every_other_one_is_logged(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    with pytest.raises(Exception, match="without an actor"):
        await shop.pool.execute("UPDATE asset SET note = 'x'")
    async with shop.acting(TECHNICIAN, "spring cleaning") as conn:
        await desk.change(shop, conn, asset.device_id, note="dusty")
    last, first = await security.changes_of(shop.pool, table="asset")
    assert first["action"] == "C"
    assert (last["action"], last["display"], last["reason"]) == ("U", "Technician", "spring cleaning")
    assert '"note": "dusty"' in last["after"]
    assert await shop.pool.fetchval("SELECT count(*) FROM audit_event WHERE audit_id = $1::uuid", last["audit_id"]) == 1


async def test_a_registered_machine_keeps_its_identity_when_it_is_first_heard(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    async with shop.acting(TECHNICIAN) as conn:
        who = Identity(key="wire-1", manufacturer="Acme", model="Flow 3", serial=asset.serial)
        device = await fleet.first_sight(shop.parts, conn, "wire-1", "mllp", who, shop.clock.now())
    assert (device.device_id, device.state, device.place_id) == (asset.device_id, "accepted", asset.place_id)


async def test_two_sides_sign_the_same_content_as_two_people(shop: Shop) -> None:
    content = {"hazard": "power", "measure": "UPS"}
    async with shop.acting(TECHNICIAN) as conn:
        await sign(shop, conn, "risk", "r1", content, meaning="approved", side="biomed", by=TECHNICIAN)
        with pytest.raises(Forbidden):
            await sign(shop, conn, "risk", "r1", content, meaning="approved", side="it", by=TECHNICIAN)
        assert not await complete(conn, "risk", "r1", content, meaning="approved")
    async with shop.acting(OPERATOR) as conn:
        await sign(shop, conn, "risk", "r1", content, meaning="approved", side="it", by=OPERATOR)
        with pytest.raises(Conflict):
            await sign(shop, conn, "risk", "r1", content, meaning="approved", side="it", by=OPERATOR)
        assert await complete(conn, "risk", "r1", content, meaning="approved")
        assert not await complete(conn, "risk", "r1", content | {"measure": "none"}, meaning="approved")


async def test_a_machine_that_says_who_it_is_after_its_first_words_becomes_the_registered_one(
    shop: Shop, stock: Stocked
) -> None:
    (asset,) = await stock(1)
    async with shop.acting(TECHNICIAN) as conn:
        stranger = await fleet.first_sight(shop.parts, conn, "wire-9", "mllp", None, shop.clock.now())
        assert stranger.state == "unknown"
        who = Identity(key="wire-9", manufacturer="Acme", model="Flow 3", serial=asset.serial)
        await fleet.learn(shop.parts, conn, stranger, who, shop.clock.now() + 5_000_000)
        device = await fleet.device(conn, asset.device_id)
        before = await fleet.device(conn, stranger.device_id)
    assert (device.key, device.state, device.serial) == ("wire-9", "accepted", asset.serial)
    assert (before.state, before.key) == ("retired", f"wire-9 until {stranger.device_id}")
