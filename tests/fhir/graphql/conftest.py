"""The API with ``$graphql`` over a fresh database, spoken to in process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from wardbridge.core.clock import SystemClock
from wardbridge.core.errors import Unauthenticated
from wardbridge.fhir.graphql.operation import GraphQL
from wardbridge.fhir.rest.application import Application
from wardbridge.fhir.rest.audit_events import SecurityAudit
from wardbridge.fhir.rest.repository import StoreRepository
from wardbridge.fhir.store.record import Record
from wardbridge.security.audit import Audit
from wardbridge.security.policy import decide
from wardbridge.security.principal import Principal

WHO = {
    "service": Principal("ehr", "EHR", "service", frozenset({"service"}), ("system/*.cruds",)),
    "patients": Principal("viewer", "Viewer", "service", frozenset({"service"}), ("system/Patient.rs",)),
    "technician": Principal("tech", "Tech", "user", frozenset({"technician"})),
}


async def authenticate(request: Any) -> Principal:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token not in WHO:
        raise Unauthenticated("please send a bearer token")
    return WHO[token]


@dataclass
class Api:
    client: httpx.AsyncClient
    audit: Audit

    async def put(self, resource: dict[str, Any]) -> None:
        answer = await self.client.put(f"/{resource['resourceType']}/{resource['id']}", json=resource)
        assert answer.status_code in (200, 201), answer.text

    async def ask(self, query: str, at: str = "", who: str = "service", **members: Any) -> httpx.Response:
        return await self.client.post(
            f"{'/' + at if at else ''}/$graphql",
            json={"query": query, **members},
            headers={"authorization": f"Bearer {who}", "content-type": "application/json"},
        )

    async def data(self, query: str, at: str = "", **members: Any) -> Any:
        """The data of an answer without errors."""
        answer = await self.ask(query, at, **members)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/json")
        body = answer.json()
        assert "errors" not in body, body
        return body["data"]

    async def errors(self, query: str, at: str = "", **members: Any) -> list[dict[str, Any]]:
        answer = await self.ask(query, at, **members)
        assert answer.status_code in (200, 400), answer.text
        found: list[dict[str, Any]] = answer.json()["errors"]
        return found


@pytest.fixture
async def api(database: Any) -> AsyncIterator[Api]:
    record = Record(database.pool, SystemClock(), bases=("http://test/fhir",))
    await record.load()
    audit = Audit(database.pool, SystemClock())
    app = Application(
        StoreRepository(record, audit),
        authenticate,
        decide,
        audit,
        SystemClock(),
        audit_source=SecurityAudit(audit),
        operations=GraphQL(record, decide, audit).operations(),
        base="http://test/fhir",
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://test",
        headers={"authorization": "Bearer service", "content-type": "application/fhir+json"},
    ) as client:
        yield Api(client, audit)


NAMES = [
    {"use": "official", "family": "Okafor", "given": ["Ada", "Nneka"]},
    {"use": "usual", "given": ["Addie"]},
    {"use": "maiden", "family": "Eze", "given": ["Ada"]},
]


@pytest.fixture
async def ward(api: Api) -> Api:
    """A patient with a ward round's worth of resources around her."""
    await api.put(
        {
            "resourceType": "Patient",
            "id": "ada",
            "active": True,
            "name": NAMES,
            "birthDate": "1980-05-06",
            "_birthDate": {"extension": [{"url": "urn:time", "valueDateTime": "1980-05-06T10:00:00Z"}]},
            "multipleBirthInteger": 2,
            "generalPractitioner": [{"reference": "#gp"}, {"reference": "Practitioner/amir"}],
            "contained": [{"resourceType": "Practitioner", "id": "gp", "name": [{"family": "Inside"}]}],
            "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "a@x"}],
        }
    )
    await api.put({"resourceType": "Patient", "id": "bo", "active": False, "name": [{"family": "Bo"}]})
    await api.put({"resourceType": "Practitioner", "id": "amir", "name": [{"family": "Amir"}]})
    for number, value in enumerate(("72.50", "80", "95.0")):
        await api.client.put(
            f"/Observation/hr{number}",
            content=f"""{{"resourceType":"Observation","id":"hr{number}","status":"final",
                "code":{{"coding":[{{"system":"http://loinc.org","code":"8867-4"}}]}},
                "subject":{{"reference":"Patient/ada"}},"performer":[{{"reference":"Practitioner/amir"}}],
                "effectiveDateTime":"2026-01-0{number + 1}","valueQuantity":{{"value":{value},"unit":"/min"}}}}""",
        )
    await api.put(
        {
            "resourceType": "Observation",
            "id": "lost",
            "status": "final",
            "code": {"text": "lost"},
            "subject": {"reference": "Patient/nobody"},
            "performer": [{"reference": "https://elsewhere.example/fhir/Practitioner/9"}, {"display": "by hand"}],
        }
    )
    return api
