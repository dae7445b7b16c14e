"""`$import`: upsert, errors by line, and that an interrupted one goes on exactly where it was."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.fhir.bulk.conftest import Bulk
from tests.fhir.bulk.test_export import observation, patient

from wardbridge.core.errors import Unavailable
from wardbridge.fhir.bulk.lines import lines
from wardbridge.fhir.json import dumps

NDJSON = {"content-type": "application/fhir+ndjson"}


def ndjson(*resources: dict[str, Any] | bytes) -> bytes:
    return b"".join((one if isinstance(one, bytes) else dumps(one)) + b"\n" for one in resources)


async def load(bulk: Bulk, body: bytes, **headers: str) -> dict[str, Any]:
    answer = await bulk.client.post("/$import", content=body, headers={**NDJSON, **headers})
    assert answer.status_code == 202, answer.text
    return await bulk.done(answer.headers["content-location"])


async def count(bulk: Bulk, type_name: str) -> int:
    found = await bulk.client.get(f"/{type_name}?_summary=count")
    return int(found.json()["total"])


async def test_written_by_id_or_with_a_new_one(bulk: Bulk) -> None:
    await bulk.put(patient("p1"))
    fresh = {key: value for key, value in patient("x").items() if key != "id"}
    manifest = await load(bulk, ndjson(patient("p1", "Jones"), patient("p2"), b"", fresh, observation("o", "p2")))
    assert manifest["output"] == [
        {"type": "Observation", "count": 1, "created": 1, "updated": 0},
        {"type": "Patient", "count": 3, "created": 2, "updated": 1},
    ]
    assert manifest["error"] == []
    assert (await bulk.client.get("/Patient/p1")).json()["meta"]["versionId"] == "2"
    assert (await bulk.client.get("/Observation?patient=p2&_summary=count")).json()["total"] == 1


async def test_errors_by_line(bulk: Bulk) -> None:
    body = ndjson(
        patient("p1"),
        b"{not json}",
        {"resourceType": "Patient", "id": "p2", "gender": "none of these"},
        b"[1]",
        {"resourceType": "Nonsense"},
        {**patient("p3"), "id": "no spaces"},
        {"resourceType": "AuditEvent"},
        patient("p4"),
        {"resourceType": "Patient", "birthDate": "1970-02-31"},
    )
    manifest = await load(bulk, body)
    assert manifest["output"] == [{"type": "Patient", "count": 2, "created": 2, "updated": 0}]
    assert manifest["extension"] == {"refused": 7}
    (outcomes,) = (await bulk.read(manifest, "error")).values()
    said = [one["issue"][0] for one in outcomes]
    assert [int(one["diagnostics"].split("line ")[1].split(":")[0]) for one in said] == [2, 3, 4, 5, 6, 7, 9]
    assert said[1]["expression"] == ["Patient.gender"]
    assert said[6]["expression"] == ["Patient.birthDate"]


async def test_streamed_and_zipped(bulk: Bulk) -> None:
    body = gzip.compress(ndjson(*(patient(f"p{n}") for n in range(500))))

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 100):
            yield body[at : at + 100]

    answer = await bulk.client.post("/$import", content=pieces(), headers={**NDJSON, "content-encoding": "gzip"})
    manifest = await bulk.done(answer.headers["content-location"])
    assert manifest["output"][0]["count"] == await count(bulk, "Patient") == 500
    assert not list(bulk.worker.folder.rglob("upload"))
    for bad in (b"no gzip", body[:-20], b""):
        refused = await bulk.client.post("/$import", content=bad, headers={**NDJSON, "content-encoding": "gzip"})
        assert refused.status_code == 400
    assert len(list(bulk.worker.folder.iterdir())) <= 1


async def test_killed_after_any_step_it_goes_on_behind_the_last_line(bulk: Bulk) -> None:
    """Lines without ids: one written twice or left out would be seen in the count."""
    body = [b"broken" if n % 9 == 4 else dumps({"resourceType": "Patient", "name": [{"family": f"F{n}"}]})
            for n in range(100)]  # fmt: skip
    answer = await bulk.client.post("/$import", content=ndjson(*body), headers=NDJSON)
    status = answer.headers["content-location"]
    job = status.rsplit("/", 1)[1]
    for limit in range(1, 7):
        steps = iter(range(1000))

        def room(limit: int = limit, steps: Any = steps) -> None:
            if next(steps) >= limit:
                raise Unavailable("killed")

        with pytest.raises(Unavailable):
            await bulk.again(batch=3, room=room).do(job)
        for path in (bulk.worker.folder / job).glob("error*.ndjson"):
            with path.open("ab") as file:
                file.write(b'{"half')
        waiting = await bulk.client.get(status)
        assert waiting.status_code == 202
        assert "%" in waiting.headers["x-progress"]
    manifest = await bulk.done(status, bulk.again(batch=3))
    assert manifest["output"][0]["count"] == await count(bulk, "Patient") == 89
    for n in range(100):
        found = (await bulk.client.get(f"/Patient?family:exact=F{n}&_summary=count")).json()["total"]
        assert found == (n % 9 != 4)
    (outcomes,) = (await bulk.read(manifest, "error")).values()
    assert [f"line {n + 1}:" in outcomes[at]["issue"][0]["diagnostics"] for at, n in enumerate(range(4, 100, 9))] == [
        True
    ] * 11


async def test_one_that_breaks_the_statement_spares_the_others(bulk: Bulk) -> None:
    bad = {"resourceType": "Patient", "id": "bad", "name": [{"family": "a\x00b"}]}
    manifest = await load(bulk, ndjson(patient("p1"), bad, patient("p2"), b"broken"))
    assert manifest["output"][0]["count"] + manifest["extension"]["refused"] == 4
    assert (await bulk.client.get("/Patient/p2")).status_code == 200


async def test_as_parameters_from_an_export_and_from_the_folder(bulk: Bulk) -> None:
    await bulk.put(patient("p1"), patient("p2"))
    exported, _ = await bulk.export("/$export?_type=Patient")
    await bulk.client.delete("/Patient/p1")
    (bulk.sources / "more.ndjson").write_bytes(ndjson(patient("p3"), observation("o", "p3")))
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "inputFormat", "valueCode": "application/fhir+ndjson"},
            *(
                {"name": "input", "part": [{"name": "type", "valueCode": "Patient"}, {"name": "url", "valueUri": url}]}
                for url in (exported["output"][0]["url"], "file:more.ndjson")
            ),
        ],
    }
    answer = await bulk.client.post("/$import", json=body)
    assert answer.status_code == 202, answer.text
    manifest = await bulk.done(answer.headers["content-location"])
    assert manifest["output"] == [{"type": "Patient", "count": 3, "created": 2, "updated": 1}]
    (outcomes,) = (await bulk.read(manifest, "error")).values()
    assert "more.ndjson, line 2" in outcomes[0]["issue"][0]["diagnostics"]
    assert (await bulk.client.get("/Patient/p1")).status_code == 200


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://elsewhere.example/file.ndjson", 400),
        ("file:../secret", 404),
        ("/etc/passwd", 404),
        ("none.ndjson", 404),
        ("http://test/fhir/bulk/none/Patient.1.ndjson", 404),
        ("", 400),
    ],
)
async def test_refused_inputs(bulk: Bulk, url: str, status: int) -> None:
    (bulk.sources.parent / "secret").write_bytes(b"{}")
    answer = await bulk.client.post(
        "/$import", json={"inputFormat": "application/fhir+ndjson", "input": [{"url": url}]}
    )
    assert answer.status_code == status, answer.text


async def test_what_they_may_not_write_is_an_error_of_its_line(bulk: Bulk) -> None:
    answer = await bulk.client.post(
        "/$import", content=ndjson(patient("p1")), headers={**NDJSON, "authorization": "Bearer reader"}
    )
    status = answer.headers["content-location"]
    await bulk.worker.do(status.rsplit("/", 1)[1])
    manifest = (await bulk.client.get(status, headers={"authorization": "Bearer reader"})).json()
    assert manifest["output"] == []
    assert manifest["error"][0]["count"] == 1
    assert await count(bulk, "Patient") == 0


async def test_each_write_is_on_record(bulk: Bulk) -> None:
    await load(bulk, ndjson(patient("p1"), observation("o", "p1")))
    rows = await bulk.audit.find(limit=50)
    written = {(row["event"], row["target_type"], row["target_id"], *row["patients"]) for row in rows}
    assert ("update", "Observation", "o", "p1") in written


async def test_a_round_trip_changes_no_byte_of_content(bulk: Bulk) -> None:
    await bulk.put(*(observation(f"o{n}", "p") for n in range(30)))
    exported, before = await bulk.export("/$export")
    raw = (await bulk.client.get(exported["output"][0]["url"])).content
    await load(bulk, raw)
    _, after = await bulk.export("/$export")
    for one in (*before["Observation"], *after["Observation"]):
        del one["meta"]
    assert before == after


def test_lines_of_any_length(tmp_path: Any) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"one\n" + b"x" * 50 + b"\n\r\nlast")
    found = list(lines(path, 0, 0, most=20))
    assert [(line.number, line.text) for line in found] == [(1, b"one"), (2, None), (3, b""), (4, b"last")]
    assert [line.end for line in found] == [4, 55, 57, 61]
    assert [line.text for line in lines(path, found[1].end, 2, most=20)] == [b"", b"last"]
