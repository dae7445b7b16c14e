"""The pages of the fleet as every role sees them."""

from __future__ import annotations

import pytest

from wardbridge.core.clock import DAY
from wardbridge.devices import fleet, places
from wardbridge.devices.values import Identity
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.values import Asset, Interface, Model
from wardbridge.security.principal import SYSTEM

PATIENT = "Zebedee"


@pytest.fixture
async def pump(house):
    """A registered pump that was heard on the wire and is bound to a patient."""
    shop = house.room.shop
    now = shop.clock.now()
    async with shop.acting(SYSTEM) as conn:
        place = await places.ensure(shop.parts, conn, "ICU", "01", "01")
        model = Model(model_id="pump", manufacturer="Acme", name="Flow <3>", kind="infusion pump")
        await desk.add_models(shop, conn, [model])
        asset = Asset(device_id="pump-1", model_id="pump", state="in-service", state_since=now, created=now,
                      serial="S-1", tag="A-1", place_id=place.place_id)  # fmt: skip
        await desk.add(shop, conn, [asset])
        await desk.connect(shop, conn, [Interface(interface_id="i", device_id="pump-1", mac="aa:bb:cc:00:00:01")])
        who = Identity(key="k", manufacturer="Acme", model="Flow <3>", serial="S-1")
        await fleet.first_sight(shop.parts, conn, "k", "mllp", who, now - DAY)
        await conn.execute("INSERT INTO bound_patient (patient_id, family) VALUES ('pat-z', $1)", PATIENT)
        await conn.execute("DELETE FROM binding WHERE device_id = 'pump-1'")
        await conn.execute(
            "INSERT INTO binding (device_id, start, patient_id, place_id) VALUES ('pump-1', $1, 'pat-z', $2)",
            now - DAY, place.place_id,
        )  # fmt: skip
    return asset


async def test_the_list_the_map_and_the_machine(house, enter, pump) -> None:
    async with enter("technician") as browser:
        listed = await browser.get("/equipment/devices?kind=infusion+pump")
        assert listed.status_code == 200
        assert "Flow &lt;3&gt; A-1" in listed.text
        assert "in use" in listed.text
        part = await browser.get("/equipment/devices", headers={"hx-request": "true", "hx-target": "fleet-list"})
        assert "<html" not in part.text
        plan = await browser.get("/equipment/devices?view=map")
        assert "1 in use" in plan.text
        page = await browser.get("/equipment/devices/pump-1")
        assert page.status_code == 200
        for text in ("aa:bb:cc:00:00:01", "Machine entered", "On a patient"):
            assert text in page.text
        assert (await browser.get("/equipment/devices?state=flying")).status_code in (400, 422)
        assert (await browser.get("/equipment/devices/nothing")).status_code == 404


@pytest.mark.parametrize("role", ["technician", "operator", "administrator"])
async def test_technical_roles_never_see_whose_it_is(house, enter, pump, role) -> None:
    async with enter(role) as browser:
        for path in ("/equipment/devices", "/equipment/devices?view=map", "/equipment/devices/pump-1"):
            text = (await browser.get(path)).text
            assert "pat-z" not in text
            assert PATIENT not in text


async def test_clinicians_find_the_patient_and_that_is_on_record(house, enter, pump) -> None:
    async with enter("nurse") as browser:
        page = await browser.get("/equipment/devices/pump-1")
        assert "/patients/pat-z" in page.text
    found = await house.room.audit.find(patient="pat-z")
    assert [(row["display"], row["target_id"]) for row in found] == [("Nurse Test", "pump-1")]


async def test_views_are_kept_and_forgotten(house, enter, pump) -> None:
    async with enter("operator") as browser:
        form = {"csrf": browser.csrf, "name": "Pumps", "query": "kind=infusion+pump", "shared": "1"}
        assert (await browser.post("/equipment/views", data=form)).status_code == 303
    async with enter("technician") as browser:
        text = (await browser.get("/equipment/devices")).text
        assert "Pumps" in text
        assert "Forget the view" not in text
