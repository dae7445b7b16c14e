"""A SearchParameter from POST to results, as a client sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.fhir.reindex.conftest import Index, parameter

from wardbridge.fhir.rest.application import Application
from wardbridge.fhir.rest.audit_events import SecurityAudit
from wardbridge.fhir.rest.reindexing import SearchParameters
from wardbridge.fhir.rest.repository import StoreRepository
from wardbridge.fhir.validate import validate_base
from wardbridge.security.audit import Audit
from wardbridge.security.policy import decide
from wardbridge.security.principal import Principal

SERVICE = Principal("ehr", "EHR", "service", frozenset({"service"}), ("system/*.cruds",))
READER = Principal("viewer", "Viewer", "service", frozenset({"service"}), ("system/*.rs",))


@dataclass
class Served:
    client: httpx.AsyncClient
    index: Index

    async def status(self, id_: str = "") -> dict[str, Any]:
        path = f"/SearchParameter/{id_}/$reindex-status" if id_ else "/$reindex-status"
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        rows = answer.json()["parameter"]
        found = {row["name"]: row.get("valueCode", row.get("valueString")) for row in rows if "part" not in row}
        parts = [{p["name"]: p.get("valueInteger", p.get("valueCode")) for p in r["part"]} for r in rows if "part" in r]
        return {**found, "types": parts}


@pytest.fixture
async def served(index: Index) -> AsyncIterator[Served]:
    async def who(request: Any) -> Principal:
        return READER if "reader" in request.headers.get("authorization", "") else SERVICE

    audit = Audit(index.pool, index.record.clock)
    custom = SearchParameters(index.record, decide)
    app = Application(
        StoreRepository(index.record, audit), who, decide, audit, index.record.clock, validate_base,
        SecurityAudit(audit), custom.operations(), base="http://test", prepare={"SearchParameter": custom.prepare},
    )  # fmt: skip
    headers = {"content-type": "application/fhir+json"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers) as client:
        yield Served(client, index)


async def test_from_post_to_results(served: Served) -> None:
    client = served.client
    for n in range(4):
        body = {"resourceType": "Patient", "id": f"p{n}", "maritalStatus": {"coding": [{"code": "MS"[n % 2]}]}}
        assert (await client.put(f"/Patient/p{n}", json=body)).status_code == 201
    assert (await client.get("/Patient?marital=M")).status_code == 400
    answer = await client.put("/SearchParameter/marital", json=parameter("marital", "Patient.maritalStatus"))
    assert answer.status_code == 201, answer.text
    assert (await served.status("marital"))["state"] == "building"
    await served.index.reindexer.sync()
    status = await served.status("marital")
    assert status["state"] == "building"
    assert status["types"][0]["percent"] == 0
    assert (await served.status())["state"] == "running"
    refused = await client.get("/Patient?marital=M")
    assert refused.status_code == 503
    assert "not ready: 0 %" in refused.json()["issue"][0]["diagnostics"]
    assert refused.headers["retry-after"]
    await served.index.reindexer.once()
    assert (await served.status("marital"))["state"] == "active"
    assert await served.status() == {"state": "complete", "types": []}
    assert (await client.get("/Patient?marital=M")).json()["total"] == 2
    declared = next(r for r in (await client.get("/metadata")).json()["rest"][0]["resource"] if r["type"] == "Patient")
    assert {"name": "marital", "definition": "urn:test:marital", "type": "token"} in declared["searchParam"]
    assert (await client.delete("/SearchParameter/marital")).status_code in (200, 204)
    await served.index.reindexer.once()
    assert (await served.status("marital"))["state"] == "retired"
    assert (await client.get("/Patient?marital=M")).status_code == 400
    assert "urn:test:marital" not in (await client.get("/metadata")).text


@pytest.mark.parametrize(
    ("change", "where", "word"),
    [
        ({"expression": "Patient.maritalStatus.where("}, "SearchParameter.expression", ""),
        ({"expression": "Patient.nonsense"}, "SearchParameter.expression", "no element nonsense"),
        ({"expression": "Patient.name"}, "SearchParameter.expression", "which a token parameter cannot hold"),
        ({"expression": "Observation.code"}, "SearchParameter.expression", "gives nothing for a Patient"),
        ({"expression": "Patient.extension('urn:x')"}, "SearchParameter.expression", "Extension"),
        ({"code": "gender"}, "SearchParameter.code", "has a parameter 'gender' already"),
        ({"code": "a.b"}, "SearchParameter.code", "letters"),
        ({"type": "special"}, "SearchParameter.type", "special"),
        ({"expression": None}, "SearchParameter.expression", "needs an expression"),
        (
            {"type": "composite", "expression": "Patient", "component": [
                {"definition": "urn:none", "expression": "gender"},
                {"definition": "http://hl7.org/fhir/SearchParameter/Patient-active", "expression": "active"}]},
            "SearchParameter.component[0].definition",
            "urn:none",
        ),
    ],
)  # fmt: skip
async def test_one_that_cannot_be_searched_by_is_refused(
    served: Served, change: dict[str, Any], where: str, word: str
) -> None:
    changed = {**parameter("marital", "Patient.maritalStatus"), **change}
    body = {key: value for key, value in changed.items() if value is not None}
    answer = await served.client.put("/SearchParameter/marital", json=body)
    assert answer.status_code == 422, answer.text
    issue = answer.json()["issue"][0]
    assert issue["expression"] == [where] or where.rpartition(".")[0] in str(issue["expression"])
    assert word in answer.text
    draft = await served.client.put("/SearchParameter/marital", json={**body, "status": "draft"})
    assert draft.status_code in (201, 422), "a draft may be anything that is valid"


async def test_two_of_one_code(served: Served) -> None:
    await served.client.put("/SearchParameter/marital", json=parameter("marital", "Patient.maritalStatus"))
    await served.index.reindexer.once()
    twin = {**parameter("marital", "Patient.maritalStatus"), "id": "twin"}
    assert (await served.client.put("/SearchParameter/twin", json=twin)).status_code == 422
    other = {**twin, "url": "urn:other"}
    assert "already" in (await served.client.put("/SearchParameter/twin", json=other)).text
    again = await served.client.put("/SearchParameter/marital", json=parameter("marital", "Patient.maritalStatus"))
    assert again.status_code == 200


async def test_on_demand(served: Served) -> None:
    await served.client.put("/Patient/p", json={"resourceType": "Patient", "id": "p", "gender": "male"})
    await served.index.pool.execute("DELETE FROM fhir_token")
    reader = {"authorization": "Bearer reader"}
    assert (await served.client.post("/$reindex?type=Patient", headers=reader)).status_code == 403
    assert (await served.client.post("/$reindex?type=Nonsense")).status_code == 400
    assert (await served.client.post("/$reindex?type=Patient")).status_code == 202
    await served.index.reindexer.once()
    assert (await served.client.get("/Patient?gender=male")).json()["total"] == 1
