"""Who may, what is left out, and that every access is on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.routing import Mount
from tests.fhir.rest.conftest import Api, application, client_of

from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.operations import Operation
from wardbridge.security.policy import decide
from wardbridge.security.principal import Principal, Target

PATIENT = {"resourceType": "Patient", "identifier": [{"value": "1"}]}


async def rows(api: Api) -> list[tuple[str, str, int, list[str]]]:
    found = await api.pool.fetch("SELECT event, target_type, outcome, patients FROM audit_event ORDER BY sequence")
    return [tuple(row) for row in found]


async def test_no_token_no_answer(api: Api) -> None:
    answer = await api.client.get("/Patient", headers={"authorization": ""})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["issue"][0]["code"] == "login"


async def test_every_access_is_on_record(api: Api) -> None:
    made = await api.make(PATIENT)
    me = [made["id"]]
    await api.client.get(f"/Patient/{made['id']}")
    await api.client.get("/Patient?identifier=1")
    await api.client.get("/Patient?nix=1")
    await api.client.put(f"/Patient/{made['id']}", json={**PATIENT, "id": made["id"]}, headers={"if-match": 'W/"9"'})
    await api.client.delete(f"/Patient/{made['id']}")
    await api.client.get(f"/Patient/{made['id']}")
    assert await rows(api) == [
        ("create", "Patient", 0, me),
        ("read", "Patient", 0, me),
        ("search", "Patient", 0, me),
        ("search", "Patient", 4, []),
        ("update", "Patient", 4, []),
        ("delete", "Patient", 0, me),
        ("read", "Patient", 4, []),
    ]


async def test_scopes_and_roles(api: Api) -> None:
    made = await api.make(PATIENT)
    await api.make({"resourceType": "Device", "patient": {"reference": f"Patient/{made['id']}"}})
    async with client_of(api.application, "reader") as reader:
        assert (await reader.get("/Patient")).status_code == 200
        assert (await reader.get("/Device")).status_code == 403
        assert (await reader.post("/Patient", json=PATIENT)).status_code == 403
        assert (await reader.get("/?_type=Patient,Device")).status_code == 403
        assert (await reader.get("/_history")).status_code == 403
    async with client_of(api.application, "technician") as technician:
        refused = await technician.get(f"/Patient/{made['id']}")
        assert refused.status_code == 403
        assert refused.json()["issue"][0]["code"] == "forbidden"
        found = (await technician.get("/Device?_include=Device:patient")).json()
        assert [e["resource"]["resourceType"] for e in found["entry"]] == ["Device"]
    assert ("read", "Patient", 4, []) in await rows(api)


async def test_audit_record_is_served_and_not_written(api: Api) -> None:
    made = await api.make(PATIENT)
    async with client_of(api.application, "administrator") as administrator:
        found = (await administrator.get(f"/AuditEvent?patient=Patient/{made['id']}&date=ge2000")).json()
        (entry,) = found["entry"]
        assert entry["resource"]["action"] == "C"
        one = await administrator.get(f"/AuditEvent/{entry['resource']['id']}")
        assert one.json() == entry["resource"]
        assert (await administrator.get("/AuditEvent?nix=1")).status_code == 400
        pages = (await administrator.get("/AuditEvent?_count=1")).json()
        assert any(link["relation"] == "next" for link in pages["link"])
    assert (await api.client.post("/AuditEvent", json={"resourceType": "AuditEvent"})).status_code == 405


@dataclass(frozen=True)
class Narrow:
    permit: bool = True
    reason: str = "own compartment"
    filter: tuple[tuple[str, str], ...] = (("identifier", "1"),)


async def test_a_narrowed_principal_sees_only_that_part(api: Api) -> None:
    await api.make(PATIENT)
    await api.make({"resourceType": "Patient", "identifier": [{"value": "2"}]})

    def narrow(principal: Principal, action: str, target: Target) -> Any:
        return Narrow()

    async with client_of(application(api.pool, api.record, decide=narrow)) as client:
        found = (await client.get("/Patient")).json()
        assert [e["resource"]["identifier"][0]["value"] for e in found["entry"]] == ["1"]
        assert "identifier" not in found["link"][0]["url"]
        assert "entry" not in (await client.get("/Patient?identifier=2")).json()
        assert (await client.get("/Patient/x")).status_code == 403


async def test_operations_register(api: Api) -> None:
    async def hello(call: Call, type_name: str, id_: str) -> Answer:
        return Answer(200, b'{"resourceType":"Parameters"}')

    operation = Operation("hello", "http://example.org/hello", hello, ("Patient",), type=True)
    app = application(api.pool, api.record, operations=[operation], decide=decide)
    async with client_of(app) as client:
        assert (await client.get("/Patient/$hello")).json() == {"resourceType": "Parameters"}
        assert (await client.get("/Device/$hello")).status_code == 404
        assert (await client.get("/$hello")).status_code == 404
        resources = (await client.get("/metadata")).json()["rest"][0]["resource"]
        named = [r["type"] for r in resources if r.get("operation")]
        assert named == ["Patient"]
    async with client_of(app, "technician") as technician:
        assert (await technician.get("/Patient/$hello")).status_code == 403


async def test_it_can_be_mounted(api: Api) -> None:
    from starlette.applications import Starlette

    app = Starlette(routes=[Mount("/fhir", app=application(api.pool, api.record, base=""))])
    async with client_of(app) as client:
        made = await client.post("/fhir/Patient", json=PATIENT)
        assert made.headers["location"].startswith("http://test/fhir/Patient/")
        assert (await client.get(f"/fhir/Patient/{made.json()['id']}")).status_code == 200
