"""Score inputs: followed through the real record, corrections and errors included."""

from __future__ import annotations

from wardbridge.alarms import store
from wardbridge.alarms.inputs import follow, inputs_of
from wardbridge.app.changes import ObservationChanges
from wardbridge.care.manual import Manual, observations
from wardbridge.core.clock import FakeClock
from wardbridge.core.ids import counted_ids
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Delete, Put


async def test_charted_values_count_until_they_are_taken_back(database, clock: FakeClock) -> None:
    record = Record(database.pool, clock)
    await record.load()
    made = observations(
        Manual(time=clock.now(), consciousness="C", oxygen="air", temperature="38.40"), "p1", "",
        {"display": "Anna"}, clock.now(), counted_ids())  # fmt: skip
    async with database.pool.acquire() as conn, conn.transaction():
        await record.write(conn, [Put(resource) for resource in made])
    changes = ObservationChanges(record)
    assert await follow(database.pool, changes) == 3
    assert await follow(database.pool, changes) == 0
    known = (await store.inputs(database.pool, ["p1"], 0))["p1"]
    assert {name: text for name, (text, _) in known.items()} == {"consciousness": "C", "oxygen": "air", "temp": "38.40"}
    async with database.pool.acquire() as conn, conn.transaction():
        await record.write(conn, [Put({**made[0], "status": "entered-in-error"}), Delete("Observation", made[2]["id"])])
    await follow(database.pool, changes)
    assert set((await store.inputs(database.pool, ["p1"], 0))["p1"]) == {"oxygen"}


def test_a_panel_gives_its_parts() -> None:
    part = {"code": {"coding": [{"code": "8480-6"}]}, "valueQuantity": {"value": 118}}
    assert inputs_of({"code": {"coding": [{"code": "85354-9"}]}, "component": [part]}) == [("sys", "118", 118.0)]


def test_oxygen_and_consciousness_in_their_many_words() -> None:
    def one(code: str, **value: object) -> list:
        return inputs_of({"code": {"coding": [{"code": code}]}, **value})

    assert one("3151-8", valueQuantity={"value": 2}) == [("oxygen", "oxygen", None)]
    assert one("3150-6", valueQuantity={"value": 21, "code": "%"}) == [("oxygen", "air", None)]
    assert one("80288-4", valueCodeableConcept={"text": "Responds to pain"}) == [("consciousness", "P", None)]
    assert one("80288-4", valueCodeableConcept={"text": "vague"}) == []
