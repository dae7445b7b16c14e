"""`$expunge`: what it removes, all that goes with it, and who may."""

from __future__ import annotations

from typing import Any

import pytest

from wardbridge.fhir.store.expunge import DERIVED
from wardbridge.fhir.store.record import Record

from .conftest import BASE, application, client_of, issues, observation


def asked(**flags: Any) -> dict[str, Any]:
    rows = [
        {"name": name, "valueBoolean" if isinstance(value, bool) else "valuePositiveInt": value}
        for name, value in flags.items()
    ]
    return {"resourceType": "Parameters", "parameter": rows}


async def expunge(api: Any, at: str = "", status: int = 200, who: str = "administrator", **flags: Any) -> Any:
    found = await api.post(f"{at}/$expunge", asked(**flags), who=who, status=status)
    return found["parameter"][0]["valueInteger"] if status == 200 else issues(found)[0][1]


async def rows_of(api: Any, type_name: str, id_: str) -> dict[str, int]:
    """Table -> rows of one resource; the key is found by what was in the tables before."""
    pool, number = api.record.pool, api.record.numbers.types[type_name]
    key = await pool.fetchval("SELECT key FROM fhir_resource WHERE type = $1 AND id = $2", number, id_)
    tables = ("fhir_resource", "fhir_version", *DERIVED)
    return {"key": key, **{t: await pool.fetchval(f"SELECT count(*) FROM {t} WHERE key = $1", key) for t in tables}}


async def test_a_whole_resource_with_its_index(api: Any) -> None:
    await api.put(observation("hr", 70, effectiveDateTime="2026-01-01"))
    await api.put(observation("hr", 71, effectiveDateTime="2026-01-01"))
    before = await rows_of(api, "Observation", "hr")
    assert before["fhir_version"] == 2
    assert before["fhir_token"] > 0
    assert before["fhir_quantity"] > 0
    assert await expunge(api, "/Observation/hr", expungeEverything=True) == 2
    pool = api.record.pool
    for table in ("fhir_resource", "fhir_version", *DERIVED):
        assert await pool.fetchval(f"SELECT count(*) FROM {table} WHERE key = $1", before["key"]) == 0, table
    await api.get("/Observation/hr", status=404)
    await api.get("/Observation/hr/_history", status=404)
    assert (await api.get("/Observation?code=8867-4"))["total"] == 0
    assert ("Observation", "hr", [], 0) in await api.audited("expunge")
    stored = await api.put(observation("hr", 72))
    assert stored["meta"]["versionId"] == "1"


async def test_every_table_with_a_key_is_known(api: Any) -> None:
    """A new index table must not keep rows of what was removed."""
    rows = await api.record.pool.fetch(
        """SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_name)
           WHERE c.column_name = 'key' AND c.data_type = 'bigint' AND c.table_name LIKE 'fhir\\_%'
             AND t.table_type = 'BASE TABLE'"""
    )
    assert {row[0] for row in rows} <= {"fhir_resource", "fhir_version", *DERIVED}


async def test_only_deleted_ones_and_only_old_versions(api: Any) -> None:
    for id_ in ("kept", "gone"):
        for gender in ("male", "female", "other"):
            await api.put({"resourceType": "Patient", "id": id_, "gender": gender})
    await api.client.delete("/Patient/gone")
    assert await expunge(api, "/Patient", expungeDeletedResources=True) == 4
    await api.get("/Patient/gone", status=404)
    assert await expunge(api, "/Patient", expungePreviousVersions=True, limit=1) == 1
    await api.get("/Patient/kept/_history/1", status=404)
    assert await expunge(api, "", expungePreviousVersions=True) == 1
    assert await expunge(api, "", expungePreviousVersions=True, expungeDeletedResources=True) == 0
    assert (await api.get("/Patient/kept"))["gender"] == "other"
    assert (await api.get("/Patient/kept/_history"))["total"] == 1
    assert [row[1] for row in await api.audited("expunge")] == ["kept", "kept", "gone"]


async def test_a_resource_written_before_can_be_written_again(api: Any) -> None:
    """The heads that a process remembers are a hint only."""
    for _ in range(2):
        await api.put({"resourceType": "Patient", "id": "ada", "active": True})
        await expunge(api, "/Patient/ada", expungeEverything=True)
    stored = await api.put({"resourceType": "Patient", "id": "ada", "active": False})
    assert stored["meta"]["versionId"] == "1"
    assert (await api.get("/Patient?active=false"))["total"] == 1


@pytest.mark.parametrize("who", ["service", "nurse", "technician", "patients"])
async def test_only_administrators(api: Any, who: str) -> None:
    await api.put({"resourceType": "Patient", "id": "ada"})
    assert "administrator" in await expunge(api, "/Patient/ada", 403, who, expungeEverything=True)
    await api.get("/Patient/ada")
    assert ("Patient", "ada", [], 4) in await api.audited("$expunge")


async def test_a_site_must_allow_it(database: Any, clock: Any) -> None:
    record = Record(database.pool, clock, bases=(BASE,))
    await record.load()
    app, _ = application(database.pool, record, expunge=False)
    async with client_of(app) as client:
        answer = await client.post(
            "/Patient/$expunge",
            json=asked(expungePreviousVersions=True),
            headers={"authorization": "Bearer administrator"},
        )
    assert answer.status_code == 403
    assert "setting expunge" in answer.text


async def test_requests_that_do_not_fit(api: Any) -> None:
    assert "nothing is asked for" in await expunge(api, "/Patient", 400)
    assert "[type]/[id]" in await expunge(api, "/Patient", 400, expungeEverything=True)
    assert "POST" in issues(await api.get("/Patient/$expunge", who="administrator", status=400))[0][1]
