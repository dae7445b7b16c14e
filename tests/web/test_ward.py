"""The pages on real rooms: intake log, pipeline, record, alarms and equipment behind them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import httpx
import pytest
from starlette.applications import Starlette

from tests.devices.pipeline.scene import DIA, HR, MEAN, SPO2, SYS, reading, scene
from wardbridge.core.clock import DAY
from wardbridge.devices.values import Identity
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk
from wardbridge.security.audit import Audit
from wardbridge.security.http import COOKIE
from wardbridge.security.identity import Identity as People
from wardbridge.security.principal import SYSTEM
from wardbridge.security.tokens import Tokens
from wardbridge.web.adapters.build import sources
from wardbridge.web.app import routes
from wardbridge.web.live.hub import Hub
from wardbridge.web.room import Room


@pytest.fixture
async def ward(database, tmp_path: Path):
    """Bed 1 with monitor MON1 and Anna (100), bed 2 empty with MON2; a browser per role by ``open``."""
    house = await scene(database.pool)
    people = People(database.pool, Tokens(tmp_path / "keys", house.clock), house.clock)

    async def test_message(conn, destination: str) -> str:
        raise AssertionError("no test message is sent here")

    zone = ZoneInfo("UTC")
    found = sources(database.pool, house.clock, house.record, house.parts, zone, test_message)
    audit = Audit(database.pool, house.clock)
    room = Room(sources=found, identity=people, audit=audit, pool=database.pool, clock=house.clock, zone=zone)
    app = Starlette(routes=routes(room, Hub(room.sources.feed, house.clock)))
    clients: dict[str, httpx.AsyncClient] = {}

    async def open_client(role: str) -> httpx.AsyncClient:
        if role not in clients:
            person = await people.add_person(role, f"{role.title()} Test", (role,), "long enough " + role)
            opened = await people.open(person, f"{role.title()} Test", frozenset({role}), "")
            clients[role] = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://ward.test")
            clients[role].cookies.set(COOKIE, opened.cookie)
            clients[role].csrf = opened.principal.csrf
        return clients[role]

    first, second = await house.device("MON1", "1"), await house.device("MON2", "2")
    await house.adt("A01", "100", 1, "1", family="Berg", given="Anna", birth_date="1952-03-04", sex="female")
    at = house.minute(2)
    house.clock.set(at)
    await house.put(reading(HR, "72", at), reading(SPO2, "97.50", at), reading(SYS, "121", at), reading(DIA, "70", at),
                    reading(MEAN, "87", at), received=at)  # fmt: skip
    await house.work()
    yield SimpleNamespace(house=house, open=open_client, room=room, first=first, second=second,
                          bed=await house.bed("1"), patient=await house.patient("100"))  # fmt: skip
    for client in clients.values():
        await client.aclose()
    await house.intake.close()


async def test_the_board_shows_what_the_monitor_said_as_it_said_it(ward):
    nurse = await ward.open("nurse")
    text = (await nurse.get("/wards/ICU")).text
    assert "Berg, Anna" in text
    assert "73 y" in text
    for shown in (">72<", ">97.50<", ">121/70<", "(87)"):
        assert shown in text, shown
    assert (await nurse.get("/wards/NOWHERE")).status_code == 404


async def test_technicians_see_the_same_bed_in_use(ward):
    technician = await ward.open("technician")
    text = (await technician.get("/wards/ICU")).text
    assert "In use" in text
    assert "Berg" not in text
    assert ward.patient not in text
    assert "97.50" not in text
    page = (await technician.get(f"/devices/{ward.first}")).text
    assert "S-MON1" in page
    assert "in use" in page
    assert "Berg" not in page
    assert ward.patient not in page
    revealed = await technician.post(
        f"/devices/{ward.first}/reveal", data={"reason": "field safety notice 12", "csrf": technician.csrf}
    )
    assert "Berg, Anna" in revealed.text


async def test_a_value_leads_to_its_device_and_the_maintenance_state_then(ward):
    house = ward.house
    shop = Shop(house.pool, house.parts)
    async with shop.acting(SYSTEM) as conn:
        await desk.plan(
            shop, conn, ward.first, "Yearly safety test", house.clock.now() - DAY, 365, SYSTEM,
            reported_at=house.minute(0),
        )  # fmt: skip
    nurse = await ward.open("nurse")
    chart = (await nurse.get(f"/patients/{ward.patient}")).text
    observation = next(o for o in await house.observations() if o["code"]["text"] == "Heart rate")
    assert f"/patients/{ward.patient}/observations/{observation['id']}" in chart
    page = (await nurse.get(f"/patients/{ward.patient}/observations/{observation['id']}")).text
    assert f"/devices/{ward.first}" in page
    assert "S-MON1" in page
    assert "overdue" in page
    assert "Samples around it" in page
    back = (await nurse.get(f"/devices/{ward.first}")).text
    assert f"/patients/{ward.patient}" in back, "and from the device to the patients it measured"


async def test_verifying_stands_for_the_values_and_only_this_patients(ward):
    house, nurse = ward.house, await ward.open("nurse")
    ids = [o["id"] for o in await house.observations()]
    assert {o["status"] for o in await house.observations()} == {"preliminary"}
    other = await nurse.post("/patients/nobody/verify", data={"observation": ids, "csrf": nurse.csrf})
    assert other.status_code == 404
    assert {o["status"] for o in await house.observations()} == {"preliminary"}
    done = await nurse.post(f"/patients/{ward.patient}/verify", data={"observation": ids, "csrf": nurse.csrf})
    assert done.status_code == 303
    assert {o["status"] for o in await house.observations()} == {"final"}


async def test_manual_entry_becomes_observations_with_the_typed_digits(ward):
    nurse = await ward.open("nurse")
    data = {
        "consciousness": "A",
        "oxygen": "air",
        "temperature": "37.20",
        "temperature_site": "oral",
        "urine": "40",
        "csrf": nurse.csrf,
    }
    answer = await nurse.post(f"/patients/{ward.patient}/enter", data=data)
    assert answer.status_code == 200, answer.text[-800:]
    found = {o["code"]["text"]: o for o in await ward.house.observations() if o.get("performer")}
    assert str(found["Body temperature"]["valueQuantity"]["value"]) == "37.20"
    assert found["Level of consciousness"]["subject"]["reference"] == f"Patient/{ward.patient}"
    sheet = (await nurse.get(f"/patients/{ward.patient}/flowsheet")).text
    assert "cell-manual" in sheet
    assert "37.20" in sheet


async def test_a_wrong_binding_is_put_right_from_the_bed_page(ward):
    house, nurse = ward.house, await ward.open("nurse")
    await house.adt("A01", "200", 1, "2", family="Dahl", given="Bo")
    await house.work()
    other = await house.patient("200")
    text = (await nurse.get(f"/beds/{ward.bed}")).text
    url = text.split("/correct")[0].rpartition('href="')[2] + "/correct"
    found = await nurse.post(url, data={"find": "Dahl", "csrf": nurse.csrf})
    assert "Dahl, Bo" in found.text
    done = await nurse.post(url, data={"patient": other, "reason": "monitor stood in bed 2", "csrf": nurse.csrf})
    assert done.status_code == 303
    assert set((await house.charted()).values()) == {other}
    row = next(
        r for r in await ward.room.audit.find(actor="", limit=5) if r["event"] == "binding.change" and r["reason"]
    )
    assert row["reason"] == "monitor stood in bed 2"
    assert set(row["patients"]) == {ward.patient, other}


async def test_discharge_ends_the_stay_and_frees_the_devices(ward):
    house, nurse = ward.house, await ward.open("nurse")
    house.clock.set(house.minute(3))
    done = await nurse.post(f"/beds/{ward.bed}/discharge", data={"patient": ward.patient, "csrf": nurse.csrf})
    assert done.status_code == 303, done.text[-500:]
    text = (await nurse.get(f"/beds/{ward.bed}")).text
    assert "Nobody is admitted to this bed." in text
    assert "Berg" not in text.split("<main")[1].split("Devices</h2>")[0]
    encounter = (await house.resources("Encounter"))[0]
    assert encounter["status"] == "finished"


async def test_an_unknown_device_is_accepted_into_a_bed(ward):
    house, technician = ward.house, await ward.open("technician")
    await house.put(
        Identity("NEW1", manufacturer="Acme", model="Pump", serial="P-1"),
        reading(HR, "50", house.minute(2)),
        device="NEW1",
    )
    await house.work()
    text = (await technician.get("/devices")).text
    assert "Unknown devices that wait" in text
    assert "P-1" in text
    device = text.split("/admission")[0].rpartition("/devices/")[2]
    answer = await technician.post(
        f"/devices/{device}/admission", data={"state": "accepted", "place": ward.bed, "csrf": technician.csrf}
    )
    assert answer.status_code == 303
    assert "Unknown devices that wait" not in (await technician.get("/devices")).text
    nurse = await ward.open("nurse")
    assert (
        await nurse.post(f"/devices/{device}/admission", data={"state": "quarantined", "csrf": nurse.csrf})
    ).status_code == 403


async def test_a_fault_is_reported_taken_and_resolved(ward):
    nurse, technician = await ward.open("nurse"), await ward.open("technician")
    await nurse.post(f"/devices/{ward.first}/faults", data={"text": "Screen flickers", "csrf": nurse.csrf})
    page = (await technician.get(f"/devices/{ward.first}")).text
    assert "Screen flickers" in page
    fault = page.split("/take")[0].rpartition("/faults/")[2]
    await technician.post(f"/devices/{ward.first}/faults/{fault}/take", data={"csrf": technician.csrf})
    wrong = await technician.post(
        f"/devices/{ward.second}/faults/{fault}/resolve", data={"text": "x", "csrf": technician.csrf}
    )
    assert wrong.status_code == 404
    await technician.post(
        f"/devices/{ward.first}/faults/{fault}/resolve", data={"text": "New cable", "csrf": technician.csrf}
    )
    assert "New cable" in (await technician.get(f"/devices/{ward.first}")).text
    assert {t["status"] for t in await ward.house.resources("Task")} == {"completed"}


async def test_limits_of_a_patient_win_over_the_wards(ward):
    nurse = await ward.open("nurse")
    data = {"slot": "hr", "priority": "high", "delay": "5", "csrf": nurse.csrf}
    await nurse.post("/wards/ICU/limits", data=data | {"low": "50", "high": "120"})
    await nurse.post(f"/patients/{ward.patient}/limits", data=data | {"low": "60", "high": "110"})
    limits = {one.slot: one for one in await ward.room.sources.alarms.limits(f"patient/{ward.patient}")}
    assert (limits["hr"].low, limits["hr"].high, limits["hr"].source) == (60, 110, "patient")
    await nurse.post(f"/patients/{ward.patient}/limits", data={"slot": "hr", "clear": "1", "csrf": nurse.csrf})
    limits = {one.slot: one for one in await ward.room.sources.alarms.limits(f"patient/{ward.patient}")}
    assert (limits["hr"].low, limits["hr"].high, limits["hr"].source) == (50, 120, "ward")


async def test_every_message_is_found_and_raw_only_for_a_reason(ward):
    operator = await ward.open("operator")
    answer = await operator.post("/integration/messages", data={"direction": "in", "csrf": operator.csrf})
    ref = answer.text.split("/integration/messages/in-")[1].split('"')[0]
    page = await operator.get(f"/integration/messages/in-{ref}")
    assert page.status_code == 200
    assert "raw" not in page.text.split("<main")[1].lower() or "Show the content" in page.text
    assert (await operator.get("/integration")).status_code == 200


async def test_trends_hold_only_the_time_in_which_the_device_was_this_patients(ward):
    nurse = await ward.open("nurse")
    ward.house.clock.set(ward.house.minute(4))
    series = (await nurse.get(f"/beds/{ward.bed}/trends.json?hours=1")).json()["series"]
    heart = next(s for s in series if s["slot"] == "hr")
    assert [point[3] for point in heart["points"] if point[3] is not None] == [72.0]
    empty = (await nurse.get(f"/beds/{await ward.house.bed('2')}/trends.json?hours=1")).json()["series"]
    assert empty == []
