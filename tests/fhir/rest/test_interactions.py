"""Reading and writing one resource over HTTP (R4 http.html): status, headers, conditions, refusals."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from tests.fhir.rest.conftest import Api, application, client_of

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:mrn", "value": "1"}],
    "name": [{"family": "Müller"}],
    "gender": "female",
}
OBSERVATION = b'{"resourceType":"Observation","status":"final","code":{"text":"T"},"valueQuantity":{"value":37.50}}'


async def test_create_read_update_delete(api: Api) -> None:
    made = await api.client.post("/Patient", json=PATIENT)
    id_ = made.json()["id"]
    assert made.status_code == 201
    assert made.headers["etag"] == 'W/"1"'
    assert made.headers["location"] == f"http://test/fhir/Patient/{id_}/_history/1"
    assert made.headers["last-modified"].endswith("GMT")
    read = await api.client.get(f"/Patient/{id_}")
    assert read.json() == made.json()
    assert read.headers["content-type"].startswith("application/fhir+json")
    head = await api.client.head(f"/Patient/{id_}")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", 'W/"1"')
    changed = await api.client.put(f"/Patient/{id_}", json={**PATIENT, "id": id_, "gender": "male"})
    assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"2"')
    gone = await api.client.delete(f"/Patient/{id_}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await api.client.get(f"/Patient/{id_}")).status_code == 410
    assert (await api.client.get(f"/Patient/{id_}/_history/1")).json()["gender"] == "female"
    assert (await api.client.get(f"/Patient/{id_}/_history/3")).status_code == 410
    assert (await api.client.get(f"/Patient/{id_}/_history/9")).status_code == 404
    assert (await api.client.delete(f"/Patient/{id_}")).status_code == 204
    back = await api.client.put(f"/Patient/{id_}", json={**PATIENT, "id": id_})
    assert (back.status_code, back.headers["etag"]) == (201, 'W/"4"')


async def test_decimals_come_back_as_written(api: Api) -> None:
    made = await api.client.post("/Observation", content=OBSERVATION)
    assert b'"value":37.50}' in made.content
    assert b'"value":37.50}' in (await api.client.get(f"/Observation/{made.json()['id']}")).content


async def test_update_as_create_and_id_rules(api: Api) -> None:
    assert (await api.client.put("/Patient/mine", json={**PATIENT, "id": "mine"})).status_code == 201
    for url, body in (
        ("/Patient/mine", {**PATIENT, "id": "other"}),
        ("/Patient/mine", PATIENT),
        ("/Patient/a_b", {**PATIENT, "id": "a_b"}),
        ("/Patient", {"resourceType": "Device"}),
    ):
        answer = await (api.client.put if url.count("/") > 1 else api.client.post)(url, json=body)
        assert answer.status_code == 400, answer.text
        assert answer.json()["resourceType"] == "OperationOutcome"


async def test_if_match_and_conditional_read(api: Api) -> None:
    made = await api.make(PATIENT)
    url = f"/Patient/{made['id']}"
    body = {**PATIENT, "id": made["id"]}
    assert (await api.client.put(url, json=body, headers={"if-match": 'W/"1"'})).status_code == 200
    stale = await api.client.put(url, json=body, headers={"if-match": 'W/"1"'})
    assert stale.status_code == 412
    assert stale.json()["issue"][0]["code"] == "conflict"
    assert (await api.client.delete(url, headers={"if-match": 'W/"1"'})).status_code == 412
    assert (await api.client.put(url, json=body, headers={"if-match": "W/2 3"})).status_code == 400
    same = await api.client.get(url, headers={"if-none-match": 'W/"2"'})
    assert (same.status_code, same.content) == (304, b"")
    assert (await api.client.get(url, headers={"if-none-match": 'W/"1"'})).status_code == 200
    modified = (await api.client.get(url)).headers["last-modified"]
    assert (await api.client.get(url, headers={"if-modified-since": modified})).status_code == 304


async def test_prefer(api: Api) -> None:
    minimal = await api.client.post("/Patient", json=PATIENT, headers={"prefer": "return=minimal"})
    assert (minimal.status_code, minimal.content) == (201, b"")
    told = await api.client.post("/Patient", json=PATIENT, headers={"prefer": "return=OperationOutcome"})
    assert told.json()["resourceType"] == "OperationOutcome"


async def test_conditional_interactions(api: Api) -> None:
    criteria = {"if-none-exist": "identifier=urn:mrn|1"}
    first = await api.client.post("/Patient", json=PATIENT, headers=criteria)
    second = await api.client.post("/Patient", json=PATIENT, headers=criteria)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.headers["location"] == second.headers["location"]
    updated = await api.client.put("/Patient?identifier=urn:mrn|1", json={**PATIENT, "gender": "male"})
    assert (updated.status_code, updated.json()["id"]) == (200, first.json()["id"])
    fresh = await api.client.put(
        "/Patient?identifier=urn:mrn|2", json={**PATIENT, "identifier": [{"system": "urn:mrn", "value": "2"}]}
    )
    assert fresh.status_code == 201
    await api.make(PATIENT)
    for answer in (
        await api.client.post("/Patient", json=PATIENT, headers=criteria),
        await api.client.put("/Patient?identifier=urn:mrn|1", json=PATIENT),
        await api.client.delete("/Patient?identifier=urn:mrn|1"),
    ):
        assert answer.status_code == 412
        assert answer.json()["issue"][0]["code"] == "multiple-matches"
    assert (await api.client.delete("/Patient?identifier=urn:mrn|2")).status_code == 204
    assert (await api.client.get(f"/Patient/{fresh.json()['id']}")).status_code == 410
    assert (await api.client.delete("/Patient")).status_code == 400
    assert (await api.client.post("/Patient", json=PATIENT, headers={"if-none-exist": "nix=1"})).status_code == 400


@pytest.mark.parametrize(
    ("method", "url", "headers", "body", "status"),
    [
        ("GET", "/Nonsense/1", {}, b"", 404),
        ("GET", "/Patient/none", {}, b"", 404),
        ("GET", "/Patient/%00", {}, b"", 404),
        ("DELETE", "/Patient/a_b", {}, b"", 404),
        ("GET", "/Patient/1/2/3", {}, b"", 404),
        ("PATCH", "/Patient/1", {"content-type": "application/json-patch+json"}, b"[]", 404),
        ("PATCH", "/Patient/1", {}, b"{}", 400),
        ("PATCH", "/Patient/1", {"content-type": "text/plain"}, b"[]", 415),
        ("PATCH", "/", {}, b"[]", 405),
        ("POST", "/Patient/1", {}, b"{}", 405),
        ("DELETE", "/", {}, b"", 405),
        ("POST", "/metadata", {}, b"", 405),
        ("GET", "/Patient/$everything", {}, b"", 404),
        ("GET", "/Patient", {"accept": "text/turtle"}, b"", 406),
        ("GET", "/Patient?_format=ttl", {}, b"", 406),
        ("GET", "/Patient", {"accept": "application/fhir+json; fhirVersion=5.0"}, b"", 406),
        ("POST", "/Patient", {"content-type": "text/plain"}, b"{}", 415),
        ("POST", "/Patient", {"content-type": "application/fhir+xml", "accept": "application/fhir+json"}, b"<a/>", 400),
        ("POST", "/Patient", {"content-encoding": "br"}, b"{}", 415),
        ("POST", "/Patient", {}, b"{", 400),
        ("POST", "/Patient", {}, b"[]", 400),
        ("POST", "/Patient", {}, b"", 400),
        ("POST", "/Patient", {"content-encoding": "gzip"}, b"{}", 400),
        ("POST", "/Patient", {}, b'{"resourceType":"Patient","gender":"none"}', 422),
        ("GET", "/Patient/1?nix=1", {}, b"", 400),
        ("GET", "/Patient?nix=1", {}, b"", 400),
        ("GET", "/Patient/1/_history?_since=x", {}, b"", 400),
        ("POST", "/", {}, b'{"resourceType":"Bundle","type":"collection"}', 400),
        ("GET", "/Patient?name=%00", {}, b"", 400),
        ("POST", "/Patient", {"if-none-exist": "identifier=%00"}, b'{"resourceType":"Patient"}', 400),
        ("PUT", "/Patient?identifier=%00", {}, b'{"resourceType":"Patient"}', 400),
        ("DELETE", "/Patient?identifier=%00", {}, b"", 400),
        ("GET", "/Patient?_cursor=%FF", {}, b"", 400),
    ],
)
async def test_refusals_are_outcomes(
    api: Api, method: str, url: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = await api.client.request(method, url, headers=headers, content=body)
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.json()["issue"][0]["diagnostics" if status != 422 else "details"]
    if status == 405:
        assert answer.headers["allow"]


async def test_validation_names_the_path(api: Api) -> None:
    answer = await api.client.post("/Patient", json={**PATIENT, "birthDate": "1970-02-30"})
    assert answer.status_code == 422
    assert any("Patient.birthDate" in issue.get("expression", []) for issue in answer.json()["issue"])


async def test_body_limit_and_gzip(api: Api) -> None:
    app = application(api.pool, api.record, most_bytes=2000)
    async with client_of(app) as client:
        long = json.dumps({**PATIENT, "name": [{"family": "x" * 3000}]}).encode()
        assert (await client.post("/Patient", content=long)).status_code == 413
        assert (
            await client.post("/Patient", content=gzip.compress(long), headers={"content-encoding": "gzip"})
        ).status_code == 413
    packed = await api.client.post("/Patient", content=gzip.compress(long), headers={"content-encoding": "gzip"})
    assert packed.status_code == 201
    plain = await api.client.get(f"/Patient/{packed.json()['id']}", headers={"accept-encoding": "gzip"})
    assert plain.headers["content-encoding"] == "gzip"


async def test_history_of_instance_type_and_system(api: Api) -> None:
    made = await api.make(PATIENT)
    await api.client.put(f"/Patient/{made['id']}", json={**PATIENT, "id": made["id"], "gender": "male"})
    await api.make({"resourceType": "Device"})
    await api.client.delete(f"/Patient/{made['id']}")

    async def methods(url: str) -> list[str]:
        bundle = (await api.client.get(url)).json()
        assert bundle["type"] == "history"
        return [entry["request"]["method"] for entry in bundle["entry"]]

    assert await methods(f"/Patient/{made['id']}/_history") == ["DELETE", "PUT", "POST"]
    assert await methods("/Patient/_history") == ["DELETE", "PUT", "POST"]
    assert await methods("/_history") == ["DELETE", "POST", "PUT", "POST"]
    first = (await api.client.get("/_history?_count=3")).json()
    following = next(link["url"] for link in first["link"] if link["relation"] == "next")
    assert len((await api.client.get(following.removeprefix("http://test/fhir"))).json()["entry"]) == 1
    future = (await api.client.get("/Patient/_history?_since=2100-01-01")).json()
    assert "entry" not in future
    moment = (await api.client.get(f"/Patient/{made['id']}/_history/1")).json()["meta"]["lastUpdated"]
    at = (await api.client.get("/_history", params={"_at": moment})).json()
    assert [entry["response"]["etag"] for entry in at["entry"]][-1] == 'W/"1"'


async def test_metadata_tells_what_there_is(api: Api) -> None:
    answer = await api.client.get("/metadata", headers={"authorization": ""})
    rest = answer.json()["rest"][0]
    patient = next(r for r in rest["resource"] if r["type"] == "Patient")
    names = {p["name"] for p in patient["searchParam"]}
    assert {"identifier", "family", "_lastUpdated"} <= names
    assert not names & {"_content", "_text", "_filter"}
    for name in sorted(names - {"_lastUpdated", "_id"})[:40]:
        assert (await api.client.get(f"/Patient?{name}:missing=true")).status_code == 200
    audit = next(r for r in rest["resource"] if r["type"] == "AuditEvent")
    assert [i["code"] for i in audit["interaction"]] == ["read", "search-type"]


async def test_summary_and_elements(api: Api) -> None:
    made = await api.make(
        {**PATIENT, "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}}
    )
    found = (await api.client.get(f"/Patient?_id={made['id']}&_elements=gender")).json()["entry"][0]["resource"]
    assert set(found) == {"resourceType", "id", "meta", "gender"}
    assert found["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert "text" not in (await api.client.get(f"/Patient/{made['id']}?_summary=true")).json()
    assert "name" not in (await api.client.get(f"/Patient/{made['id']}?_summary=text")).json()
    count = (await api.client.get("/Patient?_summary=count")).json()
    assert (count["total"], "entry" in count) == (1, False)
