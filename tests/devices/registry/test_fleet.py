"""Devices come in, are let in or kept out, move, and tell who they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pipeline.scene import HR, START, Scene, hint, reading, scene

from wardbridge.core.db import transaction
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.devices import board, fleet
from wardbridge.devices.device_resource import merged, resource
from wardbridge.devices.fleet import Expected
from wardbridge.devices.values import Identity
from wardbridge.telemetry import store as telemetry


@pytest.fixture
async def ward(database: Any) -> AsyncIterator[Scene]:
    found = await scene(database.pool)
    yield found
    await found.intake.close()


async def speak(ward: Scene, minute: float, key: str = "MON1", *values: Any) -> None:
    await ward.put(
        *values,
        reading(HR, str(int(minute) + 50), ward.minute(minute), label="HR"),
        device=key,
        received=ward.minute(minute),
        profile="PCD-01",
    )
    await ward.work()


async def only(ward: Scene) -> fleet.Device:
    return (await fleet.list_devices(ward.pool))[0]


async def test_an_unknown_device_waits_with_what_it_said_and_is_nobodys(ward: Scene) -> None:
    await ward.bed("1")
    await ward.adt("A01", "100", 0, "1")
    await speak(ward, 1, "MON1", Identity("MON1", manufacturer="Acme", model="M1"), hint("100", place="ICU^^1"))
    await speak(ward, 2)
    waiting = await fleet.queue(ward.pool)
    assert [(d.key, d.label, d.state, d.messages) for d in waiting] == [("MON1", "Acme M1", "unknown", 2)]
    assert [(s[1], s[2]) for s in waiting[0].said] == [("PCD-01", ("HR 52 /min",)), ("PCD-01", ("HR 51 /min",))]
    assert waiting[0].place_said == "ICU^^1"
    assert await ward.observations() == []
    assert await ward.resources("Device") == []
    assert (await telemetry.last_values(ward.pool))[waiting[0].device_id][0].text == "52"


async def test_accepting_with_its_past_charts_what_was_kept(ward: Scene) -> None:
    await ward.adt("A01", "100", 0, "1")
    await speak(
        ward,
        1,
        "MON1",
        Identity(
            "MON1",
            manufacturer="Acme",
            model="M1",
            serial="7",
            firmware="1.2",
            type_code=69965,
            udi="(01)00844588003288(17)141120",
        ),
    )
    device = await only(ward)
    async with transaction(ward.pool) as conn:
        await fleet.accept(
            ward.parts,
            conn,
            device.device_id,
            "Practitioner/t",
            await ward.bed("1"),
            since=device.first_seen,
            label="Monitor 1",
        )
    assert len(await ward.observations()) == 1
    found = (await ward.resources("Device"))[0]
    assert found["id"] == device.device_id
    assert found["deviceName"] == [{"name": "Monitor 1", "type": "user-friendly-name"}]
    assert (found["manufacturer"], found["modelNumber"], found["serialNumber"]) == ("Acme", "M1", "7")
    assert found["type"]["coding"][0]["code"] == "69965"
    assert found["version"][0]["value"] == "1.2"
    assert found["udiCarrier"][0]["deviceIdentifier"] == "00844588003288"
    assert found["location"]["reference"].startswith("Location/")


async def test_workshop_and_quarantine_are_never_a_patients(ward: Scene) -> None:
    device = await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await speak(ward, 1)
    ward.clock.set(ward.minute(10))
    async with transaction(ward.pool) as conn:
        await fleet.workshop(ward.parts, conn, device, "Practitioner/t")
    await speak(ward, 16)
    ward.clock.set(ward.minute(20))
    async with transaction(ward.pool) as conn:
        await fleet.quarantine(ward.parts, conn, device, "Practitioner/t")
    await speak(ward, 31)
    assert len(await ward.observations()) == 1
    last = (await telemetry.last_values(ward.pool, [device]))[device][0]
    assert last.text == "66"
    assert (await fleet.device(ward.pool, device)).last_seen == ward.minute(31)
    ward.clock.set(ward.minute(40))
    async with transaction(ward.pool) as conn:
        await fleet.accept(ward.parts, conn, device, "Practitioner/t")
    await speak(ward, 46)
    assert len(await ward.observations()) == 2


async def test_accepting_with_the_past_leaves_the_workshop_what_it_was(ward: Scene) -> None:
    place = await ward.bed("1")
    await ward.adt("A01", "100", 0, "1")
    await speak(ward, 1)
    device = (await only(ward)).device_id
    ward.clock.set(ward.minute(10))
    async with transaction(ward.pool) as conn:
        await fleet.workshop(ward.parts, conn, device, "Practitioner/t")
    await speak(ward, 16)
    ward.clock.set(ward.minute(20))
    async with transaction(ward.pool) as conn:
        await fleet.accept(ward.parts, conn, device, "Practitioner/t", place, since=0)
    await speak(ward, 31)
    assert [o["effectiveDateTime"][11:16] for o in await ward.observations()] == ["00:01", "00:31"]


@pytest.mark.parametrize("row", [Expected(key="MON1"), Expected(serial="s-7", model="m1", manufacturer="Acme")])
async def test_an_announced_device_is_let_in_at_first_sight(ward: Scene, row: Expected) -> None:
    from msgspec.structs import replace

    place = await ward.bed("1")
    await ward.adt("A01", "100", 0, "1")
    async with transaction(ward.pool) as conn:
        await fleet.register(conn, [replace(row, place_id=place, label="Bed 1 monitor")], by="list", at=START)
    await speak(ward, 1, "MON1", Identity("MON1", model="M1", serial="S-7"))
    device = await only(ward)
    assert (device.state, device.label, device.place_id) == ("accepted", "Bed 1 monitor", place)
    assert len(await ward.observations()) == 1
    assert len(await ward.resources("Device")) == 1


async def test_an_announcement_by_serial_is_kept_until_the_device_tells_it(ward: Scene) -> None:
    async with transaction(ward.pool) as conn:
        await fleet.register(conn, [Expected(serial="7", place_id=await ward.bed("1"))], by="list", at=START)
    await ward.adt("A01", "100", 0, "1")
    await speak(ward, 1)
    assert (await only(ward)).state == "unknown"
    await speak(ward, 16, "MON1", Identity("MON1", serial="7"))
    assert (await only(ward)).state == "accepted"
    assert len(await ward.observations()) == 2


async def test_an_announcement_needs_something_to_recognise_by(ward: Scene) -> None:
    with pytest.raises(Invalid, match="serial number"):
        async with transaction(ward.pool) as conn:
            await fleet.register(conn, [Expected(model="M1")], by="list", at=START)


async def test_modules_hang_on_their_machine(ward: Scene) -> None:
    device = await ward.device()
    await speak(ward, 1, "MON1", Identity("CO2-1", parent="MON1", model="CO2", serial="9"))
    await speak(ward, 2, "MON1", Identity("CO2-1", parent="MON1", firmware="3.0"))
    modules = await fleet.modules(ward.pool, device)
    assert [(m.key, m.model, m.firmware, m.state) for m in modules] == [("CO2-1", "CO2", "3.0", "accepted")]
    found = {r["id"]: r for r in await ward.resources("Device")}
    assert found[modules[0].device_id]["parent"] == {"reference": f"Device/{device}"}
    assert [d.key for d in await fleet.list_devices(ward.pool)] == ["MON1"]
    with pytest.raises(Conflict, match="module"):
        async with transaction(ward.pool) as conn:
            await fleet.move(ward.parts, conn, modules[0].device_id, None, by="t")


async def test_a_place_on_the_wire_moves_a_device_that_people_did_not_place(ward: Scene) -> None:
    await ward.adt("A01", "100", 0, "1")
    await ward.adt("A01", "200", 0, "2")
    device = await ward.device(bed="")
    await speak(ward, 1, "MON1", hint(place="ICU^^1"))
    await speak(ward, 16, "MON1", hint(place="ICU^^2"))
    assert sorted((await ward.charted()).values()) == sorted([await ward.patient("100"), await ward.patient("200")])
    async with transaction(ward.pool) as conn:
        await fleet.move(ward.parts, conn, device, await ward.bed("1"), by="t", at=ward.minute(20))
    await speak(ward, 31, "MON1", hint(place="ICU^^9"))
    found = await fleet.device(ward.pool, device)
    assert (found.place_id, found.place_said) == (await ward.bed("1"), "ICU^^9")


async def test_a_moved_device_belongs_to_the_next_bed(ward: Scene) -> None:
    device = await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await ward.adt("A01", "200", 0, "2")
    await speak(ward, 1)
    await speak(ward, 16)
    async with transaction(ward.pool) as conn:
        await fleet.move(ward.parts, conn, device, await ward.bed("2"), by="t", at=ward.minute(10))
    assert list((await ward.charted()).values()) == [await ward.patient("100"), await ward.patient("200")]
    beds = {b.bed: b for b in await board.ward(ward.pool, "ICU")}
    assert [d.device_id for d in beds["2"].devices] == [device]
    assert beds["1"].devices == ()
    assert beds["1"].patient is not None


async def test_silent_devices_are_found(ward: Scene) -> None:
    device = await ward.device()
    await speak(ward, 1)
    assert await fleet.silent(ward.pool, ward.minute(1)) == []
    found = await fleet.silent(ward.pool, ward.minute(2))
    assert [(f[0], f[1], f[2]) for f in found] == [(device, ward.minute(1), await ward.bed("1"))]


async def test_board_of_a_ward(ward: Scene) -> None:
    device = await ward.device()
    await ward.bed("2")
    await ward.adt("A01", "100", 0, "1", family="Smith")
    await speak(ward, 1)
    assert await board.wards(ward.pool) == [("ICU", 2, 1)]
    first, second = await board.ward(ward.pool, "ICU")
    assert first.patient is not None
    assert (first.bed, first.patient.family, first.patient_id) == ("1", "Smith", await ward.patient("100"))
    assert (first.devices[0].device_id, first.devices[0].patient_id) == (device, first.patient_id)
    assert (second.patient, second.devices, second.conflict) == (None, (), False)
    assert [i.device_id for i in await board.devices_of(ward.pool, first.patient_id)] == [device]
    assert [p.patient_id for p in await board.find_patients(ward.pool, "smi")] == [first.patient_id]
    assert [p.patient_id for p in await board.find_patients(ward.pool, "100")] == [first.patient_id]
    assert await board.find_patients(ward.pool, "%") == []
    for call in (board.ward(ward.pool, "NO"), board.bed(ward.pool, "NO"), fleet.device(ward.pool, "NO")):
        with pytest.raises(NotFound):
            await call


def test_a_poorer_message_takes_nothing_away() -> None:
    known = {"serial": "7", "label": "A", "firmware": "1"}
    assert merged(known, {"label": "B", "firmware": "2", "model": ""}) == {"serial": "7", "label": "A", "firmware": "2"}


def test_what_equipment_wrote_stays() -> None:
    before = {
        "resourceType": "Device",
        "id": "d",
        "status": "inactive",
        "note": [{"text": "worn"}],
        "identifier": [{"system": "asset", "value": "4711"}],
    }
    now = resource("d", "K", {"serial": "7"}, before=before)
    assert (now["status"], now["note"], len(now["identifier"])) == ("inactive", [{"text": "worn"}], 2)
