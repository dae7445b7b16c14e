"""`$export`: what is in it, how it is asked for, and that it is the record of one moment whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.fhir.bulk.conftest import BASE, Bulk

from wardbridge.core.errors import Unavailable
from wardbridge.fhir.store.values import Delete, Put


def patient(id_: str, family: str = "Smith") -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id_, "name": [{"family": family}], "gender": "male"}


def observation(id_: str, subject: str, code: str = "8867-4", value: str = "72.50") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{subject}"},
        "valueQuantity": {"value": float(value), "unit": "/min"},
    }


def ids(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    return {name: sorted(one["id"] for one in some) for name, some in found.items()}


async def ward(bulk: Bulk) -> None:
    await bulk.put(
        {"resourceType": "Organization", "id": "o1", "name": "Ward"},
        {"resourceType": "Organization", "id": "o2", "name": "Elsewhere"},
        {**patient("p1"), "managingOrganization": {"reference": "Organization/o1"}},
        patient("p2"),
        patient("p3"),
        observation("a", "p1"),
        observation("b", "p2", "9279-1"),
        observation("c", "p3"),
        {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": [
            {"entity": {"reference": "Patient/p1"}}, {"entity": {"reference": "Patient/p2"}, "inactive": True}]},
    )  # fmt: skip


async def test_kickoff_status_and_manifest(bulk: Bulk) -> None:
    await ward(bulk)
    kick = await bulk.client.get("/$export", headers={"prefer": "respond-async"})
    assert kick.status_code == 202
    status = kick.headers["content-location"]
    assert status.startswith(f"{BASE}/bulk/")
    waiting = await bulk.client.get(status)
    assert (waiting.status_code, waiting.headers["x-progress"]) == (202, "waiting")
    assert int(waiting.headers["retry-after"]) >= 1
    manifest = await bulk.done(status)
    assert manifest["requiresAccessToken"] is True
    assert manifest["request"] == f"{BASE}/$export"
    assert manifest["error"] == manifest["deleted"] == []
    assert ids(await bulk.read(manifest, "output")) == {
        "Organization": ["o1", "o2"],
        "Patient": ["p1", "p2", "p3"],
        "Observation": ["a", "b", "c"],
        "Group": ["g"],
    }


async def test_lines_are_the_stored_bytes(bulk: Bulk) -> None:
    await bulk.client.put(
        "/Observation/x",
        content=b"""{"resourceType":"Observation","id":"x","status":"final",
        "code":{"text":"t"},"valueQuantity":{"value":72.50}}""",
    )
    manifest = await bulk.done(await bulk.kick("/$export"))
    raw = await bulk.client.get(manifest["output"][0]["url"], headers={"accept-encoding": "identity"})
    assert b'"value":72.50' in raw.content
    assert raw.content == (await bulk.record.read("Observation", "x")).body + b"\n"  # type: ignore[union-attr,operator]
    assert int(raw.headers["content-length"]) == len(raw.content)
    gzip = await bulk.client.get(manifest["output"][0]["url"], headers={"accept-encoding": "gzip"})
    assert gzip.headers["content-encoding"] == "gzip"
    assert gzip.content == raw.content


async def test_patients_and_groups(bulk: Bulk) -> None:
    await ward(bulk)
    _, found = await bulk.export("/Patient/$export")
    assert ids(found) == {
        "Patient": ["p1", "p2", "p3"],
        "Observation": ["a", "b", "c"],
    } | {"Group": ["g"]}
    _, found = await bulk.export("/Group/g/$export?_type=Patient,Observation,Organization")
    assert ids(found) == {"Patient": ["p1"], "Observation": ["a"], "Organization": ["o1"]}
    body = {"resourceType": "Parameters", "parameter": [
        {"name": "patient", "valueReference": {"reference": "Patient/p3"}},
        {"name": "_type", "valueString": "Observation"}]}  # fmt: skip
    _, found = await bulk.export("/Patient/$export", json=body)
    assert ids(found) == {"Observation": ["c"]}


async def test_parameters(bulk: Bulk) -> None:
    await ward(bulk)
    _, found = await bulk.export("/$export?_type=Observation&_typeFilter=Observation?code=9279-1")
    assert ids(found) == {"Observation": ["b"]}
    filters = "_typeFilter=Observation%3Fcode%3D9279-1%2CObservation%3Fpatient%3Dp3"
    _, found = await bulk.export(f"/$export?_type=Observation,Patient&{filters}")
    assert ids(found) == {"Observation": ["b", "c"], "Patient": ["p1", "p2", "p3"]}
    _, found = await bulk.export("/$export?_type=Patient&_elements=Patient.name")
    assert set(found["Patient"][0]) == {"resourceType", "id", "meta", "name"}
    assert found["Patient"][0]["meta"]["tag"][0]["code"] == "SUBSETTED"


async def test_since_and_until_part_time_without_gap_or_overlap(bulk: Bulk) -> None:
    await ward(bulk)
    first, _ = await bulk.export("/$export")
    await bulk.put(patient("p2", "Jones"), patient("p4"))
    await bulk.client.delete("/Observation/a")
    second, found = await bulk.export(f"/$export?_since={first['transactionTime']}")
    assert ids(found) == {"Patient": ["p2", "p4"]}
    deleted = await bulk.read(second, "deleted")
    assert [b["entry"][0]["request"] for b in deleted["Bundle"]] == [{"method": "DELETE", "url": "Observation/a"}]
    assert deleted["Bundle"][0]["type"] == "transaction"
    third, found = await bulk.export(f"/$export?_since={second['transactionTime']}")
    assert found == {}
    assert third["deleted"] == []
    _, found = await bulk.export(
        f"/Patient/$export?_until={first['transactionTime'].replace('Z', '001Z')}&_type=Patient"
    )
    assert [one["name"][0]["family"] for one in found["Patient"]] == ["Smith"] * 3


async def test_deletions_of_a_group_are_told_to_whom_they_concern(bulk: Bulk) -> None:
    await ward(bulk)
    first, _ = await bulk.export("/Group/g/$export")
    for id_ in ("a", "c"):
        await bulk.client.delete(f"/Observation/{id_}")
    second, _ = await bulk.export(f"/Group/g/$export?_since={first['transactionTime']}")
    deleted = await bulk.read(second, "deleted")
    assert [b["entry"][0]["request"]["url"] for b in deleted["Bundle"]] == ["Observation/a"]


async def test_one_moment_while_others_write_and_the_worker_is_killed(bulk: Bulk) -> None:
    """Killed after each step in turn, with writes in between: the export is that of the kick-off, to the byte."""
    many = [patient(f"p{n}") for n in range(20)] + [observation(f"o{n}", f"p{n % 20}") for n in range(60)]
    await bulk.put(*many)
    expected = {
        (name, one["id"]): (await bulk.record.read(name, one["id"])).body  # type: ignore[union-attr]
        for one in many
        for name in [one["resourceType"]]
    }
    status = await bulk.kick("/Patient/$export?_type=Patient,Observation")
    job = status.rsplit("/", 1)[1]
    for kill_after in range(1, 6):
        steps = 0

        def room(limit: int = kill_after) -> None:
            nonlocal steps
            steps += 1
            if steps > limit:
                raise Unavailable("killed")

        with pytest.raises(Unavailable):
            await bulk.again(keys=7, lines=13, room=room).do(job)
        # What was written beyond the last step is there as after kill -9.
        for path in (bulk.worker.folder / job).glob("*.ndjson"):
            with path.open("ab") as file:
                file.write(b'{"resourceType":"Patient","id":"half')
        n = kill_after
        await bulk.put(patient(f"p{n}", "Changed"), patient(f"new{n}"), observation(f"o{n}", "new1"))
        async with bulk.pool.acquire() as conn, conn.transaction():
            await bulk.record.write(conn, [Delete("Observation", f"o{30 + n}"), Put(patient(f"later{n}"))])
    manifest = await bulk.done(status, bulk.again(keys=7, lines=13))
    assert len(manifest["output"]) > 5
    found: list[bytes] = []
    for row in manifest["output"]:
        answer = await bulk.client.get(row["url"])
        found += answer.content.splitlines()
    assert sorted(found) == sorted(body for body in expected.values() if body)


async def test_a_write_that_was_open_at_the_kickoff_belongs_to_it(bulk: Bulk) -> None:
    """It carries an earlier time than the transaction time: it must not fall between two exports."""
    await bulk.put(patient("p1"))
    async with bulk.pool.acquire() as conn:
        change = conn.transaction()
        await change.start()
        await bulk.record.write(conn, [Put(patient("late"))])
        status = await bulk.kick("/$export?_type=Patient")
        waiting = asyncio.create_task(bulk.worker.do(status.rsplit("/", 1)[1]))
        for _ in range(3):
            await bulk.clock.slept()
        assert not waiting.done()
        await change.commit()
    await waiting
    manifest = (await bulk.client.get(status)).json()
    assert ids(await bulk.read(manifest, "output")) == {"Patient": ["late", "p1"]}


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/Group/$export", 400, "by its id"),
        ("/Group/none/$export", 404, "does not exist"),
        ("/$export?_outputFormat=text/csv", 400, "_outputFormat"),
        ("/$export?_since=yesterday", 400, "_since"),
        ("/$export?_type=Nonsense", 400, "Nonsense"),
        ("/$export?_type=AuditEvent", 400, "AuditEvent"),
        ("/$export?_typeFilter=Observation", 400, "_typeFilter"),
        ("/$export?_typeFilter=Observation?nonsense=1", 400, "nonsense"),
        ("/$export?_typeFilter=Observation?_sort=date", 400, "result parameters"),
        ("/$export?_type=Patient&_typeFilter=Observation?code=1", 400, "_type does not"),
        ("/$export?_elements=Patient.nonsense", 400, "Patient.nonsense"),
        ("/$export?includeAssociatedData=LatestProvenanceResources", 400, "includeAssociatedData"),
        ("/$export?nonsense=1", 400, "nonsense"),
        ("/$export?patient=p1", 400, "patient"),
        ("/Patient/$export?patient=none", 400, "Patient/none"),
    ],
)
async def test_refused(bulk: Bulk, path: str, status: int, word: str) -> None:
    answer = await bulk.client.get(path)
    assert answer.status_code == status, answer.text
    assert word in answer.json()["issue"][0]["diagnostics"]


async def test_lenient_passes_over_what_is_not_supported(bulk: Bulk) -> None:
    answer = await bulk.client.get(
        "/$export?includeAssociatedData=x&_type=Patient,Nonsense", headers={"prefer": "respond-async, handling=lenient"}
    )
    assert answer.status_code == 202


async def test_formats(bulk: Bulk) -> None:
    for text in ("application/fhir%2Bndjson", "application/fhir+ndjson", "application/ndjson", "ndjson"):
        assert (await bulk.client.get(f"/$export?_outputFormat={text}")).status_code == 202


async def test_cancelled(bulk: Bulk) -> None:
    await bulk.put(*[patient(f"p{n}") for n in range(30)])
    status = await bulk.kick("/$export")
    job = status.rsplit("/", 1)[1]
    with pytest.raises(Unavailable):
        await bulk.again(keys=5, room=_after(3)).do(job)
    assert (await bulk.client.delete(status)).status_code == 202
    assert (await bulk.client.get(status)).status_code == 404
    await bulk.worker.do(job)
    await bulk.worker.tidy()
    assert not (bulk.worker.folder / job).exists()
    assert (await bulk.client.get(status)).status_code == 404


def _after(limit: int) -> Any:
    steps = iter(range(1000))

    def room() -> None:
        if next(steps) >= limit:
            raise Unavailable("killed")

    return room


async def test_cancelled_while_it_runs(bulk: Bulk) -> None:
    await bulk.put(*[patient(f"p{n}") for n in range(30)])
    status = await bulk.kick("/$export")
    job = status.rsplit("/", 1)[1]
    steps = iter(range(1000))

    class Stop:
        """Cancels through the API between two steps, as a client does."""

        task: asyncio.Task[Any] | None = None

        def __call__(self) -> None:
            if next(steps) == 3:
                self.task = asyncio.create_task(bulk.client.delete(status))

    stop = Stop()
    await bulk.again(keys=1, room=stop).do(job)
    assert stop.task is not None
    assert (await stop.task).status_code == 202
    assert (await bulk.client.get(status)).status_code == 404


async def test_expired(bulk: Bulk) -> None:
    await bulk.put(patient("p1"))
    status = await bulk.kick("/$export")
    manifest = await bulk.done(status, bulk.again(hours=0))
    url = manifest["output"][0]["url"]
    assert (await bulk.client.get(url)).status_code == 200
    await bulk.worker.tidy()
    assert (await bulk.client.get(url)).status_code == 404
    assert (await bulk.client.get(status)).status_code == 404
    assert list(bulk.worker.folder.iterdir()) == []


async def test_only_for_who_asked_and_what_they_may_read(bulk: Bulk) -> None:
    await ward(bulk)
    reader = {"authorization": "Bearer reader"}
    refused = await bulk.client.get("/Patient/$export?_type=Patient,Observation", headers=reader)
    assert refused.status_code == 403
    assert "Observation" in refused.text
    kick = await bulk.client.get("/Patient/$export", headers=reader)
    status = kick.headers["content-location"]
    await bulk.worker.do(status.rsplit("/", 1)[1])
    for who, code in (("other", 403), ("service", 403), ("administrator", 200), ("reader", 200)):
        assert (await bulk.client.get(status, headers={"authorization": f"Bearer {who}"})).status_code == code
    manifest = (await bulk.client.get(status, headers=reader)).json()
    assert [row["type"] for row in manifest["output"]] == ["Patient"]
    url = manifest["output"][0]["url"]
    # An administrator of machines may end and see jobs, not read what is clinical.
    for who, code in (("other", 403), ("administrator", 403), ("reader", 200), ("", 401)):
        assert (await bulk.client.get(url, headers={"authorization": f"Bearer {who}"})).status_code == code
    assert (await bulk.client.delete(status, headers={"authorization": "Bearer other"})).status_code == 403
    assert (await bulk.client.delete(status, headers={"authorization": "Bearer administrator"})).status_code == 202


async def test_each_patient_of_a_file_is_on_record(bulk: Bulk) -> None:
    await ward(bulk)
    manifest, _ = await bulk.export("/$export?_type=Observation")
    rows = [row for row in await bulk.audit.find(limit=50) if row["event"] == "bulk-file"]
    assert sorted(rows[0]["patients"]) == ["p1", "p2", "p3"]
    assert rows[0]["target_type"] == "Observation"
    assert manifest["output"][0]["url"].endswith(rows[0]["target_id"])


async def test_too_many(bulk: Bulk) -> None:
    answers = [await bulk.client.get("/$export") for _ in range(21)]
    assert [a.status_code for a in answers] == [202] * 20 + [429]


async def test_declared(bulk: Bulk) -> None:
    rest = (await bulk.client.get("/metadata")).json()["rest"][0]
    named = {row["type"]: row.get("operation", []) for row in rest["resource"]}
    assert "export" in {o["name"] for o in rest["operation"]}
    assert any("patient-export" in o["definition"] or o["name"] == "export" for o in named["Patient"])
    assert any(o["name"] == "export" for o in named["Group"])


async def test_a_group_is_as_it_was_whether_its_patients_are_few_or_many(bulk: Bulk, monkeypatch: Any) -> None:
    """Few patients are looked up by the index, many by looking at everything: both see the state of the kick-off."""
    await ward(bulk)
    for few in (1000, 0):
        monkeypatch.setattr("wardbridge.fhir.bulk.export.FEW", few)
        await bulk.put(observation("a", "p1"), observation("c", "p3"), patient("p1"))
        await bulk.client.delete("/Observation/late")
        status = await bulk.kick("/Group/g/$export?_type=Patient,Observation")
        await bulk.put(observation("a", "p2"), observation("c", "p1"), observation("late", "p1"))
        await bulk.client.delete("/Patient/p1")
        manifest = await bulk.done(status, bulk.again(keys=3))
        assert ids(await bulk.read(manifest, "output")) == {"Patient": ["p1"], "Observation": ["a"]}, few


async def test_the_whole_record_is_not_taken_away_from_a_bedside_account(bulk: Bulk) -> None:
    await ward(bulk)
    nurse = {"prefer": "respond-async", "authorization": "Bearer nurse"}
    for path in ("/$export", "/Patient/$export", "/Group/g/$export"):
        assert (await bulk.client.get(path, headers=nurse)).status_code == 403
    lines = {**nurse, "content-type": "application/fhir+ndjson"}
    assert (await bulk.client.post("/$import", content=b"{}\n", headers=lines)).status_code == 403
