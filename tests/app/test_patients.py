"""Boards follow the Patient of the record, whoever wrote it."""

from __future__ import annotations

from wardbridge.app.patients import follow_patients
from wardbridge.core.clock import FakeClock
from wardbridge.devices import board
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Put


async def test_a_name_changed_over_the_api_reaches_the_board(database, clock: FakeClock) -> None:
    record = Record(database.pool, clock)
    await record.load()
    for family in ("Typo", "Lindqvist"):
        patient = {"resourceType": "Patient", "id": "p1", "name": [{"family": family, "given": ["Eva"]}],
                   "identifier": [{"system": "urn:oid:2.999.1", "value": "4711"}]}  # fmt: skip
        async with database.pool.acquire() as conn, conn.transaction():
            await record.write(conn, [Put(patient)])
        assert await follow_patients(database.pool, record) == 1
        assert (await board.people(database.pool, ["p1"]))["p1"].family == family
    assert await follow_patients(database.pool, record) == 0
    (found,) = await board.find_patients(database.pool, "4711")
    assert found.patient_id == "p1"
