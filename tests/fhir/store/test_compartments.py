"""All that belongs to a patient, as one query and as a stream."""

from __future__ import annotations

import pytest

from wardbridge.core.db import transaction
from wardbridge.core.errors import Invalid
from wardbridge.fhir.store.compartments import compartment_query, walk
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Delete, Put


async def fill(record: Record) -> None:
    items: list[Put | Delete] = []
    for who in ("a", "b"):
        items.append(Put({"resourceType": "Patient", "id": who}))
        for n in range(7):
            code = {"text": "x"}
            items.append(
                Put(
                    {
                        "resourceType": "Observation",
                        "id": f"{who}{n}",
                        "status": "final",
                        "code": code,
                        "subject": {"reference": f"Patient/{who}"},
                    }
                )
            )
        items.append(Put({"resourceType": "Encounter", "id": f"e{who}", "subject": {"reference": f"Patient/{who}"}}))
    items.append(Put({"resourceType": "Patient", "id": "c", "link": [{"other": {"reference": "Patient/a"}}]}))
    items.append(Put({"resourceType": "Device", "id": "d", "patient": {"reference": "Patient/a"}}))
    async with transaction(record.pool) as conn:
        await record.write(conn, items)
        await record.write(conn, [Delete("Observation", "a3")])


async def test_everything_of_a_patient(record: Record) -> None:
    await fill(record)
    found = [f"{one.type}/{one.id}" async for one in walk(record, compartment_query(record, "Patient", "a"), at_once=3)]
    observations = [f"Observation/a{n}" for n in (0, 1, 2, 4, 5, 6)]
    # A Device is in no Patient compartment of R4; a Patient that links here is.
    assert sorted(found) == sorted(["Patient/a", "Patient/c", "Encounter/ea", *observations])


async def test_types_and_several_patients(record: Record) -> None:
    await fill(record)
    query = compartment_query(record, "Patient", ["a", "b"], ["Encounter", "Patient"])
    assert {one.id async for one in walk(record, query)} == {"a", "b", "c", "ea", "eb"}
    none = compartment_query(record, "Patient", "nobody")
    assert [one async for one in walk(record, none)] == []


async def test_refused(record: Record) -> None:
    with pytest.raises(Invalid, match="no compartment"):
        compartment_query(record, "Group", "a")
    with pytest.raises(Invalid, match="does not belong"):
        compartment_query(record, "Patient", "a", ["Device"])
